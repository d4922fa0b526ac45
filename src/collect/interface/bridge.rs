//! Bridges and their ports: the spanning tree, and which addresses were learned where.
//!
//! Both readers are here, that of rtnetlink's attributes and that of the files `bridge/` and `brport/`. Times are in the
//! kernel's unit for programs, hundredths of a second. Read IEEE 802.1D and linux/if_link.h first.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use super::{Interface, sysfs};
use crate::collect::netlink::{attributes, field};
use crate::collect::{Family, Root};
use crate::metric::{Index, Label, Metric, Unit};

/// A bridge. What the kernel doesn't say is absent.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "named as the kernel's files in `bridge/`, which the metrics and BRIDGE-MIB describe")]
pub struct Bridge {
    /// 0 is off, 1 the kernel's, 2 a program's.
    pub stp_state: Option<u32>,
    pub priority: Option<u32>,
    pub bridge_id: Option<Id>,
    pub root_id: Option<Id>,
    pub root_port: Option<u32>,
    pub root_path_cost: Option<u32>,
    pub topology_change: Option<bool>,
    pub max_age: Option<u32>,
    pub hello_time: Option<u32>,
    pub forward_delay: Option<u32>,
    pub ageing_time: Option<u32>,
    /// How many ports it has, those that the configuration leaves out among them.
    pub ports: u32,
    /// The addresses that it knows; read of the first bridge alone.
    pub forwarding: Vec<Forwarding>,
}

/// The identifier of a bridge: priority, then address.
pub type Id = [u8; 8];

/// A port of a bridge.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "named as the kernel's files in `brport/`, which BRIDGE-MIB describes")]
pub struct Port {
    /// Its number in the bridge, from 1; `port_no`.
    pub number: u32,
    /// 0 is disabled, 1 listening, 2 learning, 3 forwarding, 4 blocking.
    pub state: Option<u32>,
    pub priority: Option<u32>,
    pub path_cost: Option<u32>,
    pub designated_root: Option<Id>,
    pub designated_bridge: Option<Id>,
    pub designated_port: Option<u32>,
    pub designated_cost: Option<u32>,
}

/// An address that a bridge knows; `brforward`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forwarding {
    /// The address.
    pub address: [u8; 6],
    /// The number of the port behind which it is.
    pub port: u32,
    /// Whether it is the port's own.
    pub own: bool,
}

impl Bridge {
    /// Whether it is the root of its tree.
    pub fn is_root(&self) -> Option<bool> {
        Some(self.bridge_id? == self.root_id?)
    }

    /// IFLA_INFO_DATA of a bridge.
    pub fn from_attributes(content: &[u8]) -> Option<Bridge> {
        let mut bridge = Bridge::default();
        for (kind, content) in attributes(content) {
            match kind {
                1 => bridge.forward_delay = number(content),
                2 => bridge.hello_time = number(content),
                3 => bridge.max_age = number(content),
                4 => bridge.ageing_time = number(content),
                5 => bridge.stp_state = number(content),
                6 => bridge.priority = number(content),
                10 => bridge.root_id = field(content, 0),
                11 => bridge.bridge_id = field(content, 0),
                12 => bridge.root_port = number(content),
                13 => bridge.root_path_cost = number(content),
                14 => bridge.topology_change = number(content).map(|change| change != 0),
                _ => {}
            }
        }
        Some(bridge)
    }

    /// The directory `bridge` of an interface.
    pub fn from_files(root: &Root, directory: &Path) -> Option<Bridge> {
        if !root.path(directory).exists() {
            return None;
        }
        let number = |file: &str| root.read_number(directory.join(file));
        let id = |file: &str| parse_id(&root.read_trimmed(directory.join(file))?);
        Some(Bridge {
            stp_state: number("stp_state"),
            priority: number("priority"),
            bridge_id: id("bridge_id"),
            root_id: id("root_id"),
            root_port: number("root_port"),
            root_path_cost: number("root_path_cost"),
            topology_change: number("topology_change").map(|change| change != 0),
            max_age: number("max_age"),
            hello_time: number("hello_time"),
            forward_delay: number("forward_delay"),
            ageing_time: number("ageing_time"),
            ..Bridge::default()
        })
    }
}

impl Port {
    /// IFLA_INFO_SLAVE_DATA of a bridge's port; `None` without a number.
    pub fn from_attributes(content: &[u8]) -> Option<Port> {
        let mut port = Port::default();
        for (kind, content) in attributes(content) {
            match kind {
                1 => port.state = number(content),
                2 => port.priority = number(content),
                3 => port.path_cost = number(content),
                13 => port.designated_root = field(content, 0),
                14 => port.designated_bridge = field(content, 0),
                15 => port.designated_port = number(content),
                16 => port.designated_cost = number(content),
                18 => port.number = number(content)?,
                _ => {}
            }
        }
        (port.number > 0).then_some(port)
    }

    /// The directory `brport` of an interface.
    pub fn from_files(root: &Root, directory: &Path) -> Option<Port> {
        let number = |file: &str| root.read_number(directory.join(file));
        let id = |file: &str| parse_id(&root.read_trimmed(directory.join(file))?);
        let text = root.read_trimmed(directory.join("port_no"))?;
        Some(Port {
            number: u32::from_str_radix(text.trim_start_matches("0x"), 16).ok().filter(|&number| number > 0)?,
            state: number("state"),
            priority: number("priority"),
            path_cost: number("path_cost"),
            designated_root: id("designated_root"),
            designated_bridge: id("designated_bridge"),
            designated_port: number("designated_port"),
            designated_cost: number("designated_cost"),
        })
    }
}

