//! SNMPv3 for notifications: messages that go out, and what receivers say to informs. Pure: no socket, no clock.
//!
//! Of a trap, this engine is authoritative, and it is signed with its keys (RFC 3414, section 1.5.1). Of an inform, the
//! receiver is: its engine ID is discovered, keys are localized to it, and its time is learnt from its authentic Reports
//! (RFC 3414, sections 3.2, step 7b, and 4). Retrying, and giving up, is the caller's. rasn's codec writes the messages,
//! as they are few; what arrives is read by [`super::v3`]. Read RFC 3412, section 7.1, first.

use std::time::Duration;

use rasn_snmp::{v2, v3 as codec};
use thiserror::Error;

use super::MAX_DATAGRAM;
use super::config::{self, Level};
use super::usm::{
    self, AuthProtocol, Authenticator, Cipher, Key, PrivProtocol, Salts, localize, master_key, privacy_key,
};
use super::v3::{Header, Parameters, SALT_OCTETS, Scoped, USM};
use super::wire::{self, Malformed, Reader};
use crate::mib::{EngineClock, Key as OidKey, Oid, ber, oid::arcs_of_key};
use crate::secret::Secret;

/// How far a receiver's time may lie behind, in seconds (RFC 3414, section 3.2, step 7b).
const TIME_WINDOW: u32 = 150;
/// How long an engine ID may be, in octets (RFC 3411, SnmpEngineID).
const ENGINE_ID_OCTETS: std::ops::RangeInclusive<usize> = 5..=32;
/// usmStats (RFC 3414): what Reports are about.
const USM_STATS: &[u32] = &[1, 3, 6, 1, 6, 3, 15, 1, 1];
const RESPONSE: u8 = 0xa2;
const REPORT: u8 = 0xa8;

/// A user's keys at one engine.
#[derive(Debug, Clone)]
pub struct Signer {
    name: Vec<u8>,
    auth: Option<Authenticator>,
    privacy: Option<Cipher>,
}

impl Signer {
    /// Notifications are as safe as the keys allow.
    pub fn level(&self) -> Level {
        match (&self.auth, &self.privacy) {
            (None, _) => Level::NoAuthNoPriv,
            (Some(_), None) => Level::AuthNoPriv,
            (Some(_), Some(_)) => Level::AuthPriv,
        }
    }
}

impl From<&usm::User> for Signer {
    /// A user of this engine, who signs its traps.
    fn from(user: &usm::User) -> Self {
        let auth = user.auth.as_ref().map(|(auth, _)| auth.clone());
        Signer { name: user.name.clone(), auth, privacy: user.privacy.as_ref().map(|(cipher, _)| cipher.clone()) }
    }
}

/// A user's keys before they are localized: what informs need, since each receiver is another engine.
#[derive(Debug, Clone)]
pub struct Credentials {
    name: Vec<u8>,
    auth: Option<(AuthProtocol, Key)>,
    privacy: Option<(PrivProtocol, Key)>,
}

impl Credentials {
    /// Those of a user as the file has him. Passwords that stand in files must have been read into him.
    ///
    /// # Errors
    /// Why he can't inform.
    pub fn of(user: &config::User) -> Result<Credentials, String> {
        let auth = user.auth.protocol();
        let ku = |kind: &str, password: &Option<Secret>, master: &Option<Secret>| {
            let auth = auth.ok_or("encryption without authentication")?;
            let typed = || master_key(auth, password.as_ref()?.expose().as_bytes());
            let read = || hex::decode(master.as_ref()?.expose()).ok().filter(|key| key.len() == auth.key_octets());
            let key = typed().or_else(|| read().map(Key::new));
            key.ok_or_else(|| format!("informs need `{kind}_password` or `{kind}_master_key` of their user"))
        };
        let with_key =
            auth.map(|auth| Ok::<_, String>((auth, ku("auth", &user.auth_password, &user.auth_master_key)?)));
        let privacy = user.privacy.protocol();
        let privacy =
            privacy.map(|cipher| Ok::<_, String>((cipher, ku("priv", &user.priv_password, &user.priv_master_key)?)));
        let name = user.name.as_bytes().to_vec();
        Ok(Credentials { name, auth: with_key.transpose()?, privacy: privacy.transpose()? })
    }

