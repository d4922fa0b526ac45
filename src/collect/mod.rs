//! The facts: one file a subject, each with its row, its reader, a pure parse and its metrics.
//!
//! A section is collected on its own schedule on a thread of its own, never on a request. Its outcome is a [`Slot`] of
//! the [`Snapshot`]: facts, or the reason why there are none. Absent is absent; it is never zero. Everything here
//! blocks, reads below a configurable [`Root`], and is told the time.
//!
//! To add a subject: write its file, add one field to [`Snapshot`] and one entry to [`SECTIONS`] and [`FAMILIES`].

pub mod cpu;
pub mod disk;
pub mod filesystem;
pub mod hidden;
pub mod host;
pub mod memory;
pub mod section;

mod mounts;
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
    /// [`memory`].
    pub memory: Slot<memory::Memory>,
    /// [`cpu`].
    pub cpu: Slot<cpu::Cpu>,
    /// [`host`].
    pub host: Slot<host::Host>,
    /// [`disk`].
    pub disk: Slot<Vec<disk::Disk>>,
    /// [`filesystem`].
    pub filesystem: Slot<filesystem::Filesystems>,
}

impl Snapshot {
    /// A snapshot with nothing in it yet.
    pub fn empty(now: Now) -> Self {
        Snapshot {
            now,
            memory: Slot::default(),
            cpu: Slot::default(),
            host: Slot::default(),
            disk: Slot::default(),
            filesystem: Slot::default(),
        }
    }
}

/// Every section, in reading order.
pub static SECTIONS: &[&dyn AnySection] =
    &[&host::SECTION, &cpu::SECTION, &memory::SECTION, &filesystem::SECTION, &disk::SECTION];

/// Every family over the snapshot, in reading order.
pub static FAMILIES: &[&dyn Projection<Snapshot>] = &[
    &host::FAMILY,
    &cpu::FAMILY,
    &cpu::CORES,
    &memory::FAMILY,
    &filesystem::FAMILY,
    &hidden::FAMILY,
    &disk::FAMILY,
    &section::FAMILY,
];

/// How often each section is collected, and what it leaves out.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often a section is collected unless it says otherwise; the least is 1s.
    pub interval: Interval,
    /// Memory, swap and pressure stall information.
    pub memory: Schedule,
    /// Processors and the load.
    pub cpu: Schedule,
    /// The host's name, system, age and users.
    pub host: Schedule,
    /// Whole disks.
    pub disk: Schedule,
    /// Mounted filesystems.
    pub filesystem: filesystem::Config,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            interval: Interval::seconds(10),
            memory: Schedule::default(),
            cpu: Schedule::default(),
            host: Schedule::default(),
            disk: Schedule::default(),
            filesystem: filesystem::Config::default(),
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

/// The longest that a collector may take before its section is called late.
const DEADLINE: Duration = Duration::from_secs(5);
