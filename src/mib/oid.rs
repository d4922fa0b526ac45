//! Object identifiers, and keys: their byte form whose order is the order of the tree.
//!
//! RFC 2578, section 7.1.3: at most 128 sub-identifiers, each at most 2^32 - 1.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The most sub-identifiers that an object identifier may have.
pub const MAX_ARCS: usize = 128;

/// An OID as bytes whose lexicographic order is the OIDs' order, and where a prefix of an OID is a prefix of its bytes.
pub type Key = Vec<u8>;

/// An object identifier of 2 to 128 sub-identifiers that BER can carry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(Vec<u32>);

impl Oid {
    /// Checks the sub-identifiers: 2 to 128, the first at most 2, the second below 40 under 0 and 1, and small enough
    /// under 2 that BER's sum of the two fits in 32 bits.
    pub fn new(arcs: Vec<u32>) -> Option<Oid> {
        let [first, second, ..] = arcs.as_slice() else { return None };
        let fits = match first {
            0 | 1 => *second < 40,
            2 => *second <= u32::MAX - 80,
            _ => false,
        };
        (fits && arcs.len() <= MAX_ARCS).then_some(Oid(arcs))
    }

    /// An OID that the program itself names.
    ///
    /// # Panics
    /// When it isn't one, which a test would show.
    pub fn from_static(arcs: &[u32]) -> Oid {
        Oid::new(arcs.to_vec()).expect("the program names only valid OIDs")
    }

    /// Its sub-identifiers.
    pub fn arcs(&self) -> &[u32] {
        &self.0
    }

    /// The OID below this one. Longer than 128 sub-identifiers is cut: no object of ours is that deep.
    pub fn child(&self, more: &[u32]) -> Oid {
        let mut arcs = self.0.clone();
        arcs.extend_from_slice(more);
        arcs.truncate(MAX_ARCS);
        Oid(arcs)
    }

    /// Its key.
    pub fn key(&self) -> Key {
        let mut key = Key::with_capacity(self.0.len() + 4);
        for &arc in &self.0 {
            push_key(arc, &mut key);
        }
        key
    }

    /// Appends BER's content octets.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode_arcs(&self.0, out);
    }
}

/// Appends BER's content octets for valid sub-identifiers.
pub fn encode_arcs(arcs: &[u32], out: &mut Vec<u8>) {
    let (first, second) = match arcs {
        [] => return,
        [first] => (*first, 0),
        [first, second, ..] => (*first, *second),
    };
    push_base128(first.saturating_mul(40).saturating_add(second), out);
    for &arc in arcs.iter().skip(2) {
        push_base128(arc, out);
    }
}

fn push_base128(arc: u32, out: &mut Vec<u8>) {
    let mut shift = 28;
    while shift > 0 && arc >> shift == 0 {
        shift -= 7;
    }
    while shift > 0 {
        out.push(low_bits(arc >> shift, 0x7f) | 0x80);
        shift -= 7;
    }
    out.push(low_bits(arc, 0x7f));
}

/// Appends one sub-identifier to a key: one byte below 2^7, then as many more as the leading ones of the first byte.
pub fn push_key(arc: u32, key: &mut Key) {
    let [a, b, c, d] = arc.to_be_bytes();
    match arc {
        0..0x80 => key.push(d),
        0x80..0x4000 => key.extend([0x80 | c, d]),
        0x4000..0x20_0000 => key.extend([0xc0 | b, c, d]),
        0x20_0000..0x1000_0000 => key.extend([0xe0 | a, b, c, d]),
        _ => key.extend([0xf0, a, b, c, d]),
    }
}

/// The sub-identifiers of a key. Bytes that aren't a key's give fewer.
pub fn arcs_of_key(key: &[u8]) -> Vec<u32> {
    let mut arcs = Vec::new();
    let mut rest = key;
    while let Some((&first, tail)) = rest.split_first() {
        let more = usize::try_from(first.leading_ones()).unwrap_or(0).min(4);
        let Some((bytes, tail)) = tail.split_at_checked(more) else { break };
        let head = match more {
            0 => u32::from(first),
            1 => u32::from(first & 0x3f),
            2 => u32::from(first & 0x1f),
            3 => u32::from(first & 0x0f),
            _ => 0,
        };
        arcs.push(bytes.iter().fold(head, |arc, &byte| arc << 8 | u32::from(byte)));
        rest = tail;
    }
    arcs
}

/// The least key that is behind every key that begins with `prefix`.
pub fn subtree_end(prefix: &[u8]) -> Key {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return end;
        }
    }
    vec![0xff]
}

fn low_bits(number: u32, mask: u8) -> u8 {
    number.to_le_bytes()[0] & mask
}

impl fmt::Display for Oid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, arc) in self.0.iter().enumerate() {
            write!(formatter, "{}{arc}", if place == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

impl FromStr for Oid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix('.')
            .unwrap_or(text)
            .split('.')
            .map(|arc| arc.parse().ok())
            .collect::<Option<Vec<u32>>>()
            .and_then(Oid::new)
            .ok_or_else(|| {
                format!("`{text}` is not an object identifier: write numbers with dots, as 1.3.6.1.4.1.32473.1")
            })
    }
}

impl<'de> Deserialize<'de> for Oid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Oid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Oid {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Oid".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arcs() -> impl Strategy<Value = Vec<u32>> {
        let arc =
            prop_oneof![0_u32..300, any::<u32>(), Just(127), Just(128), Just(16_383), Just(16_384), Just(u32::MAX)];
        proptest::collection::vec(arc, 0..12)
    }

    proptest! {
        #[test]
        fn keys_sort_as_oids_do(left in arcs(), right in arcs()) {
            let (left, right) = (Oid::from_static(&[1, 3]).child(&left), Oid::from_static(&[1, 3]).child(&right));
            prop_assert_eq!(left.key().cmp(&right.key()), left.cmp(&right));
            prop_assert_eq!(right.arcs().starts_with(left.arcs()), right.key().starts_with(&left.key()));
            prop_assert_eq!(arcs_of_key(&left.key()), left.arcs().to_vec());
            prop_assert_eq!(right.key() >= subtree_end(&left.key()), right > left && !right.arcs().starts_with(left.arcs()));
        }

        #[test]
        fn rasn_reads_what_is_written(tail in arcs()) {
            let oid = Oid::from_static(&[1, 3]).child(&tail);
            let mut bytes = Vec::new();
            super::super::Value::ObjectId(oid.clone()).encode(&mut bytes);
            let read: rasn::types::ObjectIdentifier = rasn::ber::decode(&bytes).expect("an OID");
            prop_assert_eq!(&read[..], oid.arcs());
        }
    }

    #[test]
    fn only_what_ber_can_carry_is_an_oid() {
        for good in ["1.3", ".1.3.6.1", "0.0", "2.999", "2.4294967215"] {
            assert!(good.parse::<Oid>().is_ok(), "{good}");
        }
        for bad in ["", "1", "3.1", "1.40", "2.4294967216", "1.3.", "1.3.4294967296", "1.3.x", &"1.".repeat(128)] {
            assert!(bad.parse::<Oid>().is_err(), "{bad}");
        }
    }
}
