//! The time of each hot function: `cargo bench --bench functions`, with a part of a name to run only some.
//!
//! The view is that of a machine with 1,000 interfaces and 2,000 processes: what a function costs there is what a large
//! host sees. A request that is to be measured is one entry of [`REQUESTS`]. What the whole program costs, system calls
//! included, is the other benchmark's subject (`benches/wire`).

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use vitalsd::mib::snmpv2::{self, Standing, System};
use vitalsd::mib::{Builder, Counters, EngineClock, Live, Oid, Ranges, Segment, Settings, Value, View, ber};
use vitalsd::secret::Secret;
use vitalsd::server::Transport;
use vitalsd::snmp::config::{Community, Config};
use vitalsd::snmp::usm::{AuthProtocol, Authenticator, Cipher, PrivProtocol, localize, master_key, privacy_key};
use vitalsd::snmp::{Engine, MAX_DATAGRAM, Moment, Request, Scratch, Verdict, wire};

fn main() {
    divan::main();
}

/// The table that requests are about, and another beside it: OID of the entry, columns, rows.
const INTERFACES: (&[u32], u32, u32) = (&[1, 3, 6, 1, 2, 1, 2, 2, 1], 22, 1_000);
const PROCESSES: (&[u32], u32, u32) = (&[1, 3, 6, 1, 2, 1, 25, 4, 2, 1], 7, 2_000);

/// Requests: what the case is called, the PDU's tag, the two numbers behind the request-id, and how many names.
const REQUESTS: &[(&str, u8, i64, i64, u32)] = &[
    ("GET 1", 0xa0, 0, 0, 1),
    ("GET 10", 0xa0, 0, 0, 10),
    ("GETNEXT", 0xa1, 0, 0, 1),
    ("GETBULK 50", 0xa5, 0, 50, 1),
    ("GETBULK 50, a row of 10", 0xa5, 0, 50, 10),
];

/// A request that is to be worked on.
struct Case {
    name: &'static str,
    datagram: Vec<u8>,
}

