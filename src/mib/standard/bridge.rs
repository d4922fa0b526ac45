//! BRIDGE-MIB (RFC 4188): a bridge, its ports, its spanning tree, and the addresses that it knows.
//!
//! Deviation: the module knows one bridge. Of several it is that with the lowest ifIndex; all of them are in VITALS-MIB.
//! What the kernel doesn't keep (how often and when the tree changed, what was thrown away and why) is left out.

use super::Facts;
use super::if_mib::{Numbered, SECTIONS, numbered};
use crate::collect::interface::bridge::{Bridge, Forwarding, Id, Port};
use crate::mib::conventions::{counter32, identifier, integer};
use crate::mib::index::Index;
use crate::mib::table::{Column, Group, Module, Reading, Rows, Scalar, Table};
use crate::mib::value::Value;

/// BRIDGE-MIB.
pub static MODULE: Module<Facts> = Module {
    name: "BRIDGE-MIB",
    identity: &[1, 3, 6, 1, 2, 1, 17],
    sentence: "Objects for a bridge by IEEE 802.1D (RFC 4188).",
    groups: &[
        Group {
            oid: &[1, 3, 6, 1, 2, 1, 17, 1],
            sections: SECTIONS,
            scalars: &[
                Scalar {
                    number: 1,
                    name: "dot1dBaseBridgeAddress",
                    value: Reading::Fixed(|facts| {
                        let (row, _) = first(facts)?;
                        Some(Value::OctetString(row.interface.address.clone()))
                    }),
                },
                Scalar {
                    number: 2,
                    name: "dot1dBaseNumPorts",
                    value: Reading::Fixed(|facts| bridge(facts).map(|bridge| integer(bridge.ports))),
                },
                // transparent-only(2).
                Scalar {
                    number: 3,
                    name: "dot1dBaseType",
                    value: Reading::Fixed(|facts| bridge(facts).map(|_| Value::Integer(2))),
                },
            ],
        },
        Group {
            oid: &[1, 3, 6, 1, 2, 1, 17, 2],
            sections: SECTIONS,
            scalars: &[
                Scalar {
                    number: 1,
                    name: "dot1dStpProtocolSpecification",
                    // ieee8021d(3), or unknown(1) where there is none.
                    value: Reading::Fixed(|facts| {
                        bridge(facts)
                            .and_then(|bridge| Some(Value::Integer(if bridge.stp_state? == 0 { 1 } else { 3 })))
                    }),
                },
                Scalar {
                    number: 2,
                    name: "dot1dStpPriority",
                    value: Reading::Fixed(|facts| bridge(facts).and_then(|bridge| bridge.priority.map(integer))),
                },
                Scalar {
                    number: 5,
                    name: "dot1dStpDesignatedRoot",
                    value: Reading::Fixed(|facts| bridge(facts).and_then(|bridge| bridge.root_id.map(bridge_id))),
                },
                Scalar {
                    number: 6,
                    name: "dot1dStpRootCost",
                    value: Reading::Fixed(|facts| bridge(facts).and_then(|bridge| bridge.root_path_cost.map(integer))),
                },
                Scalar {
                    number: 7,
                    name: "dot1dStpRootPort",
                    value: Reading::Fixed(|facts| bridge(facts).and_then(|bridge| bridge.root_port.map(integer))),
                },
                Scalar {
                    number: 8,
                    name: "dot1dStpMaxAge",
                    value: Reading::Fixed(|facts| bridge(facts).and_then(|bridge| bridge.max_age.map(integer))),
                },
                Scalar {
                    number: 9,
                    name: "dot1dStpHelloTime",
                    value: Reading::Fixed(|facts| bridge(facts).and_then(|bridge| bridge.hello_time.map(integer))),
                },
                // BR_HOLD_TIME, which nobody can change.
                Scalar {
                    number: 10,
                    name: "dot1dStpHoldTime",
                    value: Reading::Fixed(|facts| bridge(facts).map(|_| Value::Integer(100))),
                },
                Scalar {
                    number: 11,
                    name: "dot1dStpForwardDelay",
                    value: Reading::Fixed(|facts| bridge(facts).and_then(|bridge| bridge.forward_delay.map(integer))),
                },
                Scalar {
                    number: 12,
                    name: "dot1dStpBridgeMaxAge",
                    value: Reading::Fixed(|facts| root(facts).and_then(|bridge| bridge.max_age.map(integer))),
                },
                Scalar {
                    number: 13,
                    name: "dot1dStpBridgeHelloTime",
                    value: Reading::Fixed(|facts| root(facts).and_then(|bridge| bridge.hello_time.map(integer))),
                },
                Scalar {
                    number: 14,
                    name: "dot1dStpBridgeForwardDelay",
                    value: Reading::Fixed(|facts| root(facts).and_then(|bridge| bridge.forward_delay.map(integer))),
                },
            ],
        },
        Group {
            oid: &[1, 3, 6, 1, 2, 1, 17, 4],
            sections: SECTIONS,
            scalars: &[Scalar {
                number: 2,
                name: "dot1dTpAgingTime",
                value: Reading::Fixed(|facts| {
                    bridge(facts).and_then(|bridge| bridge.ageing_time.map(|hundredths| integer(hundredths / 100)))
                }),
            }],
        },
    ],
    tables: &[&PORTS, &STP_PORTS, &FORWARDING, &TP_PORTS],
};

