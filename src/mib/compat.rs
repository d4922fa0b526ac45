//! The compatibility view: a few objects as another vendor's sensor has them, for managers that were set up for it.
//!
//! Off unless wanted: the number 53313 is that vendor's. A walk shows instances, with `.0` behind; a GET is answered with
//! and without it, as that vendor's documents print the names without. What isn't known has no instance.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::families::Moment;
use super::oid::{Key, Oid};
use super::segment::{Builder, Segment};
use super::value::Value;
use crate::collect::Snapshot;
use crate::collect::hwmon::Quantity;
use crate::collect::service;

/// `[compat]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The objects below 1.3.6.1.4.1.53313, for managers that know them from another sensor. An aid for moving over.
    pub defender_iot: DefenderIot,
}

/// What is served of another vendor's objects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DefenderIot {
    /// Whether the objects are served.
    pub enabled: bool,
    /// The serial number; empty: the machine's, where it is known.
    pub serial_number: String,
    /// The software version; empty: the agent's.
    pub software_version: String,
    /// How the sensor is managed.
    pub connection_mode: ConnectionMode,
    /// The last day of the licence; absent: it never expires.
    #[schemars(with = "Option<String>")]
    pub license_expires: Option<Date>,
}

/// How a sensor is managed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionMode {
    /// By a console on the site.
    #[default]
    LocallyConnected,
    /// From the cloud.
    CloudConnected,
}

/// Where the objects are.
const ROOT: &[u32] = &[1, 3, 6, 1, 4, 1, 53313];

/// An object: where it is below the root, and what it says.
type Object = (&'static [u32], fn(&DefenderIot, &Moment) -> Option<Value>);

const OBJECTS: &[Object] = &[
    (&[1], |config, moment| {
        let own = moment.snapshot.hardware.get().and_then(|hardware| hardware.product.serial.as_deref());
        written(&config.serial_number).or(own).map(Value::text)
    }),
    (&[2], |config, _| Some(Value::text(written(&config.software_version).unwrap_or(env!("CARGO_PKG_VERSION"))))),
    (&[3, 1], |_, moment| moment.health.summary.cpu_used_ratio.map(percent)),
    (&[3, 2], |_, moment| Some(Value::text(&temperature(&moment.snapshot)?))),
    (&[3, 3], |_, moment| moment.health.summary.memory_used_ratio.map(percent)),
    (&[3, 4], |_, moment| moment.health.summary.filesystem.as_ref().map(|worst| percent(worst.value))),
    (&[5], |_, moment| {
        let online = service::online(moment.snapshot.service.get()?)?;
        Some(Value::text(if online { "Online" } else { "offline" }))
    }),
    (&[6], |config, _| {
        Some(Value::text(match config.connection_mode {
            ConnectionMode::LocallyConnected => "Locally Connected",
            ConnectionMode::CloudConnected => "Cloud Connected",
        }))
    }),
    (&[7], |config, moment| {
        let today = TimeZone::UTC.to_datetime(moment.snapshot.now.wall).date();
        Some(Value::text(&licence(config.license_expires, today)))
    }),
];

/// The sections that they come from.
const SECTIONS: &[&str] = &["cpu", "memory", "filesystem", "hwmon", "service", "hardware"];

fn written(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Gauge32, 0 to 100.
fn percent(ratio: f64) -> Value {
    let percent = crate::metric::Number::Float(ratio).scaled(2).clamp(0, 100);
    Value::Gauge32(u32::try_from(percent).unwrap_or(100))
}

/// Chips that sit in a processor.
const PROCESSORS: &[&str] =
    &["coretemp", "k10temp", "k8temp", "zenpower", "cpu_thermal", "cpu-thermal", "x86_pkg_temp"];

/// The hottest processor in whole degrees Celsius; nothing while no sensors were looked for.
fn temperature(snapshot: &Snapshot) -> Option<String> {
    let sensors = snapshot.hwmon.get()?.iter();
    let of_processors =
        sensors.filter(|sensor| sensor.quantity == Quantity::Temperature && PROCESSORS.contains(&sensor.chip.as_str()));
    let hottest = of_processors.filter_map(|sensor| sensor.value).reduce(f64::max);
    Some(hottest.map_or_else(|| "No sensors found".into(), |hottest| format!("{hottest:.0}")))
}

/// `Active` without an end, the last day until it is over, `Expired` from then on; days are UTC's.
fn licence(expires: Option<Date>, today: Date) -> String {
    match expires {
        None => "Active".into(),
        Some(expires) if today > expires => "Expired".into(),
        Some(expires) => expires.to_string(),
    }
}

/// The keys of the object types.
pub fn types() -> Vec<Key> {
    OBJECTS.iter().map(|(arcs, _)| Oid::from_static(ROOT).child(arcs).key()).collect()
}

/// The instances, and the same by their bare names, which only a GET is to find.
pub fn segments(config: &Arc<DefenderIot>, moment: &Moment) -> (Segment, Segment) {
    let make = |instance: &'static [u32]| {
        let (config, moment) = (config.clone(), moment.clone());
        Segment::lazy(&Oid::from_static(ROOT), move || {
            let mut builder = Builder::default();
            for (arcs, value) in OBJECTS {
                if let Some(value) = value(&config, &moment) {
                    builder.push(&[ROOT, arcs, instance].concat(), &value);
                }
            }
            builder.finish()
        })
        .from_sections(SECTIONS)
    };
    (make(&[0]), make(&[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_ends_after_its_last_day() {
        let day = |text: &str| text.parse::<Date>().expect("a date");
        let end = Some(day("2027-01-31"));
        assert_eq!(licence(None, day("2027-01-31")), "Active");
        assert_eq!(licence(end, day("2027-01-31")), "2027-01-31");
        assert_eq!(licence(end, day("2027-02-01")), "Expired");
    }

    #[test]
    fn shares_are_whole_percents() {
        for (ratio, expected) in [(0.0, 0), (0.126, 13), (1.0, 100), (7.0, 100), (-1.0, 0)] {
            assert_eq!(percent(ratio), Value::Gauge32(expected));
        }
    }
}
