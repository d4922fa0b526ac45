//! Bonds: links that several interfaces make together, and how many of them still do. Read the kernel's
//! Documentation/networking/bonding.rst first; the metrics of the same meaning are named as node_exporter's.

use std::borrow::Cow;

use super::{Interface, sysfs};
use crate::collect::{Family, Root};
use crate::metric::{Index, Label, Metric, Unit};

/// A bond; `bonding/` of its interface, and `bonding_slave/` of those in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bond {
    /// How it shares traffic: `active-backup`; `mode`.
    pub mode: Option<String>,
    /// Whether the monitor sees a link; `mii_status`.
    pub up: Option<bool>,
    /// The one in use, in the modes that use one; `active_slave`.
    pub active_slave: Option<String>,
    /// How many interfaces are in it; `slaves`.
    pub slaves: Option<u32>,
    /// Those of them with a link; their `mii_status`.
    pub active: Option<u32>,
    /// Times that the link of one was lost; the sum of their `link_failure_count`.
    pub link_failures: Option<u64>,
    /// The ports of the active aggregator, in mode 802.3ad; `ad_num_ports`.
    pub aggregator_ports: Option<u32>,
    /// The other end's address, in mode 802.3ad; `ad_partner_mac`.
    pub partner: Option<String>,
}

/// The most interfaces of one bond that are looked at.
const MAX_SLAVES: usize = 256;

impl Bond {
    /// The bond of this name; `None` where the kernel doesn't say.
    pub fn read(root: &Root, name: &str) -> Option<Bond> {
        let directory = sysfs::directory(name).join("bonding");
        let text = |file: &str| root.read_trimmed(directory.join(file));
        if !root.path(&directory).exists() {
            return None;
        }
        // Without any, the file is empty.
        let slaves = root.read(directory.join("slaves")).ok();
        let slaves = slaves.map(|text| text.split_ascii_whitespace().take(MAX_SLAVES).map(str::to_string).collect());
        let of = |slave: &String, file: &str| root.read_trimmed(slave_file(slave, file)?);
        let up = |slave: &&String| of(slave, "mii_status").as_deref() == Some("up");
        let count = |number: usize| u32::try_from(number).ok();
        Some(Bond {
            mode: text("mode").and_then(|text| text.split_ascii_whitespace().next().map(str::to_string)),
            up: text("mii_status").map(|text| text == "up"),
            active_slave: text("active_slave"),
            slaves: slaves.as_ref().and_then(|slaves: &Vec<String>| count(slaves.len())),
            active: slaves.as_ref().and_then(|slaves| count(slaves.iter().filter(up).count())),
            link_failures: slaves.map(|slaves| {
                slaves.iter().filter_map(|slave| of(slave, "link_failure_count")?.parse::<u64>().ok()).sum()
            }),
            aggregator_ports: root.read_number(directory.join("ad_num_ports")),
            partner: text("ad_partner_mac"),
        })
    }
}

/// A file of one of its interfaces; `None` for what is no name.
fn slave_file(slave: &str, file: &str) -> Option<std::path::PathBuf> {
    super::is_name(slave).then(|| sysfs::directory(slave).join("bonding_slave").join(file))
}

/// What leaves the agent.
pub static FAMILY: Family<Interface> = Family {
    section: "interface",
    subject: "bonding",
    object: "Bond",
    arc: 28,
    help: "A bond of network interfaces.",
    exported: true,
    rows: |snapshot, visit| {
        let interfaces = snapshot.interface.get().into_iter().flat_map(|interfaces| &interfaces.rows);
        interfaces.filter(|row| row.bond.is_some()).for_each(visit);
    },
    index: Index::Name { key: |row| Cow::Borrowed(&row.name), preferred: |row| row.index },
    labels: &[
        Label::identity(2, "master", "The bond's interface.", "/sys/class/net/*/bonding", |row| {
            Some(Cow::Borrowed(&row.name))
        }),
        Label::info(3, "mode", "How traffic is shared.", "/sys/class/net/*/bonding/mode", |row| {
            row.bond.as_ref()?.mode.as_deref().map(Cow::Borrowed)
        }),
        Label::info(
            4,
            "active_slave",
            "The interface in use, in modes that use one.",
            "/sys/class/net/*/bonding/active_slave",
            |row| row.bond.as_ref()?.active_slave.as_deref().map(Cow::Borrowed),
        ),
        Label::info(
            5,
            "partner",
            "The other end's address, in mode 802.3ad.",
            "/sys/class/net/*/bonding/ad_partner_mac",
            |row| row.bond.as_ref()?.partner.as_deref().map(Cow::Borrowed),
        ),
    ],
    metrics: &[
        Metric::flag(6, "up", "Whether the monitor sees a link.", "/sys/class/net/*/bonding/mii_status", |row| {
            row.bond.as_ref()?.up.map(Into::into)
        }),
        Metric::gauge(7, "slaves", Unit::Count, "Interfaces in the bond.", "/sys/class/net/*/bonding/slaves", |row| {
            row.bond.as_ref()?.slaves.map(Into::into)
        }),
        Metric::gauge(
            8,
            "active",
            Unit::Count,
            "Interfaces in the bond that have a link.",
            "/sys/class/net/*/bonding_slave/mii_status",
            |row| row.bond.as_ref()?.active.map(Into::into),
        ),
        Metric::counter(
            9,
            "link_failures_total",
            Unit::Count,
            "Times that the link of one of its interfaces was lost.",
            "/sys/class/net/*/bonding_slave/link_failure_count",
            |row| row.bond.as_ref()?.link_failures.map(Into::into),
        ),
        Metric::gauge(
            10,
            "aggregator_ports",
            Unit::Count,
            "Ports of the active aggregator, in mode 802.3ad.",
            "/sys/class/net/*/bonding/ad_num_ports",
            |row| row.bond.as_ref()?.aggregator_ports.map(Into::into),
        ),
    ],
};