/// The bridge that the module is about.
fn first(facts: &Facts) -> Option<(Numbered<'_>, &Bridge)> {
    let bridges = numbered(facts).into_iter().filter_map(|row| {
        let bridge = row.interface.bridge.as_ref()?;
        Some((row, bridge))
    });
    bridges.min_by_key(|(row, _)| row.number)
}

fn bridge(facts: &Facts) -> Option<&Bridge> {
    first(facts).map(|(_, bridge)| bridge)
}

/// The bridge, if it is the root of its tree: then the times in force are its own, which the kernel doesn't tell apart.
fn root(facts: &Facts) -> Option<&Bridge> {
    bridge(facts).filter(|bridge| bridge.is_root() == Some(true))
}

/// BridgeId.
fn bridge_id(id: Id) -> Value {
    Value::OctetString(id.to_vec())
}

/// A port of the bridge.
struct PortRow<'a> {
    row: Numbered<'a>,
    port: &'a Port,
}

impl Rows for PortRow<'static> {
    type Source = Facts;
    type Row<'a> = PortRow<'a>;
}

fn ports(facts: &Facts) -> Vec<PortRow<'_>> {
    let Some((bridge, _)) = first(facts) else { return Vec::new() };
    let members =
        numbered(facts).into_iter().filter(|row| row.interface.master.as_ref() == Some(&bridge.interface.name));
    members.filter_map(|row| Some(PortRow { port: row.interface.port.as_ref()?, row })).collect()
}

fn by_port(row: &PortRow<'_>) -> Index {
    Index::new().number(row.port.number)
}

/// dot1dBasePortTable.
static PORTS: Table<PortRow<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 17, 1, 4, 1],
    sections: SECTIONS,
    rows: ports,
    index: by_port,
    columns: &[
        Column { number: 1, name: "dot1dBasePort", value: |row| Some(integer(row.port.number)) },
        Column { number: 2, name: "dot1dBasePortIfIndex", value: |row| Some(integer(row.row.number)) },
        Column { number: 3, name: "dot1dBasePortCircuit", value: |_| Some(identifier(&[0, 0])) },
    ],
};

