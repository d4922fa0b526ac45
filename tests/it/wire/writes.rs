//! SET.

use std::fs;

use super::{CONTACT, LOCATION, NAME, Proof, Row, Sent, UP_TIME, World, other, row, sent};
use crate::message::{ID, NULL, SET, asking, element, integer, message, name, pdu, text};

const SERIAL: &str = "1.3.6.1.6.3.1.1.6.1.0";
const TRAPS: &str = "1.3.6.1.2.1.11.30.0";

/// A SET by SNMPv2c.
pub fn set(community: &str, binds: &[(&str, Vec<u8>)]) -> Sent {
    sent(message(1, community, &pdu(SET, ID, 0, 0, binds)))
}

fn set_version_1(community: &str, binds: &[(&str, Vec<u8>)]) -> Sent {
    sent(message(0, community, &pdu(SET, ID, 0, 0, binds)))
}

/// A value of each type.
fn values() -> Vec<Vec<u8>> {
    vec![
        integer(1),
        text("text"),
        name("1.3.6.1"),
        element(0x40, &[127, 0, 0, 1]),
        element(0x41, &[1]),
        element(0x42, &[1]),
        element(0x43, &[1]),
        element(0x44, &[0x9f, 0x78, 4, 0, 0, 0, 0]),
        element(0x46, &[1]),
        NULL.to_vec(),
        element(0x80, &[]),
        element(0x81, &[]),
        element(0x82, &[]),
    ]
}

pub fn writes(world: &World) -> Vec<Row> {
    let serial = world.serial();
    let long = "x".repeat(300);
    let each = |object: &'static str, right: u8| -> Vec<Sent> {
        let wrong = values().into_iter().filter(|value| value[0] != right);
        wrong.map(|value| set("private", &[(object, value)]).wholly(false)).collect()
    };
    vec![
        row(
            "F01, X03",
            "SET by a community that only reads",
            vec![set("public", &[(NAME, text("a"))])],
            "Response noAccess@1: sysName.0 OCTET STRING; `in_bad_community_use`",
        ),
        row(
            "F02, X03",
            "the same in SNMPv1",
            vec![set_version_1("public", &[(NAME, text("a"))])],
            "Response noSuchName@1: sysName.0 OCTET STRING; `in_bad_community_use`; `out_no_such_name`",
        ),
        row(
            "F03",
            "SET sysName, SNMPv2c and SNMPv1",
            vec![set("private", &[(NAME, text("first"))]), set_version_1("private", &[(NAME, text("first"))])],
            "each: Response noError: sysName.0 OCTET STRING",
        ),
        row(
            "F04",
            "SET sysName to NULL",
            vec![set("private", &[(NAME, NULL.to_vec())])],
            "Response wrongType@1: sysName.0 NULL",
        ),
        row(
            "F05",
            "SET sysName to an INTEGER",
            vec![set("private", &[(NAME, integer(5))])],
            "Response wrongType@1: sysName.0 INTEGER",
        ),
        row(
            "F06",
            "SET sysName to 300 octets",
            vec![set("private", &[(NAME, text(&long))])],
            "Response wrongLength@1: sysName.0 OCTET STRING",
        ),
        row(
            "F07",
            "SET sysUpTime.0",
            vec![set("private", &[(UP_TIME, element(0x43, &[1]))])],
            "Response notWritable@1: sysUpTime.0 TimeTicks",
        ),
        row(
            "F08",
            "SET sysName.1",
            vec![set("private", &[("1.3.6.1.2.1.1.5.1", text("a"))])],
            "Response noCreation@1: sysName.1 OCTET STRING",
        ),
        row(
            "F09",
            "SET outside the view",
            vec![set("part", &[(TRAPS, integer(1))])],
            "Response noAccess@1: snmpEnableAuthenTraps.0 INTEGER; `in_bad_community_use`",
        ),
        row(
            "F10",
            "SET of a good and a bad value (the first stays: `a_set_is_whole_or_nothing`)",
            vec![set("private", &[(NAME, text("second")), (UP_TIME, integer(5))])],
            "Response notWritable@2: sysName.0 OCTET STRING, sysUpTime.0 INTEGER",
        ),
        row("F11", "SET of an empty list", vec![set("private", &[])], "Response noError: no variables"),
        row(
            "F12",
            "SET of one object to two values",
            vec![set("private", &[(NAME, text("a")), (NAME, text("b"))])],
            "Response inconsistentName@2: sysName.0 OCTET STRING, sysName.0 OCTET STRING",
        )
        .snmpd("the last wins"),
        row(
            "F13",
            "two managers test and set snmpSetSerialNo.0",
            vec![set("private", &[(SERIAL, integer(serial))]), set("private", &[(SERIAL, integer(serial))])],
            "Response noError: snmpSetSerialNo.0 INTEGER; then Response inconsistentValue@1: snmpSetSerialNo.0 INTEGER",
        ),
        other("F14", "SET that cannot be stored", Proof::Test("wire::writes::a_set_that_cannot_be_stored_fails")),
        row(
            "F15",
            "SNMPv1: wrongType, wrongLength; notWritable, noCreation (RFC 3584, section 4.4)",
            vec![
                set_version_1("private", &[(NAME, integer(5))]).wholly(false),
                set_version_1("private", &[(NAME, text(&long))]).wholly(false),
                set_version_1("private", &[(UP_TIME, element(0x43, &[1]))]).wholly(false),
                set_version_1("private", &[("1.3.6.1.2.1.1.5.1", text("a"))]).wholly(false),
            ],
            "Response badValue@1; `out_bad_value`; then Response noSuchName@1; `out_no_such_name`",
        ),
        row(
            "X18",
            "SET of each other type to each writable string",
            [CONTACT, NAME, LOCATION].into_iter().flat_map(|object| each(object, 4)).collect(),
            "each: Response wrongType@1",
        ),
        row(
            "X18",
            "SET of each other type to each writable number",
            [SERIAL, TRAPS].into_iter().flat_map(|object| each(object, 2)).collect(),
            "each: Response wrongType@1",
        ),
        row(
            "G29 to G31",
            "SET of an IpAddress of three octets, a Counter64 of nine; an Opaque float",
            vec![
                set("private", &[(NAME, element(0x40, &[1, 2, 3]))]),
                set("private", &[(NAME, element(0x46, &[1; 9]))]),
                set("private", &[(NAME, element(0x44, &[0x9f, 0x78, 4, 0, 0, 0, 0]))]),
            ],
            "silence; `in_parse_errors`; then Response wrongType@1: sysName.0 Opaque",
        ),
    ]
}

