//! Notifications: what they carry, as SNMPv1 and SNMPv2c write it. rasn's codec encodes them: they are few, and speed is
//! nothing to them. SNMPv3's messages around the same PDUs are [`super::outgoing`]'s.
//!
//! RFC 3416, sections 4.2.6 and 4.2.7 for SNMPv2c; RFC 3584, section 3 for how the same notification looks in SNMPv1,
//! which has no informs.

use rasn_smi::{v1 as smi1, v2 as smi2};
use rasn_snmp::{v1, v2, v2c};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mib::{Oid, Value, ber, snmpv2};

/// snmpTrapOID.0.
const SNMP_TRAP_OID: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0];
/// snmpTraps: coldStart is .1, warmStart .2, linkDown .3, linkUp .4, authenticationFailure .5, egpNeighborLoss .6.
const SNMP_TRAPS: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 5];
/// SNMPv1's generic-trap for everything that isn't one of those.
const ENTERPRISE_SPECIFIC: u32 = 6;

/// Whether the receiver is asked to acknowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It isn't: sent is all that can be known.
    #[default]
    Trap,
    /// It is: an InformRequest-PDU is answered with a Response-PDU.
    Inform,
}

/// What a notification says.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// What it is: snmpTrapOID.
    pub id: Oid,
    /// What it carries, behind sysUpTime and snmpTrapOID.
    pub varbinds: Vec<(Oid, Value)>,
    /// SNMPv1's enterprise for the standard notifications: sysObjectID. For others it follows from `id`.
    pub enterprise: Oid,
}

/// A trap of SNMPv1. `agent_address` is 0.0.0.0 where the sender has no IPv4 address; `uptime` is sysUpTime, in
/// hundredths of a second. Empty if rasn can't encode it, which no value causes.
pub fn version_1(community: &[u8], uptime: u32, content: &Content, agent_address: [u8; 4]) -> Vec<u8> {
    let message = v1::Message {
        version: v1::Message::<v1::Trap>::VERSION_1.into(),
        community: community.to_vec().into(),
        data: v1_trap(uptime, content, agent_address),
    };
    rasn::ber::encode(&message).unwrap_or_default()
}

/// A trap or an inform of SNMPv2c. Empty if rasn can't encode it, which no value causes.
pub fn version_2c(community: &[u8], pdu: v2::Pdus) -> Vec<u8> {
    let message = v2c::Message {
        version: v2c::Message::<v2::Pdus>::VERSION.into(),
        community: community.to_vec().into(),
        data: pdu,
    };
    rasn::ber::encode(&message).unwrap_or_default()
}

/// The PDU that SNMPv2c and SNMPv3 share. `uptime` is sysUpTime, in hundredths of a second.
pub fn pdu(kind: Kind, uptime: u32, content: &Content, request_id: i32) -> v2::Pdus {
    let first = [
        (Oid::from_static(snmpv2::SYS_UP_TIME), Value::TimeTicks(uptime)),
        (Oid::from_static(SNMP_TRAP_OID), Value::ObjectId(content.id.clone())),
    ];
    let variable_bindings = first
        .iter()
        .chain(&content.varbinds)
        .map(|(oid, value)| v2::VarBind { name: name(oid), value: v2::VarBindValue::Value(v2_value(value)) })
        .collect();
    let pdu = v2::Pdu { request_id, error_status: 0, error_index: 0, variable_bindings };
    match kind {
        Kind::Trap => v2::Pdus::Trap(v2::Trap(pdu)),
        Kind::Inform => v2::Pdus::InformRequest(v2::InformRequest(pdu)),
    }
}

/// RFC 3584, section 3.2.
fn v1_trap(uptime: u32, trap: &Content, agent_address: [u8; 4]) -> v1::Trap {
    let (enterprise, generic, specific) = match trap.id.arcs() {
        [parent @ .., last @ 1..=6] if parent == SNMP_TRAPS => (name(&trap.enterprise), last - 1, 0),
        // The zero before the last arc is not part of the enterprise.
        [parent @ .., 0, last] => (arcs_name(parent), ENTERPRISE_SPECIFIC, *last),
        [parent @ .., last] => (arcs_name(parent), ENTERPRISE_SPECIFIC, *last),
        [] => (name(&trap.enterprise), ENTERPRISE_SPECIFIC, 0),
    };
    v1::Trap {
        enterprise,
        agent_addr: smi1::NetworkAddress::Internet(address(agent_address)),
        generic_trap: generic.into(),
        specific_trap: specific.into(),
        time_stamp: smi1::TimeTicks(uptime),
        variable_bindings: trap
            .varbinds
            .iter()
            .filter_map(|(oid, value)| Some(v1::VarBind { name: name(oid), value: v1_value(value)? }))
            .collect(),
    }
}

fn v2_value(value: &Value) -> smi2::ObjectSyntax {
    match value {
        Value::Integer(number) => (*number).into(),
        Value::OctetString(octets) => smi2::SimpleSyntax::String(octets.clone().into()).into(),
        Value::ObjectId(oid) => smi2::SimpleSyntax::ObjectId(name(oid)).into(),
        Value::IpAddress(octets) => smi2::ApplicationSyntax::Address(address(*octets)).into(),
        Value::Counter32(number) => smi2::ApplicationSyntax::Counter(smi1::Counter(*number)).into(),
        Value::Gauge32(number) => smi2::ApplicationSyntax::Unsigned(smi1::Gauge(*number)).into(),
        Value::TimeTicks(number) => smi2::ApplicationSyntax::Ticks(smi1::TimeTicks(*number)).into(),
        Value::Opaque(octets) => match opaque(octets) {
            Some(opaque) => smi2::ApplicationSyntax::Arbitrary(opaque).into(),
            None => smi2::SimpleSyntax::String(octets.clone().into()).into(),
        },
        Value::Counter64(number) => smi2::ApplicationSyntax::BigCounter(smi2::Counter64(*number)).into(),
    }
}