/// dot1dStpPortTable.
static STP_PORTS: Table<PortRow<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 17, 2, 15, 1],
    sections: SECTIONS,
    rows: ports,
    index: by_port,
    columns: &[
        Column { number: 1, name: "dot1dStpPort", value: |row| Some(integer(row.port.number)) },
        // The kernel keeps the six bits that stand in the port's identifier.
        Column {
            number: 2,
            name: "dot1dStpPortPriority",
            value: |row| row.port.priority.map(|priority| integer(priority.saturating_mul(4))),
        },
        Column { number: 3, name: "dot1dStpPortState", value: |row| stp_state(row.port.state?).map(Value::Integer) },
        // enabled(1), disabled(2).
        Column {
            number: 4,
            name: "dot1dStpPortEnable",
            value: |row| row.port.state.map(|state| Value::Integer(if state == 0 { 2 } else { 1 })),
        },
        Column {
            number: 5,
            name: "dot1dStpPortPathCost",
            value: |row| row.port.path_cost.map(|cost| integer(cost.min(65535))),
        },
        Column { number: 6, name: "dot1dStpPortDesignatedRoot", value: |row| row.port.designated_root.map(bridge_id) },
        Column { number: 7, name: "dot1dStpPortDesignatedCost", value: |row| row.port.designated_cost.map(integer) },
        Column {
            number: 8,
            name: "dot1dStpPortDesignatedBridge",
            value: |row| row.port.designated_bridge.map(bridge_id),
        },
        Column {
            number: 9,
            name: "dot1dStpPortDesignatedPort",
            value: |row| {
                let port = u16::try_from(row.port.designated_port?).ok()?;
                Some(Value::OctetString(port.to_be_bytes().to_vec()))
            },
        },
        Column { number: 11, name: "dot1dStpPortPathCost32", value: |row| row.port.path_cost.map(integer) },
    ],
};

/// The kernel's BR_STATE_ of a port, as disabled(1), blocking(2), listening(3), learning(4) or forwarding(5).
fn stp_state(state: u32) -> Option<i32> {
    Some(match state {
        0 => 1,
        1 => 3,
        2 => 4,
        3 => 5,
        4 => 2,
        _ => return None,
    })
}

impl Rows for Forwarding {
    type Source = Facts;
    type Row<'a> = &'a Forwarding;
}

/// dot1dTpFdbTable.
static FORWARDING: Table<Forwarding> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 17, 4, 3, 1],
    sections: SECTIONS,
    rows: |facts| bridge(facts).into_iter().flat_map(|bridge| &bridge.forwarding).collect(),
    index: |known| Index::new().bare_octets(&known.address),
    columns: &[
        Column {
            number: 1,
            name: "dot1dTpFdbAddress",
            value: |known| Some(Value::OctetString(known.address.to_vec())),
        },
        Column { number: 2, name: "dot1dTpFdbPort", value: |known| Some(integer(known.port)) },
        // learned(3), self(4).
        Column {
            number: 3,
            name: "dot1dTpFdbStatus",
            value: |known| Some(Value::Integer(if known.own { 4 } else { 3 })),
        },
    ],
};

/// dot1dTpPortTable.
static TP_PORTS: Table<PortRow<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 17, 4, 4, 1],
    sections: SECTIONS,
    rows: ports,
    index: by_port,
    columns: &[
        Column { number: 1, name: "dot1dTpPort", value: |row| Some(integer(row.port.number)) },
        Column {
            number: 2,
            name: "dot1dTpPortMaxInfo",
            value: |row| row.row.interface.mtu.map(|mtu| integer(u32::try_from(mtu).unwrap_or(u32::MAX))),
        },
        Column {
            number: 3,
            name: "dot1dTpPortInFrames",
            value: |row| Some(counter32(row.row.interface.receive.packets)),
        },
        Column {
            number: 4,
            name: "dot1dTpPortOutFrames",
            value: |row| Some(counter32(row.row.interface.transmit.packets)),
        },
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_a_port_are_those_of_the_standard() {
        let states: Vec<_> = (0..6).map(stp_state).collect();
        assert_eq!(states, [Some(1), Some(3), Some(4), Some(5), Some(2), None]);
    }
}
