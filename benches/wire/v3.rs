//! SNMPv3 with authentication and privacy, SHA-256 and AES-128, from a manager's side: discovery (RFC 3414, section 4),
//! then requests that are each encrypted and signed anew, and answers that are each verified and decrypted.
//!
//! The cryptography is the library's own, which is held against the RFCs' known answers; the message around it is
//! written here, and Net-SNMP's agent, which is measured with the same messages, is its judge.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use vitalsd::snmp::usm::{AuthProtocol, Authenticator, Cipher, PrivProtocol, localize, master_key, privacy_key};

use super::agents::{PASSWORDS, USER};
use super::load::connect;
use super::packets::{Answer, FIRST_ID, Messages, Question, Reader, answer, element};

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
/// msgFlags: reportable, encrypted, authenticated (RFC 3412, section 6.4).
const FLAGS_NONE: u8 = 0x04;
const FLAGS_PRIVATE: u8 = 0x07;
const SALT_OCTETS: usize = 8;

/// What an engine says of itself.
struct Engine {
    id: Vec<u8>,
    boots: u32,
    time: u32,
}

/// Requests of one user at one engine.
pub struct Private {
    authenticator: Authenticator,
    cipher: Cipher,
    boots: u32,
    time: u32,
    salt: u64,
    /// A message that is neither encrypted nor signed yet, and the places of what changes.
    template: Vec<u8>,
    message_id_at: usize,
    mac_at: usize,
    salt_at: usize,
    scoped_at: usize,
    request_id_at: usize,
}

impl Private {
    /// Asks the engine who it is and localizes the keys; `None` where it doesn't speak SNMPv3.
    ///
    /// The engine's time is taken once: a run is shorter than the 150 seconds that it may be off.
    pub fn discover(target: SocketAddr, question: &Question) -> io::Result<Option<Private>> {
        let Some(engine) = discover(target)? else { return Ok(None) };
        let (auth, privacy) = (AuthProtocol::Sha256, PrivProtocol::Aes128);
        let failed = || io::Error::other("the benchmark's passwords make no keys");
        let key = |password: &str| {
            master_key(auth, password.as_bytes()).map(|master| localize(auth, &master, &engine.id)).ok_or_else(failed)
        };
        let authenticator = Authenticator::new(auth, &key(PASSWORDS.0)?);
        let cipher = Cipher::new(privacy, &privacy_key(auth, privacy, &key(PASSWORDS.1)?, &engine.id));
        let cipher = cipher.ok_or_else(failed)?;

        let pdu = question.pdu(FIRST_ID);
        let scoped = scoped(&engine.id, &pdu);
        let mac_octets = authenticator.mac_octets();
        let security = security(&engine, USER, mac_octets, SALT_OCTETS);
        let template = message(FLAGS_PRIVATE, &security, &element(OCTET_STRING, &scoped));
        // From the end: the scoped PDU, its header, the salt, its header, the code.
        let scoped_at = template.len() - scoped.len();
        let header = element(OCTET_STRING, &scoped).len() - scoped.len();
        let salt_at = scoped_at - header - SALT_OCTETS;
        let mac_at = salt_at - 2 - mac_octets;
        let outer = Reader(&template).expect(SEQUENCE).map_or(0, <[u8]>::len);
        // From the start: the version, the header's tag and length, the tag and length of msgID.
        let message_id_at = template.len() - outer + 3 + 2 + 2;
        let content = Reader(&pdu).element().map_or(0, |(_, content)| content.len());
        let request_id_at = template.len() - content + 2;
        let (boots, time) = (engine.boots, engine.time);
        let places = Private {
            authenticator,
            cipher,
            boots,
            time,
            salt: u64::from(time) << 32,
            template,
            message_id_at,
            mac_at,
            salt_at,
            scoped_at,
            request_id_at,
        };
        Ok(Some(places))
    }

    /// Verifies and decrypts; where the scoped PDU is.
    fn open(&self, datagram: &mut [u8]) -> Option<usize> {
        let total = datagram.len();
        let mut message = Reader(Reader(datagram).expect(SEQUENCE)?);
        message.expect(INTEGER).filter(|version| *version == [3])?;
        message.expect(SEQUENCE)?;
        let mut security = Reader(Reader(message.expect(OCTET_STRING)?).expect(SEQUENCE)?);
        let security_end = total - message.0.len();
        security.expect(OCTET_STRING)?;
        let (boots, time) = (number(security.expect(INTEGER)?), number(security.expect(INTEGER)?));
        security.expect(OCTET_STRING).filter(|user| *user == USER.as_bytes())?;
        let mac = security.expect(OCTET_STRING)?.len();
        let salt: [u8; SALT_OCTETS] = security.expect(OCTET_STRING)?.try_into().ok()?;
        let mac_end = security_end.checked_sub(SALT_OCTETS + 2)?;
        let scoped_at = total - message.expect(OCTET_STRING)?.len();
        let authentic = self.authenticator.verify(datagram, mac_end.checked_sub(mac)?..mac_end);
        let decrypted = authentic && self.cipher.decrypt(boots, time, &salt, &mut datagram[scoped_at..]);
        decrypted.then_some(scoped_at)
    }
}

