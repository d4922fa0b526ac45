//! Writing answers: the list of variable bindings first, then the headers in front of it.
//!
//! Lengths stand before what they measure, so the list is written behind room for the longest possible headers, and the
//! headers go to the end of that room. The shortest forms are used (RFC 3417, section 8).

use super::Version;
use crate::mib::ber;

/// The tag of a Response-PDU, and of SNMPv1's GetResponse-PDU.
const RESPONSE: u8 = 0xa2;

/// error-status (RFC 3416, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorStatus {
    /// All went well.
    NoError,
    /// The answer doesn't fit.
    TooBig,
    /// SNMPv1: there is no such instance.
    NoSuchName,
    /// The view or the community forbids it.
    NoAccess,
    /// Another type than the object's.
    WrongType,
    /// Another length than the object's.
    WrongLength,
    /// Not a value that the object can have.
    WrongValue,
    /// There is no such instance, and there never will be.
    NoCreation,
    /// It was valid, and couldn't be stored.
    CommitFailed,
    /// The object can't be changed.
    NotWritable,
    /// A value that the object can't have now.
    InconsistentValue,
    /// The same instance twice in one SET.
    InconsistentName,
    /// SNMPv3: the message is not as safe as its user must be.
    AuthorizationError,
}

impl ErrorStatus {
    /// Its number, for SNMPv1 by RFC 3584, section 4.4.
    pub fn number(self, version: Version) -> u8 {
        let (number, in_v1) = match self {
            ErrorStatus::NoError => (0, 0),
            ErrorStatus::TooBig => (1, 1),
            ErrorStatus::NoSuchName => (2, 2),
            ErrorStatus::NoAccess => (6, 2),
            ErrorStatus::WrongType => (7, 3),
            ErrorStatus::WrongLength => (8, 3),
            ErrorStatus::WrongValue => (10, 3),
            ErrorStatus::NoCreation => (11, 2),
            ErrorStatus::InconsistentValue => (12, 3),
            ErrorStatus::CommitFailed => (14, 5),
            ErrorStatus::AuthorizationError => (16, 2),
            ErrorStatus::NotWritable => (17, 2),
            ErrorStatus::InconsistentName => (18, 2),
        };
        if version == Version::V1 { in_v1 } else { number }
    }
}

/// What stands around the list.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The request's version.
    pub version: Version,
    /// The request's community.
    pub community: &'a [u8],
    /// The request's identifier.
    pub request_id: i32,
}

impl Envelope<'_> {
    /// More than the headers can take: 42 octets beside the community.
    fn room(&self) -> usize {
        64 + self.community.len()
    }
}

/// An answer that is being written.
pub struct Answer<'e, 'o> {
    envelope: Envelope<'e>,
    /// The list, behind the room for the headers.
    out: &'o mut Vec<u8>,
    limit: usize,
}

impl<'e, 'o> Answer<'e, 'o> {
    /// Begins an answer of at most `limit` octets in this buffer.
    pub fn begin(envelope: Envelope<'e>, limit: usize, out: &'o mut Vec<u8>) -> Self {
        out.clear();
        out.resize(envelope.room(), 0);
        Answer { envelope, out, limit }
    }

    /// The version that it is written for.
    pub fn version(&self) -> Version {
        self.envelope.version
    }

