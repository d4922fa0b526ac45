//! What must come back, as data: each row is a request, octet by octet or by its parts, and what the agent says to it.
//! rasn, which had no part in writing the answers, reads them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use rasn_snmp::{v1, v2, v2c};

use super::answer::ErrorStatus;
use super::config::{Access, Community, Config, User, View as ViewConfig};
use super::record::Fate;
use super::{Engine, Local, MAX_DATAGRAM, Moment, Request, Scratch, Verdict};
use crate::mib::snmpv2::{self, Standing, System};
use crate::mib::{Builder, Counter, Counters, EngineClock, Live, Oid, Segment, Settings, Value, View, ber};
use crate::secret::Secret;

pub const SENDER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
const UP_TIME: &str = "1.3.6.1.2.1.1.3.0";
const NAME: &str = "1.3.6.1.2.1.1.5.0";
/// As for UDP.
const BULK_OCTETS: usize = 1_400;
/// A table of ours: 1 a string, 2 a Counter64, 3 an integer; rows 1 to 40.
pub const TABLE: &[u32] = &[1, 3, 6, 1, 4, 1, 32473, 1, 1, 9, 1];
const ROWS: u32 = 40;

pub struct Agent {
    pub engine: Engine,
    pub view: View,
    pub settings: Settings,
    pub counters: Counters,
    pub clock: EngineClock,
    scratch: Scratch,
    pub max_response: usize,
}

pub fn oid(text: &str) -> Oid {
    text.parse().expect("an OID")
}

fn column(column: u32, row: u32) -> String {
    Oid::from_static(TABLE).child(&[column, row]).to_string()
}

impl Agent {
    pub fn new() -> Agent {
        Agent::with(Vec::new(), None)
    }

    /// One with users.
    pub fn with(user: Vec<User>, local: Option<&Local>) -> Agent {
        let community = |name: &str, access, view: Option<&str>| Community {
            name: Some(Secret::new(name)),
            access,
            view: view.map(Into::into),
            ..Community::default()
        };
        let config = Config {
            community: vec![
                community("public", Access::Read, None),
                community("private", Access::Write, None),
                community("part", Access::Write, Some("part")),
            ],
            user,
            view: vec![ViewConfig {
                name: "part".into(),
                include: vec!["1.3.6.1.2.1.1".into()],
                exclude: vec!["1.3.6.1.2.1.1.4".into(), "1.3.6.1.2.1.1.6".into()],
            }],
            ..Config::default()
        };
        let system = System {
            description: "x".repeat(200),
            object_id: oid("1.3.6.1.4.1.32473.1.3.1"),
            root: oid("1.3.6.1.4.1.32473.1"),
        };
        let settings = Settings { name: "sensor".into(), ..Settings::default() };
        let table = Oid::from_static(TABLE);
        let mut types = snmpv2::MODULE.types();
        types.extend((1..=3).map(|column| table.child(&[column]).key()));
        let standing = Standing { system: Arc::new(system), settings: Arc::new(settings.clone()) };
        let mut segments = snmpv2::MODULE.segments(&Arc::new(standing));
        // Nothing stands behind the table, so that its end is the tree's.
        segments.retain(|segment| *segment.prefix() < *table.key());
        segments.push(rows(&table));
        Agent {
            engine: Engine::new(&config, local, &|_| None).expect("a valid configuration"),
            view: View::new(segments.into_iter().map(Arc::new).collect(), types),
            settings,
            counters: Counters::default(),
            clock: EngineClock::default(),
            scratch: Scratch::default(),
            max_response: MAX_DATAGRAM,
        }
    }

    /// Sends octets; a SET that reaches its end is stored, or not.
    pub fn send(&mut self, datagram: &[u8], stores: bool) -> Option<Vec<u8>> {
        let live = Live { uptime: 4711, engine: self.clock, counters: &self.counters };
        let moment = Moment { view: &self.view, settings: &self.settings, live: &live };
        let request = Request {
            datagram,
            sender: SENDER,
            max_response: self.max_response,
            bulk_octets: BULK_OCTETS,
            now: Duration::ZERO,
        };
        let mut out = Vec::new();
        let mut verdict = self.engine.handle(request, moment, &mut self.scratch, &mut out);
        if let Verdict::Commit(commit) = verdict {
            if stores {
                self.settings = commit.settings().clone();
                self.engine = self.engine.with_keys(&self.settings.keys);
            }
            verdict = commit.answer(stores, &live, &mut self.scratch, &mut out);
        }
        matches!(verdict, Verdict::Answer).then_some(out)
    }
}

