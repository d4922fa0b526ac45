//! IP-MIB (RFC 4293): IPv4 and IPv6, their interfaces, addresses, neighbours and routers, and ICMP.
//!
//! Nothing is written: ipForwarding and its kin are read-only here. The ip group of MIB-II is served as it was, without
//! ipRouteTable, which IP-FORWARD-MIB replaced.

mod address;
mod icmp;
mod interface;
mod neighbour;
mod router;
mod statistics;

use super::Facts;
use super::internet::{self, counter_scalar, netstat};
use crate::mib::conventions::{UNMOVED_LOCK, integer, time_ticks};
use crate::mib::table::{Group, Module, Reading, Scalar};
use crate::mib::value::Value;

/// IP-MIB.
pub static MODULE: Module<Facts> = Module {
    name: "IP-MIB",
    identity: &[1, 3, 6, 1, 2, 1, 48],
    sentence: "The MIB module for managing IP and ICMP implementations (RFC 4293).",
    groups: &[
        MIB_II,
        // Apart from the others, as IP-FORWARD-MIB lies between.
        Group {
            oid: IP,
            sections: &["netstat"],
            scalars: &[
                Scalar {
                    number: 25,
                    name: "ipv6IpForwarding",
                    value: Reading::Fixed(|facts| netstat(facts)?.ipv6_forwarding.map(forwarding)),
                },
                Scalar {
                    number: 26,
                    name: "ipv6IpDefaultHopLimit",
                    value: Reading::Fixed(|facts| netstat(facts)?.ipv6_hop_limit.map(integer)),
                },
            ],
        },
        Group {
            oid: IP,
            sections: &["address"],
            scalars: &[
                Scalar { number: 27, name: "ipv4InterfaceTableLastChange", value: Reading::Fixed(interfaces_changed) },
                Scalar { number: 29, name: "ipv6InterfaceTableLastChange", value: Reading::Fixed(interfaces_changed) },
            ],
        },
        Group {
            oid: &[1, 3, 6, 1, 2, 1, 4, 31],
            sections: &["netstat"],
            scalars: &[Scalar {
                number: 2,
                name: "ipIfStatsTableLastChange",
                value: Reading::Fixed(|facts| Some(time_ticks(netstat(facts)?.interfaces_changed))),
            }],
        },
        Group {
            oid: IP,
            sections: &["address"],
            scalars: &[Scalar { number: 33, name: "ipAddressSpinLock", value: Reading::Fixed(|_| Some(UNMOVED_LOCK)) }],
        },
        icmp::GROUP,
    ],
    tables: &[
        &address::OLD,
        &neighbour::OLD,
        &interface::IPV4,
        &interface::IPV6,
        &statistics::SYSTEM,
        &statistics::INTERFACES,
        &address::PREFIXES,
        &address::ADDRESSES,
        &neighbour::NEIGHBOURS,
        &interface::ZONES,
        &router::ROUTERS,
        &icmp::STATISTICS,
        &icmp::MESSAGES,
    ],
};

const IP: &[u32] = &[1, 3, 6, 1, 2, 1, 4];

/// The ip group of MIB-II, which RFC 4293 deprecates and every template reads.
const MIB_II: Group<Facts> = Group {
    oid: IP,
    sections: &["netstat"],
    scalars: &[
        // The kernel has it as the module does: 1 for yes, 2 for no.
        Scalar {
            number: 1,
            name: "ipForwarding",
            value: Reading::Fixed(|facts| internet::number(facts, "Ip", "Forwarding")),
        },
        Scalar {
            number: 2,
            name: "ipDefaultTTL",
            value: Reading::Fixed(|facts| internet::number(facts, "Ip", "DefaultTTL")),
        },
        counter_scalar!(3, "ipInReceives", "Ip", "InReceives"),
        counter_scalar!(4, "ipInHdrErrors", "Ip", "InHdrErrors"),
        counter_scalar!(5, "ipInAddrErrors", "Ip", "InAddrErrors"),
        counter_scalar!(6, "ipForwDatagrams", "Ip", "ForwDatagrams"),
        counter_scalar!(7, "ipInUnknownProtos", "Ip", "InUnknownProtos"),
        counter_scalar!(8, "ipInDiscards", "Ip", "InDiscards"),
        counter_scalar!(9, "ipInDelivers", "Ip", "InDelivers"),
        counter_scalar!(10, "ipOutRequests", "Ip", "OutRequests"),
        counter_scalar!(11, "ipOutDiscards", "Ip", "OutDiscards"),
        counter_scalar!(12, "ipOutNoRoutes", "Ip", "OutNoRoutes"),
        // Deviation: what the kernel counts under this name are packets that timed out, not the seconds until they do.
        Scalar {
            number: 13,
            name: "ipReasmTimeout",
            value: Reading::Fixed(|facts| internet::number(facts, "Ip", "ReasmTimeout")),
        },
        counter_scalar!(14, "ipReasmReqds", "Ip", "ReasmReqds"),
        counter_scalar!(15, "ipReasmOKs", "Ip", "ReasmOKs"),
        counter_scalar!(16, "ipReasmFails", "Ip", "ReasmFails"),
        counter_scalar!(17, "ipFragOKs", "Ip", "FragOKs"),
        counter_scalar!(18, "ipFragFails", "Ip", "FragFails"),
        counter_scalar!(19, "ipFragCreates", "Ip", "FragCreates"),
        // The kernel never discards a route for want of room.
        Scalar { number: 23, name: "ipRoutingDiscards", value: Reading::Fixed(|_| Some(Value::Counter32(0))) },
    ],
};

/// INTEGER { forwarding(1), notForwarding(2) }.
fn forwarding(forwards: bool) -> Value {
    Value::Integer(if forwards { 1 } else { 2 })
}

fn interfaces_changed(facts: &Facts) -> Option<Value> {
    let addresses = facts.section(|snapshot| snapshot.address.get())?;
    (!addresses.interfaces.is_empty()).then(|| time_ticks(addresses.interfaces_changed))
}
