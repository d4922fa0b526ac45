//! `vitalsd rules`: the rules in force.

use std::fmt::Write;
use std::path::Path;

use comfy_table::{Table, presets};

use super::{WRONG, configuration, print};
use crate::collect::{FAMILIES, Snapshot};
use crate::health::config::Direction;
use crate::health::rules::{Rule, compile};

/// List the rules in force, built in and configured.
///
/// A rule's name is the id of its alarms. A [[rule]] of the same name in the configuration replaces a built-in one;
/// `enabled = false` removes it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  vitalsd rules\n  vitalsd rules --names")]
pub struct Arguments {
    /// Print the names alone, one a line
    #[arg(long)]
    names: bool,
}

impl Arguments {
    pub(super) fn run(self, config: Option<&Path>) -> u8 {
        let Some(loaded) = configuration(config) else { return WRONG };
        let rules = compile(&loaded.config.rule, FAMILIES).rules;
        let text = if self.names { names(&rules) } else { table(&rules) };
        print(text.as_bytes())
    }
}

fn names(rules: &[Rule<Snapshot>]) -> String {
    rules.iter().map(|rule| format!("{}\n", rule.written.name)).collect()
}

fn table(rules: &[Rule<Snapshot>]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["RULE", "METRIC", "IS", "WARNING", "CRITICAL", "CLEAR", "FOR"]);
    let level = |level: Option<f64>| level.map(|level| level.to_string()).unwrap_or_default();
    for Rule { written, metric, .. } in rules {
        let globs: Vec<String> = written.labels.iter().map(|(label, glob)| format!("{label}={glob}")).collect();
        let globs = if globs.is_empty() { String::new() } else { format!("{{{}}}", globs.join(",")) };
        let metric = match &written.rate {
            Some(span) => format!("{metric}{globs} per second over {span}"),
            None => format!("{metric}{globs}"),
        };
        let direction = match written.direction {
            Direction::Above => "above",
            Direction::Below => "below",
        };
        let hold = written.hold.map(|hold| hold.to_string()).unwrap_or_default();
        let levels = [level(written.warning), level(written.critical), level(written.clear)];
        let cells = [written.name.clone(), metric, direction.to_string()].into_iter().chain(levels).chain([hold]);
        table.add_row(cells);
    }
    let mut out = String::new();
    for line in table.lines() {
        let _ = writeln!(out, "{}", line.trim());
    }
    out
}
