//! vitalsd.

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
