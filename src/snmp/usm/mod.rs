//! SNMPv3's User-based Security Model: users, and the cryptography, octets in, octets out.
//!
//! [`keys`] makes keys of passwords, [`auth`] checks and makes authentication codes, [`privacy`] encrypts and decrypts:
//! these know no users, messages, engines or clocks, draw no random numbers and allocate nothing for a message.
//! [`users`] compiles the configuration's users, [`change`] sets their keys. Keys are wiped when they are dropped, and
//! their Debug is `***`. Read RFC 3414 first, then RFC 3826 (AES) and RFC 7860 (SHA-2).

pub mod auth;
pub mod change;
pub mod keys;
pub mod privacy;
pub mod users;

pub use auth::Authenticator;
pub use keys::{AuthProtocol, Key, PrivProtocol, changed_key, key_change, localize, master_key, privacy_key};
pub use privacy::{Cipher, Salts};
pub use users::{User, Users};

/// What the tests share: RFC 3414's engine, and octets as text.
#[cfg(test)]
mod known {
    use std::fmt::Write;

    use super::keys::{AuthProtocol, Key, localize, master_key};

    /// RFC 3414, section A.3.
    pub const ENGINE: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

    /// The key of a password at that engine.
    pub fn localized(auth: AuthProtocol, password: &[u8]) -> Key {
        localize(auth, &master_key(auth, password).expect("a password"), &ENGINE)
    }

    pub fn hex(octets: &[u8]) -> String {
        octets.iter().fold(String::new(), |mut text, octet| {
            write!(text, "{octet:02x}").expect("a String takes all");
            text
        })
    }

    pub fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> =
            hex.chars().map(|digit| u8::try_from(digit.to_digit(16).expect("a digit")).expect("4 bits")).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }
}
