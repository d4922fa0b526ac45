//! Processors: where their time goes, the load, and how long tasks were held up for want of one.
//!
//! Relies on /proc/stat, whose counters are turned into shares by keeping the sample before. The first collection has
//! the shares since boot. Clock speeds and pressure stall information are absent where the kernel has none.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{DEADLINE, Error, Family, Root, Section, pressure};
use crate::metric::{Index, Label, Metric, Unit};

/// All processors at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Cpu {
    /// Time of all processors together, in seconds since boot.
    pub time: Modes,
    /// Where it went since the sample before; absent where no time passed.
    pub recent: Option<Modes>,
    /// The processors that are on line.
    pub cores: Vec<Core>,
    /// Load averages over 1, 5 and 15 minutes; /proc/loadavg.
    pub load: Option<[f64; 3]>,
    /// Context switches since boot; ctxt.
    pub context_switches: Option<u64>,
    /// Interrupts since boot; intr.
    pub interrupts: Option<u64>,
    /// Processes and threads made since boot; processes.
    pub forks: Option<u64>,
    /// Tasks that run or could run; procs_running.
    pub running: Option<u64>,
    /// Tasks that wait for a disk; procs_blocked.
    pub blocked: Option<u64>,
    /// Time in which some task waited for a processor, in seconds since boot, and the share of the last 60 s, 0 to 1.
    pub stalled: Option<pressure::Line>,
}

/// One processor.
#[derive(Debug, Clone, PartialEq)]
pub struct Core {
    /// The kernel's number of it, from 0.
    pub number: u32,
    /// Its time, in seconds since boot.
    pub time: Modes,
    /// Where it went since the sample before; absent where no time passed.
    pub recent: Option<Modes>,
    /// Its clock, in hertz; scaling_cur_freq.
    pub frequency: Option<f64>,
}

/// What a processor's time was spent on: in seconds, or as shares of 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Modes {
    /// Programs, guests of virtual machines too.
    pub user: f64,
    /// Programs of low priority.
    pub nice: f64,
    /// The kernel on behalf of programs.
    pub system: f64,
    /// Nothing.
    pub idle: f64,
    /// Nothing, while a task waited for a disk.
    pub iowait: f64,
    /// Interrupts.
    pub irq: f64,
    /// What interrupts left to be done.
    pub softirq: f64,
    /// Other guests of the machine's hypervisor.
    pub steal: f64,
}

impl Modes {
    fn from_array([user, nice, system, idle, iowait, irq, softirq, steal]: [f64; 8]) -> Self {
        Modes { user, nice, system, idle, iowait, irq, softirq, steal }
    }

    fn to_array(self) -> [f64; 8] {
        [self.user, self.nice, self.system, self.idle, self.iowait, self.irq, self.softirq, self.steal]
    }

    /// The shares of what passed since `earlier`.
    fn since(self, earlier: Modes) -> Option<Modes> {
        let mut passed = self.to_array();
        for (later, earlier) in passed.iter_mut().zip(earlier.to_array()) {
            // The kernel's idle and iowait may step back a little.
            *later = (*later - earlier).max(0.0);
        }
        let whole: f64 = passed.iter().sum();
        (whole > 0.0).then(|| Modes::from_array(passed.map(|part| part / whole)))
    }

    /// Of shares: the one that did some work.
    fn used(&self) -> f64 {
        (1.0 - self.idle - self.iowait).clamp(0.0, 1.0)
    }
}

/// The section.
pub static SECTION: Section<Cpu> = Section {
    name: "cpu",
    interval: |config| config.cpu.interval,
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        let mut earlier = Earlier::default();
        Box::new(move |_now| read(&root, &mut earlier))
    },
    slot: |snapshot| &mut snapshot.cpu,
    status: |snapshot| &snapshot.cpu.status,
};

/// The sample before: of all processors, and of each.
#[derive(Default)]
struct Earlier {
    all: Modes,
    cores: HashMap<u32, Modes>,
}

