//! Writing answers: the list of variable bindings first, then the headers in front of it.
//!
//! Lengths stand before what they measure, so the list is written behind room for the longest possible headers, and the
//! headers go to the end of that room, from the last to the first. The shortest forms are used (RFC 3417, section 8).

use super::Version;
use super::v3::Seal;
use crate::mib::ber;

/// The tag of a Response-PDU, and of SNMPv1's GetResponse-PDU.
const RESPONSE: u8 = 0xa2;
/// The tag of a Report-PDU.
const REPORT: u8 = 0xa8;

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
    /// As RFC 3416 names it.
    pub fn name(self) -> &'static str {
        match self {
            ErrorStatus::NoError => "noError",
            ErrorStatus::TooBig => "tooBig",
            ErrorStatus::NoSuchName => "noSuchName",
            ErrorStatus::NoAccess => "noAccess",
            ErrorStatus::WrongType => "wrongType",
            ErrorStatus::WrongLength => "wrongLength",
            ErrorStatus::WrongValue => "wrongValue",
            ErrorStatus::NoCreation => "noCreation",
            ErrorStatus::InconsistentValue => "inconsistentValue",
            ErrorStatus::CommitFailed => "commitFailed",
            ErrorStatus::AuthorizationError => "authorizationError",
            ErrorStatus::NotWritable => "notWritable",
            ErrorStatus::InconsistentName => "inconsistentName",
        }
    }

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
    /// The request's identifier.
    pub request_id: i32,
    /// The message around the PDU.
    pub wrap: Wrap<'a>,
}

/// The message around a PDU.
#[derive(Debug, Clone, Copy)]
pub enum Wrap<'a> {
    /// SNMPv1 or SNMPv2c.
    Community {
        /// The request's version.
        version: Version,
        /// The request's community.
        community: &'a [u8],
    },
    /// SNMPv3.
    Seal(Seal<'a>),
}

impl Wrap<'_> {
    /// The version.
    pub fn version(&self) -> Version {
        match self {
            Wrap::Community { version, .. } => *version,
            Wrap::Seal(_) => Version::V3,
        }
    }
}

impl Envelope<'_> {
    /// More than the headers can take: 42 octets beside the community, 96 beside what an SNMPv3 header names.
    fn room(&self) -> usize {
        match &self.wrap {
            Wrap::Community { community, .. } => 64 + community.len(),
            Wrap::Seal(seal) => 128 + 2 * seal.engine_id.len() + seal.user_name.len() + seal.mac_octets(),
        }
    }
}

/// An answer that is being written.
pub struct Answer<'e, 'o> {
    envelope: Envelope<'e>,
    /// The list, behind the room for the headers.
    out: &'o mut Vec<u8>,
    room: usize,
    limit: usize,
}

impl<'e, 'o> Answer<'e, 'o> {
    /// Begins an answer of at most `limit` octets in this buffer.
    pub fn begin(envelope: Envelope<'e>, limit: usize, out: &'o mut Vec<u8>) -> Self {
        let room = envelope.room();
        out.clear();
        out.resize(room, 0);
        Answer { envelope, out, room, limit }
    }

    /// The version that it is written for.
    pub fn version(&self) -> Version {
        self.envelope.wrap.version()
    }

    /// Where variable bindings are appended.
    pub fn list(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// How many octets the list has.
    pub fn list_octets(&self) -> usize {
        self.out.len().saturating_sub(self.room)
    }

    /// Cuts the list.
    pub fn truncate(&mut self, list_octets: usize) {
        self.out.truncate(self.room + list_octets);
    }

    /// Whether an answer without error is within its limit so far.
    pub fn fits(&self) -> bool {
        self.fits_with(ErrorStatus::NoError, 0)
    }

    /// The same with an error about this variable binding.
    pub fn fits_with(&self, status: ErrorStatus, index: usize) -> bool {
        let (status, index) = self.numbers(status, index);
        total_octets(&self.envelope, status, index, self.list_octets()) <= self.limit
    }

    /// error-status and error-index as they are written.
    fn numbers(&self, status: ErrorStatus, index: usize) -> (i64, i64) {
        (i64::from(status.number(self.version())), i64::try_from(index).unwrap_or(i64::MAX))
    }

    /// The longest list with which an answer without error is within its limit, and within another one.
    pub fn most_list_octets(&self, other_limit: usize) -> usize {
        let limit = self.limit.min(other_limit);
        let total = |list| total_octets(&self.envelope, 0, 0, list);
        let mut most = limit.saturating_sub(total(0));
        // A longer list has longer lengths before it, and padding behind it: a few octets.
        while most > 0 && total(most) > limit {
            most -= 1;
        }
        most
    }

    /// Makes it a Response; false, and nothing is to be sent, when that is past the limit.
    pub fn finish(self, status: ErrorStatus, index: usize) -> bool {
        self.wrap(RESPONSE, status, index)
    }

    /// Makes it a Report (RFC 3412, section 7.1.3).
    pub fn finish_report(self) -> bool {
        self.wrap(REPORT, ErrorStatus::NoError, 0)
    }

    /// Puts the headers in front of the list.
    fn wrap(self, pdu_tag: u8, status: ErrorStatus, index: usize) -> bool {
        if !self.fits_with(status, index) {
            return false;
        }
        let (status, index) = self.numbers(status, index);
        let Envelope { request_id, wrap } = self.envelope;
        let mut front = Front::before(self.room, self.out);
        front.header(ber::SEQUENCE);
        front.integer(index);
        front.integer(status);
        front.integer(i64::from(request_id));
        front.header(pdu_tag);
        match wrap {
            Wrap::Community { version, community } => {
                front.octets(ber::OCTET_STRING, community);
                front.integer(i64::from(version.number()));
                front.header(ber::SEQUENCE);
                front.close();
                true
            }
            Wrap::Seal(seal) => seal.close(front),
        }
    }
}

/// Writes from the end of a buffer's room to its start: lengths stand before what they measure.
pub struct Front<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
}

