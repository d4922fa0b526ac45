//! What the targets share: the engine over a small, fixed moment, and messages that get behind its checks.

#[path = "../../tests/it/message.rs"]
pub mod message;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use message::{Keys, PASSWORD, Secure};
use vitalsd::mib::snmpv2::{self, Standing, System};
use vitalsd::mib::{Builder, Counters, EngineClock, Live, Oid, Segment, Settings, Value, View};
use vitalsd::secret::Secret;
use vitalsd::snmp::config::{Access, Auth, Community, Config, Privacy, User};
use vitalsd::snmp::usm::{AuthProtocol, PrivProtocol, Salts};
use vitalsd::snmp::{Engine, Local, MAX_DATAGRAM, Moment, Request, Scratch, Verdict};

/// The engine's identity.
pub const ENGINE: &[u8] = &[0x80, 0, 0x7e, 0xd9, 0x80, 1, 2, 3, 4];
/// Its clock, which stands still.
pub const CLOCK: EngineClock = EngineClock { boots: 7, time: 1_000 };
/// The users; all have the same password.
pub const USERS: &[&str] = &["priv", "auth", "none", "des", "long"];
/// A table of strings, Counter64s and integers.
const TABLE: &[u32] = &[1, 3, 6, 1, 4, 1, 32473, 1, 1, 9, 1];

/// An engine, and what it answers from.
pub struct Agent {
    engine: Engine,
    view: View,
    settings: Settings,
    counters: Counters,
    scratch: Scratch,
    messages: u64,
    keys: Vec<Option<Arc<Keys>>>,
}

impl Default for Agent {
    fn default() -> Self {
        let community =
            |name: &str, access| Community { name: Some(Secret::new(name)), access, ..Community::default() };
        let user = |name: &str, auth: Auth, privacy: Privacy, access| User {
            name: name.into(),
            auth,
            auth_password: (auth != Auth::None).then(|| Secret::new(PASSWORD)),
            privacy,
            priv_password: (privacy != Privacy::None).then(|| Secret::new(PASSWORD)),
            access,
            ..User::default()
        };
        let config = Config {
            allow: Some(vec!["127.0.0.0/8".into()]),
            community: vec![community("public", Access::Read), community("private", Access::Write)],
            user: vec![
                user("priv", Auth::Sha256, Privacy::Aes128, Access::Write),
                user("auth", Auth::Sha512, Privacy::None, Access::Read),
                user("none", Auth::None, Privacy::None, Access::Read),
                user("des", Auth::Md5, Privacy::Des, Access::Read),
                user("long", Auth::Sha1, Privacy::Aes256c, Access::Write),
            ],
            ..Config::default()
        };
        let local = Local {
            engine_id: Arc::from(ENGINE),
            secret: vec![1; 32],
            salts: Arc::new(Salts::starting_at(u64::MAX - 1)),
        };
        let keys = |auth, privacy| Some(Keys::new(auth, privacy, ENGINE));
        Agent {
            engine: Engine::new(&config, Some(&local), &|_| None).expect("a valid configuration"),
            view: view(),
            settings: Settings::default(),
            counters: Counters::default(),
            scratch: Scratch::default(),
            messages: 0,
            keys: vec![
                keys(AuthProtocol::Sha256, Some(PrivProtocol::Aes128)),
                keys(AuthProtocol::Sha512, None),
                None,
                keys(AuthProtocol::Md5, Some(PrivProtocol::Des)),
                keys(AuthProtocol::Sha1, Some(PrivProtocol::Aes256c)),
            ],
        }
    }
}

fn view() -> View {
    let system = System {
        description: "x".repeat(100),
        object_id: "1.3.6.1.4.1.32473.1.3.1".parse().expect("an OID"),
        root: "1.3.6.1.4.1.32473.1".parse().expect("an OID"),
    };
    let settings = Settings::default();
    let table = Oid::from_static(TABLE);
    let mut types = snmpv2::MODULE.types();
    types.extend((1..=3).map(|column| table.child(&[column]).key()));
    let base = table.clone();
    let rows = Segment::lazy(&table, move || {
        let mut builder = Builder::default();
        for column in 1..=3 {
            for row in 1..=20 {
                let value = match column {
                    1 => Value::OctetString(vec![b'd'; 60]),
                    2 => Value::Counter64(u64::from(row) << 40),
                    _ => Value::Integer(-5),
                };
                builder.push(base.child(&[column, row]).arcs(), &value);
            }
        }
        builder.finish()
    });
    let standing = Standing { system: Arc::new(system), settings: Arc::new(settings) };
    let mut segments = snmpv2::MODULE.segments(&Arc::new(standing));
    // Nothing of them stands behind the table, so that its end is the tree's.
    segments.retain(|segment| *segment.prefix() < *table.key());
    segments.push(rows);
    View::new(segments.into_iter().map(Arc::new).collect(), types)
}

impl Agent {
    /// A user's keys, by his place.
    pub fn keys(&self, user: usize) -> Option<&Arc<Keys>> {
        self.keys.get(user)?.as_ref()
    }

    /// A message of a user, as safe as his keys make it, around this PDU.
    pub fn secure(&self, user: usize, pdu: &[u8]) -> Secure {
        let keys = self.keys.get(user).cloned().flatten();
        let encrypts = keys.as_ref().is_some_and(|keys| keys.cipher.is_some());
        Secure {
            flags: vec![4 | u8::from(keys.is_some()) | if encrypts { 2 } else { 0 }],
            engine: ENGINE.to_vec(),
            boots: CLOCK.boots.into(),
            time: CLOCK.time.into(),
            user: USERS.get(user).map(|name| name.as_bytes().to_vec()).unwrap_or_default(),
            keys,
            salt: if encrypts { vec![8; 8] } else { Vec::new() },
            context_engine: ENGINE.to_vec(),
            pdu: pdu.to_vec(),
            ..Secure::discovery()
        }
    }

