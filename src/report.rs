//! How the host does, for people and for monitoring plugins: what the agent answers on its control socket and
//! `vitalsd status` prints.
//!
//! Summaries are found among all families by the names of metrics, so that a subject without facts simply says less.

use std::fmt::Write;

use comfy_table::{Table, presets};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::collect::{FAMILIES, SECTIONS, Snapshot};
use crate::health::{self, Health, Severity, State};
use crate::metric::{Number, Projection, Role, Row, Unit};
use crate::snmp::engine_id::EngineId;

/// The whole.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Report {
    /// The agent's version.
    pub version: String,
    /// How long the agent has run, in seconds; `None` where none was asked.
    pub uptime_seconds: Option<f64>,
    /// The SNMP engine; `None` where none was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    /// The worst of all.
    pub overall: State,
    /// Each section, in reading order.
    pub subjects: Vec<Subject>,
    /// The active alarms.
    pub alarms: Vec<Alarm>,
}

/// The SNMP engine that runs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Engine {
    /// snmpEngineID.
    pub id: EngineId,
    /// snmpEngineBoots.
    pub boots: u32,
    /// snmpEngineTime, in seconds.
    pub seconds: u32,
    /// Why SNMPv3 isn't served; `None` when it is open.
    pub closed: Option<String>,
    /// The lines that the configuration of receivers of SNMPv3 needs, each behind its target's name.
    #[serde(default)]
    pub receivers: Vec<(String, String)>,
}

/// How one subject does.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Subject {
    /// As the configuration calls it.
    pub subject: String,
    /// The worst of its alarms, or unknown without facts.
    pub state: State,
    /// Its few numbers, in words; empty without facts.
    pub summary: String,
    /// How old the facts are, in seconds; `None` without facts.
    pub age_seconds: Option<f64>,
    /// Why there are no facts; `None` when there are.
    pub problem: Option<String>,
}

/// One active alarm.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Alarm {
    /// How bad it is.
    pub severity: Severity,
    /// The rule that raised it.
    pub name: String,
    /// What it is about: `mountpoint=/`; empty where there is only one.
    pub instance: String,
    /// The number that passed the level, with its unit.
    pub value: String,
    /// A sentence.
    pub message: String,
    /// Since when.
    pub raised: Timestamp,
}

impl Report {
    /// The report on one moment.
    pub fn build(snapshot: &Snapshot, health: &Health, uptime_seconds: Option<f64>, engine: Option<Engine>) -> Report {
        Report {
            version: env!("CARGO_PKG_VERSION").into(),
            uptime_seconds,
            engine,
            overall: health.overall,
            subjects: health.subjects.iter().map(|subject| describe(snapshot, subject)).collect(),
            alarms: health.alarms.iter().map(Alarm::from).collect(),
        }
    }

    /// For people: a table of subjects, then the alarms.
    pub fn text(&self, colours: bool) -> String {
        let mut out = format!("{}  vitalsd {}", paint(self.overall.name(), colours), self.version);
        if let Some(uptime) = self.uptime_seconds {
            let _ = write!(out, ", up {}", span(uptime));
        }
        if let Some(engine) = &self.engine {
            let _ = write!(out, "\nengine ID {}, boots {}", engine.id, engine.boots);
            if let Some(reason) = &engine.closed {
                let _ = write!(out, "\nSNMPv3 is closed: {}", one_line(reason));
            }
            for (target, line) in &engine.receivers {
                let _ = write!(out, "\nsnmptrapd.conf of {}: {}", one_line(target), one_line(line));
            }
        }
        out.push_str("\n\n");
        let mut subjects = table(&["STATE", "SUBJECT", "AGE", "SUMMARY"]);
        for subject in &self.subjects {
            let age = subject.age_seconds.map(span).unwrap_or_default();
            let said = subject.problem.as_ref().unwrap_or(&subject.summary);
            subjects.add_row([subject.state.name(), &subject.subject, &age, &one_line(said)]);
        }
        push_table(&mut out, &subjects, colours);
        if self.alarms.is_empty() {
            out.push_str("\nNo alarms.\n");
            return out;
        }
        out.push('\n');
        let mut alarms = table(&["SEVERITY", "ALARM", "INSTANCE", "VALUE", "SINCE", "MESSAGE"]);
        for alarm in &self.alarms {
            let since = alarm.raised.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
            let severity = severity_name(alarm.severity);
            let cells = [severity, &alarm.name, &one_line(&alarm.instance), &alarm.value, &since];
            alarms.add_row(cells.into_iter().chain([one_line(&alarm.message).as_str()]));
        }
        push_table(&mut out, &alarms, colours);
        out
    }
}