impl<'o> Front<'o> {
    /// Goes on before this place; what is behind it is content.
    pub fn before(start: usize, out: &'o mut Vec<u8>) -> Front<'o> {
        Front { out, start }
    }

    /// How many octets there are from here to the end.
    pub fn octets_behind(&self) -> usize {
        self.out.len().saturating_sub(self.start)
    }

    /// What is written so far.
    pub fn written(&mut self) -> &mut [u8] {
        self.out.get_mut(self.start..).unwrap_or_default()
    }

    /// Appends octets behind everything, which is where padding goes.
    pub fn pad(&mut self, octets: usize) {
        self.out.resize(self.out.len() + octets, 0);
    }

    /// Makes everything behind the content of an element.
    pub fn header(&mut self, tag: u8) {
        self.header_of(tag, self.octets_behind());
    }

    /// The tag and length of an element whose content was just written.
    pub fn header_of(&mut self, tag: u8, length: usize) {
        match u8::try_from(length) {
            Ok(short) if short < 0x80 => self.push(&[tag, short]),
            _ => {
                let bytes = length.to_be_bytes();
                let skipped = bytes.iter().take_while(|&&byte| byte == 0).count();
                let significant = bytes.get(skipped..).unwrap_or_default();
                self.push(significant);
                self.push(&[tag, 0x80 | u8::try_from(significant.len()).unwrap_or(0)]);
            }
        }
    }

    /// An element with this content.
    pub fn octets(&mut self, tag: u8, content: &[u8]) {
        self.push(content);
        self.header_of(tag, content.len());
    }

    /// An INTEGER in its shortest form.
    pub fn integer(&mut self, number: i64) {
        let bytes = number.to_be_bytes();
        let octets = integer_octets(number).saturating_sub(2);
        self.octets(ber::INTEGER, bytes.get(8_usize.saturating_sub(octets)..).unwrap_or_default());
    }

    /// Moves everything to the start of the buffer. The headers' room is far larger than any header.
    pub fn close(self) {
        self.out.drain(..self.start);
    }

    fn push(&mut self, octets: &[u8]) {
        let start = self.start.saturating_sub(octets.len());
        if let Some(place) = self.out.get_mut(start..self.start) {
            place.copy_from_slice(octets);
        }
        self.start = start;
    }
}

/// Appends a variable binding with an exception, its name as it is encoded already.
pub fn push_exception(name: &[u8], tag: u8, list: &mut Vec<u8>) {
    list.push(ber::SEQUENCE);
    ber::push_length(name.len() + 2, list);
    list.extend_from_slice(name);
    list.extend_from_slice(&[tag, 0]);
}

/// The octets of the whole message with a list of this length.
fn total_octets(envelope: &Envelope, status: i64, index: i64, list: usize) -> usize {
    let numbers = integer_octets(envelope.request_id.into()) + integer_octets(status) + integer_octets(index);
    let pdu = element_octets(numbers + element_octets(list));
    match &envelope.wrap {
        Wrap::Community { community, .. } => element_octets(3 + element_octets(community.len()) + pdu),
        Wrap::Seal(seal) => seal.message_octets(pdu),
    }
}

/// The octets of an element with content of this length.
pub fn element_octets(content: usize) -> usize {
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
pub fn integer_octets(number: i64) -> usize {
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
            let wrap = Wrap::Community { version: Version::V2c, community: &community };
            let envelope = Envelope { request_id, wrap };
            let mut out = Vec::new();
            let mut answer = Answer::begin(envelope, usize::MAX, &mut out);
            answer.list().resize(64 + community.len() + list, 0xee);
            let index_on_wire = i64::try_from(index).expect("small");
            let total = total_octets(&envelope, 7, index_on_wire, list);
            prop_assert!(answer.finish(ErrorStatus::WrongType, index));
            prop_assert_eq!(out.len(), total);
            let (version, rest) = super::super::wire::version(&out).expect("a message");
            let message = super::super::wire::message(rest).expect("a community and a PDU");
            prop_assert_eq!((version, message.community), (1, &community[..]));
        }
    }
}
