//! hrMemorySize and hrStorageTable: memory under the names and numbers that managers know, then every mounted
//! filesystem.

use super::super::Facts;
use super::{filesystem, kind};
use crate::collect::memory::Memory;
use crate::mib::Value;
use crate::mib::conventions::{counter32, integer, integer64, kilobytes};
use crate::mib::index::Index;
use crate::mib::table::{Column, Group, Reading, Rows, Scalar, Table};

/// hrMemorySize.
pub const MEMORY_SIZE: Group<Facts> = Group {
    oid: &[1, 3, 6, 1, 2, 1, 25, 2],
    sections: &["memory"],
    scalars: &[Scalar {
        number: 2,
        name: "hrMemorySize",
        value: Reading::Fixed(|facts| Some(kilobytes(facts.section(|snapshot| snapshot.memory.get())?.total))),
    }],
};

/// hrStorageTable.
pub static STORAGE: Table<Areas> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 25, 2, 3, 1],
    sections: &["memory", "filesystem"],
    rows: |facts| {
        let memory = facts.section(|snapshot| snapshot.memory.get()).into_iter().flat_map(memory_areas);
        memory.chain(filesystem_areas(facts)).collect()
    },
    index: |area| Index::new().number(area.index),
    columns: &[
        Column { number: 1, name: "hrStorageIndex", value: |area| Some(integer(area.index)) },
        Column { number: 2, name: "hrStorageType", value: |area| Some(kind([2, 1], area.kind)) },
        Column { number: 3, name: "hrStorageDescr", value: |area| Some(Value::text(area.description)) },
        Column {
            number: 4,
            name: "hrStorageAllocationUnits",
            value: |area| area.extent.as_ref().map(|extent| integer64(extent.unit)),
        },
        Column {
            number: 5,
            name: "hrStorageSize",
            value: |area| area.extent.as_ref().map(|extent| integer64(extent.size)),
        },
        Column {
            number: 6,
            name: "hrStorageUsed",
            value: |area| area.extent.as_ref().map(|extent| integer64(extent.used)),
        },
        Column { number: 7, name: "hrStorageAllocationFailures", value: |area| area.failures.map(counter32) },
    ],
};

/// The rows of hrStorageTable.
pub struct Areas;

impl Rows for Areas {
    type Source = Facts;
    type Row<'a> = Area<'a>;
}

/// One area of storage.
pub struct Area<'a> {
    index: u32,
    /// The last arc of its hrStorageType.
    kind: u32,
    description: &'a str,
    /// Absent where a filesystem doesn't answer.
    extent: Option<Extent>,
    /// Requests that failed, where the kernel counts them.
    failures: Option<u64>,
}

/// How large, in units of so many bytes.
#[derive(Debug, PartialEq)]
struct Extent {
    unit: u64,
    size: u64,
    used: u64,
}

impl Extent {
    /// The unit is doubled until the size fits in an Integer32.
    fn new(unit: u64, size: u64, used: u64) -> Extent {
        let (fits, mut unit) = (u64::from(i32::MAX.unsigned_abs()), unit.max(1));
        while size / unit > fits && unit <= fits / 2 {
            unit *= 2;
        }
        Extent { unit, size: size / unit, used: used.min(size) / unit }
    }
}

const OTHER: u32 = 1;
const RAM: u32 = 2;
const VIRTUAL_MEMORY: u32 = 3;

/// The numbers and descriptions are Net-SNMP's, by which templates know them.
fn memory_areas(memory: &Memory) -> Vec<Area<'_>> {
    let used = memory.total.saturating_sub(memory.free);
    let swap_used = memory.swap_total.saturating_sub(memory.swap_free);
    let cached = memory.cached.saturating_add(memory.reclaimable.unwrap_or(0));
    let area = |index, kind, description, size, used| Area {
        index,
        kind,
        description,
        extent: Some(Extent::new(1024, size, used)),
        failures: None,
    };
    let physical = Area { failures: memory.oom_kills, ..area(1, RAM, "Physical memory", memory.total, used) };
    let all = memory.total.saturating_add(memory.swap_total);
    let mut areas = vec![
        physical,
        area(3, VIRTUAL_MEMORY, "Virtual memory", all, used.saturating_add(swap_used)),
        area(6, OTHER, "Memory buffers", memory.total, memory.buffers),
        area(7, OTHER, "Cached memory", cached, cached),
        area(10, VIRTUAL_MEMORY, "Swap space", memory.swap_total, swap_used),
    ];
    areas.extend(memory.shared.map(|shared| area(8, OTHER, "Shared memory", shared, shared)));
    areas
}

fn filesystem_areas(facts: &Facts) -> impl Iterator<Item = Area<'_>> {
    filesystem::mounted(facts).into_iter().map(|mount| Area {
        index: mount.storage_index(),
        kind: mount.storage_kind(),
        description: &mount.row.mountpoint,
        extent: mount.row.space.map(|space| Extent::new(space.unit, space.size, space.used())),
        failures: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_grows_with_the_size() {
        let check = |unit, size, used, expected: (u64, u64, u64)| {
            let extent = Extent::new(unit, size, used);
            assert_eq!((extent.unit, extent.size, extent.used), expected);
        };
        check(4096, 1 << 40, 1 << 39, (4096, 1 << 28, 1 << 27));
        check(1024, 1 << 41, 1 << 40, (1024 << 1, 1 << 30, 1 << 29));
        check(4096, 100 << 40, 1 << 40, (1 << 16, 100 << 24, 1 << 24));
        check(0, 5, 9, (1, 5, 5));
        check(512, u64::MAX, 0, (1 << 30, u64::MAX >> 30, 0));
    }
}
