//! Processes: the table, and totals by state.
//!
//! Reads one small file a process, `stat`, by its own parser: procfs' and sysinfo's readers open several files and cost
//! a multiple. What hardly changes (command line, user) is read once a process and kept. Processes that end while they
//! are read are left out. Threads are counted, not listed.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use super::{DEADLINE, Error, Family, Root, Section};
use crate::metric::{Index, Interval, Label, Metric, Now, Number, Unit};

/// Every process at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Processes {
    /// One a process, by number.
    pub rows: Vec<Process>,
    /// How many process numbers the kernel gives out; `/proc/sys/kernel/pid_max`.
    pub max: Option<u64>,
}

/// One process.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The program's name, 15 bytes at most; `stat` comm.
    pub name: String,
    /// What it does at the moment; `stat` state.
    pub state: State,
    /// Processor time spent in user and kernel mode, in clock ticks; `stat` utime + stime.
    pub cpu_ticks: u64,
    /// Share of one CPU since the last collection: 2 is two CPUs. Absent in the first.
    pub used_ratio: Option<f64>,
    /// Memory in RAM, in bytes; `stat` rss.
    pub resident: u64,
    /// Address space, in bytes; `stat` vsize.
    pub virtual_size: u64,
    /// Threads; `stat` num_threads.
    pub threads: u64,
    /// When it started, in clock ticks since boot; with the number, what identifies a process.
    pub start_ticks: u64,
    /// When it started, in seconds since 1970; absent without a boot time.
    pub started: Option<f64>,
    /// The numeric user; `status` Uid, the effective one.
    pub user: Option<u32>,
    /// Whether it is a thread of the kernel; `stat` flags.
    pub kernel: bool,
    /// The command line, 4096 bytes at most; absent for kernel threads and zombies.
    pub command: Option<Arc<str>>,
    /// How many bytes of the command line its first argument takes: the program, as it was called.
    pub program_length: usize,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum State {
    Running = 1,
    Sleeping,
    Uninterruptible,
    Stopped,
    Zombie,
    Idle,
    Other,
}

/// The names of [`State`], in its order.
const STATES: &[&str] = &["running", "sleeping", "uninterruptible", "stopped", "zombie", "idle", "other"];

impl State {
    const fn from_letter(letter: u8) -> Self {
        match letter {
            b'R' => State::Running,
            b'S' => State::Sleeping,
            b'D' => State::Uninterruptible,
            b'T' | b't' => State::Stopped,
            b'Z' => State::Zombie,
            b'I' => State::Idle,
            _ => State::Other,
        }
    }
}

impl Process {
    /// Processor time, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        seconds(self.cpu_ticks)
    }

    /// The first argument: the program as it was called; `None` where there is no command line.
    pub fn program(&self) -> Option<&str> {
        self.command.as_deref()?.get(..self.program_length)
    }

    /// What follows it.
    pub fn parameters(&self) -> Option<&str> {
        self.command.as_deref()?.get(self.program_length..).map(str::trim_start)
    }
}

/// What is kept between collections.
#[derive(Debug, Default)]
pub struct Cache {
    known: HashMap<u32, Known>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Known {
    start_ticks: u64,
    name: String,
    cpu_ticks: u64,
    at: Duration,
    described: Duration,
    user: Option<u32>,
    command: Option<Arc<str>>,
    program_length: usize,
}

/// The section.
pub static SECTION: Section<Processes> = Section {
    name: "process",
    // Also where the file has the section without the key: reading thousands costs.
    interval: |config| config.process.interval.or(Some(INTERVAL)),
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        let mut cache = Cache::default();
        Box::new(move |now| scan(&root, &mut cache, now))
    },
    slot: |snapshot| &mut snapshot.process,
    status: |snapshot| &snapshot.process.status,
};

