//! IF-MIB (RFC 2863): interfaces, what they carry, which stands on which, and the addresses to which they listen.
//!
//! What is sent isn't told apart by the kernel: all of it counts as unicast, as in net-snmp, so that the columns add up to
//! what the kernel counted. Read the description of ifTable first.

use std::borrow::Cow;

use super::{Facts, Subject};
use crate::collect::interface::{Interface, Layer};
use crate::mib::conventions::{ACTIVE, counter32, gauge32, identifier, integer, time_ticks, truth};
use crate::mib::index::Index;
use crate::mib::table::{Column, Group, Module, Reading, Rows, Scalar, Table};
use crate::mib::value::Value;

/// ifIndex, by the kernel's name.
pub static INTERFACES: Subject = Subject {
    name: "interface",
    sections: SECTIONS,
    names: |snapshot| {
        let interfaces = snapshot.interface.get().into_iter().flat_map(|interfaces| &interfaces.rows);
        interfaces.map(|interface| (interface.name.clone(), interface.index)).collect()
    },
};

/// IF-MIB.
pub static MODULE: Module<Facts> = Module {
    name: "IF-MIB",
    identity: &[1, 3, 6, 1, 2, 1, 31],
    sentence: "Generic objects for network interfaces (RFC 2863).",
    groups: &[
        Group {
            oid: &[1, 3, 6, 1, 2, 1, 2],
            sections: SECTIONS,
            scalars: &[Scalar {
                number: 1,
                name: "ifNumber",
                value: Reading::Fixed(|facts| {
                    let interfaces = facts.section(|snapshot| snapshot.interface.get())?;
                    Some(integer(u32::try_from(interfaces.rows.len()).unwrap_or(u32::MAX)))
                }),
            }],
        },
        Group {
            oid: &[1, 3, 6, 1, 2, 1, 31, 1],
            sections: SECTIONS,
            scalars: &[
                Scalar {
                    number: 5,
                    name: "ifTableLastChange",
                    value: Reading::Fixed(|facts| {
                        Some(time_ticks(facts.section(|snapshot| snapshot.interface.get())?.rows_changed))
                    }),
                },
                Scalar {
                    number: 6,
                    name: "ifStackLastChange",
                    value: Reading::Fixed(|facts| {
                        Some(time_ticks(facts.section(|snapshot| snapshot.interface.get())?.layers_changed))
                    }),
                },
            ],
        },
    ],
    tables: &[&IF_TABLE, &IF_X_TABLE, &STACK, &RECEIVE_ADDRESSES],
};

/// What interfaces come from.
pub const SECTIONS: &[&str] = &["interface"];

/// An interface with its ifIndex.
pub struct Numbered<'a> {
    /// ifIndex.
    pub number: u32,
    /// The interface.
    pub interface: &'a Interface,
}

impl Rows for Numbered<'static> {
    type Source = Facts;
    type Row<'a> = Numbered<'a>;
}

/// Every interface that has an ifIndex.
pub fn numbered(facts: &Facts) -> Vec<Numbered<'_>> {
    let interfaces = facts.section(|snapshot| snapshot.interface.get()).into_iter().flat_map(|facts| &facts.rows);
    interfaces
        .filter_map(|interface| Some(Numbered { number: facts.number(&INTERFACES, &interface.name)?, interface }))
        .collect()
}

/// The index of each table that has a row an interface.
pub fn by_number(row: &Numbered<'_>) -> Index {
    Index::new().number(row.number)
}

/// IANAifType of ethernetCsmacd.
pub const ETHERNET: u32 = 6;

/// ifType: what the kernel calls the kind of interface, and else its ARP hardware type (linux/if_arp.h).
pub fn if_type(interface: &Interface) -> Option<u32> {
    if interface.is_bridge() {
        return Some(209);
    }
    match interface.kind.as_deref() {
        Some("bond" | "team") => return Some(161),
        Some("vlan") => return Some(135),
        Some("wlan") => return Some(71),
        Some("vxlan" | "geneve" | "gretap" | "ip6gretap" | "erspan" | "ip6erspan") => return Some(131),
        _ => {}
    }
    Some(match interface.hardware_type? {
        1 => ETHERNET,
        // SLIP in its four forms.
        256..=259 => 28,
        512 => 23,
        // IPv4, IPv6, SIT, GRE and GRE over IPv6; NONE is what tun and wireguard have.
        768 | 769 | 776 | 778 | 823 | 65534 => 131,
        772 => 24,
        774 => 15,
        801..=803 => 71,
        24 => 144,
        32 => 199,
        804 => 259,
        _ => 1,
    })
}