impl World {
    /// The value of one object, its octets.
    fn value(&self, object: &str) -> Vec<u8> {
        let answers = self.exchange(&sent(message(1, "private", &asking(crate::message::GET, 0, 0, &[object]))));
        crate::judge::read(&answers[0], None).binds[0].1.clone()
    }

    fn serial(&self) -> i64 {
        let octets = self.value(SERIAL);
        octets[2..].iter().fold(0, |number, octet| number << 8 | i64::from(*octet))
    }
}

/// F10, F12: after a SET that fails nothing has changed.
#[test]
fn a_set_is_whole_or_nothing() {
    let world = World::start();
    let before = (world.value(NAME), world.value(CONTACT));
    for binds in [
        vec![(NAME, text("second")), (UP_TIME, integer(5))],
        vec![(NAME, text("second")), (CONTACT, text("other")), (NAME, text("third"))],
        vec![(CONTACT, text("other")), (NAME, NULL.to_vec())],
    ] {
        let answers = world.exchange(&set("private", &binds));
        assert_ne!(crate::judge::read(&answers[0], None).status, 0);
        assert_eq!((world.value(NAME), world.value(CONTACT)), before);
    }
}

/// F14: the answer tells what came of it, and the old value stays.
#[test]
fn a_set_that_cannot_be_stored_fails() {
    let world = World::start();
    let before = world.value(NAME);
    let state = world.agent.directory.path().join("state");
    let away = world.agent.directory.path().join("away");
    fs::rename(&state, &away).expect("moved");
    fs::write(&state, "in the way").expect("a file");
    let answers = world.exchange(&set("private", &[(NAME, text("second"))]));
    let version_1 = world.exchange(&set_version_1("private", &[(NAME, text("second"))]));
    let told = [&answers, &version_1]
        .map(|answers| crate::judge::read(&answers[0], None))
        .map(|read| (read.status, read.index));
    assert_eq!(told, [(14, 1), (5, 1)], "commitFailed, genErr");
    assert_eq!(world.value(NAME), before);
    fs::remove_file(&state).expect("removed");
    fs::rename(&away, &state).expect("moved");
    let answers = world.exchange(&set("private", &[(NAME, text("second"))]));
    assert_eq!(crate::judge::read(&answers[0], None).status, 0);
    assert_eq!(world.value(NAME), text("second"));
}

/// A09: what is asked for thrice in one message has one value.
#[test]
fn a_name_asked_thrice_has_one_value() {
    let world = World::start();
    let names = [UP_TIME; 200];
    let answers = world.exchange(&sent(message(1, "public", &asking(crate::message::GET, 0, 0, &names))));
    let binds = crate::judge::read(&answers[0], None).binds;
    assert!(binds.len() == 200 && binds.windows(2).all(|pair| pair[0] == pair[1]));
}
