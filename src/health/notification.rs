//! The notifications of VITALS-MIB, declared once: the traps carry these columns, and the MIB's text names them.

use super::alarm::EventKind;

/// One kind of notification, about one row of the table of active alarms.
pub struct Notification {
    /// Its arc below the MIB's notifications; once published, never used for another.
    pub arc: u32,
    /// Its descriptor after `vitals`.
    pub object: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// The columns of the family `alarm` that it carries, in this order.
    pub columns: &'static [u32],
}

/// What every notification says of its alarm: name, object, severity, value, message, time of raising.
const COLUMNS: &[u32] = &[2, 3, 7, 5, 6, 8];

/// A new alarm.
pub const RAISED: Notification =
    Notification { arc: 1, object: "AlarmRaised", help: "A level was passed: an alarm is new.", columns: COLUMNS };

/// A change of severity.
pub const CHANGED: Notification = Notification {
    arc: 2,
    object: "AlarmChanged",
    help: "The severity of an active alarm is another.",
    columns: COLUMNS,
};

/// The end of an alarm.
pub const CLEARED: Notification = Notification {
    arc: 3,
    object: "AlarmCleared",
    help: "An alarm is over. Its row is gone from the table; the instance is the one that it had.",
    columns: COLUMNS,
};

/// All of them, in the order of their arcs.
pub static NOTIFICATIONS: &[Notification] = &[RAISED, CHANGED, CLEARED];

impl Notification {
    /// The one that tells of this kind of event.
    pub fn of(kind: EventKind) -> &'static Notification {
        match kind {
            EventKind::Raised => &RAISED,
            EventKind::Changed => &CHANGED,
            EventKind::Cleared => &CLEARED,
        }
    }
}
