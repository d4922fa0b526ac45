//! How IP is set up on interfaces: ipv4InterfaceTable, ipv6InterfaceTable and ipv6ScopeZoneIndexTable.

use std::net::IpAddr;

use super::super::Facts;
use super::super::internet::interface;
use super::forwarding;
use crate::collect::network::address::{Address, Addresses, Interface, Ipv6};
use crate::mib::index::Index;
use crate::mib::table::{Column, Rows, Table};
use crate::mib::value::Value;

/// An interface that speaks IPv4.
pub struct Four<'a> {
    number: u32,
    facts: &'a Interface,
}

impl Rows for Four<'static> {
    type Source = Facts;
    type Row<'a> = Four<'a>;
}

/// The longest datagram that is put together again: the longest there is.
const MOST_BYTES: Value = Value::Integer(65_535);

/// ipv4InterfaceTable.
pub static IPV4: Table<Four<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 4, 28, 1],
    sections: &["address", "interface"],
    rows: |facts| {
        let interfaces = addresses(facts).into_iter().flat_map(|addresses| &addresses.interfaces);
        // One that does not resolve addresses by ARP has no such number, but the kernel has its directory for all.
        let speaks = interfaces.filter(|interface| interface.ipv4_retransmit.is_some());
        speaks.filter_map(|row| Some(Four { number: interface(facts, &row.name)?, facts: row })).collect()
    },
    index: |row| Index::new().number(row.number),
    columns: &[
        Column { number: 2, name: "ipv4InterfaceReasmMaxSize", value: |_| Some(MOST_BYTES) },
        // The kernel can't disable IPv4 on an interface.
        Column { number: 3, name: "ipv4InterfaceEnableStatus", value: |_| Some(enabled(true)) },
        Column {
            number: 4,
            name: "ipv4InterfaceRetransmitTime",
            value: |row| row.facts.ipv4_retransmit.map(Value::Gauge32),
        },
    ],
};

/// An interface that speaks IPv6.
pub struct Six {
    number: u32,
    facts: Ipv6,
    /// The second half of its link-local address.
    identifier: Option<[u8; 8]>,
}

impl Rows for Six {
    type Source = Facts;
    type Row<'a> = Six;
}

/// ipv6InterfaceTable.
pub static IPV6: Table<Six> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 4, 30, 1],
    sections: &["address", "interface"],
    rows: |facts| {
        let Some(addresses) = addresses(facts) else { return Vec::new() };
        let identifiers = identifiers(addresses);
        let rows = addresses.interfaces.iter().filter_map(|row| {
            let identifier = identifiers.get(&*row.name).copied();
            Some(Six { number: interface(facts, &row.name)?, facts: row.ipv6?, identifier })
        });
        rows.collect()
    },
    index: |row| Index::new().number(row.number),
    columns: &[
        Column { number: 2, name: "ipv6InterfaceReasmMaxSize", value: |_| Some(Value::Gauge32(65_535)) },
        // Of no length on the loopback and wherever there is no link-local address.
        Column {
            number: 3,
            name: "ipv6InterfaceIdentifier",
            value: |row| Some(Value::OctetString(row.identifier.map(Vec::from).unwrap_or_default())),
        },
        Column { number: 5, name: "ipv6InterfaceEnableStatus", value: |row| Some(enabled(row.facts.enabled)) },
        Column { number: 6, name: "ipv6InterfaceReachableTime", value: |row| row.facts.reachable.map(Value::Gauge32) },
        Column {
            number: 7,
            name: "ipv6InterfaceRetransmitTime",
            value: |row| row.facts.retransmit.map(Value::Gauge32),
        },
        Column { number: 8, name: "ipv6InterfaceForwarding", value: |row| Some(forwarding(row.facts.forwarding)) },
    ],
};

/// ipv6ScopeZoneIndexTable: the zone of link-local addresses is the link. The kernel knows no other zones.
pub struct Zone(u32);

impl Rows for Zone {
    type Source = Facts;
    type Row<'a> = Zone;
}

/// ipv6ScopeZoneIndexTable.
pub static ZONES: Table<Zone> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 4, 36, 1],
    sections: &["address", "interface"],
    rows: |facts| {
        let rows = addresses(facts).into_iter().flat_map(|addresses| &addresses.rows);
        let six = rows.filter(|row| row.is_link_local());
        six.filter_map(|row| interface(facts, &row.interface).map(Zone)).collect()
    },
    index: |row| Index::new().number(row.0),
    columns: &[Column { number: 2, name: "ipv6ScopeZoneIndexLinkLocal", value: |row| Some(Value::Gauge32(row.0)) }],
};

fn addresses(facts: &Facts) -> Option<&Addresses> {
    facts.section(|snapshot| snapshot.address.get())
}

/// INTEGER { up(1), down(2) }.
fn enabled(is_up: bool) -> Value {
    Value::Integer(if is_up { 1 } else { 2 })
}

/// The second half of each interface's first link-local address.
fn identifiers(addresses: &Addresses) -> std::collections::HashMap<&str, [u8; 8]> {
    let mut found = std::collections::HashMap::new();
    for Address { address, interface, .. } in addresses.rows.iter().filter(|row| row.is_link_local()) {
        if let IpAddr::V6(address) = address
            && let Some(half) = address.octets().last_chunk::<8>()
        {
            found.entry(&**interface).or_insert(*half);
        }
    }
    found
}
