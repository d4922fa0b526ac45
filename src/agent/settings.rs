//! Which settings are in force: what managers SET, unless the file was edited since.

use serde::{Deserialize, Serialize};

use crate::mib::settings::Settings;

/// The file that they are kept in.
pub const FILE: &str = "settings.json";

/// What a SET leaves behind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// What the configuration said at the time.
    pub file: Settings,
    /// What was in force after the SET.
    pub set: Settings,
}

/// What is in force: a field that was SET stays SET until the configuration says something else than it did then.
pub fn in_force(configured: &Settings, kept: Option<Kept>) -> Settings {
    let Some(Kept { file, set }) = kept else { return configured.clone() };
    Settings {
        contact: choose(&configured.contact, file.contact, set.contact),
        name: choose(&configured.name, file.name, set.name),
        location: choose(&configured.location, file.location, set.location),
        authen_traps: choose(&configured.authen_traps, file.authen_traps, set.authen_traps),
        // The configuration knows nothing of these two; whether a key still fits its user, the engine judges.
        serial: set.serial,
        keys: set.keys,
    }
}

fn choose<T: Clone + PartialEq>(configured: &T, file: T, set: T) -> T {
    if *configured == file { set } else { configured.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(contact: &str, name: &str) -> Settings {
        Settings { contact: contact.into(), name: name.into(), ..Settings::default() }
    }

    #[test]
    fn an_edited_file_wins_again() {
        let kept = || Some(Kept { file: settings("ops", "a"), set: settings("night shift", "a") });
        assert_eq!(in_force(&settings("ops", "a"), None), settings("ops", "a"));
        assert_eq!(in_force(&settings("ops", "b"), kept()), settings("night shift", "b"));
        assert_eq!(in_force(&settings("noc", "a"), kept()), settings("noc", "a"));
    }
}