impl From<&health::Alarm> for Alarm {
    fn from(alarm: &health::Alarm) -> Self {
        Alarm {
            severity: alarm.severity,
            name: alarm.rule.clone(),
            instance: alarm.instance.clone(),
            value: alarm.value_text.clone(),
            message: alarm.message.clone(),
            raised: alarm.raised,
        }
    }
}

fn describe(snapshot: &Snapshot, subject: &health::alarm::Subject) -> Subject {
    let status = SECTIONS.iter().find(|section| section.name() == subject.name).map(|section| section.status(snapshot));
    let collected = status.and_then(|status| status.collected).filter(|_| subject.problem.is_none());
    Subject {
        subject: subject.name.clone(),
        state: subject.state,
        summary: if subject.problem.is_none() { summary(snapshot, &subject.name) } else { String::new() },
        age_seconds: collected.map(|at| snapshot.now.monotonic.saturating_sub(at.monotonic).as_secs_f64()),
        problem: subject.problem.clone(),
    }
}

/// Which of a metric's numbers is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pick {
    /// The only one.
    Only,
    /// The greatest, and whose it is.
    Greatest,
    /// All together.
    Sum,
    /// How many rows have one.
    Rows,
}

use Pick::{Greatest, Only, Rows, Sum};

/// What is said of each metric, by its subject and name, `{}` being its number; in this order. One that a host doesn't
/// have isn't said. A phrase that begins with a blank goes on with the one before.
const PHRASES: &[(&str, &str, Pick, &str)] = &[
    ("host", "uptime_seconds", Only, "up {}"),
    ("host", "users", Only, "{} users"),
    ("cpu", "used_ratio", Only, "{} used"),
    ("cpu", "processors", Only, "{} processors"),
    ("cpu", "load1", Only, "load {}"),
    ("cpu", "load5", Only, " {}"),
    ("cpu", "load15", Only, " {}"),
    ("memory", "used_ratio", Only, "{} used"),
    ("memory", "total_bytes", Only, " of {}"),
    ("memory", "swap_used_ratio", Only, "swap {} used"),
    ("filesystem", "used_ratio", Rows, "{} filesystems"),
    ("filesystem", "used_ratio", Greatest, "fullest {}"),
    ("disk", "io_time_seconds_total", Rows, "{} disks"),
    ("disk", "used_ratio", Greatest, "busiest {}"),
    ("interface", "up", Rows, "{} interfaces"),
    ("interface", "up", Sum, "{} up"),
    ("netstat", "tcp_established", Only, "{} TCP connections"),
    ("address", "ipv4", Only, "{} IPv4 addresses"),
    ("address", "ipv6", Only, "{} IPv6 addresses"),
    ("neighbour", "arp_entries", Sum, "{} IPv4 neighbours"),
    ("neighbour", "ipv6_entries", Sum, "{} IPv6 neighbours"),
    ("route", "ipv4", Only, "{} IPv4 routes"),
    ("route", "ipv6", Only, "{} IPv6 routes"),
    ("socket", "udp", Only, "{} UDP endpoints"),
    ("hardware", "packages", Only, "{} processor packages"),
    ("hwmon", "temperature_celsius", Greatest, "hottest {}"),
    ("hwmon", "fan_rpm", Rows, "{} fans"),
    ("processes", "number", Only, "{} processes"),
    ("processes", "threads", Only, "{} threads"),
    ("processes", "zombies", Only, "{} zombies"),
    ("services", "number", Only, "{} watched"),
    ("services", "down", Only, "{} down"),
    ("packages", "number", Only, "{} installed"),
];

