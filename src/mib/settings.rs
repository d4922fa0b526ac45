//! What SET changes: a small value, cloned, changed and published only if everything in a SET could be applied.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::oid::{Key, Oid};
use super::snmpv2;
use super::value::Value;

/// Everything that a manager may change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Settings {
    /// sysContact.
    pub contact: String,
    /// sysName.
    pub name: String,
    /// sysLocation.
    pub location: String,
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
}

/// One writable instance.
pub struct Setting {
    /// The instance's key.
    pub key: Key,
    /// Applies a value.
    pub apply: fn(&mut Settings, &Value) -> Result<(), SetError>,
}

static SETTINGS: LazyLock<[Setting; 3]> = LazyLock::new(|| {
    let system = |object| Oid::from_static(snmpv2::SYSTEM).child(&[object, 0]).key();
    [
        Setting { key: system(4), apply: |settings, value| apply_text(&mut settings.contact, value) },
        Setting { key: system(5), apply: |settings, value| apply_text(&mut settings.name, value) },
        Setting { key: system(6), apply: |settings, value| apply_text(&mut settings.location, value) },
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
