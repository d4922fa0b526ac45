//! Protocols and their keys: from a password to the key of one user at one engine, and from an old key to a new one.
//!
//! RFC 3414, sections 2.6 and A.2, and the textual convention KeyChange in section 5; RFC 7860 for SHA-2. Keys of
//! AES-192 and AES-256 are longer than some hashes, which no RFC provides for: two ways of extending them are in use.
//! Whether a password is long enough is not asked here.

use std::fmt;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// How messages are authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthProtocol {
    /// HMAC-MD5-96 (RFC 3414, section 6).
    Md5,
    /// HMAC-SHA-96 (RFC 3414, section 7).
    Sha1,
    /// HMAC-128-SHA-224 (RFC 7860).
    Sha224,
    /// HMAC-192-SHA-256 (RFC 7860).
    Sha256,
    /// HMAC-256-SHA-384 (RFC 7860).
    Sha384,
    /// HMAC-384-SHA-512 (RFC 7860).
    Sha512,
}

impl AuthProtocol {
    /// Every one, the oldest first.
    pub const ALL: [AuthProtocol; 6] = [
        AuthProtocol::Md5,
        AuthProtocol::Sha1,
        AuthProtocol::Sha224,
        AuthProtocol::Sha256,
        AuthProtocol::Sha384,
        AuthProtocol::Sha512,
    ];

    /// How long the authentication code in a message is, in octets.
    pub fn mac_octets(self) -> usize {
        match self {
            AuthProtocol::Md5 | AuthProtocol::Sha1 => 12,
            AuthProtocol::Sha224 => 16,
            AuthProtocol::Sha256 => 24,
            AuthProtocol::Sha384 => 32,
            AuthProtocol::Sha512 => 48,
        }
    }

    /// How long a key is, in octets: as long as what the hash gives.
    pub fn key_octets(self) -> usize {
        match self {
            AuthProtocol::Md5 => 16,
            AuthProtocol::Sha1 => 20,
            AuthProtocol::Sha224 => 28,
            AuthProtocol::Sha256 => 32,
            AuthProtocol::Sha384 => 48,
            AuthProtocol::Sha512 => 64,
        }
    }

    /// Its name below snmpAuthProtocols.
    pub fn oid(self) -> &'static [u32] {
        match self {
            AuthProtocol::Md5 => &[1, 3, 6, 1, 6, 3, 10, 1, 1, 2],
            AuthProtocol::Sha1 => &[1, 3, 6, 1, 6, 3, 10, 1, 1, 3],
            AuthProtocol::Sha224 => &[1, 3, 6, 1, 6, 3, 10, 1, 1, 4],
            AuthProtocol::Sha256 => &[1, 3, 6, 1, 6, 3, 10, 1, 1, 5],
            AuthProtocol::Sha384 => &[1, 3, 6, 1, 6, 3, 10, 1, 1, 6],
            AuthProtocol::Sha512 => &[1, 3, 6, 1, 6, 3, 10, 1, 1, 7],
        }
    }

    /// What Net-SNMP's tools call it, after `-a`.
    pub fn tool_name(self) -> &'static str {
        match self {
            AuthProtocol::Md5 => "MD5",
            AuthProtocol::Sha1 => "SHA",
            AuthProtocol::Sha224 => "SHA-224",
            AuthProtocol::Sha256 => "SHA-256",
            AuthProtocol::Sha384 => "SHA-384",
            AuthProtocol::Sha512 => "SHA-512",
        }
    }
}

/// How the scoped PDU is encrypted, and how the key becomes long enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivProtocol {
    /// CBC-DES (RFC 3414, section 8).
    Des,
    /// CFB128-AES-128 (RFC 3826).
    Aes128,
    /// The same with 192 bits; a short key is extended as Blumenthal's draft says.
    Aes192,
    /// The same with 256 bits; a short key is extended as Blumenthal's draft says.
    Aes256,
    /// The same with 192 bits; a short key is extended as Reeder's draft says, which Cisco and others follow.
    Aes192c,
    /// The same with 256 bits; a short key is extended as Reeder's draft says, which Cisco and others follow.
    Aes256c,
}

impl PrivProtocol {
    /// Every one, the oldest first.
    pub const ALL: [PrivProtocol; 6] = [
        PrivProtocol::Des,
        PrivProtocol::Aes128,
        PrivProtocol::Aes192,
        PrivProtocol::Aes256,
        PrivProtocol::Aes192c,
        PrivProtocol::Aes256c,
    ];

