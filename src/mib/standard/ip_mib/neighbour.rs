//! Neighbours: ipNetToMediaTable of MIB-II and ipNetToPhysicalTable.

use std::net::{IpAddr, Ipv4Addr};

use super::super::Facts;
use super::super::internet::{self, interface};
use crate::collect::network::neighbour::{Neighbour, State};
use crate::mib::conventions::{ACTIVE, integer, time_ticks};
use crate::mib::index::Index;
use crate::mib::table::{Column, Rows, Table};
use crate::mib::value::Value;

/// The sections of both tables.
const SECTIONS: &[&str] = &["neighbour", "interface"];

/// A neighbour on an interface that has a number.
pub struct Row<'a> {
    number: u32,
    facts: &'a Neighbour,
}

fn rows(facts: &Facts) -> Vec<Row<'_>> {
    let neighbours = facts.section(|snapshot| snapshot.neighbour.get()).into_iter().flatten();
    neighbours.filter_map(|row| Some(Row { number: interface(facts, &row.interface)?, facts: row })).collect()
}

/// A row of ipNetToMediaTable.
pub struct Old<'a> {
    number: u32,
    address: Ipv4Addr,
    facts: &'a Neighbour,
}

impl Rows for Old<'static> {
    type Source = Facts;
    type Row<'a> = Old<'a>;
}

/// ipNetToMediaTable: IPv4 neighbours whose hardware address is known.
pub static OLD: Table<Old<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 4, 22, 1],
    sections: SECTIONS,
    rows: |facts| {
        let four = rows(facts).into_iter().filter_map(|Row { number, facts }| match facts.address {
            IpAddr::V4(address) if !facts.hardware.is_empty() => Some(Old { number, address, facts }),
            _ => None,
        });
        four.collect()
    },
    index: |row| Index::new().number(row.number).bare_octets(&row.address.octets()),
    columns: &[
        Column { number: 1, name: "ipNetToMediaIfIndex", value: |row| Some(integer(row.number)) },
        Column {
            number: 2,
            name: "ipNetToMediaPhysAddress",
            value: |row| Some(Value::OctetString(row.facts.hardware.clone())),
        },
        Column { number: 3, name: "ipNetToMediaNetAddress", value: |row| Some(Value::IpAddress(row.address.octets())) },
        Column { number: 4, name: "ipNetToMediaType", value: |row| Some(integer(kind(row.facts.state))) },
    ],
};

impl Rows for Row<'static> {
    type Source = Facts;
    type Row<'a> = Row<'a>;
}

/// ipNetToPhysicalTable.
pub static NEIGHBOURS: Table<Row<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 4, 35, 1],
    sections: SECTIONS,
    rows,
    index: |row| internet::address(Index::new().number(row.number), row.facts.address, row.number),
    columns: &[
        Column {
            number: 4,
            name: "ipNetToPhysicalPhysAddress",
            value: |row| Some(Value::OctetString(row.facts.hardware.clone())),
        },
        Column { number: 5, name: "ipNetToPhysicalLastUpdated", value: |row| row.facts.changed.map(time_ticks) },
        Column { number: 6, name: "ipNetToPhysicalType", value: |row| Some(integer(kind(row.facts.state))) },
        // Linux has ARP's entries in the same states, though RFC 4293 didn't expect that.
        Column { number: 7, name: "ipNetToPhysicalState", value: |row| Some(integer(state(row.facts.state))) },
        Column { number: 8, name: "ipNetToPhysicalRowStatus", value: |_| Some(ACTIVE) },
    ],
};

/// other(1), invalid(2), dynamic(3), static(4).
fn kind(state: State) -> u32 {
    match state {
        State::Incomplete => 1,
        State::Failed => 2,
        State::Permanent => 4,
        State::Reachable | State::Stale | State::Delay | State::Probe | State::Known => 3,
    }
}

/// reachable(1), stale(2), delay(3), probe(4), invalid(5), unknown(6), incomplete(7).
fn state(state: State) -> u32 {
    match state {
        State::Reachable => 1,
        State::Stale => 2,
        State::Delay => 3,
        State::Probe => 4,
        State::Failed => 5,
        State::Permanent | State::Known => 6,
        State::Incomplete => 7,
    }
}