    /// The keys at one engine.
    fn at(&self, engine_id: &[u8]) -> Signer {
        let auth = self.auth.as_ref();
        let privacy = self.privacy.as_ref().zip(auth).and_then(|((cipher, ku), (auth, _))| {
            let key = privacy_key(*auth, *cipher, &localize(*auth, ku, engine_id), engine_id);
            Cipher::new(*cipher, &key)
        });
        let auth = auth.map(|(auth, ku)| Authenticator::new(*auth, &localize(*auth, ku, engine_id)));
        Signer { name: self.name.clone(), auth, privacy }
    }
}

/// Everything around a PDU that goes out.
pub struct Envelope<'a> {
    /// The authoritative engine.
    pub engine_id: &'a [u8],
    /// Its time.
    pub clock: EngineClock,
    /// The context's engine: always this one, whose notification it is.
    pub context: &'a [u8],
    /// Who signs and encrypts.
    pub signer: &'a Signer,
    /// msgID.
    pub message_id: i32,
    /// Whether Reports are wanted: of informs, which are confirmed.
    pub is_reportable: bool,
}

impl Envelope<'_> {
    /// The whole message, encrypted and signed as far as there are keys. `None` where they don't fit, which no
    /// configuration causes that was checked.
    pub fn seal(&self, pdu: v2::Pdus, salts: &Salts) -> Option<Vec<u8>> {
        let scoped = codec::ScopedPdu { engine_id: self.context.to_vec().into(), name: Vec::new().into(), data: pdu };
        let mut salt = Vec::new();
        let scoped_data = match &self.signer.privacy {
            None => codec::ScopedPduData::CleartextPdu(scoped),
            Some(cipher) => {
                let fresh = salts.next(cipher.protocol(), self.clock.boots);
                let mut octets = rasn::ber::encode(&scoped).ok()?;
                octets.resize(cipher.padded_octets(octets.len()), 0);
                if !cipher.encrypt(self.clock.boots, self.clock.time, fresh, &mut octets) {
                    return None;
                }
                salt.extend_from_slice(&fresh);
                codec::ScopedPduData::EncryptedPdu(octets.into())
            }
        };
        let auth = self.signer.auth.as_ref();
        let parameters = codec::USMSecurityParameters {
            authoritative_engine_id: self.engine_id.to_vec().into(),
            authoritative_engine_boots: self.clock.boots.into(),
            authoritative_engine_time: self.clock.time.into(),
            user_name: self.signer.name.clone().into(),
            authentication_parameters: vec![0; auth.map_or(0, Authenticator::mac_octets)].into(),
            privacy_parameters: salt.into(),
        };
        let level = match self.signer.level() {
            Level::NoAuthNoPriv => 0,
            Level::AuthNoPriv => 1,
            Level::AuthPriv => 3,
        };
        let message = codec::Message {
            version: 3.into(),
            global_data: codec::HeaderData {
                message_id: self.message_id.into(),
                max_size: MAX_DATAGRAM.into(),
                flags: vec![level | if self.is_reportable { 4 } else { 0 }].into(),
                security_model: USM.into(),
            },
            security_parameters: rasn::ber::encode(&parameters).ok()?.into(),
            scoped_data,
        };
        let mut octets = rasn::ber::encode(&message).ok()?;
        if let Some(auth) = auth {
            let place = Arrived::read(&octets).ok()?.parameters.mac;
            if !auth.sign(&mut octets, place) {
                return None;
            }
        }
        Some(octets)
    }
}

/// A message that arrived, before anything is believed.
struct Arrived<'a> {
    octets: &'a [u8],
    header: Header,
    level: Level,
    parameters: Parameters<'a>,
    scoped: &'a [u8],
}

