//! SNMPv2-MIB (RFC 3418): the system group with sysORTable, the snmp group, and the snmpSet group.

use super::admin;
use super::counters::{COUNTERS, Counter};
use super::oid::{Key, Oid};
use super::segment::{Builder, LiveObject, Segment};
use super::settings::Settings;
use super::value::Value;

/// The system group.
pub const SYSTEM: &[u32] = &[1, 3, 6, 1, 2, 1, 1];
/// The snmp group.
pub const SNMP: &[u32] = &[1, 3, 6, 1, 2, 1, 11];
/// sysUpTime.0.
pub const SYS_UP_TIME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 3, 0];
/// The snmpSet group.
pub const SNMP_SET: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 6];
/// snmpEnableAuthenTraps.0.
pub const ENABLE_AUTHEN_TRAPS: &[u32] = &[1, 3, 6, 1, 2, 1, 11, 30, 0];
/// snmpSetSerialNo.0.
pub const SET_SERIAL_NO: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 6, 1, 0];
/// snmpMIB, the module itself: what sysORTable calls it.
const SNMP_MIB: &[u32] = &[1, 3, 6, 1, 6, 3, 1];
/// A host with applications: layers 4 and 7, as RFC 3418 counts them.
const SERVICES: i32 = 72;

/// What the system group says that no manager may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// sysDescr.
    pub description: String,
    /// sysObjectID.
    pub object_id: Oid,
    /// The root of VITALS-MIB, for sysORTable.
    pub root: Oid,
}

/// The system group's instances.
pub fn system(system: &System, settings: &Settings) -> Segment {
    let prefix = Oid::from_static(SYSTEM);
    let (base, system, settings) = (prefix.clone(), system.clone(), settings.clone());
    Segment::lazy(&prefix, move || {
        let mut builder = Builder::default();
        let at = |arcs: &[u32]| base.child(arcs).arcs().to_vec();
        builder.push(&at(&[1, 0]), &Value::text(&system.description));
        builder.push(&at(&[2, 0]), &Value::ObjectId(system.object_id));
        builder.push_live(&at(&[3, 0]), LiveObject::UpTime);
        builder.push(&at(&[4, 0]), &Value::text(&settings.contact));
        builder.push(&at(&[5, 0]), &Value::text(&settings.name));
        builder.push(&at(&[6, 0]), &Value::text(&settings.location));
        builder.push(&at(&[7, 0]), &Value::Integer(SERVICES));
        // The modules are all there from the start: the table last changed at uptime zero.
        builder.push(&at(&[8, 0]), &Value::TimeTicks(0));
        let modules = modules(&system.root);
        for (place, (oid, _)) in (1..).zip(&modules) {
            builder.push(&at(&[9, 1, 2, place]), &Value::ObjectId(oid.clone()));
        }
        for (place, (_, text)) in (1..).zip(&modules) {
            builder.push(&at(&[9, 1, 3, place]), &Value::text(text));
        }
        for (place, _) in (1..).zip(&modules) {
            builder.push(&at(&[9, 1, 4, place]), &Value::TimeTicks(0));
        }
        builder.finish()
    })
}

/// The modules that are served, with what sysORTable says of each. New ones go to the end, as a manager may have kept the
/// indices of the rest.
pub fn modules(root: &Oid) -> Vec<(Oid, &'static str)> {
    let own = [
        (Oid::from_static(SNMP_MIB), "The MIB module for SNMP entities (RFC 3418)."),
        (root.clone(), "VITALS-MIB: the health of this machine."),
    ];
    let standard = admin::MODULES.iter().map(|module| (Oid::from_static(module.identity), module.sentence));
    own.into_iter().chain(standard).collect()
}

/// The snmp group's instances: counters, and snmpEnableAuthenTraps.
pub fn snmp(settings: &Settings) -> Segment {
    let traps = if settings.authen_traps { 1 } else { 2 };
    Segment::lazy(&Oid::from_static(SNMP), move || {
        let mut builder = Builder::default();
        let mut scalars: Vec<(Vec<u32>, Option<Counter>)> =
            counters_below(SNMP).map(|(object, counter)| ([object, &[0]].concat(), Some(counter))).collect();
        scalars.push((ENABLE_AUTHEN_TRAPS.to_vec(), None));
        scalars.sort_by(|(left, _), (right, _)| left.cmp(right));
        for (arcs, counter) in scalars {
            match counter {
                Some(counter) => builder.push_live(&arcs, LiveObject::Counter(counter)),
                None => builder.push(&arcs, &Value::Integer(traps)),
            }
        }
        builder.finish()
    })
}

/// The snmpSet group: one scalar, which managers that work side by side test and set.
pub fn set(settings: &Settings) -> Segment {
    let serial = i32::try_from(settings.serial).unwrap_or(i32::MAX);
    Segment::lazy(&Oid::from_static(SNMP_SET), move || {
        let mut builder = Builder::default();
        builder.push(SET_SERIAL_NO, &Value::Integer(serial));
        builder.finish()
    })
}

/// The counters that have a scalar below an OID, in no order.
pub fn counters_below(prefix: &[u32]) -> impl Iterator<Item = (&'static [u32], Counter)> {
    let scalars = COUNTERS.iter().filter_map(|&(counter, object, _, _)| Some((object?, counter)));
    scalars.filter(move |(object, _)| object.starts_with(prefix))
}

/// The object types of all three.
pub fn types() -> Vec<Key> {
    let system = Oid::from_static(SYSTEM);
    let scalars = (1..=8).map(|object| system.child(&[object]).key());
    let columns = (2..=4).map(|column| system.child(&[9, 1, column]).key());
    let counters = counters_below(SNMP).map(|(object, _)| Oid::from_static(object).key());
    let settable = [ENABLE_AUTHEN_TRAPS, SET_SERIAL_NO].map(|instance| match instance {
        [object @ .., _] => Oid::from_static(object).key(),
        [] => Key::new(),
    });
    scalars.chain(columns).chain(counters).chain(settable).collect()
}
