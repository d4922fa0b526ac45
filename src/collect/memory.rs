//! Memory, swap, and how long tasks were held up for want of memory.
//!
//! Relies on procfs' parser of meminfo; not on sysinfo, whose paths can't be moved below another root. Paging comes from
//! /proc/vmstat; its rates are since the collection before, those of the first since boot. Pressure stall information is
//! absent on kernels built without it.

use std::io::Cursor;
use std::time::Duration;

use procfs::{FromBufRead, Meminfo};

use super::{DEADLINE, Error, Family, Root, Section, pressure};
use crate::metric::{Index, Metric, Now, Unit};

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
    /// Pages that went to and came from disks; absent where the kernel was built without counting them.
    pub paging: Option<Paging>,
    /// The same per second since the collection before; absent where no time passed.
    pub paging_rates: Option<PagingRates>,
    /// Times that the kernel ended a process for want of memory; /proc/vmstat oom_kill. Absent before Linux 4.13.
    pub oom_kills: Option<u64>,
    /// Pressure stall information; absent where the kernel has none.
    pub pressure: Option<Pressure>,
}

/// What was paged since boot; /proc/vmstat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paging {
    /// Read from block devices, in KiB; pgpgin.
    pub read: u64,
    /// Written to block devices, in KiB; pgpgout.
    pub written: u64,
    /// Pages read from swap; pswpin.
    pub swapped_in: u64,
    /// Pages written to swap; pswpout.
    pub swapped_out: u64,
}

/// What is paged, in bytes per second.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "named as in Paging")]
pub struct PagingRates {
    pub read: f64,
    pub written: f64,
    pub swapped_in: f64,
    pub swapped_out: f64,
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
        let mut earlier = None;
        Box::new(move |now| read(&root, now, &mut earlier))
    },
    slot: |snapshot| &mut snapshot.memory,
    status: |snapshot| &snapshot.memory.status,
};

/// The collection before: when, and what was paged until then.
type Earlier = Option<(Duration, Paging)>;

fn read(root: &Root, now: Now, earlier: &mut Earlier) -> Result<Memory, Error> {
    let meminfo = root.read("proc/meminfo")?;
    let pressure = root.read("proc/pressure/memory").ok();
    let mut memory =
        parse(&meminfo, pressure.as_deref()).map_err(|reason| Error::malformed(root.path("proc/meminfo"), reason))?;
    let statistics = root.read("proc/vmstat").unwrap_or_default();
    memory.oom_kills = statistic(&statistics, "oom_kill");
    memory.paging = parse_paging(&statistics);
    if let Some(paging) = memory.paging {
        let (passed, before) = match earlier {
            Some((at, before)) => (now.monotonic.saturating_sub(*at).as_secs_f64(), *before),
            None => (super::host::uptime(root).unwrap_or(0.0), Paging::default()),
        };
        memory.paging_rates = (passed > 0.0).then(|| rates(paging, before, passed));
        *earlier = Some((now.monotonic, paging));
    }
    Ok(memory)
}

fn rates(paging: Paging, before: Paging, passed: f64) -> PagingRates {
    let rate = |field: fn(&Paging) -> u64, unit: f64| super::difference(field(&paging), field(&before)) * unit / passed;
    let page = u32::try_from(procfs::page_size()).map_or(4096.0, f64::from);
    PagingRates {
        read: rate(|paging| paging.read, 1024.0),
        written: rate(|paging| paging.written, 1024.0),
        swapped_in: rate(|paging| paging.swapped_in, page),
        swapped_out: rate(|paging| paging.swapped_out, page),
    }
}

fn parse_paging(statistics: &str) -> Option<Paging> {
    let number = |name| statistic(statistics, name);
    Some(Paging {
        read: number("pgpgin")?,
        written: number("pgpgout")?,
        // Kernels without swap don't count it.
        swapped_in: number("pswpin").unwrap_or(0),
        swapped_out: number("pswpout").unwrap_or(0),
    })
}

/// A line `name number`.
fn statistic(statistics: &str, name: &str) -> Option<u64> {
    let lines = statistics.lines().filter_map(|line| line.split_once(' '));
    lines.filter(|(key, _)| *key == name).find_map(|(_, number)| number.trim().parse().ok())
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
        paging: None,
        paging_rates: None,
        oom_kills: None,
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
        Metric::counter(
            15,
            "paged_in_bytes_total",
            Unit::Bytes,
            "Read from block devices.",
            "/proc/vmstat pgpgin * 1024",
            |m| m.paging.map(|paging| paging.read.saturating_mul(1024).into()),
        ),
        Metric::counter(
            16,
            "paged_out_bytes_total",
            Unit::Bytes,
            "Written to block devices.",
            "/proc/vmstat pgpgout * 1024",
            |m| m.paging.map(|paging| paging.written.saturating_mul(1024).into()),
        ),
        Metric::counter(
            17,
            "swapped_in_pages_total",
            Unit::Count,
            "Pages read from swap.",
            "/proc/vmstat pswpin",
            |m| m.paging.map(|paging| paging.swapped_in.into()),
        ),
        Metric::counter(
            18,
            "swapped_out_pages_total",
            Unit::Count,
            "Pages written to swap.",
            "/proc/vmstat pswpout",
            |m| m.paging.map(|paging| paging.swapped_out.into()),
        ),
        Metric::counter(
            19,
            "oom_kills_total",
            Unit::Count,
            "Times that the kernel ended a process for want of memory.",
            "/proc/vmstat oom_kill",
            |m| m.oom_kills.map(Into::into),
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
    fn rates_never_step_back() {
        let paging = parse_paging("pgpgin 30\npgpgout 5\n").expect("both");
        let rates = rates(paging, Paging { read: 10, written: 6, ..Paging::default() }, 10.0);
        assert_eq!((rates.read, rates.written, rates.swapped_in), (2048.0, 0.0, 0.0));
    }

    #[test]
    fn odd_files_are_errors_not_panics() {
        for text in ["", "MemTotal", "MemTotal: x kB", "MemTotal: 99999999999999999999999 kB\n"] {
            assert!(parse(text, None).is_err(), "{text:?}");
        }
        assert_eq!(parse_pressure("some avg10=x"), None);
        assert_eq!((parse_paging("pgpgin 1\npgpgout x"), statistic("a\na -1\na 2", "a")), (None, Some(2)));
    }
}