    /// How long a key is, in octets. DES: 8 of the key, 8 of the pre-IV.
    pub fn key_octets(self) -> usize {
        match self {
            PrivProtocol::Des | PrivProtocol::Aes128 => 16,
            PrivProtocol::Aes192 | PrivProtocol::Aes192c => 24,
            PrivProtocol::Aes256 | PrivProtocol::Aes256c => 32,
        }
    }

    /// Its name: below snmpPrivProtocols; where no RFC gives one, Net-SNMP's (Blumenthal) or Cisco's (Reeder).
    pub fn oid(self) -> &'static [u32] {
        match self {
            PrivProtocol::Des => &[1, 3, 6, 1, 6, 3, 10, 1, 2, 2],
            PrivProtocol::Aes128 => &[1, 3, 6, 1, 6, 3, 10, 1, 2, 4],
            PrivProtocol::Aes192 => &[1, 3, 6, 1, 4, 1, 14832, 1, 3],
            PrivProtocol::Aes256 => &[1, 3, 6, 1, 4, 1, 14832, 1, 4],
            PrivProtocol::Aes192c => &[1, 3, 6, 1, 4, 1, 9, 12, 6, 1, 1],
            PrivProtocol::Aes256c => &[1, 3, 6, 1, 4, 1, 9, 12, 6, 1, 2],
        }
    }

    /// What Net-SNMP's tools call it, after `-x`.
    pub fn tool_name(self) -> &'static str {
        match self {
            PrivProtocol::Des => "DES",
            PrivProtocol::Aes128 => "AES",
            PrivProtocol::Aes192 => "AES-192",
            PrivProtocol::Aes256 => "AES-256",
            PrivProtocol::Aes192c => "AES-192-C",
            PrivProtocol::Aes256c => "AES-256-C",
        }
    }
}

/// A secret key. Wiped when dropped; compared in constant time.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key(Vec<u8>);

impl Key {
    /// Wraps the octets.
    pub fn new(octets: Vec<u8>) -> Key {
        Key(octets)
    }

