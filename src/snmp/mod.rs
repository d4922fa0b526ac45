//! SNMP: the engine, without I/O. A message and one published moment go in, an answer comes out.
//!
//! [`wire`] reads, [`community`] or, for SNMPv3, [`checks`] says who asks and what may be seen, [`request`] and [`set`]
//! work, [`answer`] writes. All versions share the last two; where SNMPv1 differs (RFC 3584, section 4), the code that differs
//! says so. [`v3`] is the form of SNMPv3's messages, [`usm`] its users and cryptography, [`access`] what identities of any
//! version have in common. [`notification`] is what notifications carry, [`outgoing`] SNMPv3's way out. Read RFC 3416,
//! section 4.2, and RFC 3414, section 3.2 first.

pub mod access;
pub mod answer;
pub mod checks;
pub mod community;
pub mod config;
pub mod engine_id;
pub mod limit;
pub mod notification;
pub mod outgoing;
pub mod record;
pub mod request;
pub mod set;
pub mod usm;
pub mod v3;
pub mod wire;

#[cfg(test)]
pub(crate) mod known_answers;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod v3_answers;

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use access::{Error, Resolve};
pub use config::Config;
pub use record::Record;
pub use request::Asker;
pub use set::Commit;

use crate::mib::settings::UserKeys;
use crate::mib::{Counter, Key, Live, LiveObject, Oid, Settings, Value, View, ber};
use access::{Networks, Views};
use answer::{Answer, Envelope, Wrap};
use checks::{Admitted, Refusal, Version3};
use community::{Admission, Communities, Identity};
use config::Access;
use limit::{Allowance, Limiter};
use record::{Fate, Who};
use usm::Salts;

/// A version of SNMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// SNMPv1 (RFC 1157).
    V1,
    /// SNMPv2c (RFC 1901).
    V2c,
    /// SNMPv3 (RFC 3412).
    V3,
}

impl Version {
    /// As a message says it.
    pub fn number(self) -> u8 {
        match self {
            Version::V1 => 0,
            Version::V2c => 1,
            Version::V3 => 3,
        }
    }

    /// As people say it.
    pub fn name(self) -> &'static str {
        match self {
            Version::V1 => "1",
            Version::V2c => "2c",
            Version::V3 => "3",
        }
    }
}

