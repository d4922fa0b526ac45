//! Network interfaces: traffic, link, addresses of the link layer.
//!
//! rtnetlink tells of the agent's own network namespace ([`link`]); below another root, and where it is refused, `net/dev`
//! and sysfs do ([`sysfs`]). Rates are not computed here: outputs carry the counters.

pub mod bond;
pub mod bridge;
mod family;
mod history;
mod link;
mod settled;
mod sysfs;

use std::collections::HashMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use super::{DEADLINE, Error, Root, Section};
use crate::metric::Interval;
pub use family::FAMILY;
pub use history::Memory;
pub use settled::Settled;

/// How often interfaces are read, and which are left out.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often; absent: as `collect.interval` says.
    pub interval: Option<Interval>,
    /// Globs over names; what matches is counted but not shown. By default the ends of containers' links.
    pub exclude: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Config { interval: None, exclude: ["veth*", "cali*", "lxc*"].map(String::from).to_vec() }
    }
}

/// The interfaces at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Interfaces {
    /// Those that are shown, in the kernel's order.
    pub rows: Vec<Interface>,
    /// How many were left out by the configuration.
    pub hidden: usize,
    /// Which of those that are shown stands on which; sorted.
    pub layers: Vec<Layer>,
    /// The agent's uptime when a row was last seen to come or go; zero before.
    pub rows_changed: Duration,
    /// The same of the layers.
    pub layers_changed: Duration,
}

/// An interface that stands on another: a VLAN on its interface, a bond or a bridge on those in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Layer {
    /// The name of the one above.
    pub higher: String,
    /// The name of the one below.
    pub lower: String,
}

/// One interface. What only sysfs says is absent where sysfs doesn't show the interface.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Interface {
    /// The kernel's name: `eth0`.
    pub name: String,
    /// What came in, added up as in `net/dev`.
    pub receive: Receive,
    /// What went out, added up as in `net/dev`.
    pub transmit: Transmit,
    /// Errors by their causes; `statistics/`.
    pub errors: Option<Errors>,
    /// The kernel's number; `ifindex`.
    pub index: Option<u32>,
    /// The ARP hardware type: 1 is Ethernet, 772 loopback; `type`.
    pub hardware_type: Option<u32>,
    /// The bytes of the hardware address; empty where there is none; `address`.
    pub address: Vec<u8>,
    /// The bytes of the link's broadcast address; `broadcast`.
    pub broadcast: Vec<u8>,
    /// The hardware addresses of the groups that it listens to; `net/dev_mcast`.
    pub groups: Vec<Vec<u8>>,
    /// What the kernel calls its kind, where it is no plain device: `vlan`, `bridge`, `wlan`.
    pub kind: Option<String>,
    /// The bridge, bond or the like that it is part of; `master`.
    pub master: Option<String>,
    /// What the administrator calls it; `ifalias`.
    pub alias: Option<String>,
    /// Flags as in netdevice(7): 1 is up, 0x100 promiscuous, 0x1000 multicast; `flags`.
    pub flags: Option<u32>,
    /// Operational state; `operstate`.
    pub state: Option<OperationalState>,
    /// Whether there is a signal; `carrier`. The kernel refuses it of an interface that is administratively down.
    pub carrier: Option<bool>,
    /// Times that the carrier came or went; `carrier_changes`.
    pub carrier_changes: Option<u64>,
    /// Nominal speed, in bytes per second; `speed`. Absent where it is not known.
    pub speed_bytes: Option<u64>,
    /// `duplex`.
    pub duplex: Option<Duplex>,
    /// The largest packet, in bytes; `mtu`.
    pub mtu: Option<u64>,
    /// Whether a device stands behind it, as opposed to a bridge or tunnel; there is a `device`.
    pub physical: Option<bool>,
    /// What it is as a bridge.
    pub bridge: Option<bridge::Bridge>,
    /// What it is as a port of a bridge.
    pub port: Option<bridge::Port>,
    /// What it is as a bond.
    pub bond: Option<bond::Bond>,
    /// The agent's uptime when it was seen to be in another operational state; zero before.
    pub since: Duration,
    /// The agent's uptime when its counters were seen to begin anew; zero before.
    pub discontinuity: Duration,
}

