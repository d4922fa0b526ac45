//! Notifications: who is told of alarms, in order, once, and also after a restart.
//!
//! The alarms and the [`outbox`] are one file, the journal: it is written with new events before they are sent and again
//! after, so that a killed agent neither loses an event nor raises an alarm twice. Between a sending and the writing
//! that follows it a kill repeats that one batch. The agent calls [`Notifier::post`], which never waits, and runs the
//! [`Worker`].

pub mod config;
pub mod outbox;
pub mod snmp;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use crate::health::{Event, Memory};
use crate::mib::counters::{Counter, Counters};
use crate::store::{self, Store};
use config::{Config, SnmpTarget};
use outbox::{Batch, Outbox};
use snmp::Sender;

/// The journal's name in the state directory.
const FILE: &str = "journal";

/// How long writing the journal may hold up sending; a disk that hangs doesn't silence the agent.
const MOST_WRITING: Duration = Duration::from_secs(5);

/// How long after a failure the journal is written again.
const WRITE_AGAIN: Duration = Duration::from_secs(10);

/// How long the last notices may take at the end.
const MOST_ENDING: Duration = Duration::from_secs(1);

/// What must outlive the agent: alarms, and what is still to be told of them.
///
/// Both must stand in the file: another file in its place is damage, not an empty journal.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
pub struct Journal {
    /// The alarms, for the assessor.
    pub memory: Memory,
    /// What targets have yet to be told.
    pub outbox: Outbox,
}

impl Journal {
    /// Reads it; the empty one where there is none.
    ///
    /// # Errors
    /// When it can't be read or is damaged; a damaged one is kept aside.
    pub fn read(store: &Store) -> Result<Journal, store::Error> {
        Ok(store.read(FILE)?.unwrap_or_default())
    }
}

/// How the agent hands over what happened. Cloning it copies a pointer.
#[derive(Debug, Clone)]
pub struct Notifier(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    wake: Notify,
}

/// What the worker hasn't looked at yet.
#[derive(Debug, Default)]
struct Inbox {
    memory: Option<Memory>,
    events: Vec<Event>,
    reload: Option<(Vec<SnmpTarget>, Sender)>,
    stop: bool,
}

impl Notifier {
    /// Hands over the events of one look, with the assessor's memory after it. Returns at once.
    pub fn post(&self, memory: Memory, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        {
            let mut inbox = self.inbox();
            inbox.memory = Some(memory);
            inbox.events.extend(events);
            // The worker drops the oldest of what is too much and counts it; here only its pause has a bound.
            let surplus = inbox.events.len().saturating_sub(2 * outbox::MOST_PENDING);
            inbox.events.drain(..surplus);
        }
        self.0.wake.notify_one();
    }

    /// Puts other targets in force.
    pub fn reload(&self, config: &Config, sender: Sender) {
        self.inbox().reload = Some((config.snmp.clone(), sender));
        self.0.wake.notify_one();
    }