    /// What the engine answers, which is never larger than it may be. A SET is answered as if it had been stored, or as
    /// if not, and changes nothing: each input meets the same agent.
    pub fn answer(&mut self, datagram: &[u8]) -> Option<Vec<u8>> {
        let live = Live { uptime: 4711, engine: CLOCK, counters: &self.counters };
        let moment = Moment { view: &self.view, settings: &self.settings, live: &live };
        // Time goes on, so that Reports are never too many.
        self.messages += 1;
        let request = Request {
            datagram,
            sender: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9)),
            max_response: MAX_DATAGRAM,
            bulk_octets: 1_400,
            now: Duration::from_secs(self.messages),
        };
        let mut out = Vec::new();
        let mut verdict = self.engine.handle(request, moment, &mut self.scratch, &mut out);
        if let Verdict::Commit(commit) = verdict {
            verdict = commit.answer(datagram.len().is_multiple_of(2), &live, &mut self.scratch, &mut out);
        }
        assert!(self.scratch.names().count() <= datagram.len());
        assert!(out.len() <= MAX_DATAGRAM);
        matches!(verdict, Verdict::Answer).then_some(out)
    }
}

/// A datagram from octets that a fuzzer made: as they are, or behind what would refuse most of them.
pub fn datagram(agent: &Agent, data: &[u8]) -> Vec<u8> {
    let Some((&kind, rest)) = data.split_first() else { return Vec::new() };
    match kind % 8 {
        // All of a message.
        0 => rest.to_vec(),
        // A PDU.
        1 => message::message(0, "private", rest),
        2 => message::message(1, "private", rest),
        // All of an SNMPv3 message, its code made right.
        3 => {
            let mut octets = rest.to_vec();
            for keys in agent.keys.iter().flatten() {
                message::sign(&mut octets, &keys.authenticator);
            }
            octets
        }
        // A PDU of each user in turn; the first octet says how much of the rest is the context.
        place => {
            let Some((&more, rest)) = rest.split_first() else { return Vec::new() };
            let mut message = agent.secure(usize::from(place - 4) + usize::from(more & 1), rest);
            if more & 2 != 0 {
                message.max_size = 484 + i64::from(more);
            }
            if more & 4 != 0 {
                message.context = vec![b'x'; usize::from(more)];
            }
            if more & 8 != 0 {
                message.time -= i64::from(more);
            }
            if more & 16 != 0 {
                message.flags = vec![more >> 5];
            }
            message.octets()
        }
    }
}

/// Good inputs of `engine`.
pub fn seeds(agent: &Agent) -> Vec<Vec<u8>> {
    use message::{BULK, GET, NEXT, NULL, SET, asking, element, integer, name, pdu, text};
    let mut pdus: Vec<Vec<u8>> = [GET, NEXT]
        .map(|tag| asking(tag, 0, 0, &["1.3.6.1.2.1.1.3.0", "1.3.6.1.4.1.32473.1.1.9.1.2.20", "2.999"]))
        .into();
    pdus.push(asking(
        BULK,
        1,
        10,
        &["1.3.6.1.2.1.1.3", "1.3.6.1.4.1.32473.1.1.9.1.1", "1.3.6.1.4.1.32473.1.1.9.1.3.18"],
    ));
    pdus.push(asking(BULK, 0, 1_000, &["1.3"]));
    pdus.push(pdu(SET, 1, 0, 0, &[("1.3.6.1.2.1.1.5.0", text("name")), ("1.3.6.1.6.3.1.1.6.1.0", integer(0))]));
    let own_key = "1.3.6.1.6.3.15.1.2.2.1.7.9.128.0.126.217.128.1.2.3.4.4.112.114.105.118";
    pdus.push(pdu(SET, 1, 0, 0, &[(own_key, text([7; 64]))]));
    let values = [
        NULL.to_vec(),
        name("1.3.6.1"),
        element(0x40, &[127, 0, 0, 1]),
        element(0x41, &[1]),
        element(0x43, &[1]),
        element(0x44, &[0x9f, 0x78, 4, 0, 0, 0, 0]),
        element(0x46, &[0xff; 8]),
        element(0x80, &[]),
    ];
    let binds: Vec<_> = values.into_iter().map(|value| ("1.3.6.1.2.1.1.4.0", value)).collect();
    pdus.push(pdu(SET, 1, 0, 0, &binds));
    pdus.extend([0xa2, 0xa4, 0xa6, 0xa7, 0xa8].map(|tag| asking(tag, 0, 0, &["1.3"])));
    let mut seeds = Vec::new();
    for (place, pdu) in pdus.iter().enumerate() {
        seeds.push([&[0][..], &message::message(1, "public", pdu)].concat());
        seeds.push([&[1 + u8::from(place % 2 == 0)], &pdu[..]].concat());
        seeds.push([&[3][..], &agent.secure(place % USERS.len(), pdu).octets()].concat());
        let kind = 4 + u8::try_from(place % 4).expect("small");
        seeds.push([&[kind, if place % 3 == 0 { 0 } else { 1 }], &pdu[..]].concat());
    }
    seeds.push([&[0][..], &Secure::discovery().octets()].concat());
    seeds
}
