//! Processors: where their time goes, the load, and how long tasks were held up for want of one.
//!
//! Relies on /proc/stat, whose counters are turned into shares by keeping the samples of the last minute. The first
//! collection has the shares and rates since boot. Models are read once: the kernel measures each clock to say them.
//! Clock speeds and pressure stall information are absent where the kernel has none.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::{DEADLINE, Error, Family, Root, Section, pressure};
use crate::metric::{Index, Label, Metric, Now, Unit};

/// All processors at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Cpu {
    /// Time of all processors together, in seconds since boot.
    pub time: Modes,
    /// Where it went since the sample before; absent where no time passed.
    pub recent: Option<Modes>,
    /// Of user and nice time: what guests of virtual machines took, in seconds since boot. Absent before Linux 2.6.33.
    pub guests: Option<[f64; 2]>,
    /// The processors that are on line.
    pub cores: Vec<Core>,
    /// Load averages over 1, 5 and 15 minutes; /proc/loadavg.
    pub load: Option<[f64; 3]>,
    /// Context switches since boot; ctxt.
    pub context_switches: Option<u64>,
    /// Interrupts since boot; intr.
    pub interrupts: Option<u64>,
    /// Interrupts and context switches per second since the sample before; absent where no time passed.
    pub rates: Option<[f64; 2]>,
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
    /// Where it went in the last minute, or since the sample before where that is longer ago.
    pub minute: Option<Modes>,
    /// Its clock, in hertz; scaling_cur_freq.
    pub frequency: Option<f64>,
    /// Its maker and model; /proc/cpuinfo vendor_id and model name.
    pub model: Option<Arc<str>>,
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
    pub fn used(&self) -> f64 {
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
        Box::new(move |now| read(&root, now, &mut earlier))
    },
    slot: |snapshot| &mut snapshot.cpu,
    status: |snapshot| &snapshot.cpu.status,
};

/// What is kept between collections.
#[derive(Default)]
struct Earlier {
    all: Modes,
    interrupts: u64,
    context_switches: u64,
    /// When, and each processor's time: the samples of the last minute, the oldest first.
    samples: VecDeque<(Duration, HashMap<u32, Modes>)>,
    /// The shares of the last minute as told before: they stay where no time passes.
    minutes: HashMap<u32, Modes>,
    models: HashMap<u32, Option<Arc<str>>>,
}

/// What a processor's load is the mean of.
const MINUTE: Duration = Duration::from_secs(60);

fn read(root: &Root, now: Now, earlier: &mut Earlier) -> Result<Cpu, Error> {
    let stat = root.read("proc/stat")?;
    let mut cpu = parse(&stat, procfs::ticks_per_second())
        .ok_or_else(|| Error::malformed(root.path("proc/stat"), "no time of all processors"))?;
    cpu.load = root.read("proc/loadavg").ok().and_then(|text| parse_load(&text));
    cpu.stalled = root.read("proc/pressure/cpu").ok().and_then(|text| pressure::Line::parse(&text, "some"));
    for core in &mut cpu.cores {
        let file = format!("sys/devices/system/cpu/cpu{}/cpufreq/scaling_cur_freq", core.number);
        core.frequency = root.read_number::<u32>(file).map(|kilohertz| f64::from(kilohertz) * 1000.0);
    }
    compare(&mut cpu, now.monotonic, earlier);
    describe(root, &mut cpu.cores, &mut earlier.models);
    Ok(cpu)
}