fn rows(table: &Oid) -> Segment {
    let base = table.clone();
    Segment::lazy(table, move || {
        let mut builder = Builder::default();
        for column in 1..=3 {
            for row in 1..=ROWS {
                let value = match column {
                    1 => Value::OctetString(vec![b'd'; 60]),
                    2 => Value::Counter64(u64::from(row) << 40),
                    _ => Value::Integer(-5),
                };
                builder.push(base.child(&[column, row]).arcs(), &value);
            }
        }
        builder.finish()
    })
}

/// A request by its parts. `first` and `second` are error-status and error-index, or GETBULK's two numbers.
pub fn request(
    version: u8,
    community: &[u8],
    tag: u8,
    id: i64,
    first: i64,
    second: i64,
    binds: &[(&str, Option<Value>)],
) -> Vec<u8> {
    let mut list = Vec::new();
    for (name, value) in binds {
        let mut bind = Vec::new();
        match name.is_empty() {
            true => bind.extend_from_slice(&[6, 0]),
            false => Value::ObjectId(oid(name)).encode(&mut bind),
        }
        match value {
            Some(value) => value.encode(&mut bind),
            None => bind.extend_from_slice(&[ber::NULL, 0]),
        }
        ber::push_octets(ber::SEQUENCE, &bind, &mut list);
    }
    let mut pdu = Vec::new();
    for number in [id, first, second] {
        ber::push_integer(ber::INTEGER, number, &mut pdu);
    }
    ber::push_octets(ber::SEQUENCE, &list, &mut pdu);
    let mut content = Vec::new();
    ber::push_integer(ber::INTEGER, i64::from(version), &mut content);
    ber::push_octets(ber::OCTET_STRING, community, &mut content);
    ber::push_octets(tag, &pdu, &mut content);
    let mut message = Vec::new();
    ber::push_octets(ber::SEQUENCE, &content, &mut message);
    message
}

/// What rasn reads in an answer: request-id, error-status, error-index, and each binding's name and value's octets.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    pub id: i64,
    pub status: i64,
    pub index: i64,
    pub binds: Vec<(String, Vec<u8>)>,
}

pub fn read(octets: &[u8]) -> Read {
    let dots = |oid: &rasn::types::ObjectIdentifier| oid.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
    let number = |integer: &rasn::types::Integer| integer.to_string().parse().expect("a small number");
    if octets.get(4) == Some(&0) || octets.get(5) == Some(&0) && octets.get(1) == Some(&0x81) {
        let message: v1::Message<v1::Pdus> = rasn::ber::decode(octets).expect("SNMPv1");
        let v1::Pdus::GetResponse(v1::GetResponse(pdu)) = message.data else { panic!("a response") };
        let binds = pdu.variable_bindings.iter();
        let binds = binds.map(|bind| (dots(&bind.name), rasn::ber::encode(&bind.value).expect("a value"))).collect();
        return Read {
            id: number(&pdu.request_id),
            status: number(&pdu.error_status),
            index: number(&pdu.error_index),
            binds,
        };
    }
    let message: v2c::Message<v2::Pdus> = rasn::ber::decode(octets).expect("SNMPv2c");
    let v2::Pdus::Response(v2::Response(pdu)) = message.data else { panic!("a response") };
    let binds = pdu.variable_bindings.iter();
    Read {
        id: pdu.request_id.into(),
        status: pdu.error_status.into(),
        index: pdu.error_index.into(),
        binds: binds.map(|bind| (dots(&bind.name), rasn::ber::encode(&bind.value).expect("a value"))).collect(),
    }
}