/// What an interface received since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the columns of net/dev, which the metrics describe")]
pub struct Receive {
    pub bytes: u64,
    pub packets: u64,
    pub errors: u64,
    pub drops: u64,
    pub fifo: u64,
    pub frame: u64,
    pub compressed: u64,
    pub multicast: u64,
}

/// What an interface sent since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the columns of net/dev, which the metrics describe")]
pub struct Transmit {
    pub bytes: u64,
    pub packets: u64,
    pub errors: u64,
    pub drops: u64,
    pub fifo: u64,
    pub collisions: u64,
    pub carrier: u64,
    pub compressed: u64,
}

/// Errors since the interface was made, by cause: what [`Receive`] and [`Transmit`] have only as sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the files in statistics/, which the metrics describe")]
pub struct Errors {
    pub receive_length: u64,
    pub receive_over: u64,
    pub receive_crc: u64,
    pub receive_frame: u64,
    pub receive_missed: u64,
    /// Kernels before 4.6 lack it.
    pub receive_nohandler: Option<u64>,
    pub transmit_aborted: u64,
    pub transmit_carrier: u64,
    pub transmit_heartbeat: u64,
    pub transmit_window: u64,
}

impl Errors {
    /// The column `frame` of `net/dev`.
    fn receive_frames(&self) -> u64 {
        [self.receive_length, self.receive_over, self.receive_crc, self.receive_frame]
            .iter()
            .fold(0, |sum, part| sum.wrapping_add(*part))
    }

    /// The column `carrier` of `net/dev`.
    fn transmit_carriers(&self) -> u64 {
        [self.transmit_aborted, self.transmit_carrier, self.transmit_heartbeat, self.transmit_window]
            .iter()
            .fold(0, |sum, part| sum.wrapping_add(*part))
    }
}

/// As RFC 2863's ifOperStatus, with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as RFC 2863 names them")]
pub enum OperationalState {
    Up = 1,
    Down,
    Testing,
    Unknown,
    Dormant,
    NotPresent,
    LowerLayerDown,
}

/// The names of [`OperationalState`], in its order.
const STATES: &[&str] = &["up", "down", "testing", "unknown", "dormant", "not_present", "lower_layer_down"];

impl OperationalState {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "up" => OperationalState::Up,
            "down" => OperationalState::Down,
            "testing" => OperationalState::Testing,
            "unknown" => OperationalState::Unknown,
            "dormant" => OperationalState::Dormant,
            "notpresent" => OperationalState::NotPresent,
            "lowerlayerdown" => OperationalState::LowerLayerDown,
            _ => return None,
        })
    }

    /// Its number in ifOperStatus.
    pub const fn number(self) -> u32 {
        self as u32
    }
}

/// Whether both ends may speak at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Duplex {
    Half = 1,
    Full,
    Unknown,
}

/// The names of [`Duplex`], in its order.
const DUPLEXES: &[&str] = &["half", "full", "unknown"];

impl Duplex {
    fn parse(text: &str) -> Duplex {
        match text {
            "half" => Duplex::Half,
            "full" => Duplex::Full,
            _ => Duplex::Unknown,
        }
    }
}

impl Interface {
    /// Whether the administrator wants it up.
    pub fn admin_up(&self) -> Option<bool> {
        self.flags.map(|flags| flags & 1 == 1)
    }

    /// Its operational state. Drivers without a link to watch, such as the loopback's, leave it unknown: then
    /// administratively up is up, unless the kernel says that there is no carrier.
    pub fn operational(&self) -> Option<OperationalState> {
        match self.state? {
            OperationalState::Unknown if self.admin_up()? && self.carrier != Some(false) => Some(OperationalState::Up),
            OperationalState::Unknown => Some(OperationalState::Down),
            known => Some(known),
        }
    }

    /// Whether it carries traffic.
    pub fn up(&self) -> Option<bool> {
        self.operational().map(|state| state == OperationalState::Up)
    }

    /// Whether it is a bridge.
    pub fn is_bridge(&self) -> bool {
        self.bridge.is_some() || self.kind.as_deref() == Some("bridge")
    }

    /// Whether it is a bond.
    pub fn is_bond(&self) -> bool {
        self.kind.as_deref() == Some("bond")
    }

