//! Notifications: who is told of alarms and of the agent itself, in order, and also after a restart.
//!
//! The alarms and the [`outbox`] are one file, the journal: it is written with new events before they are sent and again
//! after, so that a killed agent neither loses an event nor raises an alarm twice. Between a sending and the writing
//! that follows it a kill repeats that one batch. The agent calls [`Notifier::post`], which never waits, and runs the
//! [`Worker`]. [`content`] is what is said, [`target`] to whom, [`snmp`] how it gets there. `minimum_severity` filters
//! alarms; starts, links and failed authentications have none, and everybody is told of them.

pub mod config;
pub mod content;
pub mod outbox;
pub mod snmp;
pub mod target;
pub mod telling;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use crate::health::{Event, Memory};
use crate::mib::counters::Counter;
use crate::store::{self, Store};
use content::Sender;
use outbox::{Batch, Notice, Outbox};
use snmp::{Means, Progress};
use target::Target;
use telling::{Status, Tested};

/// The journal's name in the state directory.
const FILE: &str = "journal";

/// How long writing the journal may hold up sending; a disk that hangs doesn't silence the agent.
const MOST_WRITING: Duration = Duration::from_secs(5);

/// How long after a failure the journal is written again.
const WRITE_AGAIN: Duration = Duration::from_secs(10);

/// How long authenticationFailure isn't told again: who guesses communities must not flood the receivers.
const AUTHENTICATION_QUIET: Duration = Duration::from_secs(60);

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
#[derive(Clone)]
pub struct Notifier(Arc<Shared>);

struct Shared {
    inbox: Mutex<Inbox>,
    wake: Notify,
    /// Who is told, and with what.
    in_force: Mutex<InForce>,
    /// How each target does, as the worker last saw.
    status: Mutex<Vec<Status>>,
    /// When authenticationFailure was last told, since the start.
    told_authentication: Mutex<Option<Duration>>,
}

/// The targets by name, and what sending to them needs.
#[derive(Clone)]
struct InForce {
    targets: BTreeMap<String, Arc<Target>>,
    means: Means,
}

/// What the worker hasn't looked at yet.
#[derive(Debug, Default)]
struct Inbox {
    memory: Option<Memory>,
    notices: Vec<Notice>,
    has_reloaded: bool,
    stop: bool,
}

impl Notifier {
    /// Hands over the events of one look, with the assessor's memory after it. Returns at once.
    pub fn post(&self, memory: Memory, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        self.hand_over(Some(memory), events.into_iter().map(|event| Notice::Event(Box::new(event))));
    }

    /// Hands over something else that everybody is told of. Returns at once.
    pub fn tell(&self, notice: Notice) {
        self.hand_over(None, [notice]);
    }

    /// Tells that somebody asked with a community or keys that are wrong; at most once a minute, the others are counted.
    /// Whether it is to be told at all, snmpEnableAuthenTraps says: the caller asks it. Returns at once.
    pub fn authentication_failure(&self, source: IpAddr) {
        let means = self.in_force().means.clone();
        let now = means.started.elapsed();
        {
            let mut told = self.0.told_authentication.lock().unwrap_or_else(PoisonError::into_inner);
            if told.is_some_and(|told| now.saturating_sub(told) < AUTHENTICATION_QUIET) {
                means.counters.add(Counter::AuthenTrapsLeftOut, 1);
                return;
            }
            *told = Some(now);
        }
        tracing::info!(%source, "authenticationFailure is told");
        self.tell(Notice::AuthenticationFailure);
    }

    fn hand_over(&self, memory: Option<Memory>, notices: impl IntoIterator<Item = Notice>) {
        {
            let mut inbox = self.inbox();
            inbox.memory = memory.or(inbox.memory.take());
            inbox.notices.extend(notices);
            // The worker drops the oldest of what is too much and counts it; here only its pause has a bound.
            let surplus = inbox.notices.len().saturating_sub(2 * outbox::MOST_PENDING);
            inbox.notices.drain(..surplus);
        }
        self.0.wake.notify_one();
    }

    /// Puts other targets in force, and tells them warmStart.
    pub fn reload(&self, targets: Vec<Target>, sender: Sender) {
        {
            let mut in_force = self.in_force();
            in_force.targets = by_name(targets);
            in_force.means.sender = sender;
        }
        self.inbox().has_reloaded = true;
        self.0.wake.notify_one();
    }

    /// For each target of SNMPv3, by name, the line that snmptrapd's configuration needs there.
    pub fn receiver_lines(&self) -> Vec<(String, String)> {
        let InForce { targets, means } = self.in_force().clone();
        let engine = means.origin.identity().0;
        targets.into_iter().filter_map(|(name, target)| Some((name, target.receiver_line(&engine)?))).collect()
    }

