//! Reading messages: BER as managers really write it.
//!
//! RFC 3417, section 8 asks receivers to take every definite form: long-form lengths and padded integers are read.
//! Indefinite lengths, lengths of more than four octets and lengths past the end are refused. Nesting is bounded by
//! construction, as each level of a message has its own function. An OID goes straight into the bytes of a
//! [`crate::mib::oid::Key`], so that no request allocates beyond buffers that are used again.
//!
//! Panic contract: nothing here panics, whatever the octets; time is linear in their number.

use std::ops::Range;

use crate::mib::ber;
use crate::mib::oid::{Key, MAX_ARCS, Oid, arcs_of_key, push_key};
use crate::mib::value::Value;

/// The octets are not what they should be; the message is dropped and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Reads one element after another.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the start of these octets.
    pub fn new(octets: &'a [u8]) -> Self {
        Reader(octets)
    }

    /// The octets that are left.
    pub fn octets(&self) -> &'a [u8] {
        self.0
    }

    /// How many octets are left.
    pub fn left(&self) -> usize {
        self.0.len()
    }

    /// The next element: its tag and its content. A tag of more than one octet is refused later, as no one's.
    pub fn element(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let (&tag, rest) = self.0.split_first().ok_or(Malformed)?;
        let (&first, rest) = rest.split_first().ok_or(Malformed)?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => long_length(first & 0x7f, rest)?,
            // 0x80 is the indefinite form, 0xff is reserved, and five octets count more than any datagram holds.
            _ => return Err(Malformed),
        };
        let (content, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok((tag, content))
    }

    /// The content of the next element, which must have this tag.
    pub fn expect(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        match self.element()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(Malformed),
        }
    }

    /// The next element, an INTEGER of at most eight octets.
    pub fn integer(&mut self) -> Result<i64, Malformed> {
        signed(self.expect(ber::INTEGER)?)
    }
}

fn long_length(octets: u8, rest: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    let (octets, rest) = rest.split_at_checked(usize::from(octets)).ok_or(Malformed)?;
    let length = octets.iter().fold(0_usize, |length, &octet| length << 8 | usize::from(octet));
    Ok((length, rest))
}

/// The content of an INTEGER of one to eight octets; padding is accepted.
fn signed(content: &[u8]) -> Result<i64, Malformed> {
    let first = *content.first().ok_or(Malformed)?;
    if content.len() > 8 {
        return Err(Malformed);
    }
    let sign = if first & 0x80 == 0 { 0 } else { -1 };
    Ok(content.iter().fold(sign, |number, &octet| number << 8 | i64::from(octet)))
}

/// The content of a number that can't be negative: up to eight octets, and a ninth that only keeps it positive.
fn unsigned(content: &[u8]) -> Result<u64, Malformed> {
    let significant = match content {
        [] => return Err(Malformed),
        [0, rest @ ..] => rest,
        all => all,
    };
    if significant.len() > 8 {
        return Err(Malformed);
    }
    Ok(significant.iter().fold(0, |number, &octet| number << 8 | u64::from(octet)))
}

/// Appends the key of an OBJECT IDENTIFIER's content. No content is no sub-identifier: the OID before all others.
pub fn push_oid(content: &[u8], key: &mut Key) -> Result<(), Malformed> {
    let mut arcs = 0;
    let mut octets = content.iter();
    while !octets.as_slice().is_empty() {
        let arc = base128(&mut octets)?;
        if arcs == 0 {
            // X.690, section 8.19.4: the first number is 40 times the first sub-identifier, plus the second.
            let first = (arc / 40).min(2);
            push_key(first, key);
            push_key(arc - 40 * first, key);
            arcs = 2;
        } else {
            push_key(arc, key);
            arcs += 1;
        }
        if arcs > MAX_ARCS {
            return Err(Malformed);
        }
    }
    Ok(())
}

/// One sub-identifier: seven bits an octet, at most 2^32 - 1. Padding with 0x80 is accepted.
fn base128(octets: &mut std::slice::Iter<'_, u8>) -> Result<u32, Malformed> {
    let mut arc: u64 = 0;
    loop {
        let octet = *octets.next().ok_or(Malformed)?;
        arc = arc << 7 | u64::from(octet & 0x7f);
        if arc > u64::from(u32::MAX) {
            return Err(Malformed);
        }
        if octet & 0x80 == 0 {
            return u32::try_from(arc).map_err(|_| Malformed);
        }
    }
}

