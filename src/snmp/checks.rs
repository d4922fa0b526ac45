//! The checks that an SNMPv3 message passes before its PDU is worked on, in the order of RFC 3412, section 7.2, and RFC
//! 3414, section 3.2. A message that fails one names the counter to raise and the Report to send, together.

use std::sync::Arc;

use super::config::Level;
use super::record::{Record, Who};
use super::usm::{Salts, User, Users};
use super::v3::{Header, Parameters, SALT_OCTETS, Scoped, Seal, USM};
use super::wire::Reader;
use crate::mib::{Counter, EngineClock, ber};

/// How far a message's time may be from ours, in seconds (RFC 3414, section 2.2.3).
const TIME_WINDOW: u32 = 150;

/// What SNMPv3 needs of this engine.
#[derive(Debug, Clone)]
pub struct Version3 {
    /// snmpEngineID.
    pub engine_id: Arc<[u8]>,
    /// Who may ask.
    pub users: Users,
    /// For what is encrypted.
    pub salts: Arc<Salts>,
}

/// A message that passed.
pub struct Admitted<'a> {
    /// Whose it is.
    pub user: &'a Arc<User>,
    /// How safe it was.
    pub level: Level,
    /// What is asked.
    pub scoped: Scoped<'a>,
}

/// Why a message is not worked on.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// What is counted.
    pub counter: Counter,
    /// What its sender is told, if he may be.
    pub report: Option<Report<'a>>,
}

/// A Report, but for its one variable.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// How safe it is.
    pub level: Level,
    /// Whose keys it is made with, where it is safe.
    pub user: Option<&'a User>,
    /// msgUserName, as it came.
    pub user_name: &'a [u8],
    /// The request-id, or zero.
    pub request_id: i32,
}

/// The message behind its header, as the checks go through it.
struct Arrived<'a> {
    message: &'a [u8],
    parameters: Parameters<'a>,
    data: Data<'a>,
}

/// msgData.
#[derive(Clone, Copy)]
enum Data<'a> {
    Plain(&'a [u8]),
    Encrypted(&'a [u8]),
}

/// A message that gets no answer.
fn dropped(counter: Counter) -> Refusal<'static> {
    Refusal { counter, report: None }
}

impl Version3 {
    /// Goes through the checks. `rest` is what follows the header in `message`; `plain` takes what is decrypted.
    pub fn check<'a>(
        &'a self,
        message: &'a [u8],
        header: &Header,
        rest: Reader<'a>,
        clock: EngineClock,
        plain: &'a mut Vec<u8>,
        record: &mut Record,
    ) -> Result<Admitted<'a>, Refusal<'a>> {
        if header.model != USM {
            return Err(dropped(Counter::UnknownSecurityModels));
        }
        let level = header.level().ok_or(dropped(Counter::InvalidMsgs))?;
        record.level = level;
        let arrived = Arrived::read(message, rest, level).ok_or(dropped(Counter::InAsnParseErrs))?;
        if *arrived.parameters.engine_id != *self.engine_id {
            return Err(arrived.unsafe_report(Counter::UnknownEngineIds));
        }
        let place = self.users.place(arrived.parameters.user_name);
        let user = place.and_then(|place| self.users.get(place));
        let user = user.ok_or_else(|| arrived.unsafe_report(Counter::UnknownUserNames))?;
        record.who = place.map_or(Who::Nobody, Who::User);
        if level > user.most() {
            return Err(arrived.unsafe_report(Counter::UnsupportedSecLevels));
        }
        if level > Level::NoAuthNoPriv {
            arrived.is_authentic(user)?;
            arrived.is_timely(user, clock)?;
        }
        let scoped = arrived.scoped(user, plain)?;
        let report = |counter| {
            let report = Report { level, user: Some(user), user_name: &user.name, request_id: scoped.request_id() };
            Refusal { counter, report: is_confirmed(scoped.pdu_tag).then_some(report) }
        };
        if *scoped.engine_id != *self.engine_id {
            return Err(report(Counter::UnknownPduHandlers));
        }
        // There is one context, the default one.
        if !scoped.context.is_empty() {
            return Err(report(Counter::UnknownContexts));
        }
        Ok(Admitted { user, level, scoped })
    }

    /// Everything around an answer to this user.
    pub fn seal<'a>(&'a self, user: &'a User, level: Level, message_id: i32, clock: EngineClock) -> Seal<'a> {
        let salt = match &user.privacy {
            Some((cipher, _)) if level == Level::AuthPriv => self.salts.next(cipher.protocol(), clock.boots),
            _ => [0; SALT_OCTETS],
        };
        Seal { engine_id: &self.engine_id, clock, user_name: &user.name, user: Some(user), level, message_id, salt }
    }

    /// Everything around a Report.
    pub fn seal_report<'a>(&'a self, report: &Report<'a>, message_id: i32, clock: EngineClock) -> Seal<'a> {
        match report.user {
            Some(user) => self.seal(user, report.level, message_id, clock),
            None => Seal {
                engine_id: &self.engine_id,
                clock,
                user_name: report.user_name,
                user: None,
                level: Level::NoAuthNoPriv,
                message_id,
                salt: [0; SALT_OCTETS],
            },
        }
    }
}

