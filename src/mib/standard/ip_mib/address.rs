//! Addresses: ipAddrTable of MIB-II, ipAddressPrefixTable and ipAddressTable.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::super::Facts;
use super::super::internet::{self, interface};
use crate::collect::network::address::{Address, Age};
use crate::collect::network::{mask, network};
use crate::mib::conventions::{ACTIVE, integer, time_ticks, truth};
use crate::mib::index::Index;
use crate::mib::oid::Oid;
use crate::mib::table::{Column, Rows, Table};
use crate::mib::value::Value;

/// The sections of all three tables.
const SECTIONS: &[&str] = &["address", "interface"];

/// An address of an interface that has a number.
struct Found<'a> {
    number: u32,
    facts: &'a Address,
}

fn found(facts: &Facts) -> impl Iterator<Item = Found<'_>> {
    let addresses = facts.section(|snapshot| snapshot.address.get());
    let rows = addresses.into_iter().flat_map(|addresses| &addresses.rows);
    rows.filter_map(|row| Some(Found { number: interface(facts, &row.interface)?, facts: row }))
}

/// A row of ipAddrTable.
pub struct Old<'a> {
    number: u32,
    address: Ipv4Addr,
    facts: &'a Address,
}

impl Rows for Old<'static> {
    type Source = Facts;
    type Row<'a> = Old<'a>;
}

/// ipAddrTable: IPv4 addresses.
pub static OLD: Table<Old<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 4, 20, 1],
    sections: SECTIONS,
    rows: |facts| {
        let four = found(facts).filter_map(|Found { number, facts }| match facts.address {
            IpAddr::V4(address) => Some(Old { number, address, facts }),
            IpAddr::V6(_) => None,
        });
        four.collect()
    },
    index: |row| Index::new().bare_octets(&row.address.octets()),
    columns: &[
        Column { number: 1, name: "ipAdEntAddr", value: |row| Some(Value::IpAddress(row.address.octets())) },
        Column { number: 2, name: "ipAdEntIfIndex", value: |row| Some(integer(row.number)) },
        Column {
            number: 3,
            name: "ipAdEntNetMask",
            value: |row| Some(Value::IpAddress(mask(row.facts.prefix).octets())),
        },
        // The lowest bit of the broadcast address; 0 where there is none.
        Column {
            number: 4,
            name: "ipAdEntBcastAddr",
            value: |row| {
                let has_broadcast = !row.address.is_loopback() && row.facts.prefix < 31;
                // Below another root the kernel doesn't say; then it is as nearly everywhere.
                let by_default = (row.facts.age.is_none() && has_broadcast).then_some(Ipv4Addr::BROADCAST);
                let broadcast = row.facts.broadcast.or(by_default);
                Some(integer(broadcast.map_or(0, |address| address.to_bits() & 1)))
            },
        },
        Column { number: 5, name: "ipAdEntReasmMaxSize", value: |_| Some(Value::Integer(65_535)) },
    ],
};

/// A row of ipAddressPrefixTable: a network of an interface.
pub struct Prefix<'a> {
    index: Index,
    facts: &'a Address,
}

impl Rows for Prefix<'static> {
    type Source = Facts;
    type Row<'a> = Prefix<'a>;
}

/// What ipAddressPrefixTable's rows are called by: a link-local network needs no zone, as the interface is in the index.
fn prefix_index(number: u32, address: &Address) -> Index {
    let index = Index::new().number(number).address(network(address.address, address.prefix));
    index.number(u32::from(address.prefix))
}

/// ipAddressPrefixTable.
pub static PREFIXES: Table<Prefix<'static>> = Table {
    entry: PREFIX_ENTRY,
    sections: SECTIONS,
    rows: |facts| {
        let mut prefixes: BTreeMap<Index, &Address> = BTreeMap::new();
        for Found { number, facts } in found(facts) {
            let kept = prefixes.entry(prefix_index(number, facts)).or_insert(facts);
            // One address that a router's advertisement made tells where the prefix came from.
            if is_advertised(facts) && !is_advertised(kept) {
                *kept = facts;
            }
        }
        prefixes.into_iter().map(|(index, facts)| Prefix { index, facts }).collect()
    },
    index: |row| row.index.clone(),
    columns: &[
        Column {
            number: 5,
            name: "ipAddressPrefixOrigin",
            value: |row| {
                // other(1), manual(2), wellknown(3), dhcp(4), routeradv(5).
                Some(integer(match origin(row.facts) {
                    _ if row.facts.is_link_local() => 3,
                    _ if is_advertised(row.facts) => 5,
                    DHCP => 4,
                    _ => 2,
                }))
            },
        },
        Column { number: 6, name: "ipAddressPrefixOnLinkFlag", value: |_| Some(truth(true)) },
        Column { number: 7, name: "ipAddressPrefixAutonomousFlag", value: |row| Some(truth(is_advertised(row.facts))) },
        Column {
            number: 8,
            name: "ipAddressPrefixAdvPreferredLifetime",
            value: |row| lifetime(row.facts, |age| age.preferred_seconds),
        },
        Column {
            number: 9,
            name: "ipAddressPrefixAdvValidLifetime",
            value: |row| lifetime(row.facts, |age| age.valid_seconds),
        },
    ],
};

const PREFIX_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 4, 32, 1];

/// Seconds; 2^32 - 1 is for ever, as it is for the kernel, and where a permanent address is all that is known.
fn lifetime(address: &Address, seconds: fn(&Age) -> u32) -> Option<Value> {
    let permanent = address.is(Address::PERMANENT).then_some(u32::MAX);
    address.age.as_ref().map(seconds).or(permanent).map(Value::Gauge32)
}

