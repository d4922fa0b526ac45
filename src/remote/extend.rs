//! The commands of `[[extend]]`, run in the background: the one place where the agent starts programs.
//!
//! Each command has a task with its own interval; a few run at once, never two of the same, and none because of a request.
//! A command is started without a shell, in `/`, in a process group of its own, with a bare environment and nothing to
//! read; what it says on standard error goes nowhere. What takes too long or prints too much is killed with its group.
//! Which commands there are is the configuration's to say alone.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::Child;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{self, Instant, MissedTickBehavior, timeout};

use crate::collect::extend::{Command, Run, RunSource};
use crate::metric::Now;

/// The most that one command may print: an answer over UDP must hold it.
const MAX_OUTPUT_BYTES: usize = 32 << 10;

/// How many commands run at once: they must not take the machine from what it is for.
const AT_ONCE: usize = 4;

/// The least interval: anything faster measures the command.
const LEAST_INTERVAL: Duration = Duration::from_secs(1);

/// How long a killed command is waited for: one in the hands of a dead disk can't be killed.
const REAPING: Duration = Duration::from_secs(1);

/// Where commands find programs by name.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What each command was, and how it last ran, by its name.
type Results = BTreeMap<String, (Vec<String>, Run)>;

/// What the commands came to. It lives as long as the agent; cloning it shares it.
#[derive(Clone)]
pub struct Runner {
    results: Arc<Mutex<Results>>,
    permits: Arc<Semaphore>,
}

impl Runner {
    /// A runner of nothing yet.
    pub fn new() -> Runner {
        Runner { results: Arc::default(), permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Starts a task a command. They end when the set is dropped, and the commands that run then are killed. Results of
    /// commands that aren't among these, or are others now, are forgotten.
    pub fn start(&self, commands: &[Command], now: impl Fn() -> Now + Clone + Send + 'static) -> JoinSet<()> {
        let same = |name: &str, words: &[String]| {
            commands.iter().any(|command| command.name == name && command.command == words)
        };
        self.results().retain(|name, (words, _)| same(name, words));
        let mut tasks = JoinSet::new();
        for command in commands {
            tasks.spawn(self.clone().repeat(command.clone(), now.clone()));
        }
        tasks
    }

    /// How collectors ask.
    pub fn source(&self) -> RunSource {
        let runner = self.clone();
        Arc::new(move || runner.results().iter().map(|(name, (_, run))| (name.clone(), run.clone())).collect())
    }

    fn results(&self) -> std::sync::MutexGuard<'_, Results> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn repeat(self, command: Command, now: impl Fn() -> Now) {
        let mut ticks = time::interval(command.interval.0.max(LEAST_INTERVAL));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // It is never closed.
            let Ok(permit) = self.permits.acquire().await else { return };
            let began = Instant::now();
            let (result, output) = run(&command).await;
            drop(permit);
            self.note(&command, began.elapsed(), result, output, now());
        }
    }

    fn note(&self, command: &Command, duration: Duration, result: Result<i32, String>, output: Vec<u8>, now: Now) {
        let mut results = self.results();
        let (_, run) = results.entry(command.name.clone()).or_insert_with(|| (command.command.clone(), Run::default()));
        if let Err(reason) = &result
            && run.result.as_ref() != Some(&result)
        {
            tracing::warn!(extend = command.name, reason, "a command failed");
        }
        let failed = result != Ok(0);
        *run = Run {
            ended: Some(now),
            duration,
            result: Some(result),
            output: String::from_utf8_lossy(&output).into_owned(),
            runs: run.runs + 1,
            failures: run.failures + u64::from(failed),
        };
    }
}

impl Default for Runner {
    fn default() -> Self {
        Runner::new()
    }
}

