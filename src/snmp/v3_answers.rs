//! What must come back for SNMPv3, as data: a message by its parts, one of them odd, and what the agent says to it. The
//! keys are known answers' (RFC 3414, section A.3); rasn, which had no part in writing the answers, reads them.

use std::sync::Arc;

use rasn_snmp::{v2, v3};

use super::config::{Access, Auth, Level, Privacy, User};
use super::known_answers::{Agent, request};
use super::usm::{Authenticator, Cipher, Key, Salts, key_change, localize, master_key, privacy_key};
use super::{Local, wire};
use crate::mib::{Counter, EngineClock, Value, ber};
use crate::secret::Secret;

const ENGINE: &[u8] = &[0x80, 0, 0x7e, 0xd9, 0x80, 1, 2, 3, 4];
const CLOCK: EngineClock = EngineClock { boots: 7, time: 1_000 };
const UP_TIME: &str = "1.3.6.1.2.1.1.3.0";
const PASSWORD: &[u8] = b"maplesyrup";

/// An agent with a user of every kind.
fn agent() -> Agent {
    let user = |name: &str, auth: Auth, privacy: Privacy, level, access| {
        let password = || Some(Secret::new("maplesyrup"));
        User {
            name: name.into(),
            auth,
            auth_password: (auth != Auth::None).then(password).flatten(),
            privacy,
            priv_password: (privacy != Privacy::None).then(password).flatten(),
            level,
            access,
            ..User::default()
        }
    };
    let users = vec![
        User { view: Some("part".into()), ..user("part", Auth::Sha1, Privacy::Aes128, None, Access::Write) },
        user("priv", Auth::Sha256, Privacy::Aes128, None, Access::Read),
        user("des", Auth::Md5, Privacy::Des, None, Access::Read),
        user("long", Auth::Sha1, Privacy::Aes256c, None, Access::Write),
        user("auth", Auth::Sha512, Privacy::None, None, Access::Read),
        user("none", Auth::None, Privacy::None, None, Access::Read),
        user("lax", Auth::Sha224, Privacy::Aes192, Some(Level::NoAuthNoPriv), Access::Read),
        user("sender", Auth::Sha384, Privacy::Aes128, None, Access::None),
    ];
    let local =
        Local { engine_id: Arc::from(ENGINE), secret: vec![1; 32], salts: Arc::new(Salts::starting_at(u64::MAX - 1)) };
    let mut agent = Agent::with(users, Some(&local));
    agent.clock = CLOCK;
    agent
}

/// A message by its parts.
#[derive(Clone)]
struct Message {
    message_id: i64,
    max_size: i64,
    flags: Vec<u8>,
    model: i64,
    engine: Vec<u8>,
    clock: EngineClock,
    user: &'static str,
    protocol: Option<Auth>,
    privacy: Option<Privacy>,
    mac_octets: Option<usize>,
    salt: Vec<u8>,
    context_engine: Vec<u8>,
    context: &'static str,
    pdu: Vec<u8>,
    behind: usize,
}

fn get(id: i64) -> Vec<u8> {
    pdu(0xa0, id, &[(UP_TIME, None)])
}

/// A PDU with its tag: what a request of SNMPv2c has behind its community.
fn pdu(tag: u8, id: i64, binds: &[(&str, Option<Value>)]) -> Vec<u8> {
    let octets = request(1, b"", tag, id, 0, 0, binds);
    let (_, mut rest) = wire::version(&octets).expect("a message");
    rest.expect(ber::OCTET_STRING).expect("a community");
    rest.octets().to_vec()
}

impl Message {
    fn of(user: &'static str, auth: Option<Auth>, privacy: Option<Privacy>) -> Message {
        let flags = 4 | u8::from(auth.is_some()) | if privacy.is_some() { 2 } else { 0 };
        Message {
            message_id: 4711,
            max_size: 65_507,
            flags: vec![flags],
            model: 3,
            engine: ENGINE.to_vec(),
            clock: CLOCK,
            user,
            protocol: auth,
            privacy,
            mac_octets: None,
            salt: if privacy.is_some() { vec![9, 8, 7, 6, 5, 4, 3, 2] } else { Vec::new() },
            context_engine: ENGINE.to_vec(),
            context: "",
            pdu: get(77),
            behind: 0,
        }
    }