/// The few numbers of one section, in words; where nothing is said of it, how many rows it has.
fn summary(snapshot: &Snapshot, section: &str) -> String {
    let families: Vec<_> = FAMILIES.iter().filter(|family| family.shape().section == section).collect();
    let phrase = |(subject, metric, pick, phrase): &(&str, &str, Pick, &str)| {
        let family = families.iter().find(|family| family.shape().subject == *subject)?;
        Some(say(phrase, &number(snapshot, **family, metric, *pick)?))
    };
    let said: Vec<String> = PHRASES.iter().filter_map(phrase).collect();
    if said.is_empty() {
        return families.iter().find_map(|family| rows(snapshot, **family)).unwrap_or_else(|| "none".into());
    }
    let joined = said.iter().map(|phrase| if phrase.starts_with(' ') { phrase.clone() } else { format!(", {phrase}") });
    joined.collect::<String>().trim_start_matches([',', ' ']).to_string()
}

/// How many rows a table has: `12 rows`.
fn rows(snapshot: &Snapshot, family: &dyn Projection<Snapshot>) -> Option<String> {
    let mut count = 0_u64;
    family.visit(snapshot, &mut |_| count += 1);
    (!family.shape().scalar && count > 0).then(|| say("{} rows", &count.to_string()))
}

/// The phrase with its number, in the singular where there is one of a thing.
fn say(phrase: &str, number: &str) -> String {
    let one = phrase.strip_suffix("es").filter(|word| word.ends_with("ss")).or_else(|| phrase.strip_suffix('s'));
    one.filter(|_| number == "1").unwrap_or(phrase).replace("{}", number)
}

fn number(snapshot: &Snapshot, family: &dyn Projection<Snapshot>, metric: &str, pick: Pick) -> Option<String> {
    let shape = family.shape();
    let place = shape.metrics.iter().position(|descriptor| descriptor.name == metric)?;
    let (mut count, mut sum) = (0_u32, 0.0);
    let mut greatest = (f64::NEG_INFINITY, String::new());
    family.visit(snapshot, &mut |row: &dyn Row| {
        let Some(value) = row.number(place).map(Number::as_f64).filter(|value| value.is_finite()) else { return };
        (count, sum) = (count.saturating_add(1), sum + value);
        if value > greatest.0 {
            let labels = shape.labels.iter().enumerate().filter(|(_, label)| label.role == Role::Identity);
            let names: Vec<String> = labels.filter_map(|(place, _)| row.label(place).map(Into::into)).collect();
            greatest = (value, names.join(" "));
        }
    });
    if count == 0 {
        return None;
    }
    let unit = shape.metrics[place].unit;
    Some(match pick {
        Rows => count.to_string(),
        Only | Sum => in_words(sum, unit),
        Greatest => format!("{} {}", greatest.1, in_words(greatest.0, unit)).trim_start().to_string(),
    })
}

/// A number with its unit, for people.
fn in_words(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count | Unit::Rpm if value.fract() == 0.0 => format!("{value:.0}"),
        Unit::Count | Unit::Average | Unit::Fraction | Unit::Rpm => format!("{value:.2}"),
        Unit::Ratio => format!("{:.1} %", value * 100.0),
        Unit::Bytes => bytes(value),
        Unit::Celsius => format!("{value:.1} C"),
        Unit::Seconds | Unit::ShortSeconds => span(value),
        Unit::Volts => format!("{value:.2} V"),
        Unit::Amperes => format!("{value:.2} A"),
        Unit::Watts => format!("{value:.1} W"),
        Unit::Hertz => format!("{:.0} MHz", value / 1e6),
        Unit::Timestamp => format!("{value:.0}"),
    }
}

fn bytes(mut value: f64) -> String {
    const STEP: f64 = 1024.0;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if value < STEP {
            return if unit == "B" { format!("{value:.0} B") } else { format!("{value:.1} {unit}") };
        }
        value /= STEP;
    }
    format!("{value:.1} PiB")
}

/// A span of seconds in its two greatest units: `3d 4h`.
pub fn span(seconds: f64) -> String {
    let whole = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs();
    let (days, hours, minutes) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{whole}s"),
        (0, 0, _) => format!("{minutes}m {}s", whole % 60),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

/// Names come from the host and may hold anything; a terminal must not obey them.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Cleared => "cleared",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(head);
    table
}

