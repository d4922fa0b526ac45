//! What every listener answers from.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};

use super::clock::Clock;
use super::control::Answer;
use super::identity::Identity;
use super::interest::Interest;
use super::settings::{self, Fingerprints, Kept};
use crate::metric::Now;
use crate::mib::counters::{Counter, Counters};
use crate::mib::families::{self, Moment};
use crate::mib::segment::EngineClock;
use crate::mib::settings::Settings;
use crate::mib::view::View;
use crate::notify::Notifier;
use crate::notify::snmp::Origin;
use crate::report::{self, Report};
use crate::server::Refused;
use crate::snmp::Engine;
use crate::snmp::engine_id::EngineId;
use crate::state::State;
use crate::store::Store;
use crate::{http, server};

/// Shared by all listeners.
pub struct Shared {
    /// The published moment.
    pub state: State,
    /// Who may ask for what.
    pub engine: ArcSwap<Engine>,
    /// The agent's own counters.
    pub counters: Arc<Counters>,
    /// The present.
    pub clock: Clock,
    /// Who asks for what.
    pub interest: Arc<Interest>,
    /// Who the engine is.
    pub identity: ArcSwap<Identity>,
    /// What must outlive the agent.
    pub store: Arc<Store>,
    /// The settings as the file has them.
    pub configured: ArcSwap<Settings>,
    /// The fingerprints of the users' entries in the file; while SNMPv3 is closed, those that were kept.
    pub fingerprints: ArcSwap<Fingerprints>,
    /// One SET at a time.
    pub committing: Mutex<()>,
    /// Tells targets; set once the agent is put together.
    pub notifier: OnceLock<Notifier>,
    /// Who is told of queries.
    pub query_log: ArcSwapOption<server::QueryLog>,
}

impl server::Host for Shared {
    fn engine(&self) -> Arc<Engine> {
        self.engine.load_full()
    }

    fn moment(&self) -> (Arc<View>, Arc<Settings>) {
        let published = self.state.load();
        (published.view.clone(), published.settings.clone())
    }

    fn uptime(&self) -> u32 {
        self.clock.up_time()
    }

    fn engine_clock(&self) -> EngineClock {
        self.clock.engine(self.identity.load().boots)
    }

    fn counters(&self) -> &Counters {
        &self.counters
    }

    fn now(&self) -> Now {
        self.clock.now()
    }

    fn query_log(&self) -> Option<Arc<server::QueryLog>> {
        self.query_log.load_full()
    }

    fn refused(&self, refused: &Refused) {
        // A peer chooses the name.
        let user = refused.user.as_ref().map(|user| user.escape_debug().to_string());
        tracing::warn!(source = %refused.source, user, "a message was refused: {}", refused.reason());
        if refused.is_unauthentic()
            && self.state.load().settings.authen_traps
            && let Some(notifier) = self.notifier.get()
        {
            notifier.authentication_failure(refused.source);
        }
    }

    fn commit(&self, before: &Settings, after: &Settings) -> bool {
        let _turn = self.committing.lock().unwrap_or_else(PoisonError::into_inner);
        if *self.state.load().settings != *before {
            return false;
        }
        let kept = self.kept(after);
        if let Err(error) = self.store.write(settings::FILE, &kept) {
            tracing::error!(%error, "a SET could not be stored and was refused");
            self.counters.add(Counter::StoreFailures, 1);
            return false;
        }
        self.state.update(|published| published.with_settings(after.clone()));
        if before.keys != after.keys {
            self.engine.rcu(|engine| engine.with_keys(&after.keys));
        }
        true
    }
}

impl Origin for Shared {
    fn uptime(&self) -> u32 {
        self.clock.up_time()
    }

    fn identity(&self) -> (EngineId, EngineClock) {
        let identity = self.identity.load();
        (identity.id.clone(), self.clock.engine(identity.boots))
    }

    fn engine(&self) -> Arc<Engine> {
        self.engine.load_full()
    }
}

impl http::Host for Shared {
    fn moment(&self) -> Moment {
        let now = self.clock.now();
        let exported = families::all().iter().map(|source| source.shape()).filter(|shape| shape.exported);
        exported.for_each(|shape| self.interest.ask(shape.section, now));
        self.state.load().moment.at(now)
    }
}

impl Shared {
    /// Takes up the fingerprints of the users in force, or of those that were kept.
    pub fn remember(&self, kept: Option<Kept>, users: Option<Fingerprints>) {
        let fingerprints = users.or(kept.map(|kept| kept.fingerprints)).unwrap_or_default();
        self.fingerprints.store(Arc::new(fingerprints));
    }

    /// What is kept of settings that were set.
    pub fn kept(&self, set: &Settings) -> Kept {
        let fingerprints = Fingerprints::clone(&self.fingerprints.load());
        Kept { file: Settings::clone(&self.configured.load()), set: set.clone(), fingerprints }
    }

    /// The engine as it is told to people.
    pub fn engine_report(&self) -> report::Engine {
        let identity = self.identity.load();
        let clock = self.clock.engine(identity.boots);
        report::Engine {
            id: identity.id.clone(),
            boots: clock.boots,
            seconds: clock.time,
            closed: identity.closed.clone(),
            receivers: self.notifier.get().map(|notifier| notifier.receiver_lines()).unwrap_or_default(),
        }
    }
}

impl Answer for Shared {
    fn notifier(&self) -> Option<Notifier> {
        self.notifier.get().cloned()
    }

    fn engine_id(&self) -> EngineId {
        self.identity.load().id.clone()
    }

    fn status(&self) -> serde_json::Result<String> {
        let moment = http::Host::moment(self);
        let uptime = self.clock.now().monotonic.as_secs_f64();
        serde_json::to_string(&Report::build(
            &moment.snapshot,
            &moment.health,
            Some(uptime),
            Some(self.engine_report()),
        ))
    }
}
