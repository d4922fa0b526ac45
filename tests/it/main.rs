//! One integration binary: the agent as its users meet it, judged by programs that nobody here wrote.
//!
//! `tests/setup` installs them; one that is missing fails its test.

mod agent;
mod anomaly;
mod cli;
mod compat;
mod conformance;
mod engine;
mod extend;
mod host;
mod informs;
mod interfaces;
mod judge;
mod key_change;
mod managers;
mod message;
mod metrics;
mod mib;
mod network;
mod query_log;
mod snmp;
mod systemd;
mod tcp;
mod textfile;
mod tidy;
mod traps;
mod v3;
mod wire;
mod world;