/// The table's lines; colours are put in afterwards, so that they don't count as width.
fn push_table(out: &mut String, table: &Table, colours: bool) {
    for line in table.lines() {
        let line = line.trim_end();
        let line = line.strip_prefix(' ').unwrap_or(line);
        let word = line.split(' ').next().unwrap_or_default();
        let _ = writeln!(out, "{}{}", paint(word, colours), &line[word.len()..]);
    }
}

/// A state's word in its colour.
fn paint(word: &str, colours: bool) -> String {
    let colour = match word {
        "ok" => "32",
        "warning" => "33",
        "critical" => "31",
        "unknown" => "35",
        _ => return word.to_string(),
    };
    if colours { format!("\x1b[{colour}m{word}\x1b[0m") } else { word.to_string() }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn report() -> Report {
        Report {
            version: "1.2.3".into(),
            uptime_seconds: Some(93_784.0),
            engine: Some(Engine {
                id: EngineId::from_digest(&[0xab; 8]),
                boots: 3,
                seconds: 93_784,
                closed: Some("boots are lost".into()),
                receivers: vec![("nms".into(), "createUser nms".into())],
            }),
            overall: State::Critical,
            subjects: vec![
                Subject {
                    subject: "memory".into(),
                    state: State::Critical,
                    summary: "97.0 % used".into(),
                    age_seconds: Some(3.2),
                    problem: None,
                },
                Subject {
                    subject: "hwmon".into(),
                    state: State::Unknown,
                    summary: String::new(),
                    age_seconds: None,
                    problem: Some("no\x1b[2Jsuch file".into()),
                },
            ],
            alarms: vec![Alarm {
                severity: Severity::Critical,
                name: "memory-low".into(),
                instance: String::new(),
                value: "97.0 %".into(),
                message: "97.0 % of the memory is in use".into(),
                raised: Timestamp::UNIX_EPOCH,
            }],
        }
    }

    #[test]
    fn people_read_a_table() {
        expect![[r#"
            critical  vitalsd 1.2.3, up 1d 2h
            engine ID 80007ed980abababababababab, boots 3
            SNMPv3 is closed: boots are lost
            snmptrapd.conf of nms: createUser nms

            STATE     SUBJECT  AGE  SUMMARY
            critical  memory   3s   97.0 % used
            unknown   hwmon         no [2Jsuch file

            SEVERITY  ALARM       INSTANCE  VALUE   SINCE                 MESSAGE
            critical  memory-low            97.0 %  1970-01-01 00:00:00Z  97.0 % of the memory is in use
        "#]]
        .assert_eq(&report().text(false));
        assert!(report().text(true).contains("\x1b[31mcritical\x1b[0m  memory "));
    }

    #[test]
    fn programs_read_json() {
        let text = serde_json::to_string(&report()).expect("a report is JSON");
        assert_eq!(serde_json::from_str::<Report>(&text).ok(), Some(report()));
        assert!(text.contains(r#""overall":"critical""#), "{text}");
    }

    #[test]
    fn every_phrase_is_of_a_metric_that_its_subject_has() {
        for (subject, metric, _, _) in PHRASES {
            let shapes = FAMILIES.iter().map(|family| family.shape()).filter(|shape| shape.subject == *subject);
            for shape in shapes {
                assert!(shape.metrics.iter().any(|descriptor| descriptor.name == *metric), "{subject} {metric}");
            }
        }
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(say("{} processes", "1"), "1 process");
        assert_eq!(say("{} fans", "1"), "1 fan");
        assert_eq!(say("{} fans", "0"), "0 fans");
        assert_eq!(say("{} used", "1"), "1 used");
    }

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.1234, Unit::Ratio, "12.3 %"),
            (1536.0, Unit::Bytes, "1.5 KiB"),
            (3.0, Unit::Count, "3"),
            (93_784.0, Unit::Seconds, "1d 2h"),
            (-1.0, Unit::Seconds, "0s"),
        ];
        for (value, unit, expected) in cases {
            assert_eq!(in_words(value, unit), expected);
        }
    }
}
