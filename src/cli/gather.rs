//! One collection of everything, for the commands that don't ask a running agent.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use jiff::Timestamp;

use crate::collect::{Root, SECTIONS, Setup, Snapshot};
use crate::config::Config;
use crate::metric::Now;

/// Collects each section once, all at the same time. One that is past its deadline is late, and left behind.
pub fn once(config: &Config) -> Snapshot {
    let started = Instant::now();
    let now = move || Now { wall: Timestamp::now(), monotonic: started.elapsed() };
    let setup = Setup { root: Root::new(&config.agent.root), config: config.collect.clone() };
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
