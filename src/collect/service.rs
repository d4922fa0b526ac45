//! The watched services: systemd units and process patterns, and whether the host as a whole is online.
//!
//! What systemd knows comes from a [`UnitSource`], since D-Bus is asynchronous and lives elsewhere; processes are read
//! by [`process`]. A unit that systemd can't be asked about is *unknown*, never up; patterns work without it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use super::process::{self, Cache, Process, Processes};
use super::{DEADLINE, Error, Family, Root, Section};
use crate::metric::{Index, Label, Metric, Now, Unit};

/// A service to watch: a systemd unit, or the processes of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Watch {
    /// The systemd unit: `ssh.service`; without a type, a service.
    pub unit: Option<String>,
    /// The processes, instead of a unit.
    pub process: Option<Pattern>,
    /// Whether the host is offline without it.
    pub critical: bool,
    /// What it is called; absent: the unit's name, or the pattern.
    pub name: Option<String>,
}

/// Processes, and how many of them there should be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pattern {
    /// A glob over the program's name, of which the kernel keeps 15 bytes.
    pub name: Option<String>,
    /// A glob over the whole command line.
    pub args: Option<String>,
    /// The least number of processes that is good.
    pub min: u32,
    /// The largest number of processes that is good; absent: any.
    pub max: Option<u32>,
}

impl Default for Pattern {
    fn default() -> Self {
        Pattern { name: None, args: None, min: 1, max: None }
    }
}

impl Watch {
    /// What the service is called.
    pub fn title(&self) -> String {
        let pattern = self.process.as_ref().and_then(|process| process.name.as_ref().or(process.args.as_ref()));
        self.name.clone().or_else(|| self.unit_name()).or_else(|| pattern.cloned()).unwrap_or_default()
    }

    /// The unit's full name.
    fn unit_name(&self) -> Option<String> {
        self.unit.as_ref().map(|unit| if unit.contains('.') { unit.clone() } else { format!("{unit}.service") })
    }
}

/// What is wrong with the configuration: the place in the list, and a sentence.
pub fn check(watches: &[Watch]) -> Vec<(usize, String)> {
    let mut titles = BTreeSet::new();
    let mut wrong = Vec::new();
    for (place, watch) in watches.iter().enumerate() {
        let pattern = watch.process.as_ref();
        if watch.unit.is_some() == watch.process.is_some() {
            wrong.push((place, "a service is either a `unit` or a `process`".to_string()));
        } else if pattern.is_some_and(|pattern| pattern.name.is_none() && pattern.args.is_none()) {
            wrong.push((place, "`process` needs `name` or `args`".to_string()));
        } else if pattern.is_some_and(|pattern| pattern.max.is_some_and(|max| max < pattern.min)) {
            wrong.push((place, "`max` is less than `min`".to_string()));
        } else if !titles.insert(watch.title()) {
            wrong.push((place, format!("another service is called `{}`: give it a `name`", watch.title())));
        }
    }
    wrong
}

/// What systemd says of one unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitState {
    /// The name by which it was asked.
    pub name: String,
    /// LoadState: `loaded`, `not-found`, `masked`.
    pub load: String,
    /// ActiveState: `active`, `failed`.
    pub active: String,
    /// SubState: `running`, `exited`.
    pub sub: String,
    /// ActiveEnterTimestamp, in microseconds since 1970; absent if it never was active.
    pub active_since: Option<u64>,
    /// MainPID; absent where no process is the main one.
    pub main_process: Option<u32>,
    /// NRestarts.
    pub restarts: Option<u64>,
    /// CPUUsageNSec; absent without accounting.
    pub cpu_nanoseconds: Option<u64>,
    /// MemoryCurrent, in bytes; absent without accounting.
    pub memory_bytes: Option<u64>,
    /// Why systemd says nothing of it, if so: then the rest is empty.
    pub problem: Option<String>,
}

/// Asks systemd about units by their full names; it may block for some seconds.
pub type UnitSource = Arc<dyn Fn(&[String]) -> Result<Vec<UnitState>, Error> + Send + Sync>;

/// A source for where there is no systemd to ask.
pub fn no_units() -> UnitSource {
    Arc::new(|_| Err(Error::Peer("systemd was not asked".into())))
}

/// The watched services at one moment, in the order of the configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Services {
    /// One a service.
    pub rows: Vec<Service>,
}

