//! Latency: a GET at a fixed rate, by what else the agent and the machine do meanwhile.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::json;

use super::Options;
use super::agents::{Agent, Settings, UP_TIME};
use super::crowd;
use super::load::{Load, open, percentile, walk};
use super::packets::{Community, Question};
use super::table::float;

/// The most that the 99th percentile should be, in microseconds.
const BAR_MICROSECONDS: f64 = 1_000.0;
/// A collection is called late after 5 seconds; a hang lasts well beyond that.
const HANG_SECONDS: f64 = 12.0;
/// How long the others last.
const SECONDS: f64 = 5.0;
/// What the agent says of a collector that hangs.
const LATE: &str = "past its deadline";

/// Measures and prints; whether every bar holds and every answer came.
pub fn run(options: &Options) -> io::Result<bool> {
    if !options.json {
        println!(
            "{:<12} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}  beside it",
            "GET", "rate", "p50 us", "p99 us", "bar", "max us", "sent p99", "late p99", "late max", "lost/bad"
        );
    }
    let mut good = true;
    let own = |interval| Settings { interval, root: None };
    if options.wants("quiet") {
        let agent = Agent::vitalsd(&options.vitalsd, &own("1h"))?;
        settle();
        good &= print("quiet", &get(&agent, options, options.duration(SECONDS))?, "nothing", options);
    }
    if options.wants("collecting") {
        let agent = Agent::vitalsd(&options.vitalsd, &own("1s"))?;
        settle();
        good &= print(
            "collecting",
            &get(&agent, options, options.duration(SECONDS))?,
            "every collector, each second",
            options,
        );
    }
    if options.wants("walk") {
        let agent = Agent::vitalsd(&options.vitalsd, &own("1h"))?;
        settle();
        good &= beside_a_walk("walk", &agent, options, SECONDS)?;
    }
    if options.wants("hang") {
        good &= hang(options)?;
    }
    if options.wants("crowd") {
        good &= crowd::start(options)?;
    }
    Ok(good)
}

/// Lets what an agent does at its start end.
pub fn settle() {
    thread::sleep(Duration::from_millis(1500));
}

/// GETs while another manager walks everything.
pub fn beside_a_walk(name: &str, agent: &Agent, options: &Options, seconds: f64) -> io::Result<bool> {
    let stop = AtomicBool::new(false);
    let (load, walked) = thread::scope(|scope| {
        let walker = scope.spawn(|| walk(agent.address, &stop, u64::MAX));
        let load = get(agent, options, options.duration(seconds));
        stop.store(true, Ordering::Relaxed);
        (load, walker.join())
    });
    let walked = walked.map_err(|_| io::Error::other("the walker panicked"))??;
    let beside = format!("{} walks of {} instances", walked.walks, walked.instances);
    Ok(print(name, &load?, &beside, options))
}

/// A collector that hangs: it opens a pipe that nobody writes to.
fn hang(options: &Options) -> io::Result<bool> {
    let directory = tempfile::tempdir()?;
    let root = directory.path().join("root");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/root"), &root)?;
    let pipe = root.join("proc/meminfo");
    fs::remove_file(&pipe)?;
    mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR)?;
    let agent = Agent::vitalsd(&options.vitalsd, &Settings { interval: "1s", root: Some(root) })?;
    settle();
    let load = get(&agent, options, options.duration(HANG_SECONDS).max(Duration::from_secs_f64(HANG_SECONDS)))?;
    if !agent.output().contains(LATE) {
        return Err(io::Error::other(format!("no collector hung: {}", agent.output())));
    }
    Ok(print("hang", &load, "a collector that waits for ever", options))
}

fn get(agent: &Agent, options: &Options, duration: Duration) -> io::Result<Load> {
    let target: SocketAddr = agent.address;
    let question = Question::get(&[UP_TIME]);
    // Nothing is remembered of the first half second, in which sockets and buffers are first used.
    open(target, &mut Community::new(&question), &question, options.rate, Duration::from_millis(500))?;
    open(target, &mut Community::new(&question), &question, options.rate, duration)
}

fn print(name: &str, load: &Load, beside: &str, options: &Options) -> bool {
    let microseconds = |sorted: &[u64], per_thousand| float(percentile(sorted, per_thousand)) / 1e3;
    let (p50, p99) = (microseconds(&load.latencies, 500), microseconds(&load.latencies, 990));
    let (max, rate) = (microseconds(&load.latencies, 1000), float(load.answers) / load.seconds);
    let (late, latest) = (microseconds(&load.delays, 990), microseconds(&load.delays, 1000));
    let sent = microseconds(&load.since_sent, 990);
    let holds = p99 < BAR_MICROSECONDS;
    let (lost, bad) = (load.lost, load.bad);
    if options.json {
        let line = json!({
            "scenario": name, "beside": beside, "answers_per_second": rate, "p50_microseconds": p50,
            "p99_microseconds": p99, "bar": BAR_MICROSECONDS, "max_microseconds": max,
            "sent_p99_microseconds": sent, "late_p99_microseconds": late, "late_max_microseconds": latest,
            "lost": lost, "bad": bad,
        });
        println!("{line}");
    } else {
        let verdict = format!("{BAR_MICROSECONDS} {}", if holds { "ok" } else { "over" });
        let counts = format!("{lost}/{bad}");
        println!(
            "{name:<12} {rate:>7.0} {p50:>9.1} {p99:>9.1} {verdict:>9} {max:>9.1} {sent:>9.1} {late:>9.1} {latest:>9.1} \
             {counts:>9}  {beside}"
        );
    }
    holds && lost == 0 && bad == 0
}

/// Copies a tree with its links.
fn copy(from: &Path, to: &PathBuf) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