    /// Discovery as managers do it.
    fn discovery() -> Message {
        let mut message = Message::of("", None, None);
        (message.engine, message.context_engine) = (Vec::new(), Vec::new());
        message.clock = EngineClock::default();
        message
    }

    fn octets(&self) -> Vec<u8> {
        let mut scoped = Vec::new();
        ber::push_octets(ber::OCTET_STRING, &self.context_engine, &mut scoped);
        ber::push_octets(ber::OCTET_STRING, self.context.as_bytes(), &mut scoped);
        scoped.extend_from_slice(&self.pdu);
        let mut data = Vec::new();
        ber::push_octets(ber::SEQUENCE, &scoped, &mut data);
        if let (Some(auth), Some(privacy)) = (self.protocol, self.privacy) {
            let cipher = cipher(auth, privacy);
            data.resize(cipher.padded_octets(data.len() + self.behind), 0);
            let salt = self.salt.clone().try_into().unwrap_or([0; 8]);
            assert!(cipher.encrypt(self.clock.boots, self.clock.time, salt, &mut data));
            let plain = std::mem::take(&mut data);
            ber::push_octets(ber::OCTET_STRING, &plain, &mut data);
        }
        let authenticator = self.protocol.map(authenticator);
        let mac_octets = self.mac_octets.or(authenticator.as_ref().map(Authenticator::mac_octets)).unwrap_or(0);
        let mut parameters = Vec::new();
        ber::push_octets(ber::OCTET_STRING, &self.engine, &mut parameters);
        ber::push_integer(ber::INTEGER, self.clock.boots.into(), &mut parameters);
        ber::push_integer(ber::INTEGER, self.clock.time.into(), &mut parameters);
        ber::push_octets(ber::OCTET_STRING, self.user.as_bytes(), &mut parameters);
        ber::push_octets(ber::OCTET_STRING, &vec![0; mac_octets], &mut parameters);
        let mac_from_end = self.salt.len() + 2 + mac_octets;
        ber::push_octets(ber::OCTET_STRING, &self.salt, &mut parameters);
        let mut sequence = Vec::new();
        ber::push_octets(ber::SEQUENCE, &parameters, &mut sequence);
        let mut header = Vec::new();
        ber::push_integer(ber::INTEGER, self.message_id, &mut header);
        ber::push_integer(ber::INTEGER, self.max_size, &mut header);
        ber::push_octets(ber::OCTET_STRING, &self.flags, &mut header);
        ber::push_integer(ber::INTEGER, self.model, &mut header);
        let mut content = vec![ber::INTEGER, 1, 3];
        ber::push_octets(ber::SEQUENCE, &header, &mut content);
        ber::push_octets(ber::OCTET_STRING, &sequence, &mut content);
        content.extend_from_slice(&data);
        let mut message = Vec::new();
        ber::push_octets(ber::SEQUENCE, &content, &mut message);
        let start = message.len() - data.len() - mac_from_end;
        if let Some(authenticator) = authenticator {
            authenticator.sign(&mut message, start..start + mac_octets);
        }
        message
    }
}

fn authenticator(auth: Auth) -> Authenticator {
    let protocol = auth.protocol().expect("a protocol");
    Authenticator::new(protocol, &auth_key(auth, PASSWORD))
}

fn auth_key(auth: Auth, password: &[u8]) -> Key {
    let protocol = auth.protocol().expect("a protocol");
    localize(protocol, &master_key(protocol, password).expect("a password"), ENGINE)
}

fn cipher(auth: Auth, privacy: Privacy) -> Cipher {
    let (auth_protocol, privacy) = (auth.protocol().expect("one"), privacy.protocol().expect("one"));
    Cipher::new(privacy, &privacy_key(auth_protocol, privacy, &auth_key(auth, PASSWORD), ENGINE)).expect("a key")
}

/// What rasn reads in an answer.
struct Answer {
    flags: u8,
    message_id: String,
    boots: u32,
    pdus: v2::Pdus,
}

