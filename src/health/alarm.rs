//! What health comes to: alarms, the events that they make, and how the whole host does.
//!
//! Plain data, so that it is stored, served and sent alike.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Severity, summary::Summary};
use crate::metric::Unit;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Alarm {
    /// Its number, above zero, which no other alarm gets while this one lives.
    pub id: u32,
    /// The rule that raised it: the alarm's name.
    pub rule: String,
    /// What it is about, as text: `mountpoint=/`; empty where there is only one.
    pub instance: String,
    /// The same as labels.
    pub labels: BTreeMap<String, String>,
    /// The section whose facts decided: `filesystem`.
    pub section: String,
    /// The full name of the metric: `vitals_filesystem_used_ratio`.
    pub metric: String,
    /// How bad it is now; `cleared` only in the event that ends it.
    pub severity: Severity,
    /// The worst that it has been.
    pub worst: Severity,
    /// The last known number, in the metric's base unit; of a rate, per second.
    pub value: f64,
    /// The level that it passed, in the same unit.
    pub threshold: f64,
    /// The number for people, as it was when the severity last changed: `91.3 %`.
    pub value_text: String,
    /// A sentence for people, of the same moment.
    pub message: String,
    /// When it was raised.
    pub raised: Timestamp,
    /// When its severity last changed.
    pub changed: Timestamp,
}

/// What happened to an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// It is new.
    Raised,
    /// Its severity is another.
    Changed,
    /// It is over.
    Cleared,
}

/// One change of one alarm, with the alarm as it was left.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Event {
    /// Rises by one with each event, also across restarts.
    pub sequence: u64,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub time: Timestamp,
    /// The alarm.
    pub alarm: Alarm,
}

/// How something does. In a monitoring plugin's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Known, and without an alarm.
    Ok,
    /// The worst alarm is a warning.
    Warning,
    /// There is a critical alarm.
    Critical,
    /// There are no facts to judge by.
    #[default]
    Unknown,
}

impl State {
    /// The names, in the order of their numbers.
    pub const NAMES: &'static [&'static str] = &["ok", "warning", "critical", "unknown"];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Critical => "critical",
            State::Unknown => "unknown",
        }
    }

    /// Its place in [`State::NAMES`] from 1, as SMI numbers it; a monitoring plugin's exit code is one less.
    pub fn number(self) -> u32 {
        match self {
            State::Ok => 1,
            State::Warning => 2,
            State::Critical => 3,
            State::Unknown => 4,
        }
    }

    /// The state of something whose alarms are `severities` and whose facts are `known`: an alarm says more than missing
    /// facts do, missing facts more than the lack of alarms.
    pub fn of(severities: impl Iterator<Item = Severity>, known: bool) -> State {
        match severities.max() {
            Some(Severity::Critical) => State::Critical,
            Some(Severity::Warning) => State::Warning,
            _ if known => State::Ok,
            _ => State::Unknown,
        }
    }
}

/// How one subject does.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Subject {
    /// As the configuration calls it.
    pub name: String,
    /// The worst of its alarms, or unknown without facts.
    pub state: State,
    /// Why there are no facts; `None` when there are.
    pub problem: Option<String>,
}

/// How the host does at one moment.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
pub struct Health {
    /// The active alarms, by their numbers.
    pub alarms: Vec<Alarm>,
    /// The worst of all subjects.
    pub overall: State,
    /// Each section of the snapshot.
    pub subjects: Vec<Subject>,
    /// Alarms raised since the state directory was made.
    pub raised_total: u64,
    /// Instances that passed a level at the last look and got no alarm, since there were too many.
    pub suppressed: u64,
    /// The few numbers that people ask for first.
    pub summary: Summary,
}

impl Health {
    /// How many alarms have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.alarms.iter().filter(|alarm| alarm.severity == severity).count()
    }
}

/// A number for people: `91.3 %`, `48.5 C`, `12 B`.
pub(super) fn text(value: f64, unit: Unit, rate: bool) -> String {
    let number = if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") };
    let text = match unit {
        Unit::Count | Unit::Average | Unit::Fraction | Unit::Timestamp => number,
        Unit::Ratio => format!("{:.1} %", value * 100.0),
        Unit::Celsius => format!("{value:.1} C"),
        Unit::Bytes => format!("{value:.0} B"),
        Unit::Seconds | Unit::ShortSeconds => format!("{number} s"),
        Unit::Volts => format!("{value:.3} V"),
        Unit::Amperes => format!("{value:.3} A"),
        Unit::Watts => format!("{value:.3} W"),
        Unit::Rpm => format!("{value:.0} rpm"),
        Unit::Hertz => format!("{value:.0} Hz"),
    };
    if rate { format!("{text}/s") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_outweighs_missing_facts_and_those_outweigh_silence() {
        let check = |severities: &[Severity], known| State::of(severities.iter().copied(), known);
        assert_eq!(check(&[Severity::Warning, Severity::Critical], false), State::Critical);
        assert_eq!(check(&[Severity::Warning], false), State::Warning);
        assert_eq!(check(&[], false), State::Unknown);
        assert_eq!(check(&[], true), State::Ok);
    }

    #[test]
    fn numbers_have_their_units() {
        assert_eq!(text(0.9131, Unit::Ratio, false), "91.3 %");
        assert_eq!(text(2.5, Unit::Count, true), "2.50/s");
        assert_eq!(text(-3.0, Unit::Celsius, false), "-3.0 C");
        assert_eq!(text(7.0, Unit::Count, false), "7");
    }
}
