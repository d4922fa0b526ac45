//! The host itself: its name, system and age, who is logged in, and how many files are open.
//!
//! Relies on sysinfo for what uname(2) says of this machine; where the root is a view of another machine, on the same
//! facts in its /proc. What the host doesn't say is absent.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use jiff::tz::TimeZone;
use sysinfo::System;

use super::{DEADLINE, Error, Family, Root, Section};
use crate::metric::{Index, Label, Metric, Now, Unit};

/// The host at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// Its name.
    pub name: Option<String>,
    /// Its identifier; /etc/machine-id.
    pub machine_id: Option<String>,
    /// The operating system as people know it: `Debian GNU/Linux 13 (trixie)`; os-release PRETTY_NAME.
    pub os: Option<String>,
    /// The operating system as programs know it: `debian`; os-release ID.
    pub os_id: Option<String>,
    /// The operating system's version: `13`; os-release VERSION_ID.
    pub os_version: Option<String>,
    /// The kernel's release: `6.12.0-1-amd64`.
    pub kernel: Option<String>,
    /// The processor's architecture: `x86_64`. Absent where the host is another machine whose kernel is older
    /// than 6.1.
    pub architecture: Option<String>,
    /// When it started, in seconds since 1970; /proc/stat btime.
    pub boot: u64,
    /// Time since it started, in seconds; /proc/uptime.
    pub uptime: Option<f64>,
    /// East of Greenwich, in seconds, by its own time zone at this moment; /etc/localtime, UTC without.
    pub zone: i32,
    /// What the kernel was started with; /proc/cmdline.
    pub boot_parameters: Option<String>,
    /// Sessions of users; the files of /run/systemd/sessions whose class begins with `user`. Absent where
    /// systemd-logind keeps none.
    pub sessions: Option<u64>,
    /// Users with a session; the files of /run/systemd/users. Absent where systemd-logind keeps none.
    pub users: Option<u64>,
    /// Open file descriptors, and the most that may be; /proc/sys/fs/file-nr.
    pub descriptors: Option<(u64, u64)>,
}

/// The section.
pub static SECTION: Section<Host> = Section {
    name: "host",
    interval: |config| config.host.interval,
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        Box::new(move |now| read(&root, now))
    },
    slot: |snapshot| &mut snapshot.host,
    status: |snapshot| &snapshot.host.status,
};

/// Reads it below `root`.
pub fn read(root: &Root, now: Now) -> Result<Host, Error> {
    let stat = root.read("proc/stat")?;
    let boot =
        parse_boot(&stat).ok_or_else(|| Error::malformed(root.path("proc/stat"), "no moment of the start (btime)"))?;
    let release = root.read("etc/os-release").or_else(|_| root.read("usr/lib/os-release")).unwrap_or_default();
    // uname(2) is one call, and right; but it speaks of the machine that the agent runs on, by the name that its own
    // namespace has.
    let own = root.is_own();
    let told = |fact: fn() -> Option<String>, file: &str| {
        own.then(fact).flatten().or_else(|| root.read_trimmed(file)).filter(|text| !text.is_empty())
    };
    Ok(Host {
        name: told(|| System::host_name().ok().map(|name| name.to_string()), "proc/sys/kernel/hostname"),
        machine_id: root.read_trimmed("etc/machine-id"),
        os: release_field(&release, "PRETTY_NAME").or_else(|| release_field(&release, "NAME")),
        os_id: release_field(&release, "ID"),
        os_version: release_field(&release, "VERSION_ID"),
        kernel: told(|| System::kernel_version().ok().map(|release| release.to_string()), "proc/sys/kernel/osrelease"),
        architecture: told(|| Some(System::cpu_arch()), "proc/sys/kernel/arch"),
        boot,
        uptime: uptime(root),
        zone: zone(root, now),
        boot_parameters: root.read_trimmed("proc/cmdline"),
        sessions: sessions(root),
        users: root.names("run/systemd/users").ok().map(|names| count_users(&names)),
        descriptors: root.read_trimmed("proc/sys/fs/file-nr").and_then(|text| parse_descriptors(&text)),
    })
}

