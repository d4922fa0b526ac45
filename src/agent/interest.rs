//! Who has asked for what lately: sections that cost much are read rarely while nobody asks and no rule looks at them.
//!
//! A request never collects. It leaves a mark on the segment that answered it; the publisher takes the marks, and a
//! section that was left alone is then read at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::collect::{SECTIONS, Snapshot};
use crate::health::rules::Rule;
use crate::metric::Now;

/// How long after it was asked for a section is read as often as configured: longer than managers usually wait between
/// two polls.
const REMEMBERED: Duration = Duration::from_secs(600);

/// The interest in each section, in their order.
pub struct Interest(Vec<Asked>);

/// The interest in one section.
#[derive(Default)]
pub struct Asked {
    /// When somebody last asked, in milliseconds since the agent started.
    last: AtomicU64,
    /// Whether a rule looks at it.
    needed: AtomicBool,
    wake: Notify,
}

impl Interest {
    /// As if everything had just been asked for.
    pub fn new() -> Interest {
        Interest(SECTIONS.iter().map(|_| Asked::default()).collect())
    }

    /// The interest in the section at this place.
    pub fn of(&self, place: usize) -> Option<&Asked> {
        self.0.get(place)
    }

    /// Somebody asks for this section. A name that is no section's is passed over.
    pub fn ask(&self, section: &str, now: Now) {
        for (asked, _) in self.0.iter().zip(SECTIONS).filter(|(_, known)| known.name() == section) {
            let left_alone = !asked.is_lively(now);
            asked.last.store(milliseconds(now), Ordering::Relaxed);
            if left_alone {
                asked.wake.notify_one();
            }
        }
    }

    /// These rules are in force.
    pub fn need(&self, rules: &[Rule<Snapshot>]) {
        for (asked, section) in self.0.iter().zip(SECTIONS) {
            let needed = rules.iter().any(|rule| rule.section == section.name());
            asked.needed.store(needed, Ordering::Relaxed);
        }
    }
}

impl Asked {
    /// Whether the section is to be read as often as configured.
    pub fn is_lively(&self, now: Now) -> bool {
        let since = milliseconds(now).saturating_sub(self.last.load(Ordering::Relaxed));
        self.needed.load(Ordering::Relaxed) || u128::from(since) < REMEMBERED.as_millis()
    }

    /// Until somebody asks who was not expected to.
    pub async fn awoken(&self) {
        self.wake.notified().await;
    }
}

fn milliseconds(now: Now) -> u64 {
    u64::try_from(now.monotonic.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Now {
        Now { wall: jiff::Timestamp::UNIX_EPOCH, monotonic: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_section_is_lively_for_a_while_after_it_was_asked_for() {
        let interest = Interest::new();
        let place = SECTIONS.iter().position(|section| section.name() == "process").expect("a section");
        let asked = interest.of(place).expect("as many as sections");
        assert!(asked.is_lively(at(599)) && !asked.is_lively(at(600)));
        interest.ask("process", at(700));
        interest.ask("nothing", at(700));
        assert!(asked.is_lively(at(1_299)) && !asked.is_lively(at(1_300)));
    }

    #[test]
    fn what_a_rule_looks_at_is_always_lively() {
        let interest = Interest::new();
        let rules = crate::health::rules::compile(&[], crate::collect::FAMILIES).rules;
        interest.need(&rules);
        let lively = |name: &str| {
            let place = SECTIONS.iter().position(|section| section.name() == name).expect("a section");
            interest.of(place).is_some_and(|asked| asked.is_lively(at(1_000_000)))
        };
        assert!(lively("filesystem") && !lively("process"));
    }
}
