//! EtherLike-MIB (RFC 3635): errors and duplex of Ethernet interfaces.
//!
//! Which of the kernel's counters is which of IEEE 802.3's is said in its Documentation/networking/statistics.rst and at
//! rtnl_link_stats64. What it doesn't count (collisions by their number, deferrals, symbols), and what only ethtool would
//! say (pause frames), is left out. A bridge, a bond or a VLAN has no medium of its own, and no row.

use super::Facts;
use super::if_mib::{ETHERNET, Numbered, SECTIONS, by_number, if_type, numbered};
use crate::collect::interface::Duplex;
use crate::mib::conventions::{counter32, integer, truth};
use crate::mib::table::{Column, Module, Table};
use crate::mib::value::Value;

/// EtherLike-MIB.
pub static MODULE: Module<Facts> = Module {
    name: "EtherLike-MIB",
    identity: &[1, 3, 6, 1, 2, 1, 35],
    sentence: "Objects for Ethernet-like network interfaces (RFC 3635).",
    groups: &[],
    tables: &[&STATS, &HC_STATS],
};

fn ethernet(facts: &Facts) -> Vec<Numbered<'_>> {
    numbered(facts).into_iter().filter(|row| if_type(row.interface) == Some(ETHERNET)).collect()
}

/// dot3StatsTable.
static STATS: Table<Numbered<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 10, 7, 2, 1],
    sections: SECTIONS,
    rows: ethernet,
    index: by_number,
    columns: &[
        Column { number: 1, name: "dot3StatsIndex", value: |row| Some(integer(row.number)) },
        Column { number: 2, name: "dot3StatsAlignmentErrors", value: |row| alignment(row).map(counter32) },
        Column { number: 3, name: "dot3StatsFCSErrors", value: |row| checksum(row).map(counter32) },
        Column {
            number: 6,
            name: "dot3StatsSQETestErrors",
            value: |row| row.interface.errors.map(|errors| counter32(errors.transmit_heartbeat)),
        },
        Column {
            number: 8,
            name: "dot3StatsLateCollisions",
            value: |row| row.interface.errors.map(|errors| counter32(errors.transmit_window)),
        },
        Column {
            number: 9,
            name: "dot3StatsExcessiveCollisions",
            value: |row| row.interface.errors.map(|errors| counter32(errors.transmit_aborted)),
        },
        Column {
            number: 10,
            name: "dot3StatsInternalMacTransmitErrors",
            value: |row| Some(counter32(row.interface.transmit.fifo)),
        },
        Column {
            number: 11,
            name: "dot3StatsCarrierSenseErrors",
            value: |row| row.interface.errors.map(|errors| counter32(errors.transmit_carrier)),
        },
        Column { number: 13, name: "dot3StatsFrameTooLongs", value: |row| too_long(row).map(counter32) },
        Column {
            number: 16,
            name: "dot3StatsInternalMacReceiveErrors",
            value: |row| Some(counter32(row.interface.receive.fifo)),
        },
        Column {
            number: 19,
            name: "dot3StatsDuplexStatus",
            value: |row| {
                Some(Value::Integer(match row.interface.duplex {
                    Some(Duplex::Half) => 2,
                    Some(Duplex::Full) => 3,
                    Some(Duplex::Unknown) | None => 1,
                }))
            },
        },
        // Linux has no control of the rate by stretching the gaps between frames.
        Column { number: 20, name: "dot3StatsRateControlAbility", value: |_| Some(truth(false)) },
        // rateControlOff(1).
        Column { number: 21, name: "dot3StatsRateControlStatus", value: |_| Some(Value::Integer(1)) },
    ],
};

/// dot3HCStatsTable: the same with 64 bits.
static HC_STATS: Table<Numbered<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 10, 7, 11, 1],
    sections: SECTIONS,
    rows: ethernet,
    index: by_number,
    columns: &[
        Column { number: 1, name: "dot3HCStatsAlignmentErrors", value: |row| alignment(row).map(Value::Counter64) },
        Column { number: 2, name: "dot3HCStatsFCSErrors", value: |row| checksum(row).map(Value::Counter64) },
        Column {
            number: 3,
            name: "dot3HCStatsInternalMacTransmitErrors",
            value: |row| Some(Value::Counter64(row.interface.transmit.fifo)),
        },
        Column { number: 4, name: "dot3HCStatsFrameTooLongs", value: |row| too_long(row).map(Value::Counter64) },
        Column {
            number: 5,
            name: "dot3HCStatsInternalMacReceiveErrors",
            value: |row| Some(Value::Counter64(row.interface.receive.fifo)),
        },
    ],
};

fn alignment(row: &Numbered<'_>) -> Option<u64> {
    row.interface.errors.map(|errors| errors.receive_frame)
}

fn checksum(row: &Numbered<'_>) -> Option<u64> {
    row.interface.errors.map(|errors| errors.receive_crc)
}

fn too_long(row: &Numbered<'_>) -> Option<u64> {
    row.interface.errors.map(|errors| errors.receive_length)
}
