//! Whole disks: what is read and written, how long that takes, and how busy they are.
//!
//! Relies on /proc/diskstats. Devices that live in memory or in a file are left out: what is read from them is read from
//! a disk too, or from none. Partitions stand with their disk. A drive without a medium has no row.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use super::partition::{self, Partition};
use super::{DEADLINE, Error, Family, Root, Section};
use crate::metric::{Index, Label, Metric, Now, Unit};

/// One disk at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Disk {
    /// The kernel's name of it: `sda`.
    pub device: String,
    /// The kernel's numbers of it: `8:0`.
    pub number: String,
    /// What its maker calls it; device/model.
    pub model: Option<String>,
    /// Its serial number; device/serial, or serial of a virtual disk.
    pub serial: Option<String>,
    /// Its size, in bytes; size * 512.
    pub size: Option<u64>,
    /// Whether it can't be written to; ro.
    pub read_only: Option<bool>,
    /// Whether its medium can be taken out; removable.
    pub removable: Option<bool>,
    /// Whether it turns; queue/rotational.
    pub rotational: Option<bool>,
    /// Requests that failed; device/ioerr_cnt. Only SCSI and SATA disks count them.
    pub errors: Option<u64>,
    /// Its partitions, in the kernel's order.
    pub partitions: Vec<Partition>,
    /// Reads and writes since it came.
    pub activity: Activity,
    /// The share of the time since the sample before in which it had work, 0 to 1; absent at first.
    pub used_ratio: Option<f64>,
    /// Means of that share over 1, 5 and 15 minutes, each weighing less the longer it is ago; at first, of all time since
    /// the host started.
    pub load: Option<[f64; 3]>,
}

/// What a disk did since it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// Reads that ended; field 1 of the kernel's Documentation/admin-guide/iostats.rst.
    pub reads: u64,
    /// Bytes read; field 3 * 512.
    pub read_bytes: u64,
    /// Time of all reads together; field 4.
    pub read_time: Duration,
    /// Writes that ended; field 5.
    pub writes: u64,
    /// Bytes written; field 7 * 512.
    pub written_bytes: u64,
    /// Time of all writes together; field 8.
    pub write_time: Duration,
    /// Reads and writes under way; field 9.
    pub now: u64,
    /// Time in which there was work; field 10.
    pub io_time: Duration,
}

/// The section.
pub static SECTION: Section<Vec<Disk>> = Section {
    name: "disk",
    interval: |config| config.disk.interval,
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        let mut earlier = Earlier::default();
        Box::new(move |now| read(&root, now, &mut earlier))
    },
    slot: |snapshot| &mut snapshot.disk,
    status: |snapshot| &snapshot.disk.status,
};

/// The sample before: when, and of each disk and partition its time with work and its loads.
#[derive(Default)]
struct Earlier {
    at: Duration,
    devices: HashMap<String, (Duration, Option<[f64; 3]>)>,
}

fn read(root: &Root, now: Now, earlier: &mut Earlier) -> Result<Vec<Disk>, Error> {
    let (mut disks, mut partitions) = (Vec::new(), Vec::new());
    for line in root.read("proc/diskstats")?.lines().filter_map(parse) {
        match partition::describe(root, &line) {
            Some(partition) => partitions.push(partition),
            None => disks.extend(describe(root, line)),
        }
    }
    compare(&mut disks, &mut partitions, now.monotonic, super::host::uptime(root), earlier);
    partition::assign(partitions, &mut disks);
    Ok(disks)
}

