//! The values that SNMP can carry (RFC 3416, section 3; RFC 2578, section 7.1).

use super::ber;
use super::oid::Oid;

/// The value of an object instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// INTEGER and Integer32.
    Integer(i32),
    /// OCTET STRING.
    OctetString(Vec<u8>),
    /// OBJECT IDENTIFIER.
    ObjectId(Oid),
    /// IpAddress: an IPv4 address.
    IpAddress([u8; 4]),
    /// Counter32: wraps.
    Counter32(u32),
    /// Gauge32 and Unsigned32.
    Gauge32(u32),
    /// TimeTicks: hundredths of a second; wraps after 497 days.
    TimeTicks(u32),
    /// Opaque: another BER value inside.
    Opaque(Vec<u8>),
    /// Counter64, and gauges of 64 bits; SNMPv1 can't carry it.
    Counter64(u64),
}

impl Value {
    /// Appends the value with its tag and length.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Value::Integer(number) => ber::push_integer(ber::INTEGER, i64::from(*number), out),
            Value::OctetString(octets) => ber::push_octets(ber::OCTET_STRING, octets, out),
            Value::ObjectId(oid) => {
                let mut content = Vec::with_capacity(oid.arcs().len() + 4);
                oid.encode(&mut content);
                ber::push_octets(ber::OBJECT_IDENTIFIER, &content, out);
            }
            Value::IpAddress(address) => ber::push_octets(ber::IP_ADDRESS, address, out),
            Value::Counter32(number) => ber::push_unsigned(ber::COUNTER32, u64::from(*number), out),
            Value::Gauge32(number) => ber::push_unsigned(ber::GAUGE32, u64::from(*number), out),
            Value::TimeTicks(number) => ber::push_unsigned(ber::TIME_TICKS, u64::from(*number), out),
            Value::Opaque(octets) => ber::push_octets(ber::OPAQUE, octets, out),
            Value::Counter64(number) => ber::push_unsigned(ber::COUNTER64, *number, out),
        }
    }

    /// TimeStamp (RFC 2579): sysUpTime at a moment, told as the time since the agent started.
    pub fn time_stamp(uptime: std::time::Duration) -> Value {
        let hundredths = (uptime.as_millis() / 10) & u128::from(u32::MAX);
        Value::TimeTicks(u32::try_from(hundredths).unwrap_or(0))
    }

    /// Text, cut on a character's edge so that a DisplayString of at most 255 octets holds it.
    pub fn text(text: &str) -> Value {
        let mut end = text.len().min(255);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Value::OctetString(text.as_bytes()[..end].to_vec())
    }
}
