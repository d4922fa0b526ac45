//! IP-FORWARD-MIB (RFC 4292): the routes of the main table, and those of IPv4 as RFC 2096 had them.
//!
//! The kernel tells routes apart by what the module's index lacks: interface, metric and type of service. They are the
//! policy, behind the { 0 0 } that means none.
//!
//! Deviation: link-local addresses stand without a zone, which is the interface in the policy and in inetCidrRouteIfIndex;
//! and where the network is on the link, the next hop is 0.0.0.0 or ::, as Net-SNMP's agent has it, and not unknown(0).
//! snmpnetstat ends at the first address of a kind that it doesn't know.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Facts;
use super::internet::{gauge, interface};
use crate::collect::network::mask;
use crate::collect::network::route::{Kind, Route};
use crate::mib::conventions::{ACTIVE, identifier, integer};
use crate::mib::index::Index;
use crate::mib::table::{Column, Group, Module, Reading, Rows, Scalar, Table};
use crate::mib::value::Value;

/// IP-FORWARD-MIB.
pub static MODULE: Module<Facts> = Module {
    name: "IP-FORWARD-MIB",
    identity: &[1, 3, 6, 1, 2, 1, 4, 24],
    sentence: "The MIB module for the management of CIDR multipath IP routes (RFC 4292).",
    groups: &[Group {
        oid: &[1, 3, 6, 1, 2, 1, 4, 24],
        sections: SECTIONS,
        scalars: &[
            Scalar {
                number: 3,
                name: "ipCidrRouteNumber",
                value: Reading::Fixed(|facts| known(facts).then(|| gauge(old_rows(facts).len()))),
            },
            Scalar {
                number: 6,
                name: "inetCidrRouteNumber",
                value: Reading::Fixed(|facts| known(facts).then(|| gauge(rows(facts).len()))),
            },
            // Deviation: the kernel discards no route for want of room; those that the agent leaves out, of more than
            // 50,000, are told as they are now, which falls when they go.
            Scalar {
                number: 8,
                name: "inetCidrRouteDiscards",
                value: Reading::Fixed(|facts| {
                    let routes = facts.section(|snapshot| snapshot.route.get())?;
                    Some(Value::Counter32(u32::try_from(routes.left_out).unwrap_or(u32::MAX)))
                }),
            },
        ],
    }],
    tables: &[&OLD, &ROUTES],
};

const SECTIONS: &[&str] = &["route", "interface"];

/// A route, with the ifIndex of its interface; 0 where packets are dropped.
pub struct Row<'a> {
    number: u32,
    route: &'a Route,
}

fn known(facts: &Facts) -> bool {
    facts.section(|snapshot| snapshot.route.get()).is_some()
}

fn rows(facts: &Facts) -> Vec<Row<'_>> {
    let routes = facts.section(|snapshot| snapshot.route.get()).into_iter().flat_map(|routes| &routes.rows);
    let rows = routes.filter_map(|route| {
        let number = match &route.interface {
            Some(name) => interface(facts, name)?,
            None => 0,
        };
        Some(Row { number, route })
    });
    rows.collect()
}

impl Rows for Row<'static> {
    type Source = Facts;
    type Row<'a> = Row<'a>;
}

/// inetCidrRouteTable.
static ROUTES: Table<Row<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 4, 24, 7, 1],
    sections: SECTIONS,
    rows,
    index: |row| {
        let route = row.route;
        let index = Index::new().address(route.destination).number(route.prefix.into());
        let policy = [0, 0, row.number, route.metric, route.service.into()];
        // Few routes are for one service.
        let index = index.oid(if route.service == 0 { &policy[..4] } else { &policy });
        index.address(route.gateway.unwrap_or(unspecified(route.destination)))
    },
    columns: &[
        Column { number: 7, name: "inetCidrRouteIfIndex", value: |row| Some(integer(row.number)) },
        Column { number: 8, name: "inetCidrRouteType", value: |row| Some(integer(kind(row.route))) },
        Column { number: 9, name: "inetCidrRouteProto", value: |row| Some(integer(protocol(row.route))) },
        // A route was last found to be correct when it was read. snmpnetstat needs the column.
        Column { number: 10, name: "inetCidrRouteAge", value: |_| Some(Value::Gauge32(0)) },
        Column { number: 11, name: "inetCidrRouteNextHopAS", value: |_| Some(Value::Gauge32(0)) },
        Column { number: 12, name: "inetCidrRouteMetric1", value: |row| Some(integer(row.route.metric)) },
        Column { number: 13, name: "inetCidrRouteMetric2", value: |_| Some(UNUSED) },
        Column { number: 14, name: "inetCidrRouteMetric3", value: |_| Some(UNUSED) },
        Column { number: 15, name: "inetCidrRouteMetric4", value: |_| Some(UNUSED) },
        Column { number: 16, name: "inetCidrRouteMetric5", value: |_| Some(UNUSED) },
        Column { number: 17, name: "inetCidrRouteStatus", value: |_| Some(ACTIVE) },
    ],
};

