//! Sockets around the engine.
//!
//! The servers know the agent only as a [`Host`]. They hold no state of their own but buffers. [`exchange`] is what all
//! transports share.

mod exchange;
pub mod holder;
pub mod query_log;
pub mod tcp;
#[cfg(test)]
mod testing;
pub mod udp;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

pub use query_log::QueryLog;

use crate::metric::Now;
use crate::mib::{Counters, EngineClock, Settings, View};
use crate::snmp::Engine;

/// What a server asks of the agent. A reload changes what is answered, never what was answered half.
pub trait Host: Send + Sync {
    /// The engine of the configuration in force.
    fn engine(&self) -> Arc<Engine>;
    /// The published moment: every instance, and the settings that it was made with.
    fn moment(&self) -> (Arc<View>, Arc<Settings>);
    /// sysUpTime, in hundredths of a second.
    fn uptime(&self) -> u32;
    /// snmpEngineBoots and snmpEngineTime.
    fn engine_clock(&self) -> EngineClock;
    /// The agent's counters.
    fn counters(&self) -> &Counters;
    /// The present.
    fn now(&self) -> Now;
    /// Who is told of each message; absent when nobody wants to know.
    fn query_log(&self) -> Option<Arc<QueryLog>>;
    /// Stores and publishes `after`, which was made from `before`. False when it can't be stored, or when the settings
    /// are no longer `before`, as another listener was faster: nothing has changed then. May block.
    fn commit(&self, before: &Settings, after: &Settings) -> bool;
}

/// What carries messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// RFC 3417, section 3.
    Udp,
    /// RFC 3430.
    Tcp,
}

impl Transport {
    /// `udp` or `tcp`.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        }
    }
}

/// Where to listen: `udp:127.0.0.1:161`, `tcp:[::1]:161`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// What carries messages there.
    pub transport: Transport,
    /// The local address; port 0 is any free one.
    pub address: SocketAddr,
}

impl Listen {
    /// Reads an address as the configuration has it.
    pub fn parse(text: &str) -> Result<Listen, String> {
        let split = text.split_once(':').and_then(|(transport, address)| {
            let transport = [Transport::Udp, Transport::Tcp].into_iter().find(|known| known.name() == transport)?;
            Some(Listen { transport, address: address.parse().ok()? })
        });
        split.ok_or_else(|| {
            format!(
                "`{text}` is no place to listen: write udp:ADDRESS:PORT or tcp:ADDRESS:PORT, as udp:127.0.0.1:161 or \
                 tcp:[::]:161"
            )
        })
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Listen::parse(text)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.transport.name(), self.address)
    }
}

/// Says which address can't be had, and what to do where that is known.
pub fn explain(listen: &Listen, error: &io::Error) -> io::Error {
    let reason = match error.kind() {
        io::ErrorKind::AddrInUse => holder::in_use(listen),
        io::ErrorKind::AddrNotAvailable => "this machine does not have the address".into(),
        io::ErrorKind::PermissionDenied => "ports below 1024 need CAP_NET_BIND_SERVICE".into(),
        _ => error.to_string(),
    };
    io::Error::new(error.kind(), format!("cannot listen on {listen}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_written_alike() {
        for text in ["udp:127.0.0.1:161", "udp:[::1]:1161", "udp:0.0.0.0:0", "tcp:127.0.0.1:1161", "tcp:[::1]:1161"] {
            assert_eq!(Listen::parse(text).map(|listen| listen.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "127.0.0.1:161", "udp:127.0.0.1", "udp:::1:161", "udp:localhost:161", "sctp:127.0.0.1:161"] {
            assert!(Listen::parse(text).is_err(), "{text}");
        }
    }
}
