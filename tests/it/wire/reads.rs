//! GET, GETNEXT and GETBULK.

use super::{CONTACT, NAME, Row, Sent, UP_TIME, World, row, sent};
use crate::message::{BULK, GET, NEXT, NULL, asking, element, integer, message, pdu};

const UNKNOWN: &str = "1.3.6.1.4.1.9999.1";
/// sysORDescr and sysORID: columns with a row for each module.
const OR_DESCR: &str = "1.3.6.1.2.1.1.9.1.3";
const OR_ID: &str = "1.3.6.1.2.1.1.9.1.2";
/// vitalsSectionCollections: a Counter64 of every section.
const COUNTER64: &str = "1.3.6.1.4.1.32473.1.1.3.1.7";
const END: &str = "2.999.1";

fn get(version: i64, names: &[&str]) -> Sent {
    sent(message(version, "public", &asking(GET, 0, 0, names)))
}

fn next(version: i64, names: &[&str]) -> Sent {
    sent(message(version, "public", &asking(NEXT, 0, 0, names)))
}

pub fn reads(world: &World) -> Vec<Row> {
    let odd = pdu(GET, 77, -3, 99, &[(UP_TIME, integer(5))]);
    let ids = [0, -1, i64::from(i32::MAX), i64::from(i32::MIN)];
    let with_id = |id| pdu(GET, id, 0, 0, &[(UP_TIME, NULL.to_vec())]);
    let communities = [&b"wrong"[..], b"", b"public\0x", b"publi", b"publicc", &[b'p'; 5_000]];
    let asked = asking(GET, 0, 0, &[UP_TIME]);
    let of_type = |tag: u8| sent(message(1, "public", &asking(tag, 0, 0, &[UP_TIME])));
    let below = |oid: &str, arc: &str| format!("{oid}.{arc}");
    vec![
        row("A01", "GET sysUpTime.0", vec![get(1, &[UP_TIME])], "Response noError: sysUpTime.0 TimeTicks"),
        row(
            "A02, A03",
            "GET sysUpTime, sysUpTime.1",
            vec![get(1, &["1.3.6.1.2.1.1.3", "1.3.6.1.2.1.1.3.1"])],
            "Response noError: sysUpTime noSuchInstance, sysUpTime.1 noSuchInstance",
        ),
        row(
            "A04",
            "GET of an unknown enterprise",
            vec![get(1, &[UNKNOWN])],
            "Response noError: 1.3.6.1.4.1.9999.1 noSuchObject",
        ),
        row(
            "A05, A06",
            "GET of a row that is not there, of a column",
            vec![get(1, &[&below(OR_DESCR, "99999"), OR_DESCR])],
            "Response noError: sysORDescr.99999 noSuchInstance, sysORDescr noSuchInstance",
        ),
        row(
            "A07",
            "GET good, unknown, good",
            vec![get(1, &[UP_TIME, UNKNOWN, NAME])],
            "Response noError: sysUpTime.0 TimeTicks, 1.3.6.1.4.1.9999.1 noSuchObject, sysName.0 OCTET STRING",
        ),
        row("A08", "GET of an empty list", vec![get(1, &[])], "Response noError: no variables"),
        row(
            "A09",
            "GET of one name thrice (equal values: `a_name_asked_thrice_has_one_value`)",
            vec![get(1, &[UP_TIME, UP_TIME, UP_TIME])],
            "Response noError: sysUpTime.0 TimeTicks, sysUpTime.0 TimeTicks, sysUpTime.0 TimeTicks",
        ),
        row(
            "A10, A11",
            "GET with a value that is not NULL, error-status -3, error-index 99",
            vec![sent(message(1, "public", &odd))],
            "Response noError: sysUpTime.0 TimeTicks",
        ),
        row(
            "A12",
            "request-id 0, -1, 2^31-1, -2^31",
            ids.map(|id| Sent { id, ..sent(message(1, "public", &with_id(id))) }).into(),
            "each: Response noError: sysUpTime.0 TimeTicks",
        ),
        row(
            "A12e",
            "request-id 2^32 in five octets",
            vec![sent(message(1, "public", &with_id(1 << 32)))],
            "silence; `in_parse_errors`",
        )
        .snmpd("answers request-id 0"),
        row(
            "A13 to A16, X23",
            "a wrong community; an empty one; `public` and NUL; a prefix; one octet more; 5,000 octets",
            communities.map(|community| sent(message(1, community, &asked))).into(),
            "each: silence; `in_bad_community`",
        ),
        row(
            "A17",
            "version 2, 4, 255, -1",
            [2, 4, 255, -1].map(|version| sent(message(version, "public", &asked))).into(),
            "each: silence; `in_bad_versions`",
        ),
        row(
            "A18",
            "a Response; an SNMPv2-Trap; InformRequest and Report; an SNMPv1 trap and a PDU of tag 0xa9",
            [0xa2, 0xa7, 0xa6, 0xa8, 0xa4, 0xa9].map(of_type).into(),
            "silence; `in_responses`; then silence; `in_traps`; then silence; then silence; `in_parse_errors`",
        ),
        row("B01", "GETNEXT past the end", vec![next(1, &[END])], "Response noError: 2.999.1 endOfMibView"),
        row(
            "B02, B03",
            "GETNEXT 0.0, 1.3",
            vec![next(1, &["0.0", "1.3"])],
            "Response noError: sysDescr.0 OCTET STRING, sysDescr.0 OCTET STRING",
        ),
        row(
            "B04",
            "GETNEXT of an object",
            vec![next(1, &["1.3.6.1.2.1.1.3"])],
            "Response noError: sysUpTime.0 TimeTicks",
        ),
        row(
            "B05, B06",
            "GETNEXT of a column's last row, and of index 2^32-1",
            vec![next(1, &[&below(OR_ID, &last_module(world)), &below(OR_ID, "4294967295")])],
            "Response noError: sysORDescr.1 OCTET STRING, sysORDescr.1 OCTET STRING",
        ),
    ]
}

