//! Route netlink: the tables of the agent's own network namespace, asked of the kernel (rtnetlink(7), netlink(7)).
//!
//! One request, many messages in answer. It relies on nothing that a message says of its own length: what doesn't fit is
//! left out. A table that changed while it was read is read again.

use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, setsockopt, socket,
};
use nix::sys::time::TimeVal;

use super::super::Error;

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

/// NLM_F_REQUEST and NLM_F_DUMP.
const REQUEST: u16 = 0x301;
/// NLM_F_DUMP_INTR: the table changed meanwhile.
const INTERRUPTED: u16 = 0x10;
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// The header of every message: length, type, flags, sequence, port.
const HEADER: usize = 16;
/// The kernel's answers to one reading are 32 KiB at most.
const RECEIVED: usize = 64 << 10;
/// A table that keeps changing is taken as it is.
const ATTEMPTS: u32 = 3;
/// The kernel answers at once; this only keeps a fault from hanging the section.
const PATIENCE: i64 = 2;

/// The messages of a table, each as its payload behind the header.
pub fn dump(table: Table, mut visit: impl FnMut(&[u8]), mut restart: impl FnMut()) -> Result<(), Error> {
    dump_consistently(table, &mut visit, &mut restart)
        .map_err(|error| Error::Peer(format!("netlink, {table:?}: {}", error.desc())))
}

fn dump_consistently(table: Table, visit: &mut dyn FnMut(&[u8]), restart: &mut dyn FnMut()) -> nix::Result<()> {
    for attempt in 1.. {
        restart();
        if read(table, visit)? || attempt == ATTEMPTS {
            break;
        }
    }
    Ok(())
}

/// One reading; whether the table stood still.
fn read(table: Table, visit: &mut dyn FnMut(&[u8])) -> nix::Result<bool> {
    let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    setsockopt(&socket, ReceiveTimeout, &TimeVal::new(PATIENCE, 0))?;
    sendto(socket.as_raw_fd(), &request(table), &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut buffer = vec![0; RECEIVED];
    let mut steady = true;
    loop {
        let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        let mut rest = buffer.get(..length).unwrap_or_default();
        if rest.is_empty() {
            return Err(nix::Error::EIO);
        }
        while let Some(message) = take_message(&mut rest) {
            steady &= message.flags & INTERRUPTED == 0;
            match message.kind {
                DONE => return Ok(steady),
                ERROR => {
                    let number = message.payload.first_chunk().map_or(0, |number| i32::from_ne_bytes(*number));
                    return Err(nix::Error::from_raw(number.saturating_neg()));
                }
                _ => visit(message.payload),
            }
        }
    }
}

/// The header, and the longest of the structures that these tables are asked with, all zero: everything.
fn request(table: Table) -> Vec<u8> {
    let body = [0; 12];
    let length = u32::try_from(HEADER + body.len()).unwrap_or(0);
    let mut message = length.to_ne_bytes().to_vec();
    message.extend((table as u16).to_ne_bytes());
    message.extend(REQUEST.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    message
}

struct Message<'a> {
    kind: u16,
    flags: u16,
    payload: &'a [u8],
}

fn take_message<'a>(rest: &mut &'a [u8]) -> Option<Message<'a>> {
    let length = usize::try_from(u32_at(rest, 0)?).ok()?;
    let (kind, flags) = (u16_at(rest, 4)?, u16_at(rest, 6)?);
    let payload = rest.get(HEADER..length)?;
    *rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some(Message { kind, flags, payload })
}

/// The attributes behind a message's fixed part: type and content.
pub fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (length, kind) = (usize::from(u16_at(rest, 0)?), u16_at(rest, 2)?);
        let content = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        // The two highest bits say how the content is written: nested, or in network order.
        Some((kind & 0x3fff, content))
    })
}

/// The number at this place, in the machine's order.
pub fn u32_at(octets: &[u8], place: usize) -> Option<u32> {
    octets.get(place..)?.first_chunk().map(|number| u32::from_ne_bytes(*number))
}

/// The number at this place, in the machine's order.
pub fn u16_at(octets: &[u8], place: usize) -> Option<u16> {
    octets.get(place..)?.first_chunk().map(|number| u16::from_ne_bytes(*number))
}

/// An attribute's address: 4 or 16 octets in network order.
pub fn address(content: &[u8]) -> Option<std::net::IpAddr> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopbacks_addresses_are_told() {
        let mut found = Vec::new();
        let visit = |payload: &[u8]| {
            found.extend(attributes(&payload[8..]).filter(|(kind, _)| *kind == 1).filter_map(|(_, at)| address(at)));
        };
        dump(Table::Addresses, visit, || ()).expect("netlink");
        assert!(found.contains(&std::net::Ipv4Addr::LOCALHOST.into()), "{found:?}");
    }

    #[test]
    fn odd_lengths_end_the_reading() {
        assert_eq!(attributes(&[4, 0, 1, 0, 3, 0, 2, 0, 9]).count(), 1);
        assert_eq!(attributes(&[0; 16]).count(), 0);
        assert_eq!(attributes(&[255, 255, 1, 0]).count(), 0);
        for octets in [&[][..], &[0; 3], &[0; 16], &[255; 20]] {
            assert!(take_message(&mut &octets[..]).is_none());
        }
    }
}