    /// Where variable bindings are appended.
    pub fn list(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// How many octets the list has.
    pub fn list_octets(&self) -> usize {
        self.out.len().saturating_sub(self.envelope.room())
    }

    /// Cuts the list.
    pub fn truncate(&mut self, list_octets: usize) {
        self.out.truncate(self.envelope.room() + list_octets);
    }

    /// Whether an answer without error is within its limit so far, and within another one.
    pub fn fits(&self, other_limit: usize) -> bool {
        Lengths::of(&self.envelope, 0, 0, self.list_octets()).total <= self.limit.min(other_limit)
    }

    /// Puts the headers in front of the list; false, and nothing is to be sent, when that is past the limit.
    pub fn finish(self, status: ErrorStatus, index: usize) -> bool {
        let Envelope { version, community, request_id } = self.envelope;
        let status = i64::from(status.number(version));
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        let lengths = Lengths::of(&self.envelope, status, index, self.list_octets());
        if lengths.total > self.limit {
            return false;
        }
        // The headers are written behind the list, then moved before it: no second buffer.
        let (room, list_end) = (self.envelope.room(), self.out.len());
        let list_octets = self.list_octets();
        let out = self.out;
        out.push(ber::SEQUENCE);
        ber::push_length(lengths.message, out);
        ber::push_integer(ber::INTEGER, i64::from(version.number()), out);
        ber::push_octets(ber::OCTET_STRING, community, out);
        out.push(RESPONSE);
        ber::push_length(lengths.pdu, out);
        ber::push_integer(ber::INTEGER, i64::from(request_id), out);
        ber::push_integer(ber::INTEGER, status, out);
        ber::push_integer(ber::INTEGER, index, out);
        out.push(ber::SEQUENCE);
        ber::push_length(list_octets, out);
        let start = room.saturating_sub(out.len() - list_end);
        out.copy_within(list_end.., start);
        out.truncate(list_end);
        out.drain(..start);
        true
    }
}

/// Appends a variable binding with an exception, its name as it is encoded already.
pub fn push_exception(name: &[u8], tag: u8, list: &mut Vec<u8>) {
    list.push(ber::SEQUENCE);
    ber::push_length(name.len() + 2, list);
    list.extend_from_slice(name);
    list.extend_from_slice(&[tag, 0]);
}

/// The lengths in the headers.
struct Lengths {
    /// The content of the PDU.
    pdu: usize,
    /// The content of the message.
    message: usize,
    /// All octets.
    total: usize,
}

impl Lengths {
    fn of(envelope: &Envelope, status: i64, index: i64, list: usize) -> Lengths {
        let numbers = integer_octets(envelope.request_id.into()) + integer_octets(status) + integer_octets(index);
        let pdu = numbers + element_octets(list);
        let version = 3;
        let message = version + element_octets(envelope.community.len()) + element_octets(pdu);
        Lengths { pdu, message, total: element_octets(message) }
    }
}

/// The octets of an element with content of this length.
fn element_octets(content: usize) -> usize {
    let length = match content {
        0..0x80 => 1,
        0x80..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x100_0000 => 4,
        _ => 5,
    };
    1 + length + content
}

/// The octets of an INTEGER in its shortest form.
fn integer_octets(number: i64) -> usize {
    let magnitude = if number < 0 { !number } else { number };
    let bits = 65 - magnitude.leading_zeros();
    2 + usize::try_from(bits.div_ceil(8)).unwrap_or(8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_length_is_known_before_it_is_written(
            request_id in any::<i32>(),
            index in 0_usize..40_000,
            community in 0_usize..300,
            list in 0_usize..70_000,
        ) {
            let community = vec![b'c'; community];
            let envelope = Envelope { version: Version::V2c, community: &community, request_id };
            let mut out = Vec::new();
            let mut answer = Answer::begin(envelope, usize::MAX, &mut out);
            answer.list().resize(64 + community.len() + list, 0xee);
            let index_on_wire = i64::try_from(index).expect("small");
            let total = Lengths::of(&envelope, 7, index_on_wire, list).total;
            prop_assert!(answer.finish(ErrorStatus::WrongType, index));
            prop_assert_eq!(out.len(), total);
            let (version, rest) = super::super::wire::version(&out).expect("a message");
            let message = super::super::wire::message(rest).expect("a community and a PDU");
            prop_assert_eq!((version, message.community), (1, &community[..]));
            prop_assert_eq!(message.pdu.len(), Lengths::of(&envelope, 7, index_on_wire, list).pdu);
        }
    }
}
