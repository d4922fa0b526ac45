//! hrSWRun, hrSWRunPerf and hrSWInstalled: processes by their numbers, and packages in the order of their names.

use jiff::Timestamp;

use super::super::Facts;
use super::{LONG, SHORT, unknown_product};
use crate::collect::package::{Package, Packages};
use crate::collect::process::{Process, State};
use crate::mib::Value;
use crate::mib::conventions::{date_and_time, integer, kilobytes, no_date, short_text, time_ticks};
use crate::mib::index::Index;
use crate::mib::table::{Column, Group, Reading, Rows, Scalar, Table};

const RUNNING_SECTIONS: &[&str] = &["process"];

/// hrSWOSIndex.
pub const RUNNING_SYSTEM: Group<Facts> = Group {
    oid: &[1, 3, 6, 1, 2, 1, 25, 4],
    sections: RUNNING_SECTIONS,
    scalars: &[Scalar {
        number: 1,
        name: "hrSWOSIndex",
        // The kernel's first thread; where a container hides it, the process that all others come from.
        value: Reading::Fixed(|facts| {
            let rows = processes(facts);
            let system = rows.iter().find(|process| process.kernel).or_else(|| rows.first())?;
            Some(integer(system.pid))
        }),
    }],
};

/// InternationalDisplayString of at most 64 or 128 octets, hrSWRunIndex being the process's number.
pub static RUNNING: Table<Running> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 25, 4, 2, 1],
    sections: RUNNING_SECTIONS,
    rows: processes,
    index: |process| Index::new().number(process.pid),
    columns: &[
        Column { number: 1, name: "hrSWRunIndex", value: |process| Some(integer(process.pid)) },
        Column { number: 2, name: "hrSWRunName", value: |process| Some(short_text(&process.name, SHORT)) },
        Column { number: 3, name: "hrSWRunID", value: |_| Some(unknown_product()) },
        Column {
            number: 4,
            name: "hrSWRunPath",
            value: |process| Some(short_text(process.program().unwrap_or_default(), LONG)),
        },
        Column {
            number: 5,
            name: "hrSWRunParameters",
            value: |process| Some(short_text(process.parameters().unwrap_or_default(), LONG)),
        },
        // operatingSystem(2), application(4).
        Column {
            number: 6,
            name: "hrSWRunType",
            value: |process| Some(Value::Integer(if process.kernel { 2 } else { 4 })),
        },
        Column { number: 7, name: "hrSWRunStatus", value: |process| Some(Value::Integer(status(process.state))) },
    ],
};

/// running(1), runnable(2), notRunnable(3), invalid(4).
///
/// Deviation: what sleeps waits for an event and should be notRunnable(3). Net-SNMP has said runnable(2) for decades, and
/// checks count what is 1 or 2 as alive.
fn status(state: State) -> i32 {
    match state {
        State::Running => 1,
        State::Sleeping | State::Uninterruptible | State::Idle => 2,
        State::Stopped | State::Other => 3,
        State::Zombie => 4,
    }
}

/// hrSWRunPerfTable.
pub static PERFORMANCE: Table<Running> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 25, 5, 1, 1],
    sections: RUNNING_SECTIONS,
    rows: processes,
    index: |process| Index::new().number(process.pid),
    columns: &[
        Column { number: 1, name: "hrSWRunPerfCPU", value: |process| Some(hundredths(process)) },
        Column { number: 2, name: "hrSWRunPerfMem", value: |process| Some(kilobytes(process.resident)) },
    ],
};

/// An Integer32 that only rises: it wraps at 2^31, as a saturated one would stand still for ever after 248 days.
fn hundredths(process: &Process) -> Value {
    let span = std::time::Duration::try_from_secs_f64(process.cpu_seconds()).unwrap_or_default();
    // A tick is some hundredths: half of one more keeps the fraction from losing it.
    let hundredths = (span.as_millis() + 5) / 10;
    Value::Integer(i32::try_from(hundredths & u128::from(i32::MAX.unsigned_abs())).unwrap_or(0))
}

/// The rows of hrSWRunTable and hrSWRunPerfTable.
pub struct Running;

impl Rows for Running {
    type Source = Facts;
    type Row<'a> = &'a Process;
}

fn processes(facts: &Facts) -> Vec<&Process> {
    let processes = facts.section(|snapshot| snapshot.process.get());
    processes.into_iter().flat_map(|processes| &processes.rows).collect()
}

/// When packages came and went, and when that was looked for.
pub const CHANGES: Group<Facts> = Group {
    oid: &[1, 3, 6, 1, 2, 1, 25, 6],
    sections: &["package"],
    scalars: &[
        Scalar {
            number: 1,
            name: "hrSWInstalledLastChange",
            value: Reading::Fixed(|facts| packages(facts).map(|packages| time_ticks(packages.changed))),
        },
        Scalar {
            number: 2,
            name: "hrSWInstalledLastUpdateTime",
            value: Reading::Fixed(|facts| packages(facts).map(|packages| time_ticks(packages.read))),
        },
    ],
};

fn packages(facts: &Facts) -> Option<&Packages> {
    facts.section(|snapshot| snapshot.package.get())?.as_ref()
}

/// hrSWInstalledTable. Its text wants the numbers from 1 on without gaps: they are places, not kept.
pub static INSTALLED: Table<Installed> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 25, 6, 3, 1],
    sections: &["package", "host"],
    rows: |facts| {
        let zone = facts.section(|snapshot| snapshot.host.get()).map_or(0, |host| host.zone);
        let rows = packages(facts).into_iter().flat_map(|packages| packages.rows.iter());
        (1..).zip(rows).map(|(place, package)| Placed { place, package, zone }).collect()
    },
    index: |placed| Index::new().number(placed.place),
    columns: &[
        Column { number: 1, name: "hrSWInstalledIndex", value: |placed| Some(integer(placed.place)) },
        Column {
            number: 2,
            name: "hrSWInstalledName",
            value: |placed| {
                let Package { name, version, architecture, .. } = placed.package;
                Some(short_text(&format!("{name}_{version}_{architecture}"), SHORT))
            },
        },
        Column { number: 3, name: "hrSWInstalledID", value: |_| Some(unknown_product()) },
        Column { number: 4, name: "hrSWInstalledType", value: |_| Some(Value::Integer(APPLICATION)) },
        Column { number: 5, name: "hrSWInstalledDate", value: |placed| Some(installed(placed)) },
    ],
};

/// hrSWInstalledType application(4): dpkg doesn't tell the system from what runs on it.
const APPLICATION: i32 = 4;

fn installed(placed: &Placed<'_>) -> Value {
    let moment = placed.package.installed.and_then(|seconds| Timestamp::from_second(i64::try_from(seconds).ok()?).ok());
    moment.map_or_else(no_date, |moment| date_and_time(moment, placed.zone))
}

/// A package, its place from 1, and the host's time zone.
pub struct Placed<'a> {
    place: u32,
    package: &'a Package,
    zone: i32,
}

/// The rows of hrSWInstalledTable.
pub struct Installed;

impl Rows for Installed {
    type Source = Facts;
    type Row<'a> = Placed<'a>;
}