    /// The octets, for whoever computes with them.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// How many octets of the repeated password are hashed (RFC 3414, section A.2): 1 MiB.
const STRETCHED_OCTETS: usize = 1 << 20;

/// The password is repeated to at least so many octets, since a hash is fastest in long pieces.
const PIECE_OCTETS: usize = 4096;

/// A user's key before it is bound to an engine, Ku (RFC 3414, section A.2). None when the password is empty.
pub fn master_key(auth: AuthProtocol, password: &[u8]) -> Option<Key> {
    if password.is_empty() {
        return None;
    }
    // Whole passwords, so that pieces one after the other repeat it without a seam.
    let piece = Zeroizing::new(password.repeat(PIECE_OCTETS.div_ceil(password.len())));
    let whole = std::iter::repeat_n(piece.as_slice(), STRETCHED_OCTETS / piece.len());
    let rest = &piece[..STRETCHED_OCTETS % piece.len()];
    Some(hash(auth, whole.chain([rest])))
}

/// A user's key at one engine, Kul (RFC 3414, section 2.6).
pub fn localize(auth: AuthProtocol, ku: &Key, engine_id: &[u8]) -> Key {
    hash(auth, [ku.octets(), engine_id, ku.octets()])
}

/// The key for privacy at one engine: as much of Kul as the cipher asks for, or more where the hash gives less. It is
/// too short when Kul is empty.
pub fn privacy_key(auth: AuthProtocol, privacy: PrivProtocol, kul: &Key, engine_id: &[u8]) -> Key {
    let wanted = privacy.key_octets();
    // Room for all that follows: growing would leave a copy behind that nobody wipes.
    let mut key = Key(Vec::with_capacity(wanted.max(kul.0.len()) + auth.key_octets()));
    key.0.extend_from_slice(&kul.0);
    let mut last = kul.clone();
    while key.0.len() < wanted {
        last = match privacy {
            // Reeder's draft: the last piece is taken for a password.
            PrivProtocol::Aes192c | PrivProtocol::Aes256c => match master_key(auth, &last.0) {
                Some(ku) => localize(auth, &ku, engine_id),
                None => break,
            },
            // Blumenthal's draft: the hash of all so far.
            _ if !key.0.is_empty() => hash(auth, [key.octets()]),
            _ => break,
        };
        key.0.extend_from_slice(&last.0);
    }
    // Dropping wipes what a vector has room for, not only what it holds.
    key.0.truncate(wanted);
    key
}

/// The key that a value of KeyChange makes of the old one (RFC 3414, section 5). `auth` is the user's authentication
/// protocol, whichever of the two keys it is. None when the value isn't twice as long as the key.
pub fn changed_key(auth: AuthProtocol, old: &Key, change: &[u8]) -> Option<Key> {
    let octets = old.0.len();
    if octets == 0 || change.len() != octets.checked_mul(2)? {
        return None;
    }
    let (random, delta) = change.split_at(octets);
    let mut key = mask(auth, old, random, octets);
    xor(&mut key.0, delta);
    Some(key)
}

/// The value of KeyChange that makes `new` of `old`: what a manager sends. `new` and `random` must be as long as
/// `old`, else an agent refuses the value.
pub fn key_change(auth: AuthProtocol, old: &Key, new: &Key, random: &[u8]) -> Vec<u8> {
    let mut delta = mask(auth, old, random, new.0.len());
    xor(&mut delta.0, &new.0);
    [random, delta.octets()].concat()
}

/// What stands between the new key and the delta: the hashes of the old key, each of the one before, and of the random
/// octets. A key shorter than the hash takes its first octets; a longer one takes several.
fn mask(auth: AuthProtocol, old: &Key, random: &[u8], octets: usize) -> Key {
    let mut mask = Key(Vec::with_capacity(octets + auth.key_octets()));
    let mut temporary = old.clone();
    while mask.0.len() < octets {
        temporary = hash(auth, [temporary.octets(), random]);
        mask.0.extend_from_slice(&temporary.0);
    }
    mask.0.truncate(octets);
    mask
}

fn xor(octets: &mut [u8], other: &[u8]) {
    for (octet, other) in octets.iter_mut().zip(other) {
        *octet ^= other;
    }
}

/// The protocol's hash of pieces, one after the other.
fn hash<'a>(auth: AuthProtocol, pieces: impl IntoIterator<Item = &'a [u8]>) -> Key {
    match auth {
        AuthProtocol::Md5 => hash_with::<Md5>(pieces),
        AuthProtocol::Sha1 => hash_with::<Sha1>(pieces),
        AuthProtocol::Sha224 => hash_with::<Sha224>(pieces),
        AuthProtocol::Sha256 => hash_with::<Sha256>(pieces),
        AuthProtocol::Sha384 => hash_with::<Sha384>(pieces),
        AuthProtocol::Sha512 => hash_with::<Sha512>(pieces),
    }
}

