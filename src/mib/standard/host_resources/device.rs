//! hrDeviceTable and what augments it: processors, network interfaces, disks and their partitions.

use super::super::{Facts, Named, Subject, if_mib};
use super::{LONG, SHORT, filesystem, kind, unknown_product};
use crate::collect::Snapshot;
use crate::collect::cpu::Core;
use crate::collect::disk::Disk;
use crate::collect::interface::Interface;
use crate::collect::partition::Partition;
use crate::mib::Value;
use crate::mib::conventions::{counter32, integer, kilobytes, percent, short_text, truth};
use crate::mib::index::Index;
use crate::mib::table::{Column, Rows, Table};

/// hrDeviceIndex. A device that is new gets a number as Net-SNMP would give: its kind in the upper half.
pub static DEVICES: Subject = Subject { name: "device", sections: DEVICE_SECTIONS, names: device_names };

const DEVICE_SECTIONS: &[&str] = &["cpu", "interface", "disk"];

const PROCESSORS: u32 = 3 << 16;
const NETWORKS: u32 = 4 << 16;
const DISKS: u32 = 6 << 16;

fn device_names(snapshot: &Snapshot) -> Vec<Named> {
    let kernel = kernel_devices(snapshot);
    let disks = kernel.iter().filter(|device| matches!(device, Kernel::Disk(_)));
    let disk_numbers: Vec<String> = disks.map(|device| device.name()).collect();
    let wish = |device: &Kernel<'_>| match device {
        Kernel::Processor(core) => PROCESSORS.checked_add(core.number),
        Kernel::Network(interface) => interface.index.and_then(|index| NETWORKS.checked_add(index)),
        Kernel::Disk(_) => {
            let place = disk_numbers.iter().position(|name| *name == device.name());
            place.and_then(|place| DISKS.checked_add(u32::try_from(place).ok()?))
        }
    };
    kernel.iter().map(|device| (device.name(), wish(device))).collect()
}

/// What the kernel has of a device.
#[derive(Clone, Copy)]
pub enum Kernel<'a> {
    /// A processor.
    Processor(&'a Core),
    /// A network interface.
    Network(&'a Interface),
    /// A disk.
    Disk(&'a Disk),
}

fn kernel_devices(snapshot: &Snapshot) -> Vec<Kernel<'_>> {
    let cores = snapshot.cpu.get().into_iter().flat_map(|cpu| &cpu.cores).map(Kernel::Processor);
    let interfaces = snapshot.interface.get().into_iter().flat_map(|interfaces| &interfaces.rows).map(Kernel::Network);
    let disks = snapshot.disk.get().into_iter().flatten().map(Kernel::Disk);
    cores.chain(interfaces).chain(disks).collect()
}

impl Kernel<'_> {
    /// What its number is remembered by.
    fn name(&self) -> String {
        match self {
            Kernel::Processor(core) => format!("processor {}", core.number),
            Kernel::Network(interface) => format!("network {}", interface.name),
            Kernel::Disk(disk) => format!("disk {}", disk.device),
        }
    }

    /// The last arc of its hrDeviceType.
    fn kind(&self) -> u32 {
        match self {
            Kernel::Processor(_) => 3,
            Kernel::Network(_) => 4,
            Kernel::Disk(_) => 6,
        }
    }

    fn description(&self) -> String {
        match self {
            Kernel::Processor(core) => match core.model.as_deref() {
                Some(model) => model.to_string(),
                None => format!("processor {}", core.number),
            },
            Kernel::Network(interface) => format!("network interface {}", interface.name),
            Kernel::Disk(disk) => {
                let told = [disk.model.as_deref(), disk.serial.as_deref()].into_iter().flatten();
                told.fold(format!("/dev/{}", disk.device), |text, part| text + " " + part)
            }
        }
    }

    /// hrDeviceStatus: unknown(1), running(2), down(5).
    fn status(&self) -> i32 {
        match self {
            Kernel::Processor(_) | Kernel::Disk(_) => 2,
            Kernel::Network(interface) => interface.up().map_or(1, |up| if up { 2 } else { 5 }),
        }
    }

    fn errors(&self) -> Option<u64> {
        match self {
            Kernel::Processor(_) => None,
            Kernel::Network(interface) => Some(interface.receive.errors.saturating_add(interface.transmit.errors)),
            Kernel::Disk(disk) => disk.errors,
        }
    }
}

