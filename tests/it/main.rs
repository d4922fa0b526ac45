//! One integration binary: the agent as its users meet it, judged by programs that nobody here wrote.
//!
//! `tests/setup` installs them; one that is missing fails its test.

mod agent;
mod cli;
mod compat;
mod conformance;
mod engine;
mod extend;
mod metrics;
mod mib;
mod query_log;
mod snmp;
mod systemd;
mod tcp;
mod textfile;
mod tidy;
mod traps;