/// The last index of sysORTable.
fn last_module(world: &World) -> String {
    world.agent.snmp("snmpwalk", &["-v2c", "-c", "public"], &[OR_ID]).lines().count().to_string()
}

pub fn bulk(world: &World) -> Vec<Row> {
    let bulk = |first, second, names: &[&str]| sent(message(1, "public", &asking(BULK, first, second, names)));
    let last = format!("{OR_ID}.{}", last_module(world));
    let up = "1.3.6.1.2.1.1.3";
    vec![
        row("C01", "GETBULK, N=0, M=0", vec![bulk(0, 0, &[up])], "Response noError: no variables"),
        row(
            "C02, X08",
            "GETBULK, N=9, M=5, one name",
            vec![bulk(9, 5, &[up])],
            "Response noError: sysUpTime.0 TimeTicks",
        ),
        row("C03", "GETBULK, N=-9, M=1", vec![bulk(-9, 1, &[up])], "Response noError: sysUpTime.0 TimeTicks"),
        row(
            "C04",
            "GETBULK, N=1, M=-1, two names",
            vec![bulk(1, -1, &[up, up])],
            "Response noError: sysUpTime.0 TimeTicks",
        ),
        row(
            "C05",
            "GETBULK, N=1, M=3, two names",
            vec![bulk(1, 3, &[up, &last])],
            "Response noError: sysUpTime.0 TimeTicks, sysORDescr.1 OCTET STRING, sysORDescr.2 OCTET STRING, \
             sysORDescr.3 OCTET STRING",
        ),
        row(
            "C06, X05",
            "GETBULK, M=2^31-1, one name",
            vec![bulk(0, i64::from(i32::MAX), &["1.3"]).within(1_472)],
            "Response noError: variables in at most 1472 octets",
        )
        .snmpd("100 variables"),
        row(
            "C07, X05, X07",
            "GETBULK of 100 and of 1,000 names, M=1,000 and M=2^31-1; N=-2^31",
            vec![
                bulk(0, 1_000, &["1.3.6.1.2.1.1.1"; 100]).within(65_507),
                bulk(0, i64::from(i32::MAX), &["1.3.6.1.2.1.1.2"; 1_000]).within(65_507),
                bulk(i64::from(i32::MIN), i64::from(i32::MAX), &["1.3.6.1.2.1.1.2"; 100]).within(65_507),
            ],
            "Response noError: variables in at most 65507 octets each OCTET STRING; then Response noError: variables in \
             at most 65507 octets each OBJECT IDENTIFIER",
        )
        .snmpd("100 variables: 6 times as much as came in"),
        row(
            "C08",
            "GETBULK, M=100, on a column of strings",
            vec![bulk(0, 100, &["1.3.6.1.4.1.32473.1.1.3.1.1"]).within(1_472)],
            "Response noError: variables in at most 1472 octets",
        )
        .snmpd("4,692 octets for 42"),
        row("C09", "GETBULK past the end, M=50", vec![bulk(0, 50, &[END])], "Response noError: 2.999.1 endOfMibView"),
        row(
            "C10",
            "GETBULK, M=2, of a column that goes on and of one that has ended",
            vec![bulk(0, 2, &[up, END])],
            "Response noError: sysUpTime.0 TimeTicks, 2.999.1 endOfMibView, sysContact.0 OCTET STRING, \
             2.999.1 endOfMibView",
        ),
        row(
            "C11",
            "GETBULK in SNMPv1",
            vec![sent(message(0, "public", &asking(BULK, 0, 3, &[up])))],
            "silence; `in_parse_errors`",
        )
        .snmpd("answers by the rules of SNMPv2"),
    ]
}

