//! dskTable: the space of every mounted filesystem. diskIOTable: what is read from and written to disks and partitions.

use super::super::host_resources::{Mounted, mounted};
use super::super::{Facts, Subject};
use crate::collect::Snapshot;
use crate::collect::disk::Activity;
use crate::collect::filesystem::Space;
use crate::mib::Value;
use crate::mib::conventions::{counter32, integer, kilobytes, percent};
use crate::mib::index::Index;
use crate::mib::table::{Column, Rows, Table};

/// dskTable. dskIndex is hrFSIndex.
pub static SPACE: Table<Mounts> = Table {
    entry: &[1, 3, 6, 1, 4, 1, 2021, 9, 1],
    sections: &["filesystem"],
    rows: |facts| mounted(facts),
    index: |mount| Index::new().number(mount.index),
    columns: &[
        Column { number: 1, name: "dskIndex", value: |mount| Some(integer(mount.index)) },
        Column { number: 2, name: "dskPath", value: |mount| Some(Value::text(&mount.row.mountpoint)) },
        Column { number: 3, name: "dskDevice", value: |mount| Some(Value::text(&mount.row.device)) },
        // No limits, in Net-SNMP's words.
        Column { number: 4, name: "dskMinimum", value: |_| Some(Value::Integer(-1)) },
        Column { number: 5, name: "dskMinPercent", value: |_| Some(Value::Integer(-1)) },
        Column { number: 6, name: "dskTotal", value: |mount| space(mount).map(|space| kilobytes(space.size)) },
        Column { number: 7, name: "dskAvail", value: |mount| space(mount).map(|space| kilobytes(space.available)) },
        Column { number: 8, name: "dskUsed", value: |mount| space(mount).map(|space| kilobytes(space.used())) },
        // As df(1) has it: what root keeps in reserve counts as neither used nor available.
        Column { number: 9, name: "dskPercent", value: |mount| space(mount)?.used_ratio().map(percent) },
        Column { number: 10, name: "dskPercentNode", value: |mount| space(mount)?.inodes_used_ratio().map(percent) },
        Column { number: 11, name: "dskTotalLow", value: |mount| space(mount).map(|space| low(space.size)) },
        Column { number: 12, name: "dskTotalHigh", value: |mount| space(mount).map(|space| high(space.size)) },
        Column { number: 13, name: "dskAvailLow", value: |mount| space(mount).map(|space| low(space.available)) },
        Column { number: 14, name: "dskAvailHigh", value: |mount| space(mount).map(|space| high(space.available)) },
        Column { number: 15, name: "dskUsedLow", value: |mount| space(mount).map(|space| low(space.used())) },
        Column { number: 16, name: "dskUsedHigh", value: |mount| space(mount).map(|space| high(space.used())) },
        Column { number: 100, name: "dskErrorFlag", value: |_| Some(Value::Integer(0)) },
        Column { number: 101, name: "dskErrorMsg", value: |_| Some(Value::text("")) },
    ],
};

/// The rows of dskTable.
pub struct Mounts;

impl Rows for Mounts {
    type Source = Facts;
    type Row<'a> = Mounted<'a>;
}

fn space(mount: &Mounted<'_>) -> Option<Space> {
    mount.row.space
}

/// The lower half of so many KB.
fn low(bytes: u64) -> Value {
    Value::Gauge32(u32::try_from((bytes / 1024) & u64::from(u32::MAX)).unwrap_or(0))
}

/// The upper half of so many KB.
fn high(bytes: u64) -> Value {
    Value::Gauge32(u32::try_from((bytes / 1024) >> 32).unwrap_or(0))
}

/// diskIOIndex, by the kernel's name.
pub static BLOCK_DEVICES: Subject = Subject {
    name: "block_device",
    sections: &["disk"],
    names: |snapshot| block_devices(snapshot).into_iter().map(|device| (device.name.to_string(), None)).collect(),
};

/// A disk or a partition.
struct BlockDevice<'a> {
    name: &'a str,
    activity: Activity,
    load: Option<[f64; 3]>,
}

/// Each disk, then its partitions.
fn block_devices(snapshot: &Snapshot) -> Vec<BlockDevice<'_>> {
    let mut devices = Vec::new();
    for disk in snapshot.disk.get().into_iter().flatten() {
        devices.push(BlockDevice { name: &disk.device, activity: disk.activity, load: disk.load });
        let parts = disk.partitions.iter();
        devices.extend(parts.map(|part| BlockDevice { name: &part.device, activity: part.activity, load: part.load }));
    }
    devices
}

/// diskIOTable.
pub static ACTIVITY: Table<Devices> = Table {
    entry: &[1, 3, 6, 1, 4, 1, 2021, 13, 15, 1, 1],
    sections: &["disk"],
    rows: |facts| {
        let devices = facts.snapshot.as_deref().map(block_devices).unwrap_or_default();
        let number = |name| facts.number(&BLOCK_DEVICES, name);
        devices.into_iter().filter_map(|device| Some(Numbered { index: number(device.name)?, device })).collect()
    },
    index: |row| Index::new().number(row.index),
    columns: &[
        Column { number: 1, name: "diskIOIndex", value: |row| Some(integer(row.index)) },
        Column { number: 2, name: "diskIODevice", value: |row| Some(Value::text(row.device.name)) },
        Column { number: 3, name: "diskIONRead", value: |row| Some(counter32(row.device.activity.read_bytes)) },
        Column { number: 4, name: "diskIONWritten", value: |row| Some(counter32(row.device.activity.written_bytes)) },
        Column { number: 5, name: "diskIOReads", value: |row| Some(counter32(row.device.activity.reads)) },
        Column { number: 6, name: "diskIOWrites", value: |row| Some(counter32(row.device.activity.writes)) },
        Column { number: 9, name: "diskIOLA1", value: |row| row.device.load.map(|[load, _, _]| percent(load)) },
        Column { number: 10, name: "diskIOLA5", value: |row| row.device.load.map(|[_, load, _]| percent(load)) },
        Column { number: 11, name: "diskIOLA15", value: |row| row.device.load.map(|[_, _, load]| percent(load)) },
        Column {
            number: 12,
            name: "diskIONReadX",
            value: |row| Some(Value::Counter64(row.device.activity.read_bytes)),
        },
        Column {
            number: 13,
            name: "diskIONWrittenX",
            value: |row| Some(Value::Counter64(row.device.activity.written_bytes)),
        },
        Column {
            number: 14,
            name: "diskIOBusyTime",
            value: |row| u64::try_from(row.device.activity.io_time.as_micros()).ok().map(Value::Counter64),
        },
    ],
};

/// A disk or partition and its number.
pub struct Numbered<'a> {
    index: u32,
    device: BlockDevice<'a>,
}

/// The rows of diskIOTable.
pub struct Devices;

impl Rows for Devices {
    type Source = Facts;
    type Row<'a> = Numbered<'a>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_of_kilobytes() {
        let bytes = (5 << 42) + (7 << 10) + 1;
        assert_eq!((low(bytes), high(bytes)), (Value::Gauge32(7), Value::Gauge32(5)));
    }
}
