//! What SET changes: a small value, cloned, changed and published only if everything in a SET could be applied.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::oid::{Key, Oid};
use super::snmpv2;
use super::value::Value;
use crate::secret::StoredKey;

/// Everything that a manager may change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// sysContact.
    pub contact: String,
    /// sysName.
    pub name: String,
    /// sysLocation.
    pub location: String,
    /// snmpEnableAuthenTraps: whether authenticationFailure is sent.
    pub authen_traps: bool,
    /// snmpSetSerialNo: rises with each SET that names it, so that of two managers one notices the other.
    pub serial: u32,
    /// The keys of users who changed theirs, by the users' names.
    pub keys: BTreeMap<String, UserKeys>,
}

/// What a user's keys were changed to, localized to this engine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserKeys {
    /// The authentication key; absent: as the file has it.
    pub auth: Option<StoredKey>,
    /// The privacy key; absent: as the file has it.
    pub privacy: Option<StoredKey>,
}

/// Why a value can't be set (RFC 3416, section 4.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetError {
    /// Another type than the object's.
    WrongType,
    /// Too long.
    WrongLength,
    /// Not a value that the object can have.
    WrongValue,
    /// Not a value that the object can have now.
    InconsistentValue,
}

/// One writable instance.
pub struct Setting {
    /// The instance's key.
    pub key: Key,
    /// Applies a value.
    pub apply: fn(&mut Settings, &Value) -> Result<(), SetError>,
}

static SETTINGS: LazyLock<[Setting; 5]> = LazyLock::new(|| {
    let system = |object| Oid::from_static(snmpv2::SYSTEM).child(&[object, 0]).key();
    [
        Setting { key: system(4), apply: |settings, value| apply_text(&mut settings.contact, value) },
        Setting { key: system(5), apply: |settings, value| apply_text(&mut settings.name, value) },
        Setting { key: system(6), apply: |settings, value| apply_text(&mut settings.location, value) },
        Setting { key: Oid::from_static(snmpv2::ENABLE_AUTHEN_TRAPS).key(), apply: apply_authen_traps },
        Setting { key: Oid::from_static(snmpv2::SET_SERIAL_NO).key(), apply: test_and_increase },
    ]
});

/// The writable instance with this key.
pub fn find(key: &[u8]) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// DisplayString (SIZE (0..255)), RFC 2579: NVT ASCII. Control characters other than those of NVT are refused.
fn apply_text(field: &mut String, value: &Value) -> Result<(), SetError> {
    let Value::OctetString(octets) = value else { return Err(SetError::WrongType) };
    if octets.len() > 255 {
        return Err(SetError::WrongLength);
    }
    let text = std::str::from_utf8(octets).map_err(|_| SetError::WrongValue)?;
    let control = |character: char| character.is_control() && !matches!(character, '\t' | '\r' | '\n');
    if text.chars().any(control) {
        return Err(SetError::WrongValue);
    }
    field.clear();
    field.push_str(text);
    Ok(())
}

/// INTEGER { enabled(1), disabled(2) }.
fn apply_authen_traps(settings: &mut Settings, value: &Value) -> Result<(), SetError> {
    settings.authen_traps = match value {
        Value::Integer(1) => true,
        Value::Integer(2) => false,
        Value::Integer(_) => return Err(SetError::WrongValue),
        _ => return Err(SetError::WrongType),
    };
    Ok(())
}

/// TestAndIncr (RFC 2579): only the present value may be set, and then it rises by one, from 2^31 - 1 to 0.
fn test_and_increase(settings: &mut Settings, value: &Value) -> Result<(), SetError> {
    let Value::Integer(number) = value else { return Err(SetError::WrongType) };
    let number = u32::try_from(*number).map_err(|_| SetError::WrongValue)?;
    if number != settings.serial {
        return Err(SetError::InconsistentValue);
    }
    settings.serial = (number + 1) & 0x7fff_ffff;
    Ok(())
}
