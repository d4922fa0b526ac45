//! Reading the file: all of its mistakes at once, or the configuration.

use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use toml::de::DeTable;
use zeroize::Zeroizing;

use super::{Config, Finding, Findings, Level, checks, tree};
use crate::secret::Secret;

/// Where the file is looked for when none is named.
pub const DEFAULT_PATH: &str = "/etc/vitalsd/vitalsd.toml";

/// The most that is read: a configuration is smaller, and a wrong path must not fill the memory.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// The permission that lets everybody read a file. The group's is the site's own choice.
const OTHERS_READ: u32 = 0o004;

/// A configuration that was found good.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What is in force; secrets that stand in files of their own have been read.
    pub config: Config,
    /// The file; `None` for what is built in.
    pub path: Option<PathBuf>,
    /// What an operator would want to know.
    pub warnings: Findings,
}

/// Reads `path`, or [`DEFAULT_PATH`] if it is there, or takes what is built in.
pub fn load(path: Option<&Path>) -> Result<Loaded, Findings> {
    let path = match path {
        Some(path) => path,
        None if Path::new(DEFAULT_PATH).exists() => Path::new(DEFAULT_PATH),
        None => return Ok(Loaded { config: Config::built_in(), path: None, warnings: Findings::default() }),
    };
    let failed = |error: io::Error| Findings {
        file: path.display().to_string(),
        source: String::new(),
        items: vec![Finding {
            level: Level::Error,
            key: String::new(),
            span: None,
            message: error.to_string(),
            remedy: "name a readable file with --config".into(),
        }],
    };
    let text = read(path).map_err(failed)?;
    let open = readable_by_others(path).map_err(failed)?;
    let (config, warnings) = load_text(&path.display().to_string(), &text, open)?;
    Ok(Loaded { config, path: Some(path.to_path_buf()), warnings })
}

/// The text of a file, up to a bound; zeroed when it is dropped, as it may hold secrets.
fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    if fs::metadata(path)?.len() > MAX_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large for a configuration"));
    }
    fs::read_to_string(path).map(Zeroizing::new)
}

pub(super) fn readable_by_others(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.mode() & OTHERS_READ != 0)
}

/// Reads a configuration from its text. `file` is what it is called in messages, `open` says whether everybody can
/// read it.
pub fn load_text(file: &str, text: &str, open: bool) -> Result<(Config, Findings), Findings> {
    let schema = tree::schema();
    let (mut tree, syntax) = DeTable::parse_recoverable(text);
    let mut walk = tree::Walk::default();
    walk.table(tree.get_mut(), &schema, "");
    let whole = tree.clone();

    let mut items = walk.unknown;
    let config = tree::read(&mut tree, &schema, &mut items);
    let config = config.map(|mut config| {
        let problems = checks::all(&config);
        add_checked(&mut items, problems, whole.get_ref());
        take_secrets(&mut config);
        config
    });
    if open && let Some((key, span)) = walk.secrets.first() {
        items.push(Finding {
            level: Level::Warning,
            key: key.clone(),
            span: Some(span.clone()),
            message: "a secret in a file that everybody can read".into(),
            remedy: format!("chmod o-r {file}, or move the secret to a file of its own"),
        });
    }
    let mut findings = Findings { file: file.to_string(), source: mask(text, &walk.secrets), items };
    add_syntax(&mut findings, &syntax);
    findings.items.sort_by_key(|item| item.span.as_ref().map(|span| span.start));
    match config {
        Some(config) if !findings.has_errors() => Ok((config, findings)),
        _ => Err(findings),
    }
}

/// What the checks found, save what is missing from a table with a mistake: it may well be what was misspelt.
fn add_checked(items: &mut Vec<Finding>, problems: Vec<checks::Problem>, tree: &DeTable<'_>) {
    let table = |key: &str| key.rsplit_once('.').map(|(table, _)| table.to_string()).unwrap_or_default();
    let known: Vec<String> = items.iter().map(|item| item.key.clone()).collect();
    let guilty: Vec<String> = items.iter().map(|item| table(&item.key)).collect();
    let follows = |key: &str| guilty.iter().any(|table| table == key) || known.iter().any(|known| known == key);
    for problem in problems {
        let (span, exact) = tree::find(tree, &problem.key);
        if !follows(&problem.key) && (exact || !follows(&table(&problem.key))) {
            let checks::Problem { level, key, message, remedy } = problem;
            items.push(Finding { level, key, span, message, remedy });
        }
    }
}

/// Mistakes of syntax. What was found beside on the same line comes of them; so may what isn't tied to a line.
fn add_syntax(findings: &mut Findings, syntax: &[toml::de::Error]) {
    let spans: Vec<Range<usize>> = syntax.iter().filter_map(toml::de::Error::span).collect();
    let lines: Vec<usize> = spans.iter().map(|span| findings.line(span)).collect();
    let mut items = std::mem::take(&mut findings.items);
    items.retain(|item| match &item.span {
        Some(span) => !lines.contains(&findings.line(span)),
        None => syntax.is_empty(),
    });
    let mut shown = Vec::new();
    for error in syntax {
        let line = error.span().map(|span| findings.line(&span));
        if shown.contains(&line) {
            continue;
        }
        shown.push(line);
        items.push(Finding {
            level: Level::Error,
            key: String::new(),
            span: error.span(),
            message: error.message().lines().collect::<Vec<_>>().join(", "),
            remedy:
                "texts and spans of time stand in quotes, lists in brackets, and each key once: see https://toml.io"
                    .into(),
        });
    }
    findings.items = items;
}

/// The text with each secret's letters replaced, for reports are kept in logs.
fn mask(text: &str, secrets: &[(String, Range<usize>)]) -> String {
    let hidden = |place: usize| secrets.iter().any(|(_, span)| place > span.start && place + 1 < span.end);
    text.char_indices().map(|(place, letter)| mask_letter(letter, hidden(place))).collect()
}

/// The mask has as many bytes as the letter, so that spans still fit.
fn mask_letter(letter: char, hidden: bool) -> String {
    if hidden && letter != '\n' { "*".repeat(letter.len_utf8()) } else { letter.to_string() }
}

/// Puts secrets that stand in files of their own in the place of the files' names; a file that can't be read was found by
/// the checks.
fn take_secrets(config: &mut Config) {
    let take = |secret: &mut Option<Secret>, file: &mut Option<PathBuf>| {
        if let Some(Ok(text)) = file.as_deref().map(secret_in) {
            (*secret, *file) = (Some(text), None);
        }
    };
    for community in &mut config.snmp.community {
        take(&mut community.name, &mut community.name_file);
    }
    for user in &mut config.snmp.user {
        take(&mut user.auth_password, &mut user.auth_password_file);
        take(&mut user.priv_password, &mut user.priv_password_file);
    }
    for target in &mut config.notify.snmp {
        take(&mut target.community, &mut target.community_file);
    }
}

/// The secret in a file: its first line.
pub(super) fn secret_in(path: &Path) -> io::Result<Secret> {
    let text = Zeroizing::new(read(path)?);
    Ok(Secret::new(text.lines().next().unwrap_or_default()))
}

/// Whether a file that should hold a secret has one: its first line isn't empty.
pub(super) fn holds_secret(path: &Path) -> io::Result<bool> {
    Ok(!secret_in(path)?.expose().trim().is_empty())
}
