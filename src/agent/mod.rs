//! The daemon: it starts what lives as long as the agent, turns outcomes into published moments, and ends cleanly.
//!
//! One loop owns what changes: the snapshot, the assessor, the indices. It takes the reports of sections, the second's
//! tick, and signals; everything else reads what it publishes. Only this module starts tasks that live as long as the
//! agent.

mod administration;
mod banner;
mod clock;
pub mod control;
pub mod identity;
mod interest;
mod listeners;
mod plan;
mod publisher;
mod query_log;
mod schedule;
mod settings;
mod shared;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, mpsc};
use tokio::time::{self, MissedTickBehavior};

use crate::collect::Setup;
use crate::config::{self, Loaded};
use crate::mib::counters::Counter;
use crate::remote::systemd;
use crate::store::Store;

use clock::Clock;
use control::Order;
use identity::Source;
use interest::Interest;
use listeners::Listeners;
use plan::Plan;
use publisher::Publisher;
use query_log::QueryLogs;
use schedule::{Means, Turns};
use shared::Shared;

/// How long tasks may take to end once the agent is told to.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long reading the configuration again may take: one on a mount that hangs must not stop the agent.
const READING: Duration = Duration::from_secs(5);

/// How long making a plan of it may take: some thousand passwords on a slow processor.
const PLANNING: Duration = Duration::from_secs(60);

/// How much the loop gives way to answers, as nice(2) counts it: less than collections do.
const LOOP_NICENESS: i32 = 5;

/// How often ages are published while nothing else happens.
const TICK: Duration = Duration::from_secs(1);

/// How many orders from the command line wait.
const ORDERS: usize = 4;

/// Runs the agent until SIGTERM or SIGINT.
///
/// # Errors
/// What stops it from starting: a state directory that can't be used, an address that can't be listened on.
pub fn run(loaded: Loaded) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the asynchronous runtime could not be started")?;
    let collectors = schedule::threads().context("the collectors' threads could not be prepared")?;
    // This thread runs the loop; the runtime's own, which answer, were made before and keep their priority.
    schedule::give_way(LOOP_NICENESS);
    let result = runtime.block_on(daemon(loaded, collectors.handle().clone()));
    runtime.shutdown_timeout(FAREWELL);
    // A collector that hangs must not hold up the end.
    collectors.shutdown_background();
    result
}

async fn daemon(mut loaded: Loaded, threads: Handle) -> Result<()> {
    let clock = Clock::start();
    let interest = Arc::new(Interest::new());
    let means = Means { threads, clock, interest: interest.clone() };
    let state_dir = loaded.config.agent.state_dir();
    let store = Store::open(&state_dir).with_context(|| format!("state directory {}", state_dir.display()))?;
    let store = Arc::new(store);
    let source = Source::of(&loaded.config).map_err(anyhow::Error::msg)?;
    let plan = Plan::new(&loaded.config, identity::start(&store, &source, clock.now().wall))?;
    loaded.config.snmp.forget_users_secrets();
    let mut listeners = Listeners::default();
    let bound = listeners.bind(&plan.listen).await?;
    let mut query_logs = QueryLogs::default();
    let query_log = query_logs.open(plan.query_log.as_ref())?;
    let control = control::bind(&loaded.config.agent.control())
        .with_context(|| format!("control socket {}", loaded.config.agent.control().display()))?;

    let (banner, mut setup, listen) =
        (banner::text(&loaded, &plan), plan.setup(systemd::source(Handle::current())), plan.listen.clone());
    let (mut publisher, shared) = Publisher::start(plan, clock, store, interest)?;
    query_logs.replace(query_log, &shared)?;
    listeners.serve(bound, &listen, &shared);
    let (order, mut orders) = mpsc::channel(ORDERS);
    tokio::spawn(control::serve(control, shared.clone(), order));
    let turns = Turns::new();
    let reading = Arc::new(Mutex::new(()));
    let (mut sections, mut reports) = schedule::start(&setup, &means, &turns);
    // Listened to before anybody is told that the agent is ready: an early SIGHUP would end it.
    let of = |kind| signal(kind).context("signals could not be listened to");
    let (mut hangup, mut terminate, mut interrupt) =
        (of(SignalKind::hangup())?, of(SignalKind::terminate())?, of(SignalKind::interrupt())?);
    // Not eprint!, which panics where nobody reads: the log may be a pipe whose reader has gone.
    // Aside, as it may be a pipe that nobody empties.
    drop(tokio::task::spawn_blocking(move || std::io::stderr().write_all(banner.as_bytes())));
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

    let mut ticks = time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(report) = reports.recv() => {
                // Sections that end together are published together.
                let more = std::iter::from_fn(|| reports.try_recv().ok());
                publisher.take(std::iter::once(report).chain(more), clock.now());
            }
            Some((Order::ResetEngine, reply)) = orders.recv() => {
                // Who asked may have gone.
                let _ = reply.send(publisher.reset_engine(clock.now()));
            }
            _ = ticks.tick() => publisher.tick(clock.now()),
            Some(()) = hangup.recv() => {
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Reloading]);
                match reload(&loaded, &reading, &mut listeners, &mut query_logs, &mut publisher, &shared).await {
                    Ok(fresh) => {
                        // What was seen since the start goes on.
                        setup = Setup { interfaces: setup.interfaces, ..fresh };
                        (sections, reports) = schedule::start(&setup, &means, &turns);
                        shared.counters.add(Counter::Reloads, 1);
                        tracing::info!("the configuration was taken over");
                    }
                    Err(error) => {
                        shared.counters.add(Counter::ReloadFailures, 1);
                        tracing::error!("the configuration was refused, the old one stays in force\n{error:#}");
                    }
                }
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("told to end");
    sections.abort_all();
    listeners.close();
    publisher.end().await;
    query_logs.end(&shared).await;
    let _ = std::fs::remove_file(loaded.config.agent.control());
    Ok(())
}