impl<'a> Arrived<'a> {
    fn read(octets: &'a [u8]) -> Result<Arrived<'a>, Malformed> {
        let (version, mut rest) = wire::version(octets)?;
        let header = Header::read(&mut rest)?;
        let level = header.level().ok_or(Malformed)?;
        if version != 3 || header.model != USM {
            return Err(Malformed);
        }
        let parameters = Parameters::read(octets, &mut rest)?;
        let whole = rest.octets();
        let scoped = if level == Level::AuthPriv { rest.expect(ber::OCTET_STRING)? } else { whole };
        Ok(Arrived { octets, header, level, parameters, scoped })
    }

    /// The ScopedPDU; what is encrypted comes out in `plain`. `None` where it isn't one.
    fn scoped(&self, signer: Option<&Signer>, plain: &'a mut Vec<u8>) -> Option<Scoped<'a>> {
        if self.level != Level::AuthPriv {
            return Scoped::read(self.scoped).ok();
        }
        let salt: &[u8; SALT_OCTETS] = self.parameters.salt.try_into().ok()?;
        plain.extend_from_slice(self.scoped);
        let EngineClock { boots, time } = self.parameters.clock;
        let cipher = signer?.privacy.as_ref()?;
        if cipher.decrypt(boots, time, salt, plain) { Scoped::read(plain).ok() } else { None }
    }
}

/// Why a receiver doesn't take an inform. Said by the receiver; only what is authentic is sure.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// usmStatsUnknownUserNames.
    #[error("the receiver does not know the user `{0}`")]
    UnknownUser(String),
    /// usmStatsWrongDigests.
    #[error("the receiver has another authentication key or protocol for the user `{0}`")]
    WrongDigest(String),
    /// usmStatsUnsupportedSecLevels.
    #[error("the receiver has not the keys for this level of security for the user `{0}`")]
    UnsupportedLevel(String),
    /// usmStatsDecryptionErrors.
    #[error("the receiver has another privacy key or protocol for the user `{0}`")]
    Decryption(String),
    /// Its boots or time fell behind what it had.
    #[error(
        "the receiver's snmpEngineBoots or its time went back: it lost its state, or it is not the one that it was"
    )]
    WentBack,
    /// A Report about something else.
    #[error("the receiver reports {0}")]
    Reported(Oid),
    /// A Response with an error-status.
    #[error("the receiver answers with error-status {0}")]
    ErrorStatus(i64),
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The inform arrived.
    Acknowledged,
    /// Something was learnt of the receiver's engine: the inform is to be sent anew, at once.
    Learnt,
    /// The receiver refuses it.
    Refused(Refusal),
    /// Nothing: forged, late, or not for this inform.
    Ignored,
}

/// What is waited for: answers to any transmission of one inform.
#[derive(Debug, Clone, Default)]
pub struct Waiting {
    /// The request-id, the same in each transmission.
    pub request_id: i32,
    /// The msgIDs, another in each transmission (RFC 3412, section 6.2).
    pub message_ids: Vec<i32>,
}

/// One receiver of informs, and what is known of its engine.
#[derive(Debug)]
pub struct Receiver {
    credentials: Credentials,
    /// The latest engine that answered there: a bound, as a receiver is one engine.
    peer: Option<Peer>,
}

/// A receiver's engine.
#[derive(Debug)]
struct Peer {
    id: Vec<u8>,
    signer: Signer,
    /// Its boots, and the latest time that it said; zeros before it said any.
    clock: EngineClock,
    /// When it said so.
    heard: Duration,
}

impl Receiver {
    /// A receiver of which nothing is known.
    pub fn new(credentials: Credentials) -> Receiver {
        Receiver { credentials, peer: None }
    }