/// A metric that isn't used.
const UNUSED: Value = Value::Integer(-1);
/// RowPointer to nothing.
const NOTHING: &[u32] = &[0, 0];

/// A row of ipCidrRouteTable.
pub struct Old<'a> {
    number: u32,
    destination: Ipv4Addr,
    gateway: Ipv4Addr,
    route: &'a Route,
}

impl Rows for Old<'static> {
    type Source = Facts;
    type Row<'a> = Old<'a>;
}

/// The routes of IPv4 by IPv4. Of those that differ in what its index lacks there is the one that counts, with the
/// smallest metric.
fn old_rows(facts: &Facts) -> Vec<Old<'_>> {
    let mut rows = rows(facts);
    rows.sort_by_key(|row| row.route.metric);
    let mut seen = HashSet::new();
    let rows = rows.into_iter().filter_map(|Row { number, route }| {
        let (IpAddr::V4(destination), IpAddr::V4(gateway)) =
            (route.destination, route.gateway.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
        else {
            return None;
        };
        let is_first = seen.insert((destination, route.prefix, route.service, gateway));
        is_first.then_some(Old { number, destination, gateway, route })
    });
    rows.collect()
}

/// ipCidrRouteTable.
static OLD: Table<Old<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 4, 24, 4, 1],
    sections: SECTIONS,
    rows: old_rows,
    index: |row| {
        let index = Index::new().bare_octets(&row.destination.octets()).bare_octets(&mask(row.route.prefix).octets());
        index.number(row.route.service.into()).bare_octets(&row.gateway.octets())
    },
    columns: &[
        Column { number: 1, name: "ipCidrRouteDest", value: |row| Some(Value::IpAddress(row.destination.octets())) },
        Column {
            number: 2,
            name: "ipCidrRouteMask",
            value: |row| Some(Value::IpAddress(mask(row.route.prefix).octets())),
        },
        Column { number: 3, name: "ipCidrRouteTos", value: |row| Some(integer(row.route.service.into())) },
        Column { number: 4, name: "ipCidrRouteNextHop", value: |row| Some(Value::IpAddress(row.gateway.octets())) },
        Column { number: 5, name: "ipCidrRouteIfIndex", value: |row| Some(integer(row.number)) },
        // The old enumeration has no blackhole(5): such a route is reject(2).
        Column {
            number: 6,
            name: "ipCidrRouteType",
            value: |row| {
                let kind = kind(row.route);
                Some(integer(if kind == 5 { 2 } else { kind }))
            },
        },
        // It ends at ciscoEigrp(16).
        Column {
            number: 7,
            name: "ipCidrRouteProto",
            value: |row| Some(integer(Some(protocol(row.route)).filter(|protocol| *protocol <= 16).unwrap_or(1))),
        },
        Column { number: 8, name: "ipCidrRouteAge", value: |_| Some(Value::Integer(0)) },
        Column { number: 9, name: "ipCidrRouteInfo", value: |_| Some(identifier(NOTHING)) },
        Column { number: 10, name: "ipCidrRouteNextHopAS", value: |_| Some(Value::Integer(0)) },
        Column { number: 11, name: "ipCidrRouteMetric1", value: |row| Some(integer(row.route.metric)) },
        Column { number: 12, name: "ipCidrRouteMetric2", value: |_| Some(UNUSED) },
        Column { number: 13, name: "ipCidrRouteMetric3", value: |_| Some(UNUSED) },
        Column { number: 14, name: "ipCidrRouteMetric4", value: |_| Some(UNUSED) },
        Column { number: 15, name: "ipCidrRouteMetric5", value: |_| Some(UNUSED) },
        Column { number: 16, name: "ipCidrRouteStatus", value: |_| Some(ACTIVE) },
    ],
};

/// The address of no host, of the same kind as another.
fn unspecified(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// other(1), reject(2), local(3), remote(4), blackhole(5).
fn kind(route: &Route) -> u32 {
    match route.kind {
        Kind::Unicast if route.gateway.is_some() => 4,
        Kind::Unicast => 3,
        Kind::Reject => 2,
        Kind::Blackhole => 5,
        Kind::Other => 1,
    }
}

/// IANAipRouteProtocol, of RTPROT_... (linux/rtnetlink.h).
fn protocol(route: &Route) -> u32 {
    match route.protocol {
        // A redirect: icmp(4).
        Some(1) => 4,
        // The kernel: local(2).
        Some(2) => 2,
        // At boot or by the administrator: netmgmt(3).
        Some(3 | 4) => 3,
        Some(16) => 19,
        Some(17) => 17,
        Some(186) => 14,
        Some(187) => 9,
        Some(188) => 13,
        Some(189) => 8,
        Some(192) => 16,
        _ => 1,
    }
}
