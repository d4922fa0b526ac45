//! One collection of everything, for the commands that don't ask a running agent.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use jiff::Timestamp;

use crate::collect::service::UnitState;
use crate::collect::{Error, FAMILIES, Root, SECTIONS, Setup, Snapshot, extend, interface};
use crate::config::Config;
use crate::health::summary::Metrics;
use crate::health::{Assessor, Health, Memory, rules};
use crate::metric::Now;
use crate::remote::systemd::Systemd;

/// Collects once and judges by the rules. Those that hold, or watch a rate, can't wait here: the first judge at once, the
/// others not.
pub fn look(config: &Config) -> (Snapshot, Health) {
    let snapshot = once(config);
    let mut rules = rules::compile(&config.rule, FAMILIES).rules;
    rules.iter_mut().for_each(|rule| rule.written.hold = None);
    let mut assessor = Assessor::new(rules, Memory::default());
    assessor.assess(&snapshot, snapshot.now);
    let health = assessor.health(&snapshot, &Metrics::find(FAMILIES));
    (snapshot, health)
}

/// Asks systemd once, from a collector's thread.
fn units(names: &[String]) -> Result<Vec<UnitState>, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::Peer(error.to_string()))?;
    runtime.block_on(Systemd::new().units(names))
}

/// Collects each section once, all at the same time. One that is past its deadline is late, and left behind.
fn once(config: &Config) -> Snapshot {
    let started = Instant::now();
    let now = move || Now { wall: Timestamp::now(), monotonic: started.elapsed() };
    let setup = Setup {
        root: Root::new(&config.agent.root),
        config: config.collect.clone(),
        services: config.service.clone(),
        units: Arc::new(units),
        textfile: config.textfile.clone(),
        // Only the agent runs commands.
        commands: Vec::new(),
        runs: extend::no_runs(),
        interfaces: interface::Memory::default(),
    };
    let running = SECTIONS.iter().map(|section| {
        let (sender, receiver) = mpsc::channel();
        let mut job = section.start(&setup);
        thread::spawn(move || {
            let began = Instant::now();
            let outcome = job(now());
            // Nobody waits past the deadline.
            let _ = sender.send((outcome, began.elapsed()));
        });
        receiver
    });
    let running: Vec<_> = running.collect();
    let mut snapshot = Snapshot::empty(now());
    for (section, receiver) in SECTIONS.iter().zip(running) {
        match receiver.recv_timeout(section.deadline().saturating_sub(started.elapsed())) {
            Ok((outcome, duration)) => outcome.settle(&mut snapshot, duration),
            Err(_) => section.mark_late(&mut snapshot),
        }
    }
    snapshot.now = now();
    snapshot
}
