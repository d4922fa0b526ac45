//! SNMP-COMMUNITY-MIB (RFC 3584, section 5): communities by their security names, and the masks of the networks that
//! may use them.
//!
//! Deviation: snmpCommunityName has no instance. A community is a secret, and whoever may read this table would have
//! those of all others.
//!
//! A target's own community isn't here, unless it is also accepted: a row would say that it is.

use super::{Address, Administration, Community, storage};
use crate::mib::conventions::{ACTIVE, integer};
use crate::mib::index::Index;
use crate::mib::table::{Column, Module, Rows, Table};
use crate::mib::value::Value;

/// SNMP-COMMUNITY-MIB.
pub static COMMUNITY: Module<Administration> = Module {
    name: "SNMP-COMMUNITY-MIB",
    identity: &[1, 3, 6, 1, 6, 3, 18],
    sentence: "The MIB for the coexistence of SNMPv1, SNMPv2c and SNMPv3 (RFC 3584).",
    groups: &[],
    tables: &[&COMMUNITIES, &ADDRESSES],
};

/// A community with the engine that it is for: this one.
struct LocalCommunity<'a> {
    community: &'a Community,
    engine_id: &'a [u8],
}

struct LocalCommunities;

impl Rows for LocalCommunities {
    type Source = Administration;
    type Row<'a> = LocalCommunity<'a>;
}

static COMMUNITIES: Table<LocalCommunities> = Table {
    entry: &[1, 3, 6, 1, 6, 3, 18, 1, 1, 1],
    sections: &[],
    rows: |administration| {
        let engine_id = &administration.engine_id;
        administration.communities.iter().map(|community| LocalCommunity { community, engine_id }).collect()
    },
    index: |row| Index::new().bare_octets(row.community.security_name.as_bytes()),
    columns: &[
        Column {
            number: 3,
            name: "snmpCommunitySecurityName",
            value: |row| Some(Value::text(&row.community.security_name)),
        },
        Column {
            number: 4,
            name: "snmpCommunityContextEngineID",
            value: |row| Some(Value::OctetString(row.engine_id.to_vec())),
        },
        Column { number: 5, name: "snmpCommunityContextName", value: |_| Some(Value::text("")) },
        Column { number: 6, name: "snmpCommunityTransportTag", value: |row| Some(Value::text(&row.community.tag)) },
        Column { number: 7, name: "snmpCommunityStorageType", value: |_| Some(storage(false)) },
        Column { number: 8, name: "snmpCommunityStatus", value: |_| Some(ACTIVE) },
    ],
};

/// snmpTargetAddrExtTable, which adds to snmpTargetAddrTable.
static ADDRESSES: Table<Address> = Table {
    entry: &[1, 3, 6, 1, 6, 3, 18, 1, 2, 1],
    sections: &[],
    rows: |administration| administration.addresses.iter().collect(),
    index: |address| Index::new().bare_octets(address.name.as_bytes()),
    columns: &[
        Column {
            number: 1,
            name: "snmpTargetAddrTMask",
            value: |address| Some(Value::OctetString(address.mask.clone())),
        },
        // Zero: what the receiver takes is not known.
        Column { number: 2, name: "snmpTargetAddrMMS", value: |_| Some(integer(0)) },
    ],
};
