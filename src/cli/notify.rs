//! `vitalsd notify`: how the targets of notifications do, and whether anything arrives there.

use std::fmt::Write;
use std::io;
use std::path::Path;
use std::time::Duration;

use comfy_table::{Table, presets};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{GOOD, complain, configuration, print, status};
use crate::agent::control::Targets;
use crate::notify::telling::{MOST_TESTING, Outcome, Status, Tested};

/// Show how the targets of notifications do, or test them.
///
/// Asks the running agent over its control socket. Exit code 0 all is good, 2 a target fails, 3 no agent runs, or there
/// is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  vitalsd notify status\n  vitalsd notify test\n  vitalsd notify test nms --json")]
pub struct Arguments {
    /// What to do
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print what waits for each target, what was sent, acknowledged and dropped, and the last error
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Have the agent send vitalsTest at once, and print what came of it
    ///
    /// A trap is never acknowledged: that it was sent is all that can be known. An inform is acknowledged or not. For
    /// version 3, the line is printed that the receiver's snmptrapd.conf needs: without it, traps are dropped in silence.
    Test {
        /// The target's name; absent: all of them
        name: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// The exit code where a target fails.
const TARGET_FAILS: u8 = 2;
/// The exit code of what isn't known.
const UNKNOWN: u8 = 3;

/// How long the agent may take to say how targets do.
const PATIENCE: Duration = Duration::from_secs(5);

impl Arguments {
    pub(super) fn run(self, config: Option<&Path>) -> u8 {
        let Some(loaded) = configuration(config) else { return UNKNOWN };
        let socket = status::socket(&loaded.config.agent);
        match self.what {
            What::Status { json } => {
                let answer: Option<Targets<Status>> = ask(&socket, "notify status", PATIENCE);
                let Some(answer) = answer else { return UNKNOWN };
                let is_bad = answer.targets.iter().any(|target| target.is_failing);
                say(&answer, json, status_text(&answer), is_bad)
            }
            What::Test { name, json } => {
                let line = format!("notify test {}", name.as_deref().unwrap_or_default());
                // Longer than the agent's own bound.
                let answer: Option<Targets<Tested>> = ask(&socket, line.trim_end(), MOST_TESTING + 2 * PATIENCE);
                let Some(answer) = answer else { return UNKNOWN };
                if let (Some(name), []) = (&name, &answer.targets[..]) {
                    complain(&format!("vitalsd: the agent has no target that is called `{name}`"));
                    return UNKNOWN;
                }
                let is_bad = answer.targets.iter().any(|target| matches!(target.outcome, Outcome::Failed(_)));
                say(&answer, json, test_text(&answer), is_bad)
            }
        }
    }
}

fn ask<T: DeserializeOwned>(socket: &Path, line: &str, patience: Duration) -> Option<T> {
    match status::ask_patiently(socket, line, patience) {
        Ok(answer) => Some(answer),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            complain("vitalsd: no agent is running");
            None
        }
        Err(error) => {
            complain(&format!("vitalsd: {}: {error}", socket.display()));
            None
        }
    }
}

fn say<T: Serialize>(answer: &T, json: bool, text: String, is_bad: bool) -> u8 {
    let text =
        if json { serde_json::to_string_pretty(answer).map(|text| text + "\n").unwrap_or_default() } else { text };
    match print(text.as_bytes()) {
        GOOD if is_bad => TARGET_FAILS,
        GOOD => GOOD,
        _ => UNKNOWN,
    }
}

fn test_text(answer: &Targets<Tested>) -> String {
    let mut out = format!("engine ID {}\n", answer.engine);
    if answer.targets.is_empty() {
        out.push_str("No targets: [[notify.snmp]] names them.\n");
    }
    for target in &answer.targets {
        let outcome = match &target.outcome {
            Outcome::Sent => "sent; whether a trap arrives can't be known here".to_string(),
            Outcome::AcknowledgedAfterMilliseconds(milliseconds) => format!("acknowledged in {milliseconds} ms"),
            Outcome::Failed(reason) => format!("FAILED: {reason}"),
        };
        let _ = writeln!(out, "\n{}  {}  {}\n  {outcome}", target.name, target.target, target.how);
        if let Some(line) = &target.receiver_line {
            let _ = writeln!(out, "  its snmptrapd.conf: {line}");
        }
    }
    out
}

fn status_text(answer: &Targets<Status>) -> String {
    let mut out = format!("engine ID {}\n", answer.engine);
    if answer.targets.is_empty() {
        out.push_str("No targets: [[notify.snmp]] names them.\n");
        return out;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "TARGET",
        "ADDRESS",
        "HOW",
        "PENDING",
        "SENT",
        "ACKNOWLEDGED",
        "DROPPED",
        "FAILED",
        "LAST ERROR",
    ]);
    for target in &answer.targets {
        let said = target.last_error.clone().unwrap_or_default();
        let error = if target.is_failing || said.is_empty() { said } else { format!("(over) {said}") };
        table.add_row([
            target.name.clone(),
            target.target.clone(),
            target.how.clone(),
            target.pending.to_string(),
            target.sent.to_string(),
            target.acknowledged.to_string(),
            target.dropped.to_string(),
            target.failures.to_string(),
            error,
        ]);
    }
    out.push('\n');
    for line in table.lines() {
        let _ = writeln!(out, "{}", line.trim());
    }
    out
}
