//! Key changes: SET of the columns of usmUserTable through which a user gets another key (RFC 3414, section 5).
//!
//! A key change carries nothing that who doesn't know the old key could use. `usmUserOwn...KeyChange` is the user's own,
//! whatever else he may do; the others need write access and a view that holds them. Neither is open to communities,
//! which prove nothing.

use super::super::answer::ErrorStatus;
use super::super::config::{Access, Level};
use super::{AuthProtocol, Key, User, Users, changed_key};
use crate::mib::oid::arcs_of_key;
use crate::mib::{Settings, Value};
use crate::secret::StoredKey;

/// usmUserEntry.
const USM_USER_ENTRY: &[u32] = &[1, 3, 6, 1, 6, 3, 15, 1, 2, 2, 1];

/// Which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Auth,
    Privacy,
}

/// An instance of a key-change column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    which: Which,
    /// Whether it is a user's own column.
    own: bool,
    engine_id: Vec<u8>,
    user: Vec<u8>,
}

impl KeyChange {
    /// The instance with this key, if it is one. An index whose lengths lie is none.
    pub fn find(key: &[u8]) -> Option<KeyChange> {
        let arcs = arcs_of_key(key);
        let (&column, index) = arcs.strip_prefix(USM_USER_ENTRY)?.split_first()?;
        let (which, own) = match column {
            6 => (Which::Auth, false),
            7 => (Which::Auth, true),
            9 => (Which::Privacy, false),
            10 => (Which::Privacy, true),
            _ => return None,
        };
        let (engine_id, rest) = text(index)?;
        let (user, rest) = text(rest)?;
        rest.is_empty().then_some(KeyChange { which, own, engine_id, user })
    }

    /// Whether this user may make it, who asks so safely. `key` is the instance: another's keys are in his view, or he
    /// could lock everybody out with a view of one object.
    pub fn permits(&self, requester: &User, level: Level, key: &[u8]) -> bool {
        let rights = &requester.rights;
        let others = || rights.access == Access::Write && rights.ranges.contains(key);
        let may = if self.own { requester.name == self.user } else { others() };
        may && level > Level::NoAuthNoPriv
    }

    /// Puts the new key among the settings.
    pub fn apply(&self, value: &Value, users: &Users, engine_id: &[u8], new: &mut Settings) -> Result<(), ErrorStatus> {
        let Value::OctetString(change) = value else { return Err(ErrorStatus::WrongType) };
        // Users come from the configuration: no SET makes one.
        let user = users.find(&self.user).filter(|_| self.engine_id == engine_id).ok_or(ErrorStatus::NoCreation)?;
        // Both kinds of key change by the hash of authentication.
        let (auth, auth_key) = user.auth.as_ref().ok_or(ErrorStatus::InconsistentName)?;
        let held = match self.which {
            Which::Auth => auth_key,
            Which::Privacy => &user.privacy.as_ref().ok_or(ErrorStatus::InconsistentName)?.1,
        };
        let keys = new.keys.entry(String::from_utf8_lossy(&self.user).into_owned()).or_default();
        let stored = match self.which {
            Which::Auth => &mut keys.auth,
            Which::Privacy => &mut keys.privacy,
        };
        let key = changed(auth.protocol(), stored.as_ref(), held, change).ok_or(ErrorStatus::WrongLength)?;
        *stored = Some(StoredKey::new(key.octets()));
        Ok(())
    }
}

/// The key after the change of what an earlier variable binding left, or else of the key that is held.
fn changed(auth: AuthProtocol, stored: Option<&StoredKey>, held: &Key, change: &[u8]) -> Option<Key> {
    match stored {
        Some(stored) => changed_key(auth, &Key::new(stored.expose().to_vec()), change),
        None => changed_key(auth, held, change),
    }
}

/// A string of an index, its length before it, and what follows.
fn text(index: &[u32]) -> Option<(Vec<u8>, &[u32])> {
    let (&length, rest) = index.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let octets = text.iter().map(|&arc| u8::try_from(arc).ok()).collect::<Option<_>>()?;
    Some((octets, rest))
}