/// Runs a command to its end, or ends it: its exit status or why it has none, and what it printed until then.
async fn run(command: &Command) -> (Result<i32, String>, Vec<u8>) {
    let mut output = Vec::new();
    let result = match spawn(&command.command) {
        Err(error) => Err(format!("it could not be started: {error}")),
        Ok(mut child) => {
            let mut group = Group::of(&child);
            let ended = timeout(command.timeout.0, finish(&mut child, &mut output)).await;
            if matches!(ended, Ok(Ok(_))) {
                // Its number may be another's from here on.
                group.0 = None;
            } else {
                drop(group);
                let _ = timeout(REAPING, child.wait()).await;
            }
            match ended {
                Err(_) => Err(format!("it took longer than {} and was killed", command.timeout)),
                Ok(Err(error)) => Err(error.to_string()),
                Ok(Ok(status)) => told(status),
            }
        }
    };
    (result, output)
}

fn spawn(words: &[String]) -> io::Result<Child> {
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    tokio::process::Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C.UTF-8")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Waits until nobody can print any more, then for the end: it is not reaped before, so that its number stays its own.
async fn finish(child: &mut Child, output: &mut Vec<u8>) -> io::Result<ExitStatus> {
    if let Some(stdout) = child.stdout.take() {
        let most = u64::try_from(MAX_OUTPUT_BYTES).unwrap_or(u64::MAX);
        stdout.take(most + 1).read_to_end(output).await?;
        if output.len() > MAX_OUTPUT_BYTES {
            output.truncate(MAX_OUTPUT_BYTES);
            return Err(io::Error::other(format!("it printed more than {MAX_OUTPUT_BYTES} bytes and was killed")));
        }
    }
    child.wait().await
}

fn told(status: ExitStatus) -> Result<i32, String> {
    let signal = status.signal().unwrap_or_default();
    status.code().ok_or_else(|| format!("it was ended by signal {signal}"))
}

/// The process group of a command that was not reaped yet: killed when it is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Group {
        let number = child.id().and_then(|number| i32::try_from(number).ok());
        Group(number.and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0.take() {
            // It may have ended just now.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Interval;

    fn command(words: &[&str], timeout: Duration) -> Command {
        Command {
            name: "test".into(),
            command: words.iter().map(ToString::to_string).collect(),
            timeout: Interval(timeout),
            ..Command::default()
        }
    }

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_command_has_its_status_and_a_bare_environment() {
        let (result, output) = run(&command(&["/usr/bin/env"], LONG)).await;
        let text = String::from_utf8(output).expect("text");
        let names: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        assert_eq!((result, names), (Ok(0), vec!["LC_ALL", "PATH"]));
        let (result, output) = run(&command(&["/bin/sh", "-c", "pwd; echo no >&2; cat; exit 3"], LONG)).await;
        assert_eq!((result, output.as_slice()), (Ok(3), b"/\n".as_slice()));
        let (result, _) = run(&command(&["/nonexistent"], LONG)).await;
        assert!(result.is_err_and(|reason| reason.contains("could not be started")));
        let (result, _) = run(&command(&["/bin/sh", "-c", "kill -9 $$"], LONG)).await;
        assert_eq!(result, Err("it was ended by signal 9".into()));
    }

    /// What it started ends with it, though the command itself ended long ago.
    #[tokio::test]
    async fn what_takes_too_long_is_killed_with_its_group() {
        let script = "echo $$; sleep 600 & echo $!";
        let (result, output) = run(&command(&["/bin/sh", "-c", script], Duration::from_millis(300))).await;
        assert!(result.is_err_and(|reason| reason.contains("longer than 300ms")));
        let text = String::from_utf8(output).expect("text");
        let numbers: Vec<i32> = text.lines().map(|line| line.parse().expect("a number")).collect();
        assert_eq!(numbers.len(), 2, "{text}");
        for number in numbers {
            let gone = || {
                let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
                stat.is_empty() || stat.contains(") Z ")
            };
            for _ in 0..200 {
                if gone() {
                    break;
                }
                time::sleep(Duration::from_millis(10)).await;
            }
            assert!(gone(), "{number} lives");
        }
    }

    #[tokio::test]
    async fn what_prints_without_end_is_cut_off() {
        let (result, output) = run(&command(&["/bin/sh", "-c", "yes"], LONG)).await;
        assert!(result.is_err_and(|reason| reason.contains("more than 32768 bytes")));
        assert_eq!(output.len(), MAX_OUTPUT_BYTES);
    }
}
