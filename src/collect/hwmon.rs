//! Hardware sensors: temperatures, fans, voltages, currents and powers, with the chips' own limits.
//!
//! Relies on the kernel's hwmon class, and on thermal zones for what no hwmon chip shows. A machine without either, such
//! as a virtual one, has an empty list, which is not a failure. Sensors behind a management controller are not here.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{DEADLINE, Error, Family, Root, Section};
use crate::metric::{Index, Label, Metric, Unit};

/// What a sensor measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Quantity {
    Temperature = 1,
    Fan,
    Voltage,
    Current,
    Power,
}

/// The names of [`Quantity`], in its order.
const QUANTITIES: &[&str] = &["temperature", "fan", "voltage", "current", "power"];

impl Quantity {
    const ALL: [Quantity; 5] =
        [Quantity::Temperature, Quantity::Fan, Quantity::Voltage, Quantity::Current, Quantity::Power];

    /// What its files begin with.
    const fn prefix(self) -> &'static str {
        match self {
            Quantity::Temperature => "temp",
            Quantity::Fan => "fan",
            Quantity::Voltage => "in",
            Quantity::Current => "curr",
            Quantity::Power => "power",
        }
    }

    /// The base unit in the unit of its files: thousandths, or millionths of a watt.
    const fn divisor(self) -> f64 {
        match self {
            Quantity::Fan => 1.0,
            Quantity::Power => 1_000_000.0,
            _ => 1_000.0,
        }
    }
}

/// One sensor. Numbers are in the base unit of its quantity: degrees Celsius, revolutions per minute, volts, amperes,
/// watts.
#[derive(Debug, Clone, PartialEq)]
pub struct Sensor {
    /// What it is remembered by, the same whatever number the kernel gives the chip: `coretemp@coretemp.0/temp1`.
    pub key: String,
    /// The chip's name, or a thermal zone's type: `coretemp`.
    pub chip: String,
    /// Where the chip sits: `coretemp.0`, `0000:01:00.0`, `thermal_zone0`. Absent where the kernel doesn't say.
    pub device: Option<String>,
    /// The chip's label of the sensor, or the name of its file: `Package id 0`, `temp1`.
    pub sensor: String,
    /// What it measures.
    pub quantity: Quantity,
    /// The reading; absent where the chip has none: a fault, a sensor that isn't connected.
    pub value: Option<f64>,
    /// The lowest that the chip calls good.
    pub min: Option<f64>,
    /// The highest that the chip calls good.
    pub max: Option<f64>,
    /// Where damage or a shutdown begins.
    pub critical: Option<f64>,
    /// Whether the chip itself raises an alarm.
    pub alarm: Option<bool>,
    /// Whether the chip calls the sensor broken.
    pub fault: Option<bool>,
}

/// The section.
pub static SECTION: Section<Vec<Sensor>> = Section {
    name: "hwmon",
    interval: |config| config.hwmon.interval,
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        Box::new(move |_now| read(&root))
    },
    slot: |snapshot| &mut snapshot.hwmon,
    status: |snapshot| &snapshot.hwmon.status,
};

/// Reads them below `root`.
pub fn read(root: &Root) -> Result<Vec<Sensor>, Error> {
    let mut sensors = Vec::new();
    for chip in directories(root, "sys/class/hwmon", "hwmon")? {
        // One that goes while it is read, as a plug is pulled, takes only its own sensors with it.
        sensors.extend(read_chip(root, &chip).unwrap_or_default());
    }
    let chips: BTreeSet<String> = sensors.iter().map(|sensor| hwmon_name(&sensor.chip)).collect();
    for zone in directories(root, "sys/class/thermal", "thermal_zone")? {
        let sensor = read_zone(root, &zone);
        sensors.extend(sensor.filter(|sensor| !chips.contains(&hwmon_name(&sensor.chip))));
    }
    tell_apart(&mut sensors);
    Ok(sensors)
}

