//! The facts: one file a subject, each with its row, its reader, a pure parse and its metrics.
//!
//! A section is collected on its own schedule on a thread of its own, never on a request. Its outcome is a [`Slot`] of
//! the [`Snapshot`]: facts, or the reason why there are none. Absent is absent; it is never zero. Everything here
//! blocks, reads below a configurable [`Root`], and is told the time.
//!
//! To add a subject: write its file, add one field to [`Snapshot`] and one entry to [`SECTIONS`] and [`FAMILIES`].

pub mod hwmon;
pub mod interface;
pub mod memory;
pub mod process;
pub mod section;
pub mod service;

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
    /// [`interface`].
    pub interface: Slot<interface::Interfaces>,
    /// [`hwmon`].
    pub hwmon: Slot<Vec<hwmon::Sensor>>,
    /// [`process`].
    pub process: Slot<process::Processes>,
    /// [`service`].
    pub service: Slot<service::Services>,
}

impl Snapshot {
    /// A snapshot with nothing in it yet.
    pub fn empty(now: Now) -> Self {
        Snapshot {
            now,
            memory: Slot::default(),
            interface: Slot::default(),
            hwmon: Slot::default(),
            process: Slot::default(),
            service: Slot::default(),
        }
    }
}

/// Every section, in reading order.
pub static SECTIONS: &[&dyn AnySection] =
    &[&memory::SECTION, &interface::SECTION, &hwmon::SECTION, &process::SECTION, &service::SECTION];

/// Every family over the snapshot, in reading order.
pub static FAMILIES: &[&dyn Projection<Snapshot>] = &[
    &memory::FAMILY,
    &process::TOTALS,
    &service::TOTALS,
    &interface::FAMILY,
    &hwmon::FAMILY,
    &process::FAMILY,
    &service::FAMILY,
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
    /// Network interfaces.
    pub interface: interface::Config,
    /// Hardware sensors.
    pub hwmon: Schedule,
    /// Processes; by default every 30s, as reading thousands costs.
    pub process: Schedule,
    /// The watched services.
    pub service: Schedule,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            interval: Interval::seconds(10),
            memory: Schedule::default(),
            interface: interface::Config::default(),
            hwmon: Schedule::default(),
            process: Schedule { interval: Some(process::INTERVAL) },
            service: Schedule::default(),
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
