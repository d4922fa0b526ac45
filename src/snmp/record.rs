//! What the engine can tell of a message that it has handled, for those who keep a log of queries.

use crate::mib::Oid;

/// Who asked for what, and what came of it. What a message was not read far enough to know is absent or empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// The version as the message has it: 0 is SNMPv1, 1 SNMPv2c, 3 SNMPv3.
    pub version: Option<u8>,
    /// `community[0]`, its place in the configuration, as a community is a secret; or the name of a user.
    pub identity: String,
    /// The security level of SNMPv3, as `authPriv`.
    pub level: Option<&'static str>,
    /// The context that was asked about.
    pub context: String,
    /// The PDU, as `GetRequest`.
    pub pdu: Option<&'static str>,
    /// The first of the names that were asked for, at most [`Record::MOST_NAMES`].
    pub oids: Vec<Oid>,
    /// How many names were asked for.
    pub names: usize,
    /// An error-status such as `noError`, or why nothing was answered.
    pub result: &'static str,
}

impl Record {
    /// How many names are kept: more than a usual manager asks for at once.
    pub const MOST_NAMES: usize = 64;
}
