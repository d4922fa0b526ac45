//! Which settings are in force: what managers SET, unless the file was edited since.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::mib::settings::Settings;
use crate::store::Store;

/// The file that they are kept in.
pub const FILE: &str = "settings.json";

/// What a SET leaves behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// What the configuration said at the time.
    pub file: Settings,
    /// What was in force after the SET.
    pub set: Settings,
    /// The fingerprints of the users' entries in the configuration at the time.
    #[serde(default)]
    pub fingerprints: Fingerprints,
}

/// What tells whether a user's entry in the configuration is another, by his name.
pub type Fingerprints = BTreeMap<String, String>;

/// What is in force from now on. Where the file was edited, that is stored: what the file has overruled does not come back,
/// above all no key, when the file is edited back.
pub fn take_over(store: &Store, configured: &Settings, kept: Option<&Kept>, users: Option<&Fingerprints>) -> Settings {
    let in_force = in_force(configured, kept, users);
    if let Some(before) = kept {
        let fingerprints = users.unwrap_or(&before.fingerprints).clone();
        let now = Kept { file: configured.clone(), set: in_force.clone(), fingerprints };
        if *before != now
            && let Err(error) = store.write(FILE, &now)
        {
            tracing::error!(%error, "that the edited file wins could not be stored: what was set before may come back");
        }
    }
    in_force
}

/// What is in force: a field that was SET stays SET until the configuration says something else than it did then, and so
/// does a user's key. `users` are absent where it can't be told whether their entries are others: keys then stay.
fn in_force(configured: &Settings, kept: Option<&Kept>, users: Option<&Fingerprints>) -> Settings {
    let Some(Kept { file, set, fingerprints }) = kept.cloned() else { return configured.clone() };
    let mut keys = set.keys;
    if let Some(users) = users {
        keys.retain(|name, _| users.get(name).is_some_and(|fingerprint| fingerprints.get(name) == Some(fingerprint)));
    }
    Settings {
        contact: choose(&configured.contact, file.contact, set.contact),
        name: choose(&configured.name, file.name, set.name),
        location: choose(&configured.location, file.location, set.location),
        authen_traps: choose(&configured.authen_traps, file.authen_traps, set.authen_traps),
        // The configuration knows nothing of these two.
        serial: set.serial,
        keys,
    }
}

fn choose<T: Clone + PartialEq>(configured: &T, file: T, set: T) -> T {
    if *configured == file { set } else { configured.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mib::settings::UserKeys;

    fn settings(contact: &str, name: &str) -> Settings {
        Settings { contact: contact.into(), name: name.into(), ..Settings::default() }
    }

    #[test]
    fn an_edited_file_wins_again() {
        let kept = || {
            let fingerprints = Fingerprints::new();
            Kept { file: settings("ops", "a"), set: settings("night shift", "a"), fingerprints }
        };
        assert_eq!(in_force(&settings("ops", "a"), None, None), settings("ops", "a"));
        assert_eq!(in_force(&settings("ops", "b"), Some(&kept()), None), settings("night shift", "b"));
        assert_eq!(in_force(&settings("noc", "a"), Some(&kept()), None), settings("noc", "a"));
    }

    #[test]
    fn a_changed_key_goes_when_its_users_entry_is_another() {
        let users = |fingerprint: &str| Fingerprints::from([("nms".to_string(), fingerprint.to_string())]);
        let keys = BTreeMap::from([("nms".to_string(), UserKeys::default()), ("gone".into(), UserKeys::default())]);
        let set = Settings { keys, ..Settings::default() };
        let kept = Kept { file: Settings::default(), set: set.clone(), fingerprints: users("1") };
        let left = |now: Option<Fingerprints>| {
            let settings = in_force(&Settings::default(), Some(&kept), now.as_ref());
            settings.keys.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(left(Some(users("1"))), ["nms"]);
        assert_eq!(left(Some(users("2"))), Vec::<String>::new());
        assert_eq!(left(None), ["gone", "nms"]);
    }
}