/// The directories of a class, in the order of their numbers; none where the kernel has no such class.
fn directories(root: &Root, class: &str, prefix: &str) -> Result<Vec<PathBuf>, Error> {
    let names = match root.names(class) {
        Err(Error::Read { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        names => names?,
    };
    let mut numbers: Vec<u32> =
        names.iter().filter_map(|name| name.to_str()?.strip_prefix(prefix)?.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers.into_iter().map(|number| Path::new(class).join(format!("{prefix}{number}"))).collect())
}

/// The kernel writes a thermal zone's type so, when it makes a hwmon chip of it.
fn hwmon_name(text: &str) -> String {
    text.replace('-', "_")
}

/// A chip's sensors; `None` where its files can't be listed.
fn read_chip(root: &Root, chip: &Path) -> Option<Vec<Sensor>> {
    // Drivers of the old kind keep their files in the device.
    let directory = if root.path(chip.join("name")).exists() { chip.to_path_buf() } else { chip.join("device") };
    let name = root.read_trimmed(directory.join("name"))?;
    let device = std::fs::read_link(root.path(chip.join("device")))
        .ok()
        .and_then(|target| Some(target.file_name()?.to_string_lossy().into_owned()));
    let files: BTreeSet<String> =
        root.names(&directory).ok()?.into_iter().filter_map(|file| file.into_string().ok()).collect();
    let present: BTreeSet<(Quantity, u32)> = files.iter().filter_map(|file| input(file)).collect();
    let mut sensors = Vec::with_capacity(present.len());
    for (quantity, number) in present {
        let file = format!("{}{number}", quantity.prefix());
        let attributes = Attributes { root, directory: &directory, files: &files, file: &file, quantity };
        sensors.push(attributes.sensor(&name, device.as_deref()));
    }
    Some(sensors)
}

/// `temp1_input` is temperature 1; what holds no reading is `None`.
fn input(file: &str) -> Option<(Quantity, u32)> {
    let (sensor, attribute) = file.split_once('_')?;
    let quantity = Quantity::ALL.into_iter().find(|quantity| {
        sensor
            .strip_prefix(quantity.prefix())
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    })?;
    let is_reading = attribute == "input" || (quantity == Quantity::Power && attribute == "average");
    let number = sensor.strip_prefix(quantity.prefix())?.parse().ok()?;
    is_reading.then_some((quantity, number))
}

/// The files of one sensor.
struct Attributes<'a> {
    root: &'a Root,
    directory: &'a Path,
    files: &'a BTreeSet<String>,
    file: &'a str,
    quantity: Quantity,
}

impl Attributes<'_> {
    fn sensor(&self, chip: &str, device: Option<&str>) -> Sensor {
        let label = self.text("label").unwrap_or_else(|| self.file.to_string());
        let value = match self.quantity {
            Quantity::Power => self.number("average").or_else(|| self.number("input")),
            _ => self.number("input"),
        };
        Sensor {
            key: format!("{chip}@{}/{}", device.unwrap_or_default(), self.file),
            chip: chip.to_string(),
            device: device.map(String::from),
            sensor: label,
            quantity: self.quantity,
            value,
            min: self.number("min"),
            max: self.number("max").filter(|max| self.is_set(*max)),
            critical: self.number("crit").filter(|critical| self.is_set(*critical)),
            alarm: self.flag(&["alarm", "min_alarm", "max_alarm", "crit_alarm", "lcrit_alarm"]),
            fault: self.flag(&["fault"]),
        }
    }

    /// Whether an upper limit is one: chips without have zero, or the end of the register's range.
    fn is_set(&self, limit: f64) -> bool {
        self.quantity != Quantity::Temperature || is_temperature(limit)
    }

    fn text(&self, attribute: &str) -> Option<String> {
        let file = format!("{}_{attribute}", self.file);
        // Some chips are slow: only files that are there are opened.
        self.files.contains(&file).then(|| self.root.read_trimmed(self.directory.join(file)))?
    }

    fn number(&self, attribute: &str) -> Option<f64> {
        parse_number(&self.text(attribute)?, self.quantity)
    }

    /// Whether any of the attributes is set; `None` where the chip has none of them.
    fn flag(&self, attributes: &[&str]) -> Option<bool> {
        attributes.iter().filter_map(|attribute| self.text(attribute)).map(|text| text != "0").reduce(|a, b| a || b)
    }
}

#[allow(clippy::cast_precision_loss, reason = "no sensor has more digits than a double")]
fn parse_number(text: &str, quantity: Quantity) -> Option<f64> {
    text.parse::<i64>().ok().map(|number| number as f64 / quantity.divisor())
}

fn is_temperature(limit: f64) -> bool {
    limit > 0.0 && limit < 1_000.0
}