/// Time since it started, in seconds.
pub fn uptime(root: &Root) -> Option<f64> {
    root.read_trimmed("proc/uptime").and_then(|text| parse_uptime(&text))
}

/// The largest time zone's file that is read, in bytes: the longest are a few thousand.
const MAX_ZONE_BYTES: u64 = 1 << 20;

fn zone(root: &Root, now: Now) -> i32 {
    let mut bytes = Vec::new();
    let read =
        File::open(root.path("etc/localtime")).and_then(|file| file.take(MAX_ZONE_BYTES).read_to_end(&mut bytes));
    let zone = read.ok().and_then(|_| TimeZone::tzif("local", &bytes).ok()).unwrap_or(TimeZone::UTC);
    zone.to_offset(now.wall).seconds()
}

/// The most sessions that are looked at.
const MAX_SESSIONS: usize = 10_000;

/// `session.ref` and temporary files stand beside the sessions: only the latter say a class.
fn sessions(root: &Root) -> Option<u64> {
    let names = root.names("run/systemd/sessions").ok()?;
    let class = |name: &std::ffi::OsString| root.read(Path::new("run/systemd/sessions").join(name)).ok();
    let sessions = names.iter().filter(|name| name.to_str().is_some_and(|name| !name.contains('.'))).take(MAX_SESSIONS);
    let users = sessions.filter_map(class).filter(|text| text.lines().any(|line| line.starts_with("CLASS=user")));
    u64::try_from(users.count()).ok()
}

fn parse_boot(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn parse_uptime(text: &str) -> Option<f64> {
    let seconds: f64 = text.split_ascii_whitespace().next()?.parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then_some(seconds)
}

/// The files are named by the users' numbers; systemd-logind's temporary files aren't.
fn count_users(names: &[std::ffi::OsString]) -> u64 {
    let users = names.iter().filter(|name| name.to_str().is_some_and(|name| name.parse::<u32>().is_ok())).count();
    u64::try_from(users).unwrap_or(u64::MAX)
}

/// proc_sys_fs(5): allocated, free (which is part of the allocated on old kernels, else 0), most.
fn parse_descriptors(text: &str) -> Option<(u64, u64)> {
    let mut words = text.split_ascii_whitespace().map(|word| word.parse::<u64>().ok());
    let (allocated, free, most) = (words.next()??, words.next()??, words.next()??);
    Some((allocated.saturating_sub(free), most))
}

/// os-release(5): `KEY=value`, quoted as in a shell where it holds blanks.
fn release_field(text: &str, key: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?.trim();
    let quoted = |quote| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    let value = match quoted('"') {
        Some(inner) => {
            let mut escaped = false;
            inner
                .chars()
                .filter(|character| {
                    escaped = *character == '\\' && !escaped;
                    !escaped
                })
                .collect()
        }
        None => quoted('\'').unwrap_or(value).to_string(),
    };
    (!value.is_empty()).then_some(value)
}

fn text(field: Option<&String>) -> Option<Cow<'_, str>> {
    field.map(|field| Cow::Borrowed(field.as_str()))
}

