//! The commands of `[[extend]]`: what they printed when they last ran.
//!
//! They are run elsewhere, in the background, each on its own schedule: here their results are only taken over, so that a
//! command that hangs holds up nothing. What they print is in NET-SNMP-EXTEND-MIB; how they do is a family of its own.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DEADLINE, Family, Section};
use crate::metric::{Index, Interval, Label, Metric, Now, Unit};

/// A command to run in the background. It is not given to a shell, and nobody can change it over SNMP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Command {
    /// What it is called in NET-SNMP-EXTEND-MIB. `distro`, `hardware`, `manufacturer`, `serial` and `version` are there
    /// without any command; one of these names takes the place of what is built in.
    pub name: String,
    /// The program, from `/` on, and its arguments.
    pub command: Vec<String>,
    /// How often it is run; the least is 1s.
    pub interval: Interval,
    /// How long it may take before it is killed, with all that it started.
    pub timeout: Interval,
}

impl Default for Command {
    fn default() -> Self {
        Command {
            name: String::new(),
            command: Vec::new(),
            interval: Interval::seconds(300),
            timeout: Interval::seconds(10),
        }
    }
}

/// The longest name: an index of a row must hold it.
const MAX_NAME: usize = 64;

/// What is wrong with the configuration: the place in the list, the key, and a sentence.
pub fn check(commands: &[Command]) -> Vec<(usize, &'static str, String)> {
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for (place, command) in commands.iter().enumerate() {
        let graphic = command.name.bytes().all(|byte| byte.is_ascii_graphic());
        if command.name.is_empty() || command.name.len() > MAX_NAME || !graphic {
            wrong.push((place, "name", format!("a name is 1 to {MAX_NAME} ASCII characters without blanks")));
        } else if !names.insert(command.name.as_str()) {
            wrong.push((place, "name", format!("another command is called `{}`", command.name)));
        }
        if !command.command.first().is_some_and(|program| program.starts_with('/')) {
            wrong.push((
                place,
                "command",
                "a command is a list whose first text is a program's path from `/` on".into(),
            ));
        } else if command.command.iter().any(|text| text.contains('\0')) {
            wrong.push((place, "command", "a command can't hold a NUL".into()));
        }
        for (key, span) in [("interval", command.interval), ("timeout", command.timeout)] {
            if span.0.is_zero() {
                wrong.push((place, key, "a span above 0s is needed".into()));
            }
        }
    }
    wrong
}

/// How a command last ran.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Run {
    /// When it ended, or was ended; `None` before the first time.
    pub ended: Option<Now>,
    /// How long it took.
    pub duration: Duration,
    /// Its exit status, or why it has none: it could not be started, took too long, printed too much.
    pub result: Option<Result<i32, String>>,
    /// What it printed to standard output; bytes that aren't UTF-8 are U+FFFD.
    pub output: String,
    /// How often it ran.
    pub runs: u64,
    /// How often it ended with another status than 0, or none.
    pub failures: u64,
}

/// Says how each command last ran, by its name; it doesn't block.
pub type RunSource = Arc<dyn Fn() -> BTreeMap<String, Run> + Send + Sync>;

/// A source for where no command is run.
pub fn no_runs() -> RunSource {
    Arc::new(BTreeMap::new)
}

/// A command, and how it last ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Extend {
    /// As the configuration has it.
    pub command: Command,
    /// How it last ran.
    pub run: Run,
}

/// The section.
pub static SECTION: Section<Vec<Extend>> = Section {
    name: "extend",
    interval: |_| None,
    deadline: DEADLINE,
    start: |setup| {
        let (commands, runs) = (setup.commands.clone(), setup.runs.clone());
        Box::new(move |_now| {
            let mut known = runs();
            let rows = commands.iter().map(|command| Extend {
                command: command.clone(),
                run: known.remove(&command.name).unwrap_or_default(),
            });
            Ok(rows.collect())
        })
    },
    slot: |snapshot| &mut snapshot.extend,
    status: |snapshot| &snapshot.extend.status,
};

/// What leaves the agent.
pub static FAMILY: Family<Extend> = Family {
    section: "extend",
    subject: "extend",
    object: "Extend",
    arc: 45,
    help: "A command of [[extend]], run in the background.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(rows) = snapshot.extend.get() {
            rows.iter().for_each(visit);
        }
    },
    index: Index::Name { key: |row| Cow::Borrowed(&row.command.name), preferred: |_| None },
    labels: &[
        Label::identity(2, "command", "Its name.", "the configuration", |row| Some(Cow::Borrowed(&row.command.name))),
        Label::info(3, "problem", "Why it has no exit status; empty when it has.", "vitalsd", |row| {
            match &row.run.result {
                Some(Err(reason)) => Some(Cow::Borrowed(reason)),
                Some(Ok(_)) => Some(Cow::Borrowed("")),
                None => Some(Cow::Borrowed("not run yet")),
            }
        }),
    ],
    metrics: &[
        Metric::gauge(
            4,
            "exit_status",
            Unit::Count,
            "Its exit status; absent where it was killed.",
            "wait(2)",
            |row| {
                let status = row.run.result.as_ref()?.as_ref().ok()?;
                Some(i64::from(*status).into())
            },
        ),
        Metric::gauge(5, "end_timestamp_seconds", Unit::Timestamp, "When it last ended.", "vitalsd", |row| {
            row.run.ended.map(|ended| ended.unix_seconds().into())
        }),
        Metric::gauge(6, "duration_seconds", Unit::ShortSeconds, "How long it last took.", "vitalsd", |row| {
            row.run.ended.map(|_| row.run.duration.as_secs_f64().into())
        }),
        Metric::counter(7, "runs_total", Unit::Count, "How often it ran.", "vitalsd", |row| Some(row.run.runs.into())),
        Metric::counter(
            8,
            "failures_total",
            Unit::Count,
            "How often it ended with another status than 0, or none.",
            "vitalsd",
            |row| Some(row.run.failures.into()),
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_commands_are_refused() {
        let command = |name: &str, command: &[&str]| Command {
            name: name.into(),
            command: command.iter().map(ToString::to_string).collect(),
            ..Command::default()
        };
        let commands = [
            command("good", &["/bin/true"]),
            command("good", &["/bin/true"]),
            command("", &["/bin/true"]),
            command("with blank", &["/bin/true"]),
            command("relative", &["true"]),
            command("nothing", &[]),
            command("nul", &["/bin/echo", "\0"]),
            Command { timeout: Interval::seconds(0), ..command("never", &["/bin/true"]) },
        ];
        let wrong: Vec<_> = check(&commands).into_iter().map(|(place, key, _)| (place, key)).collect();
        let expected =
            [(1, "name"), (2, "name"), (3, "name"), (4, "command"), (5, "command"), (6, "command"), (7, "timeout")];
        assert_eq!(wrong, expected);
    }
}
