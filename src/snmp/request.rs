//! Requests: GET, GETNEXT, GETBULK and SET over one moment (RFC 3416, section 4.2), and the same for SNMPv1 (RFC 1157,
//! section 4.1; RFC 3584, section 4).
//!
//! Relies on a message whose community has been admitted. Reads nothing but the moment: three names of one object in one
//! request have one value. SET applies everything to a copy of the settings; the caller stores the copy and then sends
//! the answer that goes with what came of it, so that there is nothing to undo.

use super::answer::{Answer, Envelope, ErrorStatus, push_exception};
use super::community::Identity;
use super::config::Access;
use super::wire::{Bind, Message, Pdu};
use super::{Moment, Scratch, Verdict, Version, wire};
use crate::mib::oid::{arcs_of_key, encode_arcs, subtree_end};
use crate::mib::{Counter, Counters, Cursor, Entry, Found, Key, Live, SetError, Settings, ber, settings};

/// Where a GETBULK's answer stops once it has one repetition, in octets: it then crosses any usual path in one packet.
/// A first repetition that is larger goes out whole, as managers ask for rows.
pub const BULK_OCTETS: usize = 1_400;

/// What a request is answered with.
pub struct Context<'a> {
    /// The version of the message.
    pub version: Version,
    /// Who asks.
    pub identity: &'a Identity,
    /// The most octets that the answer may have.
    pub max_response: usize,
    /// What is asked about.
    pub moment: Moment<'a>,
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
enum Outcome {
    /// The list is written; so many instances were read.
    Read(u64),
    /// The settings as they would be; so many instances were set.
    Set(Box<Settings>, u64),
    /// An error, and the variable binding that it is about, from 1.
    Failed(ErrorStatus, usize),
}

impl Context<'_> {
    /// Reads the PDU and works on it.
    pub fn answer(&self, message: Message, scratch: &mut Scratch, out: &mut Vec<u8>) -> Verdict {
        let counters = self.moment.live.counters;
        let kind = match kind(message.pdu_tag, self.version) {
            Ok(kind) => kind,
            Err(counter) => {
                if let Some(counter) = counter {
                    counters.add(counter, 1);
                }
                return Verdict::Silence;
            }
        };
        let Scratch { keys, binds, key } = scratch;
        let Ok(pdu) = wire::pdu(message.pdu, keys, binds) else {
            counters.add(Counter::InAsnParseErrs, 1);
            return Verdict::Silence;
        };
        counters.add(kind.counter(), 1);
        let envelope = Envelope { version: self.version, community: message.community, request_id: pdu.request_id };
        let mut answer = Answer::begin(envelope, self.max_response, out);
        let work = Work { context: self, pdu, keys, binds };
        let outcome = match kind {
            Kind::Get => work.get(&mut answer),
            Kind::GetNext => work.get_next(key, &mut answer),
            Kind::GetBulk => work.get_bulk(&mut answer),
            Kind::Set => work.set(key, &mut answer),
        };
        match outcome {
            Outcome::Read(read) => {
                let sent = finish(answer, pdu.list, ErrorStatus::NoError, 0, counters);
                if sent {
                    counters.add(Counter::InTotalReqVars, read);
                }
                if sent { Verdict::Answer } else { Verdict::Silence }
            }
            Outcome::Failed(status, index) => {
                if finish(answer, pdu.list, status, index, counters) {
                    Verdict::Answer
                } else {
                    Verdict::Silence
                }
            }
            Outcome::Set(_, 0) => {
                if finish(answer, pdu.list, ErrorStatus::NoError, 0, counters) {
                    Verdict::Answer
                } else {
                    Verdict::Silence
                }
            }
            Outcome::Set(settings, set) => Verdict::Commit(Box::new(Commit {
                settings: *settings,
                set,
                version: self.version,
                community: message.community.to_vec(),
                request_id: pdu.request_id,
                list: pdu.list.to_vec(),
                max_response: self.max_response,
            })),
        }
    }
}

/// The request behind a tag, or what to count for one that gets no answer.
fn kind(tag: u8, version: Version) -> Result<Kind, Option<Counter>> {
    match (tag, version) {
        (0xa0, _) => Ok(Kind::Get),
        (0xa1, _) => Ok(Kind::GetNext),
        (0xa3, _) => Ok(Kind::Set),
        (0xa5, Version::V2c) => Ok(Kind::GetBulk),
        (0xa2, _) => Err(Some(Counter::InGetResponses)),
        (0xa4, Version::V1) | (0xa7, Version::V2c) => Err(Some(Counter::InTraps)),
        // An InformRequest or a Report is a well-formed message for another kind of entity.
        (0xa6 | 0xa8, Version::V2c) => Err(None),
        _ => Err(Some(Counter::InAsnParseErrs)),
    }
}