/// One watched service.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// What it is called.
    pub name: String,
    /// A systemd unit rather than a pattern.
    pub is_unit: bool,
    /// Whether the host is offline without it.
    pub critical: bool,
    /// In systemd's words; a pattern is active, failed (too few or too many), or inactive (none).
    pub state: State,
    /// Whether it works; absent where that isn't known.
    pub up: Option<bool>,
    /// Automatic restarts since the unit was last started by hand.
    pub restarts: Option<u64>,
    /// Processor time, in seconds: of the unit's control group, its main process, or the pattern's processes that run.
    pub cpu_seconds: Option<f64>,
    /// Memory, in bytes, of the same.
    pub memory: Option<u64>,
    /// Open file descriptors of the main process, or of the pattern's processes.
    pub open_files: Option<u64>,
    /// The pattern's processes, without zombies.
    pub processes: Option<u64>,
    /// The least and the largest number of processes that is good; absent: any. A unit has one at least.
    pub wanted: (u32, Option<u32>),
    /// Since when it is active, in seconds since 1970; of a pattern, the start of the oldest process.
    pub started: Option<f64>,
    /// How long that is, in seconds.
    pub age: Option<f64>,
    /// What is wrong, or why something isn't known: `permission` where open files belong to another user.
    pub problem: Option<String>,
}

/// What a service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as systemd names them")]
pub enum State {
    Active = 1,
    Reloading,
    Inactive,
    Failed,
    Activating,
    Deactivating,
    Maintenance,
    /// There is no such unit.
    Missing,
    /// systemd can't be asked.
    Unknown,
}

/// The names of [`State`], in its order.
const STATES: &[&str] =
    &["active", "reloading", "inactive", "failed", "activating", "deactivating", "maintenance", "missing", "unknown"];

impl State {
    fn of(unit: &UnitState) -> Self {
        match (unit.load.as_str(), unit.active.as_str()) {
            ("not-found", active) if active != "active" => State::Missing,
            (_, "active") => State::Active,
            (_, "reloading" | "refreshing") => State::Reloading,
            (_, "inactive") => State::Inactive,
            (_, "failed") => State::Failed,
            (_, "activating") => State::Activating,
            (_, "deactivating") => State::Deactivating,
            (_, "maintenance") => State::Maintenance,
            _ => State::Unknown,
        }
    }

    fn up(self) -> Option<bool> {
        (self != State::Unknown).then_some(matches!(self, State::Active | State::Reloading))
    }
}

/// Whether the host does its work: true only if all critical services are up; `None` if that isn't known.
pub fn online(services: &Services) -> Option<bool> {
    let mut critical = services.rows.iter().filter(|row| row.critical);
    // One that is down decides, whatever is not known of the others.
    if services.rows.iter().any(|row| row.critical && row.up == Some(false)) {
        return Some(false);
    }
    critical.try_fold(true, |online, row| Some(online && row.up?))
}

/// The section.
pub static SECTION: Section<Services> = Section {
    name: "service",
    interval: |config| config.service.interval,
    deadline: DEADLINE,
    start: |setup| {
        let (root, watches, units) = (setup.root.clone(), setup.services.clone(), Arc::clone(&setup.units));
        let mut cache = Cache::default();
        Box::new(move |now| Ok(read(&root, &watches, &units, &mut cache, now)))
    },
    slot: |snapshot| &mut snapshot.service,
    status: |snapshot| &snapshot.service.status,
};

/// Reads them. What can't be asked makes its rows unknown, and leaves the others.
pub fn read(root: &Root, watches: &[Watch], units: &UnitSource, cache: &mut Cache, now: Now) -> Services {
    let names: Vec<String> = watches.iter().filter_map(Watch::unit_name).collect();
    let states = if names.is_empty() { Ok(Vec::new()) } else { units(&names) };
    let has_patterns = watches.iter().any(|watch| watch.process.is_some());
    let processes = has_patterns.then(|| process::scan(root, cache, now));
    let row = |watch: &Watch| match (watch.unit_name(), &watch.process, &processes) {
        (Some(name), _, _) => match &states {
            Ok(states) => match states.iter().find(|state| state.name == name) {
                Some(unit) => unit_row(root, watch, unit, now),
                None => unknown(watch, "systemd did not answer".into()),
            },
            Err(error) => unknown(watch, error.to_string()),
        },
        (None, Some(pattern), Some(Ok(processes))) => pattern_row(root, watch, pattern, processes, now),
        (None, _, Some(Err(error))) => unknown(watch, error.to_string()),
        (None, _, _) => unknown(watch, "neither a unit nor a process is configured".into()),
    };
    Services { rows: watches.iter().map(row).collect() }
}

