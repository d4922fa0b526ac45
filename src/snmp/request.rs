//! Requests: GET, GETNEXT, GETBULK and SET over one moment (RFC 3416, section 4.2), and the same for SNMPv1 (RFC 1157,
//! section 4.1; RFC 3584, section 4).
//!
//! Relies on a message whose sender has been admitted. Reads nothing but the moment: three names of one object in one
//! request have one value. SET is worked on in [`set`](super::set).

use std::sync::Arc;

use super::access::Rights;
use super::answer::{Answer, Envelope, ErrorStatus, Wrap, push_exception};
use super::checks::Version3;
use super::config::Level;
use super::record::Fate;
use super::set::Commit;
use super::usm::User;
use super::wire::{Bind, Pdu};
use super::{Moment, Scratch, Verdict, Version, wire};
use crate::mib::oid::{arcs_of_key, encode_arcs, subtree_end};
use crate::mib::{Counter, Counters, Cursor, EngineClock, Entry, Found, Key, Settings, ber};

/// The name 0.0, with tag and length.
const ZERO_NAME: &[u8] = &[ber::OBJECT_IDENTIFIER, 1, 0];

/// What a request is answered with.
pub struct Context<'a> {
    /// Who asks, and how.
    pub asker: Asker<'a>,
    /// What he may do and see.
    pub rights: &'a Rights,
    /// Whether he may ask anything, in this way.
    pub is_authorized: bool,
    /// The most octets that the answer may have.
    pub max_response: usize,
    /// Where a GETBULK's answer stops, in octets.
    pub bulk_octets: usize,
    /// What is asked about.
    pub moment: Moment<'a>,
}

/// Who asks, and so what goes around the answer.
#[derive(Debug, Clone, Copy)]
pub enum Asker<'a> {
    /// A community, in SNMPv1 or SNMPv2c.
    Community {
        /// The message's version.
        version: Version,
        /// The community.
        community: &'a [u8],
    },
    /// A user of SNMPv3, proven where the level says so.
    User {
        /// The engine that he asks.
        version3: &'a Version3,
        /// Who he is.
        user: &'a Arc<User>,
        /// How safe the message was.
        level: Level,
        /// msgID.
        message_id: i32,
    },
}

impl<'a> Asker<'a> {
    pub(super) fn version(self) -> Version {
        match self {
            Asker::Community { version, .. } => version,
            Asker::User { .. } => Version::V3,
        }
    }

    pub(super) fn wrap(self, clock: EngineClock) -> Wrap<'a> {
        match self {
            Asker::Community { version, community } => Wrap::Community { version, community },
            Asker::User { version3, user, level, message_id } => {
                Wrap::Seal(version3.seal(user, level, message_id, clock))
            }
        }
    }
}

/// Requests that are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Get,
    GetNext,
    GetBulk,
    Set,
}

/// What came of a request.
pub(super) enum Outcome {
    /// The list is written; so many instances were read.
    Read(u64),
    /// The settings as they would be; so many instances were set.
    Set(Box<Settings>, u64),
    /// An error, and the variable binding that it is about, from 1.
    Failed(ErrorStatus, usize),
}

impl Context<'_> {
    /// Reads the PDU and works on it.
    pub fn answer(&self, pdu_tag: u8, pdu: &[u8], scratch: &mut Scratch, out: &mut Vec<u8>) -> Verdict {
        let counters = self.moment.live.counters;
        let kind = match kind(pdu_tag, self.asker.version()) {
            Ok(kind) => kind,
            Err(counter) => {
                if let Some(counter) = counter {
                    counters.add(counter, 1);
                    scratch.record.fate = Fate::Refused(counter);
                }
                return Verdict::Silence;
            }
        };
        let Scratch { keys, binds, key, record, .. } = scratch;
        record.pdu = Some(kind.name());
        let Ok(pdu) = wire::pdu(pdu, keys, binds) else {
            counters.add(Counter::InAsnParseErrs, 1);
            record.fate = Fate::Refused(Counter::InAsnParseErrs);
            return Verdict::Silence;
        };
        counters.add(kind.counter(), 1);
        let wrap = self.asker.wrap(self.moment.live.engine);
        let envelope = Envelope { request_id: pdu.request_id, wrap };
        let mut answer = Answer::begin(envelope, self.max_response, out);
        let work = Work { context: self, pdu, keys, binds };
        let outcome = match kind {
            _ if !self.is_authorized => work.refuse(),
            Kind::Get => work.get(&mut answer),
            Kind::GetNext => work.get_next(key, &mut answer),
            Kind::GetBulk => work.get_bulk(&mut answer),
            Kind::Set => work.set(key, &mut answer),
        };
        let (status, index, read) = match outcome {
            Outcome::Set(settings, set) if set > 0 => {
                return Verdict::Commit(Box::new(Commit::new(&work, *settings, set)));
            }
            Outcome::Set(..) => (ErrorStatus::NoError, 0, 0),
            Outcome::Read(read) => (ErrorStatus::NoError, 0, read),
            Outcome::Failed(status, index) => (status, index, 0),
        };
        record.fate = finish(answer, pdu.list, status, index, counters);
        if !matches!(record.fate, Fate::Answered(_)) {
            return Verdict::Silence;
        }
        counters.add(Counter::InTotalReqVars, read);
        Verdict::Answer
    }
}

