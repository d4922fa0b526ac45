//! The tables that route netlink tells of, and how their messages are taken apart (rtnetlink(7)).

use std::net::IpAddr;
use std::time::Duration;

use super::super::Error;
pub use super::super::netlink::attributes;
use super::super::netlink::{dump, field};

/// A table of the kernel, by the message that asks for it: RTM_GET...
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// RTM_GETADDR.
    Addresses = 22,
    /// RTM_GETROUTE.
    Routes = 26,
    /// RTM_GETNEIGH.
    Neighbours = 30,
}

/// What stands behind each message's own header; all of the table, of IPv4 and IPv6.
pub fn rows(table: Table) -> Result<Vec<Vec<u8>>, Error> {
    // The longest of the structures that these tables are asked with, all zero. RTM_NEW... is two less than RTM_GET...
    let question = table as u16;
    let failed = |error| Error::Peer(format!("netlink, {table:?}: {error}"));
    dump(question, &[0; 12], question - 2).map_err(failed)
}

/// The number at this place, in the machine's order.
pub fn u32_at(octets: &[u8], place: usize) -> Option<u32> {
    field(octets, place).map(u32::from_ne_bytes)
}

/// The number at this place, in the machine's order.
pub fn u16_at(octets: &[u8], place: usize) -> Option<u16> {
    field(octets, place).map(u16::from_ne_bytes)
}

/// An attribute's address: 4 or 16 octets in network order.
pub fn address(content: &[u8]) -> Option<IpAddr> {
    match content.len() {
        4 => content.first_chunk::<4>().map(|octets| (*octets).into()),
        16 => content.first_chunk::<16>().map(|octets| (*octets).into()),
        _ => None,
    }
}

/// Hundredths of a second, which the kernel calls clock ticks.
pub fn ticks(number: u32) -> Duration {
    Duration::from_millis(u64::from(number) * 10)
}
