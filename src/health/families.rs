//! The families over [`Health`]: the summary, the active alarms and their counts.

use std::borrow::Cow;

use super::{Severity, alarm::Alarm, alarm::Health, alarm::State};
use crate::metric::{Family, Index, Label, Metric, Number, Projection, Unit};

/// Every family over health, in reading order.
pub static FAMILIES: &[&dyn Projection<Health>] = &[&SUMMARY, &ALARM, &ALARMS];

/// Severities as SMI numbers them: 1 is cleared, which only a notification says.
const SEVERITIES: &[&str] = &["cleared", "warning", "critical"];

fn severity_number(severity: Severity) -> Number {
    let number: u32 = match severity {
        Severity::Cleared => 1,
        Severity::Warning => 2,
        Severity::Critical => 3,
    };
    number.into()
}

fn count(count: usize) -> Option<Number> {
    u64::try_from(count).ok().map(Number::from)
}

/// The few numbers that people ask for first.
pub static SUMMARY: Family<Health, Health> = Family {
    section: "health",
    subject: "health",
    object: "Summary",
    arc: 1,
    help: "How the host does, in a few numbers.",
    exported: true,
    rows: |health, visit| visit(health),
    index: Index::Scalar,
    labels: &[
        Label::info(5, "filesystem", "The mount point of the fullest filesystem.", "vitalsd", |health| {
            health.summary.filesystem.as_ref().map(|worst| Cow::Borrowed(worst.name.as_str()))
        }),
        Label::info(7, "sensor", "The name of the hottest temperature sensor.", "vitalsd", |health| {
            health.summary.temperature.as_ref().map(|worst| Cow::Borrowed(worst.name.as_str()))
        }),
    ],
    metrics: &[
        Metric::state(
            1,
            "state",
            State::NAMES,
            "The worst severity of all active alarms; unknown where facts that rules need are missing.",
            "vitalsd",
            |health| Some(health.overall.number().into()),
        ),
        Metric::gauge(2, "cpu_used_ratio", Unit::Ratio, "Share of all CPU time in use.", "vitalsd", |health| {
            health.summary.cpu_used_ratio.map(Into::into)
        }),
        Metric::gauge(
            3,
            "memory_used_ratio",
            Unit::Ratio,
            "Share of RAM that is not available to new work.",
            "vitalsd",
            |health| health.summary.memory_used_ratio.map(Into::into),
        ),
        Metric::gauge(
            4,
            "filesystem_used_ratio",
            Unit::Ratio,
            "Share of its space that is in use on the fullest filesystem.",
            "vitalsd",
            |health| health.summary.filesystem.as_ref().map(|worst| worst.value.into()),
        ),
        Metric::gauge(
            6,
            "temperature_celsius",
            Unit::Celsius,
            "The temperature of the hottest sensor.",
            "vitalsd",
            |health| health.summary.temperature.as_ref().map(|worst| worst.value.into()),
        ),
    ],
};

/// Active alarms.
pub static ALARM: Family<Health, Alarm> = Family {
    section: "health",
    subject: "alarm",
    object: "Alarm",
    arc: 4,
    help: "One thing that is wrong, from the moment that a rule raises it until it clears.",
    exported: true,
    rows: |health, visit| health.alarms.iter().for_each(visit),
    index: Index::Number(|alarm| alarm.id),
    labels: &[
        Label::identity(2, "alarm", "The rule that raised it.", "vitalsd", |alarm| {
            Some(Cow::Borrowed(alarm.rule.as_str()))
        }),
        Label::identity(
            3,
            "object",
            "What the alarm is about, as label=value pairs; empty where there is only one.",
            "vitalsd",
            |alarm| Some(Cow::Borrowed(alarm.instance.as_str())),
        ),
        Label::info(4, "metric", "The full name of the metric that passed a level.", "vitalsd", |alarm| {
            Some(Cow::Borrowed(alarm.metric.as_str()))
        }),
        Label::info(
            5,
            "value",
            "The metric's number when the severity last changed, with its unit.",
            "vitalsd",
            |alarm| Some(Cow::Borrowed(alarm.value_text.as_str())),
        ),
        Label::info(6, "message", "What is wrong, in a sentence.", "vitalsd", |alarm| {
            Some(Cow::Borrowed(alarm.message.as_str()))
        }),
    ],
    metrics: &[
        Metric::state(7, "severity", SEVERITIES, "How bad the alarm is.", "vitalsd", |alarm| {
            Some(severity_number(alarm.severity))
        }),
        Metric::gauge(8, "since_timestamp_seconds", Unit::Timestamp, "When it was raised.", "vitalsd", |alarm| {
            Some(alarm.raised.as_duration().as_secs_f64().into())
        }),
    ],
};

/// How many alarms there are.
pub static ALARMS: Family<Health, Health> = Family {
    section: "health",
    subject: "alarms",
    object: "Alarms",
    arc: 5,
    help: "How many alarms there are.",
    exported: true,
    rows: |health, visit| visit(health),
    index: Index::Scalar,
    labels: &[],
    metrics: &[
        Metric::gauge(1, "active", Unit::Count, "Active alarms.", "vitalsd", |health| count(health.alarms.len())),
        Metric::gauge(2, "warning", Unit::Count, "Active alarms that are warnings.", "vitalsd", |health| {
            count(health.count(Severity::Warning))
        }),
        Metric::gauge(3, "critical", Unit::Count, "Active alarms that are critical.", "vitalsd", |health| {
            count(health.count(Severity::Critical))
        }),
        Metric::counter(
            4,
            "raised_total",
            Unit::Count,
            "Alarms raised since the state directory was made.",
            "vitalsd",
            |health| Some(health.raised_total.into()),
        ),
        Metric::gauge(
            5,
            "suppressed",
            Unit::Count,
            "Instances that passed a level and got no alarm, since there were too many.",
            "vitalsd",
            |health| Some(health.suppressed.into()),
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::notification::NOTIFICATIONS;

    #[test]
    fn notifications_carry_columns_that_exist() {
        let shape = ALARM.shape();
        let columns: Vec<u32> = shape
            .labels
            .iter()
            .map(|label| label.column)
            .chain(shape.metrics.iter().map(|metric| metric.column))
            .collect();
        for notification in NOTIFICATIONS {
            for column in notification.columns {
                assert!(columns.contains(column), "{}: {column}", notification.object);
            }
        }
    }

    #[test]
    fn an_empty_host_shows_its_scalars() {
        let mut rows = 0;
        for family in FAMILIES {
            family.visit(&Health::default(), &mut |row| {
                rows += 1;
                assert!(row.number(0).is_some());
            });
        }
        assert_eq!(rows, 2);
    }
}