/// The request behind a tag, or what to count for one that gets no answer.
fn kind(tag: u8, version: Version) -> Result<Kind, Option<Counter>> {
    match (tag, version) {
        (0xa0, _) => Ok(Kind::Get),
        (0xa1, _) => Ok(Kind::GetNext),
        (0xa3, _) => Ok(Kind::Set),
        (0xa5, Version::V2c | Version::V3) => Ok(Kind::GetBulk),
        (0xa2, _) => Err(Some(Counter::InGetResponses)),
        (0xa4, Version::V1) | (0xa7, Version::V2c | Version::V3) => Err(Some(Counter::InTraps)),
        // An InformRequest or a Report is a well-formed message for another kind of entity.
        (0xa6 | 0xa8, Version::V2c | Version::V3) => Err(None),
        _ => Err(Some(Counter::InAsnParseErrs)),
    }
}

impl Kind {
    /// As RFC 3416 names it.
    fn name(self) -> &'static str {
        match self {
            Kind::Get => "GetRequest",
            Kind::GetNext => "GetNextRequest",
            Kind::GetBulk => "GetBulkRequest",
            Kind::Set => "SetRequest",
        }
    }

    fn counter(self) -> Counter {
        match self {
            Kind::Get => Counter::InGetRequests,
            Kind::GetNext => Counter::InGetNexts,
            Kind::GetBulk => Counter::GetBulkRequests,
            Kind::Set => Counter::InSetRequests,
        }
    }
}

/// Ends an answer, with the request's own list where there is an error; what doesn't fit becomes tooBig, and what even
/// so doesn't fit is dropped (RFC 3416, section 4.2.1). What became of the request; an answer is to be sent.
pub(super) fn finish(mut answer: Answer, list: &[u8], status: ErrorStatus, index: usize, counters: &Counters) -> Fate {
    let version = answer.version();
    if status != ErrorStatus::NoError {
        answer.truncate(0);
    }
    let too_big = status == ErrorStatus::TooBig;
    // RFC 1157, section 4.1.2, sends the list back; RFC 3416 an empty one with tooBig, which always fits.
    if status != ErrorStatus::NoError && (!too_big || version == Version::V1) {
        answer.list().extend_from_slice(list);
    }
    if !too_big && !answer.fits_with(status, index) {
        return finish(answer, list, ErrorStatus::TooBig, 0, counters);
    }
    let sent = answer.finish(status, if too_big { 0 } else { index });
    if !sent {
        counters.add(Counter::SilentDrops, 1);
        return Fate::Refused(Counter::SilentDrops);
    }
    counters.add(Counter::OutPkts, 1);
    counters.add(Counter::OutGetResponses, 1);
    match status.number(version) {
        1 => counters.add(Counter::OutTooBigs, 1),
        2 => counters.add(Counter::OutNoSuchNames, 1),
        3 => counters.add(Counter::OutBadValues, 1),
        5 => counters.add(Counter::OutGenErrs, 1),
        _ => {}
    }
    Fate::Answered(status)
}

/// A request with its bindings read.
pub(super) struct Work<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) pdu: Pdu<'a>,
    keys: &'a Key,
    pub(super) binds: &'a [Bind],
}