/// Fills in the shares, and keeps this sample for the next time.
fn compare(
    disks: &mut [Disk],
    partitions: &mut [Partition],
    now: Duration,
    uptime: Option<f64>,
    earlier: &mut Earlier,
) {
    let passed = now.saturating_sub(earlier.at).as_secs_f64();
    let mut devices = HashMap::new();
    let mut share = |device: &str, activity: &Activity| {
        let (before, load) = earlier.devices.get(device).copied().unzip();
        // The kernel's milliseconds wrap at 32 bits: then there is no share, once.
        let busy = before.and_then(|before| activity.io_time.checked_sub(before));
        let share = busy.filter(|_| passed > 0.0).map(|busy| (busy.as_secs_f64() / passed).clamp(0.0, 1.0));
        let since_start = uptime.filter(|uptime| *uptime > 0.0).map(|uptime| activity.io_time.as_secs_f64() / uptime);
        let load = load.flatten().or(since_start.map(|share| [share.min(1.0); 3]));
        let load = share.map(|share| mean(load, share, passed)).or(load);
        devices.insert(device.to_string(), (activity.io_time, load));
        (share, load)
    };
    for disk in disks {
        (disk.used_ratio, disk.load) = share(&disk.device, &disk.activity);
    }
    for partition in partitions {
        (_, partition.load) = share(&partition.device, &partition.activity);
    }
    *earlier = Earlier { at: now, devices };
}

/// The means with a share that held for `passed` seconds, as the kernel does it for the load average.
fn mean(before: Option<[f64; 3]>, share: f64, passed: f64) -> [f64; 3] {
    let before = before.unwrap_or([share; 3]);
    let mut means = before;
    for (mean, minutes) in means.iter_mut().zip([1.0, 5.0, 15.0]) {
        let kept = (-passed / (60.0 * minutes)).exp();
        *mean = *mean * kept + share * (1.0 - kept);
    }
    means
}

/// Devices whose contents are in memory, in a file, or on a disc that comes and goes.
const UNREAL: &[&str] = &["loop", "ram", "zram", "sr"];

/// The kernel's unit in these files, whatever the disk's own.
pub(super) const SECTOR_BYTES: u64 = 512;

/// A line of /proc/diskstats.
#[derive(Debug, PartialEq)]
pub(super) struct Line<'a> {
    /// The kernel's numbers: major and minor.
    pub(super) number: (u32, u32),
    /// The kernel's name.
    pub(super) device: &'a str,
    /// What was done since it came.
    pub(super) activity: Activity,
}

impl Line<'_> {
    /// Where sysfs describes it: a name such as `cciss/c0d0` can't be a file's, and has an exclamation mark there.
    pub(super) fn directory(&self) -> String {
        format!("sys/class/block/{}", self.device.replace('/', "!"))
    }

    /// As mount tables have it: `8:0`.
    pub(super) fn number_text(&self) -> String {
        format!("{}:{}", self.number.0, self.number.1)
    }
}

/// One line of /proc/diskstats: `8 0 sda` and at least eleven numbers.
fn parse(line: &str) -> Option<Line<'_>> {
    let mut words = line.split_ascii_whitespace();
    let number = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let device = words.next()?;
    let unreal = |prefix: &&str| {
        device.strip_prefix(*prefix).is_some_and(|rest| rest.bytes().all(|character| character.is_ascii_digit()))
    };
    if UNREAL.iter().any(unreal) {
        return None;
    }
    let mut fields = [0; 11];
    for field in &mut fields {
        *field = words.next()?.parse::<u64>().ok()?;
    }
    let [reads, _, read, read_time, writes, _, written, write_time, now, io_time, _] = fields;
    let activity = Activity {
        reads,
        read_bytes: read.saturating_mul(SECTOR_BYTES),
        read_time: Duration::from_millis(read_time),
        writes,
        written_bytes: written.saturating_mul(SECTOR_BYTES),
        write_time: Duration::from_millis(write_time),
        now,
        io_time: Duration::from_millis(io_time),
    };
    Some(Line { number, device, activity })
}