/// The value in a VarBind; `None` for NULL and the exceptions.
pub fn value(tag: u8, content: &[u8]) -> Result<Option<Value>, Malformed> {
    let narrow = |number: u64| u32::try_from(number).map_err(|_| Malformed);
    Ok(Some(match tag {
        ber::INTEGER => Value::Integer(i32::try_from(signed(content)?).map_err(|_| Malformed)?),
        ber::OCTET_STRING => Value::OctetString(content.to_vec()),
        ber::OBJECT_IDENTIFIER => {
            let mut key = Key::new();
            push_oid(content, &mut key)?;
            Value::ObjectId(Oid::new(arcs_of_key(&key)).ok_or(Malformed)?)
        }
        ber::IP_ADDRESS => Value::IpAddress(content.try_into().map_err(|_| Malformed)?),
        ber::COUNTER32 => Value::Counter32(narrow(unsigned(content)?)?),
        ber::GAUGE32 => Value::Gauge32(narrow(unsigned(content)?)?),
        ber::TIME_TICKS => Value::TimeTicks(narrow(unsigned(content)?)?),
        ber::COUNTER64 => Value::Counter64(unsigned(content)?),
        ber::OPAQUE => Value::Opaque(content.to_vec()),
        ber::NULL | ber::NO_SUCH_OBJECT | ber::NO_SUCH_INSTANCE | ber::END_OF_MIB_VIEW if content.is_empty() => {
            return Ok(None);
        }
        _ => return Err(Malformed),
    }))
}

/// A message of SNMPv1 or SNMPv2c up to its PDU, which is not read yet (RFC 1157, section 4; RFC 1901, section 3).
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Who asks.
    pub community: &'a [u8],
    /// The PDU's tag.
    pub pdu_tag: u8,
    /// The PDU's content.
    pub pdu: &'a [u8],
}

/// The version of a message and what follows it. Octets behind the message are padding, and ignored.
pub fn version(datagram: &[u8]) -> Result<(i64, Reader<'_>), Malformed> {
    let mut rest = Reader::new(Reader::new(datagram).expect(ber::SEQUENCE)?);
    let version = rest.integer()?;
    Ok((version, rest))
}

/// The message itself, without the padding behind it: what a code covers.
pub fn whole(datagram: &[u8]) -> Result<&[u8], Malformed> {
    let mut rest = Reader::new(datagram);
    rest.element()?;
    datagram.get(..datagram.len() - rest.left()).ok_or(Malformed)
}

/// The rest of a message behind its version.
pub fn message(mut rest: Reader<'_>) -> Result<Message<'_>, Malformed> {
    let community = rest.expect(ber::OCTET_STRING)?;
    let (pdu_tag, pdu) = rest.element()?;
    if rest.left() > 0 {
        return Err(Malformed);
    }
    Ok(Message { community, pdu_tag, pdu })
}

/// A PDU (RFC 3416, section 3).
#[derive(Debug, Clone, Copy)]
pub struct Pdu<'a> {
    /// request-id, -2^31 to 2^31 - 1.
    pub request_id: i32,
    /// error-status, or GETBULK's non-repeaters.
    pub first: i64,
    /// error-index, or GETBULK's max-repetitions.
    pub second: i64,
    /// The content of the variable-bindings, as they came.
    pub list: &'a [u8],
}

/// A variable binding of a request: where its parts are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Its name's key, in the buffer of keys.
    pub key: Range<usize>,
    /// Its name with tag and length, in the list's content.
    pub name: Range<usize>,
    /// Its value's tag.
    pub value_tag: u8,
    /// Its value's content, in the list's content.
    pub value: Range<usize>,
}

