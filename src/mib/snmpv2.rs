//! SNMPv2-MIB (RFC 3418): the system group with sysORTable, the snmp group, and the snmpSet group.

use std::sync::Arc;

use super::admin;
use super::conventions::integer;
use super::index::Index;
use super::oid::Oid;
use super::segment::LiveObject;
use super::settings::Settings;
use super::standard;
use super::table::{Column, Group, Module, Reading, Rows, Scalar, Table};
use super::value::Value;

/// SNMPv2-MIB.
pub static MODULE: Module<Standing> = Module {
    name: "SNMPv2-MIB",
    identity: &[1, 3, 6, 1, 6, 3, 1],
    sentence: "The MIB module for SNMP entities (RFC 3418).",
    groups: &[
        Group {
            oid: SYSTEM,
            sections: &[],
            scalars: &[
                Scalar {
                    number: 1,
                    name: "sysDescr",
                    value: Reading::Fixed(|standing| Some(Value::text(&standing.system.description))),
                },
                Scalar {
                    number: 2,
                    name: "sysObjectID",
                    value: Reading::Fixed(|standing| Some(Value::ObjectId(standing.system.object_id.clone()))),
                },
                Scalar { number: 3, name: "sysUpTime", value: Reading::Live(LiveObject::UpTime) },
                Scalar {
                    number: 4,
                    name: "sysContact",
                    value: Reading::Fixed(|standing| Some(Value::text(&standing.settings.contact))),
                },
                Scalar {
                    number: 5,
                    name: "sysName",
                    value: Reading::Fixed(|standing| Some(Value::text(&standing.settings.name))),
                },
                Scalar {
                    number: 6,
                    name: "sysLocation",
                    value: Reading::Fixed(|standing| Some(Value::text(&standing.settings.location))),
                },
                Scalar { number: 7, name: "sysServices", value: Reading::Fixed(|_| Some(Value::Integer(SERVICES))) },
                // The modules are all there from the start: the table last changed at uptime zero.
                Scalar { number: 8, name: "sysORLastChange", value: Reading::Fixed(|_| Some(Value::TimeTicks(0))) },
            ],
        },
        Group {
            oid: SNMP,
            sections: &[],
            scalars: &[Scalar {
                number: 30,
                name: "snmpEnableAuthenTraps",
                value: Reading::Fixed(|standing| {
                    Some(Value::Integer(if standing.settings.authen_traps { 1 } else { 2 }))
                }),
            }],
        },
        Group {
            oid: SNMP_SET,
            sections: &[],
            // Managers that work side by side test and set it.
            scalars: &[Scalar {
                number: 1,
                name: "snmpSetSerialNo",
                value: Reading::Fixed(|standing| Some(integer(standing.settings.serial))),
            }],
        },
    ],
    tables: &[&MODULES],
};

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

/// What the module is over.
#[derive(Debug, Clone)]
pub struct Standing {
    /// What no manager may change.
    pub system: Arc<System>,
    /// What they may.
    pub settings: Arc<Settings>,
}

/// The modules that are served, with what sysORTable says of each. New ones go to the end, as a manager may have kept the
/// indices of the rest.
pub fn modules(root: &Oid) -> Vec<(Oid, &'static str)> {
    let own = [
        (Oid::from_static(MODULE.identity), MODULE.sentence),
        (root.clone(), "VITALS-MIB: the health of this machine."),
    ];
    let admin = admin::MODULES.iter().map(|module| (module.identity, module.sentence));
    let standard = standard::MODULES.iter().map(|module| (module.identity, module.sentence));
    let standard = admin.chain(standard).map(|(identity, sentence)| (Oid::from_static(identity), sentence));
    own.into_iter().chain(standard).collect()
}

/// A served module: its place, from 1, its OID, its sentence.
struct Listed {
    place: u32,
    oid: Oid,
    sentence: &'static str,
}

impl Rows for Listed {
    type Source = Standing;
    type Row<'a> = Listed;
}

/// sysORTable.
static MODULES: Table<Listed> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 1, 9, 1],
    sections: &[],
    rows: |standing| {
        let modules = (1..).zip(modules(&standing.system.root));
        modules.map(|(place, (oid, sentence))| Listed { place, oid, sentence }).collect()
    },
    index: |listed| Index::new().number(listed.place),
    columns: &[
        Column { number: 2, name: "sysORID", value: |listed| Some(Value::ObjectId(listed.oid.clone())) },
        Column { number: 3, name: "sysORDescr", value: |listed| Some(Value::text(listed.sentence)) },
        Column { number: 4, name: "sysORUpTime", value: |_| Some(Value::TimeTicks(0)) },
    ],
};
