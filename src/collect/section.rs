//! Sections: what is collected together, how it is scheduled, and how its outcome stands in the snapshot.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::{Config, Error, Family, Root, SECTIONS, Snapshot};
use crate::metric::{Index, Interval, Label, Metric, Now, Unit};

/// What a section's reader is: called on the section's own thread, it may block, and keeps what it needs between calls.
pub type Collector<T> = Box<dyn FnMut(Now) -> Result<T, Error> + Send>;

/// One section, declared.
pub struct Section<T: 'static> {
    /// As the configuration calls it.
    pub name: &'static str,
    /// Its own interval where neither the file nor `collect.interval` should decide: a costly section.
    pub interval: fn(&Config) -> Option<Interval>,
    /// How long a collection may take before the section is called late.
    pub deadline: Duration,
    /// Makes the reader.
    pub start: fn(&Setup) -> Collector<T>,
    /// Where its outcome stands.
    pub slot: fn(&mut Snapshot) -> &mut Slot<T>,
    /// Where its status is read.
    pub status: fn(&Snapshot) -> &Status,
}

/// What readers are made with.
#[derive(Clone)]
pub struct Setup {
    /// Where the host's files are.
    pub root: Root,
    /// The whole of `[collect]`.
    pub config: Config,
    /// The services to watch.
    pub services: Vec<super::service::Watch>,
    /// Asks systemd.
    pub units: super::service::UnitSource,
    /// Where text files are.
    pub textfile: super::textfile::Config,
    /// The commands of `[[extend]]`.
    pub commands: Vec<super::extend::Command>,
    /// Says how they last ran.
    pub runs: super::extend::RunSource,
    /// Since when interfaces are as they are; it outlives a reload.
    pub interfaces: super::interface::Memory,
}

/// Why a section has no facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Nothing was collected yet.
    Pending,
    /// The last collection failed, with this reason.
    Failed(String),
    /// The last collection is past its deadline and still running; no other is started until it returns.
    Late,
}

/// How a section does.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// When the facts were read; `None` before the first success.
    pub collected: Option<Now>,
    /// How long the last collection took.
    pub duration: Duration,
    /// Collections that ended, well or badly, or went past their deadline.
    pub runs: u64,
    /// Collections that failed or went past their deadline.
    pub failures: u64,
    /// Why there are no facts; `None` when there are.
    pub problem: Option<Problem>,
}

impl Default for Status {
    fn default() -> Self {
        Status { collected: None, duration: Duration::ZERO, runs: 0, failures: 0, problem: Some(Problem::Pending) }
    }
}

/// A section's place in the snapshot.
#[derive(Debug)]
pub struct Slot<T> {
    facts: Option<Arc<T>>,
    /// How the section does.
    pub status: Status,
}

impl<T> Slot<T> {
    /// The facts; `None` where the last collection failed, is late, or there was none.
    pub fn get(&self) -> Option<&T> {
        self.facts.as_deref()
    }

    /// A slot that holds facts read at `now`: for tests and for one-off collections.
    pub fn filled(facts: T, now: Now) -> Self {
        let mut slot = Slot::default();
        slot.settle(now, Duration::ZERO, Ok(facts));
        slot
    }

    fn settle(&mut self, now: Now, duration: Duration, result: Result<T, String>) {
        self.status.runs += 1;
        self.status.duration = duration;
        match result {
            Ok(facts) => {
                self.facts = Some(Arc::new(facts));
                self.status.collected = Some(now);
                self.status.problem = None;
            }
            Err(reason) => {
                self.facts = None;
                self.status.failures += 1;
                self.status.problem = Some(Problem::Failed(reason));
            }
        }
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Slot { facts: None, status: Status::default() }
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Slot { facts: self.facts.clone(), status: self.status.clone() }
    }
}

/// Puts an outcome into its slot, with the time that it took.
type Settle = Box<dyn FnOnce(&mut Snapshot, Duration) + Send>;

/// What a collection came to, not yet in a snapshot.
pub struct Outcome {
    section: &'static str,
    settle: Settle,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

impl Outcome {
    /// The section.
    pub fn section(&self) -> &'static str {
        self.section
    }

    /// Puts the facts, or the reason for their absence, into their slot. `duration` is what the collection took.
    pub fn settle(self, snapshot: &mut Snapshot, duration: Duration) {
        (self.settle)(snapshot, duration);
    }
}

/// A section's reader, its type forgotten: may block.
pub type Job = Box<dyn FnMut(Now) -> Outcome + Send>;