fn unknown(watch: &Watch, problem: String) -> Service {
    Service {
        name: watch.title(),
        is_unit: watch.unit.is_some(),
        critical: watch.critical,
        state: State::Unknown,
        up: None,
        restarts: None,
        cpu_seconds: None,
        memory: None,
        open_files: None,
        processes: None,
        wanted: watch.process.as_ref().map_or((1, None), |pattern| (pattern.min, pattern.max)),
        started: None,
        age: None,
        problem: Some(problem),
    }
}

fn unit_row(root: &Root, watch: &Watch, unit: &UnitState, now: Now) -> Service {
    if let Some(problem) = &unit.problem {
        return unknown(watch, problem.clone());
    }
    let state = State::of(unit);
    let up = state.up();
    let main = unit.main_process.and_then(|pid| process::read(root, pid));
    let (open_files, refused) = open_files(root, main.as_slice());
    let accounted = unit.cpu_nanoseconds.map(|nanoseconds| std::time::Duration::from_nanos(nanoseconds).as_secs_f64());
    let since = unit.active_since.filter(|_| up == Some(true));
    let started = since.map(|microseconds| std::time::Duration::from_micros(microseconds).as_secs_f64());
    let told = match state {
        State::Active | State::Reloading => None,
        State::Missing => Some("no such unit".to_string()),
        _ if unit.load == "masked" => Some("masked".to_string()),
        _ => Some(unit.sub.clone()).filter(|sub| !sub.is_empty()),
    };
    Service {
        state,
        up,
        restarts: unit.restarts,
        cpu_seconds: accounted.or_else(|| main.as_ref().map(Process::cpu_seconds)),
        memory: unit.memory_bytes.or_else(|| main.as_ref().map(|process| process.resident)),
        open_files,
        started,
        age: started.map(|started| (now.unix_seconds() - started).max(0.0)),
        problem: told.or(refused),
        ..unknown(watch, String::new())
    }
}

fn pattern_row(root: &Root, watch: &Watch, pattern: &Pattern, processes: &Processes, now: Now) -> Service {
    let found: Vec<Process> = matching(pattern, processes).cloned().collect();
    let (few, many) = (usize_of(pattern.min), pattern.max.map(usize_of));
    let count = found.len();
    let problem = if count < few {
        Some(format!("{count} processes, at least {few} wanted"))
    } else {
        many.filter(|many| count > *many).map(|many| format!("{count} processes, at most {many} wanted"))
    };
    let state = match (&problem, count) {
        (None, _) => State::Active,
        (Some(_), 0) => State::Inactive,
        (Some(_), _) => State::Failed,
    };
    let (open_files, refused) = open_files(root, &found);
    let started = found.iter().filter_map(|process| process.started).reduce(f64::min);
    let any = !found.is_empty();
    Service {
        state,
        up: state.up(),
        cpu_seconds: any.then(|| found.iter().map(Process::cpu_seconds).sum()),
        memory: any.then(|| found.iter().fold(0_u64, |sum, process| sum.saturating_add(process.resident))),
        open_files,
        processes: u64::try_from(count).ok(),
        started,
        age: started.map(|started| (now.unix_seconds() - started).max(0.0)),
        problem: problem.or(refused),
        ..unknown(watch, String::new())
    }
}

fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The processes that both globs match. A zombie does no work: it is not one of them.
fn matching<'a>(pattern: &Pattern, processes: &'a Processes) -> impl Iterator<Item = &'a Process> {
    let name = pattern.name.as_deref().map(WildMatch::new);
    let args = pattern.args.as_deref().map(WildMatch::new);
    processes.rows.iter().filter(move |process| {
        process.state != process::State::Zombie
            && name.as_ref().is_none_or(|glob| glob.matches(&process.name))
            && args.as_ref().is_none_or(|glob| glob.matches(process.command.as_deref().unwrap_or_default()))
    })
}

