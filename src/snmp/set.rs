//! SET: everything is applied to a copy of the settings; the caller stores the copy and then sends the answer that goes
//! with what came of it, so that there is nothing to undo (RFC 3416, section 4.2.5).

use std::sync::Arc;

use super::answer::{Answer, Envelope, ErrorStatus};
use super::checks::Version3;
use super::config::{Access, Level};
use super::record::Fate;
use super::request::{Asker, Outcome, Work, finish};
use super::usm::User;
use super::usm::change::KeyChange;
use super::wire::Bind;
use super::{Scratch, Verdict, Version, wire};
use crate::mib::oid::Key;
use crate::mib::{Counter, Live, SetError, Settings, settings};

impl Work<'_> {
    /// RFC 3416, section 4.2.5.
    pub(super) fn set(&self, scratch: &mut Key, answer: &mut Answer) -> Outcome {
        answer.list().extend_from_slice(self.pdu.list);
        if !answer.fits() {
            return Outcome::Failed(ErrorStatus::TooBig, 0);
        }
        let mut settings = self.context.moment.settings.clone();
        let mut set = 0;
        for (index, (place, bind)) in (1..).zip(self.binds.iter().enumerate()) {
            let earlier = self.binds.iter().take(place);
            if let Err(status) = self.set_one(bind, &mut settings, scratch) {
                if status == ErrorStatus::NoAccess && self.context.asker.version() != Version::V3 {
                    self.context.moment.live.counters.add(Counter::InBadCommunityUses, 1);
                }
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
        let content = self.pdu.list.get(bind.value.clone()).unwrap_or_default();
        let value = || wire::value(bind.value_tag, content).ok().flatten().ok_or(ErrorStatus::WrongType);
        if let Some(change) = KeyChange::find(key) {
            return match self.context.asker {
                // Deviation: a user's own keys are his to change, whatever his view (RFC 3415 would ask the view).
                Asker::User { version3, user, level, .. } if change.permits(user, level, key) => {
                    change.apply(&value()?, &version3.users, &version3.engine_id, new)
                }
                _ => Err(ErrorStatus::NoAccess),
            };
        }
        if self.context.rights.access != Access::Write || !self.context.rights.ranges.contains(key) {
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
        (setting.apply)(new, &value()?).map_err(|error| match error {
            SetError::WrongType => ErrorStatus::WrongType,
            SetError::WrongLength => ErrorStatus::WrongLength,
            SetError::WrongValue => ErrorStatus::WrongValue,
            SetError::InconsistentValue => ErrorStatus::InconsistentValue,
        })?;
        if exists { Ok(()) } else { Err(ErrorStatus::NoCreation) }
    }
}

/// A SET that only waits for its settings to be stored.
#[derive(Debug)]
pub struct Commit {
    settings: Settings,
    set: u64,
    asker: OwnedAsker,
    request_id: i32,
    list: Vec<u8>,
    max_response: usize,
}

/// Who asked, kept until the answer is known. A user's keys are those that he asked with, also where he changed them.
#[derive(Debug)]
enum OwnedAsker {
    Community { version: Version, community: Vec<u8> },
    User { version3: Version3, user: Arc<User>, level: Level, message_id: i32 },
}

impl OwnedAsker {
    fn of(asker: Asker) -> OwnedAsker {
        match asker {
            Asker::Community { version, community } => OwnedAsker::Community { version, community: community.to_vec() },
            Asker::User { version3, user, level, message_id } => {
                OwnedAsker::User { version3: version3.clone(), user: user.clone(), level, message_id }
            }
        }
    }

    fn borrow(&self) -> Asker<'_> {
        match self {
            OwnedAsker::Community { version, community } => Asker::Community { version: *version, community },
            OwnedAsker::User { version3, user, level, message_id } => {
                Asker::User { version3, user, level: *level, message_id: *message_id }
            }
        }
    }
}

impl Commit {
    /// Keeps what the answer needs.
    pub(super) fn new(work: &Work, settings: Settings, set: u64) -> Commit {
        Commit {
            settings,
            set,
            asker: OwnedAsker::of(work.context.asker),
            request_id: work.pdu.request_id,
            list: work.pdu.list.to_vec(),
            max_response: work.context.max_response,
        }
    }

    /// The settings to store and publish.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Writes the answer: noError when they were stored, commitFailed when not (nothing was changed: nothing is undone).
    pub fn answer(&self, stored: bool, live: &Live, scratch: &mut Scratch, out: &mut Vec<u8>) -> Verdict {
        let counters = live.counters;
        let wrap = self.asker.borrow().wrap(live.engine);
        let envelope = Envelope { request_id: self.request_id, wrap };
        let mut answer = Answer::begin(envelope, self.max_response, out);
        answer.list().extend_from_slice(&self.list);
        let (status, index) = if stored { (ErrorStatus::NoError, 0) } else { (ErrorStatus::CommitFailed, 1) };
        scratch.record.fate = finish(answer, &self.list, status, index, counters);
        if stored {
            counters.add(Counter::InTotalSetVars, self.set);
        }
        if matches!(scratch.record.fate, Fate::Answered(_)) { Verdict::Answer } else { Verdict::Silence }
    }
}
