//! What people are told of targets: how each does, and what came of a test.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::outbox::{Item, Notice};
use super::snmp::{self, Means, Progress};
use super::target::Target;
use crate::snmp::notification::Kind;

/// The longest that a test waits, whatever the targets' own time-outs and retries.
pub const MOST_TESTING: Duration = Duration::from_secs(60);

/// How a target did since the agent started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fared {
    delivered: u64,
    failures: u64,
    last_error: Option<String>,
    is_failing: bool,
}

impl Fared {
    /// Notes how a batch fared.
    pub fn note(&mut self, delivered: u64, failure: Option<String>) {
        self.delivered = self.delivered.saturating_add(delivered);
        self.is_failing = failure.is_some();
        if failure.is_some() {
            self.failures = self.failures.saturating_add(1);
            self.last_error = failure;
        }
    }
}

/// How a target does.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Status {
    /// What the agent calls it.
    pub name: String,
    /// Where it is: `udp:192.0.2.10:162`.
    pub target: String,
    /// How it is told: `v3 inform`.
    pub how: String,
    /// Notices that wait for it.
    pub pending: usize,
    /// Notices that were dropped as its queue was full, ever.
    pub dropped: u64,
    /// Traps sent since the agent started.
    pub sent: u64,
    /// Informs acknowledged since the agent started.
    pub acknowledged: u64,
    /// Attempts that failed since the agent started.
    pub failures: u64,
    /// Whether the last attempt failed.
    pub is_failing: bool,
    /// Why the last failed one did; `None` when none has since the agent started.
    pub last_error: Option<String>,
}

impl Status {
    /// Puts it together.
    pub fn of(target: &Target, pending: usize, dropped: u64, fared: Fared) -> Status {
        let Fared { delivered, failures, last_error, is_failing } = fared;
        let (sent, acknowledged) = match target.kind {
            Kind::Trap => (delivered, 0),
            Kind::Inform => (0, delivered),
        };
        let (name, written) = (target.name.clone(), target.written.clone());
        Status {
            name,
            target: written,
            how: target.to_string(),
            pending,
            dropped,
            sent,
            acknowledged,
            failures,
            is_failing,
            last_error,
        }
    }
}

/// What came of a test of one target.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Tested {
    /// What the agent calls the target.
    pub name: String,
    /// Where it is.
    pub target: String,
    /// How it is told: `v3 inform`.
    pub how: String,
    /// What came of it.
    pub outcome: Outcome,
    /// The line that snmptrapd's configuration needs, where the version is 3.
    pub receiver_line: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A trap left; whether it arrived can't be known.
    Sent,
    /// An inform was acknowledged, so many milliseconds after it was first sent.
    AcknowledgedAfterMilliseconds(u64),
    /// Why it failed.
    Failed(String),
}

/// Tests these targets, all at once.
pub async fn test(targets: impl Iterator<Item = Arc<Target>>, means: &Means) -> Vec<Tested> {
    let engine = means.origin.identity().0;
    let mut testing = JoinSet::new();
    for target in targets {
        let (means, engine) = (means.clone(), engine.clone());
        testing.spawn(async move {
            let outcome = outcome(&target, &means).await;
            Tested {
                name: target.name.clone(),
                target: target.written.clone(),
                how: target.to_string(),
                outcome,
                receiver_line: target.receiver_line(&engine),
            }
        });
    }
    let mut tested = testing.join_all().await;
    tested.sort_by(|left, right| left.name.cmp(&right.name));
    tested
}

async fn outcome(target: &Target, means: &Means) -> Outcome {
    // Not of the queue's numbers: a receiver that drops repeats must not drop this.
    let number = match snmp::random() {
        Ok(number) => u64::try_from(number).unwrap_or_default(),
        Err(reason) => return Outcome::Failed(reason),
    };
    let begun = Instant::now();
    let items = [Item { number, notice: Notice::Test }];
    let progress = Progress::default();
    let sending = snmp::send(target, means, &items, &progress);
    let Ok(sent) = tokio::time::timeout(MOST_TESTING, sending).await else {
        return Outcome::Failed(format!("nothing within {} s", MOST_TESTING.as_secs()));
    };
    match (sent, target.kind) {
        (Err(reason), _) => Outcome::Failed(reason),
        (Ok(()), Kind::Trap) => Outcome::Sent,
        (Ok(()), Kind::Inform) => {
            let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            Outcome::AcknowledgedAfterMilliseconds(milliseconds)
        }
    }
}