/// The sum of their open files, or why it isn't known: a part of the sum would be a wrong number.
fn open_files(root: &Root, processes: &[Process]) -> (Option<u64>, Option<String>) {
    let mut sum = None;
    for process in processes {
        match fs::read_dir(root.path(format!("proc/{}/fd", process.pid))) {
            Ok(entries) => sum = Some(sum.unwrap_or(0) + u64::try_from(entries.count()).unwrap_or(0)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return (None, Some("permission".into())),
            // It ended meanwhile.
            Err(_) => {}
        }
    }
    (sum, None)
}

/// What leaves the agent, a row a service.
pub static FAMILY: Family<Service> = Family {
    section: "service",
    subject: "service",
    object: "Service",
    arc: 27,
    help: "A watched service: a systemd unit or a process pattern.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(services) = snapshot.service.get() {
            services.rows.iter().for_each(visit);
        }
    },
    index: Index::Name { key: |row| Cow::Borrowed(&row.name), preferred: |_| None },
    labels: &[
        Label::identity(2, "service", "The service's name.", "[[service]] name, unit or process", |row| {
            Some(Cow::Borrowed(&row.name))
        }),
        Label::info(3, "kind", "Whether it is a unit or a process pattern.", "[[service]]", |row| {
            Some(Cow::Borrowed(if row.is_unit { "unit" } else { "process" }))
        }),
        Label::info(
            4,
            "problem",
            "What is wrong, or why something isn't known; empty when nothing is.",
            "vitalsd",
            |row| Some(Cow::Borrowed(row.problem.as_deref().unwrap_or_default())),
        ),
    ],
    metrics: &[
        Metric::flag(5, "up", "Whether the service works.", "systemd ActiveState, or the number of processes", |row| {
            row.up.map(Into::into)
        }),
        Metric::state(6, "state", STATES, "What the service does.", "systemd ActiveState and LoadState", |row| {
            Some((row.state as u32).into())
        }),
        Metric::flag(7, "critical", "Whether the host is offline without it.", "[[service]] critical", |row| {
            Some(row.critical.into())
        }),
        Metric::counter(8, "restarts_total", Unit::Count, "Automatic restarts.", "systemd NRestarts", |row| {
            row.restarts.map(Into::into)
        }),
        Metric::counter(
            9,
            "cpu_seconds_total",
            Unit::Seconds,
            "Processor time.",
            "systemd CPUUsageNSec, or /proc/*/stat utime + stime",
            |row| row.cpu_seconds.map(Into::into),
        ),
        Metric::gauge(
            10,
            "memory_bytes",
            Unit::Bytes,
            "Memory in use.",
            "systemd MemoryCurrent, or /proc/*/stat rss",
            |row| row.memory.map(Into::into),
        ),
        Metric::gauge(
            11,
            "open_files",
            Unit::Count,
            "Open file descriptors of the main process or the pattern's processes.",
            "/proc/*/fd",
            |row| row.open_files.map(Into::into),
        ),
        Metric::gauge(12, "processes", Unit::Count, "Processes that match the pattern.", "/proc/*/stat", |row| {
            row.processes.map(Into::into)
        }),
        Metric::gauge(
            13,
            "age_seconds",
            Unit::Seconds,
            "How long the service has been active.",
            "systemd ActiveEnterTimestamp, or /proc/*/stat starttime",
            |row| row.age.map(Into::into),
        ),
        Metric::gauge(
            14,
            "up_timestamp_seconds",
            Unit::Timestamp,
            "When the service became active.",
            "systemd ActiveEnterTimestamp, or /proc/*/stat starttime",
            |row| row.started.map(Into::into),
        ),
    ],
};

/// What leaves the agent, all services together.
pub static TOTALS: Family<Services> = Family {
    section: "service",
    subject: "services",
    object: "Services",
    arc: 15,
    help: "All watched services together.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(services) = snapshot.service.get() {
            visit(services);
        }
    },
    index: Index::Scalar,
    labels: &[],
    metrics: &[
        Metric::flag(
            1,
            "online",
            "Whether all critical services are up; absent where that isn't known.",
            "vitalsd",
            |services| online(services).map(Into::into),
        ),
        Metric::gauge(2, "number", Unit::Count, "Watched services.", "[[service]]", |services| {
            count(services, |_| true)
        }),
        Metric::gauge(3, "down", Unit::Count, "Services that don't work.", "vitalsd", |services| {
            count(services, |row| row.up == Some(false))
        }),
        Metric::gauge(4, "unknown", Unit::Count, "Services of which nothing is known.", "vitalsd", |services| {
            count(services, |row| row.up.is_none())
        }),
    ],
};

