//! ENTITY-STATE-MIB (RFC 4268): whether the parts of the machine work, as far as the kernel says.
//!
//! What nobody can know is unknown(1). A chip's alarm has no severity: it is indeterminate, and critical where the reading
//! is beyond the limit at which damage begins. Administrative states are read-only. Its notifications are not sent:
//! alarms say it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Facts;
use super::entities::{Entity, Fact, SECTIONS, entities, placed};
use crate::collect::Snapshot;
use crate::collect::hwmon::Sensor;
use crate::collect::interface::OperationalState;
use crate::metric::Number;
use crate::mib::Value;
use crate::mib::index::Index;
use crate::mib::smi::date_and_time;
use crate::mib::table::{Column, Module, Rows, Table};

/// ENTITY-STATE-MIB.
pub static MODULE: Module<Facts> = Module {
    name: "ENTITY-STATE-MIB",
    identity: &[1, 3, 6, 1, 2, 1, 131],
    sentence: "The MIB for the state of physical entities (RFC 4268).",
    groups: &[],
    tables: &[&STATES],
};

struct States;

/// An entity's number, its states, and since when it is in them.
struct Row {
    number: u32,
    state: State,
    since: Option<Timestamp>,
}

impl Rows for States {
    type Source = Facts;
    type Row<'a> = Row;
}

/// entStateTable.
static STATES: Table<States> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 131, 1, 1, 1],
    sections: SECTIONS,
    rows: |facts| {
        let rows = placed(facts).into_iter().map(|row| Row {
            number: row.number,
            state: State::of(&row.entity),
            since: facts.states.since(&row.entity.key),
        });
        rows.collect()
    },
    index: |row| Index::new().number(row.number),
    columns: &[
        Column {
            number: 1,
            name: "entStateLastChanged",
            value: |row| {
                let seconds = Number::Float(row.since?.as_duration().as_secs_f64());
                Some(Value::OctetString(date_and_time(seconds)))
            },
        },
        Column { number: 2, name: "entStateAdmin", value: |row| Some(Value::Integer(row.state.admin)) },
        Column { number: 3, name: "entStateOper", value: |row| Some(Value::Integer(row.state.oper)) },
        Column { number: 4, name: "entStateUsage", value: |_| Some(Value::Integer(UNKNOWN)) },
        Column { number: 5, name: "entStateAlarm", value: |row| Some(Value::OctetString(vec![row.state.alarm])) },
        Column { number: 6, name: "entStateStandby", value: |_| Some(Value::Integer(UNKNOWN)) },
    ],
};

/// What every enumeration of ENTITY-STATE-TC-MIB calls unknown.
const UNKNOWN: i32 = 1;
/// EntityAdminState locked and unlocked.
const LOCKED: i32 = 2;
const UNLOCKED: i32 = 4;
/// EntityOperState disabled, enabled and testing.
const DISABLED: i32 = 2;
const ENABLED: i32 = 3;
const TESTING: i32 = 4;
/// EntityAlarmStatus: bit 0 is the first octet's highest.
const ALARM_UNKNOWN: u8 = 0b1000_0000;
const ALARM_CRITICAL: u8 = 0b0010_0000;
const ALARM_INDETERMINATE: u8 = 0b0000_0010;

/// The states of an entity, as numbers of the MIB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    admin: i32,
    oper: i32,
    alarm: u8,
}

impl State {
    fn of(entity: &Entity<'_>) -> State {
        let unknown = State { admin: UNKNOWN, oper: UNKNOWN, alarm: ALARM_UNKNOWN };
        let works = |works: Option<bool>| works.map_or(UNKNOWN, |works| if works { ENABLED } else { DISABLED });
        match entity.fact {
            Fact::Chassis(_) | Fact::Board(_) | Fact::Package(_) | Fact::Disk(_) => unknown,
            Fact::Port(interface) => State {
                admin: interface.flags.map_or(UNKNOWN, |flags| if flags & 1 == 1 { UNLOCKED } else { LOCKED }),
                oper: match interface.state {
                    Some(OperationalState::Up | OperationalState::Dormant) => ENABLED,
                    Some(OperationalState::Testing) => TESTING,
                    Some(OperationalState::Unknown) | None => UNKNOWN,
                    Some(_) => DISABLED,
                },
                ..unknown
            },
            Fact::Fan(sensor) => State {
                oper: works(sensor.value.map(|speed| speed > 0.0).filter(|_| sensor.fault != Some(true))),
                alarm: alarm(sensor),
                ..unknown
            },
            Fact::Sensor(sensor) => State {
                oper: works(Some(sensor.value.is_some() && sensor.fault != Some(true))),
                alarm: alarm(sensor),
                ..unknown
            },
            Fact::Supply(supply) => State {
                oper: works(supply.online.or(supply.present)),
                alarm: match supply.healthy {
                    None => ALARM_UNKNOWN,
                    Some(true) => 0,
                    Some(false) => ALARM_INDETERMINATE,
                },
                ..unknown
            },
        }
    }
}

fn alarm(sensor: &Sensor) -> u8 {
    let beyond = sensor.value.zip(sensor.critical).map(|(value, critical)| value >= critical);
    match (beyond, sensor.alarm) {
        (None, None) => ALARM_UNKNOWN,
        (Some(true), _) => ALARM_CRITICAL,
        (_, Some(true)) => ALARM_INDETERMINATE,
        _ => 0,
    }
}

/// Since when each entity is in its states, by its key.
#[derive(Debug, Clone, Default)]
pub struct History(BTreeMap<String, (State, Timestamp)>);

impl History {
    /// The history with what another moment adds. Entities that are gone are forgotten.
    #[must_use]
    pub fn with(&self, snapshot: &Snapshot) -> History {
        let now = snapshot.now.wall;
        let states = entities(snapshot).into_iter().map(|entity| {
            let state = State::of(&entity);
            let kept = self.0.get(&entity.key).filter(|(before, _)| *before == state);
            (entity.key, (state, kept.map_or(now, |(_, since)| *since)))
        });
        History(states.collect())
    }

    fn since(&self, key: &str) -> Option<Timestamp> {
        self.0.get(key).map(|(_, since)| *since)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::collect::{Root, Slot, hwmon};
    use crate::metric::Now;

    #[test]
    fn a_change_of_state_has_its_time_and_others_keep_theirs() {
        let at = |second| Now {
            wall: Timestamp::from_second(second).expect("a moment"),
            monotonic: Duration::from_secs(second.unsigned_abs()),
        };
        let mut sensors = hwmon::read(&Root::new("tests/fixtures/root")).expect("a class");
        let snapshot = |sensors: &[Sensor], second| {
            let mut snapshot = Snapshot::empty(at(second));
            snapshot.hwmon = Slot::filled(sensors.to_vec(), at(second));
            snapshot
        };
        let first = History::default().with(&snapshot(&sensors, 10));
        let key = |sensor: &Sensor| format!("sensor/{}", sensor.key);
        assert_eq!(alarm(&sensors[0]), 0);
        sensors[0].value = Some(101.0);
        assert_eq!(alarm(&sensors[0]), ALARM_CRITICAL);
        let second = first.with(&snapshot(&sensors, 20));
        assert_eq!(second.since(&key(&sensors[0])), Some(at(20).wall));
        assert_eq!(second.since(&key(&sensors[1])), Some(at(10).wall));
        assert_eq!(second.with(&snapshot(&[], 30)).since(&key(&sensors[1])), None);
    }
}
