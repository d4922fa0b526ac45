//! vitalsd.

pub mod collect;
pub mod config;
pub mod health;
pub mod http;
pub mod metric;
pub mod notify;
pub mod secret;
pub mod snmp;