pub fn sizes(_: &World) -> Vec<Row> {
    let big = vec!["1.3.6.1.2.1.1.9.1.3.1"; 1_500];
    let many = vec![UP_TIME; 1_500];
    let deep = element(0x30, &[element(0x30, &[]), NULL.to_vec()].concat());
    vec![
        row(
            "D01",
            "GET whose answer is larger than a datagram",
            vec![get(1, &big)],
            "Response tooBig@0: no variables; `out_too_big`",
        )
        .snmpd("silence"),
        row(
            "D02",
            "GET of 1,500 times sysUpTime.0",
            vec![get(1, &many)],
            "Response noError: 1500 variables, each TimeTicks",
        ),
        row(
            "D03",
            "the same as D01 in SNMPv1",
            vec![get(0, &big)],
            "Response tooBig@0: 1500 variables, each NULL; `out_too_big`",
        )
        .snmpd("silence"),
        row(
            "E01",
            "SNMPv1 GET of an unknown object",
            vec![get(0, &[UNKNOWN])],
            "Response noSuchName@1: 1.3.6.1.4.1.9999.1 NULL; `out_no_such_name`",
        ),
        row(
            "E02",
            "SNMPv1 GET good, unknown, good",
            vec![get(0, &[UP_TIME, UNKNOWN, CONTACT])],
            "Response noSuchName@2: sysUpTime.0 NULL, 1.3.6.1.4.1.9999.1 NULL, sysContact.0 NULL; `out_no_such_name`",
        ),
        row(
            "E03",
            "SNMPv1 GETNEXT past the end",
            vec![next(0, &[END])],
            "Response noSuchName@1: 2.999.1 NULL; `out_no_such_name`",
        ),
        row(
            "E04",
            "SNMPv1 GET of a Counter64",
            vec![get(0, &[&format!("{COUNTER64}.1")])],
            "Response noSuchName@1: 1.3.6.1.4.1.32473.1.1.3.1.7.1 NULL; `out_no_such_name`",
        ),
        row(
            "E05",
            "SNMPv1 GETNEXT before Counter64s",
            vec![next(0, &[COUNTER64])],
            "Response noError: 1.3.6.1.4.1.32473.1.1.4.1.2.1 OCTET STRING",
        ),
        row(
            "G20",
            "SNMPv1 message whose list is not one",
            vec![sent(message(0, "public", &element(GET, &deep)))],
            "silence; `in_parse_errors`",
        ),
    ]
}
