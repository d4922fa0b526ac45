//! Partitions of disks: their sizes, and what is read from and written to them.
//!
//! Collected with their disks, by [`super::disk`]. What is read from a partition is counted of its disk too: sums over
//! both count twice.

use std::borrow::Cow;

use super::disk::{Activity, Disk, Line, SECTOR_BYTES};
use super::{Family, Root};
use crate::metric::{Index, Label, Metric, Unit};

/// One partition at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Partition {
    /// The kernel's name of it: `sda1`.
    pub device: String,
    /// The kernel's numbers of it, as mount tables have it: `8:1`.
    pub number: String,
    /// Its number on its disk, from 1; partition.
    pub place: u32,
    /// What the partition table calls it; uevent PARTNAME.
    pub label: Option<String>,
    /// Its size, in bytes; size * 512.
    pub size: Option<u64>,
    /// Reads and writes since it came.
    pub activity: Activity,
    /// As [`Disk::load`].
    pub load: Option<[f64; 3]>,
}

/// What sysfs says of a partition; `None` where the line isn't one's.
pub(super) fn describe(root: &Root, line: &Line<'_>) -> Option<Partition> {
    let directory = line.directory();
    let place = root.read_number(format!("{directory}/partition"))?;
    let described = root.read(format!("{directory}/uevent")).unwrap_or_default();
    let label = described.lines().find_map(|line| line.strip_prefix("PARTNAME=")).filter(|label| !label.is_empty());
    Some(Partition {
        device: line.device.to_string(),
        number: line.number_text(),
        place,
        label: label.map(ToString::to_string),
        size: root.read_number::<u64>(format!("{directory}/size")).map(|sectors| sectors.saturating_mul(SECTOR_BYTES)),
        activity: line.activity,
        load: None,
    })
}

/// Gives each partition to the disk after which the kernel named it: `sda`, or `nvme0n1` and a `p`.
pub(super) fn assign(partitions: Vec<Partition>, disks: &mut [Disk]) {
    for partition in partitions {
        let is_part = |disk: &&mut Disk| {
            let rest = partition.device.strip_prefix(&disk.device);
            rest.is_some_and(|rest| rest.strip_prefix('p').unwrap_or(rest).parse() == Ok(partition.place))
        };
        if let Some(disk) = disks.iter_mut().find(is_part) {
            disk.partitions.push(partition);
        }
    }
}

/// What leaves the agent.
pub static FAMILY: Family<Partition> = Family {
    section: "disk",
    subject: "partition",
    object: "Part",
    arc: 38,
    help: "One partition of a disk; what is read and written is counted of its disk too.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(disks) = snapshot.disk.get() {
            disks.iter().flat_map(|disk| &disk.partitions).for_each(visit);
        }
    },
    index: Index::Name { key: |row| Cow::Borrowed(&row.device), preferred: |_| None },
    labels: &[
        Label::identity(2, "device", "The kernel's name of it.", "/proc/diskstats", |row: &Partition| {
            Some(Cow::Borrowed(&row.device))
        }),
        Label::info(3, "label", "What the partition table calls it.", "/sys/class/block/*/uevent PARTNAME", |row| {
            row.label.as_deref().map(Cow::Borrowed)
        }),
    ],
    metrics: &[
        Metric::gauge(4, "size_bytes", Unit::Bytes, "Its size.", "/sys/class/block/*/size * 512", |row| {
            row.size.map(Into::into)
        }),
        Metric::counter(5, "read_bytes_total", Unit::Bytes, "Bytes read.", "/proc/diskstats field 3 * 512", |row| {
            Some(row.activity.read_bytes.into())
        }),
        Metric::counter(
            6,
            "written_bytes_total",
            Unit::Bytes,
            "Bytes written.",
            "/proc/diskstats field 7 * 512",
            |row| Some(row.activity.written_bytes.into()),
        ),
        Metric::counter(
            7,
            "reads_completed_total",
            Unit::Count,
            "Reads that ended.",
            "/proc/diskstats field 1",
            |row| Some(row.activity.reads.into()),
        ),
        Metric::counter(
            8,
            "writes_completed_total",
            Unit::Count,
            "Writes that ended.",
            "/proc/diskstats field 5",
            |row| Some(row.activity.writes.into()),
        ),
        Metric::counter(
            9,
            "io_time_seconds_total",
            Unit::Seconds,
            "Time in which there was work.",
            "/proc/diskstats field 10",
            |row| Some(row.activity.io_time.as_secs_f64().into()),
        ),
    ],
};
