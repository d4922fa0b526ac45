//! The facts: one file a subject, each with its row, its reader, a pure parse and its metrics.
//!
//! A section is collected on its own schedule on a thread of its own, never on a request. Its outcome is a [`Slot`] of
//! the [`Snapshot`]: facts, or the reason why there are none. Absent is absent; it is never zero. Everything here
//! blocks, reads below a configurable [`Root`], and is told the time.
//!
//! To add a subject: write its file, add one field to [`Snapshot`] and one entry to [`SECTIONS`] and [`FAMILIES`].

pub mod cpu;
pub mod disk;
pub mod extend;
pub mod filesystem;
pub mod hardware;
pub mod hidden;
pub mod host;
pub mod hwmon;
pub mod interface;
pub mod memory;
pub mod network;
pub mod package;
pub mod partition;
pub mod process;
pub mod section;
pub mod service;
pub mod supply;
pub mod textfile;

mod mounts;
mod netlink;
mod pressure;
mod root;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metric::{self, Interval, Now, Projection};
pub use root::{Error, Root};
pub use section::{AnySection, Collector, Job, Outcome, Problem, Section, Setup, Slot, Status};

/// A family of metrics over the snapshot.
pub type Family<R> = metric::Family<Snapshot, R>;

/// Every fact of one moment. Cloning it copies pointers.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When this value was put together.
    pub now: Now,
    /// [`host`].
    pub host: Slot<host::Host>,
    /// [`cpu`].
    pub cpu: Slot<cpu::Cpu>,
    /// [`memory`].
    pub memory: Slot<memory::Memory>,
    /// [`filesystem`].
    pub filesystem: Slot<filesystem::Filesystems>,
    /// [`disk`].
    pub disk: Slot<Vec<disk::Disk>>,
    /// [`interface`].
    pub interface: Slot<interface::Interfaces>,
    /// [`network::netstat`].
    pub netstat: Slot<network::netstat::Netstat>,
    /// [`network::address`].
    pub address: Slot<network::address::Addresses>,
    /// [`network::neighbour`].
    pub neighbour: Slot<Vec<network::neighbour::Neighbour>>,
    /// [`network::route`].
    pub route: Slot<network::route::Routes>,
    /// [`network::socket`].
    pub socket: Slot<network::socket::Sockets>,
    /// [`hwmon`].
    pub hwmon: Slot<Vec<hwmon::Sensor>>,
    /// [`hardware`].
    pub hardware: Slot<hardware::Hardware>,
    /// [`supply`].
    pub supply: Slot<Vec<supply::Supply>>,
    /// [`extend`].
    pub extend: Slot<Vec<extend::Extend>>,
    /// [`textfile`].
    pub textfile: Slot<textfile::Textfile>,
    /// [`process`].
    pub process: Slot<process::Processes>,
    /// [`service`].
    pub service: Slot<service::Services>,
    /// [`package`]; nothing where there is no database.
    pub package: Slot<Option<package::Packages>>,
}

impl Snapshot {
    /// A snapshot with nothing in it yet.
    pub fn empty(now: Now) -> Self {
        Snapshot {
            now,
            host: Slot::default(),
            cpu: Slot::default(),
            memory: Slot::default(),
            filesystem: Slot::default(),
            disk: Slot::default(),
            interface: Slot::default(),
            netstat: Slot::default(),
            address: Slot::default(),
            neighbour: Slot::default(),
            route: Slot::default(),
            socket: Slot::default(),
            hwmon: Slot::default(),
            hardware: Slot::default(),
            supply: Slot::default(),
            extend: Slot::default(),
            textfile: Slot::default(),
            process: Slot::default(),
            service: Slot::default(),
            package: Slot::default(),
        }
    }
}

/// Every section, in reading order.
pub static SECTIONS: &[&dyn AnySection] = &[
    &host::SECTION,
    &cpu::SECTION,
    &memory::SECTION,
    &filesystem::SECTION,
    &disk::SECTION,
    &interface::SECTION,
    &network::netstat::SECTION,
    &network::address::SECTION,
    &network::neighbour::SECTION,
    &network::route::SECTION,
    &network::socket::SECTION,
    &hwmon::SECTION,
    &hardware::SECTION,
    &supply::SECTION,
    &process::SECTION,
    &service::SECTION,
    &extend::SECTION,
    &textfile::SECTION,
    &package::SECTION,
];

