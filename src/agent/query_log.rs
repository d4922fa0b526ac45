//! The query log's thread: started with the agent or by a reload, ended with what is waiting written.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};

use super::shared::Shared;
use crate::server::QueryLog;
use crate::server::query_log::Writer;
use crate::snmp::config;

/// How long writing what waits may take at the end: a disk that hangs must not hold it up.
const FAREWELL: Duration = Duration::from_secs(1);

/// The log that is in force.
#[derive(Default)]
pub struct QueryLogs {
    config: Option<config::QueryLog>,
    thread: Option<JoinHandle<()>>,
}

/// What is to become of it.
pub enum Change {
    /// It goes on.
    None,
    /// Nothing is logged.
    Off,
    /// This one is next.
    To(config::QueryLog, QueryLog, Writer),
}

impl QueryLogs {
    /// Opens the log that is wanted, unless it is the one in force.
    ///
    /// # Errors
    /// The file that can't be written, and why.
    pub fn open(&self, wanted: Option<&config::QueryLog>) -> Result<Change> {
        match wanted {
            wanted if wanted == self.config.as_ref() => Ok(Change::None),
            None => Ok(Change::Off),
            Some(config) => {
                let opened = QueryLog::open(config);
                let (log, writer) =
                    opened.with_context(|| format!("snmp.query_log.path: {}", config.path.display()))?;
                Ok(Change::To(config.clone(), log, writer))
            }
        }
    }

    /// Puts it in force; the one before writes what it still has and ends.
    ///
    /// # Errors
    /// When there can be no thread; then nothing is logged.
    pub fn replace(&mut self, change: Change, shared: &Arc<Shared>) -> Result<()> {
        let (config, log, writer) = match change {
            Change::None => return Ok(()),
            Change::Off => {
                shared.query_log.store(None);
                *self = QueryLogs::default();
                return Ok(());
            }
            Change::To(config, log, writer) => (config, log, writer),
        };
        shared.query_log.store(None);
        *self = QueryLogs::default();
        let counters = shared.counters.clone();
        let thread = thread::Builder::new().name("query-log".into()).spawn(move || writer.run(&counters));
        let thread = thread.context("the query log's thread could not be started")?;
        shared.query_log.store(Some(Arc::new(log)));
        *self = QueryLogs { config: Some(config), thread: Some(thread) };
        Ok(())
    }

    /// Ends the log once what it has is written, if that does not take too long.
    pub async fn end(&mut self, shared: &Shared) {
        shared.query_log.store(None);
        if let Some(thread) = self.thread.take() {
            let ended = tokio::task::spawn_blocking(move || thread.join());
            if tokio::time::timeout(FAREWELL, ended).await.is_err() {
                tracing::warn!("the query log was not written to its end");
            }
        }
    }
}
