//! Mounted filesystems: space, inodes, and whether they can be written and read.
//!
//! Relies on the mount table and on statvfs(3), which may hang for ever on a dead network mount: each mount is asked on a
//! thread of its own, so that a dead one loses its own numbers and nothing else.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::statvfs::statvfs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use super::mounts::{self, Mount};
use super::{DEADLINE, Error, Family, Root, Section};
use crate::metric::{Index, Interval, Label, Metric, Unit};

/// How often filesystems are looked at, and which are left out. `/` is always kept.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often; absent: as `collect.interval` says.
    pub interval: Option<Interval>,
    /// Types to leave out; `*` stands for any text.
    pub exclude_types: Vec<String>,
    /// Mount points to leave out; `*` stands for any text, slashes too.
    pub exclude_mountpoints: Vec<String>,
}

/// What holds nobody's files, or is full by design.
const PSEUDO_TYPES: &[&str] = &[
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup*",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "overlay",
    "proc",
    "pstore",
    "ramfs",
    "rootfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "sysfs",
    "tmpfs",
    "tracefs",
];

/// Where runtimes keep mounts of their own.
const RUNTIME_MOUNTPOINTS: &[&str] =
    &["/dev/*", "/proc/*", "/run/*", "/sys/*", "/var/lib/containers/*", "/var/lib/docker/*"];

impl Default for Config {
    fn default() -> Self {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        Config { interval: None, exclude_types: owned(PSEUDO_TYPES), exclude_mountpoints: owned(RUNTIME_MOUNTPOINTS) }
    }
}

/// The filesystems of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Filesystems {
    /// Those that the filters let through, by mount point.
    pub rows: Vec<Filesystem>,
    /// How many mounts the filters left out.
    pub hidden: usize,
}

/// One filesystem.
#[derive(Debug, Clone, PartialEq)]
pub struct Filesystem {
    /// Where it is mounted, on the host.
    pub mountpoint: String,
    /// What is mounted: `/dev/sda1`, `server:/export`.
    pub device: String,
    /// The kernel's numbers of that device, `8:1`, or its name where the mount table hasn't them.
    pub device_number: String,
    /// Its type: `ext4`.
    pub fstype: String,
    /// Whether it can't be written to: `ro` among the options of the mount or of the filesystem.
    pub read_only: bool,
    /// Sizes; absent where statvfs(3) failed or didn't answer in time.
    pub space: Option<Space>,
}

/// What statvfs(3) says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What it is given out in, in bytes; f_frsize.
    pub unit: u64,
    /// Its size, in bytes; f_blocks * f_frsize.
    pub size: u64,
    /// Space that holds nothing, in bytes; f_bfree * f_frsize.
    pub free: u64,
    /// Space that users other than root may have, in bytes; f_bavail * f_frsize.
    pub available: u64,
    /// Inodes, f_files, and free ones, f_ffree; absent where the filesystem makes them as needed.
    pub inodes: Option<(u64, u64)>,
}

impl Space {
    /// Space in use, in bytes.
    pub fn used(&self) -> u64 {
        self.size.saturating_sub(self.free)
    }

    /// As df(1) has it: what root keeps in reserve counts as neither used nor available.
    pub fn used_ratio(&self) -> Option<f64> {
        share(self.used(), self.used().saturating_add(self.available))
    }

    /// The share of the inodes in use.
    pub fn inodes_used_ratio(&self) -> Option<f64> {
        self.inodes.and_then(|(all, free)| share(all.saturating_sub(free), all))
    }
}

#[allow(clippy::cast_precision_loss, reason = "a share needs no more than a double's digits")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The section.
pub static SECTION: Section<Filesystems> = Section {
    name: "filesystem",
    interval: |config| config.filesystem.interval,
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        let filters = Filters::new(&setup.config.filesystem);
        let busy = Busy::default();
        Box::new(move |_now| read(&root, &filters, &busy))
    },
    slot: |snapshot| &mut snapshot.filesystem,
    status: |snapshot| &snapshot.filesystem.status,
};

fn read(root: &Root, filters: &Filters, busy: &Busy) -> Result<Filesystems, Error> {
    let (mut rows, hidden) = filters.apply(mounts::read(root)?);
    let spaces = ask_all(root, &rows, busy);
    for (row, space) in rows.iter_mut().zip(spaces) {
        row.space = space;
    }
    Ok(Filesystems { rows, hidden })
}

/// What is left out.
struct Filters {
    types: Vec<WildMatch>,
    mountpoints: Vec<WildMatch>,
}

impl Filters {
    fn new(config: &Config) -> Self {
        let patterns = |texts: &[String]| texts.iter().map(|text| WildMatch::new(text)).collect();
        Filters { types: patterns(&config.exclude_types), mountpoints: patterns(&config.exclude_mountpoints) }
    }