    /// Has the worker send what it can within a second, write the journal and end.
    pub fn stop(&self) {
        self.inbox().stop = true;
        self.0.wake.notify_one();
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.0.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How one batch fared.
struct Sent {
    target: String,
    last: Option<u64>,
    count: u64,
    failure: Option<String>,
}

/// Owns the journal and the targets.
pub struct Worker {
    shared: Arc<Shared>,
    store: Option<Arc<Store>>,
    journal: Journal,
    unsaved: bool,
    writing: Option<JoinHandle<Result<(), store::Error>>>,
    write_again: Duration,
    targets: BTreeMap<String, SnmpTarget>,
    sender: Sender,
    sending: JoinSet<Sent>,
    counters: Arc<Counters>,
    started: Instant,
}

impl Worker {
    /// A worker that goes on from where the journal left off and tells every target that the agent started. Without a
    /// store nothing outlives the agent.
    pub fn new(
        store: Option<Arc<Store>>,
        journal: Journal,
        config: &Config,
        sender: Sender,
        counters: Arc<Counters>,
        started: Instant,
    ) -> (Notifier, Worker) {
        let shared = Arc::new(Shared::default());
        let mut worker = Worker {
            shared: shared.clone(),
            store,
            journal,
            unsaved: true,
            writing: None,
            write_again: Duration::ZERO,
            targets: BTreeMap::new(),
            sender,
            sending: JoinSet::new(),
            counters,
            started,
        };
        worker.set_targets(config.snmp.clone());
        worker.journal.outbox.push_cold_start();
        (Notifier(shared), worker)
    }

    /// Works until [`Notifier::stop`].
    pub async fn run(mut self) {
        loop {
            let stop = self.take_in();
            self.save().await;
            self.send_due();
            if stop {
                return self.end().await;
            }
            let pause = self.pause();
            tokio::select! {
                () = self.shared.wake.notified() => {}
                Some(sent) = self.sending.join_next(), if !self.sending.is_empty() => self.settle(sent),
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            }
        }
    }

    fn take_in(&mut self) -> bool {
        let inbox = std::mem::take(&mut *self.shared.inbox.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some((targets, sender)) = inbox.reload {
            self.sender = sender;
            self.set_targets(targets);
            self.unsaved = true;
        }
        if let Some(memory) = inbox.memory {
            self.journal.memory = memory;
            self.unsaved = true;
        }
        for event in &inbox.events {
            let dropped = self.journal.outbox.push_event(event);
            self.counters.add(Counter::NotificationsDropped, dropped);
        }
        inbox.stop
    }

    fn set_targets(&mut self, targets: Vec<SnmpTarget>) {
        self.journal.outbox.set_targets(targets.iter().map(|target| (target.name.as_str(), target.minimum_severity)));
        self.targets = targets.into_iter().map(|target| (target.name.clone(), target)).collect();
    }

    /// Writes the journal if it is another than on the disk.
    async fn save(&mut self) {
        let Some(store) = self.store.clone() else { return };
        if self.writing.as_ref().is_some_and(|writing| !writing.is_finished()) {
            return; // It hung once already: sending goes on.
        }
        if self.writing.is_none() && self.unsaved && self.write_again <= self.started.elapsed() {
            let journal = self.journal.clone();
            self.unsaved = false;
            self.writing = Some(tokio::task::spawn_blocking(move || store.write(FILE, &journal)));
        }
        let Some(writing) = &mut self.writing else { return };
        let Ok(written) = tokio::time::timeout(MOST_WRITING, writing).await else { return };
        self.writing = None;
        let failure = match written {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!("alarms are not kept across a restart: {failure}");
        self.counters.add(Counter::StoreFailures, 1);
        self.unsaved = true;
        self.write_again = self.started.elapsed().saturating_add(WRITE_AGAIN);
    }

    fn send_due(&mut self) {
        let now = self.started.elapsed();
        for Batch { target, items } in self.journal.outbox.due(now) {
            let Some(to) = self.targets.get(&target).cloned() else { continue };
            let sender = self.sender.clone();
            self.sending.spawn(async move {
                let (last, result) = snmp::send(&to, &sender, now, &items).await;
                let count = items.iter().filter(|item| last.is_some_and(|last| item.number <= last)).count();
                let failure = result.err().map(|error| error.to_string());
                Sent { target, last, count: u64::try_from(count).unwrap_or(u64::MAX), failure }
            });
        }
    }

    fn settle(&mut self, sent: Result<Sent, tokio::task::JoinError>) {
        let now = self.started.elapsed();
        let Ok(Sent { target, last, count, failure }) = sent else {
            return self.journal.outbox.abandon(now);
        };
        self.counters.add(Counter::OutTraps, count);
        self.counters.add(Counter::OutPkts, count);
        if let Some(reason) = &failure {
            self.counters.add(Counter::NotificationFailures, 1);
            tracing::warn!(target_name = target, "a notification was not sent and will be again: {reason}");
        }
        self.unsaved |= self.journal.outbox.settle(&target, last, failure.is_none(), now);
    }

    /// How long there is nothing to do, unless something happens.
    fn pause(&self) -> Option<Duration> {
        let write = match &self.writing {
            Some(_) => Some(self.started.elapsed().saturating_add(WRITE_AGAIN)),
            None => (self.unsaved && self.store.is_some()).then_some(self.write_again),
        };
        let due = self.journal.outbox.next_due();
        let next = [write, due].into_iter().flatten().min()?;
        Some(next.saturating_sub(self.started.elapsed()))
    }

    async fn end(mut self) {
        let last = tokio::time::Instant::now() + MOST_ENDING;
        while let Ok(Some(sent)) = tokio::time::timeout_at(last, self.sending.join_next()).await {
            self.settle(sent);
            self.send_due();
        }
        self.write_again = Duration::ZERO;
        self.save().await;
    }
}

#[cfg(test)]
#[path = "notify_tests.rs"]
mod tests;