    /// The next message on the way to an acknowledgement: the inform, or what discovers the engine. Its msgID is noted.
    pub fn message(
        &self,
        inform: &v2::Pdus,
        context: &[u8],
        message_id: i32,
        salts: &Salts,
        waiting: &mut Waiting,
        now: Duration,
    ) -> Option<Vec<u8>> {
        waiting.message_ids.push(message_id);
        match &self.peer {
            Some(Peer { id, signer, .. }) => {
                let clock = self.peer.as_ref().map(|peer| peer.clock_at(now)).unwrap_or_default();
                let envelope = Envelope { engine_id: id, clock, context, signer, message_id, is_reportable: true };
                envelope.seal(inform.clone(), salts)
            }
            None => discovery(message_id, waiting.request_id, salts),
        }
    }

    /// Whether it has signed something with the right key: what isn't acknowledged then, it may not decrypt, or not take
    /// of this user. Net-SNMP is silent in both cases.
    pub fn has_signed(&self) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.clock != EngineClock::default())
    }

    /// What a datagram from the receiver's address means.
    pub fn read(&mut self, datagram: &[u8], waiting: &Waiting, now: Duration) -> Answer {
        let Ok(arrived) = Arrived::read(datagram) else { return Answer::Ignored };
        if !waiting.message_ids.contains(&arrived.header.message_id) {
            return Answer::Ignored;
        }
        if arrived.level == Level::NoAuthNoPriv {
            self.unsigned(&arrived, waiting)
        } else {
            self.signed(&arrived, waiting, now)
        }
    }

    /// An answer that anybody may have written: a Report, or, to a user without keys, a Response.
    fn unsigned(&mut self, arrived: &Arrived, waiting: &Waiting) -> Answer {
        let Ok(scoped) = Scoped::read(arrived.scoped) else { return Answer::Ignored };
        let known = self.peer.as_ref().is_some_and(|peer| peer.id == arrived.parameters.engine_id);
        match (scoped.pdu_tag, &self.peer) {
            (RESPONSE, Some(peer)) if known && peer.signer.auth.is_none() => response(arrived, peer, &scoped, waiting),
            (REPORT, _) => match report(&scoped, &self.credentials.name) {
                Some(Reported::UnknownEngine) if !known => self.discover(arrived.parameters.engine_id, Duration::ZERO),
                // Whoever sends it without a signature sets no clock with it.
                Some(Reported::NotInTimeWindow | Reported::UnknownEngine) | None => Answer::Ignored,
                Some(Reported::Refused(refusal)) => Answer::Refused(refusal),
            },
            _ => Answer::Ignored,
        }
    }

    fn discover(&mut self, engine_id: &[u8], heard: Duration) -> Answer {
        if !ENGINE_ID_OCTETS.contains(&engine_id.len()) {
            return Answer::Ignored;
        }
        let signer = self.credentials.at(engine_id);
        self.peer = Some(Peer { id: engine_id.to_vec(), signer, clock: EngineClock::default(), heard });
        Answer::Learnt
    }

    /// RFC 3414, section 3.2, steps 5 to 8, for a receiver that is authoritative.
    fn signed(&mut self, arrived: &Arrived, waiting: &Waiting, now: Duration) -> Answer {
        let Some(peer) = &mut self.peer else { return Answer::Ignored };
        let Parameters { engine_id, clock, user_name, mac, .. } = &arrived.parameters;
        let auth = peer.signer.auth.as_ref();
        let is_authentic = auth.is_some_and(|auth| auth.verify(arrived.octets, mac.clone()));
        if *engine_id != peer.id || *user_name != peer.signer.name || !is_authentic {
            return Answer::Ignored;
        }
        // It is of the receiver, and not an old one, as its msgID is new.
        let (is_timely, was) = (peer.set_clock(*clock, now), peer.signer.name.clone());
        let mut plain = Vec::new();
        let Some(scoped) = arrived.scoped(Some(&peer.signer), &mut plain) else { return Answer::Ignored };
        if !is_timely {
            return Answer::Refused(Refusal::WentBack);
        }
        match scoped.pdu_tag {
            RESPONSE if arrived.level == peer.signer.level() => response(arrived, peer, &scoped, waiting),
            REPORT => match report(&scoped, &was) {
                Some(Reported::NotInTimeWindow) => Answer::Learnt,
                Some(Reported::UnknownEngine) | None => Answer::Ignored,
                Some(Reported::Refused(refusal)) => Answer::Refused(refusal),
            },
            _ => Answer::Ignored,
        }
    }
}

