//! TCP, and what brought other agents down.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{Proof, Row, Sent, UP_TIME, World, other, row, sent};
use crate::judge;
use crate::message::{BULK, GET, ID, NEXT, Secure, asking, integer, message, name, pdu_around};

fn stream(octets: Vec<u8>, pieces: usize) -> Sent {
    Sent { pieces: Some(pieces), ..sent(octets) }
}

pub fn streams(world: &World) -> Vec<Row> {
    let good = || message(1, "public", &asking(GET, 0, 0, &[UP_TIME]));
    let secure = world.secure("priv");
    vec![
        row(
            "T01",
            "two messages in a segment",
            vec![stream([good(), good()].concat(), 1)],
            "2 x Response noError: sysUpTime.0 TimeTicks",
        ),
        row("T02", "octet by octet", vec![stream(good(), good().len())], "Response noError: sysUpTime.0 TimeTicks"),
        row("T03", "what is not SNMP", vec![stream(b"GET / HTTP/1.1\r\n\r\n".to_vec(), 1)], "closed; `tcp_broken`"),
        row("T04", "a length of 16 MiB", vec![stream(b"\x30\x84\x01\0\0\0".to_vec(), 1)], "closed; `tcp_broken`"),
        row(
            "T05",
            "a wrong community, then a good message",
            vec![stream([message(1, "wrong", &asking(GET, 0, 0, &[UP_TIME])), good()].concat(), 1)],
            "Response noError: sysUpTime.0 TimeTicks; `in_bad_community`",
        ),
        row(
            "T06",
            "an SNMPv3 message that is not answered, then the good one behind it",
            vec![stream(Secure { flags: vec![0], ..Secure::discovery() }.octets(), 1)],
            "silence; `usm_unknown_engines`",
        ),
        row(
            "T07",
            "authPriv",
            vec![Sent { pieces: Some(3), ..Sent::of(&secure) }],
            "authPriv Response noError: sysUpTime.0 TimeTicks",
        ),
    ]
}

/// Every object type that has a row, and an index that it has not.
fn odd_indices(world: &World) -> Vec<Sent> {
    let mut types: Vec<String> = Vec::new();
    let mut from = "1.3".to_string();
    loop {
        let answers = world.exchange(&sent(message(1, "public", &asking(BULK, 0, 50, &[&from]))));
        let binds = judge::read(&answers[0], None).binds;
        for (name, value) in &binds {
            if value[0] == 0x82 {
                assert!(types.len() > 100, "{} object types", types.len());
                let odd = types.iter().flat_map(|of| [format!("{of}.4294967295"), format!("{of}.1.4294967295.0")]);
                let odd: Vec<String> = odd.collect();
                let names: Vec<Vec<&str>> =
                    odd.chunks(50).map(|names| names.iter().map(String::as_str).collect()).collect();
                return names
                    .iter()
                    .map(|names| sent(message(1, "public", &asking(GET, 0, 0, names))).within(65_507))
                    .collect();
            }
            let (of, _) = name.rsplit_once('.').expect("an instance");
            if types.last().is_none_or(|last| last != of) {
                types.push(of.to_string());
            }
        }
        from = binds.last().expect("some").0.clone();
    }
}

