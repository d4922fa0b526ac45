//! Traps as messages: SNMPv1's Trap-PDU (RFC 1157, section 4.1.6) and SNMPv2's (RFC 3416, section 4.2.6), with the
//! translation between them (RFC 3584, section 3). No I/O.

use super::Version;
use crate::mib::ber;
use crate::mib::oid::Oid;
use crate::mib::value::Value;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Trap {
    /// The notification: snmpTrapOID.
    pub id: Oid,
    /// The kind of the sender, for the standard traps of SNMPv1.
    pub enterprise: Oid,
    /// The objects that it carries.
    pub varbinds: Vec<(Oid, Value)>,
}

const TRAP_V1: u8 = 0xa4;
const TRAP_V2: u8 = 0xa7;
const SYS_UP_TIME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 3, 0];
const SNMP_TRAP_OID: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0];
/// snmpTraps: coldStart is its first.
const SNMP_TRAPS: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 5];
/// enterpriseSpecific(6).
const ENTERPRISE_SPECIFIC: i64 = 6;

/// The whole message. `uptime` is in hundredths of a second; `agent` is the IPv4 address that SNMPv1 names, zeros where
/// there is none.
pub fn encode(
    version: Version,
    community: &[u8],
    uptime: u32,
    trap: &Trap,
    request_id: i32,
    agent: [u8; 4],
) -> Vec<u8> {
    let mut message = Vec::new();
    match version {
        Version::V1 => {
            ber::push_integer(ber::INTEGER, 0, &mut message);
            ber::push_octets(ber::OCTET_STRING, community, &mut message);
            ber::push_octets(TRAP_V1, &v1(uptime, trap, agent), &mut message);
        }
        Version::V2c => {
            ber::push_integer(ber::INTEGER, 1, &mut message);
            ber::push_octets(ber::OCTET_STRING, community, &mut message);
            ber::push_octets(TRAP_V2, &v2(uptime, trap, request_id), &mut message);
        }
    }
    let mut out = Vec::with_capacity(message.len() + 6);
    ber::push_octets(ber::SEQUENCE, &message, &mut out);
    out
}

fn v1(uptime: u32, trap: &Trap, agent: [u8; 4]) -> Vec<u8> {
    let (enterprise, generic, specific) = v1_names(trap);
    let mut pdu = Vec::new();
    Value::ObjectId(enterprise).encode(&mut pdu);
    Value::IpAddress(agent).encode(&mut pdu);
    ber::push_integer(ber::INTEGER, generic, &mut pdu);
    ber::push_integer(ber::INTEGER, specific, &mut pdu);
    Value::TimeTicks(uptime).encode(&mut pdu);
    // SNMPv1 can't carry a Counter64 (RFC 3584, section 3.2).
    let varbinds = trap.varbinds.iter().filter(|(_, value)| !matches!(value, Value::Counter64(_)));
    ber::push_octets(ber::SEQUENCE, &list(varbinds), &mut pdu);
    pdu
}

/// The enterprise, generic-trap and specific-trap (RFC 3584, section 3.2).
fn v1_names(trap: &Trap) -> (Oid, i64, i64) {
    let arcs = trap.id.arcs();
    if let Some([number @ 1..=6]) = arcs.strip_prefix(SNMP_TRAPS) {
        return (trap.enterprise.clone(), i64::from(number - 1), 0);
    }
    let Some((specific, rest)) = arcs.split_last() else { return (trap.enterprise.clone(), ENTERPRISE_SPECIFIC, 0) };
    let rest = rest.strip_suffix(&[0]).unwrap_or(rest);
    let enterprise = Oid::new(rest.to_vec()).unwrap_or_else(|| trap.enterprise.clone());
    (enterprise, ENTERPRISE_SPECIFIC, i64::from(*specific))
}

fn v2(uptime: u32, trap: &Trap, request_id: i32) -> Vec<u8> {
    let first = [
        (Oid::from_static(SYS_UP_TIME), Value::TimeTicks(uptime)),
        (Oid::from_static(SNMP_TRAP_OID), Value::ObjectId(trap.id.clone())),
    ];
    let mut pdu = Vec::new();
    ber::push_integer(ber::INTEGER, i64::from(request_id), &mut pdu);
    ber::push_integer(ber::INTEGER, 0, &mut pdu);
    ber::push_integer(ber::INTEGER, 0, &mut pdu);
    ber::push_octets(ber::SEQUENCE, &list(first.iter().chain(&trap.varbinds)), &mut pdu);
    pdu
}

fn list<'a>(varbinds: impl Iterator<Item = &'a (Oid, Value)>) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in varbinds {
        let mut varbind = Vec::new();
        Value::ObjectId(name.clone()).encode(&mut varbind);
        value.encode(&mut varbind);
        ber::push_octets(ber::SEQUENCE, &varbind, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(text: &str) -> Oid {
        text.parse().expect("an OID")
    }

    fn trap(id: &str, varbinds: Vec<(Oid, Value)>) -> Trap {
        Trap { id: oid(id), enterprise: oid("1.3.6.1.4.1.32473.1.3.1"), varbinds }
    }

    #[test]
    fn version_1_has_its_own_names_for_traps() {
        let cases = [
            ("1.3.6.1.6.3.1.1.5.1", ("1.3.6.1.4.1.32473.1.3.1", 0, 0)),
            ("1.3.6.1.6.3.1.1.5.4", ("1.3.6.1.4.1.32473.1.3.1", 3, 0)),
            ("1.3.6.1.4.1.32473.1.0.2", ("1.3.6.1.4.1.32473.1", 6, 2)),
            ("1.3.6.1.4.1.32473.2", ("1.3.6.1.4.1.32473", 6, 2)),
        ];
        for (id, (enterprise, generic, specific)) in cases {
            assert_eq!(v1_names(&trap(id, Vec::new())), (oid(enterprise), generic, specific), "{id}");
        }
    }

    #[test]
    fn another_decoder_reads_what_is_written() {
        let varbinds =
            vec![(oid("1.3.6.1.2.1.1.5.0"), Value::text("x")), (oid("1.3.6.1.2.1.1.6.0"), Value::Counter64(1))];
        let trap = trap("1.3.6.1.4.1.32473.1.0.2", varbinds);
        let octets = encode(Version::V2c, b"public", 300, &trap, 9, [0; 4]);
        let message: rasn_snmp::v2c::Message<rasn_snmp::v2::Pdus> = rasn::ber::decode(&octets).expect("a message");
        let rasn_snmp::v2::Pdus::Trap(pdu) = message.data else { panic!("not a trap") };
        assert_eq!((pdu.0.request_id, pdu.0.variable_bindings.len()), (9, 4));
        let octets = encode(Version::V1, b"public", 300, &trap, 9, [192, 0, 2, 1]);
        let message: rasn_snmp::v1::Message<rasn_snmp::v1::Pdus> = rasn::ber::decode(&octets).expect("a message");
        let rasn_snmp::v1::Pdus::Trap(pdu) = message.data else { panic!("not a trap") };
        assert_eq!(pdu.variable_bindings.len(), 1, "a Counter64 stays away");
    }
}
