//! vitalsd.

pub mod collect;
pub mod health;
pub mod http;
pub mod metric;
pub mod mib;
pub mod notify;
pub mod render;
pub mod secret;
pub mod server;
pub mod snmp;
pub mod state;
