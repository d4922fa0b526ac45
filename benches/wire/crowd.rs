//! A crowded machine: 1,000 network interfaces and 5,000 processes, in namespaces of their own.
//!
//! unshare(1) starts this program again in new network, process and mount namespaces. When that process ends, however it
//! ends, the kernel ends every process that was started in there and takes the interfaces away.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::thread;

use super::Options;
use super::agents::{Agent, Settings};
use super::latency::{beside_a_walk, settle};
use super::load::walk;

/// Pairs of virtual Ethernet links; each has two ends.
const PAIRS: usize = 500;
const PROCESSES: usize = 5_000;
/// So long each of them sleeps, at most.
const SLEEP_SECONDS: &str = "300";
/// Collections and walks of so much take longer: the measurement sees several.
const SECONDS: f64 = 10.0;

/// New namespaces, without which nothing here is done.
const NAMESPACES: &[&str] = &["--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"];

/// Starts this program in namespaces of its own; where that isn't allowed, says so and goes on.
pub fn start(options: &Options) -> io::Result<bool> {
    let allowed = Command::new("unshare").args(NAMESPACES).arg("true").stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("crowd: left out, as it needs root and unshare(1)");
        return Ok(true);
    }
    let mut command = Command::new("unshare");
    command
        .args(NAMESPACES)
        .arg(std::env::current_exe()?)
        .arg("--as-crowd")
        .arg("--rate")
        .arg(options.rate.to_string());
    command.arg("--vitalsd").arg(&options.vitalsd);
    if let Some(seconds) = options.seconds {
        command.arg("--seconds").arg(seconds.to_string());
    }
    if options.json {
        command.arg("--json");
    }
    match command.status()?.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(io::Error::other("the crowded machine could not be measured")),
    }
}

/// Processes that sleep; ended with the value.
struct Sleepers(Vec<Child>);

impl Drop for Sleepers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}

/// Fills the namespaces and measures. Refuses to run in the machine's own.
pub fn run(options: &Options) -> io::Result<bool> {
    if std::process::id() != 1 {
        return Err(io::Error::other("this is for namespaces of its own: use latency --only crowd"));
    }
    links()?;
    let mut sleepers = Sleepers(Vec::with_capacity(PROCESSES));
    for _ in 0..PROCESSES {
        let mut command = Command::new("sleep");
        command.arg(SLEEP_SECONDS).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        sleepers.0.push(command.spawn()?);
    }
    let usual = crowded("crowd", "10s", options)?;
    Ok(crowded("crowd, 1s", "1s", options)? && usual)
}

/// Measures with every section collected this often.
fn crowded(name: &str, interval: &'static str, options: &Options) -> io::Result<bool> {
    let agent = Agent::vitalsd(&options.vitalsd, &Settings { interval, root: None })?;
    settle();
    let seen = thread::scope(|scope| scope.spawn(|| walk(agent.address, &AtomicBool::new(false), 1)).join());
    let seen = seen.map_err(|_| io::Error::other("the walker panicked"))??.instances;
    let least = u64::try_from(2 * PAIRS + PROCESSES).unwrap_or(0);
    if seen < least {
        return Err(io::Error::other(format!("the agent shows {seen} instances only: {}", agent.output())));
    }
    beside_a_walk(name, &agent, options, SECONDS)
}

fn links() -> io::Result<()> {
    let mut commands = String::from("link set lo up\n");
    for pair in 0..PAIRS {
        commands.push_str(&format!("link add a{pair} type veth peer name b{pair}\n"));
    }
    let mut child = Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(commands.as_bytes())?;
    }
    if child.wait()?.success() { Ok(()) } else { Err(io::Error::other("ip could not make the links")) }
}