impl Peer {
    fn clock_at(&self, now: Duration) -> EngineClock {
        if self.clock == EngineClock::default() {
            return self.clock;
        }
        let passed = u32::try_from(now.saturating_sub(self.heard).as_secs()).unwrap_or(u32::MAX);
        EngineClock { time: self.clock.time.saturating_add(passed).min(EngineClock::LATCHED), ..self.clock }
    }

    /// Takes over what an authentic message says of its engine's clock, which never goes back. False when the message is
    /// not of this time (RFC 3414, section 3.2, step 7b).
    fn set_clock(&mut self, said: EngineClock, now: Duration) -> bool {
        let own = self.clock_at(now);
        if said.boots > self.clock.boots || (said.boots == self.clock.boots && said.time > self.clock.time) {
            (self.clock, self.heard) = (said, now);
        }
        let is_old =
            said.boots < own.boots || (said.boots == own.boots && said.time.saturating_add(TIME_WINDOW) < own.time);
        self.clock.boots != EngineClock::LATCHED && !is_old
    }
}

/// The message that makes an engine say who it is (RFC 3414, section 4): no engine ID, no user, a GET of nothing.
fn discovery(message_id: i32, request_id: i32, salts: &Salts) -> Option<Vec<u8>> {
    let nobody = Signer { name: Vec::new(), auth: None, privacy: None };
    let clock = EngineClock::default();
    let envelope = Envelope { engine_id: &[], clock, context: &[], signer: &nobody, message_id, is_reportable: true };
    let pdu = v2::Pdu { request_id, error_status: 0, error_index: 0, variable_bindings: Vec::new() };
    envelope.seal(v2::Pdus::GetRequest(v2::GetRequest(pdu)), salts)
}

/// What a Response means that is as safe as it must be.
///
/// Deviation: RFC 3412, section 7.2, step 12, also compares the context. An answer of the right user to our msgID and our
/// request-id is the answer, whatever context it names: to refuse it would only repeat the inform.
fn response(arrived: &Arrived, peer: &Peer, scoped: &Scoped, waiting: &Waiting) -> Answer {
    if arrived.parameters.user_name != peer.signer.name {
        Answer::Ignored
    } else {
        status(scoped.pdu, waiting.request_id)
    }
}

/// What a Response-PDU means.
fn status(pdu: &[u8], request_id: i32) -> Answer {
    match wire::pdu(pdu, &mut OidKey::new(), &mut Vec::new()) {
        Ok(pdu) if pdu.request_id != request_id => Answer::Ignored,
        Ok(pdu) if pdu.first == 0 => Answer::Acknowledged,
        Ok(pdu) => Answer::Refused(Refusal::ErrorStatus(pdu.first)),
        Err(_) => Answer::Ignored,
    }
}

enum Reported {
    UnknownEngine,
    NotInTimeWindow,
    Refused(Refusal),
}

/// What a Report is about: its first variable. `None` when there is none.
fn report(scoped: &Scoped, user: &[u8]) -> Option<Reported> {
    let (mut keys, mut binds) = (OidKey::new(), Vec::new());
    wire::pdu(scoped.pdu, &mut keys, &mut binds).ok()?;
    let arcs = arcs_of_key(keys.get(binds.first()?.key.clone())?);
    let user = || String::from_utf8_lossy(user).into_owned();
    let object = arcs.strip_prefix(USM_STATS).and_then(|rest| rest.first());
    Some(match object {
        Some(1) => Reported::Refused(Refusal::UnsupportedLevel(user())),
        Some(2) => Reported::NotInTimeWindow,
        Some(3) => Reported::Refused(Refusal::UnknownUser(user())),
        Some(4) => Reported::UnknownEngine,
        Some(5) => Reported::Refused(Refusal::WrongDigest(user())),
        Some(6) => Reported::Refused(Refusal::Decryption(user())),
        _ => Reported::Refused(Refusal::Reported(Oid::new(arcs)?)),
    })
}