fn read(octets: &[u8], auth: Option<Auth>, privacy: Option<Privacy>) -> Answer {
    let (message, rest) = rasn::ber::decode_with_remainder::<v3::Message>(octets).expect("SNMPv3");
    assert!(rest.is_empty());
    let parameters: v3::USMSecurityParameters =
        message.decode_security_parameters(rasn::Codec::Ber).ok().expect("USM's parameters");
    assert_eq!(&parameters.authoritative_engine_id[..], ENGINE);
    let flags = message.global_data.flags[0];
    if flags & 1 != 0 {
        let (_, mut rest) = wire::version(octets).expect("a message");
        super::v3::Header::read(&mut rest).expect("a header");
        let mac = super::v3::Parameters::read(octets, &mut rest).expect("parameters").mac;
        assert!(authenticator(auth.expect("a protocol")).verify(octets, mac), "the answer's code");
    }
    let scoped = match message.scoped_data {
        v3::ScopedPduData::CleartextPdu(scoped) => scoped,
        v3::ScopedPduData::EncryptedPdu(octets) => {
            let mut data = octets.to_vec();
            let salt: [u8; 8] = parameters.privacy_parameters[..].try_into().expect("a salt");
            let number = |integer: &rasn::types::Integer| integer.to_string().parse().expect("small");
            let (boots, time) =
                (number(&parameters.authoritative_engine_boots), number(&parameters.authoritative_engine_time));
            let cipher = cipher(auth.expect("a protocol"), privacy.expect("a protocol"));
            assert!(cipher.decrypt(boots, time, &salt, &mut data));
            rasn::ber::decode_with_remainder::<v3::ScopedPdu>(&data).expect("a ScopedPDU").0
        }
    };
    assert_eq!(&scoped.engine_id[..], ENGINE);
    Answer {
        flags,
        message_id: message.global_data.message_id.to_string(),
        boots: parameters.authoritative_engine_boots.to_string().parse().expect("small"),
        pdus: scoped.data,
    }
}

/// What comes back.
#[derive(Debug, PartialEq)]
enum Back {
    Silence,
    /// A Response: flags, error-status, error-index, variables.
    Response(u8, u32, u32, usize),
    /// A Report: flags, request-id, the last arcs of its one variable.
    Report(u8, i32, Vec<u32>),
}

fn check_with(agent: &mut Agent, row: &str, message: &Message, wanted: Back, counter: Counter) {
    let before = agent.counters.value(counter);
    let found = match agent.send(&message.octets(), true) {
        None => Back::Silence,
        Some(octets) => {
            let limit = usize::try_from(message.max_size).expect("accepted");
            assert!(octets.len() <= limit, "{row}: {} octets", octets.len());
            let answer = read(&octets, message.protocol, message.privacy);
            assert_eq!(answer.message_id, message.message_id.to_string(), "{row}");
            assert_eq!(answer.boots, agent.clock.boots, "{row}");
            match answer.pdus {
                v2::Pdus::Response(v2::Response(pdu)) => {
                    assert_eq!(pdu.request_id, 77, "{row}");
                    let count = pdu.variable_bindings.len();
                    Back::Response(answer.flags, pdu.error_status, pdu.error_index, count)
                }
                v2::Pdus::Report(v2::Report(pdu)) => {
                    assert_eq!(pdu.variable_bindings.len(), 1);
                    let name = &pdu.variable_bindings[0].name;
                    let arcs: Vec<u32> = name.iter().copied().collect();
                    Back::Report(answer.flags, pdu.request_id, arcs[7..].to_vec())
                }
                other => panic!("{row}: {other:?}"),
            }
        }
    };
    assert_eq!(found, wanted, "{row}");
    assert_eq!(agent.counters.value(counter), before + 1, "{row}: {counter:?}");
}

fn check(row: &str, message: &Message, wanted: Back, counter: Counter) {
    check_with(&mut agent(), row, message, wanted, counter);
}

const GOOD: Counter = Counter::OutGetResponses;

fn with(message: &Message, change: impl FnOnce(&mut Message)) -> Message {
    let mut message = message.clone();
    change(&mut message);
    message
}

/// What a scalar of usmStats ends with.
fn usm(object: u32) -> Vec<u32> {
    vec![1, 1, object, 0]
}

