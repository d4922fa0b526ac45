//! When sections are collected: a task each, a thread each while it reads, and none waits for another.
//!
//! A collection past its deadline is reported late, once; its thread is left to return in its own time, and until then
//! no other is started for that section, also not after a reload: reloads would otherwise pile up hung threads.
//!
//! Collections give way to answers: their threads have a lower priority, and after the first time, which is at once for
//! all, sections come one after another within an interval rather than together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::{self, MissedTickBehavior};

use crate::collect::{AnySection, Job, Outcome, RARELY, SECTIONS, Setup};

use super::clock::Clock;
use super::interest::Interest;

/// What a section's task reports.
pub enum Report {
    /// A collection ended, after this time.
    Ended(Outcome, Duration),
    /// A collection is past its deadline.
    Late(&'static dyn AnySection),
}

/// How many reports may wait: each section has at most two on the way.
const WAITING: usize = 64;

/// Held by a section's running collection, whichever configuration started it.
type Turn = Arc<Mutex<()>>;

/// Every section's turn: lives as long as the agent.
pub struct Turns(Vec<Turn>);

impl Turns {
    /// Turns that nobody has.
    pub fn new() -> Turns {
        Turns(SECTIONS.iter().map(|_| Turn::default()).collect())
    }
}

/// How much collections give way, as nice(2) counts it.
const NICENESS: i32 = 10;

/// How long a collector's thread waits for its next turn before it ends: above the common interval, so that threads are
/// not made anew each time.
const THREAD_KEPT: Duration = Duration::from_secs(35);

/// Threads for collections alone. It must be ended outside of any runtime.
///
/// # Errors
/// When the system refuses.
pub fn threads() -> std::io::Result<Runtime> {
    Builder::new_current_thread()
        .thread_name("collector")
        .thread_keep_alive(THREAD_KEPT)
        .on_thread_start(|| give_way(NICENESS))
        .build()
}

/// Lowers the priority of the calling thread; on Linux it is each thread's own. Where the system refuses, it competes.
pub fn give_way(niceness: i32) {
    let _ = rustix::process::setpriority_process(None, niceness);
}

/// What collections share.
#[derive(Clone)]
pub struct Means {
    /// Their threads.
    pub threads: Handle,
    /// Who asks for what.
    pub interest: Arc<Interest>,
    /// The present.
    pub clock: Clock,
}

/// Starts every section's task. They end when the set is dropped; a collection that runs then keeps its turn.
pub fn start(setup: &Setup, means: &Means, turns: &Turns) -> (JoinSet<()>, mpsc::Receiver<Report>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let mut tasks = JoinSet::new();
    let count = u32::try_from(SECTIONS.len()).unwrap_or(1);
    for (place, (section, turn)) in SECTIONS.iter().zip(&turns.0).enumerate() {
        let interval = section.interval(&setup.config);
        let second = interval * u32::try_from(place + 1).unwrap_or(1) / count;
        let rarely = RARELY.iter().find(|(name, _)| *name == section.name()).map(|(_, rarely)| *rarely);
        let pace = Pace { place, second, interval, rarely };
        tasks.spawn(run(*section, section.start(setup), pace, means.clone(), sender.clone(), turn.clone()));
    }
    (tasks, receiver)
}

/// When a section is collected.
struct Pace {
    /// Which section.
    place: usize,
    /// How long after the first time.
    second: Duration,
    /// How long after each other time.
    interval: Duration,
    /// How long while nobody asks.
    rarely: Option<Duration>,
}

impl Pace {
    /// Waits until it is time.
    async fn wait(&self, ticks: &mut time::Interval, means: &Means) {
        let begun = time::Instant::now();
        ticks.tick().await;
        let (Some(rarely), Some(asked)) = (self.rarely, means.interest.of(self.place)) else { return };
        while !asked.is_lively(means.clock.now()) && begun.elapsed() < rarely {
            tokio::select! {
                () = asked.awoken() => return,
                _ = ticks.tick() => {}
            }
        }
    }
}

/// Collects at once, and then whenever it is time.
async fn run(
    section: &'static dyn AnySection,
    mut job: Job,
    pace: Pace,
    means: Means,
    reports: mpsc::Sender<Report>,
    turn: Turn,
) {
    let mut ticks = time::interval_at(time::Instant::now() + pace.second, pace.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let mut collection = std::pin::pin!(collect(job, means.clone(), turn.clone()));
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
        let Some((returned, outcome, took)) = ended else { return };
        job = returned;
        if reports.send(Report::Ended(outcome, took)).await.is_err() {
            return;
        }
        pace.wait(&mut ticks, &means).await;
    }
}

/// Collects once, on a thread, when it is this section's turn; `None` where that thread could not be joined.
async fn collect(mut job: Job, means: Means, turn: Turn) -> Option<(Job, Outcome, Duration)> {
    let held = turn.lock_owned().await;
    let Means { threads, clock, .. } = means;
    let collected = threads.spawn_blocking(move || {
        // Given back by the thread itself: nobody may be waiting for it any more.
        let _held = held;
        let started = Instant::now();
        let outcome = job(clock.now());
        (job, outcome, started.elapsed())
    });
    collected.await.ok()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::collect::{Config, Root, extend, interface, memory, service, textfile};
    use crate::metric::Now;

    fn means() -> Means {
        Means { threads: Handle::current(), clock: Clock::start(), interest: Arc::new(Interest::new()) }
    }

    /// What a collection that finds no files comes to.
    fn outcome(now: Now) -> Outcome {
        let setup = Setup {
            root: Root::new("/nonexistent"),
            config: Config::default(),
            services: Vec::new(),
            units: service::no_units(),
            textfile: textfile::Config::default(),
            commands: Vec::new(),
            runs: extend::no_runs(),
            interfaces: interface::Memory::default(),
        };
        memory::SECTION.start(&setup)(now)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_hung_collection_keeps_its_turn_over_reloads() {
        let (turn, started) = (Turn::default(), Arc::new(AtomicUsize::new(0)));
        let (release, gate) = std::sync::mpsc::channel::<()>();
        let gate = Arc::new(std::sync::Mutex::new(gate));
        let job = || -> Job {
            let (started, gate) = (started.clone(), gate.clone());
            Box::new(move |now: Now| {
                started.fetch_add(1, Ordering::SeqCst);
                let _ = gate.lock().expect("no panic holds it").recv();
                outcome(now)
            })
        };
        for _ in 0..20 {
            let mut tasks = JoinSet::new();
            tasks.spawn(collect(job(), means(), turn.clone()));
            let _ = time::timeout(Duration::from_millis(10), tasks.join_next()).await;
        }
        assert_eq!(started.load(Ordering::SeqCst), 1);
        drop(release);
        let last = time::timeout(Duration::from_secs(5), collect(job(), means(), turn)).await;
        assert!(last.is_ok_and(|collected| collected.is_some()));
        assert_eq!(started.load(Ordering::SeqCst), 2);
    }
}