fn read_zone(root: &Root, zone: &Path) -> Option<Sensor> {
    let kind = root.read_trimmed(zone.join("type"))?;
    let temperature =
        |file: &str| root.read_trimmed(zone.join(file)).and_then(|text| parse_number(&text, Quantity::Temperature));
    // Trip points are numbered without gaps.
    let trips: Vec<(String, f64)> = (0_u32..64)
        .map_while(|number| {
            root.read_trimmed(zone.join(format!("trip_point_{number}_type"))).map(|kind| (number, kind))
        })
        .filter_map(|(number, kind)| Some((kind, temperature(&format!("trip_point_{number}_temp"))?)))
        .filter(|(_, limit)| is_temperature(*limit))
        .collect();
    let trip = |wanted: &str| trips.iter().find(|(kind, _)| kind == wanted).map(|(_, limit)| *limit);
    Some(Sensor {
        // Zones are numbered in the order in which drivers load.
        key: format!("{kind}@thermal/temp"),
        chip: kind,
        device: zone.file_name().map(|name| name.to_string_lossy().into_owned()),
        sensor: "temp".into(),
        quantity: Quantity::Temperature,
        value: temperature("temp"),
        min: None,
        max: trip("hot"),
        critical: trip("critical"),
        alarm: None,
        fault: None,
    })
}

/// Makes keys and labels unique: two chips may share a device, two sensors of a chip a label.
fn tell_apart(sensors: &mut [Sensor]) {
    let (mut keys, mut labels) = (BTreeSet::new(), BTreeSet::new());
    for sensor in sensors {
        let (key, label) = (sensor.key.clone(), sensor.sensor.clone());
        let mut copy = 1;
        while !keys.insert(sensor.key.clone()) {
            copy += 1;
            sensor.key = format!("{key}#{copy}");
        }
        let mut copy = 1;
        while !labels.insert((sensor.chip.clone(), sensor.device.clone(), sensor.sensor.clone())) {
            copy += 1;
            sensor.sensor = format!("{label} #{copy}");
        }
    }
}

/// What leaves the agent.
pub static FAMILY: Family<Sensor> = Family {
    section: "hwmon",
    subject: "hwmon",
    object: "Hwmon",
    arc: 25,
    help: "A hardware sensor.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(sensors) = snapshot.hwmon.get() {
            sensors.iter().for_each(visit);
        }
    },
    index: Index::Name { key: |row| Cow::Borrowed(&row.key), preferred: |_| None },
    labels: &[
        Label::identity(2, "chip", "The chip's name, or a thermal zone's type.", "/sys/class/hwmon/*/name", |row| {
            Some(Cow::Borrowed(&row.chip))
        }),
        Label::identity(3, "device", "Where the chip sits.", "/sys/class/hwmon/*/device", |row| {
            row.device.as_deref().map(Cow::Borrowed)
        }),
        Label::identity(
            4,
            "sensor",
            "The chip's label of the sensor, or the name of its file.",
            "/sys/class/hwmon/*/*_label",
            |row| Some(Cow::Borrowed(&row.sensor)),
        ),
    ],
    metrics: &[
        Metric::state(5, "kind", QUANTITIES, "What the sensor measures.", "/sys/class/hwmon/*/*_input", |row| {
            Some((row.quantity as u32).into())
        }),
        Metric::gauge(
            6,
            "temperature_celsius",
            Unit::Celsius,
            "Temperature.",
            "/sys/class/hwmon/*/temp*_input, /sys/class/thermal/*/temp",
            |row| of(row, Quantity::Temperature, row.value),
        ),
        Metric::gauge(
            7,
            "temperature_max_celsius",
            Unit::Celsius,
            "The highest temperature that the chip calls good.",
            "/sys/class/hwmon/*/temp*_max, a hot trip point",
            |row| of(row, Quantity::Temperature, row.max),
        ),
        Metric::gauge(
            8,
            "critical_celsius",
            Unit::Celsius,
            "The temperature at which damage or a shutdown begins.",
            "/sys/class/hwmon/*/temp*_crit, a critical trip point",
            |row| of(row, Quantity::Temperature, row.critical),
        ),
        Metric::gauge(9, "fan_rpm", Unit::Rpm, "Speed of a fan.", "/sys/class/hwmon/*/fan*_input", |row| {
            of(row, Quantity::Fan, row.value)
        }),
        Metric::gauge(
            10,
            "fan_min_rpm",
            Unit::Rpm,
            "The lowest speed that the chip calls good.",
            "/sys/class/hwmon/*/fan*_min",
            |row| of(row, Quantity::Fan, row.min),
        ),
        Metric::gauge(11, "voltage_volts", Unit::Volts, "Voltage.", "/sys/class/hwmon/*/in*_input", |row| {
            of(row, Quantity::Voltage, row.value)
        }),
        Metric::gauge(
            12,
            "voltage_min_volts",
            Unit::Volts,
            "The lowest voltage that the chip calls good.",
            "/sys/class/hwmon/*/in*_min",
            |row| of(row, Quantity::Voltage, row.min),
        ),
        Metric::gauge(
            13,
            "voltage_max_volts",
            Unit::Volts,
            "The highest voltage that the chip calls good.",
            "/sys/class/hwmon/*/in*_max",
            |row| of(row, Quantity::Voltage, row.max),
        ),
        Metric::gauge(14, "current_amperes", Unit::Amperes, "Current.", "/sys/class/hwmon/*/curr*_input", |row| {
            of(row, Quantity::Current, row.value)
        }),
        Metric::gauge(
            15,
            "current_max_amperes",
            Unit::Amperes,
            "The highest current that the chip calls good.",
            "/sys/class/hwmon/*/curr*_max",
            |row| of(row, Quantity::Current, row.max),
        ),
        Metric::gauge(
            16,
            "power_watts",
            Unit::Watts,
            "Power.",
            "/sys/class/hwmon/*/power*_average or power*_input",
            |row| of(row, Quantity::Power, row.value),
        ),
        Metric::gauge(
            17,
            "power_max_watts",
            Unit::Watts,
            "The highest power that the chip calls good.",
            "/sys/class/hwmon/*/power*_max",
            |row| of(row, Quantity::Power, row.max),
        ),
        Metric::flag(18, "alarm", "Whether the chip itself raises an alarm.", "/sys/class/hwmon/*/*_alarm", |row| {
            row.alarm.map(Into::into)
        }),
        Metric::flag(19, "fault", "Whether the chip calls the sensor broken.", "/sys/class/hwmon/*/*_fault", |row| {
            row.fault.map(Into::into)
        }),
    ],
};

