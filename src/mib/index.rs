//! The index of a row: the sub-identifiers that stand behind a column's number (RFC 2578, section 7.7).

use std::net::IpAddr;

use super::oid::MAX_ARCS;

/// An index in the making, part by part in the order of the INDEX clause. One that would not fit in an object identifier
/// stays too long, and its row is left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Index(Vec<u32>);

impl Index {
    /// Of no part yet.
    pub fn new() -> Index {
        Index::default()
    }

    /// An integer, or a value of an enumeration.
    #[must_use]
    pub fn number(self, number: u32) -> Index {
        self.with([number])
    }

    /// A string of variable length: its length, then an arc an octet.
    #[must_use]
    pub fn octets(self, octets: &[u8]) -> Index {
        self.length(octets.len()).bare_octets(octets)
    }

    /// A string of fixed length, or the last and IMPLIED one: an arc an octet.
    #[must_use]
    pub fn bare_octets(self, octets: &[u8]) -> Index {
        self.with(octets.iter().map(|&octet| u32::from(octet)))
    }

    /// An object identifier: how many sub-identifiers it has, then these.
    #[must_use]
    pub fn oid(self, arcs: &[u32]) -> Index {
        self.length(arcs.len()).bare_oid(arcs)
    }

    /// An object identifier that is the last and IMPLIED part.
    #[must_use]
    pub fn bare_oid(self, arcs: &[u32]) -> Index {
        self.with(arcs.iter().copied())
    }

    /// InetAddressType and InetAddress (RFC 4001): the kind, the length, the octets.
    #[must_use]
    pub fn address(self, address: IpAddr) -> Index {
        match address {
            IpAddr::V4(address) => self.number(1).octets(&address.octets()),
            IpAddr::V6(address) => self.number(2).octets(&address.octets()),
        }
    }

    /// InetAddressType and InetAddress of a link-local IPv6 address: it is told apart by its interface's number.
    #[must_use]
    pub fn zoned_address(self, address: std::net::Ipv6Addr, zone: u32) -> Index {
        self.number(4).octets(&[&address.octets()[..], &zone.to_be_bytes()].concat())
    }

    /// Its sub-identifiers.
    pub fn arcs(&self) -> &[u32] {
        &self.0
    }

    fn length(self, length: usize) -> Index {
        self.number(u32::try_from(length).unwrap_or(u32::MAX))
    }

    /// One arc too many is kept, as the sign that it doesn't fit; more would only cost memory.
    fn with(mut self, arcs: impl IntoIterator<Item = u32>) -> Index {
        let room = (MAX_ARCS + 1).saturating_sub(self.0.len());
        self.0.extend(arcs.into_iter().take(room));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_written_as_the_rfcs_say() {
        let check = |index: Index, expected: &[u32]| assert_eq!(index.arcs(), expected);
        check(Index::new().number(7).octets(b""), &[7, 0]);
        check(Index::new().octets(b"ab").bare_octets(b"c"), &[2, 97, 98, 99]);
        check(Index::new().oid(&[1, 3]).bare_oid(&[1, 3]), &[2, 1, 3, 1, 3]);
        check(Index::new().address(IpAddr::from([10, 0, 0, 1])), &[1, 4, 10, 0, 0, 1]);
        let local = "fe80::1".parse().expect("an address");
        let zoned = Index::new().zoned_address(local, 3);
        assert_eq!(zoned.arcs()[..4], [4, 20, 0xfe, 0x80]);
        assert_eq!(zoned.arcs()[16..], [0, 1, 0, 0, 0, 3]);
        assert_eq!(Index::new().octets(&[0; 5000]).number(1).arcs().len(), MAX_ARCS + 1);
    }
}
