//! The assessor: rules over a snapshot, what came of them before, and the time, to alarms and events.
//!
//! Facts that are absent decide nothing: an alarm over them stays as it was, and none is raised. One crossing makes one
//! event; between the clear level and the level that raises, nothing changes. What must outlive a restart is
//! [`Memory`]; hold times and rates begin anew.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Severity;
use super::alarm::{self, Alarm, Event, EventKind, Health, State, Subject};
use super::rules::{Rule, Sample};
use super::summary::{Metrics, Summary};
use crate::collect::{Problem, SECTIONS, Snapshot};
use crate::metric::Now;

/// The most alarms that are active at once: far above what anyone reads, and a table that still walks in a second.
pub const MOST_ALARMS: usize = 1_000;

/// A rate's span is kept as at most about this many samples.
const SAMPLES_PER_SPAN: u32 = 32;

/// The highest number that an SMI index may have.
const HIGHEST_ID: u32 = 2_147_483_647;

/// What rules are assessed over.
pub trait Source {
    /// When this section's rows were read, since the agent's start; `None` where there are no facts to judge by.
    fn read_at(&self, section: &str) -> Option<Duration>;
}

impl Source for Snapshot {
    fn read_at(&self, section: &str) -> Option<Duration> {
        // What isn't collected, such as how collecting itself does, is always known.
        let Some(section) = SECTIONS.iter().find(|known| known.name() == section) else {
            return Some(self.now.monotonic);
        };
        let status = section.status(self);
        status.collected.filter(|_| status.problem.is_none()).map(|collected| collected.monotonic)
    }
}

/// What must outlive a restart.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Memory {
    /// The active alarms.
    pub alarms: Vec<Alarm>,
    /// The number of the last alarm raised.
    pub last_id: u32,
    /// The number of the last event.
    pub last_sequence: u64,
    /// Alarms raised ever.
    pub raised_total: u64,
}

/// A rule's name and an instance's text.
type Key = (String, String);

/// What is remembered of one instance between two looks.
#[derive(Debug, Default)]
struct Track {
    /// Since when the number is at or past the warning level, or the only one.
    warning_since: Option<Duration>,
    /// Since when it is at or past the critical level.
    critical_since: Option<Duration>,
    /// Earlier numbers, oldest first, for a rate.
    samples: VecDeque<(Duration, f64)>,
    /// The last rate.
    rate: Option<f64>,
}

/// Holds what is known of every instance between two looks.
pub struct Assessor<S: 'static = Snapshot> {
    rules: Vec<Rule<S>>,
    alarms: BTreeMap<Key, Alarm>,
    tracks: BTreeMap<Key, Track>,
    memory: Memory,
    suppressed: u64,
}

impl<S: Source> Assessor<S> {
    /// An assessor that goes on from where `memory` left off.
    pub fn new(rules: Vec<Rule<S>>, mut memory: Memory) -> Self {
        let alarms = std::mem::take(&mut memory.alarms);
        let alarms = alarms.into_iter().map(|alarm| ((alarm.rule.clone(), alarm.instance.clone()), alarm)).collect();
        Assessor { rules, alarms, tracks: BTreeMap::new(), memory, suppressed: 0 }
    }

    /// Puts other rules in force, as after a reload. Alarms of rules that are gone clear at the next look.
    pub fn replace_rules(&mut self, rules: Vec<Rule<S>>) {
        self.rules = rules;
        self.tracks.clear();
    }

    /// What must outlive a restart.
    pub fn memory(&self) -> Memory {
        let mut memory = self.memory.clone();
        memory.alarms = self.alarms();
        memory
    }

    /// The active alarms, by their numbers.
    pub fn alarms(&self) -> Vec<Alarm> {
        let mut alarms: Vec<Alarm> = self.alarms.values().cloned().collect();
        alarms.sort_by_key(|alarm| alarm.id);
        alarms
    }

    /// Looks at everything once.
    pub fn assess(&mut self, source: &S, now: Now) -> Vec<Event> {
        let mut events = Vec::new();
        self.suppressed = 0;
        let rules = std::mem::take(&mut self.rules);
        for rule in &rules {
            self.assess_rule(rule, source, now, &mut events);
        }
        let names: BTreeSet<&str> = rules.iter().map(|rule| rule.written.name.as_str()).collect();
        self.clear_where(|key| !names.contains(key.0.as_str()), "the rule is gone", now, &mut events);
        self.rules = rules;
        events
    }

    fn assess_rule(&mut self, rule: &Rule<S>, source: &S, now: Now, events: &mut Vec<Event>) {
        let Some(sampled) = source.read_at(rule.section) else { return };
        let mut seen = BTreeSet::new();
        rule.visit(source, &mut |sample| {
            let key = (rule.written.name.clone(), instance_text(&sample));
            // Two rows of one name (a mount upon a mount) would contradict each other: the first one counts.
            if !seen.insert(key.clone()) {
                return;
            }
            if let Some(value) = sample.value {
                self.judge(rule, key, sample, value, sampled, now, events);
            }
        });
        let name = rule.written.name.as_str();
        self.tracks.retain(|key, _| key.0 != name || seen.contains(key));
        self.clear_where(|key| key.0 == name && !seen.contains(key), "it is gone", now, events);
    }

