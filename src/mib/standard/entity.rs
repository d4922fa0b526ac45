//! ENTITY-MIB (RFC 6933): what the machine is made of.
//!
//! There is one naming scope, so that no logical entity needs to be told: those tables are empty. What managers may
//! write (an alias, an asset's number) is told as the machine has it, read-only. Its notification is not sent: an alarm
//! says what matters.

use super::Facts;
use super::entities::{Class, ENTITIES, Entity, Fact, Placed, SECTIONS, placed};
use crate::collect::hardware::Part;
use crate::mib::conventions::{identifier, truth};
use crate::mib::index::Index;
use crate::mib::table::{Column, Group, Module, Reading, Rows, Scalar, Table};
use crate::mib::{Oid, Value};

/// ENTITY-MIB.
pub static MODULE: Module<Facts> = Module {
    name: "ENTITY-MIB",
    identity: &[1, 3, 6, 1, 2, 1, 47],
    sentence: "The MIB module for representing physical entities (RFC 6933).",
    groups: &[Group {
        oid: &[1, 3, 6, 1, 2, 1, 47, 1, 4],
        sections: SECTIONS,
        scalars: &[Scalar {
            number: 1,
            name: "entLastChangeTime",
            // What is told of an entity stays while it is there, so that its coming and going is all that changes.
            value: Reading::Fixed(|facts| Some(Value::time_stamp(facts.last_change(&ENTITIES)?))),
        }],
    }],
    tables: &[&PHYSICAL, &LOGICAL, &LOGICAL_TO_PHYSICAL, &ALIASES, &CONTAINS],
};

struct Physical;

impl Rows for Physical {
    type Source = Facts;
    type Row<'a> = Placed<'a>;
}

/// entPhysicalTable. Of what is unknown the texts are empty, and the date eight zeros, as the RFC wants it.
static PHYSICAL: Table<Physical> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1],
    sections: SECTIONS,
    rows: placed,
    index: |row| Index::new().number(row.number),
    columns: &[
        Column { number: 2, name: "entPhysicalDescr", value: |row| Some(Value::text(&row.entity.description)) },
        // No vendor registered an identifier that the kernel would know.
        Column { number: 3, name: "entPhysicalVendorType", value: |_| Some(identifier(&[0, 0])) },
        Column { number: 4, name: "entPhysicalContainedIn", value: |row| Some(integer(row.parent)) },
        Column { number: 5, name: "entPhysicalClass", value: |row| Some(Value::Integer(row.entity.class as i32)) },
        Column { number: 6, name: "entPhysicalParentRelPos", value: |row| Some(position(&row.entity)) },
        Column { number: 7, name: "entPhysicalName", value: |row| Some(Value::text(&row.entity.name)) },
        Column {
            number: 8,
            name: "entPhysicalHardwareRev",
            value: |row| said(part(&row.entity).and_then(|part| part.version.as_ref())),
        },
        Column { number: 9, name: "entPhysicalFirmwareRev", value: |row| said(firmware(&row.entity)) },
        Column { number: 10, name: "entPhysicalSoftwareRev", value: |_| said(None) },
        Column { number: 11, name: "entPhysicalSerialNum", value: |row| said(serial(&row.entity)) },
        Column { number: 12, name: "entPhysicalMfgName", value: |row| said(vendor(&row.entity)) },
        Column { number: 13, name: "entPhysicalModelName", value: |row| said(model(&row.entity)) },
        Column { number: 14, name: "entPhysicalAlias", value: |row| said(alias(&row.entity)) },
        Column { number: 15, name: "entPhysicalAssetID", value: |row| said(asset(&row.entity)) },
        // The kernel doesn't say what a technician may replace: only the machine as a whole surely is such a unit.
        Column { number: 16, name: "entPhysicalIsFRU", value: |row| Some(truth(row.entity.class == Class::Chassis)) },
        Column { number: 17, name: "entPhysicalMfgDate", value: |_| Some(Value::OctetString(vec![0; 8])) },
        Column {
            number: 18,
            name: "entPhysicalUris",
            value: |row| Some(Value::text(&uuid(&row.entity).map(uri).unwrap_or_default())),
        },
        Column {
            number: 19,
            name: "entPhysicalUUID",
            value: |row| Some(Value::OctetString(uuid(&row.entity).map(Vec::from).unwrap_or_default())),
        },
    ],
};

fn integer(number: u32) -> Value {
    crate::mib::conventions::integer(number)
}

/// An unknown text is an empty one.
fn said(text: Option<&String>) -> Option<Value> {
    Some(Value::text(text.map(String::as_str).unwrap_or_default()))
}

/// The kernel numbers packages; where other things sit it doesn't say, which is -1.
fn position(entity: &Entity<'_>) -> Value {
    match entity.fact {
        Fact::Package(package) => integer(package.number),
        _ => Value::Integer(-1),
    }
}

fn part<'a>(entity: &Entity<'a>) -> Option<&'a Part> {
    match entity.fact {
        Fact::Chassis(hardware) => Some(&hardware.product),
        Fact::Board(hardware) => Some(&hardware.board),
        _ => None,
    }
}