/// ifPhysAddress: nothing where the kernel fills with zeros for want of an address.
fn physical_address(interface: &Interface) -> &[u8] {
    if interface.address.iter().all(|&octet| octet == 0) { &[] } else { &interface.address }
}

/// Bits per second; zero where there is no notion of it, as RFC 2863 wants it.
fn speed(interface: &Interface) -> u64 {
    interface.speed_bytes.unwrap_or(0).saturating_mul(8)
}

/// What came in for one receiver: the kernel's counter of packets less its groups'.
fn unicast_in(interface: &Interface) -> u64 {
    interface.receive.packets.saturating_sub(interface.receive.multicast)
}

/// ifTable.
static IF_TABLE: Table<Numbered<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 2, 2, 1],
    sections: SECTIONS,
    rows: numbered,
    index: by_number,
    columns: &[
        Column { number: 1, name: "ifIndex", value: |row| Some(integer(row.number)) },
        Column { number: 2, name: "ifDescr", value: |row| Some(Value::text(&row.interface.name)) },
        Column { number: 3, name: "ifType", value: |row| if_type(row.interface).map(integer) },
        Column {
            number: 4,
            name: "ifMtu",
            value: |row| row.interface.mtu.map(|mtu| integer(u32::try_from(mtu).unwrap_or(u32::MAX))),
        },
        Column { number: 5, name: "ifSpeed", value: |row| Some(gauge32(speed(row.interface))) },
        Column {
            number: 6,
            name: "ifPhysAddress",
            value: |row| Some(Value::OctetString(physical_address(row.interface).to_vec())),
        },
        Column { number: 7, name: "ifAdminStatus", value: |row| row.interface.admin_up().map(truth) },
        Column {
            number: 8,
            name: "ifOperStatus",
            value: |row| row.interface.operational().map(|state| integer(state.number())),
        },
        Column { number: 9, name: "ifLastChange", value: |row| Some(time_ticks(row.interface.since)) },
        Column { number: 10, name: "ifInOctets", value: |row| Some(counter32(row.interface.receive.bytes)) },
        Column { number: 11, name: "ifInUcastPkts", value: |row| Some(counter32(unicast_in(row.interface))) },
        Column { number: 12, name: "ifInNUcastPkts", value: |row| Some(counter32(row.interface.receive.multicast)) },
        Column { number: 13, name: "ifInDiscards", value: |row| Some(counter32(row.interface.receive.drops)) },
        Column { number: 14, name: "ifInErrors", value: |row| Some(counter32(row.interface.receive.errors)) },
        // Deviation: packets of protocols that nobody speaks are among the dropped, in ifInDiscards.
        Column { number: 15, name: "ifInUnknownProtos", value: |_| Some(counter32(0)) },
        Column { number: 16, name: "ifOutOctets", value: |row| Some(counter32(row.interface.transmit.bytes)) },
        Column { number: 17, name: "ifOutUcastPkts", value: |row| Some(counter32(row.interface.transmit.packets)) },
        // Deviation: see the top of the file.
        Column { number: 18, name: "ifOutNUcastPkts", value: |_| Some(counter32(0)) },
        Column { number: 19, name: "ifOutDiscards", value: |row| Some(counter32(row.interface.transmit.drops)) },
        Column { number: 20, name: "ifOutErrors", value: |row| Some(counter32(row.interface.transmit.errors)) },
        // Deviation: deprecated, and not told by the kernel; zero as in net-snmp, for managers that read whole rows.
        Column { number: 21, name: "ifOutQLen", value: |_| Some(gauge32(0)) },
        Column { number: 22, name: "ifSpecific", value: |_| Some(identifier(&[0, 0])) },
    ],
};