/// A device and its number.
#[derive(Clone, Copy)]
pub struct Device<'a> {
    index: u32,
    kernel: Kernel<'a>,
}

fn devices(facts: &Facts) -> Vec<Device<'_>> {
    let kernel = facts.snapshot.as_deref().map(kernel_devices).unwrap_or_default();
    kernel
        .into_iter()
        .filter_map(|kernel| Some(Device { index: facts.number(&DEVICES, &kernel.name())?, kernel }))
        .collect()
}

/// The disk of the filesystem that the system was started from.
pub fn load_device(facts: &Facts) -> Option<u32> {
    let mounts = filesystem::mounted(facts);
    let at = |mountpoint: &str| mounts.iter().find(|mount| mount.row.mountpoint == mountpoint);
    let number = &at("/boot").or_else(|| at("/"))?.row.device_number;
    let holds = |device: &Device<'_>| match device.kernel {
        Kernel::Disk(disk) => disk.number == *number || disk.partitions.iter().any(|part| part.number == *number),
        _ => false,
    };
    devices(facts).iter().find(|device| holds(device)).map(|device| device.index)
}

/// hrDeviceTable.
pub static DEVICE: Table<Devices> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 25, 3, 2, 1],
    sections: DEVICE_SECTIONS,
    rows: |facts| devices(facts),
    index: |device| Index::new().number(device.index),
    columns: &[
        Column { number: 1, name: "hrDeviceIndex", value: |device| Some(integer(device.index)) },
        Column { number: 2, name: "hrDeviceType", value: |device| Some(kind([3, 1], device.kernel.kind())) },
        Column {
            number: 3,
            name: "hrDeviceDescr",
            value: |device| Some(short_text(&device.kernel.description(), SHORT)),
        },
        Column { number: 4, name: "hrDeviceID", value: |_| Some(unknown_product()) },
        Column { number: 5, name: "hrDeviceStatus", value: |device| Some(Value::Integer(device.kernel.status())) },
        Column { number: 6, name: "hrDeviceErrors", value: |device| device.kernel.errors().map(counter32) },
    ],
};

/// The rows of hrDeviceTable.
pub struct Devices;

impl Rows for Devices {
    type Source = Facts;
    type Row<'a> = Device<'a>;
}

/// hrProcessorTable.
pub static PROCESSOR: Table<Processors> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 25, 3, 3, 1],
    sections: DEVICE_SECTIONS,
    rows: |facts| {
        let cores = devices(facts).into_iter().filter_map(|device| match device.kernel {
            Kernel::Processor(core) => Some((device.index, core)),
            _ => None,
        });
        cores.collect()
    },
    index: |(index, _)| Index::new().number(*index),
    columns: &[
        // There is no register of firmware; managers count processors by this column.
        Column { number: 1, name: "hrProcessorFrwID", value: |_| Some(unknown_product()) },
        Column {
            number: 2,
            name: "hrProcessorLoad",
            value: |(_, core)| core.minute.map(|minute| percent(minute.used())),
        },
    ],
};

/// The rows of hrProcessorTable.
pub struct Processors;

impl Rows for Processors {
    type Source = Facts;
    type Row<'a> = (u32, &'a Core);
}

/// hrNetworkTable.
pub static NETWORK: Table<Networks> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 25, 3, 4, 1],
    sections: DEVICE_SECTIONS,
    rows: |facts| {
        let number = |device: Device<'_>| match device.kernel {
            Kernel::Network(interface) => Some((device.index, facts.number(&if_mib::INTERFACES, &interface.name)?)),
            _ => None,
        };
        devices(facts).into_iter().filter_map(number).collect()
    },
    index: |(index, _)| Index::new().number(*index),
    columns: &[Column { number: 1, name: "hrNetworkIfIndex", value: |(_, number)| Some(integer(*number)) }],
};

