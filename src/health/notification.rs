//! The notifications of VITALS-MIB, declared once: what is sent carries these columns, and the MIB's text names them.
//! And the changes of links, which IF-MIB has notifications for.

use std::collections::BTreeMap;

use super::alarm::EventKind;
use crate::collect::interface::{Interface, OperationalState};

/// One kind of notification; one that carries columns is about one row of the table of active alarms.
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

/// What an operator sends to see whether it arrives.
pub const TEST: Notification = Notification {
    arc: 4,
    object: "Test",
    help: "Nothing happened: an operator tests whether notifications arrive.",
    columns: &[],
};

/// All of them, in the order of their arcs.
pub static NOTIFICATIONS: &[Notification] = &[RAISED, CHANGED, CLEARED, TEST];

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

/// The links of all interfaces, as they were last seen.
#[derive(Debug, Default)]
pub struct Links(BTreeMap<String, bool>);

/// A link that went down or came up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkChange {
    /// The interface's name.
    pub interface: String,
    /// Whether it is up now.
    pub is_up: bool,
    /// ifAdminStatus: 1 up, 2 down; where the kernel doesn't say, as the link is.
    pub admin_status: u32,
    /// ifOperStatus.
    pub oper_status: u32,
}

impl Links {
    /// What changed since the last look. RFC 2863, section 3.1.15: down is told when it is entered, up when down is left. A
    /// link that is seen for the first time, or is gone, changed nothing.
    pub fn look(&mut self, interfaces: &[Interface]) -> Vec<LinkChange> {
        let mut changes = Vec::new();
        let mut seen = BTreeMap::new();
        for interface in interfaces {
            let Some(state) = interface.state.filter(|state| *state != OperationalState::NotPresent) else { continue };
            // Linux says lowerLayerDown of a link whose lower one has no carrier, where others say down.
            let is_up = !matches!(state, OperationalState::Down | OperationalState::LowerLayerDown);
            if self.0.get(&interface.name).is_some_and(|was_up| *was_up != is_up) {
                changes.push(LinkChange {
                    interface: interface.name.clone(),
                    is_up,
                    admin_status: if interface.admin_up().unwrap_or(is_up) { 1 } else { 2 },
                    oper_status: state.number(),
                });
            }
            seen.insert(interface.name.clone(), is_up);
        }
        self.0 = seen;
        changes
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use OperationalState::{Dormant, Down, LowerLayerDown, NotPresent, Unknown, Up};

    fn interface(name: &str, state: OperationalState, flags: u32) -> Interface {
        Interface { name: name.into(), flags: Some(flags), state: Some(state), ..Interface::default() }
    }

    #[test]
    fn links_are_told_when_they_change() {
        let mut links = Links::default();
        let mut look = |state, flags| {
            let changes = links.look(&[interface("eth0", state, flags), interface("lo", Unknown, 1)]);
            changes.iter().map(|change| (change.is_up, change.admin_status, change.oper_status)).collect::<Vec<_>>()
        };
        assert_eq!(look(Up, 1), [], "at first sight");
        assert_eq!(look(Down, 0), [(false, 2, 2)]);
        assert_eq!(look(Down, 0), []);
        assert_eq!(look(LowerLayerDown, 1), [], "still down");
        assert_eq!(look(Dormant, 1), [(true, 1, 5)], "down was left");
        assert_eq!(look(Up, 1), []);
        assert_eq!(look(NotPresent, 1), [], "gone");
        assert_eq!(look(Down, 1), [], "new");
        assert_eq!(look(Up, 1), [(true, 1, 1)]);
        assert_eq!(links.look(&[]), []);
    }
}
