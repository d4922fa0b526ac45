//! What is wrong with a configuration file, shown with file, line, column, key and remedy.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level as Mark, Renderer, Snippet};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The file can't be used.
    Error,
    /// The file can be used, but an operator would want to know.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Error or warning.
    pub level: Level,
    /// The key that it is about: `rule[2].metric`, counted from 0; empty for the file as a whole.
    pub key: String,
    /// Where in the file, in bytes; `None` for the file as a whole.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// All that is wrong with one file. Its Display is the whole report without colours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// The file, as it was named.
    pub file: String,
    /// Its text, secrets masked.
    pub source: String,
    /// In the order of the file.
    pub items: Vec<Finding>,
}

impl Findings {
    /// Whether the file can't be used.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|item| item.level == Level::Error)
    }

    /// One line each, for a log: `FILE:LINE:COLUMN: key: message; remedy`.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.items.iter().map(|item| {
            let place = match &item.span {
                Some(span) => {
                    let (line, column) = self.line_and_column(span.start);
                    format!("{}:{line}:{column}: ", self.file)
                }
                None if self.file.is_empty() => String::new(),
                None => format!("{}: ", self.file),
            };
            format!("{place}{}; {}", item.title(), item.remedy)
        })
    }

    /// The report that people read.
    pub fn render(&self, colours: bool) -> String {
        let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
        let reports: Vec<String> = self.items.iter().map(|item| self.render_one(&renderer, item)).collect();
        reports.join("\n\n")
    }

    fn render_one(&self, renderer: &Renderer, item: &Finding) -> String {
        let mark = match item.level {
            Level::Error => Mark::ERROR,
            Level::Warning => Mark::WARNING,
        };
        let title = match item.span {
            None if !self.file.is_empty() => format!("{}: {}", self.file, item.title()),
            _ => item.title(),
        };
        let mut group = Group::with_title(mark.primary_title(title));
        if let Some(span) = &item.span {
            let annotation = AnnotationKind::Primary.span(span.clone());
            group = group.element(Snippet::source(&self.source).path(&self.file).annotation(annotation));
        }
        renderer.render(&[group.element(Mark::HELP.message(&item.remedy))])
    }

    fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let before = self.source.get(..offset).unwrap_or(&self.source);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The line, from 0, in which `span` begins.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.line_and_column(span.start).0
    }
}

impl Finding {
    fn title(&self) -> String {
        if self.key.is_empty() { self.message.clone() } else { format!("{}: {}", self.key, self.message) }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl std::error::Error for Findings {}