fn read(root: &Root, earlier: &mut Earlier) -> Result<Cpu, Error> {
    let stat = root.read("proc/stat")?;
    let mut cpu = parse(&stat, procfs::ticks_per_second())
        .ok_or_else(|| Error::malformed(root.path("proc/stat"), "no time of all processors"))?;
    cpu.load = root.read("proc/loadavg").ok().and_then(|text| parse_load(&text));
    cpu.stalled = root.read("proc/pressure/cpu").ok().and_then(|text| pressure::Line::parse(&text, "some"));
    for core in &mut cpu.cores {
        let file = format!("sys/devices/system/cpu/cpu{}/cpufreq/scaling_cur_freq", core.number);
        core.frequency = root.read_number::<u32>(file).map(|kilohertz| f64::from(kilohertz) * 1000.0);
    }
    compare(&mut cpu, earlier);
    Ok(cpu)
}

/// Fills in the shares, and keeps this sample for the next time.
fn compare(cpu: &mut Cpu, earlier: &mut Earlier) {
    cpu.recent = cpu.time.since(earlier.all);
    for core in &mut cpu.cores {
        core.recent = core.time.since(earlier.cores.get(&core.number).copied().unwrap_or_default());
    }
    earlier.all = cpu.time;
    earlier.cores = cpu.cores.iter().map(|core| (core.number, core.time)).collect();
}

/// proc_stat(5), without shares; `None` where the line of all processors is missing.
fn parse(stat: &str, ticks_per_second: u64) -> Option<Cpu> {
    let mut all = None;
    let mut cores = Vec::new();
    let mut numbers = HashMap::new();
    for line in stat.lines() {
        let mut words = line.split_ascii_whitespace();
        let Some(name) = words.next() else { continue };
        if name == "cpu" {
            all = parse_modes(words, ticks_per_second);
        } else if let Some(number) = name.strip_prefix("cpu") {
            // The index is the number plus one, which must fit as well.
            let number = number.parse().ok().filter(|number| *number < u32::MAX);
            if let (Some(number), Some(time)) = (number, parse_modes(words, ticks_per_second)) {
                cores.push(Core { number, time, recent: None, frequency: None });
            }
        } else if let Some(value) = words.next().and_then(|word| word.parse::<u64>().ok()) {
            numbers.insert(name, value);
        }
    }
    let number = |name| numbers.get(name).copied();
    Some(Cpu {
        time: all?,
        recent: None,
        cores,
        load: None,
        context_switches: number("ctxt"),
        interrupts: number("intr"),
        forks: number("processes"),
        running: number("procs_running"),
        blocked: number("procs_blocked"),
        stalled: None,
    })
}

/// Ticks by mode; old kernels have fewer modes, but at least the first four.
#[allow(clippy::cast_precision_loss, reason = "a double holds 2 million years of ticks")]
fn parse_modes<'a>(words: impl Iterator<Item = &'a str>, ticks_per_second: u64) -> Option<Modes> {
    let mut modes = [0.0; 8];
    let mut found = 0;
    for (mode, word) in modes.iter_mut().zip(words) {
        *mode = word.parse::<u64>().ok()? as f64 / ticks_per_second.max(1) as f64;
        found += 1;
    }
    (found >= 4).then(|| Modes::from_array(modes))
}

