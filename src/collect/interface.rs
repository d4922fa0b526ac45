//! Network interfaces: traffic, link, addresses of the link layer.
//!
//! Traffic is taken from `net/dev`, one file for all interfaces and 64 bits wide; the rest from `/sys/class/net`. sysfs
//! shows the network namespace in which it was mounted: below another root, where its names aren't those of `net/dev`,
//! it is another namespace's and left unread. Rates are not computed here: outputs carry the counters.

use std::borrow::Cow;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use super::root::read_file;
use super::{DEADLINE, Error, Family, Root, Section};
use crate::metric::{Index, Interval, Label, Metric, Unit};

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
#[derive(Debug, Clone, PartialEq)]
pub struct Interfaces {
    /// Those that are shown, in the kernel's order.
    pub rows: Vec<Interface>,
    /// How many were left out by the configuration.
    pub hidden: usize,
}

/// One interface. What only sysfs says is absent where sysfs doesn't show the interface.
#[derive(Debug, Clone, PartialEq)]
pub struct Interface {
    /// The kernel's name: `eth0`.
    pub name: String,
    /// What came in; `net/dev`.
    pub receive: Receive,
    /// What went out; `net/dev`.
    pub transmit: Transmit,
    /// The kernel's number; `ifindex`.
    pub index: Option<u32>,
    /// The ARP hardware type: 1 is Ethernet, 772 loopback; `type`.
    pub hardware_type: Option<u32>,
    /// The bytes of the hardware address; empty where there is none; `address`.
    pub address: Vec<u8>,
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

impl Interface {
    /// Whether the administrator wants it up.
    pub fn admin_up(&self) -> Option<bool> {
        self.flags.map(|flags| flags & 1 == 1)
    }

