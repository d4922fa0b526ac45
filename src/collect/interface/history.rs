//! Since when: the times at which the agent saw interfaces come, go and change, which the kernel doesn't keep.
//!
//! All times are the agent's uptime. What was so when the agent first looked is zero, as RFC 2863 wants it. A change is
//! seen by the next collection, and has that time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Interface, Interfaces, Layer, OperationalState};

/// What is remembered while the agent runs, over reloads too.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<History>>);

#[derive(Debug, Default)]
struct History {
    /// Whether there was a collection before.
    looked: bool,
    rows: HashMap<String, Past>,
    rows_changed: Duration,
    layers: Vec<Layer>,
    layers_changed: Duration,
}

/// An interface as it was.
#[derive(Debug, Clone, Copy)]
struct Past {
    index: Option<u32>,
    state: Option<OperationalState>,
    since: Duration,
    /// Of each direction bytes and packets: of a device that stays, none falls.
    traffic: [u64; 4],
    discontinuity: Duration,
}

impl Memory {
    /// Notes the interfaces as they are `now`, and tells them since when.
    pub fn note(&self, interfaces: &mut Interfaces, now: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).note(interfaces, now);
    }
}

impl History {
    fn note(&mut self, interfaces: &mut Interfaces, now: Duration) {
        let now = if self.looked { now } else { Duration::ZERO };
        let mut before = std::mem::take(&mut self.rows);
        let mut is_new = false;
        for row in &mut interfaces.rows {
            let past = before.remove(&row.name).filter(|past| past.index == row.index);
            is_new |= past.is_none();
            let present = Past::of(row, past, now);
            row.since = present.since;
            row.discontinuity = present.discontinuity;
            self.rows.insert(row.name.clone(), present);
        }
        // What is left is gone, or was another interface of the same name.
        if is_new || !before.is_empty() {
            self.rows_changed = now;
        }
        if self.layers != interfaces.layers {
            self.layers_changed = now;
            self.layers.clone_from(&interfaces.layers);
        }
        self.looked = true;
        interfaces.rows_changed = self.rows_changed;
        interfaces.layers_changed = self.layers_changed;
    }
}

impl Past {
    fn of(row: &Interface, past: Option<Past>, now: Duration) -> Past {
        let state = row.operational();
        let traffic = [row.receive.bytes, row.receive.packets, row.transmit.bytes, row.transmit.packets];
        let fell = |past: &Past| past.traffic.iter().zip(&traffic).any(|(before, after)| before > after);
        let unchanged = past.filter(|past| past.state == state);
        let continuous = past.filter(|past| !fell(past));
        Past {
            index: row.index,
            state,
            since: unchanged.map_or(now, |past| past.since),
            traffic,
            discontinuity: continuous.map_or(now, |past| past.discontinuity),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_has_its_time_and_what_did_not_has_the_old_one() {
        let memory = Memory::default();
        let row = |name: &str, index: u32, up: bool, bytes: u64| {
            let state = Some(if up { OperationalState::Up } else { OperationalState::Down });
            let mut row = Interface { name: name.into(), index: Some(index), state, ..Interface::default() };
            row.receive.bytes = bytes;
            row
        };
        let look = |second: u64, rows: Vec<Interface>, layers: &[(&str, &str)]| {
            let layers =
                layers.iter().map(|(higher, lower)| Layer { higher: (*higher).into(), lower: (*lower).into() });
            let mut interfaces = Interfaces { rows, layers: layers.collect(), ..Interfaces::default() };
            memory.note(&mut interfaces, Duration::from_secs(second));
            let times = interfaces.rows.iter().map(|row| (row.since.as_secs(), row.discontinuity.as_secs()));
            let changed = (interfaces.rows_changed.as_secs(), interfaces.layers_changed.as_secs());
            (times.collect::<Vec<_>>(), changed)
        };
        let (a, b) = (|up, bytes| row("a", 1, up, bytes), |up| row("b", 2, up, 0));
        assert_eq!(look(5, vec![a(true, 9), b(true)], &[("b", "a")]), (vec![(0, 0), (0, 0)], (0, 0)));
        assert_eq!(look(6, vec![a(false, 9), b(true)], &[("b", "a")]), (vec![(6, 0), (0, 0)], (0, 0)));
        assert_eq!(look(7, vec![a(false, 8), b(true)], &[]), (vec![(6, 7), (0, 0)], (0, 7)));
        assert_eq!(look(8, vec![a(false, 8)], &[]), (vec![(6, 7)], (8, 7)));
        // Another device of the name begins anew.
        assert_eq!(look(9, vec![row("a", 3, false, 8)], &[]), (vec![(9, 9)], (9, 7)));
        assert_eq!(look(10, vec![row("a", 3, false, 8), b(true)], &[]), (vec![(9, 9), (10, 10)], (10, 7)));
    }
}