/// Reads the file again and puts it in force as a whole, or changes nothing.
async fn reload(
    loaded: &Loaded,
    reading: &Arc<Mutex<()>>,
    listeners: &mut Listeners,
    query_logs: &mut QueryLogs,
    publisher: &mut Publisher,
    shared: &Arc<Shared>,
) -> Result<Setup> {
    let path = loaded.path.clone();
    let (clock, store, present) = (shared.clock, shared.store.clone(), shared.identity.load_full());
    let (fresh, source) = aside(reading, move || {
        let fresh = config::load(path.as_deref()).map_err(anyhow::Error::msg)?;
        let source = Source::of(&fresh.config).map_err(anyhow::Error::msg)?;
        Ok((fresh, source))
    })
    .await?;
    // Passwords of hundreds of users take seconds to become keys.
    let planned = tokio::task::spawn_blocking(move || {
        Plan::new(&fresh.config, identity::again(&store, &source, clock.now().wall, &present))
    });
    let planned = time::timeout(PLANNING, planned).await.context("working it out takes too long")?;
    let plan = planned.context("it could not be worked out")??;
    let bound = listeners.bind(&plan.listen).await?;
    let query_log = query_logs.open(plan.query_log.as_ref())?;
    let (setup, listen) = (plan.setup(systemd::source(Handle::current())), plan.listen.clone());
    publisher.replace(plan);
    if let Err(error) = query_logs.replace(query_log, shared) {
        tracing::error!("queries are not logged: {error:#}");
    }
    listeners.serve(bound, &listen, shared);
    Ok(setup)
}

/// Reads on a thread of its own, for a bounded time. A reading that hangs keeps its turn, so that reloads don't pile up.
async fn aside<T: Send + 'static>(
    reading: &Arc<Mutex<()>>,
    read: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let turn = reading.clone().try_lock_owned().context("an earlier reading of it has not ended")?;
    let read = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        read()
    });
    time::timeout(READING, read).await.context("reading it takes too long")?.context("reading it failed")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_reading_waits_for_no_first_one() {
        let reading = Arc::new(Mutex::new(()));
        let held = reading.clone().try_lock_owned().expect("free");
        assert!(aside(&reading, || Ok(())).await.is_err());
        drop(held);
        assert_eq!(aside(&reading, || Ok(7)).await.ok(), Some(7));
    }
}
