//! SNMPv3 messages: reading them, and sealing what goes back (RFC 3412, section 6; RFC 3414, section 2.4).
//!
//! Relies on [`wire`](super::wire) for BER. Who may ask for what is [`checks`](super::checks)'. A message's code covers
//! its octets as they came, whatever their form: nothing is encoded anew to check it.

use std::ops::Range;

use super::MAX_DATAGRAM;
use super::answer::{Front, element_octets, integer_octets};
use super::config::Level;
use super::usm::User;
use super::wire::{Malformed, Reader};
use crate::mib::{EngineClock, ber};

/// msgSecurityModel of USM.
pub const USM: i64 = 3;
/// The least msgMaxSize (RFC 3412, section 6).
const LEAST_MAX_SIZE: i64 = 484;
/// The longest user name, in octets.
const MOST_NAME_OCTETS: usize = 32;
/// The octets of a salt.
pub const SALT_OCTETS: usize = 8;

const AUTH: u8 = 1;
const PRIV: u8 = 2;
const REPORTABLE: u8 = 4;

/// msgGlobalData.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// msgID, echoed.
    pub message_id: i32,
    /// msgMaxSize: the most octets that the sender takes.
    pub max_size: usize,
    flags: u8,
    /// msgSecurityModel.
    pub model: i64,
}

impl Header {
    /// Whether the sender wants to be told why.
    pub fn is_reportable(&self) -> bool {
        self.flags & REPORTABLE != 0
    }

    /// The level; `None` where the flags contradict each other. Reserved bits are ignored.
    pub fn level(&self) -> Option<Level> {
        match self.flags & (AUTH | PRIV) {
            0 => Some(Level::NoAuthNoPriv),
            AUTH => Some(Level::AuthNoPriv),
            PRIV => None,
            _ => Some(Level::AuthPriv),
        }
    }

    /// Reads it; what follows stays in `rest`.
    pub fn read(rest: &mut Reader) -> Result<Header, Malformed> {
        let mut fields = Reader::new(rest.expect(ber::SEQUENCE)?);
        let message_id = non_negative(fields.integer()?)?;
        let max_size = i64::from(non_negative(fields.integer()?)?);
        let &[flags] = fields.expect(ber::OCTET_STRING)? else { return Err(Malformed) };
        let model = fields.integer()?;
        if fields.left() > 0 || max_size < LEAST_MAX_SIZE || !(1..=i64::from(i32::MAX)).contains(&model) {
            return Err(Malformed);
        }
        Ok(Header { message_id, max_size: usize::try_from(max_size).map_err(|_| Malformed)?, flags, model })
    }
}

fn non_negative(number: i64) -> Result<i32, Malformed> {
    i32::try_from(number).ok().filter(|number| *number >= 0).ok_or(Malformed)
}

/// UsmSecurityParameters.
#[derive(Debug, Clone)]
pub struct Parameters<'a> {
    /// msgAuthoritativeEngineID.
    pub engine_id: &'a [u8],
    /// msgAuthoritativeEngineBoots and msgAuthoritativeEngineTime.
    pub clock: EngineClock,
    /// msgUserName.
    pub user_name: &'a [u8],
    /// Where msgAuthenticationParameters is in the message.
    pub mac: Range<usize>,
    /// msgPrivacyParameters.
    pub salt: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// Reads them from the message of which `rest` is a part.
    pub fn read(message: &'a [u8], rest: &mut Reader<'a>) -> Result<Parameters<'a>, Malformed> {
        let mut outer = Reader::new(rest.expect(ber::OCTET_STRING)?);
        let mut fields = Reader::new(outer.expect(ber::SEQUENCE)?);
        if outer.left() > 0 {
            return Err(Malformed);
        }
        let engine_id = fields.expect(ber::OCTET_STRING)?;
        let mut number =
            || -> Result<u32, Malformed> { u32::try_from(non_negative(fields.integer()?)?).map_err(|_| Malformed) };
        let clock = EngineClock { boots: number()?, time: number()? };
        let user_name = fields.expect(ber::OCTET_STRING)?;
        let mac = fields.expect(ber::OCTET_STRING)?;
        let salt = fields.expect(ber::OCTET_STRING)?;
        if fields.left() > 0 || user_name.len() > MOST_NAME_OCTETS {
            return Err(Malformed);
        }
        Ok(Parameters { engine_id, clock, user_name, mac: range_in(message, mac)?, salt })
    }
}

/// Where a part of a message is in it.
fn range_in(message: &[u8], part: &[u8]) -> Result<Range<usize>, Malformed> {
    let start = part.as_ptr().addr().checked_sub(message.as_ptr().addr()).ok_or(Malformed)?;
    Ok(start..start + part.len())
}

/// ScopedPDU, with the PDU not yet read.
#[derive(Debug, Clone, Copy)]
pub struct Scoped<'a> {
    /// contextEngineID.
    pub engine_id: &'a [u8],
    /// contextName.
    pub context: &'a [u8],
    /// The PDU's tag.
    pub pdu_tag: u8,
    /// The PDU's content.
    pub pdu: &'a [u8],
}

