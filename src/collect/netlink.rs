//! Questions to the kernel over rtnetlink: one datagram with a whole list in a few answers, where files would be
//! thousands.
//!
//! Only dumps: a question, then messages until the kernel says that it is done. Everything that is read is bounded, and
//! lengths are checked, though the kernel wrote them. Read rtnetlink(7) first.

use std::io;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

/// NLM_F_REQUEST and NLM_F_DUMP.
const DUMP: u16 = 0x301;
/// NLM_F_DUMP_INTR: the list changed while it was told.
const INTERRUPTED: u16 = 0x10;
/// NLMSG_ERROR.
const ERROR: u16 = 2;
/// NLMSG_DONE.
const DONE: u16 = 3;
/// The bytes of nlmsghdr.
const HEADER: usize = 16;
/// The kernel fills at most 32 KiB at once.
const ANSWER_BYTES: usize = 64 << 10;
/// The most that one dump may be: a hundred thousand links.
const MOST_BYTES: usize = 256 << 20;
/// How long the kernel may think about one answer, in seconds.
const PATIENCE: i64 = 2;
/// How often a list that changed meanwhile is asked for again.
const ATTEMPTS: u32 = 3;
/// What stands in the question and in each answer to it.
const SEQUENCE: u32 = 1;

/// Asks `question` (an RTM_GET...) with this `header`, such as ifinfomsg; the bodies of the messages that answer, each of
/// type `answer`.
///
/// # Errors
/// What the kernel, or a sandbox, said.
pub fn dump(question: u16, header: &[u8], answer: u16) -> io::Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    // A list that goes on changing is taken as it is: it was never one moment's.
    for _ in 0..ATTEMPTS {
        found.clear();
        if ask(question, header, answer, &mut found)? {
            break;
        }
    }
    Ok(found)
}

/// One dump; whether it was told in one piece.
fn ask(question: u16, header: &[u8], answer: u16, found: &mut Vec<Vec<u8>>) -> io::Result<bool> {
    let protocol = SockProtocol::NetlinkRoute;
    let socket = socket::socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
    socket::setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::seconds(PATIENCE))?;
    let mut message = Vec::with_capacity(HEADER + header.len());
    let length = u32::try_from(HEADER + header.len()).map_err(io::Error::other)?;
    message.extend(length.to_ne_bytes());
    message.extend(question.to_ne_bytes());
    message.extend(DUMP.to_ne_bytes());
    message.extend(SEQUENCE.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend(header);
    socket::send(socket.as_raw_fd(), &message, MsgFlags::empty())?;

    let mut buffer = vec![0; ANSWER_BYTES];
    let (mut whole, mut read) = (true, 0);
    while read < MOST_BYTES {
        let length = match socket::recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_TRUNC) {
            // A signal that this thread happened to take.
            Err(Errno::EINTR) => continue,
            length => length?,
        };
        let mut rest = buffer.get(..length).ok_or_else(|| io::Error::other("an answer that is too long"))?;
        read += length.max(HEADER);
        while let Some((message, next)) = split(rest) {
            rest = next;
            if message.sequence != SEQUENCE {
                continue;
            }
            whole &= message.flags & INTERRUPTED == 0;
            match message.kind {
                DONE => return Ok(whole),
                ERROR => {
                    let code = i32::from_ne_bytes(field(message.body, 0).unwrap_or_default());
                    return Err(io::Error::from_raw_os_error(code.saturating_neg()));
                }
                kind if kind == answer => found.push(message.body.to_vec()),
                _ => {}
            }
        }
    }
    Err(io::Error::other("a list without end"))
}

/// One message: nlmsghdr, and what stands behind it.
struct Message<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    body: &'a [u8],
}

/// The first message, and what follows it.
fn split(bytes: &[u8]) -> Option<(Message<'_>, &[u8])> {
    let length = usize::try_from(u32::from_ne_bytes(field(bytes, 0)?)).ok()?;
    let kind = u16::from_ne_bytes(field(bytes, 4)?);
    let flags = u16::from_ne_bytes(field(bytes, 6)?);
    let sequence = u32::from_ne_bytes(field(bytes, 8)?);
    let body = bytes.get(HEADER..length)?;
    Some((Message { kind, flags, sequence, body }, bytes.get(aligned(length)..).unwrap_or_default()))
}

/// The attributes of a message behind its header, or of a nested attribute: number and content. What is cut off is left
/// out.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(field(bytes, 0)?));
        // The two highest bits say how the content is written, not what it is.
        let kind = u16::from_ne_bytes(field(bytes, 2)?) & 0x3fff;
        let content = bytes.get(4..length)?;
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
        Some((kind, content))
    })
}

/// So many bytes at this place; `None` where they end before.
pub fn field<const BYTES: usize>(bytes: &[u8], at: usize) -> Option<[u8; BYTES]> {
    bytes.get(at..at.checked_add(BYTES)?)?.try_into().ok()
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_end_where_the_bytes_do() {
        let bytes = [5, 0, 3, 0, b'a', 0, 0, 0, 4, 0, 1, 0x80, 9, 0, 2, 0, 1];
        let found: Vec<_> = attributes(&bytes).collect();
        assert_eq!(found, [(3, &b"a"[..]), (1, &b""[..])]);
        for odd in [&[][..], &[0, 0, 1, 0], &[3, 0, 1, 0], &[255, 255, 1, 0], &[4]] {
            assert_eq!(attributes(odd).count(), 0, "{odd:?}");
        }
        assert_eq!(field::<4>(&[1, 2, 3], 0), None);
        assert_eq!(field::<1>(&[1, 2, 3], usize::MAX), None);
        assert!(split(&[0; 15]).is_none() && split(&[0; 16]).is_none());
    }

    #[test]
    fn the_kernel_lists_its_links() {
        let links = dump(18, &[0; 16], 16).expect("rtnetlink");
        assert!(links.iter().any(|link| attributes(&link[16..]).any(|(kind, name)| kind == 3 && name == b"lo\0")));
        assert!(dump(9999, &[0; 16], 16).is_err());
    }
}