/// The user that a message of SNMPv3 names, whoever sent it; nothing of it is proven.
pub fn claimed_user(datagram: &[u8]) -> Option<&[u8]> {
    let (_, mut rest) = wire::version(datagram).ok()?;
    v3::Header::read(&mut rest).ok()?;
    Some(v3::Parameters::read(datagram, &mut rest).ok()?.user_name)
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
    /// Where a GETBULK's answer stops once it has one repetition, in octets; a first repetition that is larger goes out
    /// whole, as managers ask for rows.
    pub bulk_octets: usize,
    /// When, since any fixed moment.
    pub now: Duration,
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

/// Buffers that are used again from one request to the next, and what became of the last one.
#[derive(Debug, Default)]
pub struct Scratch {
    keys: Key,
    binds: Vec<wire::Bind>,
    key: Key,
    plain: Vec<u8>,
    record: Record,
}

impl Scratch {
    /// What became of the last message.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The names in the last message, as far as its PDU was read.
    pub fn names(&self) -> impl Iterator<Item = Oid> + '_ {
        let keys = self.binds.iter().filter_map(|bind| self.keys.get(bind.key.clone()));
        keys.filter_map(|key| Oid::new(crate::mib::oid::arcs_of_key(key)))
    }

    fn begin(&mut self) {
        self.binds.clear();
        self.record = Record::default();
    }
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

/// What SNMPv3 needs to know of the engine that it is served by.
#[derive(Debug, Clone)]
pub struct Local {
    /// snmpEngineID.
    pub engine_id: Arc<[u8]>,
    /// What keys the fingerprints of users.
    pub secret: Vec<u8>,
    /// Salts: the same as long as the agent runs.
    pub salts: Arc<Salts>,
}

/// Answers requests.
#[derive(Debug, Clone)]
pub struct Engine {
    allow: Networks,
    communities: Communities,
    version3: Option<Version3>,
    /// There are users, and SNMPv3 may not be served all the same.
    closed: bool,
    limits: Arc<Limits>,
}

/// What sources may have. It goes on where keys change.
#[derive(Debug)]
struct Limits {
    /// Messages of allowed sources, where that is configured.
    messages: Option<Limiter>,
    /// Reports.
    reports: Limiter,
    /// Refusals that somebody is told of.
    notices: Limiter,
}

/// Reports are larger than what asks for them, and anybody can ask in another's name: a manager needs one or two a session.
const REPORTS: (Allowance, Allowance) =
    (Allowance { per_second: 50, burst: 200 }, Allowance { per_second: 1_000, burst: 2_000 });

/// Lines in the log, and notifications.
const NOTICES: (Allowance, Allowance) =
    (Allowance { per_second: 1, burst: 5 }, Allowance { per_second: 10, burst: 50 });

impl Limits {
    fn new(rate: Option<config::Rate>) -> Limits {
        let limiter = |(each, all)| Limiter::new(each, Some(all), RandomState::new());
        let messages = rate.map(|config::Rate { per_second }| {
            Limiter::new(Allowance { per_second, burst: per_second }, None, RandomState::new())
        });
        Limits { messages, reports: limiter(REPORTS), notices: limiter(NOTICES) }
    }
}

impl Engine {
    /// Compiles `[snmp]`. Secrets that stand in files must have been read into it. Without `local`, SNMPv3 is closed. The
    /// error is the first.
    pub fn new(config: &Config, local: Option<&Local>, resolve: Resolve) -> Result<Engine, Error> {
        let mut errors = Vec::new();
        let engine = Engine::compile(config, local, resolve, &mut errors);
        errors.into_iter().next().map_or(Ok(engine), Err)
    }

    fn compile(config: &Config, local: Option<&Local>, resolve: Resolve, errors: &mut Vec<Error>) -> Engine {
        let allow = Networks::allowed(config, errors);
        let views = Views::compile(config, resolve, errors);
        let communities = Communities::compile(config, &views, errors);
        let version3 = local.filter(|_| !config.user.is_empty()).map(|local| Version3 {
            engine_id: local.engine_id.clone(),
            users: usm::Users::compile(config, &views, &local.engine_id, &local.secret, errors),
            salts: local.salts.clone(),
        });
        let closed = version3.is_none() && !config.user.is_empty();
        Engine { allow, communities, version3, closed, limits: Arc::new(Limits::new(config.rate_limit)) }
    }

    /// The same with the keys that users changed to.
    #[must_use]
    pub fn with_keys(&self, keys: &BTreeMap<String, UserKeys>) -> Engine {
        let with_keys = |version3: &Version3| Version3 { users: version3.users.with_keys(keys), ..version3.clone() };
        Engine { version3: self.version3.as_ref().map(with_keys), ..self.clone() }
    }

    /// What tells whether a user's entry in the configuration is another, by his name; `None` while SNMPv3 is closed, as
    /// it can't be told then.
    pub fn fingerprints(&self) -> Option<BTreeMap<String, String>> {
        match (&self.version3, self.closed) {
            (Some(version3), _) => Some(version3.users.fingerprints()),
            (None, true) => None,
            (None, false) => Some(BTreeMap::new()),
        }
    }

    /// The users of SNMPv3, where it is open.
    pub fn users(&self) -> Option<&usm::Users> {
        self.version3.as_ref().map(|version3| &version3.users)
    }

    /// What makes each encrypted message's own, where SNMPv3 is open.
    pub fn salts(&self) -> Option<&Salts> {
        self.version3.as_ref().map(|version3| &*version3.salts)
    }

    /// Whether this source is answered at all.
    pub fn allows(&self, source: IpAddr) -> bool {
        self.allow.contain(source)
    }

    /// How a log calls who sent a message.
    pub fn name(&self, who: Who) -> Option<String> {
        match who {
            Who::Nobody => None,
            Who::Community(place) => Some(format!("community[{place}]")),
            Who::User(place) => {
                let user = self.users().and_then(|users| users.get(place))?;
                Some(String::from_utf8_lossy(&user.name).into_owned())
            }
        }
    }

    /// Whether somebody is to be told that this message was refused: it should not have been sent, and its source has not
    /// been told of too often. Discovery and the setting of clocks are no refusals in this sense.
    pub fn notices(&self, request: &Request, record: &Record) -> bool {
        let Fate::Refused(counter) = record.fate else { return false };
        let told = matches!(
            counter,
            Counter::RefusedSources
                | Counter::InBadCommunityNames
                | Counter::UnknownUserNames
                | Counter::WrongDigests
                | Counter::DecryptionErrors
                | Counter::UnsupportedSecLevels
                | Counter::ClosedVersion3
        );
        told && self.limits.notices.allow(request.sender, request.now)
    }

    /// Works on one message. `out` holds the answer only when the verdict says so. Whatever the octets are, this neither
    /// panics nor does more work than the largest answer asks for.
    pub fn handle(&self, request: Request, moment: Moment, scratch: &mut Scratch, out: &mut Vec<u8>) -> Verdict {
        scratch.begin();
        let counters = moment.live.counters;
        counters.add(Counter::InPkts, 1);
        let dispatched = self.dispatch(request, moment, scratch, out);
        dispatched.unwrap_or_else(|counter| {
            counters.add(counter, 1);
            scratch.record.fate = Fate::Refused(counter);
            Verdict::Silence
        })
    }

    /// The checks before the PDU is looked at, in RFC 1157's order (section 4.1); a message that fails one is dropped and
    /// counted.
    fn dispatch(
        &self,
        request: Request,
        moment: Moment,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Result<Verdict, Counter> {
        if !self.allows(request.sender) {
            return Err(Counter::RefusedSources);
        }
        if let Some(limiter) = &self.limits.messages
            && !limiter.allow(request.sender, request.now)
        {
            return Err(Counter::RateLimited);
        }
        let (version, rest) = wire::version(request.datagram).map_err(|_| Counter::InAsnParseErrs)?;
        let version = match (version, &self.version3) {
            (0, _) => Version::V1,
            (1, _) => Version::V2c,
            (3, Some(version3)) => return self.version3(version3, request, rest, moment, scratch, out),
            (3, None) if self.closed => return Err(Counter::ClosedVersion3),
            _ => return Err(Counter::InBadVersions),
        };
        scratch.record.version = Some(version);
        let message = wire::message(rest).map_err(|_| Counter::InAsnParseErrs)?;
        let identity = self.identity(message.community, request.sender, moment)?;
        scratch.record.who = Who::Community(identity.place);
        let context = request::Context {
            asker: Asker::Community { version, community: message.community },
            rights: &identity.rights,
            is_authorized: true,
            max_response: request.max_response,
            bulk_octets: request.bulk_octets,
            moment,
        };
        Ok(context.answer(message.pdu_tag, message.pdu, scratch, out))
    }

    fn identity(&self, community: &[u8], sender: IpAddr, moment: Moment) -> Result<&Identity, Counter> {
        match self.communities.admit(community, sender) {
            Admission::Known(identity) => Ok(identity),
            Admission::WrongSource => {
                // RFC 3418 lets snmpInBadCommunityNames include failed checks of the source.
                moment.live.counters.add(Counter::RefusedCommunitySources, 1);
                Err(Counter::InBadCommunityNames)
            }
            Admission::Unknown => Err(Counter::InBadCommunityNames),
        }
    }

    /// RFC 3412, section 7.2.
    fn version3(
        &self,
        version3: &Version3,
        request: Request,
        mut rest: wire::Reader,
        moment: Moment,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Result<Verdict, Counter> {
        scratch.record.version = Some(Version::V3);
        let malformed = |_| Counter::InAsnParseErrs;
        let message = wire::whole(request.datagram).map_err(malformed)?;
        let header = v3::Header::read(&mut rest).map_err(malformed)?;
        let max_response = request.max_response.min(header.max_size);
        let clock = moment.live.engine;
        // Taken out for as long as what is decrypted in it is looked at.
        let mut plain = std::mem::take(&mut scratch.plain);
        let checked = version3.check(message, &header, rest, clock, &mut plain, &mut scratch.record);
        let verdict = match checked {
            Ok(Admitted { user, level, scoped }) => {
                let context = request::Context {
                    asker: Asker::User { version3, user, level, message_id: header.message_id },
                    rights: &user.rights,
                    is_authorized: level >= user.least && user.rights.access != Access::None,
                    max_response,
                    bulk_octets: request.bulk_octets,
                    moment,
                };
                context.answer(scoped.pdu_tag, scoped.pdu, scratch, out)
            }
            Err(refusal) => {
                scratch.record.fate = Fate::Refused(refusal.counter);
                let request = Request { max_response, ..request };
                self.refuse(version3, &refusal, &header, request, moment.live, out)
            }
        };
        scratch.plain = plain;
        Ok(verdict)
    }

    /// Counts a refusal, and tells its sender where he wants to be told.
    fn refuse(
        &self,
        version3: &Version3,
        refusal: &Refusal,
        header: &v3::Header,
        request: Request,
        live: &Live,
        out: &mut Vec<u8>,
    ) -> Verdict {
        live.counters.add(refusal.counter, 1);
        let (Some(report), Some(scalar)) = (&refusal.report, refusal.counter.scalar()) else { return Verdict::Silence };
        if !header.is_reportable() {
            return Verdict::Silence;
        }
        if !self.limits.reports.allow(request.sender, request.now) {
            live.counters.add(Counter::RateLimited, 1);
            return Verdict::Silence;
        }
        let wrap = Wrap::Seal(version3.seal_report(report, header.message_id, live.engine));
        let mut answer = Answer::begin(Envelope { request_id: report.request_id, wrap }, request.max_response, out);
        let Value::Counter32(value) = LiveObject::Counter(refusal.counter).read(live) else { return Verdict::Silence };
        let mut bind = Vec::new();
        Value::ObjectId(Oid::from_static(scalar).child(&[0])).encode(&mut bind);
        Value::Counter32(value).encode(&mut bind);
        ber::push_octets(ber::SEQUENCE, &bind, answer.list());
        if !answer.finish_report() {
            return Verdict::Silence;
        }
        live.counters.add(Counter::ReportsSent, 1);
        live.counters.add(Counter::OutPkts, 1);
        Verdict::Answer
    }
}