impl<'a> Scoped<'a> {
    /// Reads it from its octets with tag and length. What is behind it is the padding of a cipher.
    pub fn read(octets: &'a [u8]) -> Result<Scoped<'a>, Malformed> {
        let mut fields = Reader::new(Reader::new(octets).expect(ber::SEQUENCE)?);
        let engine_id = fields.expect(ber::OCTET_STRING)?;
        let context = fields.expect(ber::OCTET_STRING)?;
        let (pdu_tag, pdu) = fields.element()?;
        if fields.left() > 0 {
            return Err(Malformed);
        }
        Ok(Scoped { engine_id, context, pdu_tag, pdu })
    }

    /// The PDU's request-id, which a Report repeats; zero where it can't be read.
    pub fn request_id(&self) -> i32 {
        Reader::new(self.pdu).integer().ok().and_then(|number| i32::try_from(number).ok()).unwrap_or(0)
    }
}

/// Everything around the PDU of a message that goes out.
#[derive(Debug, Clone, Copy)]
pub struct Seal<'a> {
    /// The authoritative engine, and the context's.
    pub engine_id: &'a [u8],
    /// Its time.
    pub clock: EngineClock,
    /// msgUserName.
    pub user_name: &'a [u8],
    /// Whose keys are used; `None` for a Report that nobody can be addressed in.
    pub user: Option<&'a User>,
    /// How safe the message is.
    pub level: Level,
    /// msgID.
    pub message_id: i32,
    /// msgPrivacyParameters, where it is encrypted.
    pub salt: [u8; SALT_OCTETS],
}

impl Seal<'_> {
    /// The octets of the code.
    pub fn mac_octets(&self) -> usize {
        if self.level == Level::NoAuthNoPriv {
            return 0;
        }
        self.user.and_then(|user| user.auth.as_ref()).map_or(0, |(auth, _)| auth.mac_octets())
    }

    fn is_private(&self) -> bool {
        self.level == Level::AuthPriv
    }

    fn padded_octets(&self, plain: usize) -> usize {
        let cipher = self.user.and_then(|user| user.privacy.as_ref());
        cipher.map_or(plain, |(cipher, _)| cipher.padded_octets(plain))
    }

    /// The octets of the whole message around a PDU of so many.
    pub fn message_octets(&self, pdu: usize) -> usize {
        let scoped = element_octets(element_octets(self.engine_id.len()) + element_octets(0) + pdu);
        let scoped = if self.is_private() { element_octets(self.padded_octets(scoped)) } else { scoped };
        let salt = if self.is_private() { SALT_OCTETS } else { 0 };
        let parameters = element_octets(self.engine_id.len())
            + integer_octets(self.clock.boots.into())
            + integer_octets(self.clock.time.into())
            + element_octets(self.user_name.len())
            + element_octets(self.mac_octets())
            + element_octets(salt);
        let parameters = element_octets(element_octets(parameters));
        let numbers = integer_octets(self.message_id.into()) + integer_octets(max_size());
        let header = element_octets(numbers + element_octets(1) + integer_octets(USM));
        element_octets(integer_octets(3) + header + parameters + scoped)
    }

    /// Puts everything around the PDU behind `front`, encrypts, and signs. False when the keys don't fit, and nothing may
    /// be sent.
    pub fn close(&self, mut front: Front) -> bool {
        front.octets(ber::OCTET_STRING, b"");
        front.octets(ber::OCTET_STRING, self.engine_id);
        front.header(ber::SEQUENCE);
        let mut salt: &[u8] = &[];
        if self.is_private() {
            let Some((cipher, _)) = self.user.and_then(|user| user.privacy.as_ref()) else { return false };
            let plain = front.octets_behind();
            front.pad(self.padded_octets(plain) - plain);
            if !cipher.encrypt(self.clock.boots, self.clock.time, self.salt, front.written()) {
                return false;
            }
            front.header(ber::OCTET_STRING);
            salt = &self.salt;
        }
        let scoped = front.octets_behind();
        front.octets(ber::OCTET_STRING, salt);
        // The longest code: SHA-512's. Zeros until the message is whole.
        let mac = &[0; 48][..self.mac_octets().min(48)];
        let behind_mac = front.octets_behind();
        front.octets(ber::OCTET_STRING, mac);
        front.octets(ber::OCTET_STRING, self.user_name);
        front.integer(self.clock.time.into());
        front.integer(self.clock.boots.into());
        front.octets(ber::OCTET_STRING, self.engine_id);
        front.header_of(ber::SEQUENCE, front.octets_behind() - scoped);
        front.header_of(ber::OCTET_STRING, front.octets_behind() - scoped);
        let parameters = front.octets_behind();
        front.integer(USM);
        front.octets(ber::OCTET_STRING, &[self.flags()]);
        front.integer(max_size());
        front.integer(self.message_id.into());
        front.header_of(ber::SEQUENCE, front.octets_behind() - parameters);
        front.integer(3);
        front.header(ber::SEQUENCE);
        let end = front.octets_behind() - behind_mac;
        let signed = match self.user.and_then(|user| user.auth.as_ref()) {
            Some((auth, _)) if !mac.is_empty() => auth.sign(front.written(), end - mac.len()..end),
            _ => self.level == Level::NoAuthNoPriv,
        };
        front.close();
        signed
    }

    fn flags(&self) -> u8 {
        match self.level {
            Level::NoAuthNoPriv => 0,
            Level::AuthNoPriv => AUTH,
            Level::AuthPriv => AUTH | PRIV,
        }
    }
}

fn max_size() -> i64 {
    i64::try_from(MAX_DATAGRAM).unwrap_or(i64::MAX)
}
