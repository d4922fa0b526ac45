//! When sections are collected: a task each, a thread each while it reads, and none waits for another.
//!
//! A collection past its deadline is reported late, once; its thread is left to return in its own time, and until then
//! no other is started for that section.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{self, MissedTickBehavior};

use crate::collect::{AnySection, Job, Outcome, SECTIONS, Setup};

use super::clock::Clock;

/// What a section's task reports.
pub enum Report {
    /// A collection ended, after this time.
    Ended(Outcome, Duration),
    /// A collection is past its deadline.
    Late(&'static dyn AnySection),
}

/// How many reports may wait: each section has at most two on the way.
const WAITING: usize = 64;

/// Starts every section's task. They end when the set is dropped.
pub fn start(setup: &Setup, clock: Clock) -> (JoinSet<()>, mpsc::Receiver<Report>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let mut tasks = JoinSet::new();
    for section in SECTIONS {
        let interval = section.interval(&setup.config);
        tasks.spawn(run(*section, section.start(setup), interval, clock, sender.clone()));
    }
    (tasks, receiver)
}

async fn run(
    section: &'static dyn AnySection,
    mut job: Job,
    interval: Duration,
    clock: Clock,
    reports: mpsc::Sender<Report>,
) {
    let mut ticks = time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let mut collection = collect(job, clock);
        let ended = match time::timeout(section.deadline(), &mut collection).await {
            Ok(ended) => ended,
            Err(_) => {
                if reports.send(Report::Late(section)).await.is_err() {
                    return;
                }
                collection.await
            }
        };
        // A collector's panic is caught inside the job; a thread that could not be joined ends the section's task.
        let Ok((returned, outcome, took)) = ended else { return };
        job = returned;
        if reports.send(Report::Ended(outcome, took)).await.is_err() {
            return;
        }
    }
}

fn collect(mut job: Job, clock: Clock) -> JoinHandle<(Job, Outcome, Duration)> {
    tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        let outcome = job(clock.now());
        (job, outcome, started.elapsed())
    })
}
