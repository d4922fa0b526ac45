//! IPv4 addresses where only files show them: `net/fib_trie` has the host's own addresses, but not their interfaces; those
//! are found by the connected network in `net/route` to which an address belongs. An address of no such network, one
//! with a prefix of 32 bits, is not found.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::network_v4;
use super::route::Route;

/// An address, the length of its network's prefix, its interface.
pub type Found = (Ipv4Addr, u8, Arc<str>);

/// The addresses in `fib_trie`, by means of the routes of the same namespace.
pub fn addresses(fib_trie: &str, routes: &[Route]) -> Vec<Found> {
    let connected: Vec<(Ipv4Addr, u8, &Arc<str>)> = routes
        .iter()
        .filter(|route| route.gateway.is_none() && route.prefix > 0)
        .filter_map(|route| match (route.destination, &route.interface) {
            (std::net::IpAddr::V4(destination), Some(interface)) => Some((destination, route.prefix, interface)),
            _ => None,
        })
        .collect();
    let loopback: Arc<str> = "lo".into();
    let found = local(fib_trie).into_iter().filter_map(|address| {
        if address.is_loopback() {
            return Some((address, 8, loopback.clone()));
        }
        let holds = |(network, prefix, _): &&(Ipv4Addr, u8, _)| network_v4(address, *prefix) == *network;
        let (_, prefix, interface) = connected.iter().filter(holds).max_by_key(|(_, prefix, _)| *prefix)?;
        Some((address, *prefix, Arc::clone(interface)))
    });
    found.collect()
}

/// The host's own addresses: leaves (`|-- 192.0.2.2`) below which it says `/32 host LOCAL`.
fn local(fib_trie: &str) -> BTreeSet<Ipv4Addr> {
    let mut leaf: Option<Ipv4Addr> = None;
    let mut found = BTreeSet::new();
    for line in fib_trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse().ok();
        } else if line == "/32 host LOCAL" {
            found.extend(leaf);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_get_their_interface_from_the_narrowest_network() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.0\n        /8 host LOCAL\n     |-- 127.0.0.1\n        \
                    /32 host LOCAL\n     |-- 192.0.2.2\n        /32 host LOCAL\n     |-- 192.0.2.255\n        /32 link \
                    BROADCAST\n     |-- 203.0.113.1\n        /32 host LOCAL\n";
        let route = |destination: &str, prefix, interface: &str| {
            Route::connected(destination.parse().expect("an address"), prefix, interface)
        };
        let routes = [route("192.0.0.0", 8, "eth1"), route("192.0.2.0", 24, "eth0"), route("0.0.0.0", 0, "eth2")];
        let found = addresses(trie, &routes);
        let found: Vec<_> =
            found.iter().map(|(address, prefix, name)| (address.to_string(), *prefix, &**name)).collect();
        assert_eq!(found, [("127.0.0.1".into(), 8, "lo"), ("192.0.2.2".into(), 24, "eth0")]);
    }
}
