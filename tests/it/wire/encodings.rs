//! BER in every form that managers write, and in those that only attackers do.

use super::{Row, Sent, UP_TIME, World, row, sent};
use crate::message::{GET, NEXT, NULL, asking, element, integer, message, name, pdu_around, text};

/// The content of sysUpTime.0's name, with tag and length.
const UP: &[u8] = &[6, 8, 0x2b, 6, 1, 2, 1, 1, 3, 0];
const GOOD: &str = "Response noError: sysUpTime.0 TimeTicks";
const DROPPED: &str = "silence; `in_parse_errors`";
const EACH_DROPPED: &str = "each: silence; `in_parse_errors`";

/// A GET around the content of its only variable binding.
fn around(bind: &[u8]) -> Sent {
    sent(message(1, "public", &pdu_around(GET, 77, 0, 0, &element(0x30, bind))))
}

fn raw(octets: &[u8]) -> Sent {
    sent(octets.to_vec())
}

/// A tag and a length in so many octets.
fn long_form(tag: u8, octets: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let start = length.len() - usize::from(octets);
    [&[tag, 0x80 | octets], &length[start..], content].concat()
}

pub fn encodings(_: &World) -> Vec<Row> {
    let good = message(1, "public", &asking(GET, 0, 0, &[UP_TIME]));
    let padded = [&good[..], &[0xee; 10]].concat();
    let list = long_form(0x30, 3, &long_form(0x30, 2, &[UP, NULL].concat()));
    let numbers = [long_form(2, 1, &[0, 0, 0, 77]), integer(0), long_form(2, 4, &[0; 8])].concat();
    let lenient = long_form(0xa0, 2, &[numbers, list].concat());
    let lenient = [long_form(2, 4, &[0, 0, 0, 1]), long_form(4, 1, b"public"), lenient].concat();
    let cut: Vec<Sent> = (0..good.len()).map(|length| raw(&good[..length])).collect();
    let arcs = |count: usize| [element(6, &vec![1; count - 1]), NULL.to_vec()].concat();
    let first = |value: &[u8]| around(&[UP, value].concat());
    let huge = |octets: usize| {
        sent(message(
            1,
            "public",
            &pdu_around(
                GET,
                77,
                0,
                0,
                &[element(0x30, &[element(6, &vec![0x81; octets]), NULL.to_vec()].concat())].concat(),
            ),
        ))
    };
    vec![
        row("G01", "ten octets behind the message", vec![raw(&padded)], GOOD),
        row(
            "G03 to G05",
            "lengths in more octets than needed, padded integers",
            vec![raw(&long_form(0x30, 4, &lenient))],
            GOOD,
        ),
        row("G06", "an indefinite length", vec![raw(b"\x30\x80\x02\x01\x01\0\0")], DROPPED),
        row("G07", "length 0xffffffff", vec![raw(b"\x30\x84\xff\xff\xff\xff\x02\x01\x01")], DROPPED),
        row(
            "G08",
            "length octet 0xff; a length of five octets",
            vec![raw(b"\x30\xff\x02\x01\x01"), raw(b"\x30\x85\0\0\0\0\x03\x02\x01\x01")],
            EACH_DROPPED,
        ),
        row("G09, X21", "an INTEGER without content", vec![raw(b"\x30\x02\x02\0"), first(&[2, 0])], EACH_DROPPED),
        row("G10", "an INTEGER of nine octets", vec![raw(b"\x30\x0b\x02\x09\0\0\0\0\0\0\0\0\x01")], DROPPED),
        row("G11", "GET of a name without content", vec![around(&[6, 0, 5, 0])], "Response noError: 0.0 noSuchObject"),
        row(
            "G12",
            "GETNEXT of a name without content",
            vec![sent(message(1, "public", &asking(NEXT, 0, 0, &[""])))],
            "Response noError: sysDescr.0 OCTET STRING",
        ),
        row("G14", "a name of 128 sub-identifiers", vec![around(&arcs(128)).wholly(false)], "Response noError"),
        row("G15", "a name of 129 sub-identifiers", vec![around(&arcs(129))], DROPPED),
        row(
            "G17, X24",
            "sub-identifier 2^32; one of ten octets",
            vec![
                around(&[6, 6, 0x2b, 0x90, 0x80, 0x80, 0x80, 0, 5, 0]),
                around(&[6, 11, 0x2b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 5, 0]),
            ],
            EACH_DROPPED,
        ),
        row("G18", "a name that ends within a sub-identifier", vec![around(&[6, 2, 0x2b, 0x81, 5, 0])], DROPPED),
        row(
            "G19",
            "a sub-identifier padded with 0x80",
            vec![around(&[6, 9, 0x2b, 6, 1, 2, 1, 1, 0x80, 3, 0, 5, 0])],
            GOOD,
        ),
        row("G20", "a variable without a value", vec![around(UP)], DROPPED),
        row("G21", "a variable with two values", vec![first(&[5, 0, 5, 0])], DROPPED),
        row(
            "G22",
            "a name that is a string; a NULL with content",
            vec![around(&[4, 1, 0x2b, 5, 0]), first(&[5, 1, 0])],
            EACH_DROPPED,
        ),
        row("G23", "a tag of several octets", vec![first(&[0x1f, 0x81, 0, 0])], DROPPED),
        row(
            "G24, X20",
            "4,000 levels",
            vec![
                raw(&[0x30, 0x82, 0x7f, 0xff].repeat(4_000)),
                raw(&(0..4_000).fold(vec![5, 0], |inner, _| element(0x30, &inner))),
            ],
            EACH_DROPPED,
        ),
        row("G25", "a part that is longer than the whole", vec![around(&[6, 9, 0x2b, 5, 0])], DROPPED),
        row(
            "G29, G30",
            "GET with an IpAddress of three octets, a Counter64 of nine",
            vec![first(&[0x40, 3, 1, 2, 3]), first(&element(0x46, &[1; 9]))],
            EACH_DROPPED,
        ),
        row(
            "X20",
            "a name of 60,000 octets, none of which ends a sub-identifier; of 60,000 sub-identifiers",
            vec![
                huge(60_000),
                sent(message(
                    1,
                    "public",
                    &pdu_around(GET, 77, 0, 0, &element(0x30, &[element(6, &vec![1; 60_000]), NULL.to_vec()].concat())),
                )),
            ],
            EACH_DROPPED,
        ),
        row(
            "X21",
            "each type without content: IpAddress, Counter32, Gauge32, TimeTicks, Counter64",
            [0x40, 0x41, 0x42, 0x43, 0x46].map(|tag| first(&[tag, 0])).into(),
            EACH_DROPPED,
        ),
        row(
            "X21",
            "each type that may be without content: OCTET STRING, OBJECT IDENTIFIER, Opaque",
            [4, 0x44].map(|tag| first(&[tag, 0])).into(),
            &format!("each: {GOOD}"),
        ),
        row(
            "X01",
            "a good message, cut at each octet but the last",
            cut.into_iter().filter(|sent| !sent.octets.is_empty()).collect(),
            EACH_DROPPED,
        ),
        row(
            "X01",
            "one octet; text; a name, a community and a PDU in the wrong order",
            vec![
                raw(&[0x30]),
                raw(b"GET / HTTP/1.1\r\n\r\n"),
                raw(&element(0x30, &[text("public"), integer(1), asking(GET, 0, 0, &[])].concat())),
                raw(&element(0x30, &[integer(1), text("public"), asking(GET, 0, 0, &[]), name("1.3")].concat())),
            ],
            EACH_DROPPED,
        ),
    ]
}
