//! Answers as rasn reads them, which had no part in writing them.

use rasn::types::{Integer, ObjectIdentifier};
use rasn_snmp::{v1, v2, v2c, v3};

use crate::message::{Keys, sign};

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// A Report, not a Response.
    pub is_report: bool,
    pub id: i64,
    pub status: i64,
    pub index: i64,
    /// Each name, and its value's octets.
    pub binds: Vec<(String, Vec<u8>)>,
    pub secure: Option<Secured>,
}

/// What SNMPv3 has around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Secured {
    pub message_id: i64,
    pub flags: u8,
    pub engine: Vec<u8>,
    pub boots: i64,
    pub time: i64,
}

fn dots(oid: &ObjectIdentifier) -> String {
    oid.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}

fn number(integer: &Integer) -> i64 {
    integer.to_string().parse().expect("a small number")
}

/// Reads an answer; keys are needed where it is authentic.
pub fn read(octets: &[u8], keys: Option<&Keys>) -> Answer {
    let version = version(octets);
    match version {
        0 => read_version_1(octets),
        1 => {
            let (message, rest) = rasn::ber::decode_with_remainder::<v2c::Message<v2::Pdus>>(octets).expect("SNMPv2c");
            assert!(rest.is_empty(), "nothing behind an answer");
            read_pdus(message.data, None)
        }
        3 => read_version_3(octets, keys),
        other => panic!("version {other}"),
    }
}

/// The version of any message: what stands first in it.
fn version(octets: &[u8]) -> u8 {
    let head = if octets[1] < 0x80 { 2 } else { 2 + usize::from(octets[1] & 0x7f) };
    assert_eq!((octets[head], octets[head + 1]), (2, 1), "{octets:x?}");
    octets[head + 2]
}

fn read_version_1(octets: &[u8]) -> Answer {
    let (message, rest) = rasn::ber::decode_with_remainder::<v1::Message<v1::Pdus>>(octets).expect("SNMPv1");
    assert!(rest.is_empty(), "nothing behind an answer");
    let v1::Pdus::GetResponse(v1::GetResponse(pdu)) = message.data else { panic!("not a response") };
    let binds = pdu.variable_bindings.iter();
    Answer {
        is_report: false,
        id: number(&pdu.request_id),
        status: number(&pdu.error_status),
        index: number(&pdu.error_index),
        binds: binds.map(|bind| (dots(&bind.name), rasn::ber::encode(&bind.value).expect("a value"))).collect(),
        secure: None,
    }
}

fn read_pdus(pdus: v2::Pdus, secure: Option<Secured>) -> Answer {
    let (is_report, pdu) = match pdus {
        v2::Pdus::Response(v2::Response(pdu)) => (false, pdu),
        v2::Pdus::Report(v2::Report(pdu)) => (true, pdu),
        other => panic!("neither a Response nor a Report: {other:?}"),
    };
    let binds = pdu.variable_bindings.iter();
    Answer {
        is_report,
        id: pdu.request_id.into(),
        status: pdu.error_status.into(),
        index: pdu.error_index.into(),
        binds: binds.map(|bind| (dots(&bind.name), rasn::ber::encode(&bind.value).expect("a value"))).collect(),
        secure,
    }
}

fn read_version_3(octets: &[u8], keys: Option<&Keys>) -> Answer {
    let (message, rest) = rasn::ber::decode_with_remainder::<v3::Message>(octets).expect("SNMPv3");
    assert!(rest.is_empty(), "nothing behind an answer");
    let parameters: v3::USMSecurityParameters =
        message.decode_security_parameters(rasn::Codec::Ber).ok().expect("USM's parameters");
    let flags = message.global_data.flags[0];
    if flags & 1 != 0 {
        let mut signed = octets.to_vec();
        assert!(sign(&mut signed, &keys.expect("keys").authenticator) && signed == octets, "the answer's code");
    } else {
        assert!(parameters.authentication_parameters.is_empty());
    }
    let secured = Secured {
        message_id: number(&message.global_data.message_id),
        flags,
        engine: parameters.authoritative_engine_id.to_vec(),
        boots: number(&parameters.authoritative_engine_boots),
        time: number(&parameters.authoritative_engine_time),
    };
    let scoped = match message.scoped_data {
        v3::ScopedPduData::CleartextPdu(scoped) => scoped,
        v3::ScopedPduData::EncryptedPdu(octets) => {
            let mut data = octets.to_vec();
            let salt: [u8; 8] = parameters.privacy_parameters[..].try_into().expect("a salt");
            let cipher = keys.and_then(|keys| keys.cipher.as_ref()).expect("keys");
            let number = |number: i64| u32::try_from(number).expect("not negative");
            assert!(cipher.decrypt(number(secured.boots), number(secured.time), &salt, &mut data));
            rasn::ber::decode_with_remainder::<v3::ScopedPdu>(&data).expect("a ScopedPDU").0
        }
    };
    assert_eq!(scoped.engine_id, secured.engine);
    read_pdus(scoped.data, Some(secured))
}