/// Sections that cost much and change little: how often they are read while nobody asks for them and no rule looks at
/// them.
pub static RARELY: &[(&str, Duration)] = &[
    ("address", Duration::from_secs(300)),
    ("neighbour", Duration::from_secs(300)),
    ("route", Duration::from_secs(300)),
    ("socket", Duration::from_secs(300)),
    ("process", Duration::from_secs(300)),
];

/// Every family over the snapshot, in reading order.
pub static FAMILIES: &[&dyn Projection<Snapshot>] = &[
    &host::FAMILY,
    &cpu::FAMILY,
    &cpu::CORES,
    &memory::FAMILY,
    &filesystem::FAMILY,
    &disk::FAMILY,
    &partition::FAMILY,
    &interface::FAMILY,
    &interface::bond::FAMILY,
    &interface::bridge::FAMILY,
    &hidden::FAMILY,
    &network::netstat::FAMILY,
    &network::SOCKSTAT,
    &network::address::FAMILY,
    &network::neighbour::FAMILY,
    &network::route::FAMILY,
    &network::socket::FAMILY,
    &hwmon::FAMILY,
    &hardware::FAMILY,
    &hardware::PACKAGES,
    &supply::FAMILY,
    &process::TOTALS,
    &process::FAMILY,
    &service::TOTALS,
    &service::FAMILY,
    &extend::FAMILY,
    &textfile::FAMILY,
    &textfile::SAMPLES,
    &package::TOTALS,
    &package::FAMILY,
    &section::FAMILY,
];

/// How often each section is collected, and what it leaves out.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often a section is collected unless it says otherwise; the least is 1s.
    pub interval: Interval,
    /// The host's name, system, age and users.
    pub host: Schedule,
    /// Processors and the load.
    pub cpu: Schedule,
    /// Memory, swap and pressure stall information.
    pub memory: Schedule,
    /// Mounted filesystems.
    pub filesystem: filesystem::Config,
    /// Whole disks.
    pub disk: Schedule,
    /// Network interfaces.
    pub interface: interface::Config,
    /// What the network protocols counted.
    pub netstat: Schedule,
    /// Addresses and how IP is set up on interfaces; by default every 30s.
    pub address: Schedule,
    /// Neighbours known by ARP and neighbour discovery; by default every 30s.
    pub neighbour: Schedule,
    /// Routes; by default every 60s, as there may be thousands.
    pub route: Schedule,
    /// TCP and UDP sockets, and who holds them.
    pub socket: network::socket::Config,
    /// Hardware sensors.
    pub hwmon: Schedule,
    /// What the machine is: maker, model, serial numbers; by default every hour.
    pub hardware: Schedule,
    /// Power supplies and batteries.
    pub supply: Schedule,
    /// Processes; by default every 30s, as reading thousands costs.
    pub process: Schedule,
    /// The watched services.
    pub service: Schedule,
    /// Installed packages; by default looked for every 1m.
    pub package: Schedule,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            interval: Interval::seconds(10),
            host: Schedule::default(),
            cpu: Schedule::default(),
            memory: Schedule::default(),
            filesystem: filesystem::Config::default(),
            disk: Schedule::default(),
            interface: interface::Config::default(),
            netstat: Schedule::default(),
            address: Schedule { interval: Some(network::address::INTERVAL) },
            neighbour: Schedule { interval: Some(network::neighbour::INTERVAL) },
            route: Schedule { interval: Some(network::route::INTERVAL) },
            socket: network::socket::Config::default(),
            hwmon: Schedule::default(),
            hardware: Schedule { interval: Some(hardware::INTERVAL) },
            supply: Schedule::default(),
            process: Schedule { interval: Some(process::INTERVAL) },
            service: Schedule::default(),
            package: Schedule { interval: Some(package::INTERVAL) },
        }
    }
}

/// When one section is collected.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// How often; absent: as `collect.interval` says.
    pub interval: Option<Interval>,
}

/// How far a counter went on since it was looked at before: nothing where it stepped back.
#[allow(clippy::cast_precision_loss, reason = "a rate needs no more than a double's digits")]
fn difference(later: u64, before: u64) -> f64 {
    later.saturating_sub(before) as f64
}

/// The longest that a collector may take before its section is called late.
const DEADLINE: Duration = Duration::from_secs(5);