/// `None` for Counter64, which SNMPv1 can't carry: the variable is left out.
fn v1_value(value: &Value) -> Option<smi1::ObjectSyntax> {
    Some(match value {
        Value::Integer(number) => (*number).into(),
        Value::OctetString(octets) => smi1::SimpleSyntax::String(octets.clone().into()).into(),
        Value::Opaque(octets) => smi1::ApplicationSyntax::Arbitrary(opaque(octets)?).into(),
        Value::ObjectId(oid) => smi1::SimpleSyntax::Object(name(oid)).into(),
        Value::IpAddress(octets) => {
            smi1::ApplicationSyntax::Address(smi1::NetworkAddress::Internet(address(*octets))).into()
        }
        Value::Counter32(number) => smi1::ApplicationSyntax::Counter(smi1::Counter(*number)).into(),
        Value::Gauge32(number) => smi1::ApplicationSyntax::Gauge(smi1::Gauge(*number)).into(),
        Value::TimeTicks(number) => smi1::ApplicationSyntax::Ticks(smi1::TimeTicks(*number)).into(),
        Value::Counter64(_) => return None,
    })
}

/// rasn-smi makes an Opaque only from something to encode or to decode: it is decoded here.
fn opaque(octets: &[u8]) -> Option<smi1::Opaque> {
    let mut element = Vec::new();
    ber::push_octets(ber::OPAQUE, octets, &mut element);
    rasn::ber::decode(&element).ok()
}

fn name(oid: &Oid) -> rasn::types::ObjectIdentifier {
    arcs_name(oid.arcs())
}

fn arcs_name(arcs: &[u32]) -> rasn::types::ObjectIdentifier {
    rasn::types::ObjectIdentifier::new_unchecked(arcs.to_vec().into())
}

fn address(octets: [u8; 4]) -> smi1::IpAddress {
    smi1::IpAddress(rasn::types::FixedOctetString::new(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(text: &str) -> Oid {
        text.parse().expect("an OID")
    }

    fn content(id: &str) -> Content {
        let varbinds = vec![
            (oid("1.3.6.1.4.1.32473.1.1.1.0"), Value::Integer(-7)),
            (oid("1.3.6.1.4.1.32473.1.1.2.0"), Value::Counter64(u64::MAX)),
            (oid("1.3.6.1.4.1.32473.1.1.3.0"), Value::OctetString(b"disk".to_vec())),
            (oid("1.3.6.1.4.1.32473.1.1.4.0"), Value::Opaque(vec![0x9f, 0x78, 4, 0, 0, 0, 0])),
        ];
        Content { id: oid(id), varbinds, enterprise: oid("1.3.6.1.4.1.32473.1.3.1") }
    }

    #[test]
    fn v2c_says_when_and_what_first() {
        let octets = version_2c(b"public", pdu(Kind::Trap, 4711, &content("1.3.6.1.4.1.32473.1.0.1"), -5));
        let mut keys = Vec::new();
        let mut binds = Vec::new();
        let (version, rest) = super::super::wire::version(&octets).expect("a message");
        let message = super::super::wire::message(rest).expect("a PDU");
        assert_eq!((version, message.community, message.pdu_tag), (1, &b"public"[..], 0xa7));
        let pdu = super::super::wire::pdu(message.pdu, &mut keys, &mut binds).expect("bindings");
        assert_eq!(pdu.request_id, -5);
        let read: Vec<(String, Value)> = binds
            .iter()
            .map(|bind| {
                let arcs = crate::mib::oid::arcs_of_key(&keys[bind.key.clone()]);
                let value = super::super::wire::value(bind.value_tag, &pdu.list[bind.value.clone()]);
                (Oid::new(arcs).expect("an OID").to_string(), value.expect("well formed").expect("a value"))
            })
            .collect();
        let mut wanted = vec![
            ("1.3.6.1.2.1.1.3.0".to_owned(), Value::TimeTicks(4711)),
            ("1.3.6.1.6.3.1.1.4.1.0".to_owned(), Value::ObjectId(oid("1.3.6.1.4.1.32473.1.0.1"))),
        ];
        wanted.extend(content("1.3").varbinds.into_iter().map(|(oid, value)| (oid.to_string(), value)));
        assert_eq!(read, wanted);
    }

    #[test]
    fn v1_maps_the_identity_and_drops_counter64() {
        let check = |id: &str, enterprise: &str, generic: i32, specific: i32| {
            let octets = version_1(b"public", 4711, &content(id), [192, 0, 2, 7]);
            let message: v1::Message<v1::Trap> = rasn::ber::decode(&octets).expect("a trap");
            let read = message.data;
            assert_eq!(read.enterprise, name(&oid(enterprise)), "{id}");
            assert_eq!((read.generic_trap, read.specific_trap), (generic.into(), specific.into()), "{id}");
            assert_eq!(read.variable_bindings.len(), 3, "Counter64 is left out");
            assert_eq!(read.agent_addr, smi1::NetworkAddress::Internet(address([192, 0, 2, 7])));
        };
        check("1.3.6.1.6.3.1.1.5.1", "1.3.6.1.4.1.32473.1.3.1", 0, 0);
        check("1.3.6.1.6.3.1.1.5.4", "1.3.6.1.4.1.32473.1.3.1", 3, 0);
        check("1.3.6.1.4.1.32473.1.0.12", "1.3.6.1.4.1.32473.1", 6, 12);
        check("1.3.6.1.4.1.32473.5", "1.3.6.1.4.1.32473", 6, 5);
    }
}
