//! SNMP-NOTIFICATION-MIB (RFC 3413, section 4.2): which kinds of notifications go to which targets.
//!
//! What is kept from a target, it is by severity, which filters of subtrees can't say: their tables are known and empty.

use super::{Administration, Notify, storage};
use crate::mib::conventions::ACTIVE;
use crate::mib::index::Index;
use crate::mib::table::{Column, Module, Rows, Table};
use crate::mib::value::Value;

/// SNMP-NOTIFICATION-MIB.
pub static NOTIFICATION: Module<Administration> = Module {
    name: "SNMP-NOTIFICATION-MIB",
    identity: &[1, 3, 6, 1, 6, 3, 13],
    sentence: "The MIB for notification originators (RFC 3413).",
    groups: &[],
    tables: &[&NOTIFY, &FILTER_PROFILES, &FILTERS],
};

impl Rows for Notify {
    type Source = Administration;
    type Row<'a> = &'a Notify;
}

static NOTIFY: Table<Notify> = Table {
    entry: &[1, 3, 6, 1, 6, 3, 13, 1, 1, 1],
    sections: &[],
    rows: |administration| administration.notifications.iter().collect(),
    index: |notify| Index::new().bare_octets(notify.tag.as_bytes()),
    columns: &[
        Column { number: 2, name: "snmpNotifyTag", value: |notify| Some(Value::text(&notify.tag)) },
        Column {
            number: 3,
            name: "snmpNotifyType",
            value: |notify| Some(Value::Integer(if notify.informs { 2 } else { 1 })),
        },
        Column { number: 4, name: "snmpNotifyStorageType", value: |_| Some(storage(false)) },
        Column { number: 5, name: "snmpNotifyRowStatus", value: |_| Some(ACTIVE) },
    ],
};

/// Rows of a table that never has one.
enum Filter {}

impl Rows for Filter {
    type Source = Administration;
    type Row<'a> = Filter;
}

static FILTER_PROFILES: Table<Filter> = Table {
    entry: &[1, 3, 6, 1, 6, 3, 13, 1, 2, 1],
    sections: &[],
    rows: |_| Vec::new(),
    index: |filter| match *filter {},
    columns: &[
        Column { number: 1, name: "snmpNotifyFilterProfileName", value: |filter| match *filter {} },
        Column { number: 2, name: "snmpNotifyFilterProfileStorType", value: |filter| match *filter {} },
        Column { number: 3, name: "snmpNotifyFilterProfileRowStatus", value: |filter| match *filter {} },
    ],
};

static FILTERS: Table<Filter> = Table {
    entry: &[1, 3, 6, 1, 6, 3, 13, 1, 3, 1],
    sections: &[],
    rows: |_| Vec::new(),
    index: |filter| match *filter {},
    columns: &[
        Column { number: 2, name: "snmpNotifyFilterMask", value: |filter| match *filter {} },
        Column { number: 3, name: "snmpNotifyFilterType", value: |filter| match *filter {} },
        Column { number: 4, name: "snmpNotifyFilterStorageType", value: |filter| match *filter {} },
        Column { number: 5, name: "snmpNotifyFilterRowStatus", value: |filter| match *filter {} },
    ],
};