#[test]
fn every_kind_of_user_is_answered_as_he_asked() {
    let kinds = [
        ("priv", Auth::Sha256, Some(Privacy::Aes128)),
        ("des", Auth::Md5, Some(Privacy::Des)),
        ("long", Auth::Sha1, Some(Privacy::Aes256c)),
        ("auth", Auth::Sha512, None),
        ("lax", Auth::Sha224, Some(Privacy::Aes192)),
        ("lax", Auth::Sha224, None),
    ];
    for (name, auth, privacy) in kinds {
        let flags = if privacy.is_some() { 3 } else { 1 };
        check("V03", &Message::of(name, Some(auth), privacy), Back::Response(flags, 0, 0, 1), GOOD);
    }
    check("noAuth", &Message::of("none", None, None), Back::Response(0, 0, 0, 1), GOOD);
    check("noAuth", &Message::of("lax", None, None), Back::Response(0, 0, 0, 1), GOOD);
}

#[test]
fn discovery_and_time() {
    let discovery = Message::discovery();
    let unknown = || Back::Report(0, 77, usm(4));
    check("V01", &discovery, unknown(), Counter::UnknownEngineIds);
    let quiet = with(&discovery, |message| message.flags = vec![0]);
    check("V02", &quiet, Back::Silence, Counter::UnknownEngineIds);
    let good = Message::of("priv", Some(Auth::Sha256), Some(Privacy::Aes128));
    let late = || Back::Report(1, 0, usm(2));
    let at = |boots, time| with(&good, |message| message.clock = EngineClock { boots, time });
    check("V10", &at(0, 0), late(), Counter::NotInTimeWindows);
    check("V11", &at(7, 851), Back::Response(3, 0, 0, 1), GOOD);
    check("V12", &at(7, 1_149), Back::Response(3, 0, 0, 1), GOOD);
    check("V13", &at(7, 840), late(), Counter::NotInTimeWindows);
    check("V14", &at(7, 1_160), late(), Counter::NotInTimeWindows);
    check("V15", &at(6, 1_000), late(), Counter::NotInTimeWindows);
    check("V16", &at(8, 1_000), late(), Counter::NotInTimeWindows);
    let mut latched = agent();
    latched.clock = EngineClock { boots: EngineClock::LATCHED, time: 1_000 };
    check_with(&mut latched, "V17", &at(EngineClock::LATCHED, 1_000), late(), Counter::NotInTimeWindows);
}

#[test]
fn refusals() {
    let good = Message::of("priv", Some(Auth::Sha256), Some(Privacy::Aes128));
    let auth = Message::of("priv", Some(Auth::Sha256), None);
    let none = Message::of("priv", None, None);
    check("V04", &none, Back::Response(0, 16, 0, 1), Counter::AuthorizationErrors);
    check("V05", &auth, Back::Response(1, 16, 0, 1), Counter::AuthorizationErrors);
    let sender = Message::of("sender", Some(Auth::Sha384), Some(Privacy::Aes128));
    check("access none", &sender, Back::Response(3, 16, 0, 1), Counter::AuthorizationErrors);
    let stranger = with(&good, |message| message.user = "stranger");
    check("V06", &stranger, Back::Report(0, 0, usm(3)), Counter::UnknownUserNames);
    let elsewhere = with(&good, |message| message.engine = b"\x80\0\0\0\x05other".to_vec());
    check("V07", &elsewhere, Back::Report(0, 0, usm(4)), Counter::UnknownEngineIds);
    let forged = with(&auth, |message| message.protocol = Some(Auth::Sha1));
    let forged = with(&forged, |message| message.mac_octets = Some(24));
    check("V08", &forged, Back::Report(0, 77, usm(5)), Counter::WrongDigests);
    for octets in [0, 1, 11, 13, 23, 25, 48] {
        let short = with(&auth, |message| message.mac_octets = Some(octets));
        check("V09", &short, Back::Report(0, 77, usm(5)), Counter::WrongDigests);
    }
    check("V18", &with(&none, |message| message.flags = vec![6]), Back::Silence, Counter::InvalidMsgs);
    for model in [99, 1] {
        let other = with(&good, |message| message.model = model);
        check("V19", &other, Back::Silence, Counter::UnknownSecurityModels);
    }
    let context = with(&good, |message| message.context = "other");
    check("V21", &context, Back::Report(3, 77, vec![1, 5, 0]), Counter::UnknownContexts);
    let foreign = with(&good, |message| message.context_engine = b"\x80\0\0\0\x05other".to_vec());
    check("V22", &foreign, Back::Report(3, 77, vec![2, 1, 3, 0]), Counter::UnknownPduHandlers);
    let other_key = with(&good, |message| message.privacy = Some(Privacy::Aes256));
    check("V23", &other_key, Back::Report(0, 0, usm(6)), Counter::DecryptionErrors);
    let salt = with(&good, |message| message.salt = vec![1, 2, 3, 4]);
    check("V24", &salt, Back::Report(0, 0, usm(6)), Counter::DecryptionErrors);
    let level = Message::of("auth", Some(Auth::Sha512), Some(Privacy::Aes128));
    check("level", &level, Back::Report(0, 0, usm(1)), Counter::UnsupportedSecLevels);
    let level = Message::of("none", Some(Auth::Sha256), None);
    check("X22", &level, Back::Report(0, 77, usm(1)), Counter::UnsupportedSecLevels);
    check("V36", &with(&good, |message| message.user = ""), Back::Report(0, 0, usm(3)), Counter::UnknownUserNames);
    let ro = with(&good, |message| message.pdu = pdu(0xa3, 77, &[(UP_TIME, Some(Value::Integer(1)))]));
    check("V32", &ro, Back::Response(3, 6, 1, 1), GOOD);
    for (tag, counter) in [(0xa2, Counter::InGetResponses), (0xa7, Counter::InTraps)] {
        check("unconfirmed", &with(&good, |message| message.pdu = pdu(tag, 77, &[])), Back::Silence, counter);
    }
}

