//! What the tests of the servers share: an agent without the agent.

use std::sync::{Arc, Mutex};

use super::{Host, QueryLog};
use crate::metric::Now;
use crate::mib::{Counters, EngineClock, Settings, View};
use crate::snmp::Engine;
use crate::snmp::known_answers::{Agent, request};

/// An agent of the known answers, whose commits are kept in memory.
pub struct TestHost {
    engine: Arc<Engine>,
    view: Arc<View>,
    settings: Mutex<Arc<Settings>>,
    /// What the servers counted.
    pub counters: Counters,
}

impl TestHost {
    /// The agent, counting from zero.
    pub fn new() -> Arc<TestHost> {
        let agent = Agent::new();
        let settings = Mutex::new(Arc::new(agent.settings));
        let engine = Arc::new(agent.engine);
        Arc::new(TestHost { engine, view: Arc::new(agent.view), settings, counters: Counters::default() })
    }
}

impl Host for TestHost {
    fn engine(&self) -> Arc<Engine> {
        self.engine.clone()
    }

    fn moment(&self) -> (Arc<View>, Arc<Settings>) {
        (self.view.clone(), self.settings.lock().expect("no panic holds it").clone())
    }

    fn uptime(&self) -> u32 {
        4711
    }

    fn engine_clock(&self) -> EngineClock {
        EngineClock::default()
    }

    fn counters(&self) -> &Counters {
        &self.counters
    }

    fn now(&self) -> Now {
        Now { wall: jiff::Timestamp::UNIX_EPOCH, monotonic: std::time::Duration::from_secs(1) }
    }

    fn query_log(&self) -> Option<Arc<QueryLog>> {
        None
    }

    fn refused(&self, _: &super::Refused) {}

    fn commit(&self, before: &Settings, after: &Settings) -> bool {
        let mut settings = self.settings.lock().expect("no panic holds it");
        let current = **settings == *before;
        if current {
            *settings = Arc::new(after.clone());
        }
        current
    }
}

/// A GET of sysUpTime.0.
pub fn get(id: i64) -> Vec<u8> {
    request(1, b"public", 0xa0, id, 0, 0, &[("1.3.6.1.2.1.1.3.0", None)])
}
