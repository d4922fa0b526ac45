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
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

pub use query_log::QueryLog;

use crate::metric::Now;
use crate::mib::{Counter, Counters, EngineClock, Settings, View};
use crate::snmp::record::Fate;
use crate::snmp::{Engine, Record};

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
    /// Is told of a message that should not have been sent; not of each, where they are many.
    fn refused(&self, refused: &Refused);
    /// Stores and publishes `after`, which was made from `before`. False when it can't be stored, or when the settings
    /// are no longer `before`, as another listener was faster: nothing has changed then. May block.
    fn commit(&self, before: &Settings, after: &Settings) -> bool;
}

/// A message that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Who sent it, or whose address it bears.
    pub source: IpAddr,
    /// The user that it names, of which nothing is proven.
    pub user: Option<String>,
    /// Why, and how far it came.
    pub record: Record,
}

impl Refused {
    /// Whether it failed to prove who sent it, which authenticationFailure tells of (RFC 3418).
    pub fn is_unauthentic(&self) -> bool {
        let unauthentic = [Counter::InBadCommunityNames, Counter::UnknownUserNames, Counter::WrongDigests];
        matches!(self.record.fate, Fate::Refused(counter) if unauthentic.contains(&counter))
    }

    /// Why, for an operator.
    pub fn reason(&self) -> &'static str {
        match self.record.fate {
            Fate::Refused(Counter::RefusedSources) => "it is not in snmp.allow",
            Fate::Refused(Counter::InBadCommunityNames) => "its community is unknown, or not for this source",
            Fate::Refused(Counter::UnknownUserNames) => "there is no such user",
            Fate::Refused(Counter::WrongDigests) => "wrong digest: its password or authentication protocol is another",
            Fate::Refused(Counter::DecryptionErrors) => "it can't be decrypted: its privacy protocol or key is another",
            Fate::Refused(Counter::UnsupportedSecLevels) => "the user has no keys for the level it asks at",
            Fate::Refused(Counter::ClosedVersion3) => "SNMPv3 is closed: `vitalsd engine show` says why",
            fate => fate.name(),
        }
    }
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

    /// Where a GETBULK's answer stops, in octets: as a datagram it then crosses any usual path in one packet; a stream
    /// carries more, but not so much that one manager keeps others waiting.
    pub fn bulk_octets(self) -> usize {
        match self {
            Transport::Udp => 1_400,
            Transport::Tcp => 16_384,
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
