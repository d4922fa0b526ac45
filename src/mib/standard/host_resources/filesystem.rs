//! hrFSTable, and the numbers that mounted filesystems have in it, in hrStorageTable and in dskTable.

use super::super::{Facts, Subject};
use super::{LONG, kind};
use crate::collect::filesystem::Filesystem;
use crate::mib::Value;
use crate::mib::conventions::{integer, no_date, short_text, truth};
use crate::mib::index::Index;
use crate::mib::table::{Column, Rows, Table};

/// hrFSIndex and dskIndex, by mount point; hrStorageIndex is 30 higher. The filesystems' family has the same.
pub static FILESYSTEMS: Subject = Subject {
    name: "filesystem",
    sections: &["filesystem"],
    names: |snapshot| {
        let rows = snapshot.filesystem.get().into_iter().flat_map(|filesystems| &filesystems.rows);
        rows.map(|row| (row.mountpoint.clone(), (row.mountpoint == "/").then_some(1))).collect()
    },
};

/// Below it are the numbers of memory in hrStorageTable.
const FIRST_STORAGE: u32 = 30;

/// A mounted filesystem and its number.
#[derive(Clone, Copy)]
pub struct Mounted<'a> {
    /// hrFSIndex.
    pub index: u32,
    /// The filesystem.
    pub row: &'a Filesystem,
}

/// Every filesystem that has a number.
pub fn mounted(facts: &Facts) -> Vec<Mounted<'_>> {
    let rows =
        facts.section(|snapshot| snapshot.filesystem.get()).into_iter().flat_map(|filesystems| &filesystems.rows);
    rows.filter_map(|row| Some(Mounted { index: facts.number(&FILESYSTEMS, &row.mountpoint)?, row })).collect()
}

impl Mounted<'_> {
    /// hrStorageIndex.
    pub fn storage_index(&self) -> u32 {
        self.index.saturating_add(FIRST_STORAGE)
    }

    /// The last arc of its hrStorageType.
    pub fn storage_kind(&self) -> u32 {
        const FIXED_DISK: u32 = 4;
        const COMPACT_DISC: u32 = 7;
        const RAM_DISK: u32 = 8;
        const NETWORK_DISK: u32 = 10;
        match self.row.fstype.as_str() {
            "tmpfs" | "ramfs" => RAM_DISK,
            "iso9660" | "udf" => COMPACT_DISC,
            _ if self.is_remote() => NETWORK_DISK,
            _ => FIXED_DISK,
        }
    }

    /// Whether another host has the files.
    fn is_remote(&self) -> bool {
        const REMOTE: &[&str] =
            &["nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "9p", "ncpfs", "fuse.sshfs", "fuse.glusterfs"];
        REMOTE.contains(&self.row.fstype.as_str())
    }

    /// The last arc of its hrFSType.
    fn filesystem_kind(&self) -> u32 {
        match self.row.fstype.as_str() {
            "ufs" => 3,
            "sysv" => 4,
            "msdos" => 5,
            "hpfs" => 6,
            "hfs" | "hfsplus" => 7,
            "ntfs" | "ntfs3" | "fuseblk" => 9,
            "iso9660" => 12,
            "nfs" | "nfs4" => 14,
            "ncpfs" => 15,
            "afs" => 16,
            "bfs" => 21,
            "vfat" => 22,
            "ext2" | "ext3" | "ext4" => 23,
            _ => 1,
        }
    }
}

/// hrFSTable.
pub static FILE_SYSTEM: Table<Mounts> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 25, 3, 8, 1],
    sections: &["filesystem"],
    rows: |facts| mounted(facts),
    index: |mount| Index::new().number(mount.index),
    columns: &[
        Column { number: 1, name: "hrFSIndex", value: |mount| Some(integer(mount.index)) },
        Column { number: 2, name: "hrFSMountPoint", value: |mount| Some(short_text(&mount.row.mountpoint, LONG)) },
        Column {
            number: 3,
            name: "hrFSRemoteMountPoint",
            value: |mount| Some(short_text(if mount.is_remote() { &mount.row.device } else { "" }, LONG)),
        },
        Column { number: 4, name: "hrFSType", value: |mount| Some(kind([3, 9], mount.filesystem_kind())) },
        Column {
            number: 5,
            name: "hrFSAccess",
            value: |mount| Some(Value::Integer(if mount.row.read_only { 2 } else { 1 })),
        },
        // The kernel doesn't say what the firmware could start from: it is said of what this system started from.
        Column { number: 6, name: "hrFSBootable", value: |mount| Some(truth(mount.row.mountpoint == "/")) },
        Column { number: 7, name: "hrFSStorageIndex", value: |mount| Some(integer(mount.storage_index())) },
        // Nobody tells the kernel of a backup.
        Column { number: 8, name: "hrFSLastFullBackupDate", value: |_| Some(no_date()) },
        Column { number: 9, name: "hrFSLastPartialBackupDate", value: |_| Some(no_date()) },
    ],
};

/// The rows of hrFSTable.
pub struct Mounts;

impl Rows for Mounts {
    type Source = Facts;
    type Row<'a> = Mounted<'a>;
}