impl Kind {
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
/// so doesn't fit is dropped (RFC 3416, section 4.2.1). False when nothing is to be sent.
fn finish(mut answer: Answer, list: &[u8], status: ErrorStatus, index: usize, counters: &Counters) -> bool {
    let version = answer.version();
    // RFC 1157, section 4.1.2, sends the list back; RFC 3416 an empty one, which always fits.
    let echoes = status != ErrorStatus::NoError && !(status == ErrorStatus::TooBig && version == Version::V2c);
    if status != ErrorStatus::NoError {
        answer.truncate(0);
    }
    if echoes {
        answer.list().extend_from_slice(list);
    }
    let too_big = status == ErrorStatus::TooBig;
    let sent = answer.finish(status, if too_big { 0 } else { index });
    if !sent {
        counters.add(Counter::SilentDrops, 1);
        return false;
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
    true
}

/// A request with its bindings read.
struct Work<'a> {
    context: &'a Context<'a>,
    pdu: Pdu<'a>,
    keys: &'a Key,
    binds: &'a [Bind],
}

impl<'a> Work<'a> {
    fn key(&self, bind: &Bind) -> &'a [u8] {
        self.keys.get(bind.key.clone()).unwrap_or_default()
    }

    fn name(&self, bind: &Bind) -> &'a [u8] {
        self.pdu.list.get(bind.name.clone()).unwrap_or_default()
    }

    fn write(&self, entry: Entry, answer: &mut Answer) {
        entry.write_varbind(self.context.moment.live, answer.list());
    }

    /// RFC 3416, section 4.2.1.
    fn get(&self, answer: &mut Answer) -> Outcome {
        let (view, ranges) = (self.context.moment.view, &self.context.identity.ranges);
        let mut read = 0;
        for (index, bind) in (1..).zip(self.binds) {
            let exception = match view.get(self.key(bind), ranges) {
                Found::Value(entry) if self.carries(entry) => {
                    self.write(entry, answer);
                    read += 1;
                    None
                }
                Found::Value(_) | Found::NoSuchObject => Some(ber::NO_SUCH_OBJECT),
                Found::NoSuchInstance => Some(ber::NO_SUCH_INSTANCE),
            };
            if let Some(tag) = exception {
                if self.context.version == Version::V1 {
                    return Outcome::Failed(ErrorStatus::NoSuchName, index);
                }
                push_exception(self.name(bind), tag, answer.list());
            }
            if !answer.fits(usize::MAX) {
                return Outcome::Failed(ErrorStatus::TooBig, 0);
            }
        }
        Outcome::Read(read)
    }

    /// SNMPv1 has no Counter64 (RFC 3584, section 4.2.2.1).
    fn carries(&self, entry: Entry) -> bool {
        self.context.version == Version::V2c || entry.value_tag() != ber::COUNTER64
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
                None if self.context.version == Version::V1 => return Outcome::Failed(ErrorStatus::NoSuchName, index),
                None => push_exception(self.name(bind), ber::END_OF_MIB_VIEW, answer.list()),
            }
            if !answer.fits(usize::MAX) {
                return Outcome::Failed(ErrorStatus::TooBig, 0);
            }
        }
        Outcome::Read(read)
    }

    /// The next instance that this version can carry. A column of Counter64 is passed in one step, as all its instances
    /// have one type: a request for many rows of such columns costs no more than one for others.
    fn next(&self, key: &[u8], scratch: &mut Key) -> Option<Cursor<'a>> {
        let (view, ranges) = (self.context.moment.view, &self.context.identity.ranges);
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
        let (view, ranges) = (self.context.moment.view, &self.context.identity.ranges);
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
        // The last instance of each repeater, and whether it is the last one there is.
        let mut places: Vec<(Option<Cursor>, bool)> = repeated.iter().map(|_| (None, false)).collect();
        for repetition in 0..repetitions {
            let limit = if repetition == 0 { usize::MAX } else { BULK_OCTETS };
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

    /// Appends an instance, or endOfMibView under the last name that there was; takes it back and says false where it
    /// doesn't fit.
    fn push_bulk(&self, bind: &Bind, last: Option<Cursor>, ended: bool, limit: usize, answer: &mut Answer) -> bool {
        let before = answer.list_octets();
        match last {
            Some(cursor) if !ended => self.write(cursor.entry(), answer),
            Some(cursor) => push_exception(&name_of_key(cursor.entry().key()), ber::END_OF_MIB_VIEW, answer.list()),
            None => push_exception(self.name(bind), ber::END_OF_MIB_VIEW, answer.list()),
        }
        let fits = answer.fits(limit);
        if !fits {
            answer.truncate(before);
        }
        fits
    }

    /// RFC 3416, section 4.2.5.
    fn set(&self, scratch: &mut Key, answer: &mut Answer) -> Outcome {
        if self.context.identity.access != Access::Write {
            self.context.moment.live.counters.add(Counter::InBadCommunityUses, 1);
            return if self.binds.is_empty() {
                Outcome::Set(Box::default(), 0)
            } else {
                Outcome::Failed(ErrorStatus::NoAccess, 1)
            };
        }
        answer.list().extend_from_slice(self.pdu.list);
        if !answer.fits(usize::MAX) {
            return Outcome::Failed(ErrorStatus::TooBig, 0);
        }
        let mut settings = self.context.moment.settings.clone();
        let mut set = 0;
        for (index, (place, bind)) in (1..).zip(self.binds.iter().enumerate()) {
            let earlier = self.binds.iter().take(place);
            if let Err(status) = self.set_one(bind, &mut settings, scratch) {
                return Outcome::Failed(status, index);
            }
            // Two values for one instance have no order in RFC 3416: neither is taken. Only writable instances come
            // here, so that the second of one of them ends the loop, and the work stays small.
            if earlier.into_iter().any(|other| self.key(other) == self.key(bind)) {
                return Outcome::Failed(ErrorStatus::InconsistentName, index);
            }
            set += 1;
        }
        Outcome::Set(Box::new(settings), set)
    }

    fn set_one(&self, bind: &Bind, new: &mut Settings, scratch: &mut Key) -> Result<(), ErrorStatus> {
        let (view, key) = (self.context.moment.view, self.key(bind));
        if !self.context.identity.ranges.contains(key) {
            return Err(ErrorStatus::NoAccess);
        }
        let (setting, exists) = match settings::find(key) {
            Some(setting) => (setting, true),
            None => {
                // Another instance of a writable scalar, or the scalar itself without instance.
                let object = view.object_type(key).and_then(|length| key.get(..length));
                scratch.clear();
                scratch.extend_from_slice(object.ok_or(ErrorStatus::NotWritable)?);
                scratch.push(0);
                (settings::find(scratch).ok_or(ErrorStatus::NotWritable)?, false)
            }
        };
        let content = self.pdu.list.get(bind.value.clone()).unwrap_or_default();
        let value = wire::value(bind.value_tag, content).ok().flatten().ok_or(ErrorStatus::WrongType)?;
        (setting.apply)(new, &value).map_err(|error| match error {
            SetError::WrongType => ErrorStatus::WrongType,
            SetError::WrongLength => ErrorStatus::WrongLength,
            SetError::WrongValue => ErrorStatus::WrongValue,
            SetError::InconsistentValue => ErrorStatus::InconsistentValue,
        })?;
        if exists { Ok(()) } else { Err(ErrorStatus::NoCreation) }
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

/// A SET that only waits for its settings to be stored.
#[derive(Debug)]
pub struct Commit {
    settings: Settings,
    set: u64,
    version: Version,
    community: Vec<u8>,
    request_id: i32,
    list: Vec<u8>,
    max_response: usize,
}

impl Commit {
    /// The settings to store and publish.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Writes the answer: noError when they were stored, commitFailed when not (nothing was changed: nothing is undone).
    pub fn answer(&self, stored: bool, live: &Live, out: &mut Vec<u8>) -> Verdict {
        let counters = live.counters;
        let envelope = Envelope { version: self.version, community: &self.community, request_id: self.request_id };
        let mut answer = Answer::begin(envelope, self.max_response, out);
        answer.list().extend_from_slice(&self.list);
        let (status, index) = if stored { (ErrorStatus::NoError, 0) } else { (ErrorStatus::CommitFailed, 1) };
        let sent = finish(answer, &self.list, status, index, counters);
        if stored {
            counters.add(Counter::InTotalSetVars, self.set);
        }
        if sent { Verdict::Answer } else { Verdict::Silence }
    }
}