const GET: u8 = 0xa0;
const NEXT: u8 = 0xa1;
const SET: u8 = 0xa3;
const BULK: u8 = 0xa5;
/// error-status, error-index, and names with their values' tags; `None` is silence.
type Wanted<'a> = Option<(i64, i64, &'a [(&'a str, u8)])>;
const SILENCE: Wanted = None;

/// Sends a request to a fresh agent, and compares error-status, error-index, and names with their values' tags.
fn check(row: &str, datagram: &[u8], wanted: Wanted) -> Agent {
    let mut agent = Agent::new();
    let answer = agent.send(datagram, true).map(|octets| read(&octets));
    let found = answer.as_ref().map(|read| {
        let binds: Vec<(&str, u8)> = read.binds.iter().map(|(name, value)| (name.as_str(), value[0])).collect();
        (read.status, read.index, binds)
    });
    assert_eq!(found, wanted.map(|(status, index, binds)| (status, index, binds.to_vec())), "{row}");
    agent
}

fn ask(version: u8, tag: u8, names: &[&str]) -> Vec<u8> {
    let binds: Vec<_> = names.iter().map(|name| (*name, None)).collect();
    request(version, b"public", tag, 7, 0, 0, &binds)
}

fn bulk(first: i64, second: i64, names: &[&str]) -> Vec<u8> {
    let binds: Vec<_> = names.iter().map(|name| (*name, None)).collect();
    request(1, b"public", BULK, 7, first, second, &binds)
}

fn set(version: u8, community: &[u8], binds: &[(&str, Value)]) -> Vec<u8> {
    let binds: Vec<_> = binds.iter().map(|(name, value)| (*name, Some(value.clone()))).collect();
    request(version, community, SET, 7, 0, 0, &binds)
}

#[test]
fn reads() {
    const OBJECT: u8 = ber::NO_SUCH_OBJECT;
    const INSTANCE: u8 = ber::NO_SUCH_INSTANCE;
    const END: u8 = ber::END_OF_MIB_VIEW;
    const TICKS: u8 = ber::TIME_TICKS;
    let (unknown, no_row, object) = ("1.3.6.1.4.1.9999.1", column(1, 99_999), "1.3.6.1.2.1.1.3");
    check("A01", &ask(1, GET, &[UP_TIME]), Some((0, 0, &[(UP_TIME, TICKS)])));
    check("A02", &ask(1, GET, &[object]), Some((0, 0, &[(object, INSTANCE)])));
    check("A03", &ask(1, GET, &["1.3.6.1.2.1.1.3.1"]), Some((0, 0, &[("1.3.6.1.2.1.1.3.1", INSTANCE)])));
    check("A04", &ask(1, GET, &[unknown]), Some((0, 0, &[(unknown, OBJECT)])));
    check("A05", &ask(1, GET, &[&no_row]), Some((0, 0, &[(&no_row, INSTANCE)])));
    let three: &[(&str, u8)] = &[(UP_TIME, TICKS), (unknown, OBJECT), (NAME, 4)];
    check("A07", &ask(1, GET, &[UP_TIME, unknown, NAME]), Some((0, 0, three)));
    check("A08", &ask(1, GET, &[]), Some((0, 0, &[])));
    let odd = request(1, b"public", GET, 7, -3, 99, &[(UP_TIME, Some(Value::Integer(5)))]);
    check("A10", &odd, Some((0, 0, &[(UP_TIME, TICKS)])));
    for version in [2, 3, 4, 255] {
        let agent = check("A17", &ask(version, GET, &[UP_TIME]), SILENCE);
        assert_eq!(agent.counters.value(Counter::InBadVersions), 1);
    }
    for tag in [0xa2, 0xa4, 0xa6, 0xa7, 0xa8, 0xa9] {
        check("A18", &ask(1, tag, &[UP_TIME]), SILENCE);
    }
    let first = "1.3.6.1.2.1.1.1.0";
    check("B01", &ask(1, NEXT, &["2.999.1"]), Some((0, 0, &[("2.999.1", END)])));
    check("B02", &ask(1, NEXT, &["0.0"]), Some((0, 0, &[(first, 4)])));
    check("B04", &ask(1, NEXT, &[object]), Some((0, 0, &[(UP_TIME, TICKS)])));
    check("B05", &ask(1, NEXT, &[&column(1, ROWS)]), Some((0, 0, &[(&column(2, 1), ber::COUNTER64)])));
    check("B06", &ask(1, NEXT, &[&column(1, u32::MAX)]), Some((0, 0, &[(&column(2, 1), ber::COUNTER64)])));
    check("E01", &ask(0, GET, &[unknown]), Some((2, 1, &[(unknown, ber::NULL)])));
    let echoed: &[(&str, u8)] = &[(UP_TIME, 5), (unknown, 5), (NAME, 5)];
    check("E02", &ask(0, GET, &[UP_TIME, unknown, NAME]), Some((2, 2, echoed)));
    check("E03", &ask(0, NEXT, &["2.999.1"]), Some((2, 1, &[("2.999.1", ber::NULL)])));
    check("E04", &ask(0, GET, &[&column(2, 1)]), Some((2, 1, &[(&column(2, 1), ber::NULL)])));
    check("E05", &ask(0, NEXT, &[&column(1, ROWS)]), Some((0, 0, &[(&column(3, 1), ber::INTEGER)])));
}

#[test]
fn identifiers_and_communities() {
    for id in [0, -1, i64::from(i32::MAX), i64::from(i32::MIN)] {
        let answer = Agent::new().send(&request(1, b"public", GET, id, 0, 0, &[(UP_TIME, None)]), true);
        assert_eq!(answer.map(|octets| read(&octets).id), Some(id), "A12");
    }
    let agent = check("A12e", &request(1, b"public", GET, 1 << 32, 0, 0, &[(UP_TIME, None)]), SILENCE);
    assert_eq!(agent.counters.value(Counter::InAsnParseErrs), 1);
    for community in [&b"wrong"[..], b"", b"public\0x", &[b'p'; 5_000]] {
        let agent = check("A13", &request(1, community, GET, 1, 0, 0, &[(UP_TIME, None)]), SILENCE);
        assert_eq!(agent.counters.value(Counter::InBadCommunityNames), 1);
    }
}

#[test]
fn bulk_reads() {
    const END: u8 = ber::END_OF_MIB_VIEW;
    let (last, end) = (column(3, ROWS), "2.999.1");
    let up: (&str, u8) = (UP_TIME, ber::TIME_TICKS);
    let object = "1.3.6.1.2.1.1.3";
    let column3 = [column(3, 1), column(3, 2), column(3, 3)];
    check("C01", &bulk(0, 0, &[object]), Some((0, 0, &[])));
    check("C02", &bulk(9, 5, &[object]), Some((0, 0, &[up])));
    check("C03", &bulk(-9, 1, &[object]), Some((0, 0, &[up])));
    check("C04", &bulk(1, -1, &[object, object]), Some((0, 0, &[up])));
    let wanted: &[(&str, u8)] = &[up, (&column3[0], 2), (&column3[1], 2), (&column3[2], 2)];
    check("C05", &bulk(1, 3, &[object, &column(2, ROWS)]), Some((0, 0, wanted)));
    check("C09", &bulk(0, 50, &[end]), Some((0, 0, &[(end, END)])));
    let (before, next) = (column(3, ROWS - 1), column(3, 2));
    let wanted: &[(&str, u8)] =
        &[(&last, 2), (&column3[0], 2), (&last, END), (&next, 2), (&last, END), (&column3[2], 2)];
    check("C10", &bulk(0, 3, &[&before, &column(2, ROWS)]), Some((0, 0, wanted)));
    check("C11", &request(0, b"public", BULK, 7, 0, 3, &[(object, None)]), SILENCE);
    for names in [vec!["1.3"; 1], vec!["1.3"; 100], vec!["1.3"; 1_000]] {
        let answer = Agent::new().send(&bulk(0, i64::from(i32::MAX), &names), true).expect("an answer");
        assert!(answer.len() <= MAX_DATAGRAM, "C06");
        assert!(names.len() > 1 || answer.len() <= BULK_OCTETS, "C08");
    }
}

#[test]
fn answers_that_do_not_fit() {
    let strings = column(1, 1);
    let big = vec![strings.as_str(); 1_000];
    check("D01", &ask(1, GET, &big), Some((1, 0, &[])));
    let echoed: Vec<(&str, u8)> = big.iter().map(|name| (*name, ber::NULL)).collect();
    check("D03", &ask(0, GET, &big), Some((1, 0, &echoed)));
    let many = vec![UP_TIME; 1_500];
    let all: Vec<(&str, u8)> = many.iter().map(|name| (*name, ber::TIME_TICKS)).collect();
    check("D02", &ask(1, GET, &many), Some((0, 0, &all)));
    check("D02, v1", &ask(0, GET, &many), Some((0, 0, &all)));
}

#[test]
fn writes() {
    let text = |text: &str| Value::OctetString(text.as_bytes().to_vec());
    let check = |row: &str, version: u8, community: &[u8], binds: &[(&str, Value)], status: i64, index: i64| {
        let datagram = set(version, community, binds);
        let echoed: Vec<(String, Vec<u8>)> = binds
            .iter()
            .map(|(name, value)| {
                let mut octets = Vec::new();
                value.encode(&mut octets);
                ((*name).to_owned(), octets)
            })
            .collect();
        let mut agent = Agent::new();
        let before = agent.settings.clone();
        let answer = read(&agent.send(&datagram, true).expect("an answer"));
        assert_eq!(answer, Read { id: 7, status, index, binds: echoed }, "{row}");
        assert_eq!(agent.settings != before, status == 0 && !binds.is_empty(), "{row}");
    };
    let no_instance = "1.3.6.1.2.1.1.5.1";
    check("F01", 1, b"public", &[(NAME, text("a"))], 6, 1);
    check("F02", 0, b"public", &[(NAME, text("a"))], 2, 1);
    check("F03", 1, b"private", &[(NAME, text("a"))], 0, 0);
    check("F03, v1", 0, b"private", &[(NAME, text("a"))], 0, 0);
    check("F05", 1, b"private", &[(NAME, Value::Integer(5))], 7, 1);
    check("F06", 1, b"private", &[(NAME, text(&"x".repeat(300)))], 8, 1);
    check("F06, v1", 0, b"private", &[(NAME, text(&"x".repeat(300)))], 3, 1);
    check("F07", 1, b"private", &[(UP_TIME, Value::TimeTicks(1))], 17, 1);
    check("F07, v1", 0, b"private", &[(UP_TIME, Value::TimeTicks(1))], 2, 1);
    check("F07, unknown", 1, b"private", &[("1.3.9.9", text("a"))], 17, 1);
    check("F08", 1, b"private", &[(no_instance, text("a"))], 11, 1);
    check("F09", 1, b"part", &[("1.3.6.1.2.1.1.6.0", text("a"))], 6, 1);
    check("F10", 1, b"private", &[(NAME, text("a")), (NAME, Value::Integer(5))], 7, 2);
    check("F11", 1, b"private", &[], 0, 0);
    check("F12", 1, b"private", &[(NAME, text("a")), (NAME, text("b"))], 18, 2);
    check("control characters", 1, b"private", &[(NAME, text("a\u{7}"))], 10, 1);
    check("G31", 1, b"private", &[(NAME, Value::Opaque(vec![0x9f, 0x78, 4, 0, 0, 0, 0]))], 7, 1);
    for (version, status) in [(1, 14), (0, 5)] {
        let mut agent = Agent::new();
        let before = agent.settings.clone();
        let answer = agent.send(&set(version, b"private", &[(NAME, text("a"))]), false).expect("an answer");
        let fate = Fate::Answered(ErrorStatus::CommitFailed);
        assert_eq!(agent.scratch.record().fate, fate, "what the query log is told");
        assert_eq!((read(&answer).status, read(&answer).index), (status, 1), "not stored");
        assert_eq!(agent.settings, before);
    }
    let null = request(1, b"private", SET, 7, 0, 0, &[(NAME, None)]);
    self::check("F04", &null, Some((7, 1, &[(NAME, ber::NULL)])));
}

/// A GET of sysUpTime.0 around these octets of a variable binding.
fn around(bind: &[u8]) -> Vec<u8> {
    let mut list = Vec::new();
    ber::push_octets(ber::SEQUENCE, bind, &mut list);
    let mut pdu = vec![2, 1, 7, 2, 1, 0, 2, 1, 0];
    ber::push_octets(ber::SEQUENCE, &list, &mut pdu);
    let mut content = b"\x02\x01\x01\x04\x06public".to_vec();
    ber::push_octets(GET, &pdu, &mut content);
    let mut message = Vec::new();
    ber::push_octets(ber::SEQUENCE, &content, &mut message);
    message
}

#[test]
fn encodings() {
    let up: &[(&str, u8)] = &[(UP_TIME, ber::TIME_TICKS)];
    let mut padded = ask(1, GET, &[UP_TIME]);
    padded.extend([0; 10]);
    check("G01", &padded, Some((0, 0, up)));
    let name = [6, 8, 0x2b, 6, 1, 2, 1, 1, 3, 0];
    let with = |value: &[u8]| around(&[&name[..], value].concat());
    check("plain", &with(&[5, 0]), Some((0, 0, up)));
    let mut long = b"\x30\x84\0\0\0\x24\x02\x84\0\0\0\x04\0\0\0\x01\x04\x81\x06public".to_vec();
    long.extend(b"\xa0\x82\0\x0d\x02\x02\0\x07\x02\x01\0\x02\x01\0\x30\x81\0");
    check("G03-G05", &long, Some((0, 0, &[])));
    let refused: &[(&str, &[u8])] = &[
        ("G06", b"\x30\x80\x02\x01\x01\0\0"),
        ("G07", b"\x30\x84\xff\xff\xff\xff\x02\x01\x01"),
        ("G08", b"\x30\xff\x02\x01\x01"),
        ("G09", b"\x30\x02\x02\0"),
        ("G10", b"\x30\x0b\x02\x09\0\0\0\0\0\0\0\0\x01"),
        ("empty", b""),
        ("one octet", b"\x30"),
    ];
    for (row, octets) in refused {
        let agent = check(row, octets, SILENCE);
        assert_eq!(agent.counters.value(Counter::InAsnParseErrs), 1, "{row}");
    }
    let (mut most, mut too_many) = (vec![6, 127], vec![6, 0x81, 128]);
    most.extend([1; 127]);
    too_many.extend([1; 128]);
    for content in [&mut most, &mut too_many] {
        content.extend([5, 0]);
    }
    assert!(Agent::new().send(&around(&most), true).is_some(), "G14");
    let refused: &[(&str, &[u8])] = &[
        ("G15", &too_many),
        ("G17", &[6, 6, 0x2b, 0x90, 0x80, 0x80, 0x80, 0, 5, 0]),
        ("G18", &[6, 2, 0x2b, 0x81, 5, 0]),
        ("G20", &[6, 1, 0x2b]),
        ("G21", &[6, 1, 0x2b, 5, 0, 5, 0]),
        ("G22", &[4, 1, 0x2b, 5, 0]),
        ("G23", &[6, 1, 0x2b, 0x1f, 0]),
        ("G25", &[6, 9, 0x2b, 5, 0]),
        ("G29", &[6, 1, 0x2b, 0x40, 3, 1, 2, 3]),
        ("G30", &[6, 1, 0x2b, 0x46, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("NULL with content", &[6, 1, 0x2b, 5, 1, 0]),
        ("an INTEGER without", &[6, 1, 0x2b, 2, 0]),
        ("a Counter64 without", &[6, 1, 0x2b, 0x46, 0]),
    ];
    for (row, bind) in refused {
        let agent = check(row, &around(bind), SILENCE);
        assert_eq!(agent.counters.value(Counter::InAsnParseErrs), 1, "{row}");
    }
    let deep = [0x30, 0x82, 0x7f, 0xff].repeat(4_000);
    check("G24", &deep, SILENCE);
    check("G12", &ask(1, NEXT, &[""]), Some((0, 0, &[("1.3.6.1.2.1.1.1.0", 4)])));
    assert!(Agent::new().send(&ask(1, GET, &[""]), true).is_some(), "G11");
}

#[test]
fn the_snmp_group_counts_each_thing_once() {
    let mut agent = Agent::new();
    for datagram in [
        ask(1, GET, &[UP_TIME, NAME, "1.3.9"]),
        ask(0, GET, &[UP_TIME, "1.3.9"]),
        ask(1, NEXT, &[UP_TIME]),
        bulk(0, 3, &[UP_TIME]),
        set(1, b"private", &[(NAME, Value::OctetString(b"a".to_vec()))]),
        set(0, b"public", &[(NAME, Value::OctetString(b"a".to_vec()))]),
        set(0, b"private", &[(NAME, Value::Integer(1))]),
        ask(1, 0xa2, &[]),
        vec![1, 2, 3],
    ] {
        agent.send(&datagram, true);
    }
    let wanted = [
        (Counter::InPkts, 9),
        (Counter::OutPkts, 7),
        (Counter::InBadCommunityUses, 1),
        (Counter::InAsnParseErrs, 1),
        (Counter::InTotalReqVars, 6),
        (Counter::InTotalSetVars, 1),
        (Counter::InGetRequests, 2),
        (Counter::InGetNexts, 1),
        (Counter::GetBulkRequests, 1),
        (Counter::InSetRequests, 3),
        (Counter::InGetResponses, 1),
        (Counter::OutNoSuchNames, 2),
        (Counter::OutBadValues, 1),
        (Counter::OutGenErrs, 0),
        (Counter::OutGetResponses, 7),
        (Counter::SilentDrops, 0),
    ];
    for (counter, number) in wanted {
        assert_eq!(agent.counters.value(counter), number, "{counter:?}");
    }
}