    /// Whether it carries traffic. Drivers without a link to watch, such as the loopback's, leave the state unknown:
    /// then administratively up is up, unless the kernel says that there is no carrier.
    pub fn up(&self) -> Option<bool> {
        match self.state? {
            OperationalState::Up => Some(true),
            OperationalState::Unknown => Some(self.admin_up()? && self.carrier != Some(false)),
            _ => Some(false),
        }
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
        Box::new(move |_now| read(&root, &exclude))
    },
    slot: |snapshot| &mut snapshot.interface,
    status: |snapshot| &snapshot.interface.status,
};

/// Reads them below `root`, without those whose names match `exclude`.
pub fn read(root: &Root, exclude: &[WildMatch]) -> Result<Interfaces, Error> {
    let path = root.net().join("dev");
    let mut rows = parse(&read_file(&path)?).map_err(|reason| Error::malformed(&path, reason))?;
    let all = rows.len();
    rows.retain(|row| !exclude.iter().any(|glob| glob.matches(&row.name)));
    let hidden = all.saturating_sub(rows.len());
    let class = Path::new("sys/class/net");
    if root.is_own() || rows.iter().all(|row| root.path(class.join(&row.name)).exists()) {
        for row in &mut rows {
            describe(root, &class.join(&row.name), row);
        }
    }
    Ok(Interfaces { rows, hidden })
}

/// Fills in what sysfs says of the interface; each file that is missing or refused leaves its field absent.
fn describe(root: &Root, directory: &Path, row: &mut Interface) {
    let text = |file: &str| root.read_trimmed(directory.join(file));
    row.index = root.read_number(directory.join("ifindex"));
    row.hardware_type = root.read_number(directory.join("type"));
    row.address = text("address").and_then(|text| parse_address(&text)).unwrap_or_default();
    row.alias = text("ifalias");
    row.flags = text("flags").and_then(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok());
    row.state = text("operstate").and_then(|text| OperationalState::parse(&text));
    row.carrier = root.read_number::<u8>(directory.join("carrier")).map(|carrier| carrier != 0);
    row.carrier_changes = root.read_number(directory.join("carrier_changes"));
    row.speed_bytes = text("speed").and_then(|text| parse_speed(&text));
    row.duplex = text("duplex").map(|text| match text.as_str() {
        "half" => Duplex::Half,
        "full" => Duplex::Full,
        _ => Duplex::Unknown,
    });
    row.mtu = root.read_number(directory.join("mtu"));
    row.physical = row.index.map(|_| root.path(directory.join("device")).exists());
}

/// `net/dev`: two lines of heading, then `name: ` and sixteen counters a line.
fn parse(text: &str) -> Result<Vec<Interface>, String> {
    let lines = text.lines().skip(2).filter(|line| !line.trim().is_empty());
    if !text.lines().nth(1).is_some_and(|heading| heading.contains("bytes")) {
        return Err("no heading".into());
    }
    lines.map(|line| parse_line(line).ok_or_else(|| not_an_interface(line))).collect()
}

/// The line's beginning is enough to know it by: the whole of an odd file would become a label.
fn not_an_interface(line: &str) -> String {
    format!("not an interface: {:?}", &line[..line.floor_char_boundary(100)])
}

fn parse_line(line: &str) -> Option<Interface> {
    // A name may itself have a colon (an alias of old), the counters none.
    let (name, counters) = line.rsplit_once(':')?;
    let name = name.trim();
    let counters: Vec<u64> = counters.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let counters: [u64; 16] = counters.try_into().ok()?;
    let [bytes, packets, errors, drops, fifo, frame, compressed, multicast, ..] = counters;
    let receive = Receive { bytes, packets, errors, drops, fifo, frame, compressed, multicast };
    let [.., bytes, packets, errors, drops, fifo, collisions, carrier, compressed] = counters;
    let transmit = Transmit { bytes, packets, errors, drops, fifo, collisions, carrier, compressed };
    // The kernel has no such names, and below here a name is part of a path.
    let is_name = !(name.is_empty() || name == "." || name == ".." || name.contains('/'));
    is_name.then(|| Interface {
        name: name.to_string(),
        receive,
        transmit,
        index: None,
        hardware_type: None,
        address: Vec::new(),
        alias: None,
        flags: None,
        state: None,
        carrier: None,
        carrier_changes: None,
        speed_bytes: None,
        duplex: None,
        mtu: None,
        physical: None,
    })
}

fn parse_address(text: &str) -> Option<Vec<u8>> {
    text.split(':').map(|octet| u8::from_str_radix(octet, 16).ok()).collect()
}

/// Megabits per second to bytes per second. Drivers that don't know say -1, some as an unsigned number.
fn parse_speed(text: &str) -> Option<u64> {
    let megabits: u32 = text.parse().ok()?;
    (megabits > 0 && megabits < u32::MAX).then(|| u64::from(megabits) * 125_000)
}

/// What leaves the agent.
pub static FAMILY: Family<Interface> = Family {
    section: "interface",
    subject: "interface",
    object: "If",
    arc: 24,
    help: "A network interface.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(interfaces) = snapshot.interface.get() {
            interfaces.rows.iter().for_each(visit);
        }
    },
    index: Index::Name { key: |row| Cow::Borrowed(&row.name), preferred: |row| row.index },
    labels: &[
        Label::identity(2, "interface", "The kernel's name of the interface.", "/proc/net/dev", |row| {
            Some(Cow::Borrowed(&row.name))
        }),
        Label::info(3, "address", "Hardware address.", "/sys/class/net/*/address", |row| {
            row.address_text().map(Cow::Owned)
        }),
        Label::info(4, "alias", "What the administrator calls it.", "/sys/class/net/*/ifalias", |row| {
            row.alias.as_deref().map(Cow::Borrowed)
        }),
    ],
    metrics: &[
        Metric::flag(5, "up", "Whether it carries traffic.", "/sys/class/net/*/operstate, flags, carrier", |row| {
            row.up().map(Into::into)
        }),
        Metric::flag(6, "admin_up", "Whether the administrator wants it up.", "/sys/class/net/*/flags", |row| {
            row.admin_up().map(Into::into)
        }),
        Metric::state(7, "state", STATES, "Operational state.", "/sys/class/net/*/operstate", |row| {
            row.state.map(|state| state.number().into())
        }),
        Metric::state(8, "duplex", DUPLEXES, "Duplex.", "/sys/class/net/*/duplex", |row| {
            row.duplex.map(|duplex| (duplex as u32).into())
        }),
        Metric::gauge(
            9,
            "speed_bytes",
            Unit::Bytes,
            "Nominal speed, in bytes per second; absent where it is not known.",
            "/sys/class/net/*/speed",
            |row| row.speed_bytes.map(Into::into),
        ),
        Metric::gauge(10, "mtu_bytes", Unit::Bytes, "The largest packet.", "/sys/class/net/*/mtu", |row| {
            row.mtu.map(Into::into)
        }),
        Metric::gauge(
            11,
            "type",
            Unit::Count,
            "ARP hardware type: 1 is Ethernet, 772 loopback.",
            "/sys/class/net/*/type",
            |row| row.hardware_type.map(Into::into),
        ),
        Metric::counter(
            12,
            "carrier_changes_total",
            Unit::Count,
            "Times that the carrier came or went.",
            "/sys/class/net/*/carrier_changes",
            |row| row.carrier_changes.map(Into::into),
        ),
        traffic(13, "receive_bytes_total", Unit::Bytes, "Bytes received.", |row| Some(row.receive.bytes.into())),
        traffic(14, "receive_packets_total", Unit::Count, "Packets received.", |row| Some(row.receive.packets.into())),
        traffic(15, "receive_errors_total", Unit::Count, "Packets received damaged.", |row| {
            Some(row.receive.errors.into())
        }),
        traffic(16, "receive_drops_total", Unit::Count, "Packets received and dropped.", |row| {
            Some(row.receive.drops.into())
        }),
        traffic(17, "receive_fifo_total", Unit::Count, "Overruns of the receiving buffer.", |row| {
            Some(row.receive.fifo.into())
        }),
        traffic(18, "receive_frame_total", Unit::Count, "Framing errors.", |row| Some(row.receive.frame.into())),
        traffic(19, "receive_compressed_total", Unit::Count, "Compressed packets received.", |row| {
            Some(row.receive.compressed.into())
        }),
        traffic(20, "receive_multicast_total", Unit::Count, "Multicast packets received.", |row| {
            Some(row.receive.multicast.into())
        }),
        traffic(21, "transmit_bytes_total", Unit::Bytes, "Bytes sent.", |row| Some(row.transmit.bytes.into())),
        traffic(22, "transmit_packets_total", Unit::Count, "Packets sent.", |row| Some(row.transmit.packets.into())),
        traffic(23, "transmit_errors_total", Unit::Count, "Packets that could not be sent.", |row| {
            Some(row.transmit.errors.into())
        }),
        traffic(24, "transmit_drops_total", Unit::Count, "Packets dropped instead of sent.", |row| {
            Some(row.transmit.drops.into())
        }),
        traffic(25, "transmit_fifo_total", Unit::Count, "Overruns of the sending buffer.", |row| {
            Some(row.transmit.fifo.into())
        }),
        traffic(26, "transmit_collisions_total", Unit::Count, "Collisions.", |row| {
            Some(row.transmit.collisions.into())
        }),
        traffic(27, "transmit_carrier_total", Unit::Count, "Losses of the carrier while sending.", |row| {
            Some(row.transmit.carrier.into())
        }),
        traffic(28, "transmit_compressed_total", Unit::Count, "Compressed packets sent.", |row| {
            Some(row.transmit.compressed.into())
        }),
    ],
};

