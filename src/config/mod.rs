//! The configuration: the file as written, and what is in force.
//!
//! Every module owns the struct of its section; this one puts them together. [`Loaded`] is a file that was found good,
//! [`Findings`] all that is wrong with one. What the keys mean is said once, in the structs' comments: from there come the
//! remedies of mistakes and `config/vitalsd.toml`.

mod checks;
mod checks_snmp;
mod findings;
mod load;
mod render;
#[cfg(test)]
mod snmp_tests;
#[cfg(test)]
mod tests;
mod tree;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;
use crate::{collect, health, http, mib, notify, snmp};

pub use findings::{Finding, Findings, Level};
pub use load::{DEFAULT_PATH, Loaded, load, load_text};
pub use render::example;

/// Everything that the file may say.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The agent itself: where it keeps its state, and where it reads the host's.
    pub agent: Agent,
    /// What the agent says of its own work.
    pub log: Log,
    /// The system group of SNMPv2-MIB.
    pub system: System,
    /// Who may ask over SNMP, where, and for what.
    pub snmp: snmp::config::Config,
    /// The private MIB.
    pub mib: mib::Config,
    /// What is collected, and how often.
    pub collect: collect::Config,
    /// Prometheus' page. A file without this section serves no HTTP.
    pub http: Option<http::config::Config>,
    /// Who is told of alarms.
    pub notify: notify::config::Config,
    /// Thresholds over any metric, beside the built-in ones. A rule with a built-in rule's name replaces it.
    pub rule: Vec<health::config::Rule>,
    /// The crucial components: systemd units, or patterns of processes. The host is online while all critical ones are.
    pub service: Vec<collect::service::Watch>,
}

impl Config {
    /// What is in force without a file, safe on any machine: SNMP and HTTP for this machine alone.
    pub fn built_in() -> Self {
        let loopback = vec!["127.0.0.0/8".to_string(), "::1/128".to_string()];
        let public = snmp::config::Community {
            name: Some(Secret::new("public")),
            from: Some(loopback),
            ..snmp::config::Community::default()
        };
        Config {
            snmp: snmp::config::Config { community: vec![public], ..snmp::config::Config::default() },
            http: Some(http::config::Config::default()),
            ..Config::default()
        }
    }

    /// The whole as TOML, without secrets.
    pub fn effective(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }
}

/// The agent itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Agent {
    /// The directory of what must survive a restart; absent: `$STATE_DIRECTORY`, else `$XDG_STATE_HOME/vitalsd`, else
    /// `~/.local/state/vitalsd`.
    pub state_dir: Option<PathBuf>,
    /// Where `/proc`, `/sys` and `/etc` are read from: `/host`, say, in a container.
    pub root: PathBuf,
    /// The unix socket on which the command line asks the running agent; absent: `control.sock` in the state directory.
    pub control: Option<PathBuf>,
}

impl Default for Agent {
    fn default() -> Self {
        Agent { state_dir: None, root: "/".into(), control: None }
    }
}

impl Agent {
    /// The state directory in force.
    pub fn state_dir(&self) -> PathBuf {
        self.state_dir.clone().unwrap_or_else(|| default_state_dir(|name| std::env::var_os(name).map(PathBuf::from)))
    }

    /// The control socket in force.
    pub fn control(&self) -> PathBuf {
        self.control.clone().unwrap_or_else(|| self.state_dir().join("control.sock"))
    }
}

fn default_state_dir(variable: impl Fn(&str) -> Option<PathBuf>) -> PathBuf {
    let set = |name| variable(name).filter(|path| path.is_absolute());
    // systemd separates several directories by colons; the first is the unit's own.
    let first = |path: PathBuf| {
        path.to_str().and_then(|text| text.split(':').next()).map(PathBuf::from).unwrap_or_else(|| path.clone())
    };
    set("STATE_DIRECTORY")
        .map(first)
        .or_else(|| set("XDG_STATE_HOME").map(|home| home.join("vitalsd")))
        .or_else(|| set("HOME").map(|home| home.join(".local/state/vitalsd")))
        .unwrap_or_else(|| Path::new("/var/lib/vitalsd").to_path_buf())
}

/// The agent's own log, on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// The least that is said: `error`, `warn`, `info`, `debug` or `trace`.
    pub level: LogLevel,
    /// How it is written: `text`, `json`, or `journald` for systemd's journal with its priorities.
    pub format: LogFormat,
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What stops the agent from doing its work.
    Error,
    /// What an operator should look at.
    Warn,
    /// Starts, stops, reloads.
    #[default]
    Info,
    /// Each decision.
    Debug,
    /// Each message.
    Trace,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
    /// The journal's own protocol, with fields.
    Journald,
}

/// The system group of SNMPv2-MIB (RFC 3418, section 2).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct System {
    /// sysName; absent: the host name.
    pub name: Option<String>,
    /// sysContact: who looks after this machine.
    pub contact: String,
    /// sysLocation: where it stands.
    pub location: String,
    /// sysObjectID; absent: `.3.1` below `mib.root`.
    pub object_id: Option<String>,
}