pub fn abuse(world: &World) -> Vec<Row> {
    let viewed = |tag: u8, second: i64, names: &[&str]| sent(message(1, "system-only", &asking(tag, 0, second, names)));
    let empty = |tag: u8| sent(message(1, "private", &asking(tag, 0, 0, &[])));
    let bare = |tag: u8| sent(message(1, "private", &asking(tag, 0, 1, &["1.3.6.1.2.1.1.9.1.3"]))).wholly(false);
    let lying = ["4294967295", "0", "0.0.0.0", "4294967295.4294967295.4294967295"].map(|index| {
        let names = [2, 3, 4].map(|column| format!("1.3.6.1.2.1.1.9.1.{column}.{index}"));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        sent(message(1, "public", &asking(GET, 0, 0, &names))).within(500)
    });
    let longest = [&[1][..], &[1; 127]].concat().iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
    vec![
        other(
            "X01",
            "the tag, length and content of each element, in 50,000 ways",
            Proof::Test("anomaly::nothing_that_is_sent_stops_the_agent"),
        ),
        row(
            "X02",
            "GET of what a view excludes, and of what it doesn't include",
            vec![viewed(GET, 0, &["1.3.6.1.2.1.1.9.1.3.1", "1.3.6.1.2.1.11.1.0"])],
            "Response noError: sysORDescr.1 noSuchObject, 1.3.6.1.2.1.11.1.0 noSuchObject",
        ),
        row(
            "X02",
            "GETNEXT into it",
            vec![viewed(NEXT, 0, &["1.3.6.1.2.1.1.8.0", "1.3.6.1.2.1.1.9.1.3.1"])],
            "Response noError: sysORLastChange.0 endOfMibView, sysORDescr.1 endOfMibView",
        ),
        row(
            "X02",
            "GETBULK through it",
            vec![viewed(BULK, 9, &["1.3.6.1.2.1.1.6"])],
            "Response noError: sysLocation.0 OCTET STRING, sysServices.0 INTEGER, sysORLastChange.0 TimeTicks, \
             sysORLastChange.0 endOfMibView",
        ),
        other(
            "X04",
            "slow, split, oversize and half-open TCP",
            Proof::Test("tcp::abuse_closes_its_own_connection_and_costs_nothing"),
        ),
        other(
            "X04",
            "many TCP connections of one source",
            Proof::Test("tcp::a_source_has_so_many_connections_and_none_delays_another"),
        ),
        row(
            "X07",
            "GETBULK, N and M of 2^31, -2^63",
            [1_i64 << 31, i64::MIN]
                .map(|number| sent(message(1, "public", &asking(BULK, number, number, &[UP_TIME; 50]))).wholly(false))
                .into(),
            "each: Response noError",
        ),
        row(
            "X08",
            "GETBULK of an empty list",
            vec![sent(message(1, "public", &asking(BULK, 1, 1, &[])))],
            "Response noError: no variables",
        ),
        row(
            "X09",
            "GET of every object with an index out of range",
            odd_indices(world),
            "each: Response noError: variables in at most 65507 octets each noSuchInstance",
        ),
        other("X10", "a provider goes away", Proof::NotApplicable("there are no providers")),
        other(
            "X11",
            "odd content of /proc: numbers, columns",
            Proof::Test("collect::cpu::tests::odd_files_are_absent_not_panics"),
        ),
        other(
            "X11",
            "odd content of /proc: what is missing or empty",
            Proof::Test("collect::memory::tests::odd_files_are_errors_not_panics"),
        ),
        other("X11", "odd content of /sys", Proof::Test("collect::interface::tests::odd_files_are_errors_not_panics")),
        other("X12", "a trap receiver's holes", Proof::NotApplicable("the agent receives no notifications")),
        row(
            "X13",
            "an empty list in GET, GETNEXT, GETBULK, SET",
            [GET, NEXT, BULK, 0xa3].map(empty).into(),
            "each: Response noError: no variables",
        ),
        row(
            "X13",
            "a column without an index in GET, GETNEXT, GETBULK, SET",
            [GET, NEXT, BULK, 0xa3].map(bare).into(),
            "Response noError; then Response notWritable@1",
        ),
        other("X15", "links in the state directory", Proof::Test("store::tests::symbolic_links_are_refused")),
        other(
            "X15",
            "files that others could read, or that are half written",
            Proof::Test("store::tests::what_is_written_is_read_by_its_owner_alone"),
        ),
        other("X16", "programs set over SNMP", Proof::NotApplicable("no program is ever started")),
        row(
            "X17",
            "rows whose index lies about its length",
            lying.into(),
            "each: Response noError: variables in at most 500 octets each noSuchInstance",
        ),
        row(
            "X17",
            "GET and GETNEXT of a name of 128 sub-identifiers",
            [GET, NEXT].map(|tag| sent(message(1, "public", &asking(tag, 0, 0, &[&longest]))).wholly(false)).into(),
            "each: Response noError",
        ),
        other("X19", "100,000 requests as fast as they go", Proof::Test("anomaly::a_flood_leaves_nothing_behind")),
        row(
            "X25",
            "a PDU with a fourth number; without a list; with octets behind the list",
            vec![
                sent(message(
                    1,
                    "public",
                    &crate::message::element(GET, &[integer(ID), integer(0), integer(0), integer(0)].concat()),
                )),
                sent(message(
                    1,
                    "public",
                    &crate::message::element(GET, &[integer(ID), integer(0), integer(0)].concat()),
                )),
                sent(message(1, "public", &pdu_around(GET, ID, 0, 0, &name("1.3")))),
            ],
            "each: silence; `in_parse_errors`",
        ),
        other(
            "X26",
            "Reports that are larger than what asks for them",
            Proof::Test("wire::what_is_sent_and_what_comes_back"),
        ),
        other("X27, X29", "a flood of discoveries", Proof::Test("wire::reports_are_limited")),
        other(
            "X27",
            "floods by sources, and by networks of them",
            Proof::Test("snmp::limit::tests::a_flood_of_sources_ends_at_the_common_bucket_and_leaves_nothing_behind"),
        ),
        row(
            "X28",
            "an unknown community, and an unknown user who wants no Report",
            vec![
                sent(message(1, "wrong", &asking(GET, 0, 0, &[UP_TIME]))),
                Sent::of(&Secure { user: b"stranger".to_vec(), flags: vec![0], ..world.secure("none") }),
            ],
            "silence; `in_bad_community`; then silence; `usm_unknown_users`",
        ),
        other("X33", "control characters in what is logged", Proof::Test("wire::logs_are_escaped")),
        other(
            "X33",
            "control characters in the query log",
            Proof::Test("server::query_log::tests::a_line_is_one_object_and_obeys_nobody"),
        ),
        other(
            "X34",
            "passwords and communities in logs, metrics, status",
            Proof::Test("wire::what_is_sent_and_what_comes_back"),
        ),
        other("X34", "keys when they are printed", Proof::Test("snmp::usm::keys::tests::keys_are_never_shown")),
        other("X35", "many HTTP connections", Proof::Test("http::bounded::tests::one_too_many_waits_for_a_place")),
        other(
            "X35",
            "HTTP headers without end, and half of a request",
            Proof::Test("wire::abuse::odd_http_is_refused"),
        ),
    ]
}

/// X35: headers without end are refused, two lengths for one body are not believed, and others are served meanwhile.
#[test]
fn odd_http_is_refused() {
    let world = World::start();
    let ask = |octets: &[u8]| {
        let mut stream = TcpStream::connect(("127.0.0.1", world.agent.http)).expect("a listener");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
        // It may be closed while this is on its way.
        let _ = stream.write_all(octets);
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    };
    let mut half = TcpStream::connect(("127.0.0.1", world.agent.http)).expect("a listener");
    half.write_all(b"GET /metrics HTTP/1.1\r\nHost:").expect("sent");
    let huge = format!("GET /metrics HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(4 << 20));
    let two = "GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx";
    for text in [&huge, two, "\u{0}\u{1}\r\n\r\n"] {
        let answer = ask(text.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{}", &answer[..answer.len().min(100)]);
    }
    assert!(world.agent.page("/metrics").contains("vitals_snmp_panics_total 0"));
}
