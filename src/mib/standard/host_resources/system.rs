//! The hrSystem group: the host's age, date, start, users and processes.

use std::time::Duration;

use super::super::Facts;
use super::{LONG, device};
use crate::mib::conventions::{date_and_time, gauge32, integer, integer64, short_text, time_ticks};
use crate::mib::table::{Group, Reading, Scalar};

const SYSTEM: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 1];

/// What goes on by itself: the section of ages is new each second.
pub const CLOCKS: Group<Facts> = Group {
    oid: SYSTEM,
    sections: &["host", "section"],
    scalars: &[
        Scalar { number: 1, name: "hrSystemUptime", value: Reading::Fixed(|facts| uptime(facts).map(time_ticks)) },
        Scalar {
            number: 2,
            name: "hrSystemDate",
            value: Reading::Fixed(|facts| {
                let host = facts.section(|snapshot| snapshot.host.get())?;
                Some(date_and_time(facts.snapshot.as_ref()?.now.wall, host.zone))
            }),
        },
    ],
};

/// The uptime was read some time ago.
fn uptime(facts: &Facts) -> Option<Duration> {
    let snapshot = facts.snapshot.as_deref()?;
    let read = Duration::try_from_secs_f64(snapshot.host.get()?.uptime?).ok()?;
    let since = snapshot.now.monotonic.saturating_sub(snapshot.host.status.collected?.monotonic);
    read.checked_add(since)
}

/// Where the system came from.
pub const INITIAL_LOAD: Group<Facts> = Group {
    oid: SYSTEM,
    sections: &["host", "cpu", "interface", "disk", "filesystem"],
    scalars: &[
        // What the firmware loaded is not to be seen any more: this is the disk of /boot, or else of /.
        Scalar {
            number: 3,
            name: "hrSystemInitialLoadDevice",
            value: Reading::Fixed(|facts| device::load_device(facts).map(integer)),
        },
        Scalar {
            number: 4,
            name: "hrSystemInitialLoadParameters",
            value: Reading::Fixed(|facts| {
                let host = facts.section(|snapshot| snapshot.host.get())?;
                host.boot_parameters.as_deref().map(|parameters| short_text(parameters, LONG))
            }),
        },
    ],
};

/// Who is there.
pub const USERS: Group<Facts> = Group {
    oid: SYSTEM,
    sections: &["host"],
    scalars: &[Scalar {
        number: 5,
        name: "hrSystemNumUsers",
        value: Reading::Fixed(|facts| facts.section(|snapshot| snapshot.host.get())?.sessions.map(gauge32)),
    }],
};

/// What runs.
pub const PROCESSES: Group<Facts> = Group {
    oid: SYSTEM,
    sections: &["process"],
    scalars: &[
        Scalar {
            number: 6,
            name: "hrSystemProcesses",
            value: Reading::Fixed(|facts| {
                let processes = facts.section(|snapshot| snapshot.process.get())?;
                Some(gauge32(u64::try_from(processes.rows.len()).unwrap_or(u64::MAX)))
            }),
        },
        // Zero would say that there is no fixed maximum. There is one: when the numbers are used up, fork(2) fails.
        Scalar {
            number: 7,
            name: "hrSystemMaxProcesses",
            value: Reading::Fixed(|facts| facts.section(|snapshot| snapshot.process.get())?.max.map(integer64)),
        },
    ],
};