fn hash_with<'a, D: Digest>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Key {
    let mut state = D::new();
    for piece in pieces {
        state.update(piece);
    }
    let mut output = state.finalize();
    let key = Key(output.to_vec());
    output.as_mut_slice().zeroize();
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::snmp::usm::known::{ENGINE, bytes, hex, localized};

    /// RFC 3414, section A.3, and the same for SHA-2: protocol, Ku, Kul.
    const PASSWORDS: [(AuthProtocol, &str, &str); 6] = [
        (AuthProtocol::Md5, "9faf3283884e92834ebc9847d8edd963", "526f5eed9fcce26f8964c2930787d82b"),
        (AuthProtocol::Sha1, "9fb5cc0381497b3793528939ff788d5d79145211", "6695febc9288e36282235fc7151f128497b38f3f"),
        (
            AuthProtocol::Sha224,
            "282a5867ee9aac639ad59df9572c7d3ac0fbc13a905b6df07dbbf00b",
            "0bd8827c6e29f8065e08e09237f177e410f69b90e1782be682075674",
        ),
        (
            AuthProtocol::Sha256,
            "ab51014d1e077f6017df2b12bee5f5aa72993177e9bb569c4dff5a4ca0b4afac",
            "8982e0e549e866db361a6b625d84cccc11162d453ee8ce3a6445c2d6776f0f8b",
        ),
        (
            AuthProtocol::Sha384,
            "e06eccdf2c68a06ed034723c9c26e0db3b669e1e2efed49150b55377a2e98f383c86fb836857444654b287c93f51ff64",
            "3b298f16164a11184279d5432bf169e2d2a48307de02b3d3f7e2b4f36eb6f0455a53689a3937eea07319a633d2ccba78",
        ),
        (
            AuthProtocol::Sha512,
            "7e4396de5aadc77be853819b98c9406265b3a9c37cc3176569847a4e4f6fba63\
             dd3a73d04924d31a63f95a601f9385af6be4ed1b37f87d040f7c6ed6f8d38a91",
            "22a5a36cedfcc085807a128d7bc6c2382167ad6c0dbc5fdff856740f3d84c099\
             ad1ea87a8db096714d9788bd544047c9021e4229ce27e4c0a69250adfcffbb0b",
        ),
    ];

    #[test]
    fn passwords_become_the_keys_of_the_rfc() {
        for (auth, ku, kul) in PASSWORDS {
            let key = master_key(auth, b"maplesyrup").expect("a key");
            assert_eq!(hex(key.octets()), ku, "{auth:?}");
            let key = localize(auth, &key, &ENGINE);
            assert_eq!(hex(key.octets()), kul, "{auth:?}");
            assert_eq!(key.octets().len(), auth.key_octets());
        }
        assert_eq!(master_key(AuthProtocol::Md5, b""), None);
    }

    #[test]
    fn a_password_of_any_length_is_repeated_without_a_seam() {
        for octets in [1, 3, 4095, 4096, 4097, 600_000, STRETCHED_OCTETS, STRETCHED_OCTETS + 1] {
            let password: Vec<u8> = (0..251).cycle().take(octets).collect();
            let stretched: Vec<u8> = password.iter().copied().cycle().take(STRETCHED_OCTETS).collect();
            let expected = hash(AuthProtocol::Sha1, [stretched.as_slice()]);
            assert!(master_key(AuthProtocol::Sha1, &password) == Some(expected), "{octets}");
        }
    }

    #[test]
    fn short_keys_are_extended_in_both_ways() {
        use AuthProtocol::{Md5, Sha1, Sha224};
        // The first 24 octets of each are the key of AES-192.
        for (auth, blumenthal, reeder) in [
            (
                Md5,
                "526f5eed9fcce26f8964c2930787d82bfa24a92467426c2f4b09192be10dfaec",
                "526f5eed9fcce26f8964c2930787d82b79eff44a90650ee0a3a40abfac5acc12",
            ),
            (
                Sha1,
                "6695febc9288e36282235fc7151f128497b38f3f505e07eb9af25568fa1f5dbe",
                "6695febc9288e36282235fc7151f128497b38f3f9b8b6d78936ba6e7d19dfd9c",
            ),
            (
                Sha224,
                "0bd8827c6e29f8065e08e09237f177e410f69b90e1782be682075674e82d9bf0",
                "0bd8827c6e29f8065e08e09237f177e410f69b90e1782be68207567422c34be4",
            ),
        ] {
            let kul = localized(auth, b"maplesyrup");
            let key = |privacy| hex(privacy_key(auth, privacy, &kul, &ENGINE).octets());
            assert_eq!(key(PrivProtocol::Aes256), blumenthal, "{auth:?}");
            assert_eq!(key(PrivProtocol::Aes192), blumenthal[..48], "{auth:?}");
            assert_eq!(key(PrivProtocol::Aes256c), reeder, "{auth:?}");
            assert_eq!(key(PrivProtocol::Aes192c), reeder[..48], "{auth:?}");
        }
    }

    #[test]
    fn every_pair_of_protocols_has_a_key_of_the_right_length() {
        for auth in AuthProtocol::ALL {
            for privacy in PrivProtocol::ALL {
                let kul = localized(auth, b"maplesyrup");
                let key = privacy_key(auth, privacy, &kul, &ENGINE);
                assert_eq!(key.octets().len(), privacy.key_octets(), "{auth:?} {privacy:?}");
                let kept = kul.octets().len().min(privacy.key_octets());
                assert_eq!(key.octets()[..kept], kul.octets()[..kept], "{auth:?} {privacy:?}");
                assert!(privacy_key(auth, privacy, &Key::new(Vec::new()), &ENGINE).octets().is_empty());
            }
        }
    }

    #[test]
    fn keys_change_as_in_the_rfc() {
        // RFC 3414, section A.5: the random octets are zeros; the keys for privacy are 16 octets in both.
        for (auth, octets, new, delta) in [
            (AuthProtocol::Md5, 16, "87021d7bd9d101ba05ea6e3bf9d9bd4a", "8805615141676cc9196174e742a32551"),
            (
                AuthProtocol::Sha1,
                20,
                "78e2dcce79d59403b58c1bbaa5bff46391f1cd25",
                "9c1017f4fd483d2de8d5fadbf84392cb06457051",
            ),
            (AuthProtocol::Sha1, 16, "78e2dcce79d59403b58c1bbaa5bff463", "7ef8d8a4c9cdb26b47591cd852ff88b5"),
        ] {
            let cut = |password| Key::new(localized(auth, password).octets()[..octets].to_vec());
            let (old, expected) = (cut(b"maplesyrup".as_slice()), cut(b"newsyrup"));
            assert_eq!(hex(expected.octets()), new);
            let change = [vec![0; octets], bytes(delta)].concat();
            assert_eq!(key_change(auth, &old, &expected, &vec![0; octets]), change);
            assert!(changed_key(auth, &old, &change) == Some(expected), "{auth:?} {octets}");
        }
    }

    #[test]
    fn keys_change_as_a_manager_asks() {
        // What Net-SNMP's encode_keychange wrote for these passwords and this engine.
        for (auth, change) in [
            (AuthProtocol::Md5, "d2011e4bf97b4998b0a0fe5aca41ddeed0b83117f6b319da1704de30da1225e7"),
            (AuthProtocol::Sha1, "564b855d54f83962afd6d1745be5f9d13cf30acfea1e2ad0bab78b5085e1e9b2e37ec6d89cd0b28f"),
        ] {
            let new = changed_key(auth, &localized(auth, b"maplesyrup"), &bytes(change));
            assert!(new == Some(localized(auth, b"newsyrup")), "{auth:?}");
        }
    }

    #[test]
    fn keys_change_that_are_shorter_or_longer_than_the_hash() {
        // Computed apart from this program; the random octets are 0, 1, 2 and so on.
        for (auth, privacy, delta) in [
            (AuthProtocol::Sha256, PrivProtocol::Aes128, "9fe2dab953317147e22117aaf2c0bfba"),
            (
                AuthProtocol::Md5,
                PrivProtocol::Aes256,
                "b917db1d0805a3555d0271db55412d31d30bc2c7cd5676e82c7961623236499e",
            ),
            (
                AuthProtocol::Sha1,
                PrivProtocol::Aes256,
                "d5fd13cbf91036415f6d289cff38a248e4b8eafa06a6b23c3819c4db217e2053",
            ),
        ] {
            let key = |password| privacy_key(auth, privacy, &localized(auth, password), &ENGINE);
            let random: Vec<u8> = (0..=u8::MAX).take(privacy.key_octets()).collect();
            let change = [random, bytes(delta)].concat();
            assert!(changed_key(auth, &key(b"maplesyrup"), &change) == Some(key(b"newsyrup")), "{auth:?} {privacy:?}");
        }
    }

    #[test]
    fn a_change_of_another_length_is_refused() {
        let old = Key::new(vec![7; 16]);
        for octets in [0, 1, 16, 31, 33, 40, 64] {
            assert_eq!(changed_key(AuthProtocol::Sha1, &old, &vec![0; octets]), None, "{octets}");
        }
        assert_eq!(changed_key(AuthProtocol::Sha1, &Key::new(Vec::new()), &[]), None);
    }

    #[test]
    fn keys_are_never_shown() {
        assert_eq!(format!("{:?}", Key::new(vec![1, 2, 3])), "***");
        assert_ne!(Key::new(vec![1, 2]), Key::new(vec![1, 2, 3]));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_change_gives_the_key_that_it_was_made_of(
            auth in proptest::sample::select(AuthProtocol::ALL.to_vec()),
            keys in (1_usize..100).prop_flat_map(|octets| {
                let key = || proptest::collection::vec(any::<u8>(), octets);
                (key(), key(), key())
            }),
        ) {
            let (old, new, random) = (Key::new(keys.0), Key::new(keys.1), keys.2);
            let change = key_change(auth, &old, &new, &random);
            prop_assert!(changed_key(auth, &old, &change) == Some(new));
        }
    }
}
