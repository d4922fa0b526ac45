//! Power supplies: mains, batteries and UPS that the kernel drives itself.
//!
//! Relies on the kernel's power_supply class. Most machines in racks have none there: their supplies are behind a
//! management controller. A machine without the class has an empty list, which is not a failure.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::path::Path;

use super::{DEADLINE, Error, Family, Root, Section};
use crate::metric::{Index, Label, Metric, Unit};

/// A power supply at one moment. What its driver doesn't say is absent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Supply {
    /// The kernel's name of it: `AC`, `BAT0`.
    pub name: String,
    /// In the kernel's words: `Mains`, `Battery`, `UPS`, `USB`; type.
    pub kind: Option<String>,
    /// Who made it; manufacturer.
    pub vendor: Option<String>,
    /// What its maker calls it; model_name.
    pub model: Option<String>,
    /// serial_number.
    pub serial: Option<String>,
    /// Whether it feeds the machine; online.
    pub online: Option<bool>,
    /// Whether the battery is in its place; present.
    pub present: Option<bool>,
    /// What the battery does, as its place among [`STATUSES`], from 1; status.
    pub status: Option<u32>,
    /// Whether the driver calls its health good; health. Absent where it doesn't know.
    pub healthy: Option<bool>,
    /// What is left, 0 to 1; capacity.
    pub capacity: Option<f64>,
    /// voltage_now.
    pub volts: Option<f64>,
    /// current_now; negative while it flows out, with some drivers.
    pub amperes: Option<f64>,
    /// power_now.
    pub watts: Option<f64>,
}

/// What a battery may do.
pub const STATUSES: &[&str] = &["unknown", "charging", "discharging", "not_charging", "full"];

/// The section.
pub static SECTION: Section<Vec<Supply>> = Section {
    name: "supply",
    interval: |config| config.supply.interval,
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        Box::new(move |_now| read(&root))
    },
    slot: |snapshot| &mut snapshot.supply,
    status: |snapshot| &snapshot.supply.status,
};

fn read(root: &Root) -> Result<Vec<Supply>, Error> {
    let class = Path::new("sys/class/power_supply");
    let names = match root.names(class) {
        Err(Error::Read { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        names => names?,
    };
    let names = names.into_iter().filter_map(|name| name.into_string().ok());
    Ok(names.map(|name| supply(&name, |file| root.read_trimmed(class.join(&name).join(file)))).collect())
}

fn supply(name: &str, said: impl Fn(&str) -> Option<String>) -> Supply {
    let flag = |file| said(file)?.parse::<u32>().ok().map(|number| number > 0);
    let millionths = |file| said(file)?.parse::<i32>().ok().map(|number| f64::from(number) / 1e6);
    Supply {
        name: name.to_string(),
        kind: said("type"),
        vendor: said("manufacturer"),
        model: said("model_name"),
        serial: said("serial_number"),
        online: flag("online"),
        present: flag("present"),
        status: said("status").map(|text| place_of(&text)),
        healthy: said("health").filter(|text| text != "Unknown").map(|text| text == "Good"),
        capacity: said("capacity").and_then(|text| text.parse::<u8>().ok()).map(|percent| f64::from(percent) / 100.0),
        volts: millionths("voltage_now"),
        amperes: millionths("current_now"),
        watts: millionths("power_now"),
    }
}

/// `Not charging` is 4; what a newer kernel may say is unknown.
fn place_of(status: &str) -> u32 {
    let status = status.to_ascii_lowercase().replace(' ', "_");
    (1..).zip(STATUSES).find(|(_, known)| **known == status).map_or(1, |(place, _)| place)
}

fn text(field: Option<&String>) -> Option<Cow<'_, str>> {
    field.map(|field| Cow::Borrowed(field.as_str()))
}

/// What leaves the agent.
pub static FAMILY: Family<Supply> = Family {
    section: "supply",
    subject: "supply",
    object: "Supply",
    arc: 44,
    help: "A power supply or battery.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(supplies) = snapshot.supply.get() {
            supplies.iter().for_each(visit);
        }
    },
    index: Index::Name { key: |supply| Cow::Borrowed(&supply.name), preferred: |_| None },
    labels: &[
        Label::identity(2, "supply", "The kernel's name of it.", "/sys/class/power_supply", |row: &Supply| {
            Some(Cow::Borrowed(&row.name))
        }),
        Label::info(
            3,
            "type",
            "In the kernel's words: Mains, Battery, UPS, USB.",
            "/sys/class/power_supply/*/type",
            |row: &Supply| text(row.kind.as_ref()),
        ),
        Label::info(4, "vendor", "Who made it.", "/sys/class/power_supply/*/manufacturer", |row: &Supply| {
            text(row.vendor.as_ref())
        }),
        Label::info(5, "model", "What its maker calls it.", "/sys/class/power_supply/*/model_name", |row: &Supply| {
            text(row.model.as_ref())
        }),
        Label::info(6, "serial", "Its serial number.", "/sys/class/power_supply/*/serial_number", |row: &Supply| {
            text(row.serial.as_ref())
        }),
    ],
    metrics: &[
        Metric::flag(7, "online", "Whether it feeds the machine.", "/sys/class/power_supply/*/online", |row| {
            row.online.map(Into::into)
        }),
        Metric::flag(
            8,
            "present",
            "Whether the battery is in its place.",
            "/sys/class/power_supply/*/present",
            |row| row.present.map(Into::into),
        ),
        Metric::state(9, "status", STATUSES, "What the battery does.", "/sys/class/power_supply/*/status", |row| {
            row.status.map(Into::into)
        }),
        Metric::flag(
            10,
            "healthy",
            "Whether its driver calls its health good.",
            "/sys/class/power_supply/*/health",
            |row| row.healthy.map(Into::into),
        ),
        Metric::gauge(
            11,
            "capacity_ratio",
            Unit::Ratio,
            "What is left in the battery.",
            "/sys/class/power_supply/*/capacity",
            |row| row.capacity.map(Into::into),
        ),
        Metric::gauge(12, "voltage_volts", Unit::Volts, "Voltage.", "/sys/class/power_supply/*/voltage_now", |row| {
            row.volts.map(Into::into)
        }),
        Metric::gauge(
            13,
            "current_amperes",
            Unit::Amperes,
            "Current.",
            "/sys/class/power_supply/*/current_now",
            |row| row.amperes.map(Into::into),
        ),
        Metric::gauge(14, "power_watts", Unit::Watts, "Power.", "/sys/class/power_supply/*/power_now", |row| {
            row.watts.map(Into::into)
        }),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supplies_are_read_in_base_units() {
        let supplies = read(&Root::new("tests/fixtures/root")).expect("a class");
        let [battery, mains] = &supplies[..] else { panic!("two: {supplies:?}") };
        assert_eq!((battery.status, battery.healthy, battery.capacity), (Some(4), Some(true), Some(0.98)));
        assert_eq!((battery.volts, battery.amperes, battery.watts), (Some(12.487), Some(0.21), Some(2.622)));
        assert_eq!((mains.kind.as_deref(), mains.online, mains.present), (Some("Mains"), Some(true), None));
        assert_eq!(read(&Root::new("/nonexistent")).ok(), Some(vec![]));
    }

    #[test]
    fn odd_files_are_absent() {
        let odd = supply("x", |file| Some(if file == "status" { "Sleeping".into() } else { "-?".to_string() }));
        assert_eq!((odd.online, odd.capacity, odd.volts, odd.status), (None, None, None, Some(1)));
    }
}