/// The machine's firmware: it is the board's, and the machine's as a whole.
fn firmware<'a>(entity: &Entity<'a>) -> Option<&'a String> {
    match entity.fact {
        Fact::Chassis(hardware) | Fact::Board(hardware) => hardware.firmware_version.as_ref(),
        _ => None,
    }
}

fn serial<'a>(entity: &Entity<'a>) -> Option<&'a String> {
    match entity.fact {
        Fact::Disk(disk) => disk.serial.as_ref(),
        Fact::Supply(supply) => supply.serial.as_ref(),
        Fact::Chassis(hardware) => hardware.product.serial.as_ref().or(hardware.chassis.serial.as_ref()),
        _ => part(entity)?.serial.as_ref(),
    }
}

fn vendor<'a>(entity: &Entity<'a>) -> Option<&'a String> {
    match entity.fact {
        Fact::Package(package) => package.vendor.as_ref(),
        Fact::Supply(supply) => supply.vendor.as_ref(),
        _ => part(entity)?.vendor.as_ref(),
    }
}

fn model<'a>(entity: &Entity<'a>) -> Option<&'a String> {
    match entity.fact {
        Fact::Package(package) => package.model.as_ref(),
        Fact::Disk(disk) => disk.model.as_ref(),
        Fact::Supply(supply) => supply.model.as_ref(),
        _ => part(entity)?.name.as_ref(),
    }
}

/// What the administrator calls a port: the kernel keeps it.
fn alias<'a>(entity: &Entity<'a>) -> Option<&'a String> {
    match entity.fact {
        Fact::Port(interface) => interface.alias.as_ref(),
        _ => None,
    }
}

fn asset<'a>(entity: &Entity<'a>) -> Option<&'a String> {
    match entity.fact {
        Fact::Chassis(hardware) => hardware.product.asset.as_ref().or(hardware.chassis.asset.as_ref()),
        _ => part(entity)?.asset.as_ref(),
    }
}

fn uuid(entity: &Entity<'_>) -> Option<[u8; 16]> {
    match entity.fact {
        Fact::Chassis(hardware) => hardware.uuid,
        _ => None,
    }
}

/// RFC 9562, section 4.
fn uri(uuid: [u8; 16]) -> String {
    let mut text = String::from("urn:uuid:");
    for (place, octet) in uuid.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{octet:02x}"));
    }
    text
}

/// Tables that say nothing.
struct Nothing;

impl Rows for Nothing {
    type Source = Facts;
    type Row<'a> = ();
}

/// entLogicalTable: with one naming scope there is no need for it.
static LOGICAL: Table<Nothing> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 47, 1, 2, 1, 1],
    sections: &[],
    rows: |_| Vec::new(),
    index: |()| Index::new(),
    columns: &[
        Column { number: 2, name: "entLogicalDescr", value: |()| None },
        Column { number: 3, name: "entLogicalType", value: |()| None },
        Column { number: 4, name: "entLogicalCommunity", value: |()| None },
        Column { number: 5, name: "entLogicalTAddress", value: |()| None },
        Column { number: 6, name: "entLogicalTDomain", value: |()| None },
        Column { number: 7, name: "entLogicalContextEngineID", value: |()| None },
        Column { number: 8, name: "entLogicalContextName", value: |()| None },
    ],
};

/// entLPMappingTable: without logical entities there is none.
static LOGICAL_TO_PHYSICAL: Table<Nothing> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 47, 1, 3, 1, 1],
    sections: &[],
    rows: |_| Vec::new(),
    index: |()| Index::new(),
    columns: &[Column { number: 1, name: "entLPPhysicalIndex", value: |()| None }],
};

/// entAliasMappingTable: a port is ifIndex.N, for every logical entity.
static ALIASES: Table<Physical> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 47, 1, 3, 2, 1],
    sections: SECTIONS,
    rows: |facts| placed(facts).into_iter().filter(|row| row.interface.is_some()).collect(),
    index: |row| Index::new().number(row.number).number(0),
    columns: &[Column {
        number: 2,
        name: "entAliasMappingIdentifier",
        value: |row| {
            let if_index = Oid::from_static(&[1, 3, 6, 1, 2, 1, 2, 2, 1, 1]);
            Some(Value::ObjectId(if_index.child(&[row.interface?])))
        },
    }],
};

/// entPhysicalContainsTable.
static CONTAINS: Table<Physical> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 47, 1, 3, 3, 1],
    sections: SECTIONS,
    rows: |facts| placed(facts).into_iter().filter(|row| row.parent > 0).collect(),
    index: |row| Index::new().number(row.parent).number(row.number),
    columns: &[Column { number: 1, name: "entPhysicalChildIndex", value: |row| Some(integer(row.number)) }],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_written_as_urns() {
        let uuid = [0x4c, 0x4c, 0x45, 0x44, 0, 0x58, 0x4b, 0x51, 0x80, 0x32, 0xb7, 0xc0, 0x4f, 0x56, 0x32, 0x32];
        assert_eq!(uri(uuid), "urn:uuid:4c4c4544-0058-4b51-8032-b7c04f563232");
    }
}
