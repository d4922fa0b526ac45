//! `vitalsd status`: asks the running agent, or looks once where none runs.
//!
//! The exit code is a monitoring plugin's: 0 ok, 1 warning, 2 critical, 3 unknown, which a usage error is too.

use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{GOOD, complain, configuration, gather, print};
use crate::config::{Agent, Config};
use crate::health::State;
use crate::report::Report;

/// Say how this machine does.
///
/// Asks the running agent over its control socket; where none runs, collects once and judges by the rules at once,
/// without their hold times. Exit code 0 ok, 1 warning, 2 critical, 3 unknown or an error, as monitoring plugins do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  vitalsd status\n  vitalsd status --json | jq .overall\n  vitalsd status > /dev/null || echo look at it"
)]
pub struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The exit code of what isn't known.
pub(super) const UNKNOWN: u8 = 3;

impl Arguments {
    pub(super) fn run(self, config: Option<&Path>) -> u8 {
        let Some(loaded) = configuration(config) else { return UNKNOWN };
        let socket = socket(&loaded.config.agent);
        let report = match ask(&socket, "status") {
            Ok(report) => report,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                complain("No agent is running: this is one look at the machine.");
                look(&loaded.config)
            }
            Err(error) => {
                complain(&format!("vitalsd: {}: {error}", socket.display()));
                return UNKNOWN;
            }
        };
        let text = if self.json {
            serde_json::to_string_pretty(&report).map(|text| text + "\n").unwrap_or_default()
        } else {
            report.text(io::stdout().is_terminal())
        };
        match print(text.as_bytes()) {
            GOOD => exit_code(report.overall),
            _ => UNKNOWN,
        }
    }
}

/// Where the agent answers. Under systemd an agent without a `state_dir` of its own keeps its state in
/// `/var/lib/vitalsd`, which only it is told of: that is looked at where the caller's own place has no agent.
pub(super) fn socket(agent: &Agent) -> PathBuf {
    let own = agent.control();
    let service = Path::new("/var/lib/vitalsd/control.sock");
    let named = agent.state_dir.is_some() || agent.control.is_some();
    if !named && !own.exists() && service.exists() { service.to_path_buf() } else { own }
}

fn exit_code(state: State) -> u8 {
    match state {
        State::Ok => 0,
        State::Warning => 1,
        State::Critical => 2,
        State::Unknown => UNKNOWN,
    }
}

/// How long the agent may take for each part of its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most that is read of an answer.
const MAX_ANSWER_BYTES: u64 = 16 << 20;

/// Asks the agent on `socket`: one line, then JSON until it closes.
pub(super) fn ask<T: DeserializeOwned>(socket: &Path, line: &str) -> io::Result<T> {
    ask_patiently(socket, line, PATIENCE)
}

/// The same of an answer that takes longer.
pub(super) fn ask_patiently<T: DeserializeOwned>(socket: &Path, line: &str, patience: Duration) -> io::Result<T> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{line}\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer)?;
    serde_json::from_slice(&answer).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// One look, without an agent.
fn look(config: &Config) -> Report {
    let (snapshot, health) = gather::look(config);
    Report::build(&snapshot, &health, None, None)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    #[test]
    fn the_agent_is_asked_with_one_line() {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("control.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let answer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("asked");
            let mut line = [0; 7];
            stream.read_exact(&mut line).expect("a line");
            let report = r#"{"version":"1","uptime_seconds":1.5,"overall":"warning","subjects":[],"alarms":[]}"#;
            stream.write_all(report.as_bytes()).expect("answered");
            line
        });
        let report: Report = ask(&socket, "status").expect("a report");
        assert_eq!((report.overall, exit_code(report.overall)), (State::Warning, 1));
        assert_eq!(answer.join().ok().as_ref().map(|line| &line[..]), Some(&b"status\n"[..]));
        assert_eq!(
            ask::<Report>(&socket, "status").map_err(|error| error.kind()),
            Err(io::ErrorKind::ConnectionRefused)
        );
    }
}
