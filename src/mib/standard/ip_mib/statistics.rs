//! ipSystemStatsTable and ipIfStatsTable: the packets of IPv4 and IPv6.
//!
//! The kernel counts IPv6 on each interface, IPv4 only as a whole. Packets to forward are counted once, when they go out.

use std::time::Duration;

use super::super::Facts;
use super::super::internet::{IPV4, IPV6, interface, netstat};
use crate::collect::network::netstat::Counters;
use crate::mib::conventions::counter32;
use crate::mib::index::Index;
use crate::mib::table::{Column, Rows, Table};
use crate::mib::value::Value;

/// A row of either table.
pub struct Statistics<'a> {
    version: u32,
    interface: Option<u32>,
    counters: Vec<&'a Counters>,
    interval: Duration,
}

impl Statistics<'_> {
    fn get(&self, name: &str) -> Option<u64> {
        let kernel = |name: &str| self.counters.iter().find_map(|counters| counters.get(name));
        match name {
            // IPv4 has the old name.
            "OutForwDatagrams" => kernel("OutForwDatagrams").or_else(|| kernel("ForwDatagrams")),
            // By definition: what had to be fragmented either was or was not.
            "OutFragReqds" => kernel("FragOKs")?.checked_add(kernel("FragFails")?),
            _ => kernel(name),
        }
    }
}

/// The columns of a table: number, width, descriptor, the kernel's name. The last two are the same in both.
macro_rules! columns {
    ($prefix:literal $($number:literal $width:tt $name:literal $key:literal)*) => {
        &[
            $(Column {
                number: $number,
                name: concat!($prefix, $name),
                value: |row| row.get($key).map(columns!(@ $width)),
            },)*
            Column { number: 46, name: concat!($prefix, "DiscontinuityTime"), value: |_| Some(Value::TimeTicks(0)) },
            Column {
                number: 47,
                name: concat!($prefix, "RefreshRate"),
                value: |row| Some(Value::Gauge32(u32::try_from(row.interval.as_millis()).unwrap_or(u32::MAX))),
            },
        ]
    };
    (@ 32) => { counter32 };
    (@ 64) => { Value::Counter64 };
}

/// ipSystemStatsTable.
pub struct System;

impl Rows for System {
    type Source = Facts;
    type Row<'a> = Statistics<'a>;
}

/// ipSystemStatsTable.
pub static SYSTEM: Table<System> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 4, 31, 1, 1],
    sections: &["netstat"],
    rows: |facts| {
        let Some(netstat) = netstat(facts) else { return Vec::new() };
        let row = |version, protocols: &[&str]| {
            let counters: Vec<_> = protocols.iter().filter_map(|name| netstat.protocols.get(*name)).collect();
            let known = !counters.is_empty();
            known.then_some(Statistics { version, interface: None, counters, interval: netstat.interval })
        };
        [row(IPV4, &["Ip", "IpExt"]), row(IPV6, &["Ip6"])].into_iter().flatten().collect()
    },
    index: |row| Index::new().number(row.version),
    columns: columns! {
        "ipSystemStats"
        3 32 "InReceives" "InReceives"
        4 64 "HCInReceives" "InReceives"
        5 32 "InOctets" "InOctets"
        6 64 "HCInOctets" "InOctets"
        7 32 "InHdrErrors" "InHdrErrors"
        8 32 "InNoRoutes" "InNoRoutes"
        9 32 "InAddrErrors" "InAddrErrors"
        10 32 "InUnknownProtos" "InUnknownProtos"
        11 32 "InTruncatedPkts" "InTruncatedPkts"
        12 32 "InForwDatagrams" "OutForwDatagrams"
        13 64 "HCInForwDatagrams" "OutForwDatagrams"
        14 32 "ReasmReqds" "ReasmReqds"
        15 32 "ReasmOKs" "ReasmOKs"
        16 32 "ReasmFails" "ReasmFails"
        17 32 "InDiscards" "InDiscards"
        18 32 "InDelivers" "InDelivers"
        19 64 "HCInDelivers" "InDelivers"
        20 32 "OutRequests" "OutRequests"
        21 64 "HCOutRequests" "OutRequests"
        22 32 "OutNoRoutes" "OutNoRoutes"
        23 32 "OutForwDatagrams" "OutForwDatagrams"
        24 64 "HCOutForwDatagrams" "OutForwDatagrams"
        25 32 "OutDiscards" "OutDiscards"
        26 32 "OutFragReqds" "OutFragReqds"
        27 32 "OutFragOKs" "FragOKs"
        28 32 "OutFragFails" "FragFails"
        29 32 "OutFragCreates" "FragCreates"
        30 32 "OutTransmits" "OutTransmits"
        31 64 "HCOutTransmits" "OutTransmits"
        32 32 "OutOctets" "OutOctets"
        33 64 "HCOutOctets" "OutOctets"
        34 32 "InMcastPkts" "InMcastPkts"
        35 64 "HCInMcastPkts" "InMcastPkts"
        36 32 "InMcastOctets" "InMcastOctets"
        37 64 "HCInMcastOctets" "InMcastOctets"
        38 32 "OutMcastPkts" "OutMcastPkts"
        39 64 "HCOutMcastPkts" "OutMcastPkts"
        40 32 "OutMcastOctets" "OutMcastOctets"
        41 64 "HCOutMcastOctets" "OutMcastOctets"
        42 32 "InBcastPkts" "InBcastPkts"
        43 64 "HCInBcastPkts" "InBcastPkts"
        44 32 "OutBcastPkts" "OutBcastPkts"
        45 64 "HCOutBcastPkts" "OutBcastPkts"
    },
};