impl Messages for Private {
    fn write(&mut self, id: u32, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.template);
        for place in [self.message_id_at, self.request_id_at] {
            out[place..place + 4].copy_from_slice(&id.to_be_bytes());
        }
        self.salt += 1;
        let salt = self.salt.to_be_bytes();
        out[self.salt_at..self.salt_at + SALT_OCTETS].copy_from_slice(&salt);
        let encrypted = self.cipher.encrypt(self.boots, self.time, salt, &mut out[self.scoped_at..]);
        let signed = self.authenticator.sign(out, self.mac_at..self.mac_at + self.authenticator.mac_octets());
        assert!(encrypted && signed, "the template has room for what it must carry");
    }

    fn read<'d>(&mut self, datagram: &'d mut [u8]) -> Option<Answer<'d>> {
        let scoped_at = self.open(datagram)?;
        let mut scoped = Reader(Reader(datagram.get(scoped_at..)?).expect(SEQUENCE)?);
        scoped.expect(OCTET_STRING)?;
        scoped.expect(OCTET_STRING)?;
        answer(scoped.0)
    }
}

/// Sends a request to no engine in particular; the Report that comes back says which one it is.
fn discover(target: SocketAddr) -> io::Result<Option<Engine>> {
    let nobody = Engine { id: Vec::new(), boots: 0, time: 0 };
    let scoped = scoped(&[], &Question::get(&[]).pdu(FIRST_ID));
    let request = message(FLAGS_NONE, &security(&nobody, "", 0, 0), &scoped);
    let socket = connect(target)?;
    socket.set_read_timeout(Some(Duration::from_millis(300)))?;
    let mut buffer = vec![0; 65_536];
    for _ in 0..3 {
        socket.send(&request)?;
        if let Ok(length) = socket.recv(&mut buffer) {
            return Ok(engine(&buffer[..length]));
        }
    }
    Ok(None)
}

/// The engine that a message is of.
fn engine(datagram: &[u8]) -> Option<Engine> {
    let mut message = Reader(Reader(datagram).expect(SEQUENCE)?);
    message.expect(INTEGER)?;
    message.expect(SEQUENCE)?;
    let mut security = Reader(Reader(message.expect(OCTET_STRING)?).expect(SEQUENCE)?);
    let id = security.expect(OCTET_STRING)?.to_vec();
    let (boots, time) = (number(security.expect(INTEGER)?), number(security.expect(INTEGER)?));
    Some(Engine { id, boots, time })
}

fn number(content: &[u8]) -> u32 {
    content.iter().fold(0, |number, &octet| number << 8 | u32::from(octet))
}

/// An INTEGER in its shortest form.
fn integer(number: u32) -> Vec<u8> {
    let octets = [&[0][..], &number.to_be_bytes()].concat();
    let padding = octets.windows(2).take_while(|pair| pair[0] == 0 && pair[1] < 0x80).count();
    element(INTEGER, &octets[padding..])
}

/// RFC 3412, section 6.8, with the default context.
fn scoped(engine: &[u8], pdu: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[element(OCTET_STRING, engine), element(OCTET_STRING, &[]), pdu.to_vec()].concat())
}

/// RFC 3414, section 2.4, with zeros where the code and the salt go.
fn security(engine: &Engine, user: &str, mac_octets: usize, salt_octets: usize) -> Vec<u8> {
    let parts = [
        element(OCTET_STRING, &engine.id),
        integer(engine.boots),
        integer(engine.time),
        element(OCTET_STRING, user.as_bytes()),
        element(OCTET_STRING, &vec![0; mac_octets]),
        element(OCTET_STRING, &vec![0; salt_octets]),
    ];
    element(SEQUENCE, &parts.concat())
}

/// RFC 3412, section 6.
fn message(flags: u8, security: &[u8], scoped: &[u8]) -> Vec<u8> {
    let header = [
        element(INTEGER, &FIRST_ID.to_be_bytes()),
        integer(65_507),
        element(OCTET_STRING, &[flags]),
        // The User-based Security Model.
        element(INTEGER, &[3]),
    ];
    let parts =
        [element(INTEGER, &[3]), element(SEQUENCE, &header.concat()), element(OCTET_STRING, security), scoped.to_vec()];
    element(SEQUENCE, &parts.concat())
}
