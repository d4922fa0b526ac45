//! SNMP-VIEW-BASED-ACM-MIB (RFC 3415, section 4): contexts, groups, access, views.
//!
//! The configuration has no groups: each identity is one of its own, of the same name.

use super::{Administration, Family, Principal, storage};
use crate::mib::conventions::{ACTIVE, UNMOVED_LOCK};
use crate::mib::index::Index;
use crate::mib::table::{Column, Group, Module, Reading, Rows, Scalar, Table};
use crate::mib::value::Value;

/// SNMP-VIEW-BASED-ACM-MIB.
pub static VACM: Module<Administration> = Module {
    name: "SNMP-VIEW-BASED-ACM-MIB",
    identity: &[1, 3, 6, 1, 6, 3, 16],
    sentence: "The management information definitions for the View-based Access Control Model (RFC 3415).",
    groups: &[Group {
        oid: &[1, 3, 6, 1, 6, 3, 16, 1, 5],
        sections: &[],
        scalars: &[Scalar { number: 1, name: "vacmViewSpinLock", value: Reading::Fixed(|_| Some(UNMOVED_LOCK)) }],
    }],
    tables: &[&CONTEXTS, &GROUPS, &ACCESS, &FAMILIES],
};

/// vacmAccessContextMatch exact(1).
const EXACT: Value = Value::Integer(1);

struct Context;

impl Rows for Context {
    type Source = Administration;
    type Row<'a> = &'static str;
}

/// One row: the default context, whose name is empty.
static CONTEXTS: Table<Context> = Table {
    entry: &[1, 3, 6, 1, 6, 3, 16, 1, 1, 1],
    sections: &[],
    rows: |_| vec![""],
    index: |name| Index::new().octets(name.as_bytes()),
    columns: &[Column { number: 1, name: "vacmContextName", value: |name| Some(Value::text(name)) }],
};

impl Rows for Principal {
    type Source = Administration;
    type Row<'a> = &'a Principal;
}

static GROUPS: Table<Principal> = Table {
    entry: &[1, 3, 6, 1, 6, 3, 16, 1, 2, 1],
    sections: &[],
    rows: |administration| administration.principals.iter().collect(),
    index: |principal| Index::new().number(principal.model.number()).octets(principal.name.as_bytes()),
    columns: &[
        Column { number: 3, name: "vacmGroupName", value: |principal| Some(Value::text(&principal.name)) },
        Column { number: 4, name: "vacmSecurityToGroupStorageType", value: |_| Some(storage(false)) },
        Column { number: 5, name: "vacmSecurityToGroupStatus", value: |_| Some(ACTIVE) },
    ],
};

static ACCESS: Table<Principal> = Table {
    entry: &[1, 3, 6, 1, 6, 3, 16, 1, 4, 1],
    sections: &[],
    rows: |administration| administration.principals.iter().collect(),
    index: |principal| {
        let group_and_prefix = Index::new().octets(principal.name.as_bytes()).octets(b"");
        group_and_prefix.number(principal.model.number()).number(principal.level.number())
    },
    columns: &[
        Column { number: 4, name: "vacmAccessContextMatch", value: |_| Some(EXACT) },
        Column { number: 5, name: "vacmAccessReadViewName", value: |principal| Some(Value::text(&principal.read)) },
        Column { number: 6, name: "vacmAccessWriteViewName", value: |principal| Some(Value::text(&principal.write)) },
        Column { number: 7, name: "vacmAccessNotifyViewName", value: |principal| Some(Value::text(&principal.notify)) },
        Column { number: 8, name: "vacmAccessStorageType", value: |_| Some(storage(false)) },
        Column { number: 9, name: "vacmAccessStatus", value: |_| Some(ACTIVE) },
    ],
};

impl Rows for Family {
    type Source = Administration;
    type Row<'a> = &'a Family;
}

static FAMILIES: Table<Family> = Table {
    entry: &[1, 3, 6, 1, 6, 3, 16, 1, 5, 2, 1],
    sections: &[],
    rows: |administration| administration.families.iter().collect(),
    index: |family| Index::new().octets(family.view.as_bytes()).oid(&family.subtree),
    columns: &[
        // Empty: every arc of the subtree counts.
        Column { number: 3, name: "vacmViewTreeFamilyMask", value: |_| Some(Value::text("")) },
        Column {
            number: 4,
            name: "vacmViewTreeFamilyType",
            value: |family| Some(Value::Integer(if family.included { 1 } else { 2 })),
        },
        Column { number: 5, name: "vacmViewTreeFamilyStorageType", value: |_| Some(storage(false)) },
        Column { number: 6, name: "vacmViewTreeFamilyStatus", value: |_| Some(ACTIVE) },
    ],
};