    #[allow(clippy::too_many_arguments, reason = "one call, and each of them is another thing")]
    fn judge(
        &mut self,
        rule: &Rule<S>,
        key: Key,
        sample: Sample,
        value: f64,
        sampled: Duration,
        now: Now,
        events: &mut Vec<Event>,
    ) {
        let track = self.tracks.entry(key.clone()).or_default();
        let value = match rule.rate() {
            None => value,
            Some(span) => match track.rate(span, sampled, value, rule.counter) {
                Some(rate) => rate,
                None => return,
            },
        };
        let reached = track.reached(rule, value, now.monotonic);
        let active = self.alarms.get(&key).map(|alarm| alarm.severity);
        let critical_now = rule.written.critical.is_some_and(|level| rule.passes(value, level));
        let severity = match active {
            None => reached,
            Some(Severity::Critical) if critical_now => Severity::Critical,
            Some(_) if rule.clears(value) => Severity::Cleared,
            Some(Severity::Critical) if rule.written.warning.is_none() => Severity::Critical,
            Some(_) => reached.max(Severity::Warning),
        };
        match (active, severity) {
            (None, Severity::Cleared) => {}
            (None, _) if self.alarms.len() >= MOST_ALARMS => self.suppressed += 1,
            (None, _) => {
                let alarm = self.raise(rule, &key, sample, severity, now);
                let alarm = measured(alarm, rule, value);
                events.push(self.event(EventKind::Raised, &alarm, now));
                self.alarms.insert(key, alarm);
            }
            (Some(_), Severity::Cleared) => {
                if let Some(alarm) = self.alarms.remove(&key) {
                    let alarm = Alarm { severity, changed: now.wall, ..measured(alarm, rule, value) };
                    events.push(self.event(EventKind::Cleared, &alarm, now));
                }
            }
            (Some(before), _) => {
                if let Some(alarm) = self.alarms.remove(&key) {
                    let changed = if before == severity { alarm.changed } else { now.wall };
                    let worst = alarm.worst.max(severity);
                    let mut alarm = Alarm { severity, worst, changed, value, ..alarm };
                    // The words stay while the severity does: they are labels, and labels that change each time are costly.
                    if before != severity {
                        alarm = measured(alarm, rule, value);
                        events.push(self.event(EventKind::Changed, &alarm, now));
                    }
                    self.alarms.insert(key, alarm);
                }
            }
        }
    }

    fn raise(&mut self, rule: &Rule<S>, key: &Key, sample: Sample, severity: Severity, now: Now) -> Alarm {
        self.memory.raised_total = self.memory.raised_total.saturating_add(1);
        Alarm {
            id: self.next_id(),
            rule: key.0.clone(),
            instance: key.1.clone(),
            labels: sample.identity,
            section: rule.section.to_string(),
            metric: rule.metric.clone(),
            severity,
            worst: severity,
            value: 0.0,
            threshold: 0.0,
            value_text: String::new(),
            message: String::new(),
            raised: now.wall,
            changed: now.wall,
        }
    }

    fn next_id(&mut self) -> u32 {
        loop {
            self.memory.last_id = if self.memory.last_id >= HIGHEST_ID { 1 } else { self.memory.last_id + 1 };
            let id = self.memory.last_id;
            if self.alarms.values().all(|alarm| alarm.id != id) {
                return id;
            }
        }
    }

    fn event(&mut self, kind: EventKind, alarm: &Alarm, now: Now) -> Event {
        self.memory.last_sequence = self.memory.last_sequence.saturating_add(1);
        Event { sequence: self.memory.last_sequence, kind, time: now.wall, alarm: alarm.clone() }
    }

    fn clear_where(&mut self, is_over: impl Fn(&Key) -> bool, reason: &str, now: Now, events: &mut Vec<Event>) {
        let over: Vec<Key> = self.alarms.keys().filter(|key| is_over(key)).cloned().collect();
        for key in over {
            if let Some(mut alarm) = self.alarms.remove(&key) {
                alarm.severity = Severity::Cleared;
                alarm.changed = now.wall;
                alarm.message = format!("{} ({reason})", alarm.message);
                events.push(self.event(EventKind::Cleared, &alarm, now));
            }
        }
    }
}

