//! The physical entities that ENTITY-MIB, ENTITY-SENSOR-MIB and ENTITY-STATE-MIB speak of: what there is, what is in what.
//!
//! The chassis is the machine as DMI or the device tree has it. In it are the board, disks, ports, fans, power supplies; on
//! the board the processors' packages; a hardware sensor is where its chip sits: in a package, a disk, a fan, else on the
//! board. Memory modules are not known. Read RFC 6933, section 2 first.

use std::collections::{BTreeMap, BTreeSet};

use super::if_mib::INTERFACES;
use super::{Facts, Named, Subject};
use crate::collect::disk::Disk;
use crate::collect::hardware::{Hardware, Package, Part};
use crate::collect::hwmon::{Quantity, Sensor};
use crate::collect::interface::Interface;
use crate::collect::supply::Supply;
use crate::collect::{Snapshot, Status};

/// The sections that entities come from.
pub const SECTIONS: &[&str] = &["hardware", "supply", "disk", "interface", "hwmon"];

/// entPhysicalIndex, by the entities' keys.
pub static ENTITIES: Subject =
    Subject { name: "entity", sections: SECTIONS, names: |snapshot| numbered(&entities(snapshot)) };

/// Each kind of thing would like numbers of its own, so that they don't depend on which section was collected first.
fn numbered(entities: &[Entity<'_>]) -> Vec<Named> {
    let mut next: BTreeMap<u32, u32> = BTreeMap::new();
    let wanted = entities.iter().map(|entity| {
        let first = match (entity.class, entity.fact) {
            (Class::Chassis, _) => 1,
            (_, Fact::Board(_)) => 2,
            (Class::Cpu, _) => 100,
            (Class::Module, _) => 200,
            (Class::Port, _) => 1_000,
            (Class::PowerSupply | Class::Battery, _) => 3_000,
            (Class::Fan, _) => 4_000,
            (Class::Sensor, _) => 5_000,
        };
        let number = next.entry(first).or_insert(first);
        let wanted = *number;
        *number += 1;
        (entity.key.clone(), Some(wanted))
    });
    wanted.collect()
}

/// IANAPhysicalClass of IANA-ENTITY-MIB, as far as there are such entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the IANA names them")]
pub enum Class {
    Chassis = 3,
    PowerSupply = 6,
    Fan = 7,
    Sensor = 8,
    Module = 9,
    Port = 10,
    Cpu = 12,
    Battery = 14,
}

/// A physical entity.
#[derive(Debug, Clone)]
pub struct Entity<'a> {
    /// What its number is remembered by.
    pub key: String,
    /// The key of what it is in; `None` of the outermost.
    pub parent: Option<String>,
    /// What kind of thing it is.
    pub class: Class,
    /// What it is, for people; never empty.
    pub description: String,
    /// What the kernel calls it; never empty.
    pub name: String,
    /// What is known of it beyond that.
    pub fact: Fact<'a>,
}