    /// The hardware address as people write it; `None` where there is none.
    pub fn address_text(&self) -> Option<String> {
        let octets: Vec<String> = self.address.iter().map(|octet| format!("{octet:02x}")).collect();
        (!octets.is_empty()).then(|| octets.join(":"))
    }
}

/// The section.
pub static SECTION: Section<Interfaces> = Section {
    name: "interface",
    interval: |config| config.interface.interval,
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        let exclude: Vec<WildMatch> = setup.config.interface.exclude.iter().map(|glob| WildMatch::new(glob)).collect();
        let (memory, mut settled) = (setup.interfaces.clone(), Settled::default());
        Box::new(move |now| {
            let mut interfaces = read(&root, &exclude, &mut settled)?;
            memory.note(&mut interfaces, now.monotonic);
            Ok(interfaces)
        })
    },
    slot: |snapshot| &mut snapshot.interface,
    status: |snapshot| &snapshot.interface.status,
};

/// Reads them below `root`, without those whose names match `exclude`.
pub fn read(root: &Root, exclude: &[WildMatch], settled: &mut Settled) -> Result<Interfaces, Error> {
    let told = if root.is_own() { link::read().ok() } else { None };
    let (mut rows, mut layers) = told.map_or_else(|| sysfs::read(root), Ok)?;
    let all = rows.len();
    let is_shown = |name: &str| !exclude.iter().any(|glob| glob.matches(name));
    let mut ports = HashMap::<String, u32>::new();
    for port in rows.iter().filter(|row| row.port.is_some()) {
        *ports.entry(port.master.clone().unwrap_or_default()).or_default() += 1;
    }
    rows.retain(|row| is_shown(&row.name));
    layers.retain(|layer| is_shown(&layer.higher) && is_shown(&layer.lower));
    layers.sort();
    let hidden = all.saturating_sub(rows.len());
    settled.fill(root, &mut rows);
    let mut groups = HashMap::<String, Vec<Vec<u8>>>::new();
    for (name, address) in sysfs::groups(root) {
        groups.entry(name).or_default().push(address);
    }
    let mut bridges = 0;
    for row in &mut rows {
        row.groups = groups.remove(&row.name).unwrap_or_default();
        row.bond = if row.is_bond() { bond::Bond::read(root, &row.name) } else { None };
        if let Some(bridge) = &mut row.bridge {
            bridge.ports = ports.remove(&row.name).unwrap_or_default();
            bridges += 1;
            if bridges == 1 {
                bridge.forwarding = bridge::forwarding(root, &row.name);
            }
        }
    }
    Ok(Interfaces { rows, hidden, layers, ..Interfaces::default() })
}

/// Whether the kernel may have an interface of this name: it is part of paths.
fn is_name(name: &str) -> bool {
    !(name.is_empty() || name == "." || name == ".." || name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> Root {
        Root::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/root"))
    }

    #[test]
    fn an_unknown_state_is_up_unless_the_carrier_is_known_to_be_gone() {
        let mut row = Interface { state: Some(OperationalState::Unknown), ..Interface::default() };
        assert_eq!(row.up(), None);
        row.flags = Some(9);
        assert_eq!(row.up(), Some(true));
        row.carrier = Some(false);
        assert_eq!(row.up(), Some(false));
        assert_eq!(row.operational(), Some(OperationalState::Down));
    }

    #[test]
    fn links_are_read_and_noise_is_counted() {
        let exclude = [WildMatch::new("veth*")];
        let interfaces = read(&fixture(), &exclude, &mut Settled::default()).expect("the fixture is readable");
        assert_eq!(interfaces.hidden, 1);
        let up: Vec<_> = interfaces.rows.iter().map(|row| (row.name.as_str(), row.up())).collect();
        // The loopback's state is unknown, its flags and carrier are up.
        assert_eq!(up[..3], [("lo", Some(true)), ("eth0", Some(true)), ("eth1", Some(false))]);
        let eth0 = &interfaces.rows[1];
        assert_eq!((eth0.speed_bytes, eth0.physical), (Some(125_000_000), Some(true)));
        assert_eq!(eth0.address_text().as_deref(), Some("02:00:5e:10:00:01"));
    }
}
