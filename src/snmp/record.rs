//! What became of a message: what logs and notifications tell of it. Communities are told by their place, never by name.

use super::Version;
use super::answer::ErrorStatus;
use super::config::Level;
use crate::mib::Counter;

/// One message's record. Cheap to keep, since it is kept for every message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Record {
    /// The version, once it could be read.
    pub version: Option<Version>,
    /// Who sent it, as far as that was found out.
    pub who: Who,
    /// How safe it was.
    pub level: Level,
    /// The kind of PDU, as RFC 3416 names it.
    pub pdu: Option<&'static str>,
    /// What became of it.
    pub fate: Fate,
}

/// Who sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Who {
    /// Nobody that is known.
    #[default]
    Nobody,
    /// The community at this place of the configuration.
    Community(usize),
    /// The user at this place of the sorted users.
    User(usize),
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    /// It was passed over in silence, as messages to another kind of entity are.
    #[default]
    Ignored,
    /// It was refused, for what this counts.
    Refused(Counter),
    /// It was answered.
    Answered(ErrorStatus),
}

impl Fate {
    /// `noError` and the like for an answer, the counter's name for a refusal.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Ignored => "ignored",
            Fate::Refused(counter) => counter.name(),
            Fate::Answered(status) => status.name(),
        }
    }
}
