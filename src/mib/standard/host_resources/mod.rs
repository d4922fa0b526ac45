//! HOST-RESOURCES-MIB (RFC 2790): the host, its storage, its devices, and the software that runs on it and is installed.
//!
//! Deviation: hrPrinterTable is left out: what is printed is known to a spooler, not to the kernel.

mod device;
mod filesystem;
mod software;
mod storage;
mod system;

pub use device::DEVICES;
pub use filesystem::{FILESYSTEMS, Mounted, mounted};

use super::Facts;
use crate::mib::table::Module;
use crate::mib::{Oid, Value};

/// HOST-RESOURCES-MIB.
pub static MODULE: Module<Facts> = Module {
    name: "HOST-RESOURCES-MIB",
    identity: &[1, 3, 6, 1, 2, 1, 25, 7, 1],
    sentence: "This MIB is for use in managing host systems (RFC 2790).",
    groups: &[
        system::CLOCKS,
        system::INITIAL_LOAD,
        system::USERS,
        system::PROCESSES,
        storage::MEMORY_SIZE,
        software::RUNNING_SYSTEM,
        software::CHANGES,
    ],
    tables: &[
        &storage::STORAGE,
        &device::DEVICE,
        &device::PROCESSOR,
        &device::NETWORK,
        &device::DISK_STORAGE,
        &device::PARTITION,
        &filesystem::FILE_SYSTEM,
        &software::RUNNING,
        &software::PERFORMANCE,
        &software::INSTALLED,
    ],
};

/// An object of HOST-RESOURCES-TYPES: a kind of storage (2, 1), device (3, 1) or file system (3, 9).
fn kind(registry: [u32; 2], number: u32) -> Value {
    Value::ObjectId(Oid::from_static(&[1, 3, 6, 1, 2, 1, 25]).child(&registry).child(&[number]))
}

/// ProductID of what has none.
fn unknown_product() -> Value {
    Value::ObjectId(Oid::from_static(&[0, 0]))
}

/// The longest InternationalDisplayString of most objects, in octets.
const LONG: usize = 128;

/// The longest description of a device and name of software, in octets.
const SHORT: usize = 64;
