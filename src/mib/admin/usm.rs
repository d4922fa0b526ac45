//! SNMP-USER-BASED-SM-MIB (RFC 3414, section 5): usmStats, and the users without their keys.

use super::{Administration, User, storage};
use crate::mib::conventions::{ACTIVE, UNMOVED_LOCK, identifier};
use crate::mib::index::Index;
use crate::mib::table::{Column, Group, Module, Reading, Rows, Scalar, Table};
use crate::mib::value::Value;

/// SNMP-USER-BASED-SM-MIB.
pub static USM: Module<Administration> = Module {
    name: "SNMP-USER-BASED-SM-MIB",
    identity: &[1, 3, 6, 1, 6, 3, 15],
    sentence: "The management information definitions for the SNMP User-based Security Model (RFC 3414).",
    groups: &[
        Group { oid: &[1, 3, 6, 1, 6, 3, 15, 1, 1], sections: &[], scalars: &[] },
        Group {
            oid: &[1, 3, 6, 1, 6, 3, 15, 1, 2],
            sections: &[],
            scalars: &[Scalar { number: 1, name: "usmUserSpinLock", value: Reading::Fixed(|_| Some(UNMOVED_LOCK)) }],
        },
    ],
    tables: &[&USERS],
};

const NO_AUTH: &[u32] = &[1, 3, 6, 1, 6, 3, 10, 1, 1, 1];
const NO_PRIVACY: &[u32] = &[1, 3, 6, 1, 6, 3, 10, 1, 2, 1];
const ZERO_DOT_ZERO: &[u32] = &[0, 0];

/// A user of this engine.
struct LocalUser<'a> {
    engine_id: &'a [u8],
    user: &'a User,
}

struct LocalUsers;

impl Rows for LocalUsers {
    type Source = Administration;
    type Row<'a> = LocalUser<'a>;
}

static USERS: Table<LocalUsers> = Table {
    entry: &[1, 3, 6, 1, 6, 3, 15, 1, 2, 2, 1],
    sections: &[],
    rows: |administration| {
        let engine_id = &administration.engine_id;
        administration.users.iter().map(|user| LocalUser { engine_id, user }).collect()
    },
    index: |row| Index::new().octets(row.engine_id).octets(row.user.name.as_bytes()),
    columns: &[
        Column { number: 3, name: "usmUserSecurityName", value: |row| Some(Value::text(&row.user.name)) },
        Column { number: 4, name: "usmUserCloneFrom", value: |_| Some(identifier(ZERO_DOT_ZERO)) },
        Column {
            number: 5,
            name: "usmUserAuthProtocol",
            value: |row| Some(identifier(row.user.auth.unwrap_or(NO_AUTH))),
        },
        // The four ways of changing a key read as empty: each "when this object is read, the zero-length string".
        Column { number: 6, name: "usmUserAuthKeyChange", value: |_| Some(Value::text("")) },
        Column { number: 7, name: "usmUserOwnAuthKeyChange", value: |_| Some(Value::text("")) },
        Column {
            number: 8,
            name: "usmUserPrivProtocol",
            value: |row| Some(identifier(row.user.privacy.unwrap_or(NO_PRIVACY))),
        },
        Column { number: 9, name: "usmUserPrivKeyChange", value: |_| Some(Value::text("")) },
        Column { number: 10, name: "usmUserOwnPrivKeyChange", value: |_| Some(Value::text("")) },
        Column { number: 11, name: "usmUserPublic", value: |_| Some(Value::text("")) },
        // A user with keys may change them, and so "cannot be 'readOnly'". Deviation: that asks for write access to the
        // key changes of others and to usmUserPublic too; here everybody changes his own keys only.
        Column { number: 12, name: "usmUserStorageType", value: |row| Some(storage(row.user.auth.is_some())) },
        Column { number: 13, name: "usmUserStatus", value: |_| Some(ACTIVE) },
    ],
};