/// What leaves the agent.
pub static FAMILY: Family<Host> = Family {
    section: "host",
    subject: "host",
    object: "Host",
    arc: 10,
    help: "The host itself.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(host) = snapshot.host.get() {
            visit(host);
        }
    },
    index: Index::Scalar,
    labels: &[
        Label::info(1, "name", "Its name.", "/proc/sys/kernel/hostname", |host: &Host| text(host.name.as_ref())),
        Label::info(2, "machine_id", "Its identifier, the same over restarts.", "/etc/machine-id", |host: &Host| {
            text(host.machine_id.as_ref())
        }),
        Label::info(3, "os", "The operating system.", "/etc/os-release PRETTY_NAME", |host: &Host| {
            text(host.os.as_ref())
        }),
        Label::info(4, "os_id", "The operating system, in one word.", "/etc/os-release ID", |host: &Host| {
            text(host.os_id.as_ref())
        }),
        Label::info(5, "os_version", "The operating system's version.", "/etc/os-release VERSION_ID", |host: &Host| {
            text(host.os_version.as_ref())
        }),
        Label::info(6, "kernel", "The kernel's release.", "/proc/sys/kernel/osrelease", |host: &Host| {
            text(host.kernel.as_ref())
        }),
        Label::info(7, "architecture", "The processor's architecture.", "uname(2) machine", |host: &Host| {
            text(host.architecture.as_ref())
        }),
    ],
    metrics: &[
        Metric::gauge(8, "boot_timestamp_seconds", Unit::Timestamp, "When it started.", "/proc/stat btime", |host| {
            Some(host.boot.into())
        }),
        Metric::gauge(9, "uptime_seconds", Unit::Seconds, "Time since it started.", "/proc/uptime", |host| {
            host.uptime.map(Into::into)
        }),
        Metric::gauge(10, "users", Unit::Count, "Users with a session.", "/run/systemd/users", |host| {
            host.users.map(Into::into)
        }),
        Metric::gauge(
            11,
            "file_descriptors",
            Unit::Count,
            "Open file descriptors of all processes.",
            "/proc/sys/fs/file-nr",
            |host| host.descriptors.map(|(open, _)| open.into()),
        ),
        Metric::gauge(
            12,
            "file_descriptors_max",
            Unit::Count,
            "The most file descriptors that may be open.",
            "/proc/sys/fs/file-nr",
            |host| host.descriptors.map(|(_, most)| most.into()),
        ),
        Metric::gauge(13, "sessions", Unit::Count, "Sessions of users.", "/run/systemd/sessions", |host| {
            host.sessions.map(Into::into)
        }),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_values_are_unquoted() {
        let text = "PRETTY_NAME=\"A \\\"b\\\" \\\\c\"\nID=debian\nVERSION_ID='13'\nNAME=\"\n# ID_LIKE=x\nEMPTY=\n";
        let field = |key| release_field(text, key);
        assert_eq!(field("PRETTY_NAME").as_deref(), Some("A \"b\" \\c"));
        assert_eq!((field("ID").as_deref(), field("VERSION_ID").as_deref()), (Some("debian"), Some("13")));
        assert_eq!((field("NAME").as_deref(), field("EMPTY"), field("ID_LIKE")), (Some("\""), None, None));
    }

    #[test]
    fn odd_files_are_absent_not_panics() {
        assert_eq!(parse_boot("cpu 1 2\nbtime x\n"), None);
        assert_eq!(parse_boot("ctxt 1\nbtime 1700000000\n"), Some(1_700_000_000));
        assert_eq!((parse_uptime("NaN 1"), parse_uptime(""), parse_uptime("12.5 3")), (None, None, Some(12.5)));
        assert_eq!((parse_descriptors("1 2"), parse_descriptors("5 7 9")), (None, Some((0, 9))));
        assert_eq!(count_users(&["0".into(), "1000".into(), ".#1000x".into()]), 2);
    }

    #[test]
    fn another_root_is_another_host() {
        let now = Now { wall: jiff::Timestamp::UNIX_EPOCH, monotonic: std::time::Duration::ZERO };
        let host = read(&Root::new("tests/fixtures/root"), now).expect("a whole host");
        assert_eq!((host.name.as_deref(), host.kernel.as_deref()), (Some("sensor-17"), Some("6.12.0-1-amd64")));
        assert_eq!((host.sessions, host.zone), (Some(2), 3600));
        assert_eq!((host.users, host.boot, host.uptime), (Some(1), 1_760_000_000, Some(864_000.25)));
    }
}