/// The rows of hrNetworkTable: hrDeviceIndex and ifIndex.
pub struct Networks;

impl Rows for Networks {
    type Source = Facts;
    type Row<'a> = (u32, u32);
}

fn disks(facts: &Facts) -> impl Iterator<Item = (u32, &Disk)> {
    devices(facts).into_iter().filter_map(|device| match device.kernel {
        Kernel::Disk(disk) => Some((device.index, disk)),
        _ => None,
    })
}

/// hrDiskStorageTable.
pub static DISK_STORAGE: Table<Disks> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 25, 3, 6, 1],
    sections: DEVICE_SECTIONS,
    rows: |facts| disks(facts).collect(),
    index: |(index, _)| Index::new().number(*index),
    columns: &[
        Column {
            number: 1,
            name: "hrDiskStorageAccess",
            value: |(_, disk)| disk.read_only.map(|read_only| Value::Integer(if read_only { 2 } else { 1 })),
        },
        Column { number: 2, name: "hrDiskStorageMedia", value: |(_, disk)| Some(Value::Integer(medium(&disk.device))) },
        Column { number: 3, name: "hrDiskStorageRemoveble", value: |(_, disk)| disk.removable.map(truth) },
        Column { number: 4, name: "hrDiskStorageCapacity", value: |(_, disk)| disk.size.map(kilobytes) },
    ],
};

/// hrDiskStorageMedia: other(1) for what is made of other disks, hardDisk(3), floppyDisk(4).
fn medium(device: &str) -> i32 {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| device.starts_with(prefix));
    if begins(&["dm-", "md", "drbd", "nbd", "rbd", "bcache"]) {
        1
    } else if begins(&["fd"]) {
        4
    } else {
        3
    }
}

/// The rows of hrDiskStorageTable.
pub struct Disks;

impl Rows for Disks {
    type Source = Facts;
    type Row<'a> = (u32, &'a Disk);
}

/// hrPartitionTable.
pub static PARTITION: Table<Partitions> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 25, 3, 7, 1],
    sections: &["cpu", "interface", "disk", "filesystem"],
    rows: |facts| {
        let mounts = filesystem::mounted(facts);
        let mounted = |partition: &Partition| mounts.iter().find(|mount| mount.row.device_number == partition.number);
        let part = |disk, partition| Part { disk, partition, mount: mounted(partition).map(|mount| mount.index) };
        disks(facts)
            .flat_map(|(index, disk)| disk.partitions.iter().map(move |partition| (index, partition)))
            .map(|(disk, partition)| part(disk, partition))
            .collect()
    },
    index: |part| Index::new().number(part.disk).number(part.partition.place),
    columns: &[
        Column { number: 1, name: "hrPartitionIndex", value: |part| Some(integer(part.partition.place)) },
        Column {
            number: 2,
            name: "hrPartitionLabel",
            value: |part| {
                let named = || format!("/dev/{}", part.partition.device);
                Some(short_text(&part.partition.label.clone().unwrap_or_else(named), LONG))
            },
        },
        Column { number: 3, name: "hrPartitionID", value: |part| Some(Value::text(&part.partition.number)) },
        Column { number: 4, name: "hrPartitionSize", value: |part| part.partition.size.map(kilobytes) },
        Column { number: 5, name: "hrPartitionFSIndex", value: |part| Some(integer(part.mount.unwrap_or(0))) },
    ],
};

/// The rows of hrPartitionTable.
pub struct Partitions;

impl Rows for Partitions {
    type Source = Facts;
    type Row<'a> = Part<'a>;
}

/// A partition, the number of its disk, and that of what is mounted from it.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    disk: u32,
    partition: &'a Partition,
    mount: Option<u32>,
}