/// Reads all processes below `root`. `cache` belongs to one caller.
pub fn scan(root: &Root, cache: &mut Cache, now: Now) -> Result<Processes, Error> {
    let path = root.path("proc");
    let failed = |source| Error::Read { path: path.clone(), source };
    let mut pids = Vec::new();
    for entry in fs::read_dir(&path).map_err(failed)? {
        pids.extend(entry.map_err(failed)?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    pids.sort_unstable();
    let booted = boot_time(root);
    let rows: Vec<Process> = pids.iter().filter_map(|pid| observe(root, cache, now, *pid, booted)).collect();
    if rows.is_empty() {
        return Err(Error::malformed(path, "no processes"));
    }
    cache.known.retain(|_, known| known.at == now.monotonic);
    Ok(Processes { rows, max: root.read_number("proc/sys/kernel/pid_max") })
}

/// Reads one process, without what takes a second file; `None` if there is no such process.
pub fn read(root: &Root, pid: u32) -> Option<Process> {
    let mut buffer = Vec::new();
    read_into(root, pid, "stat", 4096, &mut buffer)?;
    parse_stat(pid, &buffer)
}

fn observe(root: &Root, cache: &mut Cache, now: Now, pid: u32, booted: Option<f64>) -> Option<Process> {
    let Cache { known, buffer } = cache;
    read_into(root, pid, "stat", 4096, buffer)?;
    let mut process = parse_stat(pid, buffer)?;
    process.started = booted.map(|booted| booted + seconds(process.start_ticks));
    let before = known.get(&pid).filter(|known| known.start_ticks == process.start_ticks);
    process.used_ratio = before.and_then(|known| {
        let elapsed = now.monotonic.saturating_sub(known.at).as_secs_f64();
        (elapsed > 0.0).then(|| seconds(process.cpu_ticks.saturating_sub(known.cpu_ticks)) / elapsed)
    });
    // A process that runs another program changes its name; one that rewrites its title does not.
    let fresh = before
        .filter(|known| known.name == process.name && now.monotonic.saturating_sub(known.described) < DESCRIPTION_AGE);
    let described = if let Some(known) = fresh {
        (process.user, process.command) = (known.user, known.command.clone());
        process.program_length = known.program_length;
        known.described
    } else {
        process.user = read_into(root, pid, "status", 4096, buffer).and_then(|()| parse_user(buffer));
        let command = read_into(root, pid, "cmdline", MAX_COMMAND, buffer).and_then(|()| parse_command(buffer));
        process.program_length = command.as_ref().map_or(0, |(_, length)| *length);
        process.command = command.map(|(command, _)| command);
        now.monotonic
    };
    known.insert(
        pid,
        Known {
            start_ticks: process.start_ticks,
            name: process.name.clone(),
            cpu_ticks: process.cpu_ticks,
            at: now.monotonic,
            described,
            user: process.user,
            command: process.command.clone(),
            program_length: process.program_length,
        },
    );
    Some(process)
}

/// How often, unless the configuration says otherwise.
pub const INTERVAL: Interval = Interval::seconds(30);

/// How long a command line is believed.
const DESCRIPTION_AGE: Duration = Duration::from_secs(300);

/// The longest command line that is kept, in bytes: a process may have made it megabytes long.
const MAX_COMMAND: u64 = 4096;

/// The longest command line that is shown, in bytes.
const SHOWN_COMMAND: usize = 256;

fn read_into(root: &Root, pid: u32, file: &str, most: u64, buffer: &mut Vec<u8>) -> Option<()> {
    buffer.clear();
    let file = File::open(root.path(format!("proc/{pid}/{file}"))).ok()?;
    file.take(most).read_to_end(buffer).ok()?;
    Some(())
}

/// When the host started, in seconds since 1970.
fn boot_time(root: &Root) -> Option<f64> {
    let text = root.read("proc/stat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok().filter(|time: &f64| time.is_finite())
}

#[allow(clippy::cast_precision_loss, reason = "no machine runs for 2^53 ticks")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / procfs::ticks_per_second() as f64
}

/// The kernel's PF_KTHREAD; include/linux/sched.h.
const KERNEL_THREAD: u32 = 0x0020_0000;

/// proc_pid_stat(5). The name may hold anything, also blanks and parentheses: it ends at the last one.
fn parse_stat(pid: u32, stat: &[u8]) -> Option<Process> {
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let name = String::from_utf8_lossy(stat.get(open + 1..close)?).into_owned();
    let mut fields = std::str::from_utf8(stat.get(close + 1..)?).ok()?.split_ascii_whitespace();
    let state = State::from_letter(*fields.next()?.as_bytes().first()?);
    // The next field is the manual's fourth; each `nth` skips to the one that is named.
    let flags: u32 = fields.nth(5)?.parse().ok()?; // 9
    let user: u64 = fields.nth(4)?.parse().ok()?; // 14
    let kernel: u64 = fields.next()?.parse().ok()?; // 15
    let threads = fields.nth(4)?.parse().ok()?; // 20
    let start_ticks = fields.nth(1)?.parse().ok()?; // 22
    let virtual_size = fields.next()?.parse().ok()?; // 23
    let pages: i64 = fields.next()?.parse().ok()?; // 24: may be below zero for a moment, as it is summed without a lock
    Some(Process {
        pid,
        name,
        state,
        cpu_ticks: user.saturating_add(kernel),
        used_ratio: None,
        resident: u64::try_from(pages).unwrap_or(0).saturating_mul(procfs::page_size()),
        virtual_size,
        threads,
        start_ticks,
        started: None,
        user: None,
        kernel: flags & KERNEL_THREAD != 0,
        command: None,
        program_length: 0,
    })
}

/// The second number of `Uid:` in `status`, the effective user.
fn parse_user(status: &[u8]) -> Option<u32> {
    let status = String::from_utf8_lossy(status);
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Arguments end in NUL; shown, they stand apart by blanks. With it goes the length of the first.
fn parse_command(command: &[u8]) -> Option<(Arc<str>, usize)> {
    let text = String::from_utf8_lossy(command);
    let first = text.find('\0').unwrap_or(text.len());
    let text = text.replace('\0', " ");
    let text = text.trim_end();
    (!text.is_empty()).then(|| (text.into(), first.min(text.len())))
}

/// At most 256 bytes, whole characters.
fn shown(command: &str) -> &str {
    &command[..command.floor_char_boundary(SHOWN_COMMAND)]
}

/// What leaves the agent, a row a process.
pub static FAMILY: Family<Process> = Family {
    section: "process",
    subject: "process",
    object: "Proc",
    arc: 26,
    help: "A process.",
    exported: false,
    rows: |snapshot, visit| {
        if let Some(processes) = snapshot.process.get() {
            processes.rows.iter().for_each(visit);
        }
    },
    index: Index::Number(|row| row.pid),
    labels: &[
        Label::identity(2, "name", "The program's name.", "/proc/*/stat comm", |row| Some(Cow::Borrowed(&row.name))),
        Label::info(3, "user", "The effective user, as a number.", "/proc/*/status Uid", |row| {
            row.user.map(|user| Cow::Owned(user.to_string()))
        }),
        Label::info(4, "command", "The command line, 256 bytes at most.", "/proc/*/cmdline", |row| {
            row.command.as_deref().map(|command| Cow::Borrowed(shown(command)))
        }),
    ],
    metrics: &[
        Metric::state(5, "state", STATES, "What the process does.", "/proc/*/stat state", |row| {
            Some((row.state as u32).into())
        }),
        Metric::counter(
            6,
            "cpu_seconds_total",
            Unit::Seconds,
            "Processor time spent in user and kernel mode.",
            "/proc/*/stat utime + stime",
            |row| Some(row.cpu_seconds().into()),
        ),
        Metric::gauge(
            7,
            "used_ratio",
            Unit::Ratio,
            "Share of one CPU since the last collection; above 1 with several threads.",
            "/proc/*/stat utime + stime",
            |row| row.used_ratio.map(Into::into),
        ),
        Metric::gauge(8, "resident_bytes", Unit::Bytes, "Memory in RAM.", "/proc/*/stat rss", |row| {
            Some(row.resident.into())
        }),
        Metric::gauge(9, "virtual_bytes", Unit::Bytes, "Address space.", "/proc/*/stat vsize", |row| {
            Some(row.virtual_size.into())
        }),
        Metric::gauge(10, "threads", Unit::Count, "Threads.", "/proc/*/stat num_threads", |row| {
            Some(row.threads.into())
        }),
        Metric::gauge(
            11,
            "start_timestamp_seconds",
            Unit::Timestamp,
            "When the process started.",
            "/proc/*/stat starttime + /proc/stat btime",
            |row| row.started.map(Into::into),
        ),
    ],
};

/// Sums over all processes.
#[derive(Debug, Clone, PartialEq)]
pub struct Totals {
    number: u64,
    threads: u64,
    max: Option<u64>,
    states: BTreeMap<State, u64>,
}

impl Totals {
    fn of(processes: &Processes) -> Self {
        let mut totals = Totals { number: 0, threads: 0, max: processes.max, states: BTreeMap::new() };
        for process in &processes.rows {
            totals.number += 1;
            totals.threads = totals.threads.saturating_add(process.threads);
            *totals.states.entry(process.state).or_default() += 1;
        }
        totals
    }

    fn count(&self, state: State) -> Option<Number> {
        Some(self.states.get(&state).copied().unwrap_or(0).into())
    }
}

/// What leaves the agent, the sums.
pub static TOTALS: Family<Totals> = Family {
    section: "process",
    subject: "processes",
    object: "Procs",
    arc: 14,
    help: "All processes together.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(processes) = snapshot.process.get() {
            visit(&Totals::of(processes));
        }
    },
    index: Index::Scalar,
    labels: &[],
    metrics: &[
        Metric::gauge(1, "number", Unit::Count, "Processes.", "/proc/*", |row| Some(row.number.into())),
        Metric::gauge(2, "threads", Unit::Count, "Threads of all processes.", "/proc/*/stat num_threads", |row| {
            Some(row.threads.into())
        }),
        Metric::gauge(
            3,
            "max",
            Unit::Count,
            "How many process numbers the kernel gives out; threads take them too.",
            "/proc/sys/kernel/pid_max",
            |row| row.max.map(Into::into),
        ),
        Metric::gauge(
            4,
            "zombies",
            Unit::Count,
            "Processes that ended and whose parent didn't look.",
            "/proc/*/stat",
            |row| row.count(State::Zombie),
        ),
        in_state(5, "running", |row| row.count(State::Running)),
        in_state(6, "sleeping", |row| row.count(State::Sleeping)),
        in_state(7, "uninterruptible", |row| row.count(State::Uninterruptible)),
        in_state(8, "stopped", |row| row.count(State::Stopped)),
        in_state(9, "zombie", |row| row.count(State::Zombie)),
        in_state(10, "idle", |row| row.count(State::Idle)),
        in_state(11, "other", |row| row.count(State::Other)),
    ],
};

const fn in_state(column: u32, state: &'static str, read: fn(&Totals) -> Option<Number>) -> Metric<Totals> {
    Metric::gauge(column, "state", Unit::Count, "Processes in a state.", "/proc/*/stat state", read)
        .variant("state", state)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: &str = "S 1 812 812 0 -1 4194560 1800 0 3 0 250 150 0 0 20 0 3 0 1200 16240640 1740 \
        18446744073709551615 1 1 0 0 0 0 0 4096 81925 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    fn now(seconds: u64) -> Now {
        Now { wall: jiff::Timestamp::UNIX_EPOCH, monotonic: Duration::from_secs(seconds) }
    }

    #[test]
    fn fields_are_counted_from_the_last_parenthesis() {
        for name in ["sshd", "a b) S 1 (c", ")", ""] {
            let process = parse_stat(812, format!("812 ({name}) {NUMBERS}").as_bytes()).expect("a whole stat");
            assert_eq!(process.name, name);
            assert_eq!((process.state, process.cpu_ticks, process.threads), (State::Sleeping, 400, 3));
            assert_eq!((process.start_ticks, process.virtual_size), (1200, 16_240_640));
            assert_eq!(process.resident, 1740 * procfs::page_size());
        }
        let odd = [b"1 (\xff\xfe) ".as_slice(), NUMBERS.as_bytes()].concat();
        assert_eq!(parse_stat(1, &odd).expect("a whole stat").name, "\u{fffd}\u{fffd}");
    }

    #[test]
    fn odd_files_are_no_processes() {
        for text in ["", "1", ")(", "1 (a", "1 (a)", "1 (a) S", "1 (a) S 1 2 3", "1 (a) S \u{e9}"] {
            assert_eq!(parse_stat(1, text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_stat(1, format!("1 (a) {}", NUMBERS.replace("250", "-1")).as_bytes()), None);
        assert_eq!(parse_command(b"\0\0"), None);
        assert_eq!(parse_command(b"a\0b c\0"), Some(("a b c".into(), 1)));
        assert_eq!(parse_command(b"a title of its own \0\0"), Some(("a title of its own".into(), 18)));
        assert_eq!(parse_command(b"\xff\0x"), Some(("\u{fffd} x".into(), 3)));
        assert_eq!(shown(&"\u{20ac}".repeat(100)).len(), 255);
    }

    #[test]
    fn shares_are_since_the_last_scan_and_descriptions_are_kept() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = Root::new(directory.path());
        let write = |file: &str, text: &str| {
            let path = root.path(file);
            fs::create_dir_all(path.parent().expect("below the root")).and_then(|()| fs::write(&path, text))
        };
        let ticks = procfs::ticks_per_second();
        let stat = |used: u64| format!("7 (x) {}", NUMBERS.replace(" 250 150 ", &format!(" {used} 0 ")));
        write("proc/7/stat", &stat(0)).expect("writable");
        write("proc/7/cmdline", "first\0").expect("writable");
        let mut cache = Cache::default();
        let first = scan(&root, &mut cache, now(10)).expect("a process");
        assert_eq!(first.rows[0].used_ratio, None);
        write("proc/7/stat", &stat(5 * ticks)).expect("writable");
        write("proc/7/cmdline", "second\0").expect("writable");
        let second = scan(&root, &mut cache, now(20)).expect("a process");
        assert_eq!(second.rows[0].used_ratio, Some(0.5));
        assert_eq!(second.rows[0].command.as_deref(), Some("first"));
        let late = scan(&root, &mut cache, now(400)).expect("a process");
        assert_eq!(late.rows[0].command.as_deref(), Some("second"));
    }

    #[test]
    fn this_process_is_among_those_of_this_machine() {
        let processes = scan(&Root::new("/"), &mut Cache::default(), now(0)).expect("/proc is readable");
        let own = processes.rows.iter().find(|row| row.pid == std::process::id()).expect("this process runs");
        assert!(own.resident > 0 && own.command.is_some() && own.user.is_some());
        assert_eq!(Totals::of(&processes).number, u64::try_from(processes.rows.len()).unwrap_or(0));
    }
}
