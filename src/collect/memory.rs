//! Memory, swap, and how long tasks were held up for want of memory.
//!
//! Relies on procfs' parser of meminfo; not on sysinfo, whose paths can't be moved below another root. Pressure stall
//! information is absent on kernels built without it.

use std::io::Cursor;

use procfs::{FromBufRead, Meminfo};

use super::{DEADLINE, Error, Family, Root, Section, pressure};
use crate::metric::{Index, Metric, Unit};

/// Memory at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    /// Usable RAM, in bytes; `/proc/meminfo` MemTotal.
    pub total: u64,
    /// RAM that new work could have without swapping, in bytes; MemAvailable, or MemFree + Buffers + Cached where the
    /// kernel is older than 3.14.
    pub available: u64,
    /// RAM that holds nothing, in bytes; MemFree.
    pub free: u64,
    /// Block device buffers, in bytes; Buffers.
    pub buffers: u64,
    /// Page cache, in bytes; Cached.
    pub cached: u64,
    /// Shared memory and tmpfs, in bytes; Shmem. Absent before 2.6.32.
    pub shared: Option<u64>,
    /// Kernel structures that can be dropped, in bytes; SReclaimable.
    pub reclaimable: Option<u64>,
    /// Swap space, in bytes; SwapTotal.
    pub swap_total: u64,
    /// Unused swap space, in bytes; SwapFree.
    pub swap_free: u64,
    /// Pressure stall information; absent where the kernel has none.
    pub pressure: Option<Pressure>,
}

/// Time that tasks spent waiting, in seconds since boot, and the share of the last minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pressure {
    /// Some task waited.
    pub some_seconds: f64,
    /// All tasks waited.
    pub full_seconds: f64,
    /// The share of the last 60 s in which some task waited, 0 to 1.
    pub some_ratio: f64,
}

/// The section.
pub static SECTION: Section<Memory> = Section {
    name: "memory",
    interval: |config| config.memory.interval,
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        Box::new(move |_now| read(&root))
    },
    slot: |snapshot| &mut snapshot.memory,
    status: |snapshot| &snapshot.memory.status,
};

/// Reads it below `root`.
pub fn read(root: &Root) -> Result<Memory, Error> {
    let meminfo = root.read("proc/meminfo")?;
    let pressure = root.read("proc/pressure/memory").ok();
    parse(&meminfo, pressure.as_deref()).map_err(|reason| Error::malformed(root.path("proc/meminfo"), reason))
}

fn parse(meminfo: &str, pressure: Option<&str>) -> Result<Memory, String> {
    let info = Meminfo::from_buf_read(Cursor::new(meminfo)).map_err(|error| error.to_string())?;
    let available =
        info.mem_available.unwrap_or(info.mem_free.saturating_add(info.buffers).saturating_add(info.cached));
    Ok(Memory {
        total: info.mem_total,
        available: available.min(info.mem_total),
        free: info.mem_free,
        buffers: info.buffers,
        cached: info.cached,
        shared: info.shmem,
        reclaimable: info.s_reclaimable,
        swap_total: info.swap_total,
        swap_free: info.swap_free,
        pressure: pressure.and_then(parse_pressure),
    })
}

fn parse_pressure(text: &str) -> Option<Pressure> {
    let some = pressure::Line::parse(text, "some")?;
    let full = pressure::Line::parse(text, "full")?;
    Some(Pressure { some_seconds: some.total_seconds, full_seconds: full.total_seconds, some_ratio: some.last_minute })
}

/// The share of `total` that is not `free`; `None` where there is nothing to have a share of.
#[allow(clippy::cast_precision_loss, reason = "a share needs no more than a double's digits")]
fn used_ratio(total: u64, free: u64) -> Option<f64> {
    (total > 0).then(|| total.saturating_sub(free) as f64 / total as f64)
}

