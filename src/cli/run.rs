//! `vitalsd run`: the agent, until it is told to stop.

use std::io;
use std::path::Path;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

use super::{FAILED, GOOD, WRONG, complain, tell};
use crate::agent;
use crate::config::{Log, LogFormat, LogLevel, load};

/// Run the agent: collect, serve SNMP and HTTP, send notifications.
///
/// Without a configuration file it serves this machine alone: SNMP on udp:127.0.0.1:1161 with the community `public`, HTTP
/// on 127.0.0.1:9161. SIGTERM ends it, SIGHUP makes it read the configuration again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  vitalsd run\n  vitalsd run --config /etc/vitalsd/vitalsd.toml")]
pub struct Arguments {}

impl Arguments {
    pub(super) fn run(self, config: Option<&Path>) -> u8 {
        let loaded = match load(config) {
            Ok(loaded) => loaded,
            Err(findings) => {
                tell(&findings);
                return WRONG;
            }
        };
        if let Err(error) = start_log(&loaded.config.log) {
            complain(&format!("vitalsd: log: {error}"));
            return FAILED;
        }
        for line in loaded.warnings.lines() {
            tracing::warn!("{line}");
        }
        match agent::run(loaded) {
            Ok(()) => GOOD,
            Err(error) => {
                complain(&format!("vitalsd: {error:#}"));
                FAILED
            }
        }
    }
}

/// Sends the log where the configuration says: to standard error, or to the journal.
fn start_log(log: &Log) -> io::Result<()> {
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Text => lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).with_target(false).boxed(),
        LogFormat::Json => lines.json().boxed(),
        LogFormat::Journald => tracing_journald::layer()?.boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(level(log.level))).try_init().map_err(io::Error::other)
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