#[test]
fn malformed_headers_are_dropped_and_odd_ones_are_not() {
    let good = Message::of("priv", Some(Auth::Sha256), Some(Privacy::Aes128));
    let drop = |row, change: &dyn Fn(&mut Message)| {
        check(row, &with(&good, |message| change(message)), Back::Silence, Counter::InAsnParseErrs);
    };
    for size in [100, 483, -1, 0] {
        drop("V29", &|message| message.max_size = size);
    }
    drop("V37", &|message| message.message_id = -1);
    drop("V39", &|message| message.flags = Vec::new());
    drop("V40", &|message| message.flags = vec![7, 7]);
    drop("V35", &|message| message.user = "a name of more than thirty-two octets");
    check("V41", &with(&good, |message| message.flags = vec![0xff]), Back::Response(3, 0, 0, 1), GOOD);
    check("V48", &with(&good, |message| message.behind = 13), Back::Response(3, 0, 0, 1), GOOD);
    let mut padded = good.octets();
    padded.extend_from_slice(&[0xee; 10]);
    assert!(agent().send(&padded, true).is_some(), "G01: what is behind the message is not covered by its code");
}

#[test]
fn the_senders_limit_holds() {
    let good = Message::of("priv", Some(Auth::Sha256), Some(Privacy::Aes128));
    let describe = ("1.3.6.1.2.1.1.1.0", None);
    let big = with(&good, |message| {
        message.max_size = 484;
        message.pdu = pdu(0xa0, 77, &[describe.clone(), describe.clone()]);
    });
    check("V26", &big, Back::Response(3, 1, 0, 0), Counter::OutTooBigs);
    // Also where the list goes back with an error.
    let mut refused = Message::of("priv", None, None);
    refused.max_size = 484;
    refused.pdu = pdu(0xa0, 77, &vec![(UP_TIME, None); 40]);
    check("V26", &refused, Back::Response(0, 1, 0, 0), Counter::OutTooBigs);
    for max_size in [484, 1_400] {
        let mut agent = agent();
        let bulk = with(&good, |message| {
            message.max_size = max_size;
            message.pdu = request(1, b"", 0xa5, 77, 0, 100, &[("1.3", None)])[7..].to_vec();
        });
        let octets = agent.send(&bulk.octets(), true).expect("V27: an answer");
        assert!(octets.len() <= usize::try_from(max_size).expect("small"), "V27");
        let v2::Pdus::Response(v2::Response(pdu)) = read(&octets, bulk.protocol, bulk.privacy).pdus else {
            panic!("a response")
        };
        assert!(pdu.error_status == 0 && pdu.variable_bindings.len() > 2, "V27");
    }
}

