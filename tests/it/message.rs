//! SNMP messages written octet by octet, without the agent's own writer: good ones, and ones of which a part is odd.
//!
//! Only the cryptography is the agent's: its own tests hold it against the RFCs, net-snmp's tools against others.

use std::sync::Arc;

use vitalsd::snmp::usm::{AuthProtocol, Authenticator, Cipher, PrivProtocol, localize, master_key, privacy_key};
use vitalsd::snmp::{v3, wire};

pub const GET: u8 = 0xa0;
pub const NEXT: u8 = 0xa1;
pub const SET: u8 = 0xa3;
pub const BULK: u8 = 0xa5;
/// A value of NULL.
pub const NULL: &[u8] = &[5, 0];
/// Of every user.
pub const PASSWORD: &str = "maplesyrup";
/// The request-id, where a test has nothing to say about it.
pub const ID: i64 = 77;

/// A tag, the shortest length, and the content.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut octets = vec![tag];
    match content.len() {
        length @ 0..=0x7f => octets.push(u8::try_from(length).expect("short")),
        length => {
            let length: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
            octets.push(0x80 | u8::try_from(length.len()).expect("short"));
            octets.extend(length);
        }
    }
    octets.extend(content);
    octets
}

/// An INTEGER in its shortest form.
pub fn integer(number: i64) -> Vec<u8> {
    let mut octets = &number.to_be_bytes()[..];
    while let [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] = octets {
        octets = &octets[1..];
    }
    element(2, octets)
}

/// An OCTET STRING.
pub fn text(octets: impl AsRef<[u8]>) -> Vec<u8> {
    element(4, octets.as_ref())
}

/// An OBJECT IDENTIFIER; no text is one without content.
pub fn name(oid: &str) -> Vec<u8> {
    let arcs: Vec<u64> = oid.split('.').filter_map(|arc| arc.parse().ok()).collect();
    let mut content = Vec::new();
    if let [first, second, rest @ ..] = &arcs[..] {
        for arc in [&[first * 40 + second], rest].concat() {
            let groups = (0..5).rev().map(|place| u8::try_from(arc >> (7 * place) & 0x7f).expect("seven bits"));
            let mut groups: Vec<u8> = groups.skip_while(|group| *group == 0).collect();
            let last = groups.pop().unwrap_or(0);
            content.extend(groups.into_iter().map(|group| group | 0x80));
            content.push(last);
        }
    }
    element(6, &content)
}

/// A PDU around a list's octets. `first` and `second` are error-status and error-index, or GETBULK's two numbers.
pub fn pdu_around(tag: u8, id: i64, first: i64, second: i64, list: &[u8]) -> Vec<u8> {
    element(tag, &[integer(id), integer(first), integer(second), element(0x30, list)].concat())
}

/// A PDU with these names and values.
pub fn pdu(tag: u8, id: i64, first: i64, second: i64, binds: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let list: Vec<u8> =
        binds.iter().flat_map(|(oid, value)| element(0x30, &[name(oid), value.clone()].concat())).collect();
    pdu_around(tag, id, first, second, &list)
}

/// A PDU that asks for these names.
pub fn asking(tag: u8, first: i64, second: i64, names: &[&str]) -> Vec<u8> {
    let binds: Vec<_> = names.iter().map(|name| (*name, NULL.to_vec())).collect();
    pdu(tag, ID, first, second, &binds)
}

/// A message of SNMPv1 (0) or SNMPv2c (1).
pub fn message(version: i64, community: impl AsRef<[u8]>, pdu: &[u8]) -> Vec<u8> {
    element(0x30, &[integer(version), text(community), pdu.to_vec()].concat())
}

/// A user's keys at an engine.
pub struct Keys {
    pub authenticator: Authenticator,
    pub cipher: Option<Cipher>,
}

impl Keys {
    pub fn new(auth: AuthProtocol, privacy: Option<PrivProtocol>, engine: &[u8]) -> Arc<Keys> {
        let key = localize(auth, &master_key(auth, PASSWORD.as_bytes()).expect("a password"), engine);
        let cipher = |privacy| Cipher::new(privacy, &privacy_key(auth, privacy, &key, engine)).expect("a key");
        Arc::new(Keys { authenticator: Authenticator::new(auth, &key), cipher: privacy.map(cipher) })
    }
}

/// A message of SNMPv3 by its parts.
#[derive(Clone)]
pub struct Secure {
    pub message_id: i64,
    pub max_size: i64,
    pub flags: Vec<u8>,
    pub model: i64,
    pub engine: Vec<u8>,
    pub boots: i64,
    pub time: i64,
    pub user: Vec<u8>,
    pub keys: Option<Arc<Keys>>,
    /// The octets of the code, where they are not the protocol's.
    pub mac_octets: Option<usize>,
    pub salt: Vec<u8>,
    pub context_engine: Vec<u8>,
    pub context: Vec<u8>,
    pub pdu: Vec<u8>,
    /// So many octets behind the ScopedPDU are encrypted with it.
    pub behind: usize,
}

impl Secure {
    /// Discovery as managers do it.
    pub fn discovery() -> Secure {
        Secure {
            message_id: 4711,
            max_size: 65_507,
            flags: vec![4],
            model: 3,
            engine: Vec::new(),
            boots: 0,
            time: 0,
            user: Vec::new(),
            keys: None,
            mac_octets: None,
            salt: Vec::new(),
            context_engine: Vec::new(),
            context: Vec::new(),
            pdu: asking(GET, 0, 0, &[]),
            behind: 0,
        }
    }

    /// The octets.
    pub fn octets(&self) -> Vec<u8> {
        let scoped = [text(&self.context_engine), text(&self.context), self.pdu.clone()].concat();
        let mut data = element(0x30, &scoped);
        let flags = self.flags.first().copied().unwrap_or(0);
        if let (2, Some(cipher)) = (flags & 2, self.keys.as_ref().and_then(|keys| keys.cipher.as_ref())) {
            data.resize(cipher.padded_octets(data.len() + self.behind), 0);
            let number = |number: i64| u32::try_from(number).unwrap_or(0);
            let salt = self.salt.clone().try_into().unwrap_or([0; 8]);
            assert!(cipher.encrypt(number(self.boots), number(self.time), salt, &mut data));
            data = text(data);
        }
        let signs = self.keys.as_ref().filter(|_| flags & 1 == 1);
        let mac_octets = self.mac_octets.or(signs.map(|keys| keys.authenticator.mac_octets())).unwrap_or(0);
        let parameters = [
            text(&self.engine),
            integer(self.boots),
            integer(self.time),
            text(&self.user),
            text(vec![0; mac_octets]),
            text(&self.salt),
        ];
        let header = [integer(self.message_id), integer(self.max_size), text(&self.flags), integer(self.model)];
        let parts = [integer(3), element(0x30, &header.concat()), text(element(0x30, &parameters.concat())), data];
        let mut message = element(0x30, &parts.concat());
        if let Some(keys) = signs {
            sign(&mut message, &keys.authenticator);
        }
        message
    }
}

/// Writes the code that fits into a message, where it has room for one.
pub fn sign(message: &mut [u8], authenticator: &Authenticator) -> bool {
    let place = wire::version(message).ok().and_then(|(_, mut rest)| {
        v3::Header::read(&mut rest).ok()?;
        Some(v3::Parameters::read(message, &mut rest).ok()?.mac)
    });
    // What stands behind the message is not covered.
    let end = wire::whole(message).map_or(0, <[u8]>::len);
    place.is_some_and(|place| authenticator.sign(&mut message[..end], place))
}
