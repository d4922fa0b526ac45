//! Encryption of the scoped PDU, in place, and the salts that make each message's own.
//!
//! RFC 3414, section 8 (DES), and RFC 3826 (AES); AES-192 and AES-256 differ from it in the key's length only. Neither
//! says whether what was decrypted is what was sent: the authentication code does, and is checked before.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use aes::{Aes128Enc, Aes192Enc, Aes256Enc};
use cfb_mode::cipher::inout::InOutBuf;
use cfb_mode::cipher::{
    BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, InnerIvInit, KeyInit, consts::U16,
};
use des::Des;
use zeroize::{Zeroize, Zeroizing};

use super::keys::{Key, PrivProtocol};

/// DES works on blocks of so many octets.
const DES_BLOCK_OCTETS: usize = 8;

/// One user's key at one engine, already made into a schedule.
#[derive(Clone)]
pub struct Cipher {
    protocol: PrivProtocol,
    schedule: Schedule,
}

/// Only the encrypting half of AES: CFB decrypts with it too.
#[derive(Clone)]
enum Schedule {
    Des { cipher: Des, pre_iv: Zeroizing<[u8; DES_BLOCK_OCTETS]> },
    Aes128(Aes128Enc),
    Aes192(Aes192Enc),
    Aes256(Aes256Enc),
}

impl Cipher {
    /// For a localized key; octets past those that the protocol takes are not used. None when it is too short.
    pub fn new(protocol: PrivProtocol, key: &Key) -> Option<Cipher> {
        let key = key.octets().get(..protocol.key_octets())?;
        let schedule = match protocol {
            PrivProtocol::Des => {
                // RFC 3414, section 8.1.1.1: the first half is the key, its parity bits ignored.
                let (key, pre_iv) = key.split_first_chunk()?;
                let pre_iv = Zeroizing::new(*pre_iv.first_chunk()?);
                Schedule::Des { cipher: Des::new(key.into()), pre_iv }
            }
            PrivProtocol::Aes128 => Schedule::Aes128(Aes128Enc::new_from_slice(key).ok()?),
            PrivProtocol::Aes192 | PrivProtocol::Aes192c => Schedule::Aes192(Aes192Enc::new_from_slice(key).ok()?),
            PrivProtocol::Aes256 | PrivProtocol::Aes256c => Schedule::Aes256(Aes256Enc::new_from_slice(key).ok()?),
        };
        Some(Cipher { protocol, schedule })
    }

    /// The protocol.
    pub fn protocol(&self) -> PrivProtocol {
        self.protocol
    }

    /// How many octets `plain` octets must be padded to before they are encrypted. Which octets pad is free (RFC 3414,
    /// section 8.1.1.2).
    pub fn padded_octets(&self, plain: usize) -> usize {
        match self.schedule {
            Schedule::Des { .. } => plain.next_multiple_of(DES_BLOCK_OCTETS),
            _ => plain,
        }
    }

    /// Encrypts in place. `boots` and `time` are the authoritative engine's, as the message carries them; `salt`
    /// becomes its msgPrivacyParameters. False when the octets aren't padded: they are then zeroed, so that what
    /// should have been secret isn't sent by a caller that doesn't look.
    pub fn encrypt(&self, boots: u32, time: u32, salt: [u8; 8], data: &mut [u8]) -> bool {
        match &self.schedule {
            Schedule::Des { cipher, pre_iv } => {
                let (blocks, tail) = InOutBuf::from(&mut *data).into_chunks();
                if !tail.is_empty() {
                    data.zeroize();
                    return false;
                }
                cbc::Encryptor::inner_iv_init(cipher, &des_iv(pre_iv, &salt).into()).encrypt_blocks_inout(blocks);
            }
            Schedule::Aes128(cipher) => aes_encrypt(cipher, aes_iv(boots, time, &salt), data),
            Schedule::Aes192(cipher) => aes_encrypt(cipher, aes_iv(boots, time, &salt), data),
            Schedule::Aes256(cipher) => aes_encrypt(cipher, aes_iv(boots, time, &salt), data),
        }
        true
    }