/// A section, its type forgotten.
pub trait AnySection: Send + Sync {
    /// As the configuration calls it.
    fn name(&self) -> &'static str;
    /// How often it is collected under this configuration.
    fn interval(&self, config: &Config) -> Duration;
    /// How long a collection may take before the section is called late.
    fn deadline(&self) -> Duration;
    /// Makes the reader. A panic in it is that section's failure.
    fn start(&self, setup: &Setup) -> Job;
    /// How the section does in this snapshot.
    fn status<'a>(&self, snapshot: &'a Snapshot) -> &'a Status;
    /// Notes that the running collection is past its deadline: the facts go, a failure is counted.
    fn mark_late(&self, snapshot: &mut Snapshot);
}

/// The least interval: anything faster measures the agent.
const LEAST_INTERVAL: Duration = Duration::from_secs(1);

impl<T: Send + Sync + 'static> AnySection for Section<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn interval(&self, config: &Config) -> Duration {
        (self.interval)(config).unwrap_or(config.interval).0.max(LEAST_INTERVAL)
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }

    fn start(&self, setup: &Setup) -> Job {
        let mut collector = (self.start)(setup);
        let (section, slot) = (self.name, self.slot);
        Box::new(move |now| {
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| collector(now)))
                .unwrap_or_else(|_| Err(Error::Peer("the collector panicked".into())))
                .map_err(|error| error.to_string());
            let failure = result.as_ref().err().cloned();
            let settle =
                Box::new(move |snapshot: &mut Snapshot, duration| slot(snapshot).settle(now, duration, result));
            Outcome { section, settle, failure }
        })
    }

    fn status<'a>(&self, snapshot: &'a Snapshot) -> &'a Status {
        (self.status)(snapshot)
    }

    fn mark_late(&self, snapshot: &mut Snapshot) {
        let deadline = self.deadline;
        let slot = (self.slot)(snapshot);
        slot.facts = None;
        slot.status.runs += 1;
        slot.status.failures += 1;
        slot.status.duration = deadline;
        slot.status.problem = Some(Problem::Late);
    }
}

/// One section as a row of its own.
pub struct SectionRow {
    name: &'static str,
    status: Status,
    now: Now,
}

/// The states of `section_state`, in order.
const STATES: &[&str] = &["ok", "pending", "failed", "late"];

/// How collecting itself does.
pub static FAMILY: Family<SectionRow> = Family {
    section: "section",
    subject: "section",
    object: "Section",
    arc: 3,
    help: "One part of what the agent collects, with its own schedule.",
    exported: true,
    rows: |snapshot, visit| {
        for section in SECTIONS {
            let status = section.status(snapshot).clone();
            visit(&SectionRow { name: section.name(), status, now: snapshot.now });
        }
    },
    index: Index::Name { key: |row| Cow::Borrowed(row.name), preferred: |_| None },
    labels: &[
        Label::identity(2, "section", "The section, as the configuration calls it.", "vitalsd", |row| {
            Some(Cow::Borrowed(row.name))
        }),
        Label::info(3, "problem", "Why the section has no facts; empty when it has.", "vitalsd", |row| {
            Some(match &row.status.problem {
                None => Cow::Borrowed(""),
                Some(Problem::Pending) => Cow::Borrowed("not collected yet"),
                Some(Problem::Failed(reason)) => Cow::Borrowed(reason.as_str()),
                Some(Problem::Late) => Cow::Borrowed("past its deadline"),
            })
        }),
    ],
    metrics: &[
        Metric::state(4, "state", STATES, "Whether the section has facts, and if not, why.", "vitalsd", |row| {
            let place: u64 = match row.status.problem {
                None => 1,
                Some(Problem::Pending) => 2,
                Some(Problem::Failed(_)) => 3,
                Some(Problem::Late) => 4,
            };
            Some(place.into())
        }),
        Metric::gauge(5, "age_seconds", Unit::ShortSeconds, "Time since the facts were read.", "vitalsd", |row| {
            let collected = row.status.collected?;
            Some(row.now.monotonic.saturating_sub(collected.monotonic).as_secs_f64().into())
        }),
        Metric::gauge(
            6,
            "duration_seconds",
            Unit::ShortSeconds,
            "How long the last collection took.",
            "vitalsd",
            |row| Some(row.status.duration.as_secs_f64().into()),
        ),
        Metric::counter(
            7,
            "collections_total",
            Unit::Count,
            "Collections that ended or went past their deadline.",
            "vitalsd",
            |row| Some(row.status.runs.into()),
        ),
        Metric::counter(
            8,
            "failures_total",
            Unit::Count,
            "Collections that failed or went past their deadline.",
            "vitalsd",
            |row| Some(row.status.failures.into()),
        ),
    ],
};
