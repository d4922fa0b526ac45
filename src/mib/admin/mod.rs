//! How this SNMP engine is administered, as managers read it: engine, users, access, targets, communities.
//!
//! The modules here are over one plain value, [`Administration`], which is put together from the configuration. All of
//! it is read-only: the configuration is the one place where it is changed. No secret is in it.

pub mod community;
pub mod framework;
pub mod notification;
pub mod target;
pub mod usm;
pub mod vacm;

use super::conventions::{PERMANENT, READ_ONLY};
use super::table::Module;
use super::value::Value;

/// Every module over [`Administration`], in the order of sysORTable.
pub static MODULES: &[&Module<Administration>] = &[
    &framework::FRAMEWORK,
    &framework::DISPATCHER,
    &target::TARGET,
    &notification::NOTIFICATION,
    &usm::USM,
    &vacm::VACM,
    &community::COMMUNITY,
];

/// The most octets that names in these modules have: users, groups, views, targets.
pub const MAX_NAME_OCTETS: usize = 32;

/// How the engine is administered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Administration {
    /// snmpEngineID, 5 to 32 octets.
    pub engine_id: Vec<u8>,
    /// snmpEngineMaxMessageSize, in octets.
    pub max_message_size: u32,
    /// The users of SNMPv3.
    pub users: Vec<User>,
    /// The communities, without their names.
    pub communities: Vec<Community>,
    /// Who may see what.
    pub principals: Vec<Principal>,
    /// The views' subtrees. Where one is both included and excluded, the one that counts stands first.
    pub families: Vec<Family>,
    /// Where notifications go, and the networks from which communities are accepted.
    pub addresses: Vec<Address>,
    /// How notifications are sent to an address.
    pub parameters: Vec<Parameters>,
    /// Which kinds of notifications go to which tags.
    pub notifications: Vec<Notify>,
}

/// A user of SNMPv3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// How messages are authenticated; absent: not at all.
    pub auth: Option<&'static [u32]>,
    /// How messages are encrypted; absent: not at all.
    pub privacy: Option<&'static [u32]>,
}

/// A community, without its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Community {
    /// What it is called where its own name may not stand.
    pub security_name: String,
    /// The tag of the addresses that may use it; empty: any.
    pub tag: String,
}

/// A security model (RFC 3411, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityModel {
    /// SNMPv1 with communities.
    V1,
    /// SNMPv2c with communities.
    V2c,
    /// SNMPv3 with users.
    Usm,
}

impl SecurityModel {
    /// SnmpSecurityModel.
    pub fn number(self) -> u32 {
        match self {
            SecurityModel::V1 => 1,
            SecurityModel::V2c => 2,
            SecurityModel::Usm => 3,
        }
    }

    /// SnmpMessageProcessingModel.
    pub fn processing(self) -> u32 {
        match self {
            SecurityModel::V1 => 0,
            SecurityModel::V2c => 1,
            SecurityModel::Usm => 3,
        }
    }
}

/// SnmpSecurityLevel (RFC 3411, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityLevel {
    /// Neither authenticated nor encrypted.
    NoAuthNoPriv,
    /// Authenticated.
    AuthNoPriv,
    /// Authenticated and encrypted.
    AuthPriv,
}

impl SecurityLevel {
    /// As SMI has it.
    pub fn number(self) -> u32 {
        match self {
            SecurityLevel::NoAuthNoPriv => 1,
            SecurityLevel::AuthNoPriv => 2,
            SecurityLevel::AuthPriv => 3,
        }
    }
}

/// Who may see what: a security name in one model. It is a group of its own, of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Its security name.
    pub name: String,
    /// The model in which it has that name.
    pub model: SecurityModel,
    /// The least level that is accepted.
    pub level: SecurityLevel,
    /// The view that it reads; empty: none.
    pub read: String,
    /// The view that it writes; empty: none.
    pub write: String,
    /// The view of which it is notified; empty: none.
    pub notify: String,
}

/// A subtree of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// The view's name.
    pub view: String,
    /// The subtree; `1` alone, which no [`super::Oid`] is, stands for everything.
    pub subtree: Vec<u32>,
    /// Whether it is part of the view, or taken from it.
    pub included: bool,
}

/// A transport address, or with a mask many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub transport: Transport,
    /// Which bits of the address count; empty: all.
    pub mask: Vec<u8>,
    /// How long an answer is waited for, in hundredths of a second.
    pub timeout_hundredths: u32,
    /// How often it is tried again.
    pub retries: u32,
    /// The tags that select it, between spaces.
    pub tags: String,
    /// The name of its [`Parameters`].
    pub parameters: String,
}

/// A transport domain with an address in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// UDP at an address and port.
    Udp(std::net::SocketAddr),
    /// UDP at a host's name, looked up at each sending, and port.
    UdpHost(String),
}

/// How notifications are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// What they are called.
    pub name: String,
    /// The version of SNMP, and so the security model.
    pub model: SecurityModel,
    /// For whom.
    pub security_name: String,
    /// How safely.
    pub level: SecurityLevel,
}

/// A kind of notifications, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// What it is called, and the tag of the addresses.
    pub tag: String,
    /// Whether they are informs, which are acknowledged.
    pub informs: bool,
}

/// StorageType of a row that managers can't change, or only in part.
fn storage(changeable: bool) -> Value {
    if changeable { PERMANENT } else { READ_ONLY }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::mib::counters::COUNTERS;
    use crate::mib::{Oid, Segment, snmpv2};

    /// What every declaration must keep, and the text of no module says.
    #[test]
    fn declarations_keep_the_rules() {
        let mut names = BTreeSet::new();
        for module in MODULES {
            for table in module.tables {
                let columns = table.columns();
                assert!(columns.is_sorted_by(|left, right| left.0 < right.0), "{}: {columns:?}", module.name);
                assert!(columns.iter().all(|(_, name)| names.insert(*name)), "{}: {columns:?}", module.name);
            }
            for group in module.groups {
                assert!(group.scalars.iter().all(|scalar| names.insert(scalar.name)), "{}", module.name);
            }
        }
    }

    #[test]
    fn no_segment_encloses_another_and_no_object_is_lost() {
        let administration = Arc::new(Administration::default());
        let segments: Vec<Segment> = MODULES.iter().flat_map(|module| module.segments(&administration)).collect();
        let mut ends: Vec<(&[u8], &[u8])> = Vec::new();
        for segment in &segments {
            let content = segment.content();
            let last = content.len().checked_sub(1).map_or(segment.prefix(), |last| content.key(last));
            assert!(content.is_empty() || content.key(0) >= segment.prefix());
            ends.push((segment.prefix(), last));
        }
        ends.sort();
        assert!(ends.windows(2).all(|pair| pair[0].1 < pair[1].0), "{ends:?}");
        let mut types: Vec<_> =
            MODULES.iter().flat_map(|module| module.types()).chain(snmpv2::MODULE.types()).collect();
        for (_, object, name, _) in COUNTERS {
            let Some(object) = object else { continue };
            assert!(types.contains(&Oid::from_static(object).key()), "{name} is in no module");
        }
        let number = types.len();
        types.sort();
        types.dedup();
        assert_eq!(types.len(), number, "an object is declared twice");
    }
}