/// What sysfs says of a disk; `None` for a drive without a medium.
fn describe(root: &Root, line: Line<'_>) -> Option<Disk> {
    let directory = line.directory();
    let size = root.read_number::<u64>(format!("{directory}/size")).map(|sectors| sectors.saturating_mul(SECTOR_BYTES));
    if size == Some(0) {
        return None;
    }
    let text = |file: &str| root.read_trimmed(format!("{directory}/{file}"));
    let flag = |file: &str| text(file).map(|text| text != "0");
    Some(Disk {
        device: line.device.to_string(),
        number: line.number_text(),
        model: text("device/model"),
        serial: text("device/serial").or_else(|| text("serial")),
        size,
        read_only: flag("ro"),
        removable: flag("removable"),
        rotational: flag("queue/rotational"),
        errors: text("device/ioerr_cnt").and_then(|text| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok()),
        partitions: Vec::new(),
        activity: line.activity,
        used_ratio: None,
        load: None,
    })
}

/// What leaves the agent.
pub static FAMILY: Family<Disk> = Family {
    section: "disk",
    subject: "disk",
    object: "Disk",
    arc: 23,
    help: "One whole disk.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(disks) = snapshot.disk.get() {
            disks.iter().for_each(visit);
        }
    },
    index: Index::Name { key: |disk| Cow::Borrowed(&disk.device), preferred: |_| None },
    labels: &[
        Label::identity(2, "device", "The kernel's name of it.", "/proc/diskstats", |disk: &Disk| {
            Some(Cow::Borrowed(&disk.device))
        }),
        Label::info(3, "model", "What its maker calls it.", "/sys/class/block/*/device/model", |disk: &Disk| {
            disk.model.as_deref().map(Cow::Borrowed)
        }),
        Label::info(4, "serial", "Its serial number.", "/sys/class/block/*/device/serial", |disk: &Disk| {
            disk.serial.as_deref().map(Cow::Borrowed)
        }),
    ],
    metrics: &[
        Metric::counter(5, "read_bytes_total", Unit::Bytes, "Bytes read.", "/proc/diskstats field 3 * 512", |disk| {
            Some(disk.activity.read_bytes.into())
        }),
        Metric::counter(
            6,
            "written_bytes_total",
            Unit::Bytes,
            "Bytes written.",
            "/proc/diskstats field 7 * 512",
            |disk| Some(disk.activity.written_bytes.into()),
        ),
        Metric::counter(
            7,
            "reads_completed_total",
            Unit::Count,
            "Reads that ended.",
            "/proc/diskstats field 1",
            |disk| Some(disk.activity.reads.into()),
        ),
        Metric::counter(
            8,
            "writes_completed_total",
            Unit::Count,
            "Writes that ended.",
            "/proc/diskstats field 5",
            |disk| Some(disk.activity.writes.into()),
        ),
        Metric::counter(
            9,
            "read_time_seconds_total",
            Unit::Seconds,
            "Time of all reads together.",
            "/proc/diskstats field 4",
            |disk| Some(disk.activity.read_time.as_secs_f64().into()),
        ),
        Metric::counter(
            10,
            "write_time_seconds_total",
            Unit::Seconds,
            "Time of all writes together.",
            "/proc/diskstats field 8",
            |disk| Some(disk.activity.write_time.as_secs_f64().into()),
        ),
        Metric::counter(
            11,
            "io_time_seconds_total",
            Unit::Seconds,
            "Time in which there was work.",
            "/proc/diskstats field 10",
            |disk| Some(disk.activity.io_time.as_secs_f64().into()),
        ),
        Metric::gauge(12, "io_now", Unit::Count, "Reads and writes under way.", "/proc/diskstats field 9", |disk| {
            Some(disk.activity.now.into())
        }),
        Metric::gauge(
            13,
            "used_ratio",
            Unit::Ratio,
            "Share of the time since the last collection in which there was work.",
            "/proc/diskstats field 10",
            |disk| disk.used_ratio.map(Into::into),
        ),
        Metric::gauge(14, "size_bytes", Unit::Bytes, "Its size.", "/sys/class/block/*/size * 512", |disk| {
            disk.size.map(Into::into)
        }),
        Metric::flag(15, "read_only", "Whether it can't be written to.", "/sys/class/block/*/ro", |disk| {
            disk.read_only.map(Into::into)
        }),
        Metric::flag(16, "removable", "Whether its medium can be taken out.", "/sys/class/block/*/removable", |disk| {
            disk.removable.map(Into::into)
        }),
        Metric::flag(17, "rotational", "Whether it turns.", "/sys/class/block/*/queue/rotational", |disk| {
            disk.rotational.map(Into::into)
        }),
        Metric::counter(
            18,
            "errors_total",
            Unit::Count,
            "Requests that failed; only SCSI and SATA disks count them.",
            "/sys/class/block/*/device/ioerr_cnt",
            |disk| disk.errors.map(Into::into),
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    const SDA: &str = "   8       0 sda 10 1 200 30 40 2 500 60 7 8000 90 0 0 0 0 0 0";

    #[test]
    fn fields_are_those_of_the_kernel() {
        let Line { number, device, activity } = parse(SDA).expect("a whole line");
        assert_eq!(number, (8, 0));
        assert_eq!((device, activity.reads, activity.writes, activity.now), ("sda", 10, 40, 7));
        assert_eq!((activity.read_bytes, activity.written_bytes), (102_400, 256_000));
        assert_eq!(activity.io_time, Duration::from_secs(8));
    }

    #[test]
    fn shares_need_a_sample_before() {
        let disk = |io_time| {
            let mut line = parse(SDA).expect("a whole line");
            line.activity.io_time = Duration::from_secs(io_time);
            describe(&Root::new("/nonexistent"), line).expect("a medium")
        };
        let mut earlier = Earlier::default();
        let mut share = |now, io_time| {
            let mut disks = [disk(io_time)];
            compare(&mut disks, &mut [], Duration::from_secs(now), None, &mut earlier);
            disks[0].used_ratio
        };
        assert_eq!([share(10, 8), share(20, 13), share(30, 2), share(30, 3)], [None, Some(0.5), None, None]);
    }

    #[test]
    fn loads_weigh_the_past_less_and_less() {
        let first = mean(None, 1.0, 10.0);
        assert_eq!(first, [1.0; 3]);
        let [one, five, fifteen] = mean(Some(first), 0.0, 60.0);
        assert!((one - 0.3679).abs() < 1e-4 && one < five && five < fifteen, "{one} {five} {fifteen}");
    }

    #[test]
    fn odd_lines_and_unreal_devices_are_passed_over() {
        let unreal = SDA.replace("sda", "loop0");
        for line in ["", "8 1 sda1 1 2 3 4", "8 0 sda a b c d e f g h i j k", &unreal] {
            assert_eq!(parse(line), None, "{line:?}");
        }
        assert!(parse(&SDA.replace("sda", "sram")).is_some());
        assert!(parse(&SDA.replace(" 200 ", " 18446744073709551615 ")).is_some());
    }

    #[test]
    fn a_whole_host_has_its_two_disks() {
        let now = Now { wall: jiff::Timestamp::UNIX_EPOCH, monotonic: Duration::ZERO };
        let disks = read(&Root::new("tests/fixtures/root"), now, &mut Earlier::default()).expect("a whole host");
        let found: Vec<_> = disks.iter().map(|disk| (disk.device.as_str(), disk.serial.as_deref())).collect();
        assert_eq!(found, [("sda", None), ("nvme0n1", Some("21513C800123"))]);
        assert_eq!((disks[0].size, disks[0].rotational, disks[0].errors), (Some(256_060_514_304), Some(true), Some(2)));
        let partitions: Vec<_> = disks.iter().flat_map(|disk| &disk.partitions).collect();
        let found: Vec<_> =
            partitions.iter().map(|row| (row.device.as_str(), row.place, row.number.as_str())).collect();
        assert_eq!(found, [("sda1", 1, "8:1"), ("sda2", 2, "8:2"), ("nvme0n1p1", 1, "259:1")]);
        assert_eq!((partitions[0].label.as_deref(), partitions[2].label.as_deref()), (Some("EFI System"), None));
    }
}