fn parse_load(text: &str) -> Option<[f64; 3]> {
    let mut words = text.split_ascii_whitespace().map(|word| word.parse().ok().filter(|load: &f64| load.is_finite()));
    Some([words.next()??, words.next()??, words.next()??])
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, by hand: before Linux 5.13 there is no line `full`, without which
/// procfs takes nothing.
/// One column of a mode's time.
macro_rules! seconds {
    ($row:ty, $column:literal, $mode:ident) => {
        Metric::counter(
            $column,
            "seconds_total",
            Unit::Seconds,
            "Time spent in each mode.",
            "/proc/stat cpu",
            |row: &$row| Some(row.time.$mode.into()),
        )
        .variant("mode", stringify!($mode))
    };
}

/// One column of a mode's share.
macro_rules! ratio {
    ($column:literal, $mode:ident) => {
        Metric::gauge(
            $column,
            "mode_ratio",
            Unit::Ratio,
            "Share of the time since the last collection spent in each mode.",
            "/proc/stat cpu",
            |cpu: &Cpu| cpu.recent.map(|recent| recent.$mode.into()),
        )
        .variant("mode", stringify!($mode))
    };
}

/// All processors together.
pub static FAMILY: Family<Cpu> = Family {
    section: "cpu",
    subject: "cpu",
    object: "Cpu",
    arc: 11,
    help: "The host's processors together.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(cpu) = snapshot.cpu.get() {
            visit(cpu);
        }
    },
    index: Index::Scalar,
    labels: &[],
    metrics: &[
        Metric::gauge(1, "processors", Unit::Count, "Processors that are on line.", "/proc/stat cpu0 and on", |cpu| {
            u64::try_from(cpu.cores.len()).ok().filter(|count| *count > 0).map(Into::into)
        }),
        Metric::gauge(2, "load1", Unit::Average, "Load average over 1 minute.", "/proc/loadavg", |cpu| {
            cpu.load.map(|[load, _, _]| load.into())
        }),
        Metric::gauge(3, "load5", Unit::Average, "Load average over 5 minutes.", "/proc/loadavg", |cpu| {
            cpu.load.map(|[_, load, _]| load.into())
        }),
        Metric::gauge(4, "load15", Unit::Average, "Load average over 15 minutes.", "/proc/loadavg", |cpu| {
            cpu.load.map(|[_, _, load]| load.into())
        }),
        Metric::gauge(
            5,
            "used_ratio",
            Unit::Ratio,
            "Share of the time since the last collection that was not idle.",
            "/proc/stat cpu 1 - idle - iowait",
            |cpu| cpu.recent.map(|recent| recent.used().into()),
        ),
        ratio!(6, user),
        ratio!(7, nice),
        ratio!(8, system),
        ratio!(9, idle),
        ratio!(10, iowait),
        ratio!(11, irq),
        ratio!(12, softirq),
        ratio!(13, steal),
        seconds!(Cpu, 14, user),
        seconds!(Cpu, 15, nice),
        seconds!(Cpu, 16, system),
        seconds!(Cpu, 17, idle),
        seconds!(Cpu, 18, iowait),
        seconds!(Cpu, 19, irq),
        seconds!(Cpu, 20, softirq),
        seconds!(Cpu, 21, steal),
        Metric::counter(22, "context_switches_total", Unit::Count, "Context switches.", "/proc/stat ctxt", |cpu| {
            cpu.context_switches.map(Into::into)
        }),
        Metric::counter(23, "interrupts_total", Unit::Count, "Interrupts.", "/proc/stat intr", |cpu| {
            cpu.interrupts.map(Into::into)
        }),
        Metric::counter(24, "forks_total", Unit::Count, "Processes and threads made.", "/proc/stat processes", |cpu| {
            cpu.forks.map(Into::into)
        }),
        Metric::gauge(
            25,
            "processes_running",
            Unit::Count,
            "Tasks that run or could run.",
            "/proc/stat procs_running",
            |cpu| cpu.running.map(Into::into),
        ),
        Metric::gauge(
            26,
            "processes_blocked",
            Unit::Count,
            "Tasks that wait for a disk.",
            "/proc/stat procs_blocked",
            |cpu| cpu.blocked.map(Into::into),
        ),
        Metric::gauge(
            27,
            "stalled_ratio",
            Unit::Ratio,
            "Share of the last minute in which some task waited for a processor.",
            "/proc/pressure/cpu some avg60",
            |cpu| cpu.stalled.map(|line| line.last_minute.into()),
        ),
        Metric::counter(
            28,
            "stalled_seconds_total",
            Unit::Seconds,
            "Time in which some task waited for a processor.",
            "/proc/pressure/cpu some total",
            |cpu| cpu.stalled.map(|line| line.total_seconds.into()),
        ),
    ],
};

