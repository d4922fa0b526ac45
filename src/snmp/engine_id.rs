//! The name of an SNMP engine (RFC 3411, textual convention SnmpEngineID).
//!
//! It is 5 to 32 octets, and no two engines may share one: keys are bound to it. Where it comes from and where it is kept
//! is not known here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::usm::{AuthProtocol, PrivProtocol};

/// The fewest octets of an engine ID.
const LEAST_OCTETS: usize = 5;

/// The most octets of an engine ID.
const MOST_OCTETS: usize = 32;

/// What our own engine IDs begin with: the first bit says that RFC 3411's layout is used, then comes the enterprise 32473,
/// which RFC 5612 reserves for examples, then that the rest is of that enterprise's own making.
const PREFIX: [u8; 5] = [0x80, 0x00, 0x7e, 0xd9, 0x80];

/// How many octets of a digest our own engine IDs hold.
const DIGEST_OCTETS: usize = 8;

/// Why a text is no engine ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Something else than hexadecimal digits, or half an octet.
    #[error("no hexadecimal digits in pairs")]
    Digits,
    /// Too few or too many octets.
    #[error("{0} octets: an engine ID has 5 to 32, two digits each")]
    Length(usize),
    /// RFC 3411 keeps these two for nobody.
    #[error("all octets are 00, or all are ff")]
    Reserved,
}

/// An engine ID. Its Display is hexadecimal digits, lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EngineId(Vec<u8>);

impl EngineId {
    /// Checks the octets.
    ///
    /// # Errors
    /// When there are too few or too many, or they are all 00 or all ff.
    pub fn new(octets: &[u8]) -> Result<EngineId, Error> {
        if !(LEAST_OCTETS..=MOST_OCTETS).contains(&octets.len()) {
            return Err(Error::Length(octets.len()));
        }
        if octets.iter().all(|octet| *octet == 0) || octets.iter().all(|octet| *octet == 0xff) {
            return Err(Error::Reserved);
        }
        Ok(EngineId(octets.to_vec()))
    }

    /// An engine ID of our own that holds the first 8 octets of a digest; of a shorter one, what there is, then zeros.
    pub fn from_digest(digest: &[u8]) -> EngineId {
        let octets = PREFIX.into_iter().chain(digest.iter().copied().chain([0; DIGEST_OCTETS]).take(DIGEST_OCTETS));
        EngineId(octets.collect())
    }

    /// The octets, as messages carry them.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for EngineId {
    type Err = Error;

    /// Reads hexadecimal digits of either case; `0x` before them does no harm, as Net-SNMP's tools want it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        EngineId::new(&hex::decode(digits).map_err(|_| Error::Digits)?)
    }
}

impl fmt::Display for EngineId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(formatter, "{octet:02x}"))
    }
}

impl fmt::Debug for EngineId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EngineId({self})")
    }
}

impl Serialize for EngineId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EngineId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The line with which snmptrapd accepts traps that a user of this engine signs; the passwords are the reader's to fill in.
/// Without it such traps are dropped in silence.
pub fn create_user_line(
    engine: &EngineId,
    name: &str,
    auth: Option<AuthProtocol>,
    privacy: Option<PrivProtocol>,
) -> String {
    let mut line = format!("createUser -e 0x{engine} {}", quoted(name));
    if let Some(auth) = auth {
        line += &format!(" {} \"AUTH PASSWORD\"", auth.tool_name());
        if let Some(privacy) = privacy {
            line += &format!(" {} \"PRIV PASSWORD\"", privacy.tool_name());
        }
    }
    line
}

/// A name as Net-SNMP's configuration and a shell read it back: in quotes where it needs them.
pub fn quoted(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.@".contains(letter);
    if name.chars().all(plain) { name.to_string() } else { format!("{name:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written_alike() {
        for text in ["8000000001", "80007ed90401020304", &"0f".repeat(32), "000000000000000000000002"] {
            assert_eq!(text.parse::<EngineId>().map(|id| id.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("0x80007ED904".parse::<EngineId>().map(|id| id.to_string()).as_deref(), Ok("80007ed904"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            ("", Error::Length(0)),
            ("80007ed9", Error::Length(4)),
            (&"80".repeat(33), Error::Length(33)),
            ("80007ed90", Error::Digits),
            ("80007ed90g", Error::Digits),
            ("80:00:7e:d9:04", Error::Digits),
            ("0000000000", Error::Reserved),
            ("ffffffffff", Error::Reserved),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<EngineId>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn ours_are_of_our_enterprise() {
        assert_eq!(EngineId::from_digest(&[1, 2, 3, 4, 5, 6, 7, 8, 9]).to_string(), "80007ed9800102030405060708");
        assert_eq!(EngineId::from_digest(&[]).to_string(), "80007ed9800000000000000000");
    }

    #[test]
    fn receivers_are_told_what_to_write() {
        let engine = EngineId::from_digest(&[0xab; 8]);
        let line = |auth, privacy| create_user_line(&engine, "nms", auth, privacy);
        let start = "createUser -e 0x80007ed980abababababababab nms";
        assert_eq!(line(None, None), start);
        assert_eq!(line(Some(AuthProtocol::Sha256), None), format!("{start} SHA-256 \"AUTH PASSWORD\""));
        assert_eq!(
            line(Some(AuthProtocol::Sha1), Some(PrivProtocol::Aes128)),
            format!("{start} SHA \"AUTH PASSWORD\" AES \"PRIV PASSWORD\"")
        );
        assert_eq!(quoted("two words"), "\"two words\"");
    }
}