impl<'a> Work<'a> {
    /// A name's key.
    pub(super) fn key(&self, bind: &Bind) -> &'a [u8] {
        self.keys.get(bind.key.clone()).unwrap_or_default()
    }

    /// A name as it came; 0.0 for one without content, which is read but no receiver need take.
    fn name(&self, bind: &Bind) -> &'a [u8] {
        match bind.key.is_empty() {
            true => ZERO_NAME,
            false => self.pdu.list.get(bind.name.clone()).unwrap_or_default(),
        }
    }

    fn write(&self, entry: Entry, answer: &mut Answer) {
        entry.write_varbind(self.context.moment.live, answer.list());
    }

    /// RFC 3416, section 4.2.1.
    fn get(&self, answer: &mut Answer) -> Outcome {
        let (view, ranges) = (self.context.moment.view, &self.context.rights.ranges);
        let (mut read, mut near) = (0, 0);
        for (index, bind) in (1..).zip(self.binds) {
            let exception = match view.get(self.key(bind), ranges, &mut near) {
                Found::Value(entry) if self.carries(entry) => {
                    self.write(entry, answer);
                    read += 1;
                    None
                }
                Found::Value(_) | Found::NoSuchObject => Some(ber::NO_SUCH_OBJECT),
                Found::NoSuchInstance => Some(ber::NO_SUCH_INSTANCE),
            };
            if let Some(tag) = exception {
                if self.context.asker.version() == Version::V1 {
                    return Outcome::Failed(ErrorStatus::NoSuchName, index);
                }
                push_exception(self.name(bind), tag, answer.list());
            }
            if !answer.fits() {
                return Outcome::Failed(ErrorStatus::TooBig, 0);
            }
        }
        Outcome::Read(read)
    }

    /// SNMPv1 has no Counter64 (RFC 3584, section 4.2.2.1).
    fn carries(&self, entry: Entry) -> bool {
        self.context.asker.version() != Version::V1 || entry.value_tag() != ber::COUNTER64
    }

    /// RFC 3416, section 4.2.2.
    fn get_next(&self, scratch: &mut Key, answer: &mut Answer) -> Outcome {
        let mut read = 0;
        for (index, bind) in (1..).zip(self.binds) {
            match self.next(self.key(bind), scratch) {
                Some(cursor) => {
                    self.write(cursor.entry(), answer);
                    read += 1;
                }
                None if self.context.asker.version() == Version::V1 => {
                    return Outcome::Failed(ErrorStatus::NoSuchName, index);
                }
                None => push_exception(self.name(bind), ber::END_OF_MIB_VIEW, answer.list()),
            }
            if !answer.fits() {
                return Outcome::Failed(ErrorStatus::TooBig, 0);
            }
        }
        Outcome::Read(read)
    }

    /// The next instance that this version can carry. A column of Counter64 is passed in one step, as all its instances
    /// have one type: a request for many rows of such columns costs no more than one for others.
    fn next(&self, key: &[u8], scratch: &mut Key) -> Option<Cursor<'a>> {
        let (view, ranges) = (self.context.moment.view, &self.context.rights.ranges);
        let mut cursor = view.next(key, ranges)?;
        while !self.carries(cursor.entry()) {
            let passed = cursor.entry().key();
            match view.object_type(passed) {
                Some(length) => {
                    // No instance has exactly this key: an instance has more than its object type.
                    *scratch = subtree_end(passed.get(..length).unwrap_or(passed));
                    cursor = view.next(scratch, ranges)?;
                }
                None if cursor.advance(ranges) => {}
                None => return None,
            }
        }
        Some(cursor)
    }

    /// RFC 3416, section 4.2.3. Work and memory are bounded by the size of the answer, whatever max-repetitions says.
    fn get_bulk(&self, answer: &mut Answer) -> Outcome {
        let (view, ranges) = (self.context.moment.view, &self.context.rights.ranges);
        let non_repeaters = usize::try_from(self.pdu.first).unwrap_or(0).min(self.binds.len());
        let repetitions = u64::try_from(self.pdu.second).unwrap_or(0);
        let (once, repeated) = self.binds.split_at(non_repeaters);
        let mut read = 0;
        for bind in once {
            let found = view.next(self.key(bind), ranges);
            if !self.push_bulk(bind, found, found.is_none(), usize::MAX, answer) {
                return cut(answer, read);
            }
            read += u64::from(found.is_some());
        }
        if repetitions == 0 || repeated.is_empty() {
            return Outcome::Read(read);
        }
        if let [bind] = repeated {
            return self.walk(bind, repetitions, read, answer);
        }
        // The last instance of each repeater, and whether it is the last one there is.
        let mut places: Vec<(Option<Cursor>, bool)> = repeated.iter().map(|_| (None, false)).collect();
        let later_limit = answer.most_list_octets(self.context.bulk_octets);
        for repetition in 0..repetitions {
            let limit = if repetition == 0 { usize::MAX } else { later_limit };
            let mut all_ended = true;
            for (bind, (last, ended)) in repeated.iter().zip(&mut places) {
                if repetition == 0 {
                    *last = view.next(self.key(bind), ranges);
                    *ended = last.is_none();
                } else if let (Some(cursor), false) = (*last, *ended) {
                    let mut moved = cursor;
                    *ended = !moved.advance(ranges);
                    *last = Some(if *ended { cursor } else { moved });
                }
                if !self.push_bulk(bind, *last, *ended, limit, answer) {
                    return cut(answer, read);
                }
                read += u64::from(!*ended);
                all_ended &= *ended;
            }
            if all_ended {
                break;
            }
        }
        Outcome::Read(read)
    }

    /// A GETBULK of one repeater, as walks send it: instances that stand side by side are copied together.
    fn walk(&self, bind: &Bind, repetitions: u64, mut read: u64, answer: &mut Answer) -> Outcome {
        let (view, ranges) = (self.context.moment.view, &self.context.rights.ranges);
        let first = view.next(self.key(bind), ranges);
        if !self.push_bulk(bind, first, first.is_none(), usize::MAX, answer) {
            return cut(answer, read);
        }
        let Some(mut cursor) = first else { return Outcome::Read(read) };
        let most = answer.most_list_octets(self.context.bulk_octets);
        let end = read.saturating_add(repetitions);
        read += 1;
        while read < end {
            let last = cursor;
            if !cursor.advance(ranges) {
                // Where it doesn't fit, the next request is told.
                self.push_bulk(bind, Some(last), true, most, answer);
                break;
            }
            let room = most.saturating_sub(answer.list_octets());
            match cursor.copy_run(ranges, end - read, room, answer.list()) {
                0 if self.push_bulk(bind, Some(cursor), false, most, answer) => read += 1,
                0 => break,
                copied => read += copied,
            }
        }
        Outcome::Read(read)
    }

    /// Appends an instance, or endOfMibView under the last name that there was; takes it back and says false where the
    /// list is then longer than `limit`, or the answer than it may be.
    fn push_bulk(&self, bind: &Bind, last: Option<Cursor>, ended: bool, limit: usize, answer: &mut Answer) -> bool {
        let before = answer.list_octets();
        match last {
            Some(cursor) if !ended => self.write(cursor.entry(), answer),
            Some(cursor) => push_exception(&name_of_key(cursor.entry().key()), ber::END_OF_MIB_VIEW, answer.list()),
            None => push_exception(self.name(bind), ber::END_OF_MIB_VIEW, answer.list()),
        }
        let fits = match limit {
            usize::MAX => answer.fits(),
            most => answer.list_octets() <= most,
        };
        if !fits {
            answer.truncate(before);
        }
        fits
    }

    /// A user who asks less safely than he must, or may not ask at all (RFC 3413, section 3.2).
    fn refuse(&self) -> Outcome {
        self.context.moment.live.counters.add(Counter::AuthorizationErrors, 1);
        Outcome::Failed(ErrorStatus::AuthorizationError, 0)
    }
}

/// A GETBULK that is full: what fitted is the answer (RFC 3416, section 4.2.3), unless nothing did.
fn cut(answer: &Answer, read: u64) -> Outcome {
    if answer.list_octets() == 0 { Outcome::Failed(ErrorStatus::TooBig, 0) } else { Outcome::Read(read) }
}

/// An OID with tag and length, from its key.
fn name_of_key(key: &[u8]) -> Vec<u8> {
    let (mut content, mut name) = (Vec::new(), Vec::new());
    encode_arcs(&arcs_of_key(key), &mut content);
    ber::push_octets(ber::OBJECT_IDENTIFIER, &content, &mut name);
    name
}
