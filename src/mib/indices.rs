//! Indices that stay: a name gets a number when it is first seen and keeps it, across restarts too.
//!
//! Managers remember rows by index: a disk that takes another's number would continue the other's graphs. Names unseen
//! for 30 days are forgotten, and only then may their number be used again.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a name that isn't there keeps its number.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// The most names that one subject may have: more is a host that invents names, and must not grow the state for ever.
const MAX_NAMES: usize = 50_000;

/// The numbers of every subject's names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Indices {
    subjects: BTreeMap<String, BTreeMap<String, Kept>>,
    /// Whether there is something that the stored form lacks.
    #[serde(skip)]
    changed: bool,
}

/// The stored form, not yet checked.
#[derive(Deserialize)]
struct Stored {
    subjects: BTreeMap<String, BTreeMap<String, Kept>>,
}

impl TryFrom<Stored> for Indices {
    type Error = String;

    /// Refuses numbers that no row can have and numbers that two rows would share: a walk over those would not end.
    fn try_from(Stored { subjects }: Stored) -> Result<Self, Self::Error> {
        for (subject, names) in &subjects {
            let mut used = HashSet::new();
            for (name, kept) in names {
                if !(1..=MAX_INDEX).contains(&kept.index) || !used.insert(kept.index) {
                    return Err(format!("{subject}: {name} cannot have the number {}", kept.index));
                }
            }
        }
        Ok(Indices { subjects, changed: false })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Kept {
    index: u32,
    seen: Timestamp,
}

impl Indices {
    /// The numbers of these names (with the number that each would like), in their order. A name that doesn't fit any
    /// more is given none.
    pub fn assign(&mut self, subject: &str, names: &[(String, Option<u32>)], now: Timestamp) -> Vec<Option<u32>> {
        let kept = self.subjects.entry(subject.to_string()).or_default();
        let before = kept.len();
        kept.retain(|name, entry| {
            now.duration_since(entry.seen) < KEPT || names.iter().any(|(present, _)| present == name)
        });
        self.changed |= kept.len() != before;
        let mut used: HashSet<u32> = kept.values().map(|entry| entry.index).collect();
        let mut lowest = 1;
        names
            .iter()
            .map(|(name, preferred)| {
                if let Some(entry) = kept.get_mut(name) {
                    // Noted once a day: the date matters to the month, and state is not written for less.
                    if now.duration_since(entry.seen) > SignedDuration::from_hours(24) {
                        entry.seen = now;
                        self.changed = true;
                    }
                    return Some(entry.index);
                }
                if kept.len() >= MAX_NAMES {
                    return None;
                }
                let free = |index: &u32| (1..=MAX_INDEX).contains(index) && !used.contains(index);
                let index = preferred.filter(free).unwrap_or_else(|| {
                    while used.contains(&lowest) {
                        lowest += 1;
                    }
                    lowest
                });
                used.insert(index);
                kept.insert(name.clone(), Kept { index, seen: now });
                self.changed = true;
                Some(index)
            })
            .collect()
    }

    /// The number of a name that has one.
    pub fn of(&self, subject: &str, name: &str) -> Option<u32> {
        self.subjects.get(subject)?.get(name).map(|kept| kept.index)
    }

    /// Whether something changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}

/// InterfaceIndex and its kin: 1 to 2^31 - 1.
const MAX_INDEX: u32 = i32::MAX.unsigned_abs();

#[cfg(test)]
mod tests {
    use super::*;

    fn names(of: &[&str]) -> Vec<(String, Option<u32>)> {
        of.iter().map(|name| (name.to_string(), None)).collect()
    }

    #[test]
    fn names_keep_their_numbers() {
        let start = Timestamp::from_second(1_700_000_000).expect("a date");
        let later = |days: i64| start + SignedDuration::from_hours(24 * days);
        let mut indices = Indices::default();
        assert_eq!(indices.assign("disk", &names(&["a", "b"]), start), [Some(1), Some(2)]);
        assert_eq!(indices.assign("disk", &names(&["b", "c"]), later(1)), [Some(2), Some(3)]);
        assert_eq!(indices.assign("disk", &names(&["c", "a", "b"]), later(2)), [Some(3), Some(1), Some(2)]);
        assert_eq!(indices.assign("disk", &names(&["d"]), later(40)), [Some(1)], "forgotten after a month");
        assert_eq!(
            indices.assign("interface", &[("eth0".into(), Some(2)), ("eth1".into(), Some(2))], start),
            [Some(2), Some(1)]
        );
        let stored = serde_json::to_string(&indices).expect("json");
        let mut read: Indices = serde_json::from_str(&stored).expect("the same");
        assert_eq!(read.assign("disk", &names(&["x", "d"]), later(41)), [Some(2), Some(1)]);
    }

    #[test]
    fn numbers_that_no_row_can_have_are_refused() {
        let stored = |first: u32, second: u32| {
            let kept = |index| format!(r#"{{"index":{index},"seen":"2026-01-01T00:00:00Z"}}"#);
            let text = format!(r#"{{"subjects":{{"disk":{{"a":{},"b":{}}}}}}}"#, kept(first), kept(second));
            serde_json::from_str::<Indices>(&text).is_ok()
        };
        assert!(stored(1, 2) && stored(MAX_INDEX, 1));
        assert!(!stored(1, 1) && !stored(0, 1) && !stored(1, MAX_INDEX + 1));
    }
}
