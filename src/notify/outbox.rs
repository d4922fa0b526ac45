//! The outbox: what each target has yet to be told, in order, with back-off. Pure: told the time, it does no I/O.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::health::{Event, Severity};

/// The most that waits for one target; past it the oldest goes, and is counted. A receiver that was away for so many
/// alarms is better told of the newest.
pub const MOST_PENDING: usize = 1_000;

/// How many notices one sending takes: between two of them the journal is written.
const BATCH: usize = 16;

/// The first and the longest wait after a failure; each failure in a row doubles it.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What a target is told.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The agent started.
    ColdStart,
    /// The agent took over another configuration.
    WarmStart,
    /// A link went down, or came up.
    Link {
        /// ifIndex.
        index: u32,
        /// Whether it is up now.
        is_up: bool,
        /// ifAdminStatus.
        admin_status: u32,
        /// ifOperStatus.
        oper_status: u32,
    },
    /// Somebody asked with a community or keys that are wrong.
    AuthenticationFailure,
    /// An operator wants to see whether it arrives.
    Test,
    /// Something happened to an alarm.
    Event(Box<Event>),
}

/// A notice in a queue.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Item {
    /// Rises by one with each notice to this target, also across restarts.
    pub number: u64,
    /// What is told.
    pub notice: Notice,
}

/// What one sending takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The target's name.
    pub target: String,
    /// In order; never empty.
    pub items: Vec<Item>,
}

/// Every target's queue.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Outbox {
    queues: BTreeMap<String, Queue>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
#[serde(default)]
struct Queue {
    pending: VecDeque<Item>,
    /// The number of the last notice that was queued.
    last_number: u64,
    /// Notices that were dropped since the queue was full.
    dropped: u64,
    #[serde(skip)]
    minimum: Option<Severity>,
    #[serde(skip)]
    failures: u32,
    #[serde(skip)]
    not_before: Duration,
    #[serde(skip)]
    in_flight: bool,
}

impl Outbox {
    /// Has a queue for each of these targets, by name and least severity, and none for others: what waits for a target
    /// that is gone goes too.
    pub fn set_targets<'a>(&mut self, targets: impl Iterator<Item = (&'a str, Option<Severity>)>) {
        let mut before = std::mem::take(&mut self.queues);
        for (name, minimum) in targets {
            let mut queue = before.remove(name).unwrap_or_default();
            queue.minimum = minimum;
            queue.not_before = Duration::ZERO;
            self.queues.insert(name.to_string(), queue);
        }
    }

    /// Tells every target of a start, cold or warm. One that never heard of the last start of the kind hears of this one
    /// only. Returns how many older notices had to go for it.
    pub fn push_start(&mut self, notice: &Notice) -> u64 {
        for queue in self.queues.values_mut() {
            queue.pending.retain(|item| item.notice != *notice);
        }
        self.push(notice)
    }

    /// Tells every target that wants it: of an alarm, whose least severity the alarm has at some time had, so that who was
    /// told of its raising is told of its end; of anything else, everyone. Returns how many older notices had to go for it.
    pub fn push(&mut self, notice: &Notice) -> u64 {
        let mut dropped = 0;
        for queue in self.queues.values_mut() {
            let is_wanted = match notice {
                Notice::Event(event) => queue.minimum.is_none_or(|minimum| event.alarm.worst >= minimum),
                _ => true,
            };
            if is_wanted {
                let before = queue.dropped;
                queue.push(notice.clone());
                dropped += queue.dropped.saturating_sub(before);
            }
        }
        dropped
    }

    /// What is to be sent now: at most one batch a target, and none while one is on its way.
    pub fn due(&mut self, now: Duration) -> Vec<Batch> {
        let mut batches = Vec::new();
        for (name, queue) in &mut self.queues {
            if queue.is_ready() && queue.not_before <= now {
                queue.in_flight = true;
                let items = queue.pending.iter().take(BATCH).cloned().collect();
                batches.push(Batch { target: name.clone(), items });
            }
        }
        batches
    }

    /// When something is next due.
    pub fn next_due(&self) -> Option<Duration> {
        self.queues.values().filter(|queue| queue.is_ready()).map(|queue| queue.not_before).min()
    }

    /// Notes how a batch fared: the number of the last notice that was sent, if any, and whether all were. True when the
    /// outbox is another than it was.
    pub fn settle(&mut self, target: &str, sent: Option<u64>, complete: bool, now: Duration) -> bool {
        let Some(queue) = self.queues.get_mut(target) else { return false };
        queue.in_flight = false;
        let before = queue.pending.len();
        while queue.pending.front().is_some_and(|item| sent.is_some_and(|sent| item.number <= sent)) {
            queue.pending.pop_front();
        }
        if complete {
            queue.failures = 0;
            queue.not_before = now;
        } else {
            let wait = BACK_OFF.0.saturating_mul(1 << queue.failures.min(6)).min(BACK_OFF.1);
            queue.failures = queue.failures.saturating_add(1);
            queue.not_before = now.saturating_add(wait);
        }
        queue.pending.len() != before
    }

    /// Notes that a batch is lost without a word: whatever was on its way is due again.
    pub fn abandon(&mut self, now: Duration) {
        for queue in self.queues.values_mut().filter(|queue| queue.in_flight) {
            queue.in_flight = false;
            queue.not_before = now.saturating_add(BACK_OFF.1);
        }
    }

    /// How many notices wait for the target.
    pub fn pending(&self, target: &str) -> usize {
        self.queues.get(target).map_or(0, |queue| queue.pending.len())
    }

    /// How many notices to the target were dropped.
    pub fn dropped(&self, target: &str) -> u64 {
        self.queues.get(target).map_or(0, |queue| queue.dropped)
    }
}