impl std::fmt::Display for Case {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

fn cases() -> impl Iterator<Item = Case> {
    REQUESTS.iter().map(|&(name, tag, first, second, names)| {
        let entry = Oid::from_static(INTERFACES.0);
        // Columns 10, 11, ... of the row in the middle: a search passes every depth.
        let list = (0..names).map(|column| entry.child(&[10 + column, INTERFACES.2 / 2])).collect::<Vec<_>>();
        Case { name, datagram: request(tag, first, second, &list) }
    })
}

/// A message of SNMPv2c.
fn request(tag: u8, first: i64, second: i64, names: &[Oid]) -> Vec<u8> {
    let mut list = Vec::new();
    for name in names {
        let mut bind = Vec::new();
        Value::ObjectId(name.clone()).encode(&mut bind);
        bind.extend_from_slice(&[ber::NULL, 0]);
        ber::push_octets(ber::SEQUENCE, &bind, &mut list);
    }
    let mut pdu = Vec::new();
    for number in [0x1234_5678, first, second] {
        ber::push_integer(ber::INTEGER, number, &mut pdu);
    }
    ber::push_octets(ber::SEQUENCE, &list, &mut pdu);
    let mut content = Vec::new();
    ber::push_integer(ber::INTEGER, 1, &mut content);
    ber::push_octets(ber::OCTET_STRING, b"public", &mut content);
    ber::push_octets(tag, &pdu, &mut content);
    let mut message = Vec::new();
    ber::push_octets(ber::SEQUENCE, &content, &mut message);
    message
}

/// An agent without sockets.
struct Agent {
    engine: Engine,
    view: View,
    settings: Settings,
    counters: Counters,
}

impl Agent {
    fn new() -> Agent {
        let community = Community { name: Some(Secret::new("public")), ..Community::default() };
        let config = Config { community: vec![community], ..Config::default() };
        let root = Oid::from_static(&[1, 3, 6, 1, 4, 1, 32473, 1]);
        let system = System { description: "a description".into(), object_id: root.child(&[3, 1]), root };
        let settings = Settings::default();
        let tables = [INTERFACES, PROCESSES];
        let mut types = snmpv2::MODULE.types();
        for (entry, columns, _) in tables {
            types.extend((1..=columns).map(|column| Oid::from_static(entry).child(&[column]).key()));
        }
        let standing = Standing { system: Arc::new(system), settings: Arc::new(settings.clone()) };
        let mut segments = snmpv2::MODULE.segments(&Arc::new(standing));
        segments.extend(tables.map(table));
        let view = View::new(segments.into_iter().map(Arc::new).collect(), types);
        assert!(view.len() > 36_000, "every segment is put together before anything is measured");
        let engine = Engine::new(&config, None, &|_| None).expect("a valid configuration");
        Agent { engine, view, settings, counters: Counters::default() }
    }
}

/// A table, lazily: names, counters of both sizes and small numbers, as real ones have.
fn table((entry, columns, rows): (&'static [u32], u32, u32)) -> Segment {
    let entry = Oid::from_static(entry);
    let base = entry.clone();
    Segment::lazy(&entry, move || {
        let mut builder = Builder::default();
        for column in 1..=columns {
            let mut arcs = base.child(&[column]).arcs().to_vec();
            for row in 1..=rows {
                let value = match column % 4 {
                    0 => Value::Counter64(u64::from(row) << 33),
                    1 => Value::Integer(1),
                    2 => Value::text(&format!("interface{row}")),
                    _ => Value::Counter32(row.wrapping_mul(1_000_003)),
                };
                arcs.push(row);
                builder.push(&arcs, &value);
                arcs.pop();
            }
        }
        builder.finish()
    })
}

/// The whole engine: a datagram in, an answer out.
#[divan::bench(args = cases())]
fn engine_handle(bencher: Bencher, case: &Case) {
    let agent = Agent::new();
    let live = Live { uptime: 4711, engine: EngineClock::default(), counters: &agent.counters };
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    bencher.bench_local(|| {
        let moment = Moment { view: &agent.view, settings: &agent.settings, live: &live };
        let sender = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let request = Request {
            datagram: black_box(&case.datagram),
            sender,
            max_response: MAX_DATAGRAM,
            bulk_octets: Transport::Udp.bulk_octets(),
            now: Duration::ZERO,
        };
        let verdict = agent.engine.handle(request, moment, &mut scratch, &mut out);
        assert!(matches!(verdict, Verdict::Answer));
        black_box(out.len())
    });
}

/// Reading alone: version, community, PDU and its names.
#[divan::bench(args = cases())]
fn wire_read(bencher: Bencher, case: &Case) {
    let (mut keys, mut binds) = (Vec::new(), Vec::new());
    bencher.bench_local(|| {
        let (_, rest) = wire::version(black_box(&case.datagram)).expect("a version");
        let message = wire::message(rest).expect("a message");
        let request_id = wire::pdu(message.pdu, &mut keys, &mut binds).expect("a PDU").request_id;
        black_box((request_id, binds.len()))
    });
}

/// The search alone: the next instance, in the middle of the table.
#[divan::bench]
fn view_next(bencher: Bencher) {
    let agent = Agent::new();
    let key = Oid::from_static(INTERFACES.0).child(&[10, INTERFACES.2 / 2]).key();
    let ranges = Ranges::all();
    bencher.bench_local(|| agent.view.next(black_box(&key), &ranges).is_some());
}

/// The step alone: 50 instances, one after another.
#[divan::bench]
fn cursor_advance_50(bencher: Bencher) {
    let agent = Agent::new();
    let key = Oid::from_static(INTERFACES.0).child(&[10, INTERFACES.2 / 2]).key();
    let ranges = Ranges::all();
    let first = agent.view.next(&key, &ranges).expect("an instance");
    bencher.bench_local(|| {
        let mut cursor = black_box(first);
        (0..50).filter(|_| cursor.advance(&ranges)).count()
    });
}

/// Putting a table's instances together, which happens once a snapshot, when it is first asked for.
#[divan::bench]
fn segment_content(bencher: Bencher) {
    let instances = INTERFACES.1 * INTERFACES.2;
    bencher
        .counter(ItemsCount::new(instances))
        .with_inputs(|| table(INTERFACES))
        .bench_local_refs(|segment| black_box(segment.content().len()));
}

/// A message of SNMPv3 with one name has about so many octets, and its scoped PDU half of them.
const MESSAGE_OCTETS: usize = 140;
const SCOPED_OCTETS: usize = 70;
const ENGINE_ID: &[u8] = &[0x80, 0, 0x7e, 0xd9, 5, 1, 2, 3, 4, 5, 6, 7, 8];

/// Signing a message; verifying one is the same work.
#[divan::bench(args = AuthProtocol::ALL)]
fn usm_sign(bencher: Bencher, auth: AuthProtocol) {
    let master = master_key(auth, b"authentic-passphrase").expect("a password");
    let authenticator = Authenticator::new(auth, &localize(auth, &master, ENGINE_ID));
    let mut message = vec![0x55; MESSAGE_OCTETS];
    let place = 40..40 + authenticator.mac_octets();
    bencher.bench_local(|| authenticator.sign(black_box(&mut message), place.clone()));
}

/// Decrypting a scoped PDU; encrypting one is the same work.
#[divan::bench(args = PrivProtocol::ALL)]
fn usm_decrypt(bencher: Bencher, privacy: PrivProtocol) {
    let auth = AuthProtocol::Sha256;
    let master = master_key(auth, b"private-passphrase").expect("a password");
    let key = privacy_key(auth, privacy, &localize(auth, &master, ENGINE_ID), ENGINE_ID);
    let cipher = Cipher::new(privacy, &key).expect("a key that is long enough");
    let mut scoped = vec![0x55; cipher.padded_octets(SCOPED_OCTETS)];
    bencher.bench_local(|| cipher.decrypt(1, 4711, &[7; 8], black_box(&mut scoped)));
}