/// An unsigned number of one, two, four or eight bytes.
fn number(content: &[u8]) -> Option<u32> {
    match content.len() {
        1 => content.first().copied().map(u32::from),
        2 => field(content, 0).map(u16::from_ne_bytes).map(u32::from),
        4 => field(content, 0).map(u32::from_ne_bytes),
        8 => field(content, 0).map(u64::from_ne_bytes).and_then(|number| u32::try_from(number).ok()),
        _ => None,
    }
}

/// `8000.02005e100001`.
fn parse_id(text: &str) -> Option<Id> {
    let (priority, address) = text.split_once('.')?;
    let mut octets = hex::decode(priority).ok()?;
    octets.extend(hex::decode(address).ok()?);
    octets.try_into().ok()
}

/// The most addresses that are read: a bridge may be told to forget none.
const MAX_ADDRESSES: usize = 1 << 16;
/// The bytes of __fdb_entry: address, port's low byte, whether it is the port's own, age, port's high byte, filling.
const FORWARDING_BYTES: usize = 16;

/// The addresses that the bridge of this name knows; none where it doesn't say.
pub fn forwarding(root: &Root, name: &str) -> Vec<Forwarding> {
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(root.path(sysfs::directory(name).join("brforward"))) {
        let most = u64::try_from(MAX_ADDRESSES * FORWARDING_BYTES).unwrap_or(u64::MAX);
        // What was read before an error is good.
        let _ = file.take(most).read_to_end(&mut bytes);
    }
    bytes.chunks_exact(FORWARDING_BYTES).filter_map(parse_forwarding).collect()
}

fn parse_forwarding(bytes: &[u8]) -> Option<Forwarding> {
    let [low, own] = field(bytes, 6)?;
    let [high] = field(bytes, 12)?;
    Some(Forwarding { address: field(bytes, 0)?, port: u16::from_be_bytes([high, low]).into(), own: own != 0 })
}

/// What leaves the agent.
pub static FAMILY: Family<Interface> = Family {
    section: "interface",
    subject: "bridge",
    object: "Bridge",
    arc: 29,
    help: "A bridge.",
    exported: true,
    rows: |snapshot, visit| {
        let interfaces = snapshot.interface.get().into_iter().flat_map(|interfaces| &interfaces.rows);
        interfaces.filter(|row| row.bridge.is_some()).for_each(visit);
    },
    index: Index::Name { key: |row| Cow::Borrowed(&row.name), preferred: |row| row.index },
    labels: &[
        Label::identity(2, "bridge", "The bridge's interface.", "/sys/class/net/*/bridge", |row| {
            Some(Cow::Borrowed(&row.name))
        }),
        Label::info(3, "id", "Its identifier: priority, then address.", "/sys/class/net/*/bridge/bridge_id", |row| {
            row.bridge.as_ref()?.bridge_id.map(id_text).map(Cow::Owned)
        }),
        Label::info(4, "root", "The identifier of the tree's root.", "/sys/class/net/*/bridge/root_id", |row| {
            row.bridge.as_ref()?.root_id.map(id_text).map(Cow::Owned)
        }),
    ],
    metrics: &[
        Metric::gauge(5, "ports", Unit::Count, "Ports of the bridge.", "/sys/class/net/*/brif", |row| {
            Some(row.bridge.as_ref()?.ports.into())
        }),
        Metric::flag(
            6,
            "spanning_tree",
            "Whether it takes part in a spanning tree.",
            "/sys/class/net/*/bridge/stp_state",
            |row| Some((row.bridge.as_ref()?.stp_state? != 0).into()),
        ),
        Metric::flag(
            7,
            "is_root",
            "Whether it is the root of its tree.",
            "/sys/class/net/*/bridge/root_id, bridge_id",
            |row| row.bridge.as_ref()?.is_root().map(Into::into),
        ),
        Metric::gauge(
            8,
            "root_path_cost",
            Unit::Count,
            "What the path to the root costs.",
            "/sys/class/net/*/bridge/root_path_cost",
            |row| row.bridge.as_ref()?.root_path_cost.map(Into::into),
        ),
        Metric::flag(
            9,
            "topology_change",
            "Whether the tree is changing.",
            "/sys/class/net/*/bridge/topology_change",
            |row| row.bridge.as_ref()?.topology_change.map(Into::into),
        ),
    ],
};

/// `8000.02005e100001`, as the kernel and ip(8) write it.
fn id_text(id: Id) -> String {
    let (priority, address) = id.split_at(2);
    format!("{}.{}", hex::encode(priority), hex::encode(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_priority_and_address() {
        let id = parse_id("8000.02005e100001").expect("an identifier");
        assert_eq!(id, [0x80, 0, 2, 0, 0x5e, 0x10, 0, 1]);
        assert_eq!(id_text(id), "8000.02005e100001");
        for odd in ["", "8000", "8000.02005e1000", "8000.02005e10000g"] {
            assert_eq!(parse_id(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn numbers_of_every_width_and_ports_beyond_255() {
        assert_eq!([number(&[7]), number(&300_u16.to_ne_bytes())], [Some(7), Some(300)]);
        assert_eq!([number(&u32::MAX.to_ne_bytes()), number(&u64::MAX.to_ne_bytes())], [Some(u32::MAX), None]);
        assert_eq!(number(&[]), None);
        let entry = [2, 0, 0, 0, 0, 9, 3, 1, 0, 0, 0, 0, 1, 0, 0, 0];
        let known = Forwarding { address: [2, 0, 0, 0, 0, 9], port: 259, own: true };
        assert_eq!(parse_forwarding(&entry), Some(known));
        assert_eq!(parse_forwarding(&entry[..12]), None);
        assert_eq!(Port::from_attributes(&[]), None);
    }
}