fn count(services: &Services, counted: fn(&Service) -> bool) -> Option<crate::metric::Number> {
    u64::try_from(services.rows.iter().filter(|row| counted(row)).count()).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> Root {
        Root::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/root"))
    }

    fn now() -> Now {
        let wall = jiff::Timestamp::from_second(1_000).expect("a small number");
        Now { wall, monotonic: std::time::Duration::ZERO }
    }

    fn unit(name: &str, critical: bool) -> Watch {
        Watch { unit: Some(name.into()), critical, ..Watch::default() }
    }

    fn pattern(name: &str, min: u32, max: Option<u32>) -> Watch {
        let process = Pattern { name: Some(name.into()), args: None, min, max };
        Watch { process: Some(process), ..Watch::default() }
    }

    fn answers(states: Vec<UnitState>) -> UnitSource {
        Arc::new(move |_| Ok(states.clone()))
    }

    fn state(name: &str, load: &str, active: &str) -> UnitState {
        UnitState { name: name.into(), load: load.into(), active: active.into(), ..UnitState::default() }
    }

    #[test]
    fn units_are_up_down_missing_or_unknown() {
        let ssh = UnitState {
            active_since: Some(400_000_000),
            main_process: Some(812),
            ..state("ssh.service", "loaded", "active")
        };
        let units = answers(vec![ssh, state("gone.service", "not-found", "inactive")]);
        let watches = [unit("ssh", true), unit("gone.service", false), unit("silent.service", false)];
        let services = read(&fixture(), &watches, &units, &mut Cache::default(), now());
        let seen: Vec<_> = services.rows.iter().map(|row| (row.name.as_str(), row.state, row.up)).collect();
        let expected = [
            ("ssh.service", State::Active, Some(true)),
            ("gone.service", State::Missing, Some(false)),
            ("silent.service", State::Unknown, None),
        ];
        assert_eq!(seen, expected);
        assert_eq!((services.rows[0].age, services.rows[0].started), (Some(600.0), Some(400.0)));
        // Without accounting, memory is the main process's.
        assert_eq!(services.rows[0].memory, Some(1740 * procfs::page_size()));
        assert_eq!(online(&services), Some(true));
    }

    #[test]
    fn patterns_count_what_works_without_systemd() {
        let watches = [
            pattern("sshd", 1, Some(1)),
            pattern("s*", 1, Some(1)),
            pattern("analyse", 1, None),
            pattern("none", 0, Some(0)),
            unit("ssh.service", true),
        ];
        let services = read(&fixture(), &watches, &no_units(), &mut Cache::default(), now());
        let seen: Vec<_> = services.rows.iter().map(|row| (row.state, row.processes)).collect();
        let expected = [
            (State::Active, Some(1)),
            (State::Failed, Some(2)),
            (State::Inactive, Some(0)), // only a zombie
            (State::Active, Some(0)),
            (State::Unknown, None),
        ];
        assert_eq!(seen, expected);
        assert_eq!(services.rows[1].problem.as_deref(), Some("2 processes, at most 1 wanted"));
        assert_eq!(services.rows[4].problem.as_deref(), Some("systemd was not asked"));
        assert_eq!(online(&services), None);
    }

    #[test]
    fn one_critical_service_that_is_down_is_offline() {
        let row = |critical, up| Service { critical, up, ..unknown(&unit("a", false), String::new()) };
        let of = |rows: &[Service]| online(&Services { rows: rows.to_vec() });
        assert_eq!(of(&[]), Some(true));
        assert_eq!(of(&[row(false, Some(false)), row(false, None)]), Some(true));
        assert_eq!(of(&[row(true, Some(true)), row(true, None)]), None);
        assert_eq!(of(&[row(true, None), row(true, Some(false))]), Some(false));
    }

    #[test]
    fn globs_reach_the_whole_command_line() {
        let args = Pattern { args: Some("*/analyse --label*words".into()), ..Pattern::default() };
        let processes = process::scan(&fixture(), &mut Cache::default(), now()).expect("the fixture is readable");
        let found: Vec<u32> = matching(&args, &processes).map(|process| process.pid).collect();
        assert_eq!(found, [900]);
    }

    #[test]
    fn impossible_services_are_refused() {
        let both = Watch { process: Some(Pattern::default()), ..unit("a", false) };
        let empty = Watch { process: Some(Pattern::default()), ..Watch::default() };
        let watches = [unit("a", false), unit("a.service", false), both, empty, pattern("x", 3, Some(2))];
        let places: Vec<usize> = check(&watches).into_iter().map(|(place, _)| place).collect();
        assert_eq!(places, [1, 2, 3, 4]);
    }
}
