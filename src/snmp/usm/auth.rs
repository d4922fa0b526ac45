//! Authentication codes: HMAC over the whole message, in which the code's own place counts as zeros.
//!
//! RFC 3414, sections 6 and 7; RFC 7860. Works on the octets as they came: a message that is encoded anew may differ,
//! since senders may write lengths in more octets than needed. Where in the message the code stands, the caller says.

use std::fmt;
use std::ops::Range;

use hmac::{EagerHash, Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use super::keys::{AuthProtocol, Key};

/// The longest code, SHA-512's.
const MAX_MAC_OCTETS: usize = 48;

/// The longest output of a hash, SHA-512's, before it is cut.
const MAX_HASH_OCTETS: usize = 64;

/// One user's key at one engine, already mixed into the hash.
#[derive(Clone)]
pub struct Authenticator {
    protocol: AuthProtocol,
    state: State,
}

#[derive(Clone)]
enum State {
    Md5(Hmac<Md5>),
    Sha1(Hmac<Sha1>),
    Sha224(Hmac<Sha224>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

impl Authenticator {
    /// For a localized key.
    pub fn new(protocol: AuthProtocol, key: &Key) -> Authenticator {
        let state = match protocol {
            AuthProtocol::Md5 => State::Md5(keyed(key)),
            AuthProtocol::Sha1 => State::Sha1(keyed(key)),
            AuthProtocol::Sha224 => State::Sha224(keyed(key)),
            AuthProtocol::Sha256 => State::Sha256(keyed(key)),
            AuthProtocol::Sha384 => State::Sha384(keyed(key)),
            AuthProtocol::Sha512 => State::Sha512(keyed(key)),
        };
        Authenticator { protocol, state }
    }

    /// The protocol.
    pub fn protocol(&self) -> AuthProtocol {
        self.protocol
    }

    /// How long its codes are, in octets.
    pub fn mac_octets(&self) -> usize {
        self.protocol.mac_octets()
    }

    /// Whether the octets at `mac` are the message's code. A code of another length, or one that isn't within the
    /// message, never is.
    pub fn verify(&self, message: &[u8], mac: Range<usize>) -> bool {
        let Some(received) = message.get(mac.clone()) else { return false };
        match self.mac(message, mac) {
            // In constant time, and all of it: how far a forged code is right must not be seen in the time.
            Some(hash) => hash[..self.mac_octets()].ct_eq(received).into(),
            None => false,
        }
    }

    /// Writes the message's code at `mac`, whatever stands there. False, and nothing is written, when the place isn't
    /// exactly as long as the code or isn't within the message.
    pub fn sign(&self, message: &mut [u8], mac: Range<usize>) -> bool {
        let Some(hash) = self.mac(message, mac.clone()) else { return false };
        let Some(place) = message.get_mut(mac) else { return false };
        place.copy_from_slice(&hash[..self.mac_octets()]);
        true
    }

    /// The code before it is cut. None when the place is wrong.
    fn mac(&self, message: &[u8], mac: Range<usize>) -> Option<[u8; MAX_HASH_OCTETS]> {
        let octets = message.get(mac.clone())?.len();
        if octets != self.mac_octets() {
            return None;
        }
        let pieces = [message.get(..mac.start)?, &[0; MAX_MAC_OCTETS][..octets], message.get(mac.end..)?];
        Some(match &self.state {
            State::Md5(state) => finish(state, pieces),
            State::Sha1(state) => finish(state, pieces),
            State::Sha224(state) => finish(state, pieces),
            State::Sha256(state) => finish(state, pieces),
            State::Sha384(state) => finish(state, pieces),
            State::Sha512(state) => finish(state, pieces),
        })
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

fn keyed<D: EagerHash>(key: &Key) -> Hmac<D> {
    Hmac::new_from_slice(key.octets()).expect("HMAC takes keys of any length")
}

/// The hash of the pieces, one after the other, then zeros.
fn finish<D: EagerHash>(state: &Hmac<D>, pieces: [&[u8]; 3]) -> [u8; MAX_HASH_OCTETS] {
    let mut state = state.clone();
    for piece in pieces {
        state.update(piece);
    }
    let output = state.finalize().into_bytes();
    let mut hash = [0; MAX_HASH_OCTETS];
    hash[..output.len()].copy_from_slice(&output);
    hash
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::snmp::usm::known::{hex, localized};

    #[test]
    fn codes_are_those_of_another_implementation() {
        // Of the octets 0 to 99 with the code from octet 20, under the key of `maplesyrup`.
        for (protocol, expected) in [
            (AuthProtocol::Md5, "ff2dcb3307c5b37218df6778"),
            (AuthProtocol::Sha1, "3e04c6172c052a8c9bf27a77"),
            (AuthProtocol::Sha224, "65304f783a7debd8db08090f04639008"),
            (AuthProtocol::Sha256, "b02288d89b3fa3dbfafa937546daf990268a3d1c27e89647"),
            (AuthProtocol::Sha384, "835a8c7fa73d84b7df96c8b74e09c2d4ecb974104a8c23277148c88b0aec1651"),
            (
                AuthProtocol::Sha512,
                "c3deb220211da5e4b018b9293c9733e3122897bea5be1951c438099c0abc141187641632b280a470a884286acd4def8a",
            ),
        ] {
            let authenticator = Authenticator::new(protocol, &localized(protocol, b"maplesyrup"));
            let mac = 20..20 + protocol.mac_octets();
            let mut message: Vec<u8> = (0..100).collect();
            assert!(!authenticator.verify(&message, mac.clone()));
            assert!(authenticator.sign(&mut message, mac.clone()));
            assert_eq!(hex(&message[mac.clone()]), expected, "{protocol:?}");
            assert!(authenticator.verify(&message, mac));
        }
    }

    #[test]
    fn a_code_of_another_length_is_refused() {
        for protocol in AuthProtocol::ALL {
            let authenticator = Authenticator::new(protocol, &Key::new(vec![1; protocol.key_octets()]));
            for octets in [0, 1, 8, 11, 12, 13, 16, 23, 24, 25, 32, 47, 48, 49, 64] {
                let right = octets == protocol.mac_octets();
                // The true code, cut or followed by more.
                let mut message = vec![0; 100];
                assert!(authenticator.sign(&mut message, 10..10 + protocol.mac_octets()));
                assert_eq!(authenticator.verify(&message, 10..10 + octets), right, "{protocol:?} {octets}");
                let before = message.clone();
                assert_eq!(authenticator.sign(&mut message, 10..10 + octets), right, "{protocol:?} {octets}");
                assert!(message == before);
            }
        }
    }

    #[test]
    fn a_place_outside_the_message_is_refused() {
        let authenticator = Authenticator::new(AuthProtocol::Md5, &Key::new(vec![1; 16]));
        let mut message = [0; 20];
        let backwards = Range { start: 12, end: 0 };
        for mac in [9..21, 20..32, 21..33, usize::MAX - 12..usize::MAX, 0..usize::MAX, backwards] {
            assert!(!authenticator.verify(&message, mac.clone()), "{mac:?}");
            assert!(!authenticator.sign(&mut message, mac.clone()), "{mac:?}");
        }
        assert!(!authenticator.verify(&[], 0..12));
        // The message may be nothing but its code.
        assert!(authenticator.sign(&mut message[..12], 0..12));
        assert!(authenticator.verify(&message[..12], 0..12));
    }

    #[test]
    fn nothing_is_shown() {
        let authenticator = Authenticator::new(AuthProtocol::Md5, &Key::new(vec![1; 16]));
        assert_eq!(format!("{authenticator:?}"), "***");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_signed_verifies_and_one_bit_or_octet_less_does_not(
            protocol in proptest::sample::select(AuthProtocol::ALL.to_vec()),
            key in proptest::collection::vec(any::<u8>(), 0..100),
            message in proptest::collection::vec(any::<u8>(), 48..400),
            place in any::<proptest::sample::Index>(),
            octet in any::<proptest::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let authenticator = Authenticator::new(protocol, &Key::new(key));
            let mut message = message;
            let start = place.index(message.len() - protocol.mac_octets() + 1);
            let mac = start..start + protocol.mac_octets();
            prop_assert!(authenticator.sign(&mut message, mac.clone()));
            prop_assert!(authenticator.clone().verify(&message, mac.clone()));
            prop_assert!(!authenticator.verify(&message[..message.len() - 1], mac.clone()));
            let octet = octet.index(message.len());
            message[octet] ^= 1 << bit;
            prop_assert!(!authenticator.verify(&message, mac));
        }
    }
}