    /// Decrypts in place. `boots`, `time` and `salt` are those in the message. False, and the octets are left as they
    /// are, when no such message was encrypted: with DES, one that isn't a multiple of 8 octets long.
    pub fn decrypt(&self, boots: u32, time: u32, salt: &[u8; 8], data: &mut [u8]) -> bool {
        match &self.schedule {
            Schedule::Des { cipher, pre_iv } => {
                let (blocks, tail) = InOutBuf::from(data).into_chunks();
                if !tail.is_empty() {
                    return false;
                }
                cbc::Decryptor::inner_iv_init(cipher, &des_iv(pre_iv, salt).into()).decrypt_blocks_inout(blocks);
            }
            Schedule::Aes128(cipher) => aes_decrypt(cipher, aes_iv(boots, time, salt), data),
            Schedule::Aes192(cipher) => aes_decrypt(cipher, aes_iv(boots, time, salt), data),
            Schedule::Aes256(cipher) => aes_decrypt(cipher, aes_iv(boots, time, salt), data),
        }
        true
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// RFC 3826, section 3.1.2.1.
fn aes_iv(boots: u32, time: u32, salt: &[u8; 8]) -> [u8; 16] {
    let mut iv = [0; 16];
    iv[..4].copy_from_slice(&boots.to_be_bytes());
    iv[4..8].copy_from_slice(&time.to_be_bytes());
    iv[8..].copy_from_slice(salt);
    iv
}

/// RFC 3414, section 8.1.1.1.
fn des_iv(pre_iv: &[u8; DES_BLOCK_OCTETS], salt: &[u8; 8]) -> [u8; DES_BLOCK_OCTETS] {
    std::array::from_fn(|at| pre_iv[at] ^ salt[at])
}

fn aes_encrypt<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>>(cipher: &C, iv: [u8; 16], data: &mut [u8]) {
    // Borrowed: the schedule is neither made nor copied for a message.
    cfb_mode::Encryptor::inner_iv_init(cipher, &iv.into()).encrypt(data);
}

fn aes_decrypt<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>>(cipher: &C, iv: [u8; 16], data: &mut [u8]) {
    cfb_mode::Decryptor::inner_iv_init(cipher, &iv.into()).decrypt(data);
}

/// The salts of what this engine sends, none of which may be used twice with the same key.
#[derive(Debug)]
pub struct Salts(AtomicU64);

impl Salts {
    /// Counts from a number that should be random, so that a run doesn't repeat the salts of an earlier one.
    pub fn starting_at(first: u64) -> Salts {
        Salts(AtomicU64::new(first))
    }

    /// The next salt. AES: all 64 bits count (RFC 3826, section 3.1.2.1). DES: this engine's boots, then 32 bits that
    /// count (RFC 3414, section 8.1.1.1), so that they come again after 2^32 messages of one boot.
    pub fn next(&self, privacy: PrivProtocol, boots: u32) -> [u8; 8] {
        let mut salt = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        if privacy == PrivProtocol::Des {
            salt[..4].copy_from_slice(&boots.to_be_bytes());
        }
        salt
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::snmp::usm::keys::AuthProtocol;
    use crate::snmp::usm::known::{bytes, hex, localized};

    const BOOTS: u32 = 7;
    const TIME: u32 = 0x0102_0304;
    const SALT: [u8; 8] = [0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8];

    #[test]
    fn ciphertexts_are_those_of_another_implementation() {
        // OpenSSL's, of the octets 0, 1, 2 and so on, under the start of SHA-256's key of `maplesyrup`.
        let key = localized(AuthProtocol::Sha256, b"maplesyrup");
        for (protocol, salt, expected) in [
            (
                PrivProtocol::Des,
                [0, 0, 0, 7, 0xa5, 0xa6, 0xa7, 0xa8],
                "bb739293e7e213791bcaad27afcd9186a56d1b04fe9d32ac2870fe86823fd5ff812a74fa870a9ca9",
            ),
            (PrivProtocol::Aes128, SALT, "91b8ee22ac13e2e4ebbb556c8fd3f5f9caf64d0094e6f3501b9f5032eaeb2789c63fc993c8"),
            (PrivProtocol::Aes192, SALT, "dcf98958081a224862fe891cc8773bf5ce8bd3b7277ca3cd6c1b1c776b8fa27ea67cbb0d57"),
            (PrivProtocol::Aes256c, SALT, "681a0ce0192870a6627103bc3b5d27203953fa0083bd3038fef8c151d9a63b874a51b97c11"),
        ] {
            let cipher = Cipher::new(protocol, &key).expect("a key that is long enough");
            let expected = bytes(expected);
            let plain: Vec<u8> = (0..=u8::MAX).take(expected.len()).collect();
            let mut octets = plain.clone();
            assert!(cipher.encrypt(BOOTS, TIME, salt, &mut octets));
            assert_eq!(hex(&octets), hex(&expected), "{protocol:?}");
            assert!(cipher.decrypt(BOOTS, TIME, &salt, &mut octets));
            assert_eq!(octets, plain, "{protocol:?}");
        }
    }

    #[test]
    fn a_key_that_is_too_short_is_refused() {
        for protocol in PrivProtocol::ALL {
            let enough = protocol.key_octets();
            for octets in [0, 1, enough - 1, enough, enough + 1, 64] {
                let cipher = Cipher::new(protocol, &Key::new(vec![3; octets]));
                assert_eq!(cipher.is_some(), octets >= enough, "{protocol:?} {octets}");
            }
        }
    }

    #[test]
    fn des_refuses_what_fills_no_block() {
        let cipher = Cipher::new(PrivProtocol::Des, &Key::new((0..16).collect())).expect("a key");
        for octets in [1, 7, 9, 15] {
            let mut secret = vec![5; octets];
            assert!(!cipher.decrypt(BOOTS, TIME, &SALT, &mut secret));
            assert_eq!(secret, vec![5; octets]);
            assert!(!cipher.encrypt(BOOTS, TIME, SALT, &mut secret));
            assert_eq!(secret, vec![0; octets], "readable octets stay behind");
        }
        assert!(cipher.encrypt(BOOTS, TIME, SALT, &mut []) && cipher.decrypt(BOOTS, TIME, &SALT, &mut []));
        assert_eq!([0, 1, 8, 9].map(|plain| cipher.padded_octets(plain)), [0, 8, 8, 16]);
    }

    #[test]
    fn salts_count_and_carry_the_boots_where_the_rfc_says_so() {
        let salts = Salts::starting_at(u64::MAX);
        assert_eq!(salts.next(PrivProtocol::Aes256, 7), [0xff; 8]);
        assert_eq!(salts.next(PrivProtocol::Aes128, 7), [0; 8]);
        assert_eq!(salts.next(PrivProtocol::Des, 7), [0, 0, 0, 7, 0, 0, 0, 1]);
        assert_eq!(salts.next(PrivProtocol::Aes128, 7), [0, 0, 0, 0, 0, 0, 0, 2]);
    }

    #[test]
    fn threads_never_share_a_salt() {
        let salts = Salts::starting_at(u64::from(u32::MAX) - 1000);
        let take = || (0..1000).map(|_| salts.next(PrivProtocol::Des, 1)).collect::<Vec<_>>();
        let all: Vec<[u8; 8]> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("a thread that ends")).collect()
        });
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4000);
    }

    #[test]
    fn nothing_is_shown() {
        let cipher = Cipher::new(PrivProtocol::Des, &Key::new(vec![3; 16])).expect("a key");
        assert_eq!(format!("{cipher:?}"), "***");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_encrypted_decrypts(
            protocol in proptest::sample::select(PrivProtocol::ALL.to_vec()),
            key in proptest::collection::vec(any::<u8>(), 32),
            plain in proptest::collection::vec(any::<u8>(), 16..600),
            (boots, time, salt) in any::<(u32, u32, [u8; 8])>(),
        ) {
            let cipher = Cipher::new(protocol, &Key::new(key)).expect("a key that is long enough");
            let mut padded = plain;
            padded.resize(cipher.padded_octets(padded.len()), 0);
            let mut octets = padded.clone();
            prop_assert!(cipher.encrypt(boots, time, salt, &mut octets));
            prop_assert!(octets != padded);
            prop_assert!(cipher.clone().decrypt(boots, time, &salt, &mut octets));
            prop_assert_eq!(&octets, &padded);
            // Another salt is another message.
            let mut other = salt;
            other[7] ^= 1;
            let (mut one, mut two) = (padded.clone(), padded);
            cipher.encrypt(boots, time, salt, &mut one);
            cipher.encrypt(boots, time, other, &mut two);
            prop_assert!(one != two);
        }

        #[test]
        fn octets_of_any_length_decrypt_to_something_or_are_refused(
            protocol in proptest::sample::select(PrivProtocol::ALL.to_vec()),
            octets in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let cipher = Cipher::new(protocol, &Key::new(vec![9; 32])).expect("a key that is long enough");
            let whole = protocol != PrivProtocol::Des || octets.len() % 8 == 0;
            let mut octets = octets;
            prop_assert_eq!(cipher.decrypt(BOOTS, TIME, &SALT, &mut octets), whole);
        }
    }
}
