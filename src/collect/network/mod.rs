//! The network stack of the host's network namespace: protocol counters, addresses, neighbours, routes, sockets.
//!
//! Of the agent's own namespace netlink says the most; the namespace of a host that is seen below another root shows only
//! as the files of `proc/1/net`. What those files lack is absent: addresses' ages and origins, IPv6 neighbours, how a
//! route came to be.

pub mod address;
pub mod neighbour;
pub mod netstat;
pub mod route;
pub mod socket;

mod fib_trie;
mod netlink;
mod sockstat;

pub use sockstat::FAMILY as SOCKSTAT;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::Root;

/// The names of interfaces by the kernel's numbers, each asked for once a collection and shared by all its rows.
#[derive(Default)]
struct Names(HashMap<u32, Option<Arc<str>>>);

impl Names {
    /// The name of the interface with this number; `None` where it is gone.
    fn of(&mut self, index: u32) -> Option<Arc<str>> {
        let name = self.0.entry(index).or_insert_with(|| {
            let name = nix::net::if_::if_indextoname(index).ok()?;
            Some(name.to_string_lossy().into())
        });
        name.clone()
    }
}

/// Names as text, each kept once.
#[derive(Default)]
struct Interned(HashMap<String, Arc<str>>);

impl Interned {
    fn of(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return known.clone();
        }
        let known: Arc<str> = name.into();
        self.0.insert(name.to_string(), known.clone());
        known
    }
}

/// An IPv4 address as the kernel's tables print it: a hexadecimal number whose octets stand in memory's order.
fn parse_ipv4(text: &str) -> Option<Ipv4Addr> {
    (text.len() == 8).then_some(())?;
    Some(Ipv4Addr::from(u32::from_str_radix(text, 16).ok()?.to_ne_bytes()))
}

/// An IPv6 address as 32 hexadecimal digits in network order.
fn parse_ipv6(text: &str) -> Option<Ipv6Addr> {
    (text.len() == 32).then_some(())?;
    Some(Ipv6Addr::from(u128::from_str_radix(text, 16).ok()?))
}

/// The network of an address: its first `prefix` bits.
pub fn network(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(network_v4(address, prefix)),
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

fn network_v4(address: Ipv4Addr, prefix: u8) -> Ipv4Addr {
    Ipv4Addr::from_bits(address.to_bits() & mask(prefix).to_bits())
}

/// The netmask of a prefix.
pub fn mask(prefix: u8) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0))
}

/// Whether `proc/sys/net` below the root is the host's. A live one shows the network namespace of whoever reads it, so
/// the host must be in the agent's own.
fn settings_are_the_hosts(root: &Root) -> bool {
    if root.is_own() {
        return true;
    }
    match std::fs::read_link(root.path("proc/1/ns/net")) {
        Ok(namespace) => std::fs::read_link("/proc/self/ns/net").is_ok_and(|own| own == namespace),
        // Not a live proc: a copy holds what it was made of.
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// When what rows there are last changed, in time since the agent started; zero while they are as they were first seen.
#[derive(Default)]
struct Change {
    seen: Option<Vec<Arc<str>>>,
    at: std::time::Duration,
}

impl Change {
    fn note(&mut self, names: Vec<Arc<str>>, now: crate::metric::Now) -> std::time::Duration {
        if self.seen.as_ref().is_some_and(|seen| *seen != names) {
            self.at = now.monotonic;
        }
        self.seen = Some(names);
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_the_kernels_order_of_octets() {
        let expected = u32::from_ne_bytes([127, 0, 0, 1]);
        assert_eq!(parse_ipv4(&format!("{expected:08X}")), Some(Ipv4Addr::LOCALHOST));
        assert_eq!(parse_ipv6("00000000000000000000000000000001"), Some(Ipv6Addr::LOCALHOST));
        assert_eq!((parse_ipv4("7F"), parse_ipv4("7F0000x0"), parse_ipv6("1")), (None, None, None));
    }

    #[test]
    fn networks_hold_for_every_prefix() {
        let check = |address: &str, prefix, expected: &str| {
            let network = network(address.parse().expect("an address"), prefix);
            assert_eq!(network, expected.parse::<IpAddr>().expect("an address"));
        };
        check("192.0.2.77", 24, "192.0.2.0");
        check("192.0.2.77", 0, "0.0.0.0");
        check("192.0.2.77", 200, "192.0.2.77");
        check("fe80::1:2:3:4", 64, "fe80::");
        check("fe80::1", 128, "fe80::1");
        check("fe80::1", 0, "::");
    }
}