/// ifXTable.
static IF_X_TABLE: Table<Numbered<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 31, 1, 1, 1],
    sections: SECTIONS,
    rows: numbered,
    index: by_number,
    columns: &[
        Column { number: 1, name: "ifName", value: |row| Some(Value::text(&row.interface.name)) },
        Column { number: 2, name: "ifInMulticastPkts", value: |row| Some(counter32(row.interface.receive.multicast)) },
        // Deviation: broadcasts are among what was received for groups, and what is sent isn't told apart.
        Column { number: 3, name: "ifInBroadcastPkts", value: |_| Some(counter32(0)) },
        Column { number: 4, name: "ifOutMulticastPkts", value: |_| Some(counter32(0)) },
        Column { number: 5, name: "ifOutBroadcastPkts", value: |_| Some(counter32(0)) },
        Column { number: 6, name: "ifHCInOctets", value: |row| Some(Value::Counter64(row.interface.receive.bytes)) },
        Column { number: 7, name: "ifHCInUcastPkts", value: |row| Some(Value::Counter64(unicast_in(row.interface))) },
        Column {
            number: 8,
            name: "ifHCInMulticastPkts",
            value: |row| Some(Value::Counter64(row.interface.receive.multicast)),
        },
        Column { number: 9, name: "ifHCInBroadcastPkts", value: |_| Some(Value::Counter64(0)) },
        Column { number: 10, name: "ifHCOutOctets", value: |row| Some(Value::Counter64(row.interface.transmit.bytes)) },
        Column {
            number: 11,
            name: "ifHCOutUcastPkts",
            value: |row| Some(Value::Counter64(row.interface.transmit.packets)),
        },
        Column { number: 12, name: "ifHCOutMulticastPkts", value: |_| Some(Value::Counter64(0)) },
        Column { number: 13, name: "ifHCOutBroadcastPkts", value: |_| Some(Value::Counter64(0)) },
        // enabled(1): every link is told of, to whom the configuration names.
        Column { number: 14, name: "ifLinkUpDownTrapEnable", value: |_| Some(truth(true)) },
        Column { number: 15, name: "ifHighSpeed", value: |row| Some(gauge32(megabits(speed(row.interface)))) },
        Column {
            number: 16,
            name: "ifPromiscuousMode",
            value: |row| row.interface.flags.map(|flags| truth(flags & PROMISCUOUS != 0)),
        },
        Column { number: 17, name: "ifConnectorPresent", value: |row| row.interface.physical.map(truth) },
        // It is there without an alias too: templates ask for it by name.
        Column { number: 18, name: "ifAlias", value: |row| Some(alias(row.interface)) },
        Column {
            number: 19,
            name: "ifCounterDiscontinuityTime",
            value: |row| Some(time_ticks(row.interface.discontinuity)),
        },
    ],
};

/// IFF_PROMISC.
const PROMISCUOUS: u32 = 0x100;
/// IFF_BROADCAST.
const BROADCAST: u32 = 2;

/// To the nearest million bits per second.
fn megabits(bits: u64) -> u64 {
    bits.saturating_add(500_000) / 1_000_000
}

/// ifAlias: at most 64 characters.
fn alias(interface: &Interface) -> Value {
    let alias = interface.alias.as_deref().unwrap_or_default();
    Value::text(&alias[..alias.floor_char_boundary(64)])
}

/// A relation of ifStackTable: which stands on which, zero being nothing.
struct Relation {
    higher: u32,
    lower: u32,
}

impl Rows for Relation {
    type Source = Facts;
    type Row<'a> = Relation;
}

/// Which stands on which; zero is above what has nothing above it, and below what has nothing below.
fn relations(facts: &Facts) -> Vec<Relation> {
    let layers: &[Layer] = match facts.section(|snapshot| snapshot.interface.get()) {
        Some(interfaces) => &interfaces.layers,
        None => &[],
    };
    let number = |name: &str| facts.number(&INTERFACES, name);
    let mut relations: Vec<Relation> = layers
        .iter()
        .filter_map(|layer| Some(Relation { higher: number(&layer.higher)?, lower: number(&layer.lower)? }))
        .collect();
    let (above, below): (std::collections::HashSet<u32>, std::collections::HashSet<u32>) =
        relations.iter().map(|relation| (relation.lower, relation.higher)).unzip();
    for row in numbered(facts) {
        if !above.contains(&row.number) {
            relations.push(Relation { higher: 0, lower: row.number });
        }
        if !below.contains(&row.number) {
            relations.push(Relation { higher: row.number, lower: 0 });
        }
    }
    relations
}

