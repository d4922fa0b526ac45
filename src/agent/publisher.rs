//! From reports of sections to published moments: settle, assess, project, publish, notify.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result};
use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::task::JoinHandle;

use super::clock::Clock;
use super::identity::{self, Source};
use super::interest::Interest;
use super::plan::{self, Plan};
use super::schedule::Report;
use super::settings::{self, Kept};
use super::shared::Shared;
use crate::collect::{self, Snapshot};
use crate::config::Config;
use crate::health::Assessor;
use crate::health::notification::{LinkChange, Links};
use crate::health::summary::Metrics;
use crate::metric::Now;
use crate::mib::Indices;
use crate::mib::counters::{Counter, Counters};
use crate::mib::families::Moment;
use crate::mib::snmpv2::System;
use crate::notify::content::Sender;
use crate::notify::outbox::Notice;
use crate::notify::snmp::Means;
use crate::notify::{Journal, Notifier, Worker};
use crate::state::{Published, State};
use crate::store::{self, Store};

/// The file that indices are kept in.
const INDICES: &str = "indices.json";

/// Owns what changes.
pub struct Publisher {
    shared: Arc<Shared>,
    config: Config,
    snapshot: Snapshot,
    /// What was published before.
    previous: Option<Arc<Published>>,
    /// Where the summary's numbers are.
    metrics: Metrics<Snapshot>,
    assessor: Assessor,
    links: Links,
    indices: Indices,
    notifier: Notifier,
    worker: Option<JoinHandle<()>>,
}

impl Publisher {
    /// Takes up what the state directory holds and publishes a first moment, without facts.
    ///
    /// # Errors
    /// When the state directory can't be read. What is damaged there is set aside and told, and starts anew.
    pub fn start(
        plan: Plan,
        clock: Clock,
        store: Arc<Store>,
        interest: Arc<Interest>,
    ) -> Result<(Publisher, Arc<Shared>)> {
        interest.need(&plan.rules);
        let kept: Option<Kept> = take_up(&store, settings::FILE)?;
        let mut indices: Indices = take_up(&store, INDICES)?.unwrap_or_default();
        let journal = set_aside(Journal::read(&store))?.unwrap_or_default();
        let now = clock.now();
        let snapshot = Snapshot::empty(now);
        let counters = Arc::new(Counters::default());
        let assessor = Assessor::new(plan.rules, journal.memory.clone());
        let sender = sender(&plan.system);
        let metrics = Metrics::find(collect::FAMILIES);
        let moment = moment(&snapshot, &assessor, &metrics, &counters);
        let fingerprints = plan.engine.fingerprints();
        let in_force = settings::take_over(&store, &plan.settings, kept.as_ref(), fingerprints.as_ref());
        let engine = plan.engine.with_keys(&in_force.keys);
        let published = Published::new(moment, in_force, plan.system, plan.administration, plan.compat, &mut indices);
        let shared = Arc::new(Shared {
            state: State::new(published),
            engine: ArcSwap::from_pointee(engine),
            counters: counters.clone(),
            clock,
            interest,
            identity: ArcSwap::from_pointee(plan.identity),
            store: store.clone(),
            configured: ArcSwap::from_pointee(plan.settings),
            fingerprints: ArcSwap::default(),
            committing: Mutex::new(()),
            query_log: ArcSwapOption::empty(),
            notifier: OnceLock::new(),
        });
        shared.remember(kept, fingerprints);
        let means = Means::new(sender, shared.clone(), counters).context("notifications can't be sent")?;
        let (notifier, worker) = Worker::new(Some(store), journal, plan.targets, means);
        let _ = shared.notifier.set(notifier.clone());
        let worker = Some(tokio::spawn(worker.run()));
        let publisher = Publisher {
            shared: shared.clone(),
            config: plan.config,
            snapshot,
            metrics,
            previous: None,
            assessor,
            links: Links::default(),
            indices,
            notifier,
            worker,
        };
        Ok((publisher, shared))
    }

    /// Settles the reports, assesses and publishes.
    pub fn take(&mut self, reports: impl Iterator<Item = Report>, now: Now) {
        let mut changed = vec!["section", "health", "snmp"];
        for report in reports {
            match report {
                Report::Ended(outcome, took) => {
                    changed.push(outcome.section());
                    if let Some(reason) = &outcome.failure {
                        tracing::warn!(section = outcome.section(), reason, "a section could not be collected");
                    }
                    outcome.settle(&mut self.snapshot, took);
                }
                Report::Late(section) => {
                    changed.push(section.name());
                    tracing::warn!(section = section.name(), "a collection is past its deadline");
                    section.mark_late(&mut self.snapshot);
                }
            }
        }
        self.snapshot.now = now;
        let events = self.assessor.assess(&self.snapshot, now);
        for event in &events {
            tracing::info!(
                alarm = event.alarm.rule,
                instance = event.alarm.instance,
                severity = ?event.alarm.severity,
                value = event.alarm.value_text,
                "alarm {:?}",
                event.kind
            );
        }
        self.notifier.post(self.assessor.memory(), events);
        self.publish(|section| changed.contains(&section));
        self.tell_links();
    }

    /// Tells of links that went down or came up, by the numbers that the table of interfaces has.
    fn tell_links(&mut self) {
        let Some(interfaces) = self.snapshot.interface.get() else { return };
        for change in self.links.look(&interfaces.rows) {
            let LinkChange { interface, is_up, admin_status, oper_status } = change;
            tracing::info!(interface, is_up, "a link changed");
            if let Some(index) = self.indices.of("interface", &interface) {
                self.notifier.tell(Notice::Link { index, is_up, admin_status, oper_status });
            }
        }
    }