    fn hides(&self, mount: &Mount) -> bool {
        mount.mountpoint != "/"
            && (self.types.iter().any(|pattern| pattern.matches(&mount.fstype))
                || self.mountpoints.iter().any(|pattern| pattern.matches(&mount.mountpoint)))
    }

    /// The filesystems that stay, by mount point, and how many were left out. A filesystem mounted twice stands once,
    /// at its shortest mount point; of mounts over each other the last is what programs see.
    fn apply(&self, mounts: Vec<Mount>) -> (Vec<Filesystem>, usize) {
        let visible: HashMap<String, Mount> =
            mounts.into_iter().map(|mount| (mount.mountpoint.clone(), mount)).collect();
        let all = visible.len();
        let mut kept: Vec<Mount> = visible.into_values().filter(|mount| !self.hides(mount)).collect();
        let hidden = all.saturating_sub(kept.len());
        kept.sort_by(|one, other| {
            let order = |mount: &Mount| (mount.mountpoint.len(), mount.mountpoint.clone());
            order(one).cmp(&order(other))
        });
        let mut seen = HashSet::new();
        let mut rows: Vec<Filesystem> = kept
            .into_iter()
            .filter(|mount| seen.insert(mount.device_number.clone()))
            .map(|mount| Filesystem {
                mountpoint: mount.mountpoint,
                device: mount.device,
                device_number: mount.device_number,
                fstype: mount.fstype,
                read_only: mount.read_only,
                space: None,
            })
            .collect();
        rows.sort_by(|one, other| one.mountpoint.cmp(&other.mountpoint));
        (rows, hidden)
    }
}

/// How long all mounts together are waited for: less than the section's deadline, so that a dead one doesn't make it
/// late.
const PATIENCE: Duration = Duration::from_secs(2);

/// The mounts whose statvfs(3) has not returned: none of them gets another thread.
type Busy = Arc<Mutex<HashSet<String>>>;

/// Asks every mount at once; an answer that is refused or late is `None`.
fn ask_all(root: &Root, rows: &[Filesystem], busy: &Busy) -> Vec<Option<Space>> {
    let (sender, receiver) = mpsc::channel();
    for (place, row) in rows.iter().enumerate() {
        let mountpoint = row.mountpoint.clone();
        if !busy.lock().unwrap_or_else(PoisonError::into_inner).insert(mountpoint.clone()) {
            continue;
        }
        let (sender, asked, path) = (sender.clone(), Arc::clone(busy), root.host_path(&mountpoint));
        let key = mountpoint.clone();
        let spawned = thread::Builder::new().name("statvfs".into()).spawn(move || {
            let space = ask(&path);
            asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            // Nobody listens any more where the answer is late.
            let _ = sender.send((place, space));
        });
        if spawned.is_err() {
            busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&mountpoint);
        }
    }
    drop(sender);
    let mut spaces = vec![None; rows.len()];
    let until = Instant::now() + PATIENCE;
    while let Ok((place, space)) = receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
        if let Some(slot) = spaces.get_mut(place) {
            *slot = space;
        }
    }
    spaces
}

#[allow(clippy::useless_conversion, reason = "these are 32 bits wide on some machines")]
fn ask(path: &Path) -> Option<Space> {
    let answer = statvfs(path).ok()?;
    let unit = u64::from(answer.fragment_size());
    let bytes = |blocks: u64| blocks.saturating_mul(unit);
    let (inodes, inodes_free) = (u64::from(answer.files()), u64::from(answer.files_free()));
    Some(Space {
        unit,
        size: bytes(answer.blocks().into()),
        free: bytes(answer.blocks_free().into()),
        available: bytes(answer.blocks_available().into()),
        inodes: (inodes > 0).then_some((inodes, inodes_free)),
    })
}

