//! ICMP: the icmp group of MIB-II, icmpStatsTable and icmpMsgStatsTable.

use std::collections::BTreeMap;

use super::super::Facts;
use super::super::internet::{IPV4, IPV6, counter_scalar, netstat};
use crate::collect::network::netstat::Counters;
use crate::mib::conventions::counter32;
use crate::mib::index::Index;
use crate::mib::table::{Column, Group, Rows, Table};

/// The icmp group of MIB-II: ICMP over IPv4.
pub const GROUP: Group<Facts> = Group {
    oid: &[1, 3, 6, 1, 2, 1, 5],
    sections: &["netstat"],
    scalars: &[
        counter_scalar!(1, "icmpInMsgs", "Icmp", "InMsgs"),
        counter_scalar!(2, "icmpInErrors", "Icmp", "InErrors"),
        counter_scalar!(3, "icmpInDestUnreachs", "Icmp", "InDestUnreachs"),
        counter_scalar!(4, "icmpInTimeExcds", "Icmp", "InTimeExcds"),
        counter_scalar!(5, "icmpInParmProbs", "Icmp", "InParmProbs"),
        counter_scalar!(6, "icmpInSrcQuenchs", "Icmp", "InSrcQuenchs"),
        counter_scalar!(7, "icmpInRedirects", "Icmp", "InRedirects"),
        counter_scalar!(8, "icmpInEchos", "Icmp", "InEchos"),
        counter_scalar!(9, "icmpInEchoReps", "Icmp", "InEchoReps"),
        counter_scalar!(10, "icmpInTimestamps", "Icmp", "InTimestamps"),
        counter_scalar!(11, "icmpInTimestampReps", "Icmp", "InTimestampReps"),
        counter_scalar!(12, "icmpInAddrMasks", "Icmp", "InAddrMasks"),
        counter_scalar!(13, "icmpInAddrMaskReps", "Icmp", "InAddrMaskReps"),
        counter_scalar!(14, "icmpOutMsgs", "Icmp", "OutMsgs"),
        counter_scalar!(15, "icmpOutErrors", "Icmp", "OutErrors"),
        counter_scalar!(16, "icmpOutDestUnreachs", "Icmp", "OutDestUnreachs"),
        counter_scalar!(17, "icmpOutTimeExcds", "Icmp", "OutTimeExcds"),
        counter_scalar!(18, "icmpOutParmProbs", "Icmp", "OutParmProbs"),
        counter_scalar!(19, "icmpOutSrcQuenchs", "Icmp", "OutSrcQuenchs"),
        counter_scalar!(20, "icmpOutRedirects", "Icmp", "OutRedirects"),
        counter_scalar!(21, "icmpOutEchos", "Icmp", "OutEchos"),
        counter_scalar!(22, "icmpOutEchoReps", "Icmp", "OutEchoReps"),
        counter_scalar!(23, "icmpOutTimestamps", "Icmp", "OutTimestamps"),
        counter_scalar!(24, "icmpOutTimestampReps", "Icmp", "OutTimestampReps"),
        counter_scalar!(25, "icmpOutAddrMasks", "Icmp", "OutAddrMasks"),
        counter_scalar!(26, "icmpOutAddrMaskReps", "Icmp", "OutAddrMaskReps"),
    ],
};

/// ICMP over one version of IP.
pub struct Statistics<'a> {
    version: u32,
    counters: &'a Counters,
}

impl Rows for Statistics<'static> {
    type Source = Facts;
    type Row<'a> = Statistics<'a>;
}

/// icmpStatsTable.
pub static STATISTICS: Table<Statistics<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 5, 29, 1],
    sections: &["netstat"],
    rows: |facts| {
        let protocols = netstat(facts).map(|netstat| &netstat.protocols);
        let row = |(version, name)| Some(Statistics { version, counters: protocols?.get(name)? });
        [(IPV4, "Icmp"), (IPV6, "Icmp6")].into_iter().filter_map(row).collect()
    },
    index: |row| Index::new().number(row.version),
    columns: &[
        Column { number: 2, name: "icmpStatsInMsgs", value: |row| row.counters.get("InMsgs").map(counter32) },
        Column { number: 3, name: "icmpStatsInErrors", value: |row| row.counters.get("InErrors").map(counter32) },
        Column { number: 4, name: "icmpStatsOutMsgs", value: |row| row.counters.get("OutMsgs").map(counter32) },
        Column { number: 5, name: "icmpStatsOutErrors", value: |row| row.counters.get("OutErrors").map(counter32) },
    ],
};

/// The messages of one type.
pub struct Messages {
    version: u32,
    kind: u32,
    received: u64,
    sent: u64,
}

impl Rows for Messages {
    type Source = Facts;
    type Row<'a> = Messages;
}

/// The types of ICMP that have a row even before the first message: those that the icmp group counts.
const COUNTED: &[u32] = &[0, 3, 4, 5, 8, 11, 12, 13, 14, 17, 18];

/// icmpMsgStatsTable. The kernel leaves out types of which it has counted none: of those there is a zero.
pub static MESSAGES: Table<Messages> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 5, 30, 1],
    sections: &["netstat"],
    rows: |facts| {
        let protocols = netstat(facts).map(|netstat| &netstat.protocols);
        let get = |name| protocols.and_then(|protocols| protocols.get(name));
        let four = get("Icmp").map(|_| messages(IPV4, COUNTED, get("IcmpMsg")));
        let six = get("Icmp6").map(|counters| messages(IPV6, &[], Some(counters)));
        four.into_iter().chain(six).flatten().collect()
    },
    index: |row| Index::new().number(row.version).number(row.kind),
    columns: &[
        Column { number: 3, name: "icmpMsgStatsInPkts", value: |row| Some(counter32(row.received)) },
        Column { number: 4, name: "icmpMsgStatsOutPkts", value: |row| Some(counter32(row.sent)) },
    ],
};

/// `InType3` and `OutType3`, and the types that are counted in any case.
fn messages(version: u32, counted: &[u32], counters: Option<&Counters>) -> Vec<Messages> {
    let mut found: BTreeMap<u32, (u64, u64)> = counted.iter().map(|kind| (*kind, (0, 0))).collect();
    for (name, number) in counters.into_iter().flat_map(Counters::iter) {
        let kind = |direction: &str| name.strip_prefix(direction)?.parse::<u8>().ok();
        if let Some(kind) = kind("InType") {
            found.entry(kind.into()).or_default().0 = number;
        } else if let Some(kind) = kind("OutType") {
            found.entry(kind.into()).or_default().1 = number;
        }
    }
    found.into_iter().map(|(kind, (received, sent))| Messages { version, kind, received, sent }).collect()
}
