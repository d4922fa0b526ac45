//! From a notice to what a notification carries: its identity and its variable bindings.
//!
//! The columns of alarms are those that `health::notification` declares, so that the MIB's text and the packet can't
//! differ.

use super::outbox::Notice;
use crate::health::notification::{Notification, TEST};
use crate::health::{Alarm, Event, Health, families::ALARM};
use crate::metric::Projection;
use crate::mib::oid::Oid;
use crate::mib::value::Value;
use crate::mib::{smi, vitals};
use crate::snmp::notification::Content;

/// coldStart .1, warmStart .2, linkDown .3, linkUp .4, authenticationFailure .5 (RFC 3418; RFC 2863 for links).
const SNMP_TRAPS: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 5];

/// ifEntry: ifIndex is .1, ifAdminStatus .7, ifOperStatus .8.
const IF_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 2, 2, 1];

/// The arc of the notifications below the root of VITALS-MIB.
const NOTIFICATIONS: u32 = 0;

/// What notifications say of their sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The root of VITALS-MIB.
    pub root: Oid,
    /// sysObjectID.
    pub object_id: Oid,
}

/// What a notice is told with.
pub fn content(sender: &Sender, notice: &Notice) -> Content {
    let standard = |arc, varbinds| Content {
        id: Oid::from_static(SNMP_TRAPS).child(&[arc]),
        enterprise: sender.object_id.clone(),
        varbinds,
    };
    let own = |notification: &Notification, varbinds| Content {
        id: sender.root.child(&[NOTIFICATIONS, notification.arc]),
        enterprise: sender.root.clone(),
        varbinds,
    };
    match notice {
        Notice::ColdStart => standard(1, Vec::new()),
        Notice::WarmStart => standard(2, Vec::new()),
        Notice::Link { index, is_up, admin_status, oper_status } => {
            let columns = [(1, *index), (7, *admin_status), (8, *oper_status)];
            let entry = Oid::from_static(IF_ENTRY);
            let integer = |number| Value::Integer(i32::try_from(number).unwrap_or(i32::MAX));
            let varbind = |(column, number)| (entry.child(&[column, *index]), integer(number));
            standard(if *is_up { 4 } else { 3 }, columns.map(varbind).to_vec())
        }
        Notice::AuthenticationFailure => standard(5, Vec::new()),
        Notice::Test => own(&TEST, Vec::new()),
        Notice::Event(event) => {
            let notification = Notification::of(event.kind);
            own(notification, varbinds(&sender.root, notification, event))
        }
    }
}

/// The columns of the alarm's row, as the table would show it.
fn varbinds(root: &Oid, notification: &Notification, event: &Event) -> Vec<(Oid, Value)> {
    let shape = ALARM.shape();
    let health = Health { alarms: vec![Alarm::clone(&event.alarm)], ..Health::default() };
    let mut varbinds = Vec::new();
    ALARM.visit(&health, &mut |row| {
        for column in notification.columns {
            let label = shape.labels.iter().position(|label| label.column == *column);
            let text = label.and_then(|place| row.label(place)).map(|text| Value::text(&text));
            let metric = shape.metrics.iter().enumerate().find(|(_, metric)| metric.column == *column);
            let number = metric.and_then(|(place, metric)| Some(smi::value(metric, row.number(place)?)));
            if let Some(value) = text.or(number) {
                varbinds.push((vitals::column_oid(root, &shape, *column).child(&[event.alarm.id]), value));
            }
        }
    });
    varbinds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Severity;
    use crate::health::alarm::EventKind;
    use crate::notify::outbox::tests::event;

    fn told(notice: &Notice) -> (String, Vec<(String, Value)>) {
        let root: Oid = "1.3.6.1.4.1.32473.1".parse().expect("an OID");
        let sender = Sender { object_id: root.child(&[3, 1]), root };
        let content = content(&sender, notice);
        let varbinds = content.varbinds.iter().map(|(oid, value)| (oid.to_string(), value.clone())).collect();
        (content.id.to_string(), varbinds)
    }

    #[test]
    fn an_alarm_carries_the_columns_of_its_row() {
        let raised = event(1, EventKind::Raised, Severity::Critical, Severity::Critical);
        let (id, varbinds) = told(&Notice::Event(Box::new(raised)));
        assert_eq!(id, "1.3.6.1.4.1.32473.1.0.1");
        let at = |column: u32| format!("1.3.6.1.4.1.32473.1.1.4.1.{column}.7");
        assert_eq!(
            varbinds,
            [
                (at(2), Value::text("full")),
                (at(3), Value::text("mountpoint=/")),
                (at(7), Value::Integer(3)),
                (at(5), Value::text("90.0 %")),
                (at(6), Value::text("it is full")),
                (at(8), Value::OctetString(vec![0x07, 0xb2, 1, 1, 0, 0, 0, 0, b'+', 0, 0])),
            ]
        );
    }

    #[test]
    fn the_standard_ones_are_as_their_modules_say() {
        let (id, varbinds) = told(&Notice::Link { index: 7, is_up: false, admin_status: 1, oper_status: 2 });
        assert_eq!(id, "1.3.6.1.6.3.1.1.5.3");
        let at = |column: u32| format!("1.3.6.1.2.1.2.2.1.{column}.7");
        assert_eq!(varbinds, [(at(1), Value::Integer(7)), (at(7), Value::Integer(1)), (at(8), Value::Integer(2))]);
        let up = Notice::Link { index: 7, is_up: true, admin_status: 1, oper_status: 1 };
        for (notice, arc) in
            [(Notice::ColdStart, 1), (Notice::WarmStart, 2), (up, 4), (Notice::AuthenticationFailure, 5)]
        {
            assert_eq!(told(&notice).0, format!("1.3.6.1.6.3.1.1.5.{arc}"));
        }
        assert_eq!(told(&Notice::Test), ("1.3.6.1.4.1.32473.1.0.4".into(), Vec::new()));
    }
}
