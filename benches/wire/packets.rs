//! Messages of SNMPv2c: writing requests, and reading answers far enough to judge them.
//!
//! This is a second reader beside the agent's own, on purpose: a load generator that shares the agent's code would share
//! its mistakes. It knows only what answers hold and refuses everything else.

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const RESPONSE: u8 = 0xa2;
/// noSuchObject, noSuchInstance and endOfMibView (RFC 3416, section 3).
const EXCEPTIONS: std::ops::RangeInclusive<u8> = 0x80..=0x82;

/// Request-ids begin here, so that each takes four octets and all requests of a case have one length.
pub const FIRST_ID: u32 = 0x1000_0000;

/// What a case asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The PDU's tag: 0xa0 GET, 0xa1 GETNEXT, 0xa5 GETBULK.
    pub tag: u8,
    /// max-repetitions of a GETBULK, else 0.
    pub repetitions: u8,
    /// The names, as BER's content octets.
    pub names: Vec<Vec<u8>>,
}

impl Question {
    /// A GET of these.
    pub fn get(names: &[&[u32]]) -> Question {
        Question { tag: 0xa0, repetitions: 0, names: names.iter().map(|name| oid(name)).collect() }
    }

    /// A GETNEXT of this.
    pub fn get_next(name: Vec<u8>) -> Question {
        Question { tag: 0xa1, repetitions: 0, names: vec![name] }
    }

    /// A GETBULK of this, without non-repeaters.
    pub fn get_bulk(name: Vec<u8>, repetitions: u8) -> Question {
        Question { tag: 0xa5, repetitions, names: vec![name] }
    }

    /// The PDU with this request-id.
    pub fn pdu(&self, id: u32) -> Vec<u8> {
        let mut list = Vec::new();
        for name in &self.names {
            let mut bind = element(OBJECT_IDENTIFIER, name);
            bind.extend_from_slice(&[NULL, 0]);
            list.extend(element(SEQUENCE, &bind));
        }
        let mut content = element(INTEGER, &id.to_be_bytes());
        content.extend(element(INTEGER, &[0]));
        content.extend(element(INTEGER, &[self.repetitions]));
        content.extend(element(SEQUENCE, &list));
        element(self.tag, &content)
    }

    /// Whether an answer without error has as many variable bindings as it must: one a name, and of a GETBULK at least
    /// one, as an agent may send fewer than it was asked for (RFC 3416, section 4.2.3).
    pub fn is_answered_by(&self, answer: &Answer) -> bool {
        let most = usize::from(self.repetitions).max(1) * self.names.len();
        let least = if self.repetitions > 0 { 1 } else { most };
        answer.error_status == 0 && !answer.exception && (least..=most).contains(&answer.varbinds)
    }
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<'a> {
    /// Its request-id.
    pub id: u32,
    /// Its error-status.
    pub error_status: u8,
    /// How many variable bindings it has.
    pub varbinds: usize,
    /// Whether one of them is an exception.
    pub exception: bool,
    /// The last one's name; empty without any.
    pub last_name: &'a [u8],
}

/// Makes a version's messages.
pub trait Messages {
    /// Puts the request with this request-id into the buffer.
    fn write(&mut self, id: u32, out: &mut Vec<u8>);
    /// Reads an answer; `None` where it isn't one. What is encrypted is decrypted in place.
    fn read<'d>(&mut self, datagram: &'d mut [u8]) -> Option<Answer<'d>>;
}

/// SNMPv2c: the request is written once, and only its request-id changes.
pub struct Community {
    template: Vec<u8>,
    id_at: usize,
}

impl Community {
    /// Requests of this kind with the community `public`.
    pub fn new(question: &Question) -> Community {
        let pdu = question.pdu(FIRST_ID);
        let mut content = element(INTEGER, &[1]);
        content.extend(element(OCTET_STRING, b"public"));
        let pdu_length = pdu.len();
        content.extend(pdu);
        let template = element(SEQUENCE, &content);
        // The PDU ends the message; its content begins with the request-id's tag and length.
        let header = pdu_length - element_content(&template[template.len() - pdu_length..]).map_or(0, <[u8]>::len);
        let id_at = template.len() - pdu_length + header + 2;
        Community { template, id_at }
    }
}

impl Messages for Community {
    fn write(&mut self, id: u32, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.template);
        out[self.id_at..self.id_at + 4].copy_from_slice(&id.to_be_bytes());
    }

    fn read<'d>(&mut self, datagram: &'d mut [u8]) -> Option<Answer<'d>> {
        let mut message = Reader(Reader(datagram).expect(SEQUENCE)?);
        let (version, community) = (message.expect(INTEGER)?, message.expect(OCTET_STRING)?);
        if version != [1] || community != b"public" {
            return None;
        }
        answer(message.0)
    }
}

/// Reads a Response-PDU.
pub fn answer(pdu: &[u8]) -> Option<Answer<'_>> {
    let mut content = Reader(Reader(pdu).expect(RESPONSE)?);
    let id = content.expect(INTEGER)?.iter().fold(0_u32, |id, &octet| id << 8 | u32::from(octet));
    let &[error_status] = content.expect(INTEGER)? else { return None };
    content.expect(INTEGER)?;
    let mut list = Reader(content.expect(SEQUENCE)?);
    let mut answer = Answer { id, error_status, varbinds: 0, exception: false, last_name: &[] };
    while !list.0.is_empty() {
        let mut bind = Reader(list.expect(SEQUENCE)?);
        answer.last_name = bind.expect(OBJECT_IDENTIFIER)?;
        let (tag, _) = bind.element()?;
        answer.varbinds += 1;
        answer.exception |= EXCEPTIONS.contains(&tag);
    }
    Some(answer)
}

/// Reads one element after another.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next element: its tag and its content.
    pub fn element(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first >= 0x80 {
            let (octets, behind) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|_| first <= 0x83)?;
            length = octets.iter().fold(0, |length, &octet| length << 8 | usize::from(octet));
            rest = behind;
        }
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next element, which must have this tag.
    pub fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.element().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

/// The content of the element that these octets are.
fn element_content(octets: &[u8]) -> Option<&[u8]> {
    Reader(octets).element().map(|(_, content)| content)
}

/// An element with its tag and length.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let [.., high, low] = content.len().to_be_bytes();
    match content.len() {
        0..0x80 => out.push(low),
        0x80..0x100 => out.extend([0x81, low]),
        _ => out.extend([0x82, high, low]),
    }
    out.extend_from_slice(content);
    out
}

/// An OID as BER's content octets.
pub fn oid(arcs: &[u32]) -> Vec<u8> {
    let mut out = Vec::new();
    let (first, rest) = arcs.split_at(arcs.len().min(2));
    let first = first.iter().fold(0, |sum, arc| sum * 40 + arc);
    for arc in std::iter::once(&first).chain(rest) {
        let mut groups: Vec<u8> = (0..5).map(|place| (arc >> (7 * place) & 0x7f).to_le_bytes()[0]).collect();
        while groups.len() > 1 && groups.last() == Some(&0) {
            groups.pop();
        }
        let last = groups.len() - 1;
        out.extend(
            groups.iter().rev().enumerate().map(|(place, group)| if place < last { group | 0x80 } else { *group }),
        );
    }
    out
}