/// What a datagram means as an answer to an inform of SNMPv2c.
pub fn community_answer(datagram: &[u8], community: &[u8], request_id: i32) -> Answer {
    let read = || -> Result<Option<&[u8]>, Malformed> {
        let (version, rest): (i64, Reader) = wire::version(datagram)?;
        let message = wire::message(rest)?;
        let fits = version == 1 && message.community == community && message.pdu_tag == RESPONSE;
        Ok(fits.then_some(message.pdu))
    };
    match read() {
        Ok(Some(pdu)) => status(pdu, request_id),
        _ => Answer::Ignored,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snmp::config::{Auth, Privacy, User};
    use crate::snmp::notification::{Content, Kind, pdu};

    const OURS: &[u8] = &[0x80, 0, 0x7e, 0xd9, 0x80, 1];
    const THEIRS: &[u8] = &[0x80, 0, 0x1f, 0x88, 4, b'n', b'm', b's'];

    fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn credentials(auth: Auth, privacy: Privacy) -> Credentials {
        let secret = || Some(Secret::new("correct horse"));
        let user = User {
            name: "nms".into(),
            auth,
            auth_password: secret(),
            privacy,
            priv_password: secret(),
            ..User::default()
        };
        Credentials::of(&user).expect("passwords")
    }

    fn inform() -> v2::Pdus {
        let id = Oid::from_static(&[1, 3, 6, 1, 6, 3, 1, 1, 5, 1]);
        let content = Content { id: id.clone(), varbinds: Vec::new(), enterprise: id };
        pdu(Kind::Inform, 4711, &content, 99)
    }

    /// The other side: a receiver's engine with the same user.
    struct Engine {
        signer: Signer,
        clock: EngineClock,
        salts: Salts,
    }

    impl Engine {
        fn new(credentials: &Credentials, boots: u32, time: u32) -> Engine {
            let clock = EngineClock { boots, time };
            Engine { signer: credentials.at(THEIRS), clock, salts: Salts::starting_at(7) }
        }

        fn message(&self, signer: &Signer, message_id: i32, pdu: v2::Pdus) -> Vec<u8> {
            let envelope = Envelope {
                engine_id: THEIRS,
                clock: self.clock,
                context: THEIRS,
                signer,
                message_id,
                is_reportable: false,
            };
            envelope.seal(pdu, &self.salts).expect("a message")
        }

        fn response(&self, message_id: i32, request_id: i32, error_status: u32) -> Vec<u8> {
            let pdu = v2::Pdu { request_id, error_status, error_index: 0, variable_bindings: Vec::new() };
            self.message(&self.signer, message_id, v2::Pdus::Response(v2::Response(pdu)))
        }

        /// A Report about an object of usmStats, signed or not.
        fn report(&self, message_id: i32, object: u32, is_signed: bool) -> Vec<u8> {
            let name = rasn::types::ObjectIdentifier::new_unchecked([USM_STATS, &[object, 0]].concat().into());
            let varbind = v2::VarBind { name, value: v2::VarBindValue::Value(7.into()) };
            let pdu = v2::Pdu { request_id: 0, error_status: 0, error_index: 0, variable_bindings: vec![varbind] };
            let auth = self.signer.auth.clone().filter(|_| is_signed);
            let signer = Signer { auth, privacy: None, ..self.signer.clone() };
            self.message(&signer, message_id, v2::Pdus::Report(v2::Report(pdu)))
        }
    }

    /// A receiver that has said who it is and what time it has, and what is then waited for, at second 100.
    fn learnt(credentials: Credentials, engine: &Engine) -> (Receiver, Waiting) {
        let (mut receiver, salts) = (Receiver::new(credentials), Salts::starting_at(1));
        let mut waiting = Waiting { request_id: 99, message_ids: Vec::new() };
        let send = |receiver: &Receiver, waiting: &mut Waiting, message_id| {
            receiver.message(&inform(), OURS, message_id, &salts, waiting, second(100)).expect("a message")
        };
        let discovery = send(&receiver, &mut waiting, 1);
        let asked = Arrived::read(&discovery).expect("a message");
        assert!(asked.parameters.engine_id.is_empty() && asked.header.is_reportable());
        assert_eq!(receiver.read(&engine.report(1, 4, false), &waiting, second(100)), Answer::Learnt);
        let first = send(&receiver, &mut waiting, 2);
        let first = Arrived::read(&first).expect("a message");
        assert_eq!((first.parameters.engine_id, first.parameters.clock), (THEIRS, EngineClock::default()));
        if receiver.credentials.auth.is_some() {
            assert_eq!(receiver.read(&engine.report(2, 2, true), &waiting, second(100)), Answer::Learnt);
        }
        send(&receiver, &mut waiting, 3);
        (receiver, waiting)
    }

    #[test]
    fn a_receiver_is_discovered_its_time_learnt_and_its_answer_believed() {
        for (auth, privacy) in [
            (Auth::None, Privacy::None),
            (Auth::Md5, Privacy::None),
            (Auth::Sha1, Privacy::Des),
            (Auth::Sha512, Privacy::Aes256),
            (Auth::Sha224, Privacy::Aes256c),
        ] {
            let credentials = credentials(auth, privacy);
            let engine = Engine::new(&credentials, 5, 1000);
            let (mut receiver, mut waiting) = learnt(credentials, &engine);
            let salts = Salts::starting_at(9);
            let message = receiver.message(&inform(), OURS, 4, &salts, &mut waiting, second(130)).expect("a message");
            let arrived = Arrived::read(&message).expect("a message");
            let level = engine.signer.level();
            assert_eq!((arrived.level, arrived.header.message_id), (level, 4));
            if level > Level::NoAuthNoPriv {
                assert_eq!(arrived.parameters.clock, EngineClock { boots: 5, time: 1030 });
                let auth = engine.signer.auth.as_ref().expect("a key");
                assert!(auth.verify(&message, arrived.parameters.mac.clone()));
            }
            let mut plain = Vec::new();
            let scoped = arrived.scoped(Some(&engine.signer), &mut plain).expect("a ScopedPDU");
            assert_eq!((scoped.engine_id, scoped.pdu_tag, scoped.request_id()), (OURS, 0xa6, 99));
            // Of the retry, or of an earlier transmission: both are answers.
            for message_id in [4, 3] {
                let response = engine.response(message_id, 99, 0);
                assert_eq!(receiver.read(&response, &waiting, second(131)), Answer::Acknowledged, "{auth:?}");
            }
            let refused = Answer::Refused(Refusal::ErrorStatus(5));
            assert_eq!(receiver.read(&engine.response(4, 99, 5), &waiting, second(131)), refused);
        }
    }

    #[test]
    fn what_is_forged_late_or_unsafe_is_ignored() {
        let credentials = credentials(Auth::Sha256, Privacy::Aes128);
        let engine = Engine::new(&credentials, 5, 1000);
        let (mut receiver, waiting) = learnt(credentials.clone(), &engine);
        let good = engine.response(3, 99, 0);
        let mut read = |octets: &[u8]| receiver.read(octets, &waiting, second(101));
        assert_eq!(read(&engine.response(4, 99, 0)), Answer::Ignored, "an unknown msgID");
        assert_eq!(read(&engine.response(3, 98, 0)), Answer::Ignored, "another request-id");
        for at in 0..good.len() {
            let mut forged = good.clone();
            forged[at] ^= 1;
            assert_ne!(read(&forged), Answer::Acknowledged, "octet {at}");
            assert_ne!(read(&good[..at]), Answer::Acknowledged);
        }
        let weak = |signer: Signer| {
            let pdu = v2::Pdu { request_id: 99, error_status: 0, error_index: 0, variable_bindings: Vec::new() };
            engine.message(&signer, 3, v2::Pdus::Response(v2::Response(pdu)))
        };
        assert_eq!(read(&weak(Signer { privacy: None, ..engine.signer.clone() })), Answer::Ignored, "not encrypted");
        let nobody = Signer { privacy: None, auth: None, ..engine.signer.clone() };
        assert_eq!(read(&weak(nobody)), Answer::Ignored, "not signed");
        let other = Signer { name: b"other".to_vec(), ..engine.signer.clone() };
        assert_eq!(read(&weak(other)), Answer::Ignored, "another user");
        assert_eq!(read(&engine.report(3, 2, false)), Answer::Ignored, "a time that nobody signed");
        assert_eq!(read(&good), Answer::Acknowledged);
        let refusals = [
            (1, Refusal::UnsupportedLevel("nms".into())),
            (3, Refusal::UnknownUser("nms".into())),
            (5, Refusal::WrongDigest("nms".into())),
            (6, Refusal::Decryption("nms".into())),
        ];
        for (object, refusal) in refusals {
            assert_eq!(read(&engine.report(3, object, object == 6)), Answer::Refused(refusal));
        }
    }

    #[test]
    fn a_receivers_clock_only_goes_forward() {
        let credentials = credentials(Auth::Sha256, Privacy::None);
        let mut engine = Engine::new(&credentials, 5, 1000);
        let (mut receiver, waiting) = learnt(credentials, &engine);
        let mut at = |boots, time, seconds| {
            engine.clock = EngineClock { boots, time };
            let answer = receiver.read(&engine.response(3, 99, 0), &waiting, second(seconds));
            (answer, receiver.peer.as_ref().expect("known").clock_at(second(seconds)))
        };
        let clock = |boots, time| EngineClock { boots, time };
        assert_eq!(at(5, 900, 100), (Answer::Acknowledged, clock(5, 1000)), "late, but within the window");
        assert_eq!(at(5, 849, 100), (Answer::Refused(Refusal::WentBack), clock(5, 1000)));
        assert_eq!(at(5, 1200, 200), (Answer::Acknowledged, clock(5, 1200)));
        assert_eq!(at(6, 3, 201), (Answer::Acknowledged, clock(6, 3)), "restarted");
        assert_eq!(at(5, 9999, 201), (Answer::Refused(Refusal::WentBack), clock(6, 3)), "an old life");
        assert_eq!(at(EngineClock::LATCHED, 1, 202).0, Answer::Refused(Refusal::WentBack));
    }

    #[test]
    fn an_answer_of_version_2c_is_checked_too() {
        let message = |community: &[u8], pdu| super::super::notification::version_2c(community, pdu);
        let response = |request_id, error_status| {
            let pdu = v2::Pdu { request_id, error_status, error_index: 0, variable_bindings: Vec::new() };
            v2::Pdus::Response(v2::Response(pdu))
        };
        let read = |octets: &[u8]| community_answer(octets, b"traps", 99);
        assert_eq!(read(&message(b"traps", response(99, 0))), Answer::Acknowledged);
        assert_eq!(read(&message(b"traps", response(99, 1))), Answer::Refused(Refusal::ErrorStatus(1)));
        assert_eq!(read(&message(b"traps", response(98, 0))), Answer::Ignored);
        assert_eq!(read(&message(b"other", response(99, 0))), Answer::Ignored);
        assert_eq!(read(&message(b"traps", inform())), Answer::Ignored);
        assert_eq!(read(b"\x30"), Answer::Ignored);
    }
}