    /// Publishes the ages of this second.
    pub fn tick(&mut self, now: Now) {
        self.snapshot.now = now;
        self.publish(|section| matches!(section, "section" | "snmp"));
    }

    /// Puts another configuration in force. Facts, alarms, counters and the uptime go on.
    pub fn replace(&mut self, plan: Plan) {
        self.shared.interest.need(&plan.rules);
        self.assessor.replace_rules(plan.rules);
        self.notifier.reload(plan.targets, sender(&plan.system));
        // No SET may be stored between the reading of what is kept and the publishing of it.
        let shared = self.shared.clone();
        let _turn = shared.committing.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = take_up(&shared.store, settings::FILE).unwrap_or_else(|error| {
            tracing::error!("what was set stays in force: {error:#}");
            Some(shared.kept(&shared.state.get().settings))
        });
        let fingerprints = plan.engine.fingerprints();
        let in_force = settings::take_over(&shared.store, &plan.settings, kept.as_ref(), fingerprints.as_ref());
        shared.remember(kept, fingerprints);
        let engine = plan.engine.with_keys(&in_force.keys);
        let moment = moment(&self.snapshot, &self.assessor, &self.metrics, &self.shared.counters);
        let published =
            Published::new(moment, in_force, plan.system, plan.administration, plan.compat, &mut self.indices);
        self.shared.state.update(|_| published.clone());
        self.shared.identity.store(Arc::new(plan.identity));
        self.shared.engine.store(Arc::new(engine));
        self.config = plan.config;
        self.shared.configured.store(Arc::new(plan.settings));
    }

    /// Opens SNMPv3 for an engine ID whose boots were lost, and says what was done.
    ///
    /// # Errors
    /// A sentence that says why nothing changed.
    pub fn reset_engine(&mut self, now: Now) -> std::result::Result<String, String> {
        let present = self.shared.identity.load();
        if present.closed.is_none() {
            return Ok(format!(
                "SNMPv3 is open: engine {} has boots {}, nothing was changed.",
                present.id, present.boots
            ));
        }
        let identity = identity::reset(&self.shared.store, &Source::of(&self.config)?, now.wall)?;
        let engine = plan::engine(&self.config, &identity).map_err(|error| format!("{error:#}"))?;
        tracing::warn!(engine = %identity.id, boots = identity.boots, "SNMPv3 was opened by `vitalsd engine reset`");
        let done = identity.reset_sentence();
        // No SET may change keys meanwhile.
        let _turn = self.shared.committing.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.identity.store(Arc::new(identity));
        // Now it can be told which of the keys that users changed are still theirs.
        let (fingerprints, configured) = (engine.fingerprints(), self.shared.configured.load_full());
        let kept = self.shared.kept(&self.shared.state.get().settings);
        let in_force = settings::take_over(&self.shared.store, &configured, Some(&kept), fingerprints.as_ref());
        self.shared.engine.store(Arc::new(engine.with_keys(&in_force.keys)));
        self.shared.state.update(|published| published.with_settings(in_force.clone()));
        self.shared.remember(None, fingerprints);
        Ok(done)
    }

    /// Sends what can still be sent, and writes what must outlive the agent.
    pub async fn end(&mut self) {
        self.keep_indices();
        self.notifier.stop();
        if let Some(worker) = self.worker.take() {
            // The worker bounds its own farewell.
            let _ = worker.await;
        }
    }

    fn publish(&mut self, changed: impl Fn(&str) -> bool) {
        let moment = moment(&self.snapshot, &self.assessor, &self.metrics, &self.shared.counters);
        let (now, before) = (self.snapshot.now, self.shared.state.get());
        before.view.take_asked(now.monotonic).for_each(|section| self.shared.interest.ask(section, now));
        // Kept until the next time: whoever answers from it still must not be the one who has to take it apart.
        self.previous = Some(before);
        let indices = &mut self.indices;
        self.shared.state.update(|published| published.with_moment(moment.clone(), &changed, indices));
        self.keep_indices();
    }

    fn keep_indices(&mut self) {
        if self.indices.take_changed()
            && let Err(error) = self.shared.store.write(INDICES, &self.indices)
        {
            tracing::error!(%error, "indices could not be stored: after a restart, rows may have other numbers");
            self.shared.counters.add(Counter::StoreFailures, 1);
        }
    }
}

fn moment(snapshot: &Snapshot, assessor: &Assessor, metrics: &Metrics<Snapshot>, counters: &Arc<Counters>) -> Moment {
    let health = assessor.health(snapshot, metrics);
    Moment { snapshot: Arc::new(snapshot.clone()), health: Arc::new(health), counters: counters.clone() }
}

fn sender(system: &System) -> Sender {
    Sender { root: system.root.clone(), object_id: system.object_id.clone() }
}

fn take_up<T: serde::de::DeserializeOwned>(store: &Store, name: &str) -> Result<Option<T>> {
    Ok(set_aside(store.read(name))?.flatten())
}

/// A damaged file has been set aside by the store: that is told, and the agent starts without it.
fn set_aside<T>(read: Result<T, store::Error>) -> Result<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error @ store::Error::Damaged { .. }) => {
            tracing::error!(%error, "state was lost");
            Ok(None)
        }
        Err(error) => Err(error).context("state could not be read"),
    }
}
