//! Sockets around the engine.
//!
//! The servers know the agent only as a [`Host`]. They hold no state of their own but buffers. [`exchange`] is what all
//! transports share.

mod exchange;
pub mod udp;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

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
    /// Takes note that a message had a wrong community or wrong keys. Returns at once; whether and how often anybody is
    /// told is the agent's.
    fn authentication_failure(&self, source: IpAddr) {
        let _ = source;
    }
    /// Stores and publishes `after`, which was made from `before`. False when it can't be stored, or when the settings
    /// are no longer `before`, as another listener was faster: nothing has changed then. May block.
    fn commit(&self, before: &Settings, after: &Settings) -> bool;
}

/// Where to listen: `udp:127.0.0.1:161`, `udp:[::1]:161`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// The local address; port 0 is any free one.
    pub address: SocketAddr,
}

impl Listen {
    /// Reads an address as the configuration has it.
    pub fn parse(text: &str) -> Result<Listen, String> {
        let address = text.strip_prefix("udp:").and_then(|address| address.parse().ok());
        address.map(|address| Listen { address }).ok_or_else(|| {
            format!("`{text}` is no place to listen: write udp:ADDRESS:PORT, as udp:127.0.0.1:161 or udp:[::]:161")
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
        write!(formatter, "udp:{}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_written_alike() {
        for text in ["udp:127.0.0.1:161", "udp:[::1]:1161", "udp:0.0.0.0:0"] {
            assert_eq!(Listen::parse(text).map(|listen| listen.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "127.0.0.1:161", "udp:127.0.0.1", "udp:::1:161", "udp:localhost:161", "tcp:127.0.0.1:161"] {
            assert!(Listen::parse(text).is_err(), "{text}");
        }
    }
}
