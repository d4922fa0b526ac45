//! SNMP: the engine, without I/O. A datagram and one published moment go in, an answer comes out.
//!
//! [`wire`] reads, [`community`] says who asks and what may be seen, [`request`] works, [`answer`] writes. SNMPv1 and
//! SNMPv2c share all of it; where v1 differs (RFC 3584, section 4), the code that differs says so. What a notification
//! carries is [`notification`]'s, SNMPv3's way out is [`outgoing`]. Read RFC 3416, section 4.2 first.

pub mod answer;
pub mod community;
pub mod config;
pub mod engine_id;
pub mod notification;
pub mod outgoing;
pub mod request;
pub mod usm;
pub mod wire;

#[cfg(test)]
pub(crate) mod known_answers;
#[cfg(test)]
mod properties;

use std::net::IpAddr;

pub use community::{Error, Resolve};
pub use config::Config;
pub use request::Commit;

use crate::mib::{Counter, Counters, Key, Live, Settings, View};
use community::{Admission, Identities};

/// A version of SNMP that is served with communities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// SNMPv1 (RFC 1157).
    V1,
    /// SNMPv2c (RFC 1901).
    V2c,
}

impl Version {
    /// As a message says it.
    pub fn number(self) -> u8 {
        match self {
            Version::V1 => 0,
            Version::V2c => 1,
        }
    }
}

/// The most octets that a UDP datagram over IPv4 carries, and so the most that an answer has.
pub const MAX_DATAGRAM: usize = 65_507;

/// What arrived.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The octets.
    pub datagram: &'a [u8],
    /// Who sent them.
    pub sender: IpAddr,
    /// The most octets that the answer may have.
    pub max_response: usize,
}

/// The moment that is asked about.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// Every instance.
    pub view: &'a View,
    /// What SET starts from.
    pub settings: &'a Settings,
    /// What live objects are read from; also where requests are counted.
    pub live: &'a Live<'a>,
}

/// Buffers that are used again from one request to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    keys: Key,
    binds: Vec<wire::Bind>,
    key: Key,
}

/// What is to be done about a request.
#[derive(Debug)]
pub enum Verdict {
    /// Nothing.
    Silence,
    /// The answer is in the buffer.
    Answer,
    /// New settings are to be stored; [`Commit::answer`] then says what to answer.
    Commit(Box<Commit>),
}

/// Answers requests.
#[derive(Debug)]
pub struct Engine {
    identities: Identities,
}

impl Engine {
    /// Compiles `[snmp]`. Communities that stand in files must have been read into `name`. The error is the first.
    pub fn new(config: &Config, resolve: Resolve) -> Result<Engine, Error> {
        let mut errors = Vec::new();
        let identities = Identities::compile(config, resolve, &mut errors);
        match errors.into_iter().next() {
            None => Ok(Engine { identities }),
            Some(error) => Err(error),
        }
    }

    /// Everything that is wrong with `[snmp]`.
    pub fn problems(config: &Config, resolve: Resolve) -> Vec<Error> {
        let mut errors = Vec::new();
        Identities::compile(config, resolve, &mut errors);
        errors
    }

    /// Works on one datagram. `out` holds the answer only when the verdict says so. Whatever the octets are, this
    /// neither panics nor does more work than the largest answer asks for.
    pub fn handle(&self, request: Request, moment: Moment, scratch: &mut Scratch, out: &mut Vec<u8>) -> Verdict {
        let counters = moment.live.counters;
        counters.add(Counter::InPkts, 1);
        match self.admit(request, counters) {
            Ok((version, identity, message)) => {
                let context = request::Context { version, identity, max_response: request.max_response, moment };
                context.answer(message, scratch, out)
            }
            Err(counter) => {
                counters.add(counter, 1);
                Verdict::Silence
            }
        }
    }

    /// The checks before the PDU is looked at, in RFC 1157's order (section 4.1); a message that fails one is dropped
    /// and counted.
    fn admit<'a>(
        &'a self,
        request: Request<'a>,
        counters: &Counters,
    ) -> Result<(Version, &'a community::Identity, wire::Message<'a>), Counter> {
        if !self.identities.allow(request.sender) {
            return Err(Counter::RefusedSources);
        }
        let (version, rest) = wire::version(request.datagram).map_err(|_| Counter::InAsnParseErrs)?;
        let version = match version {
            0 => Version::V1,
            1 => Version::V2c,
            _ => return Err(Counter::InBadVersions),
        };
        let message = wire::message(rest).map_err(|_| Counter::InAsnParseErrs)?;
        match self.identities.admit(message.community, request.sender) {
            Admission::Known(identity) => Ok((version, identity, message)),
            Admission::WrongSource => {
                // RFC 3418 lets snmpInBadCommunityNames include failed checks of the source.
                counters.add(Counter::RefusedCommunitySources, 1);
                Err(Counter::InBadCommunityNames)
            }
            Admission::Unknown => Err(Counter::InBadCommunityNames),
        }
    }
}