/// What leaves the agent.
pub static FAMILY: Family<Filesystem> = Family {
    section: "filesystem",
    subject: "filesystem",
    object: "Fs",
    arc: 22,
    help: "One mounted filesystem.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(filesystems) = snapshot.filesystem.get() {
            filesystems.rows.iter().for_each(visit);
        }
    },
    index: Index::Name {
        key: |row| Cow::Borrowed(&row.mountpoint),
        preferred: |row| (row.mountpoint == "/").then_some(1),
    },
    labels: &[
        Label::identity(2, "mountpoint", "Where it is mounted.", "/proc/1/mountinfo", |row: &Filesystem| {
            Some(Cow::Borrowed(&row.mountpoint))
        }),
        Label::info(3, "device", "What is mounted.", "/proc/1/mountinfo", |row: &Filesystem| {
            Some(Cow::Borrowed(&row.device))
        }),
        Label::info(4, "fstype", "Its type.", "/proc/1/mountinfo", |row: &Filesystem| Some(Cow::Borrowed(&row.fstype))),
    ],
    metrics: &[
        Metric::gauge(5, "size_bytes", Unit::Bytes, "Its size.", "statvfs(3) f_blocks * f_frsize", |row| {
            row.space.map(|space| space.size.into())
        }),
        Metric::gauge(
            6,
            "free_bytes",
            Unit::Bytes,
            "Space that holds nothing, root's reserve included.",
            "statvfs(3) f_bfree * f_frsize",
            |row| row.space.map(|space| space.free.into()),
        ),
        Metric::gauge(
            7,
            "available_bytes",
            Unit::Bytes,
            "Space that users other than root may have.",
            "statvfs(3) f_bavail * f_frsize",
            |row| row.space.map(|space| space.available.into()),
        ),
        Metric::gauge(
            8,
            "used_bytes",
            Unit::Bytes,
            "Space in use.",
            "statvfs(3) (f_blocks - f_bfree) * f_frsize",
            |row| row.space.map(|space| space.used().into()),
        ),
        Metric::gauge(
            9,
            "used_ratio",
            Unit::Ratio,
            "Share of the space in use, without root's reserve.",
            "statvfs(3) used / (used + f_bavail), as df(1)",
            |row| row.space.and_then(|space| space.used_ratio()).map(Into::into),
        ),
        Metric::gauge(
            10,
            "inodes",
            Unit::Count,
            "Inodes; absent where the filesystem makes them as needed.",
            "statvfs(3) f_files",
            |row| row.space.and_then(|space| space.inodes).map(|(all, _)| all.into()),
        ),
        Metric::gauge(11, "inodes_free", Unit::Count, "Free inodes.", "statvfs(3) f_ffree", |row| {
            row.space.and_then(|space| space.inodes).map(|(_, free)| free.into())
        }),
        Metric::gauge(
            12,
            "inodes_used_ratio",
            Unit::Ratio,
            "Share of the inodes in use.",
            "statvfs(3) 1 - f_ffree / f_files",
            |row| row.space.and_then(|space| space.inodes_used_ratio()).map(Into::into),
        ),
        Metric::flag(13, "read_only", "Whether it can't be written to.", "/proc/1/mountinfo ro", |row| {
            Some(row.read_only.into())
        }),
        Metric::flag(14, "readable", "Whether it answered in time when asked for its size.", "statvfs(3)", |row| {
            Some(row.space.is_some().into())
        }),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTINFO: &str = "\
        1 1 0:2 / / rw - rootfs rootfs rw\n\
        22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 ro,errors=remount-ro\n\
        23 22 0:20 / /proc rw,nosuid shared:2 - proc proc rw\n\
        24 22 8:17 / /mnt/a\\040b ro,relatime - xfs /dev/sdb1 rw\n\
        25 22 8:1 /etc /mnt/etc rw master:3 propagate_from:2 - ext4 /dev/sda1 rw\n\
        26 22 0:50 / /run/user/0 rw - fuse.sshfs me@there: rw\n";

    fn rows() -> (Vec<Filesystem>, usize) {
        let mounts = MOUNTINFO.lines().filter_map(|line| mounts::parse_mountinfo(line, true)).collect();
        Filters::new(&Config::default()).apply(mounts)
    }

    #[test]
    fn filters_leave_each_device_once() {
        let (rows, hidden) = rows();
        let found: Vec<_> =
            rows.iter().map(|row| (row.mountpoint.as_str(), row.fstype.as_str(), row.read_only)).collect();
        assert_eq!(found, [("/", "ext4", true), ("/mnt/a b", "xfs", true)]);
        assert_eq!(hidden, 2);
    }

    #[test]
    fn shares_are_as_df_has_them() {
        let space = Space { unit: 1, size: 100, free: 20, available: 15, inodes: None };
        assert_eq!(space.used_ratio(), Some(80.0 / 95.0));
        assert_eq!(Space { unit: 1, size: 0, free: 0, available: 0, inodes: Some((0, 0)) }.inodes_used_ratio(), None);
    }

    #[test]
    fn a_mount_that_has_not_returned_is_not_asked_again() {
        let row = rows().0.remove(0);
        let busy = Busy::default();
        assert!(ask_all(&Root::new("/"), std::slice::from_ref(&row), &busy)[0].is_some());
        busy.lock().expect("no thread panicked").insert("/".into());
        assert_eq!(ask_all(&Root::new("/"), &[row], &busy), [None]);
    }

    #[test]
    fn a_whole_host_has_its_two_filesystems() {
        let found = read(&Root::new("tests/fixtures/root"), &Filters::new(&Config::default()), &Busy::default())
            .expect("a whole host");
        let rows: Vec<_> = found.rows.iter().map(|row| (row.mountpoint.as_str(), row.space.is_some())).collect();
        assert_eq!((rows.as_slice(), found.hidden), ([("/", true), ("/var", true)].as_slice(), 5));
    }
}