/// What leaves the agent.
pub static FAMILY: Family<Memory> = Family {
    section: "memory",
    subject: "memory",
    object: "Memory",
    arc: 12,
    help: "The host's memory and swap.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(memory) = snapshot.memory.get() {
            visit(memory);
        }
    },
    index: Index::Scalar,
    labels: &[],
    metrics: &[
        Metric::gauge(1, "total_bytes", Unit::Bytes, "Usable RAM.", "/proc/meminfo MemTotal", |m| Some(m.total.into())),
        Metric::gauge(
            2,
            "available_bytes",
            Unit::Bytes,
            "RAM that new work could have without swapping.",
            "/proc/meminfo MemAvailable",
            |m| Some(m.available.into()),
        ),
        Metric::gauge(3, "free_bytes", Unit::Bytes, "RAM that holds nothing.", "/proc/meminfo MemFree", |m| {
            Some(m.free.into())
        }),
        Metric::gauge(4, "buffers_bytes", Unit::Bytes, "Block device buffers.", "/proc/meminfo Buffers", |m| {
            Some(m.buffers.into())
        }),
        Metric::gauge(5, "cached_bytes", Unit::Bytes, "Page cache.", "/proc/meminfo Cached", |m| Some(m.cached.into())),
        Metric::gauge(6, "shared_bytes", Unit::Bytes, "Shared memory and tmpfs.", "/proc/meminfo Shmem", |m| {
            m.shared.map(Into::into)
        }),
        Metric::gauge(
            7,
            "reclaimable_bytes",
            Unit::Bytes,
            "Kernel structures that can be dropped.",
            "/proc/meminfo SReclaimable",
            |m| m.reclaimable.map(Into::into),
        ),
        Metric::gauge(
            8,
            "used_ratio",
            Unit::Ratio,
            "Share of RAM that is not available to new work.",
            "/proc/meminfo 1 - MemAvailable / MemTotal",
            |m| used_ratio(m.total, m.available).map(Into::into),
        ),
        Metric::gauge(9, "swap_total_bytes", Unit::Bytes, "Swap space.", "/proc/meminfo SwapTotal", |m| {
            Some(m.swap_total.into())
        }),
        Metric::gauge(10, "swap_free_bytes", Unit::Bytes, "Unused swap space.", "/proc/meminfo SwapFree", |m| {
            Some(m.swap_free.into())
        }),
        Metric::gauge(
            11,
            "swap_used_ratio",
            Unit::Ratio,
            "Share of the swap space in use; absent without swap.",
            "/proc/meminfo 1 - SwapFree / SwapTotal",
            |m| used_ratio(m.swap_total, m.swap_free).map(Into::into),
        ),
        Metric::counter(
            12,
            "stalled_seconds_total",
            Unit::Seconds,
            "Time in which some (or all) tasks waited for memory.",
            "/proc/pressure/memory total",
            |m: &Memory| m.pressure.map(|pressure| pressure.some_seconds.into()),
        )
        .variant("tasks", "some"),
        Metric::counter(
            13,
            "stalled_seconds_total",
            Unit::Seconds,
            "Time in which some (or all) tasks waited for memory.",
            "/proc/pressure/memory total",
            |m: &Memory| m.pressure.map(|pressure| pressure.full_seconds.into()),
        )
        .variant("tasks", "full"),
        Metric::gauge(
            14,
            "stalled_ratio",
            Unit::Ratio,
            "Share of the last minute in which some task waited for memory.",
            "/proc/pressure/memory some avg60",
            |m: &Memory| m.pressure.map(|pressure| pressure.some_ratio.into()),
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nBuffers: 10 kB\nCached: 200 kB\n\
        SwapCached: 0 kB\nActive: 1 kB\nInactive: 1 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nDirty: 0 kB\nWriteback: 0 kB\n\
        Mapped: 0 kB\nSlab: 0 kB\nCommitted_AS: 0 kB\nVmallocTotal: 0 kB\nVmallocUsed: 0 kB\nVmallocChunk: 0 kB\n";

    #[test]
    fn shares_are_of_what_there_is() {
        let memory = parse(MEMINFO, None).expect("a whole meminfo");
        assert_eq!(used_ratio(memory.total, memory.available), Some(0.6));
        assert_eq!(used_ratio(memory.swap_total, memory.swap_free), None);
        assert_eq!(memory.pressure, None);
    }

    #[test]
    fn odd_files_are_errors_not_panics() {
        for text in ["", "MemTotal", "MemTotal: x kB", "MemTotal: 99999999999999999999999 kB\n"] {
            assert!(parse(text, None).is_err(), "{text:?}");
        }
        assert_eq!(parse_pressure("some avg10=x"), None);
    }
}