/// What an entity was made of.
#[derive(Debug, Clone, Copy)]
pub enum Fact<'a> {
    /// The machine.
    Chassis(&'a Hardware),
    /// The board.
    Board(&'a Hardware),
    /// A package of processors.
    Package(&'a Package),
    /// A disk.
    Disk(&'a Disk),
    /// A network interface with a device behind it.
    Port(&'a Interface),
    /// What turns; its speed is a sensor in it.
    Fan(&'a Sensor),
    /// A hardware sensor.
    Sensor(&'a Sensor),
    /// A power supply or battery.
    Supply(&'a Supply),
}

const CHASSIS: &str = "chassis";
const BOARD: &str = "board";

/// Every entity; what is in another stands after it.
pub fn entities(snapshot: &Snapshot) -> Vec<Entity<'_>> {
    let mut found = Vec::new();
    if let Some(hardware) = snapshot.hardware.get() {
        found.extend(machine(hardware));
    }
    let chassis = || found.first().map(|chassis: &Entity<'_>| chassis.key.clone());
    let in_chassis = |key: String, class, description: String, name: &str, fact| {
        let description = if description.is_empty() { name.to_string() } else { description };
        Entity { key, parent: chassis(), class, description, name: name.to_string(), fact }
    };
    let mut parts = Vec::new();
    for disk in snapshot.disk.get().into_iter().flatten() {
        let description = disk.model.clone().unwrap_or_else(|| format!("Disk {}", disk.device));
        let key = format!("disk/{}", disk.device);
        parts.push(in_chassis(key, Class::Module, description, &disk.device, Fact::Disk(disk)));
    }
    let interfaces = snapshot.interface.get().into_iter().flat_map(|interfaces| &interfaces.rows);
    for interface in interfaces.filter(|interface| interface.physical == Some(true)) {
        let description = format!("Network interface {}", interface.name);
        let key = format!("interface/{}", interface.name);
        parts.push(in_chassis(key, Class::Port, description, &interface.name, Fact::Port(interface)));
    }
    for supply in snapshot.supply.get().into_iter().flatten() {
        let class = if supply.kind.as_deref() == Some("Battery") { Class::Battery } else { Class::PowerSupply };
        let words = [supply.kind.as_deref(), supply.vendor.as_deref(), supply.model.as_deref()];
        let description = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
        parts.push(in_chassis(
            format!("supply/{}", supply.name),
            class,
            description,
            &supply.name,
            Fact::Supply(supply),
        ));
    }
    let sensors = snapshot.hwmon.get().into_iter().flatten();
    for fan in sensors.clone().filter(|sensor| sensor.quantity == Quantity::Fan) {
        let key = format!("fan/{}", fan.key);
        parts.push(in_chassis(key, Class::Fan, describe(fan), &fan.key, Fact::Fan(fan)));
    }
    found.append(&mut parts);
    let keys: BTreeSet<&str> = found.iter().map(|entity| entity.key.as_str()).collect();
    let sensors = sensors.map(|sensor| Entity {
        key: format!("sensor/{}", sensor.key),
        parent: place(sensor, &keys),
        class: Class::Sensor,
        description: describe(sensor),
        name: sensor.key.clone(),
        fact: Fact::Sensor(sensor),
    });
    let sensors: Vec<_> = sensors.collect();
    found.extend(sensors);
    found
}

fn machine(hardware: &Hardware) -> Vec<Entity<'_>> {
    let title = |part: &Part, otherwise: &str| part.title().unwrap_or_else(|| otherwise.to_string());
    let mut found = vec![Entity {
        key: CHASSIS.into(),
        parent: None,
        class: Class::Chassis,
        description: title(&hardware.product, "Computer"),
        name: CHASSIS.into(),
        fact: Fact::Chassis(hardware),
    }];
    if hardware.board.is_known() {
        found.push(Entity {
            key: BOARD.into(),
            parent: Some(CHASSIS.into()),
            class: Class::Module,
            description: format!("Board {}", title(&hardware.board, "")),
            name: BOARD.into(),
            fact: Fact::Board(hardware),
        });
    }
    let under = found.last().map(|entity| entity.key.clone());
    found.extend(hardware.packages.iter().map(|package| Entity {
        key: format!("processor/{}", package.number),
        parent: under.clone(),
        class: Class::Cpu,
        description: package.model.clone().unwrap_or_else(|| format!("Processor {}", package.number)),
        name: format!("processor {}", package.number),
        fact: Fact::Package(package),
    }));
    found
}

/// `coretemp Core 0`.
fn describe(sensor: &Sensor) -> String {
    format!("{} {}", sensor.chip, sensor.sensor)
}

/// The key of what a sensor's chip is in, among those that there are.
fn place(sensor: &Sensor, keys: &BTreeSet<&str>) -> Option<String> {
    let there = |key: String| keys.contains(key.as_str()).then_some(key);
    let device = sensor.device.as_deref().unwrap_or_default();
    let own = match sensor.chip.as_str() {
        _ if sensor.quantity == Quantity::Fan => there(format!("fan/{}", sensor.key)),
        // Documentation/hwmon/coretemp.rst: the device's number is the package's.
        "coretemp" => device.strip_prefix("coretemp.").and_then(|number| there(format!("processor/{number}"))),
        // Its device is the controller `nvme0`, the disk its first name space `nvme0n1`.
        "nvme" => there(format!("disk/{device}n1")),
        _ => None,
    };
    own.or_else(|| there(BOARD.into())).or_else(|| there(CHASSIS.into()))
}

/// An entity with its numbers.
#[derive(Debug, Clone)]
pub struct Placed<'a> {
    /// entPhysicalIndex.
    pub number: u32,
    /// entPhysicalContainedIn; 0 where it is in nothing.
    pub parent: u32,
    /// The entity.
    pub entity: Entity<'a>,
    /// ifIndex of a port.
    pub interface: Option<u32>,
}

/// Those entities that have a number.
pub fn placed(facts: &Facts) -> Vec<Placed<'_>> {
    let entities = facts.snapshot.as_deref().map(entities).unwrap_or_default();
    let placed = entities.into_iter().filter_map(|entity| {
        let parent = entity.parent.as_deref().and_then(|key| facts.number(&ENTITIES, key)).unwrap_or(0);
        let interface = match entity.fact {
            Fact::Port(interface) => facts.number(&INTERFACES, &interface.name),
            _ => None,
        };
        Some(Placed { number: facts.number(&ENTITIES, &entity.key)?, parent, entity, interface })
    });
    placed.collect()
}

/// How the sensors' section does.
pub fn sensors_status(facts: &Facts) -> Option<&Status> {
    facts.snapshot.as_deref().map(|snapshot| &snapshot.hwmon.status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::{Slot, hwmon};
    use crate::metric::Now;

    fn now() -> Now {
        Now { wall: jiff::Timestamp::UNIX_EPOCH, monotonic: std::time::Duration::ZERO }
    }

    fn sensors() -> Vec<Sensor> {
        hwmon::read(&crate::collect::Root::new("tests/fixtures/root")).expect("a class")
    }

    #[test]
    fn sensors_sit_where_their_chips_do() {
        let mut snapshot = Snapshot::empty(now());
        snapshot.hwmon = Slot::filled(sensors(), now());
        let bare = entities(&snapshot);
        assert!(bare.iter().all(|entity| entity.class == Class::Fan || entity.parent.is_none() != is_fan(entity)));
        let mut hardware = Hardware { packages: vec![Package::default()], ..Hardware::default() };
        hardware.board.name = Some("0GM0T5".into());
        snapshot.hardware = Slot::filled(hardware, now());
        let all = entities(&snapshot);
        let parent = |key: &str| all.iter().find(|entity| entity.key == key).and_then(|entity| entity.parent.clone());
        assert_eq!(parent("sensor/coretemp@coretemp.0/temp1").as_deref(), Some("processor/0"));
        assert_eq!(parent("sensor/nct6775@nct6775.656/in0").as_deref(), Some("board"));
        let fan = "fan/nct6775@nct6775.656/fan2";
        assert_eq!(parent("sensor/nct6775@nct6775.656/fan2").as_deref(), Some(fan));
        assert_eq!(parent(fan).as_deref(), Some("chassis"));
        // Nothing is in what isn't there, keys are unique, and texts are never empty.
        let keys: BTreeSet<&str> = all.iter().map(|entity| entity.key.as_str()).collect();
        assert_eq!(keys.len(), all.len());
        for entity in &all {
            assert!(entity.parent.as_deref().is_none_or(|parent| keys.contains(parent)), "{entity:?}");
            assert!(!entity.description.is_empty() && !entity.name.is_empty(), "{entity:?}");
        }
    }

    fn is_fan(entity: &Entity<'_>) -> bool {
        matches!(entity.fact, Fact::Sensor(sensor) if sensor.quantity == Quantity::Fan)
    }
}