impl Queue {
    fn is_ready(&self) -> bool {
        !self.in_flight && !self.pending.is_empty()
    }

    fn push(&mut self, notice: Notice) {
        if self.pending.len() >= MOST_PENDING {
            self.pending.pop_front();
            self.dropped = self.dropped.saturating_add(1);
        }
        self.last_number = self.last_number.saturating_add(1);
        self.pending.push_back(Item { number: self.last_number, notice });
    }
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::health::Alarm;
    use crate::health::alarm::EventKind;

    /// An event of an alarm that is, and has at worst been, so bad.
    pub fn event(sequence: u64, kind: EventKind, severity: Severity, worst: Severity) -> Event {
        let alarm = Alarm {
            id: 7,
            rule: "full".into(),
            instance: "mountpoint=/".into(),
            labels: BTreeMap::new(),
            section: "filesystem".into(),
            metric: "vitals_filesystem_used_ratio".into(),
            severity,
            worst,
            value: 0.9,
            threshold: 0.8,
            value_text: "90.0 %".into(),
            message: "it is full".into(),
            raised: Timestamp::UNIX_EPOCH,
            changed: Timestamp::UNIX_EPOCH,
        };
        Event { sequence, kind, time: Timestamp::UNIX_EPOCH, alarm }
    }

    fn outbox(minimum: Option<Severity>) -> Outbox {
        let mut outbox = Outbox::default();
        outbox.set_targets([("nms", minimum)].into_iter());
        outbox
    }

    fn raised(sequence: u64) -> Notice {
        Notice::Event(Box::new(event(sequence, EventKind::Raised, Severity::Warning, Severity::Warning)))
    }

    fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn order_holds_through_failures_and_waits_double() {
        let mut outbox = outbox(None);
        (1..=3).for_each(|sequence| assert_eq!(outbox.push(&raised(sequence)), 0));
        let numbers = |batches: &[Batch]| -> Vec<u64> {
            batches.iter().flat_map(|batch| batch.items.iter().map(|item| item.number)).collect()
        };
        assert_eq!(numbers(&outbox.due(second(0))), [1, 2, 3]);
        assert_eq!(outbox.due(second(0)), [], "one batch at a time");
        assert!(outbox.settle("nms", Some(1), false, second(0)));
        assert_eq!(outbox.next_due(), Some(second(1)));
        assert_eq!(outbox.due(second(0)), []);
        let mut waits = Vec::new();
        let mut now = second(1);
        for _ in 0..8 {
            assert_eq!(numbers(&outbox.due(now)), [2, 3]);
            assert!(!outbox.settle("nms", None, false, now));
            let next = outbox.next_due().expect("it waits");
            waits.push((next - now).as_secs());
            now = next;
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60, 60]);
        outbox.due(now);
        outbox.settle("nms", Some(3), true, now);
        assert_eq!((outbox.pending("nms"), outbox.next_due()), (0, None));
    }

    #[test]
    fn a_full_queue_drops_the_oldest_even_while_a_batch_is_on_its_way() {
        let mut outbox = outbox(None);
        (0..1_000).for_each(|sequence| assert_eq!(outbox.push(&raised(sequence)), 0));
        outbox.due(second(0));
        (0..20).for_each(|sequence| assert_eq!(outbox.push(&raised(sequence)), 1));
        assert_eq!((outbox.pending("nms"), outbox.dropped("nms")), (MOST_PENDING, 20));
        outbox.settle("nms", Some(16), true, second(0));
        assert_eq!(outbox.pending("nms"), MOST_PENDING);
        let first = outbox.due(second(0)).into_iter().flat_map(|batch| batch.items).next();
        assert_eq!(first.map(|item| item.number), Some(21));
    }

    #[test]
    fn the_least_severity_counts_the_worst_that_an_alarm_has_been() {
        let mut outbox = outbox(Some(Severity::Critical));
        let events = [
            (EventKind::Raised, Severity::Warning, Severity::Warning, 0),
            (EventKind::Changed, Severity::Critical, Severity::Critical, 1),
            (EventKind::Changed, Severity::Warning, Severity::Critical, 2),
            (EventKind::Cleared, Severity::Cleared, Severity::Critical, 3),
            (EventKind::Cleared, Severity::Cleared, Severity::Warning, 3),
        ];
        for (kind, severity, worst, pending) in events {
            outbox.push(&Notice::Event(Box::new(event(1, kind, severity, worst))));
            assert_eq!(outbox.pending("nms"), pending, "{kind:?} {severity:?} {worst:?}");
        }
    }

    #[test]
    fn a_restart_goes_on_where_it_was() {
        let mut before = outbox(None);
        before.push_start(&Notice::ColdStart);
        (1..=2).for_each(|sequence| assert_eq!(before.push(&raised(sequence)), 0));
        before.due(second(50));
        before.settle("nms", None, false, second(50));
        let stored = serde_json::to_string(&before).expect("plain data");
        let mut after: Outbox = serde_json::from_str(&stored).expect("what was written");
        after.set_targets([("nms", None), ("new", None)].into_iter());
        after.push_start(&Notice::ColdStart);
        let notices: Vec<_> = after
            .due(second(0))
            .into_iter()
            .map(|batch| (batch.target, batch.items.len(), batch.items[0].number))
            .collect();
        // The raisings, then the new start; the old one, which nobody heard of, is gone.
        assert_eq!(notices, [("new".to_string(), 1, 1), ("nms".to_string(), 3, 2)]);
    }
}
