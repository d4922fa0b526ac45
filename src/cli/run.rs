//! `vitalsd run`: the agent, in the foreground.

use std::io::{self, IsTerminal};
use std::path::Path;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::log::{Journal, Lines};
use super::{FAILED, GOOD, WRONG, complain, tell};
use crate::agent;
use crate::config::{Log, LogFormat, LogLevel, load};

/// Run the agent in the foreground.
///
/// It collects the health of this machine, serves it over SNMP and to Prometheus, and sends a trap when a threshold is
/// passed. Without a configuration file it serves this machine alone. SIGTERM ends it, SIGHUP makes it read its
/// configuration again; one that is wrong is refused and changes nothing.
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
        let lines = match Lines::to(io::stderr()) {
            Ok(lines) => lines,
            Err(error) => {
                complain(&format!("vitalsd: the log's thread could not be started: {error}"));
                return FAILED;
            }
        };
        let lines = log(&loaded.config.log, lines);
        for line in loaded.warnings.lines() {
            tracing::warn!("{line}");
        }
        let ended = agent::run(loaded);
        lines.finish();
        match ended {
            Ok(()) => GOOD,
            Err(error) => {
                complain(&format!("vitalsd: {error:#}"));
                FAILED
            }
        }
    }
}

/// Sets the agent's log up, and says where its lines wait. Where the journal can't be reached, they go to standard error.
fn log(config: &Log, lines: Lines) -> Lines {
    let level = match config.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // zbus tells of its own handshakes at the level of this program's own events.
    let filter = tracing_subscriber::filter::Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("vitalsd", level);
    let registry = tracing_subscriber::registry().with(filter);
    let layer = || tracing_subscriber::fmt::layer().with_target(false);
    let text = layer().with_writer(lines.clone()).with_ansi(io::stderr().is_terminal());
    match config.format {
        LogFormat::Text => registry.with(text).init(),
        LogFormat::Json => registry.with(layer().with_writer(lines.clone()).with_target(true).json()).init(),
        LogFormat::Journald => match Journal::open() {
            Ok(journal) => {
                let waiting = journal.lines().clone();
                registry.with(layer().with_writer(journal).with_ansi(false).without_time().with_level(false)).init();
                return waiting;
            }
            Err(_) => registry.with(text).init(),
        },
    }
    lines
}