    /// How each target does.
    pub fn status(&self) -> Vec<Status> {
        self.0.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends vitalsTest to the target of this name, or to all, at once and beside the queues; waits for the informs'
    /// acknowledgements. Empty when there is no such target.
    pub async fn test(&self, name: Option<&str>) -> Vec<Tested> {
        let InForce { mut targets, means } = self.in_force().clone();
        targets.retain(|target, _| name.is_none_or(|name| name == target));
        telling::test(targets.into_values(), &means).await
    }

    /// Has the worker send what it can within a second, write the journal and end.
    pub fn stop(&self) {
        self.inbox().stop = true;
        self.0.wake.notify_one();
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.0.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_force(&self) -> MutexGuard<'_, InForce> {
        self.0.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn by_name(targets: Vec<Target>) -> BTreeMap<String, Arc<Target>> {
    targets.into_iter().map(|target| (target.name.clone(), Arc::new(target))).collect()
}

/// How one batch fared: which, whose, and why it ended early.
struct Sent {
    batch: u64,
    target: String,
    failure: Option<String>,
}

/// A batch on its way: which, the numbers in it, how far it is, and how it is broken off.
struct OnTheWay {
    batch: u64,
    numbers: Vec<u64>,
    progress: Progress,
    sending: AbortHandle,
}

/// Owns the journal.
pub struct Worker {
    notifier: Notifier,
    store: Option<Arc<Store>>,
    journal: Journal,
    unsaved: bool,
    writing: Option<JoinHandle<Result<(), store::Error>>>,
    write_again: Duration,
    targets: BTreeMap<String, Arc<Target>>,
    means: Means,
    sending: JoinSet<Sent>,
    on_the_way: BTreeMap<String, OnTheWay>,
    last_batch: u64,
    fared: BTreeMap<String, telling::Fared>,
}

impl Worker {
    /// A worker that goes on from where the journal left off and tells every target that the agent started. Without a
    /// store nothing outlives the agent.
    pub fn new(store: Option<Arc<Store>>, journal: Journal, targets: Vec<Target>, means: Means) -> (Notifier, Worker) {
        let in_force = InForce { targets: by_name(targets), means: means.clone() };
        let notifier = Notifier(Arc::new(Shared {
            inbox: Mutex::default(),
            wake: Notify::default(),
            in_force: Mutex::new(in_force.clone()),
            status: Mutex::default(),
            told_authentication: Mutex::default(),
        }));
        let mut worker = Worker {
            notifier: notifier.clone(),
            store,
            journal,
            unsaved: true,
            writing: None,
            write_again: Duration::ZERO,
            targets: BTreeMap::new(),
            means,
            sending: JoinSet::new(),
            on_the_way: BTreeMap::new(),
            last_batch: 0,
            fared: BTreeMap::new(),
        };
        worker.set_targets(in_force);
        worker.journal.outbox.push_start(&Notice::ColdStart);
        (notifier, worker)
    }

    /// Works until [`Notifier::stop`].
    pub async fn run(mut self) {
        let shared = self.notifier.0.clone();
        loop {
            let stop = self.take_in();
            self.save().await;
            self.send_due();
            self.publish();
            if stop {
                return self.end().await;
            }
            let pause = self.pause();
            tokio::select! {
                () = shared.wake.notified() => {}
                Some(sent) = self.sending.join_next(), if !self.sending.is_empty() => self.settle(sent),
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            }
        }
    }

    fn take_in(&mut self) -> bool {
        let inbox = std::mem::take(&mut *self.notifier.inbox());
        let mut dropped = 0;
        if inbox.has_reloaded {
            let in_force = self.notifier.in_force().clone();
            self.set_targets(in_force);
            dropped += self.journal.outbox.push_start(&Notice::WarmStart);
            self.unsaved = true;
        }
        if let Some(memory) = inbox.memory {
            self.journal.memory = memory;
            self.unsaved = true;
        }
        for notice in &inbox.notices {
            dropped += self.journal.outbox.push(notice);
            self.unsaved = true;
        }
        self.means.counters.add(Counter::NotificationsDropped, dropped);
        inbox.stop
    }

    /// What is on its way as it was is broken off: informs may take minutes, and a new address is not to wait for them.
    fn set_targets(&mut self, InForce { targets, means }: InForce) {
        for target in self.on_the_way.keys().cloned().collect::<Vec<_>>() {
            if let Some(on_the_way) = self.on_the_way.get(&target) {
                on_the_way.sending.abort();
            }
            self.take_off(&target, false);
        }
        self.journal.outbox.set_targets(targets.values().map(|target| (target.name.as_str(), target.minimum)));
        self.fared.retain(|name, _| targets.contains_key(name));
        (self.targets, self.means) = (targets, means);
    }

    fn now(&self) -> Duration {
        self.means.started.elapsed()
    }

    /// Lets others see how the targets do.
    fn publish(&self) {
        let status = |target: &Arc<Target>| {
            let outbox = &self.journal.outbox;
            let fared = self.fared.get(&target.name).cloned().unwrap_or_default();
            Status::of(target, outbox.pending(&target.name), outbox.dropped(&target.name), fared)
        };
        let all = self.targets.values().map(status).collect();
        *self.notifier.0.status.lock().unwrap_or_else(PoisonError::into_inner) = all;
    }

    /// Writes the journal if it is another than on the disk.
    async fn save(&mut self) {
        let Some(store) = self.store.clone() else { return };
        if self.writing.as_ref().is_some_and(|writing| !writing.is_finished()) {
            return; // It hung once already: sending goes on.
        }
        if self.writing.is_none() && self.unsaved && self.write_again <= self.now() {
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
        self.means.counters.add(Counter::StoreFailures, 1);
        self.unsaved = true;
        self.write_again = self.now().saturating_add(WRITE_AGAIN);
    }

    fn send_due(&mut self) {
        for Batch { target, items } in self.journal.outbox.due(self.now()) {
            let Some(to) = self.targets.get(&target).cloned() else { continue };
            let (means, progress) = (self.means.clone(), Progress::default());
            self.last_batch = self.last_batch.wrapping_add(1);
            let (batch, numbers) = (self.last_batch, items.iter().map(|item| item.number).collect());
            let (name, far) = (target.clone(), progress.clone());
            let sending = self.sending.spawn(async move {
                let failure = snmp::send(&to, &means, &items, &far).await.err();
                Sent { batch, target: name, failure }
            });
            self.on_the_way.insert(target, OnTheWay { batch, numbers, progress, sending });
        }
    }

    fn settle(&mut self, sent: Result<Sent, tokio::task::JoinError>) {
        let Sent { batch, target, failure } = match sent {
            Ok(sent) => sent,
            Err(error) if error.is_cancelled() => return,
            Err(_) => return self.journal.outbox.abandon(self.now()),
        };
        // One that ended as it was broken off was settled then.
        if self.on_the_way.get(&target).is_none_or(|on_the_way| on_the_way.batch != batch) {
            return;
        }
        if let Some(reason) = &failure {
            self.means.counters.add(Counter::NotificationFailures, 1);
            tracing::warn!(target_name = target, "a notification was not delivered and will be sent again: {reason}");
        }
        let count = self.take_off(&target, failure.is_none());
        if self.targets.contains_key(&target) {
            self.fared.entry(target).or_default().note(count, failure);
        }
    }

    /// Takes what arrived out of the target's queue. How much that was.
    fn take_off(&mut self, target: &str, is_complete: bool) -> u64 {
        let Some(OnTheWay { numbers, progress, .. }) = self.on_the_way.remove(target) else { return 0 };
        let last = progress.load(Ordering::Relaxed);
        self.unsaved |= self.journal.outbox.settle(target, (last > 0).then_some(last), is_complete, self.now());
        u64::try_from(numbers.iter().filter(|number| **number <= last).count()).unwrap_or(u64::MAX)
    }

    /// How long there is nothing to do, unless something happens.
    fn pause(&self) -> Option<Duration> {
        let write = match &self.writing {
            Some(_) => Some(self.now().saturating_add(WRITE_AGAIN)),
            None => (self.unsaved && self.store.is_some()).then_some(self.write_again),
        };
        let due = self.journal.outbox.next_due();
        let next = [write, due].into_iter().flatten().min()?;
        Some(next.saturating_sub(self.now()))
    }

    async fn end(mut self) {
        let last = tokio::time::Instant::now() + MOST_ENDING;
        while let Ok(Some(sent)) = tokio::time::timeout_at(last, self.sending.join_next()).await {
            self.settle(sent);
            self.send_due();
        }
        // Of what is still on its way, that which arrived isn't to be sent again.
        for target in self.on_the_way.keys().cloned().collect::<Vec<_>>() {
            self.take_off(&target, false);
        }
        self.write_again = Duration::ZERO;
        self.save().await;
    }
}

#[cfg(test)]
#[path = "notify_tests.rs"]
mod tests;
