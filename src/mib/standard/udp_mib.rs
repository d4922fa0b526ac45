//! UDP-MIB (RFC 4113): UDP over IPv4 and IPv6, and its endpoints.

use super::Facts;
use super::internet::{netstat, no_address};
use super::tcp_mib::{self, end};
use crate::collect::network::socket::Socket;
use crate::mib::conventions::{counter32, integer};
use crate::mib::index::Index;
use crate::mib::segment::smi_counter32;
use crate::mib::table::{Column, Group, Module, Reading, Rows, Scalar, Table};
use crate::mib::value::Value;

/// UDP-MIB.
pub static MODULE: Module<Facts> = Module {
    name: "UDP-MIB",
    identity: &[1, 3, 6, 1, 2, 1, 50],
    sentence: "The MIB module for managing UDP implementations (RFC 4113).",
    groups: &[Group {
        oid: &[1, 3, 6, 1, 2, 1, 7],
        sections: &["netstat"],
        scalars: &[
            Scalar {
                number: 1,
                name: "udpInDatagrams",
                value: Reading::Fixed(|facts| both(facts, "InDatagrams").map(counter32)),
            },
            Scalar {
                number: 2,
                name: "udpNoPorts",
                value: Reading::Fixed(|facts| both(facts, "NoPorts").map(counter32)),
            },
            Scalar {
                number: 3,
                name: "udpInErrors",
                value: Reading::Fixed(|facts| both(facts, "InErrors").map(counter32)),
            },
            Scalar {
                number: 4,
                name: "udpOutDatagrams",
                value: Reading::Fixed(|facts| both(facts, "OutDatagrams").map(counter32)),
            },
            Scalar {
                number: 8,
                name: "udpHCInDatagrams",
                value: Reading::Fixed(|facts| both(facts, "InDatagrams").map(Value::Counter64)),
            },
            Scalar {
                number: 9,
                name: "udpHCOutDatagrams",
                value: Reading::Fixed(|facts| both(facts, "OutDatagrams").map(Value::Counter64)),
            },
        ],
    }],
    tables: &[&OLD, &ENDPOINTS],
};

/// The module counts UDP over both versions of IP; the kernel counts each by itself.
fn both(facts: &Facts, name: &str) -> Option<u64> {
    let netstat = netstat(facts)?;
    let six = netstat.get("Udp6", name).unwrap_or(0);
    Some(netstat.get("Udp", name)?.wrapping_add(six))
}

fn sockets(facts: &Facts) -> &[Socket] {
    facts.section(|snapshot| snapshot.socket.get()).map_or(&[], |sockets| &sockets.udp)
}

/// udpEndpointTable.
pub struct Endpoint;

impl Rows for Endpoint {
    type Source = Facts;
    type Row<'a> = &'a Socket;
}

/// udpEndpointTable. The instance tells apart sockets that share all else: the kernel's number of the socket.
static ENDPOINTS: Table<Endpoint> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 7, 7, 1],
    sections: &["socket"],
    rows: |facts| sockets(facts).iter().collect(),
    index: |socket| {
        let index = end(Index::new(), socket.local);
        let remote = socket.remote;
        // Whoever isn't connected takes datagrams from all: no address, port 0.
        let is_connected = !remote.address.is_unspecified() || remote.port > 0;
        let index = if is_connected { end(index, remote) } else { no_address(index).number(0) };
        index.number(smi_counter32(socket.inode).max(1))
    },
    columns: &[Column { number: 8, name: "udpEndpointProcess", value: |socket| Some(tcp_mib::process(socket)) }],
};

/// A row of udpTable: an address of IPv4 and a port.
pub struct Old([u8; 4], u16);

impl Rows for Old {
    type Source = Facts;
    type Row<'a> = Old;
}

/// udpTable: endpoints of IPv4.
static OLD: Table<Old> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 7, 5, 1],
    sections: &["socket"],
    rows: |facts| {
        let ends = sockets(facts).iter().filter_map(|socket| tcp_mib::four(socket.local));
        ends.map(|(address, port)| Old(address, port)).collect()
    },
    index: |row| Index::new().bare_octets(&row.0).number(row.1.into()),
    columns: &[
        Column { number: 1, name: "udpLocalAddress", value: |row| Some(Value::IpAddress(row.0)) },
        Column { number: 2, name: "udpLocalPort", value: |row| Some(integer(row.1.into())) },
    ],
};