#[test]
fn a_user_changes_his_own_keys_and_no_others() {
    let mut agent = agent();
    let instance = |column: u32, user: &str| {
        let arcs = |text: &[u8]| text.iter().map(|octet| format!(".{octet}")).collect::<String>();
        let (engine, user) = (arcs(ENGINE), arcs(user.as_bytes()));
        let lengths = (ENGINE.len(), user.matches('.').count());
        format!("1.3.6.1.6.3.15.1.2.2.1.{column}.{}{engine}.{}{user}", lengths.0, lengths.1)
    };
    let (old, new) = (auth_key(Auth::Sha256, PASSWORD), auth_key(Auth::Sha256, b"newsyrup"));
    let protocol = Auth::Sha256.protocol().expect("one");
    let change = Value::OctetString(key_change(protocol, &old, &new, &[5; 32]));
    let good = Message::of("priv", Some(Auth::Sha256), Some(Privacy::Aes128));
    let set = |name: &str, value: Value| with(&good, |message| message.pdu = pdu(0xa3, 77, &[(name, Some(value))]));
    let own = instance(7, "priv");
    check_with(&mut agent, "type", &set(&own, Value::Integer(1)), Back::Response(3, 7, 1, 1), GOOD);
    let short = Value::OctetString(vec![0; 63]);
    check_with(&mut agent, "length", &set(&own, short), Back::Response(3, 8, 1, 1), GOOD);
    for other in [instance(7, "auth"), instance(6, "auth"), instance(6, "priv")] {
        check_with(&mut agent, "another's", &set(&other, change.clone()), Back::Response(3, 6, 1, 1), GOOD);
    }
    // Write access reaches as far as the view: who may set sysName can't lock others out.
    let writes = |user, privacy, octets| {
        let set = pdu(0xa3, 77, &[(&instance(6, "auth"), Some(Value::OctetString(vec![7; octets])))]);
        with(&Message::of(user, Some(Auth::Sha1), Some(privacy)), |message| message.pdu = set)
    };
    let narrow = writes("part", Privacy::Aes128, 128);
    check_with(&mut agent, "another's, out of view", &narrow, Back::Response(3, 6, 1, 1), GOOD);
    let wide = writes("long", Privacy::Aes256c, 127);
    check_with(&mut agent, "another's, in view", &wide, Back::Response(3, 8, 1, 1), GOOD);
    // X17: an index whose lengths lie names nothing.
    let lie = own.replace(&format!(".{}.128", ENGINE.len()), ".4294967295.128");
    check_with(&mut agent, "X17", &set(&lie, change.clone()), Back::Response(3, 6, 1, 1), GOOD);
    // The answer comes with the keys that were asked with.
    check_with(&mut agent, "own", &set(&own, change), Back::Response(3, 0, 0, 1), GOOD);
    assert_eq!(agent.settings.keys["priv"].auth.as_ref().map(|key| key.expose().to_vec()), Some(new.octets().to_vec()));
    check_with(&mut agent, "old key", &good, Back::Report(0, 0, usm(5)), Counter::WrongDigests);
    let nobody = request(1, b"private", 0xa3, 77, 0, 0, &[(&own, Some(Value::OctetString(vec![0; 64])))]);
    let answer = super::known_answers::read(&agent.send(&nobody, true).expect("an answer"));
    assert_eq!((answer.status, answer.index), (6, 1), "a community proves nothing");
}

#[test]
fn without_an_identity_version_3_is_closed_and_the_others_go_on() {
    let mut agent = Agent::with(vec![User { name: "none".into(), ..User::default() }], None);
    assert!(agent.send(&Message::discovery().octets(), true).is_none());
    assert_eq!(agent.counters.value(Counter::ClosedVersion3), 1);
    let answer = agent.send(&request(1, b"public", 0xa0, 1, 0, 0, &[(UP_TIME, None)]), true);
    assert!(answer.is_some());
}

#[test]
fn salts_are_never_used_twice() {
    let mut agent = agent();
    let message = Message::of("priv", Some(Auth::Sha256), Some(Privacy::Aes128)).octets();
    let mut salts: Vec<Vec<u8>> = (0..50)
        .map(|_| {
            let octets = agent.send(&message, true).expect("an answer");
            let (_, mut rest) = wire::version(&octets).expect("a message");
            super::v3::Header::read(&mut rest).expect("a header");
            super::v3::Parameters::read(&octets, &mut rest).expect("parameters").salt.to_vec()
        })
        .collect();
    salts.sort();
    salts.dedup();
    assert_eq!(salts.len(), 50);
}