/// ipIfStatsTable.
pub struct PerInterface;

impl Rows for PerInterface {
    type Source = Facts;
    type Row<'a> = Statistics<'a>;
}

/// ipIfStatsTable.
pub static INTERFACES: Table<PerInterface> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 4, 31, 3, 1],
    sections: &["netstat", "interface"],
    rows: |facts| {
        let Some(netstat) = netstat(facts) else { return Vec::new() };
        let rows = netstat.interfaces.iter().filter_map(|row| {
            let interface = Some(interface(facts, &row.name)?);
            Some(Statistics { version: IPV6, interface, counters: vec![&row.ip6], interval: netstat.interval })
        });
        rows.collect()
    },
    index: |row| Index::new().number(row.version).number(row.interface.unwrap_or(0)),
    // No broadcasts: IPv6 has none.
    columns: columns! {
        "ipIfStats"
        3 32 "InReceives" "InReceives"
        4 64 "HCInReceives" "InReceives"
        5 32 "InOctets" "InOctets"
        6 64 "HCInOctets" "InOctets"
        7 32 "InHdrErrors" "InHdrErrors"
        8 32 "InNoRoutes" "InNoRoutes"
        9 32 "InAddrErrors" "InAddrErrors"
        10 32 "InUnknownProtos" "InUnknownProtos"
        11 32 "InTruncatedPkts" "InTruncatedPkts"
        12 32 "InForwDatagrams" "OutForwDatagrams"
        13 64 "HCInForwDatagrams" "OutForwDatagrams"
        14 32 "ReasmReqds" "ReasmReqds"
        15 32 "ReasmOKs" "ReasmOKs"
        16 32 "ReasmFails" "ReasmFails"
        17 32 "InDiscards" "InDiscards"
        18 32 "InDelivers" "InDelivers"
        19 64 "HCInDelivers" "InDelivers"
        20 32 "OutRequests" "OutRequests"
        21 64 "HCOutRequests" "OutRequests"
        23 32 "OutForwDatagrams" "OutForwDatagrams"
        24 64 "HCOutForwDatagrams" "OutForwDatagrams"
        25 32 "OutDiscards" "OutDiscards"
        26 32 "OutFragReqds" "OutFragReqds"
        27 32 "OutFragOKs" "FragOKs"
        28 32 "OutFragFails" "FragFails"
        29 32 "OutFragCreates" "FragCreates"
        30 32 "OutTransmits" "OutTransmits"
        31 64 "HCOutTransmits" "OutTransmits"
        32 32 "OutOctets" "OutOctets"
        33 64 "HCOutOctets" "OutOctets"
        34 32 "InMcastPkts" "InMcastPkts"
        35 64 "HCInMcastPkts" "InMcastPkts"
        36 32 "InMcastOctets" "InMcastOctets"
        37 64 "HCInMcastOctets" "InMcastOctets"
        38 32 "OutMcastPkts" "OutMcastPkts"
        39 64 "HCOutMcastPkts" "OutMcastPkts"
        40 32 "OutMcastOctets" "OutMcastOctets"
        41 64 "HCOutMcastOctets" "OutMcastOctets"
    },
};