/// A row of ipAddressTable.
pub struct Row<'a> {
    number: u32,
    address: IpAddr,
    /// It is the broadcast address that belongs to the address of the facts.
    is_broadcast: bool,
    facts: &'a Address,
}

impl Rows for Row<'static> {
    type Source = Facts;
    type Row<'a> = Row<'a>;
}

/// ipAddressTable.
pub static ADDRESSES: Table<Row<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 4, 34, 1],
    sections: SECTIONS,
    rows: |facts| {
        let mut rows = Vec::new();
        for Found { number, facts } in found(facts) {
            rows.push(Row { number, address: facts.address, is_broadcast: false, facts });
            let broadcast = facts.broadcast.map(IpAddr::V4);
            rows.extend(broadcast.map(|address| Row { number, address, is_broadcast: true, facts }));
        }
        rows
    },
    index: |row| internet::address(Index::new(), row.address, row.number),
    columns: &[
        Column { number: 3, name: "ipAddressIfIndex", value: |row| Some(integer(row.number)) },
        // unicast(1), broadcast(3).
        Column { number: 4, name: "ipAddressType", value: |row| Some(integer(if row.is_broadcast { 3 } else { 1 })) },
        Column {
            number: 5,
            name: "ipAddressPrefix",
            value: |row| {
                let origin_of_prefix = Oid::from_static(PREFIX_ENTRY).child(&[5]);
                Some(Value::ObjectId(origin_of_prefix.child(prefix_index(row.number, row.facts).arcs())))
            },
        },
        Column { number: 6, name: "ipAddressOrigin", value: |row| Some(integer(origin(row.facts))) },
        Column { number: 7, name: "ipAddressStatus", value: |row| Some(integer(status(row.facts))) },
        Column { number: 8, name: "ipAddressCreated", value: |row| row.facts.age.map(|age| time_ticks(age.created)) },
        Column {
            number: 9,
            name: "ipAddressLastChanged",
            value: |row| row.facts.age.map(|age| time_ticks(age.changed)),
        },
        Column { number: 10, name: "ipAddressRowStatus", value: |_| Some(ACTIVE) },
        // volatile(2): the kernel forgets it when the machine starts anew.
        Column { number: 11, name: "ipAddressStorageType", value: |_| Some(Value::Integer(2)) },
    ],
};

const OTHER: u32 = 1;
const MANUAL: u32 = 2;
const DHCP: u32 = 4;
const LINK_LAYER: u32 = 5;
const RANDOM: u32 = 6;

/// IpAddressOriginTC. Kernels before 5.18 don't say where an address came from; then its kind and lifetime tell.
fn origin(address: &Address) -> u32 {
    let lasts = address.is(Address::PERMANENT);
    match address.address {
        IpAddr::V4(four) if four.is_link_local() => RANDOM,
        IpAddr::V4(_) if lasts => MANUAL,
        IpAddr::V4(_) => DHCP,
        IpAddr::V6(_) if address.is(Address::TEMPORARY) => RANDOM,
        IpAddr::V6(_) if address.origin == Some(Address::LINK_LOCAL) || is_advertised(address) => LINK_LAYER,
        IpAddr::V6(_) if address.origin.is_none_or(|origin| origin == 0) && address.is_link_local() => LINK_LAYER,
        IpAddr::V6(six) if six.is_loopback() || lasts => MANUAL,
        // A program that keeps an address of 128 bits for as long as a lease lasts.
        IpAddr::V6(_) if address.prefix == 128 => DHCP,
        IpAddr::V6(_) => OTHER,
    }
}

/// Whether a router's advertisement made the address. Older kernels show that only by its lifetime.
fn is_advertised(address: &Address) -> bool {
    let is_made = match address.origin {
        Some(origin) if origin > 0 => origin == Address::ADVERTISED,
        _ => !address.is(Address::PERMANENT) && address.prefix == 64,
    };
    address.address.is_ipv6() && is_made && !address.is_link_local()
}

/// IpAddressStatusTC. An IPv4 address is always preferred.
fn status(address: &Address) -> u32 {
    if address.address.is_ipv4() {
        return 1;
    }
    if address.is(Address::DUPLICATE) {
        7
    } else if address.is(Address::OPTIMISTIC) {
        8
    } else if address.is(Address::TENTATIVE) {
        6
    } else if address.is(Address::DEPRECATED) {
        2
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str, prefix: u8, flags: u32, origin: Option<u8>) -> Address {
        let address = text.parse().expect("an address");
        Address { address, prefix, interface: "eth0".into(), broadcast: None, flags, origin, age: None }
    }

    #[test]
    fn an_address_tells_where_it_came_from() {
        let check = |text, prefix, flags, made_by, expected: (u32, bool)| {
            let address = address(text, prefix, flags, made_by);
            assert_eq!((origin(&address), is_advertised(&address)), expected, "{text}");
        };
        check("192.0.2.1", 24, Address::PERMANENT, None, (MANUAL, false));
        check("192.0.2.1", 24, 0, None, (DHCP, false));
        check("169.254.1.1", 16, Address::PERMANENT, None, (RANDOM, false));
        check("fe80::1", 64, Address::PERMANENT, Some(3), (LINK_LAYER, false));
        check("fe80::1", 64, Address::PERMANENT, None, (LINK_LAYER, false));
        check("2001:db8::1", 64, 0, Some(2), (LINK_LAYER, true));
        check("2001:db8::1", 64, 0, None, (LINK_LAYER, true));
        check("2001:db8::2", 64, Address::TEMPORARY, Some(2), (RANDOM, true));
        check("2001:db8::1", 128, 0, None, (DHCP, false));
        check("2001:db8::1", 64, Address::PERMANENT, None, (MANUAL, false));
        check("::1", 128, Address::PERMANENT, Some(1), (MANUAL, false));
    }
}