/// ifStackTable.
static STACK: Table<Relation> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 31, 1, 2, 1],
    sections: SECTIONS,
    rows: relations,
    index: |relation| Index::new().number(relation.higher).number(relation.lower),
    columns: &[Column { number: 3, name: "ifStackStatus", value: |_| Some(ACTIVE) }],
};

/// An address to which an interface listens.
struct ReceiveAddress<'a> {
    number: u32,
    address: Cow<'a, [u8]>,
    /// Whether it goes with the next start.
    volatile: bool,
}

impl Rows for ReceiveAddress<'static> {
    type Source = Facts;
    type Row<'a> = ReceiveAddress<'a>;
}

/// Its own address, that of everybody, and those of the groups that programs joined.
fn receive_addresses(facts: &Facts) -> Vec<ReceiveAddress<'_>> {
    numbered(facts)
        .into_iter()
        .flat_map(|Numbered { number, interface }| {
            let broadcasts = interface.flags.is_some_and(|flags| flags & BROADCAST != 0);
            let broadcast = if broadcasts { interface.broadcast.as_slice() } else { &[] };
            let permanent = [physical_address(interface), broadcast].into_iter().map(|address| (address, false));
            let groups = interface.groups.iter().map(|group| (group.as_slice(), true));
            let addresses = permanent.chain(groups).filter(|(address, _)| !address.is_empty());
            addresses.map(move |(address, volatile)| ReceiveAddress { number, address: address.into(), volatile })
        })
        .collect()
}

/// ifRcvAddressTable.
static RECEIVE_ADDRESSES: Table<ReceiveAddress<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 31, 1, 4, 1],
    sections: SECTIONS,
    rows: receive_addresses,
    index: |row| Index::new().number(row.number).octets(&row.address),
    columns: &[
        Column { number: 2, name: "ifRcvAddressStatus", value: |_| Some(ACTIVE) },
        // volatile(2), nonVolatile(3).
        Column {
            number: 3,
            name: "ifRcvAddressType",
            value: |row| Some(Value::Integer(if row.volatile { 2 } else { 3 })),
        },
    ],
};

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn interface(kind: Option<&str>, hardware_type: u32) -> Interface {
        let kind = kind.map(str::to_string);
        Interface { kind, hardware_type: Some(hardware_type), ..Interface::default() }
    }

    #[test]
    fn the_kind_counts_before_the_hardware() {
        let check =
            |kind, hardware, expected| assert_eq!(if_type(&interface(kind, hardware)), Some(expected), "{kind:?}");
        check(None, 1, 6);
        check(Some("veth"), 1, 6);
        check(Some("vlan"), 1, 135);
        check(Some("bond"), 1, 161);
        check(Some("bridge"), 1, 209);
        check(Some("wireguard"), 65534, 131);
        check(None, 772, 24);
        check(None, 512, 23);
        check(None, 280, 1);
        assert_eq!(if_type(&Interface::default()), None);
    }

    #[test]
    fn speeds_saturate_and_counters_wrap() {
        let fast = Interface { speed_bytes: Some(12_500_000_000), ..Interface::default() };
        assert_eq!(gauge32(speed(&fast)), Value::Gauge32(u32::MAX));
        assert_eq!(megabits(speed(&fast)), 100_000);
        assert_eq!(megabits(speed(&Interface::default())), 0);
        assert_eq!(counter32((1 << 32) + 5), Value::Counter32(5));
        let days = |days: u64| time_ticks(Duration::from_secs(days * 86_400));
        assert_eq!((days(1), days(498)), (Value::TimeTicks(8_640_000), Value::TimeTicks(7_752_704)));
    }

    #[test]
    fn an_alias_is_cut_on_a_characters_edge() {
        let alias = |text: String| alias(&Interface { alias: Some(text), ..Interface::default() });
        assert_eq!(alias("x".repeat(63) + "é"), Value::text(&"x".repeat(63)));
        assert_eq!(super::alias(&Interface::default()), Value::text(""));
    }
}