/// Fills in shares and rates, and keeps this sample for the next time.
fn compare(cpu: &mut Cpu, now: Duration, earlier: &mut Earlier) {
    let passed = match earlier.samples.back() {
        Some((before, _)) => now.saturating_sub(*before).as_secs_f64(),
        None => cpu.time.to_array().iter().sum::<f64>() / f64::from(u32::try_from(cpu.cores.len()).unwrap_or(1).max(1)),
    };
    cpu.recent = cpu.time.since(earlier.all);
    cpu.rates = cpu.interrupts.zip(cpu.context_switches).filter(|_| passed > 0.0).map(|(interrupts, switches)| {
        [(interrupts, earlier.interrupts), (switches, earlier.context_switches)]
            .map(|(later, before)| super::difference(later, before) / passed)
    });
    while earlier.samples.len() > 1 && earlier.samples.front().is_some_and(|(at, _)| now.saturating_sub(*at) > MINUTE) {
        earlier.samples.pop_front();
    }
    let since = |core: &Core, sample: Option<&(Duration, HashMap<u32, Modes>)>| {
        core.time.since(sample.and_then(|(_, cores)| cores.get(&core.number)).copied().unwrap_or_default())
    };
    for core in &mut cpu.cores {
        core.recent = since(core, earlier.samples.back());
        let kept = earlier.minutes.get(&core.number).copied();
        core.minute = since(core, earlier.samples.front()).or(kept);
    }
    earlier.minutes = cpu.cores.iter().filter_map(|core| Some((core.number, core.minute?))).collect();
    earlier.all = cpu.time;
    earlier.interrupts = cpu.interrupts.unwrap_or(0);
    earlier.context_switches = cpu.context_switches.unwrap_or(0);
    earlier.samples.push_back((now, cpu.cores.iter().map(|core| (core.number, core.time)).collect()));
}

/// Fills in the models; the file is read again when there is a processor that it wasn't asked about.
fn describe(root: &Root, cores: &mut [Core], models: &mut HashMap<u32, Option<Arc<str>>>) {
    if cores.iter().any(|core| !models.contains_key(&core.number)) {
        let mut said = parse_models(&root.read("proc/cpuinfo").unwrap_or_default());
        *models = cores.iter().map(|core| (core.number, said.remove(&core.number))).collect();
    }
    for core in cores {
        core.model = models.get(&core.number).cloned().flatten();
    }
}

/// /proc/cpuinfo: a paragraph a processor of `key : value`. Some architectures have no model name.
fn parse_models(text: &str) -> HashMap<u32, Arc<str>> {
    let paragraphs = text.split("\n\n").filter_map(|paragraph| {
        let field = |key: &str| {
            let fields = paragraph.lines().filter_map(|line| line.split_once(':'));
            fields
                .map(|(name, value)| (name.trim(), value.trim()))
                .find(|(name, _)| *name == key)
                .map(|(_, value)| value)
        };
        let model = field("model name").filter(|model| !model.is_empty())?;
        let described = field("vendor_id").map_or_else(|| model.into(), |vendor| format!("{vendor}: {model}").into());
        Some((field("processor")?.parse().ok()?, described))
    });
    paragraphs.collect()
}