impl<'a> Arrived<'a> {
    /// Reads what follows the header; `None` where it is malformed.
    fn read(message: &'a [u8], mut rest: Reader<'a>, level: Level) -> Option<Arrived<'a>> {
        let parameters = Parameters::read(message, &mut rest).ok()?;
        let data = match level {
            Level::AuthPriv => Data::Encrypted(rest.expect(ber::OCTET_STRING).ok()?),
            _ => {
                let plain = rest.octets();
                rest.expect(ber::SEQUENCE).ok()?;
                Data::Plain(plain)
            }
        };
        (rest.left() == 0).then_some(Arrived { message, parameters, data })
    }

    /// A Report that anybody may read and nobody can trust. A PDU that is read to be of the unconfirmed class gets none.
    fn unsafe_report(&self, counter: Counter) -> Refusal<'a> {
        let scoped = match self.data {
            Data::Plain(octets) => Scoped::read(octets).ok(),
            Data::Encrypted(_) => None,
        };
        let report = Report {
            level: Level::NoAuthNoPriv,
            user: None,
            user_name: self.parameters.user_name,
            request_id: scoped.map_or(0, |scoped| scoped.request_id()),
        };
        let confirmed = scoped.is_none_or(|scoped| is_confirmed(scoped.pdu_tag));
        Refusal { counter, report: confirmed.then_some(report) }
    }

    /// RFC 3414, section 3.2, step 6. The code's length is the protocol's, whatever the message says.
    fn is_authentic(&self, user: &User) -> Result<(), Refusal<'a>> {
        match &user.auth {
            Some((auth, _)) if auth.verify(self.message, self.parameters.mac.clone()) => Ok(()),
            _ => Err(self.unsafe_report(Counter::WrongDigests)),
        }
    }

    /// RFC 3414, section 3.2, step 7a. The Report is authentic, since managers set their clocks by it.
    fn is_timely(&self, user: &'a User, clock: EngineClock) -> Result<(), Refusal<'a>> {
        let theirs = self.parameters.clock;
        let same_boots = theirs.boots == clock.boots && clock.boots != EngineClock::LATCHED;
        if same_boots && theirs.time.abs_diff(clock.time) <= TIME_WINDOW {
            return Ok(());
        }
        let mut refusal = self.unsafe_report(Counter::NotInTimeWindows);
        refusal.report = refusal.report.map(|report| Report { level: Level::AuthNoPriv, user: Some(user), ..report });
        Err(refusal)
    }

    /// RFC 3414, section 3.2, step 8. What doesn't come out as a ScopedPDU was encrypted with another key.
    fn scoped(&self, user: &User, plain: &'a mut Vec<u8>) -> Result<Scoped<'a>, Refusal<'a>> {
        let octets = match self.data {
            Data::Plain(octets) => return Scoped::read(octets).map_err(|_| dropped(Counter::InAsnParseErrs)),
            Data::Encrypted(octets) => octets,
        };
        let failed = || self.unsafe_report(Counter::DecryptionErrors);
        let (cipher, _) = user.privacy.as_ref().ok_or_else(failed)?;
        let salt: &[u8; SALT_OCTETS] = self.parameters.salt.try_into().map_err(|_| failed())?;
        plain.clear();
        plain.extend_from_slice(octets);
        let EngineClock { boots, time } = self.parameters.clock;
        if !cipher.decrypt(boots, time, salt, plain) {
            return Err(failed());
        }
        Scoped::read(plain).map_err(|_| failed())
    }
}

/// Whether a PDU asks for an answer (RFC 3411, section 2.8).
fn is_confirmed(pdu_tag: u8) -> bool {
    matches!(pdu_tag, 0xa0 | 0xa1 | 0xa3 | 0xa5 | 0xa6)
}