/// An error-status by its name.
pub fn status_name(status: i64) -> &'static str {
    const NAMES: [&str; 19] = [
        "noError",
        "tooBig",
        "noSuchName",
        "badValue",
        "readOnly",
        "genErr",
        "noAccess",
        "wrongType",
        "wrongLength",
        "wrongEncoding",
        "wrongValue",
        "noCreation",
        "inconsistentValue",
        "resourceUnavailable",
        "commitFailed",
        "undoFailed",
        "authorizationError",
        "notWritable",
        "inconsistentName",
    ];
    usize::try_from(status).ok().and_then(|status| NAMES.get(status)).expect("an error-status")
}

/// A value's type by its name.
pub fn type_name(value: &[u8]) -> &'static str {
    match value[0] {
        0x02 => "INTEGER",
        0x04 => "OCTET STRING",
        0x05 => "NULL",
        0x06 => "OBJECT IDENTIFIER",
        0x40 => "IpAddress",
        0x41 => "Counter32",
        0x42 => "Gauge32",
        0x43 => "TimeTicks",
        0x44 => "Opaque",
        0x46 => "Counter64",
        0x80 => "noSuchObject",
        0x81 => "noSuchInstance",
        0x82 => "endOfMibView",
        other => panic!("a value of type {other:#x}"),
    }
}

/// Names that people know; others as they are.
pub fn object_name(oid: &str) -> String {
    const NAMES: &[(&str, &str)] = &[
        ("1.3.6.1.2.1.1.1", "sysDescr"),
        ("1.3.6.1.2.1.1.2", "sysObjectID"),
        ("1.3.6.1.2.1.1.3", "sysUpTime"),
        ("1.3.6.1.2.1.1.4", "sysContact"),
        ("1.3.6.1.2.1.1.5", "sysName"),
        ("1.3.6.1.2.1.1.6", "sysLocation"),
        ("1.3.6.1.2.1.1.7", "sysServices"),
        ("1.3.6.1.2.1.1.8", "sysORLastChange"),
        ("1.3.6.1.2.1.1.9.1.2", "sysORID"),
        ("1.3.6.1.2.1.1.9.1.3", "sysORDescr"),
        ("1.3.6.1.2.1.1.9.1.4", "sysORUpTime"),
        ("1.3.6.1.2.1.11.30", "snmpEnableAuthenTraps"),
        ("1.3.6.1.6.3.1.1.6.1", "snmpSetSerialNo"),
        ("1.3.6.1.6.3.11.2.1.3", "snmpUnknownPDUHandlers"),
        ("1.3.6.1.6.3.12.1.5", "snmpUnknownContexts"),
        ("1.3.6.1.6.3.15.1.1.1", "usmStatsUnsupportedSecLevels"),
        ("1.3.6.1.6.3.15.1.1.2", "usmStatsNotInTimeWindows"),
        ("1.3.6.1.6.3.15.1.1.3", "usmStatsUnknownUserNames"),
        ("1.3.6.1.6.3.15.1.1.4", "usmStatsUnknownEngineIDs"),
        ("1.3.6.1.6.3.15.1.1.5", "usmStatsWrongDigests"),
        ("1.3.6.1.6.3.15.1.1.6", "usmStatsDecryptionErrors"),
    ];
    let known = NAMES.iter().find_map(|(known, name)| {
        let rest = oid.strip_prefix(known)?;
        (rest.is_empty() || rest.starts_with('.')).then(|| format!("{name}{rest}"))
    });
    known.unwrap_or_else(|| oid.to_string())
}
