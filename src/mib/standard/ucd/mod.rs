//! UCD-SNMP-MIB and UCD-DISKIO-MIB: what Net-SNMP's managers ask a Linux host for. Their texts are Net-SNMP's own.
//!
//! Deviation: what tells of limits that snmpd.conf sets (dskMinimum, laConfig) has none: alarms are raised by rules, and are
//! in VITALS-MIB. fileTable and logMatch are snmpd's own watches, and mrTable is its inside: these are left out. extTable
//! has no rows.

mod disk;
mod load;
mod memory;
mod process;
mod system;
mod version;

pub use disk::BLOCK_DEVICES;
pub use process::SERVICES;

use super::Facts;
use crate::mib::table::Module;

/// UCD-SNMP-MIB.
pub static MODULE: Module<Facts> = Module {
    name: "UCD-SNMP-MIB",
    identity: &[1, 3, 6, 1, 4, 1, 2021],
    sentence: "Memory, load, disks and processors as Net-SNMP's agent shows them.",
    groups: &[memory::MEMORY, system::STATISTICS, version::VERSION, version::ERRORS],
    tables: &[&process::WATCHED, &process::COMMANDS, &disk::SPACE, &load::LOAD],
};

/// UCD-DISKIO-MIB.
pub static DISK_MODULE: Module<Facts> = Module {
    name: "UCD-DISKIO-MIB",
    identity: &[1, 3, 6, 1, 4, 1, 2021, 13, 15],
    sentence: "What is read from and written to disks and partitions.",
    groups: &[],
    tables: &[&disk::ACTIVITY],
};