/// proc_stat(5), without shares; `None` where the line of all processors is missing.
fn parse(stat: &str, ticks_per_second: u64) -> Option<Cpu> {
    let (mut all, mut guests) = (None, None);
    let mut cores = Vec::new();
    let mut numbers = HashMap::new();
    for line in stat.lines() {
        let mut words = line.split_ascii_whitespace();
        let Some(name) = words.next() else { continue };
        if name == "cpu" {
            guests = parse_guests(words.clone(), ticks_per_second);
            all = parse_modes(words, ticks_per_second);
        } else if let Some(number) = name.strip_prefix("cpu") {
            // The index is the number plus one, which must fit as well.
            let number = number.parse().ok().filter(|number| *number < u32::MAX);
            if let (Some(number), Some(time)) = (number, parse_modes(words, ticks_per_second)) {
                cores.push(Core { number, time, recent: None, minute: None, frequency: None, model: None });
            }
        } else if let Some(value) = words.next().and_then(|word| word.parse::<u64>().ok()) {
            numbers.insert(name, value);
        }
    }
    let number = |name| numbers.get(name).copied();
    Some(Cpu {
        time: all?,
        recent: None,
        guests,
        cores,
        load: None,
        context_switches: number("ctxt"),
        interrupts: number("intr"),
        rates: None,
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

/// The ninth and tenth of a line's ticks.
#[allow(clippy::cast_precision_loss, reason = "a double holds 2 million years of ticks")]
fn parse_guests<'a>(words: impl Iterator<Item = &'a str>, ticks_per_second: u64) -> Option<[f64; 2]> {
    let mut words = words.skip(8).map(|word| word.parse::<u64>().ok());
    let guests = [words.next()??, words.next()??];
    Some(guests.map(|ticks| ticks as f64 / ticks_per_second.max(1) as f64))
}

fn parse_load(text: &str) -> Option<[f64; 3]> {
    let mut words = text.split_ascii_whitespace().map(|word| word.parse().ok().filter(|load: &f64| load.is_finite()));
    Some([words.next()??, words.next()??, words.next()??])
}

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
        Metric::counter(
            29,
            "guest_seconds_total",
            Unit::Seconds,
            "Time that guests of virtual machines took; counted in the modes user and nice too.",
            "/proc/stat cpu guest",
            |cpu: &Cpu| cpu.guests.map(|[user, _]| user.into()),
        )
        .variant("mode", "user"),
        Metric::counter(
            30,
            "guest_seconds_total",
            Unit::Seconds,
            "Time that guests of virtual machines took; counted in the modes user and nice too.",
            "/proc/stat cpu guest_nice",
            |cpu: &Cpu| cpu.guests.map(|[_, nice]| nice.into()),
        )
        .variant("mode", "nice"),
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
    labels: &[
        Label::identity(2, "core", "The kernel's number of it, from 0.", "/proc/stat", |core: &Core| {
            Some(Cow::Owned(core.number.to_string()))
        }),
        Label::info(13, "model", "Its maker and model.", "/proc/cpuinfo", |core: &Core| {
            core.model.as_deref().map(Cow::Borrowed)
        }),
    ],
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
        Metric::gauge(
            14,
            "used_minute_ratio",
            Unit::Ratio,
            "Share of the last minute that was not idle.",
            "/proc/stat cpu0 and on, 1 - idle - iowait",
            |core| core.minute.map(|minute| minute.used().into()),
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
        compare(&mut cpu, Duration::from_secs(10), &mut earlier);
        assert_eq!((cpu.time.idle, cpu.interrupts, cpu.forks), (7.0, Some(12), Some(56)));
        let since_boot = cpu.recent.expect("time passed");
        assert!((since_boot.used() - 0.2).abs() < 1e-9, "{since_boot:?}");

        // iowait steps back, which is not negative time.
        let mut cpu = parse("cpu 130 0 100 710 90\ncpu0 100 0 100 700 100\n", 100).expect("a short stat");
        compare(&mut cpu, Duration::from_secs(20), &mut earlier);
        let recent = cpu.recent.expect("time passed");
        assert!((recent.user - 0.75).abs() < 1e-9 && recent.iowait == 0.0, "{recent:?}");
        assert_eq!(cpu.cores[0].recent, None);
    }

    #[test]
    fn the_load_is_the_mean_of_the_last_minute() {
        let mut earlier = Earlier::default();
        let used = |seconds: u64, busy: u64, earlier: &mut Earlier| {
            let line = format!("{busy} 0 0 {}", 10_000 - busy);
            let mut cpu = parse(&format!("cpu {line}\ncpu0 {line}\nintr {busy}\nctxt 5\n"), 100).expect("a short stat");
            compare(&mut cpu, Duration::from_secs(seconds), earlier);
            (cpu.cores[0].minute.map(|minute| minute.used()), cpu.rates)
        };
        assert_eq!(used(0, 0, &mut earlier).0, Some(0.0), "since boot");
        // The sum of this processor's ticks stays, so that only what is busy is seen to pass.
        assert_eq!(used(30, 300, &mut earlier), (Some(1.0), Some([10.0, 0.0])));
        assert_eq!(earlier.samples.len(), 2);
        used(61, 400, &mut earlier);
        used(3_600, 500, &mut earlier);
        assert_eq!(earlier.samples.len(), 2, "the one before, however old, and this one");
    }

    #[test]
    fn models_are_by_processor() {
        let text = "processor\t: 0\nvendor_id\t: V\nmodel name\t: M 1: x\n\nprocessor: 1\nmodel name :\n\nprocessor: z\nmodel name: q\n";
        let models = parse_models(text);
        assert_eq!((models.len(), models.get(&0).map(|model| &**model)), (1, Some("V: M 1: x")));
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
        let now = Now { wall: jiff::Timestamp::UNIX_EPOCH, monotonic: Duration::ZERO };
        let cpu = read(&Root::new("tests/fixtures/root"), now, &mut Earlier::default()).expect("a whole host");
        assert_eq!((cpu.cores.len(), cpu.cores[3].frequency), (4, Some(2.4e9)));
        assert_eq!((cpu.load, cpu.running), (Some([0.52, 0.48, 0.35]), Some(2)));
    }
}