impl Assessor<Snapshot> {
    /// How the host does, as of the last look.
    pub fn health(&self, snapshot: &Snapshot, metrics: &Metrics<Snapshot>) -> Health {
        let alarms = self.alarms();
        let severities = |section: Option<&str>| {
            let of_it = alarms.iter().filter(|alarm| section.is_none_or(|name| alarm.section == name));
            of_it.map(|alarm| alarm.severity).collect::<Vec<_>>().into_iter()
        };
        let subjects: Vec<Subject> = SECTIONS
            .iter()
            .map(|section| {
                let problem = section.status(snapshot).problem.as_ref().map(|problem| match problem {
                    Problem::Pending => "not collected yet".to_string(),
                    Problem::Failed(reason) => reason.clone(),
                    Problem::Late => "past its deadline".to_string(),
                });
                let state = State::of(severities(Some(section.name())), problem.is_none());
                Subject { name: section.name().to_string(), state, problem }
            })
            .collect();
        let known = self.rules.iter().all(|rule| snapshot.read_at(rule.section).is_some());
        Health {
            overall: State::of(severities(None), known),
            subjects,
            raised_total: self.memory.raised_total,
            suppressed: self.suppressed,
            summary: Summary::of(snapshot, metrics),
            alarms,
        }
    }
}

impl Track {
    /// The severity whose level has been passed for the rule's hold time.
    fn reached<S>(&mut self, rule: &Rule<S>, value: f64, now: Duration) -> Severity {
        let hold = rule.written.hold.map_or(Duration::ZERO, |hold| hold.0);
        let held = |level: Option<f64>, since: &mut Option<Duration>| {
            let passed = level.is_some_and(|level| rule.passes(value, level));
            *since = passed.then(|| since.unwrap_or(now));
            since.is_some_and(|since| now.saturating_sub(since) >= hold)
        };
        let critical = held(rule.written.critical, &mut self.critical_since);
        let warning = held(rule.written.warning, &mut self.warning_since);
        match (critical, warning) {
            (true, _) => Severity::Critical,
            (_, true) => Severity::Warning,
            _ => Severity::Cleared,
        }
    }

    /// Growth per second over at least `span`; `None` until that long was watched.
    fn rate(&mut self, span: Duration, sampled: Duration, value: f64, counter: bool) -> Option<f64> {
        let last = self.samples.back().copied();
        if counter && last.is_some_and(|(_, before)| value < before) {
            // Counted anew: what grew in between isn't known.
            self.samples.clear();
            self.rate = None;
        }
        if last.is_some_and(|(at, _)| at == sampled) {
            return self.rate;
        }
        while self.samples.get(1).is_some_and(|(at, _)| sampled.saturating_sub(*at) >= span) {
            self.samples.pop_front();
        }
        let oldest = self.samples.front().filter(|(at, _)| sampled.saturating_sub(*at) >= span);
        self.rate = oldest.map(|(at, before)| (value - before) / sampled.saturating_sub(*at).as_secs_f64());
        let spacing = span / SAMPLES_PER_SPAN;
        if self.samples.back().is_none_or(|(at, _)| sampled.saturating_sub(*at) >= spacing) {
            self.samples.push_back((sampled, value));
        }
        self.rate
    }
}

fn instance_text(sample: &Sample) -> String {
    let pairs: Vec<String> = sample.identity.iter().map(|(name, text)| format!("{name}={text}")).collect();
    pairs.join(",")
}

/// The alarm with its number, and the words that hold it.
fn measured<S>(mut alarm: Alarm, rule: &Rule<S>, value: f64) -> Alarm {
    let level = match alarm.severity {
        Severity::Critical => rule.written.critical.or(rule.written.warning),
        _ => rule.written.warning.or(rule.written.critical),
    };
    alarm.value = value;
    alarm.threshold = level.unwrap_or(value);
    let is_rate = rule.written.rate.is_some();
    alarm.value_text = alarm::text(value, rule.unit, is_rate);
    let threshold = alarm::text(alarm.threshold, rule.unit, is_rate);
    alarm.message = match &rule.written.message {
        Some(template) => fill(template, &alarm, &threshold),
        None => {
            let what = rule.help.trim_end_matches('.');
            let whose = if alarm.instance.is_empty() { String::new() } else { format!(" ({})", alarm.instance) };
            format!("{what}{whose}: {}, level {threshold}", alarm.value_text)
        }
    };
    alarm
}

/// Replaces `{value}`, `{threshold}`, `{instance}` and the labels' names in braces. What was put in isn't looked at again.
fn fill(template: &str, alarm: &Alarm, threshold: &str) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, after_name)) = after.split_once('}') else {
            text.push('{');
            rest = after;
            continue;
        };
        match name {
            "value" => text.push_str(&alarm.value_text),
            "threshold" => text.push_str(threshold),
            "instance" => text.push_str(&alarm.instance),
            _ => match alarm.labels.get(name) {
                Some(label) => text.push_str(label),
                None => text.push_str(&format!("{{{name}}}")),
            },
        }
        rest = after_name;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
#[path = "assess_tests.rs"]
mod tests;
