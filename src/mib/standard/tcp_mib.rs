//! TCP-MIB (RFC 4022): TCP over IPv4 and IPv6, its connections and listeners.
//!
//! Deviation: a link-local address stands without its zone. The kernel's list of sockets doesn't say it, and snmpnetstat
//! dies of the first one.

use std::net::IpAddr;

use super::Facts;
use super::internet::{counter_scalar, netstat, number, wide_counter};
use crate::collect::network::socket::{End, Socket, State};
use crate::mib::conventions::{gauge32, integer};
use crate::mib::index::Index;
use crate::mib::table::{Column, Group, Module, Reading, Rows, Scalar, Table};
use crate::mib::value::Value;

/// TCP-MIB.
pub static MODULE: Module<Facts> = Module {
    name: "TCP-MIB",
    identity: &[1, 3, 6, 1, 2, 1, 49],
    sentence: "The MIB module for managing TCP implementations (RFC 4022).",
    groups: &[Group {
        oid: &[1, 3, 6, 1, 2, 1, 6],
        sections: &["netstat"],
        scalars: &[
            Scalar {
                number: 1,
                name: "tcpRtoAlgorithm",
                value: Reading::Fixed(|facts| number(facts, "Tcp", "RtoAlgorithm")),
            },
            Scalar { number: 2, name: "tcpRtoMin", value: Reading::Fixed(|facts| number(facts, "Tcp", "RtoMin")) },
            Scalar { number: 3, name: "tcpRtoMax", value: Reading::Fixed(|facts| number(facts, "Tcp", "RtoMax")) },
            // The kernel has no limit, which it says by a negative number: -1 here too.
            Scalar {
                number: 4,
                name: "tcpMaxConn",
                value: Reading::Fixed(|facts| {
                    netstat(facts)?.protocols.get("Tcp")?;
                    Some(number(facts, "Tcp", "MaxConn").unwrap_or(Value::Integer(-1)))
                }),
            },
            counter_scalar!(5, "tcpActiveOpens", "Tcp", "ActiveOpens"),
            counter_scalar!(6, "tcpPassiveOpens", "Tcp", "PassiveOpens"),
            counter_scalar!(7, "tcpAttemptFails", "Tcp", "AttemptFails"),
            counter_scalar!(8, "tcpEstabResets", "Tcp", "EstabResets"),
            Scalar {
                number: 9,
                name: "tcpCurrEstab",
                value: Reading::Fixed(|facts| {
                    let number = netstat(facts)?.get("Tcp", "CurrEstab")?;
                    Some(gauge32(number))
                }),
            },
            counter_scalar!(10, "tcpInSegs", "Tcp", "InSegs"),
            counter_scalar!(11, "tcpOutSegs", "Tcp", "OutSegs"),
            counter_scalar!(12, "tcpRetransSegs", "Tcp", "RetransSegs"),
            counter_scalar!(14, "tcpInErrs", "Tcp", "InErrs"),
            counter_scalar!(15, "tcpOutRsts", "Tcp", "OutRsts"),
            Scalar {
                number: 17,
                name: "tcpHCInSegs",
                value: Reading::Fixed(|facts| wide_counter(facts, "Tcp", "InSegs")),
            },
            Scalar {
                number: 18,
                name: "tcpHCOutSegs",
                value: Reading::Fixed(|facts| wide_counter(facts, "Tcp", "OutSegs")),
            },
        ],
    }],
    tables: &[&OLD, &CONNECTIONS, &LISTENERS],
};

/// InetAddressType, InetAddress and port of an end of a socket.
pub fn end(index: Index, end: End) -> Index {
    index.address(end.address).number(end.port.into())
}

fn sockets(facts: &Facts) -> &[Socket] {
    facts.section(|snapshot| snapshot.socket.get()).map_or(&[], |sockets| &sockets.tcp)
}

/// A process identifier; 0 where it isn't known, as the module asks.
pub fn process(socket: &Socket) -> Value {
    Value::Gauge32(socket.process.unwrap_or(0))
}

/// tcpConnectionTable.
pub struct Connection;

impl Rows for Connection {
    type Source = Facts;
    type Row<'a> = &'a Socket;
}

static CONNECTIONS: Table<Connection> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 6, 19, 1],
    sections: &["socket"],
    rows: |facts| {
        let stands = |socket: &&Socket| !matches!(socket.state, State::Listen | State::Closed);
        sockets(facts).iter().filter(stands).collect()
    },
    index: |socket| end(end(Index::new(), socket.local), socket.remote),
    columns: &[
        Column { number: 7, name: "tcpConnectionState", value: |socket| Some(integer(socket.state as u32)) },
        Column { number: 8, name: "tcpConnectionProcess", value: |socket| Some(process(socket)) },
    ],
};

/// tcpListenerTable.
pub struct Listener;

impl Rows for Listener {
    type Source = Facts;
    type Row<'a> = &'a Socket;
}

/// tcpListenerTable. The kernel's list doesn't say whether a listener at `::` takes IPv4 too: it stands as IPv6's.
static LISTENERS: Table<Listener> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 6, 20, 1],
    sections: &["socket"],
    rows: |facts| sockets(facts).iter().filter(|socket| socket.state == State::Listen).collect(),
    index: |socket| end(Index::new(), socket.local),
    columns: &[Column { number: 4, name: "tcpListenerProcess", value: |socket| Some(process(socket)) }],
};

/// A row of tcpConnTable.
pub struct Old {
    state: State,
    local: ([u8; 4], u16),
    remote: ([u8; 4], u16),
}

impl Rows for Old {
    type Source = Facts;
    type Row<'a> = Old;
}

/// tcpConnTable: connections and listeners of IPv4.
static OLD: Table<Old> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 6, 13, 1],
    sections: &["socket"],
    rows: |facts| {
        let rows = sockets(facts).iter().filter(|socket| socket.state != State::Closed).filter_map(|socket| {
            Some(Old { state: socket.state, local: four(socket.local)?, remote: four(socket.remote)? })
        });
        rows.collect()
    },
    index: |row| {
        let index = Index::new().bare_octets(&row.local.0).number(row.local.1.into());
        index.bare_octets(&row.remote.0).number(row.remote.1.into())
    },
    columns: &[
        Column { number: 1, name: "tcpConnState", value: |row| Some(integer(row.state as u32)) },
        Column { number: 2, name: "tcpConnLocalAddress", value: |row| Some(Value::IpAddress(row.local.0)) },
        Column { number: 3, name: "tcpConnLocalPort", value: |row| Some(integer(row.local.1.into())) },
        Column { number: 4, name: "tcpConnRemAddress", value: |row| Some(Value::IpAddress(row.remote.0)) },
        Column { number: 5, name: "tcpConnRemPort", value: |row| Some(integer(row.remote.1.into())) },
    ],
};

/// An end over IPv4.
pub fn four(end: End) -> Option<([u8; 4], u16)> {
    match end.address {
        IpAddr::V4(address) => Some((address.octets(), end.port)),
        IpAddr::V6(_) => None,
    }
}
