//! What the modules of the network stack share: interfaces' numbers, addresses as index, protocols' counters.
//!
//! Rows of an interface that the configuration leaves out are left out too: there is no ifIndex to say.

use std::net::IpAddr;

use super::Facts;
use super::if_mib::INTERFACES;
use crate::collect::network::netstat::Netstat;
use crate::mib::conventions::{counter32, gauge32};
use crate::mib::index::Index;
use crate::mib::value::Value;

/// Where every address of IPv4 or IPv6 is meant.
pub const IPV4: u32 = 1;
/// InetVersion and InetAddressType of IPv6.
pub const IPV6: u32 = 2;

/// The ifIndex of the interface with this name.
pub fn interface(facts: &Facts, name: &str) -> Option<u32> {
    facts.number(&INTERFACES, name)
}

/// InetAddressType and InetAddress; the interface tells a link-local address from the same one on another link.
pub fn address(index: Index, address: IpAddr, interface: u32) -> Index {
    match address {
        IpAddr::V6(address) if address.is_unicast_link_local() => index.zoned_address(address, interface),
        _ => index.address(address),
    }
}

/// InetAddressType unknown(0), and no address.
pub fn no_address(index: Index) -> Index {
    index.number(0).octets(&[])
}

/// What the protocols counted.
pub fn netstat(facts: &Facts) -> Option<&Netstat> {
    facts.section(|snapshot| snapshot.netstat.get())
}

/// A counter of a protocol as Counter32, which wraps.
pub fn counter(facts: &Facts, protocol: &str, name: &str) -> Option<Value> {
    netstat(facts)?.get(protocol, name).map(counter32)
}

/// A counter of a protocol as Counter64.
pub fn wide_counter(facts: &Facts, protocol: &str, name: &str) -> Option<Value> {
    netstat(facts)?.get(protocol, name).map(Value::Counter64)
}

/// A number of a protocol as Integer32, which saturates.
pub fn number(facts: &Facts, protocol: &str, name: &str) -> Option<Value> {
    let number = netstat(facts)?.get(protocol, name)?;
    Some(Value::Integer(i32::try_from(number).unwrap_or(i32::MAX)))
}

/// A count as Gauge32, which saturates.
pub fn gauge(count: usize) -> Value {
    gauge32(u64::try_from(count).unwrap_or(u64::MAX))
}

/// A scalar that is a counter of a protocol.
macro_rules! counter_scalar {
    ($number:literal, $name:literal, $protocol:literal, $key:literal) => {
        $crate::mib::table::Scalar {
            number: $number,
            name: $name,
            value: $crate::mib::table::Reading::Fixed(|facts| {
                $crate::mib::standard::internet::counter(facts, $protocol, $key)
            }),
        }
    };
}

pub(super) use counter_scalar;
