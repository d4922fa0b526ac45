//! vitalsd: an SNMP agent that watches the health of a Linux machine, and tells managers, Prometheus and people of it.
//!
//! # The flow
//!
//! 1. collect: each subject, on its own schedule, becomes a slot of the `Snapshot`: facts, or why there are none.
//! 2. assess: rules over the metrics of the snapshot raise, change and clear alarms.
//! 3. project: every family becomes rows of the private MIB, sorted and encoded. Prometheus loops over the same.
//! 4. publish: one pointer is swapped; SNMP, HTTP and the control socket answer from what it points to.
//! 5. notify: what happened is stored, then sent as traps or, until they are acknowledged, informs.
//!
//! `agent` owns this loop; `agent::publisher` is where the steps meet.
//!
//! # The modules, in reading order
//!
//! - [`metric`]: the vocabulary in which facts are declared: families, labels, units, kinds.
//! - [`collect`]: the facts, one file a subject, each with its row, reader, parse and metrics.
//! - [`health`]: rules and the alarms that come of them; the built-in rules.
//! - [`mib`]: what is at which OID: the view, its segments, standard modules as declared tables, VITALS-MIB as a
//!   projection of the families, the compatibility view.
//! - [`state`]: the published moment.
//! - [`snmp`]: the engine without I/O: a datagram and a moment in, an answer out; notifications as messages.
//! - [`server`]: the UDP and TCP sockets around the engine; the query log.
//! - [`remote`]: facts that come of other programs: systemd over D-Bus, the commands of `[[extend]]`.
//! - [`notify`]: who is told of alarms; the journal that survives a restart.
//! - [`http`]: Prometheus' page.
//! - [`render`]: the text of VITALS-MIB, and every metric described.
//! - [`report`]: how the host does, as text and JSON.
//! - [`config`]: the file as written, and all that is wrong with it; each module owns its section.
//! - [`agent`]: the daemon: schedule, publishing, listeners, reload, end.
//! - [`cli`]: the command line, one file a subcommand.
//! - [`store`]: small files that are whole or not there; [`secret`]: text that is never shown.
//!
//! # Layers
//!
//! Imports go one way: a module uses those to its left, never those to its right or beside it.
//!
//! | facts | judgement | objects | engine | edges | whole |
//! |---|---|---|---|---|---|
//! | metric, collect | health | mib | state, snmp | server, remote, notify, http, render, report | config, agent, cli |
//!
//! In the first and the last the order is that of writing: collect uses metric; cli uses agent, which uses config.
//! `store` and `secret` stand beside and use nothing of the crate.
//!
//! # What holds
//!
//! - A request never causes collection: SNMP, HTTP and the control socket read what is published.
//! - Absent is absent: what can't be read has no row or value, and its section says why. It is never zero.
//! - The time of day is read by `agent::clock`, and by `cli` where no agent runs; all else is told it. `notify`,
//!   `server` and `collect::filesystem` read a monotonic clock besides, for how long they wait.
//! - metric, health, mib, snmp, state, render and report do no I/O.
//! - `async` is only in agent, server, remote, notify and http. Collectors block, each on a thread of its own.
//! - Only `agent` starts what lives as long as the agent.
//! - The environment is read in `config` only, save what libraries read: `NOTIFY_SOCKET` and where the bus is.
//! - No program is ever started but the commands of `[[extend]]`: by `remote::extend`, in the background, never on a
//!   request, and none that the file doesn't name.
//! - Nothing is written but the state directory, the control socket and, where wanted, the query log.
//! - A subject is named in its file and in the lists of `collect`: SNMP, Prometheus and the MIB's text loop over
//!   families and know none. `report` and the health summary look for metrics by name, and say less without.
//! - No `unsafe`: the crate denies it.

pub mod agent;
pub mod cli;
pub mod collect;
pub mod config;
pub mod health;
pub mod http;
pub mod metric;
pub mod mib;
pub mod notify;
pub mod remote;
pub mod render;
pub mod report;
pub mod secret;
pub mod server;
pub mod snmp;
pub mod state;
pub mod store;