/// Each processor.
pub static CORES: Family<Core> = Family {
    section: "cpu",
    subject: "cpu_core",
    object: "Core",
    arc: 20,
    help: "One processor that is on line.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(cpu) = snapshot.cpu.get() {
            cpu.cores.iter().for_each(visit);
        }
    },
    index: Index::Number(|core| core.number.saturating_add(1)),
    labels: &[Label::identity(2, "core", "The kernel's number of it, from 0.", "/proc/stat", |core: &Core| {
        Some(Cow::Owned(core.number.to_string()))
    })],
    metrics: &[
        seconds!(Core, 3, user),
        seconds!(Core, 4, nice),
        seconds!(Core, 5, system),
        seconds!(Core, 6, idle),
        seconds!(Core, 7, iowait),
        seconds!(Core, 8, irq),
        seconds!(Core, 9, softirq),
        seconds!(Core, 10, steal),
        Metric::gauge(
            11,
            "used_ratio",
            Unit::Ratio,
            "Share of the time since the last collection that was not idle.",
            "/proc/stat cpu0 and on, 1 - idle - iowait",
            |core| core.recent.map(|recent| recent.used().into()),
        ),
        Metric::gauge(
            12,
            "frequency_hertz",
            Unit::Hertz,
            "Its clock.",
            "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq",
            |core| core.frequency.map(Into::into),
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 100 0 100 700 100 0 0 0 50 0\n\
        intr 12 0 5 7\nctxt 34\nbtime 1700000000\nprocesses 56\nprocs_running 2\nprocs_blocked 0\n";

    #[test]
    fn shares_are_of_the_time_since_the_sample_before() {
        let mut earlier = Earlier::default();
        let mut cpu = parse(STAT, 100).expect("a whole stat");
        compare(&mut cpu, &mut earlier);
        assert_eq!((cpu.time.idle, cpu.interrupts, cpu.forks), (7.0, Some(12), Some(56)));
        let since_boot = cpu.recent.expect("time passed");
        assert!((since_boot.used() - 0.2).abs() < 1e-9, "{since_boot:?}");

        // iowait steps back, which is not negative time.
        let mut cpu = parse("cpu 130 0 100 710 90\ncpu0 100 0 100 700 100\n", 100).expect("a short stat");
        compare(&mut cpu, &mut earlier);
        let recent = cpu.recent.expect("time passed");
        assert!((recent.user - 0.75).abs() < 1e-9 && recent.iowait == 0.0, "{recent:?}");
        assert_eq!(cpu.cores[0].recent, None);
    }

    #[test]
    fn odd_files_are_absent_not_panics() {
        for text in ["", "cpu", "cpu 1 2 3", "cpu 1 2 3 x", "cpu 1 2 3 99999999999999999999999"] {
            assert_eq!(parse(text, 100), None, "{text:?}");
        }
        let text = "cpu 1 1 1 1\ncpux 1 1 1 1\ncpu4294967295 1 1 1 1\ncpu7 1\nctxt -1\n";
        let cpu = parse(text, 0).expect("all processors");
        assert_eq!((cpu.cores.len(), cpu.context_switches), (0, None));
        assert_eq!(parse_load("0.1 inf 0.2 1/2 3"), None);
    }

    #[test]
    fn a_whole_host_has_its_four_cores() {
        let cpu = read(&Root::new("tests/fixtures/root"), &mut Earlier::default()).expect("a whole host");
        assert_eq!((cpu.cores.len(), cpu.cores[3].frequency), (4, Some(2.4e9)));
        assert_eq!((cpu.load, cpu.running), (Some([0.52, 0.48, 0.35]), Some(2)));
    }
}