/// `number` if the sensor measures this quantity.
fn of(row: &Sensor, quantity: Quantity, number: Option<f64>) -> Option<crate::metric::Number> {
    number.filter(|_| row.quantity == quantity).map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> Root {
        Root::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/root"))
    }

    #[test]
    fn only_readings_make_sensors() {
        assert_eq!(input("temp1_input"), Some((Quantity::Temperature, 1)));
        assert_eq!(input("in0_input"), Some((Quantity::Voltage, 0)));
        assert_eq!(input("power1_average"), Some((Quantity::Power, 1)));
        for file in ["temp1_max", "intrusion0_alarm", "temp1_average", "temp_input", "uevent", "in99999999999_input"] {
            assert_eq!(input(file), None, "{file}");
        }
    }

    #[test]
    fn chips_are_read_in_base_units_with_their_limits() {
        let sensors = read(&fixture()).expect("the fixture is readable");
        let find = |key: &str| sensors.iter().find(|sensor| sensor.key == key).expect("the fixture has it");
        let package = find("coretemp@coretemp.0/temp1");
        assert_eq!(package.sensor, "Package id 0");
        assert_eq!((package.value, package.max, package.critical), (Some(45.0), Some(80.0), Some(100.0)));
        assert_eq!(package.alarm, Some(false));
        let fan = find("nct6775@nct6775.656/fan2");
        assert_eq!((fan.value, fan.min, fan.alarm), (Some(1205.0), Some(600.0), Some(false)));
        assert_eq!(find("nct6775@nct6775.656/in0").value, Some(0.864));
        assert_eq!(find("nct6775@nct6775.656/power1").value, Some(35.5));
        // The register's end is no limit, and a sensor that can't be read keeps its row.
        let disconnected = find("nct6775@nct6775.656/temp3");
        assert_eq!((disconnected.value, disconnected.max, disconnected.fault), (None, None, Some(true)));
        assert_eq!(find("acpitz@thermal/temp").critical, Some(119.0));
    }

    #[test]
    fn a_machine_without_sensors_has_none() {
        let empty = tempfile::tempdir().expect("a temporary directory");
        assert_eq!(read(&Root::new(empty.path())).ok(), Some(vec![]));
    }

    #[test]
    fn equal_sensors_are_told_apart() {
        let sensor = read(&fixture()).expect("the fixture is readable").remove(0);
        let mut twins = vec![sensor.clone(), sensor];
        tell_apart(&mut twins);
        assert_ne!(twins[0].key, twins[1].key);
        assert_ne!(twins[0].sensor, twins[1].sensor);
    }
}
