//! `vitalsd engine`: who the SNMP engine is, and what opens it again.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{FAILED, WRONG, complain, configuration, print, status};
use crate::agent::control::Outcome;
use crate::agent::identity::{self, Source};
use crate::config::{Agent, Config};
use crate::report::{Report, span};
use crate::store::Store;

/// Show the SNMP engine's identity, or open SNMPv3 after its state was lost.
///
/// Keys and the receivers of traps are bound to the engine ID. Managers trust only messages that are newer than what they
/// have seen, by how often the engine has started: where that was lost for an engine ID that the configuration fixes,
/// SNMPv3 stays closed until `vitalsd engine reset`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  vitalsd engine show\n  vitalsd engine reset")]
pub struct Arguments {
    /// What to do
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print the engine ID, how often the engine has started, for how long it runs, and whether SNMPv3 is open
    Show,
    /// Open SNMPv3 for a fixed engine_id whose boots were lost; of a running agent at once
    ///
    /// Boots begin above all that the engine may have had, by the clock and by what is known. Managers may have to discover
    /// the engine anew.
    Reset,
}

impl Arguments {
    pub(super) fn run(self, config: Option<&Path>) -> u8 {
        let Some(loaded) = configuration(config) else { return WRONG };
        let said = match self.what {
            What::Show => show(&loaded.config),
            What::Reset => reset(&loaded.config),
        };
        match said {
            Ok(text) => print(text.as_bytes()),
            Err(reason) => {
                complain(&format!("vitalsd: {reason}"));
                FAILED
            }
        }
    }
}

/// Asks the running agent; `None` where none runs.
pub(super) fn ask<T: serde::de::DeserializeOwned>(config: &Config, line: &str) -> Result<Option<T>, String> {
    let socket = status::socket(&config.agent);
    match status::ask(&socket, line) {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(format!("{}: {error}", socket.display())),
    }
}

/// The state directory; as for the socket, that of the service where the caller's own isn't there.
fn state_dir(agent: &Agent) -> PathBuf {
    let own = agent.state_dir();
    let service = Path::new("/var/lib/vitalsd");
    if agent.state_dir.is_none() && !own.exists() && service.exists() { service.to_path_buf() } else { own }
}

/// Opens the state directory as the agent does. One of another user is refused: files that are made there by the wrong
/// one keep the agent from starting.
pub(super) fn open(agent: &Agent) -> Result<Store, String> {
    let directory = state_dir(agent);
    if let Ok(there) = std::fs::metadata(&directory)
        && there.uid() != nix::unistd::geteuid().as_raw()
    {
        let (shown, owner) = (directory.display(), there.uid());
        return Err(format!("{shown} is another user's: run this as its owner, as with sudo -u '#{owner}'"));
    }
    Store::open(&directory).map_err(|error| error.to_string())
}

fn show(config: &Config) -> Result<String, String> {
    if let Some(report) = ask::<Report>(config, "status")? {
        let engine = report.engine.ok_or("the agent that runs is of another version: restart it")?;
        let open = engine.closed.map_or_else(|| "open".to_string(), |reason| format!("closed: {reason}"));
        let running = span(f64::from(engine.seconds));
        return Ok(lines(&engine.id.to_string(), &engine.boots.to_string(), &format!("for {running}"), &open));
    }
    let source = Source::of(config)?;
    let Some(asleep) = identity::peek(&state_dir(&config.agent), &source).map_err(|error| error.to_string())? else {
        return Ok(lines("made when the agent first starts", "none", "no", "when the agent runs"));
    };
    let boots = asleep.boots.map_or_else(|| "not known".to_string(), |boots| boots.to_string());
    let open = if asleep.needs_reset { "closed until `vitalsd engine reset`" } else { "when the agent runs" };
    Ok(lines(&asleep.id.to_string(), &boots, "no", open))
}

fn lines(id: &str, boots: &str, running: &str, open: &str) -> String {
    format!("engine ID  {id}\nboots      {boots}\nrunning    {running}\nSNMPv3     {open}\n")
}

fn reset(config: &Config) -> Result<String, String> {
    match ask(config, "engine reset")? {
        Some(Outcome::Done(sentence)) => return Ok(sentence + "\n"),
        Some(Outcome::Error(reason)) => return Err(reason),
        None => {}
    }
    let source = Source::of(config)?;
    let store = open(&config.agent)?;
    // A file that can't be read is what the reset is for.
    if let Ok(Some(known)) = identity::peek(store.directory(), &source)
        && let Some(boots) = known.boots
    {
        return Ok(format!("Engine {} has boots {boots}: nothing was lost, nothing was changed.\n", known.id));
    }
    let opened = identity::reset(&store, &source, Timestamp::now())?;
    Ok(opened.reset_sentence() + "\n")
}