const fn traffic(
    column: u32,
    name: &'static str,
    unit: Unit,
    help: &'static str,
    read: fn(&Interface) -> Option<crate::metric::Number>,
) -> Metric<Interface> {
    Metric::counter(column, name, unit, help, "/proc/net/dev", read)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEV: &str = "Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 675333450 7373222    0    0    0     0          0         0 675333450 7373222    0    0    0     0       0          0
  eth0:279426100    9811    1    2    3     4          5         6   738607    6978    7    8    9     10       11          12
";

    fn fixture() -> Root {
        Root::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/root"))
    }

    #[test]
    fn counters_are_in_the_kernels_order() {
        let rows = parse(DEV).expect("a whole net/dev");
        assert_eq!(rows[0].name, "lo");
        let eth0 = &rows[1];
        assert_eq!((eth0.receive.bytes, eth0.receive.frame, eth0.receive.multicast), (279_426_100, 4, 6));
        assert_eq!((eth0.transmit.bytes, eth0.transmit.collisions, eth0.transmit.compressed), (738_607, 10, 12));
    }

    #[test]
    fn odd_files_are_errors_not_panics() {
        let heading = "Inter-| Receive\n face |bytes\n";
        for text in ["", "x", "a\nb\nc", &format!("{heading}lo: 1 2"), &format!("{heading} : {}", "1 ".repeat(16))] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        let huge = format!("{heading}lo: 99999999999999999999999 {}", "1 ".repeat(15));
        assert!(parse(&huge).is_err());
        assert_eq!(parse(heading), Ok(vec![]));
        for name in ["..", "/etc", "a/b"] {
            assert_eq!(parse_line(&format!("{name}: {}", "1 ".repeat(16))), None, "{name}");
        }
        let reason = parse(&format!("{heading}{}", "\u{fffd}".repeat(100_000))).expect_err("no interface");
        assert!(reason.len() < 200, "{} bytes", reason.len());
    }

    #[test]
    fn an_unknown_state_is_up_unless_the_carrier_is_known_to_be_gone() {
        let mut row = parse(DEV).expect("a whole net/dev").remove(0);
        row.state = Some(OperationalState::Unknown);
        assert_eq!(row.up(), None);
        row.flags = Some(9);
        assert_eq!(row.up(), Some(true));
        row.carrier = Some(false);
        assert_eq!(row.up(), Some(false));
    }

    #[test]
    fn unknown_speeds_and_addresses_are_absent() {
        assert_eq!(parse_speed("1000"), Some(125_000_000));
        assert_eq!([parse_speed("-1"), parse_speed("4294967295"), parse_speed("0")], [None; 3]);
        assert_eq!(parse_address("02:fc:00:00:00:0a"), Some(vec![2, 0xfc, 0, 0, 0, 10]));
        assert_eq!(parse_address("nonsense"), None);
    }

    #[test]
    fn links_are_read_and_noise_is_counted() {
        let exclude = [WildMatch::new("veth*")];
        let interfaces = read(&fixture(), &exclude).expect("the fixture is readable");
        assert_eq!(interfaces.hidden, 1);
        let up: Vec<_> = interfaces.rows.iter().map(|row| (row.name.as_str(), row.up())).collect();
        // The loopback's state is unknown, its flags and carrier are up.
        assert_eq!(up, [("lo", Some(true)), ("eth0", Some(true)), ("eth1", Some(false))]);
        let eth0 = &interfaces.rows[1];
        assert_eq!((eth0.speed_bytes, eth0.physical), (Some(125_000_000), Some(true)));
        assert_eq!(eth0.address_text().as_deref(), Some("02:00:5e:10:00:01"));
    }
}