/// Reads a PDU; its bindings go to `binds` and their keys to `keys`, both emptied first.
pub fn pdu<'a>(content: &'a [u8], keys: &mut Key, binds: &mut Vec<Bind>) -> Result<Pdu<'a>, Malformed> {
    keys.clear();
    binds.clear();
    let mut fields = Reader::new(content);
    let request_id = i32::try_from(fields.integer()?).map_err(|_| Malformed)?;
    let (first, second) = (fields.integer()?, fields.integer()?);
    let list = fields.expect(ber::SEQUENCE)?;
    if fields.left() > 0 {
        return Err(Malformed);
    }
    let mut rest = Reader::new(list);
    while rest.left() > 0 {
        let bind = rest.expect(ber::SEQUENCE)?;
        let start = list.len() - rest.left() - bind.len();
        binds.push(binding(bind, start, keys)?);
    }
    Ok(Pdu { request_id, first, second, list })
}

/// Reads a variable binding's content, which begins at `start` of the list.
fn binding(content: &[u8], start: usize, keys: &mut Key) -> Result<Bind, Malformed> {
    let mut parts = Reader::new(content);
    let name = parts.expect(ber::OBJECT_IDENTIFIER)?;
    let name_end = start + content.len() - parts.left();
    let key_start = keys.len();
    push_oid(name, keys)?;
    let (value_tag, octets) = parts.element()?;
    if parts.left() > 0 {
        return Err(Malformed);
    }
    // Every request but SET carries NULL here; anything else must still be well formed.
    if value_tag != ber::NULL || !octets.is_empty() {
        value(value_tag, octets)?;
    }
    let end = start + content.len();
    Ok(Bind { key: key_start..keys.len(), name: start..name_end, value_tag, value: end - octets.len()..end })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_are_read_leniently() {
        let read = |octets: &[u8]| Reader::new(octets).integer();
        assert_eq!(read(&[2, 1, 0x80]), Ok(-128));
        assert_eq!(read(&[2, 4, 0, 0, 0, 5]), Ok(5), "padded");
        assert_eq!(read(&[2, 0x82, 0, 1, 5]), Ok(5), "a long-form length");
        assert_eq!(read(&[2, 8, 0x80, 0, 0, 0, 0, 0, 0, 0]), Ok(i64::MIN));
        for refused in [&[2, 0][..], &[2, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1], &[2, 0x80, 1, 0, 0], &[2, 0xff, 1], &[2, 2, 1]]
        {
            assert_eq!(read(refused), Err(Malformed), "{refused:?}");
        }
    }

    #[test]
    fn oids_are_read_strictly() {
        let read = |octets: &[u8]| {
            let mut key = Key::new();
            push_oid(octets, &mut key).map(|()| arcs_of_key(&key))
        };
        assert_eq!(read(&[]), Ok(vec![]));
        assert_eq!(read(&[0x2b, 6, 1]), Ok(vec![1, 3, 6, 1]));
        assert_eq!(read(&[0x88, 0x37]), Ok(vec![2, 999]));
        assert_eq!(read(&[0x2b, 0x8f, 0xff, 0xff, 0xff, 0x7f]), Ok(vec![1, 3, u32::MAX]));
        assert_eq!(read(&[0x2b, 0x80, 0x80, 1]), Ok(vec![1, 3, 1]), "padded");
        assert_eq!(read(&[0x2b, 0x90, 0x80, 0x80, 0x80, 0]), Err(Malformed), "2^32");
        assert_eq!(read(&[0x2b, 0x81]), Err(Malformed), "cut");
        assert_eq!(read(&[1; 127]).map(|arcs| arcs.len()), Ok(128));
        assert_eq!(read(&[1; 128]), Err(Malformed), "129 sub-identifiers");
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read(number in any::<i64>(), counter in any::<u64>(), octets in any::<Vec<u8>>()) {
            let mut out = Vec::new();
            ber::push_integer(ber::INTEGER, number, &mut out);
            Value::Counter64(counter).encode(&mut out);
            Value::OctetString(octets.clone()).encode(&mut out);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.integer(), Ok(number));
            let (tag, content) = reader.element().expect("a counter");
            prop_assert_eq!(value(tag, content), Ok(Some(Value::Counter64(counter))));
            let (tag, content) = reader.element().expect("a string");
            prop_assert_eq!(value(tag, content), Ok(Some(Value::OctetString(octets))));
        }
    }
}
