//! What only sysfs says of an interface and what hardly changes: speed, duplex, whether there is a device. It is kept
//! from one collection to the next, as reading a file of sysfs costs more than all else that is known of an interface.

use std::collections::HashMap;

use super::sysfs::directory;
use super::{Duplex, Interface};
use crate::collect::Root;

/// What is known of each interface, by the kernel's number.
#[derive(Debug, Default)]
pub struct Settled(HashMap<u32, Known>);

/// What was read, and what must be the same for it to hold.
#[derive(Debug, Clone)]
struct Known {
    name: String,
    carrier_changes: Option<u64>,
    flags: Option<u32>,
    kind: Option<String>,
    physical: Option<bool>,
    speed_bytes: Option<u64>,
    duplex: Option<Duplex>,
}

impl Settled {
    /// Fills in these rows; what is no longer there is forgotten. sysfs may be that of another network namespace than the
    /// rows: then it has another number for the name, or none, and says nothing.
    pub fn fill(&mut self, root: &Root, rows: &mut [Interface]) {
        let mut before = std::mem::take(&mut self.0);
        for row in rows {
            let Some(index) = row.index else { continue };
            let known = before.remove(&index).filter(|known| known.name == row.name);
            let known = match known {
                Some(known) if known.holds(row) => known,
                Some(known) => known.with_link(root, row),
                None => Known::read(root, row, index),
            };
            row.physical = known.physical;
            row.speed_bytes = known.speed_bytes;
            row.duplex = known.duplex;
            if row.kind.is_none() {
                row.kind.clone_from(&known.kind);
            }
            self.0.insert(index, known);
        }
    }
}

impl Known {
    /// Whether nothing can have changed: neither link nor flags did, and it is neither hardware, where another speed may
    /// be agreed on, nor a sum of others.
    fn holds(&self, row: &Interface) -> bool {
        let moves = self.physical == Some(true) || row.is_bridge() || row.is_bond();
        self.physical.is_none() || !moves && self.carrier_changes == row.carrier_changes && self.flags == row.flags
    }

    fn read(root: &Root, row: &Interface, index: u32) -> Known {
        let path = directory(&row.name);
        let is_same = root.read_number(path.join("ifindex")) == Some(index);
        let known = Known {
            name: row.name.clone(),
            carrier_changes: row.carrier_changes,
            flags: row.flags,
            kind: None,
            physical: None,
            speed_bytes: None,
            duplex: None,
        };
        if !is_same {
            return known;
        }
        let kind = if row.kind.is_none() { device_type(root, row) } else { None };
        let known = Known { kind, physical: Some(root.path(path.join("device")).exists()), ..known };
        known.with_link(root, row)
    }

    fn with_link(self, root: &Root, row: &Interface) -> Known {
        let text = |file: &str| root.read_trimmed(directory(&row.name).join(file));
        Known {
            carrier_changes: row.carrier_changes,
            flags: row.flags,
            speed_bytes: text("speed").and_then(|text| parse_speed(&text)),
            duplex: text("duplex").map(|text| Duplex::parse(&text)),
            ..self
        }
    }
}

/// `DEVTYPE=wlan`.
fn device_type(root: &Root, row: &Interface) -> Option<String> {
    let text = root.read_trimmed(directory(&row.name).join("uevent"))?;
    text.lines().find_map(|line| line.strip_prefix("DEVTYPE=")).map(str::to_string)
}

/// Megabits per second to bytes per second. Drivers that don't know say -1, some as an unsigned number.
fn parse_speed(text: &str) -> Option<u64> {
    let megabits: u32 = text.parse().ok()?;
    (megabits > 0 && megabits < u32::MAX).then(|| u64::from(megabits) * 125_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_speeds_are_absent() {
        assert_eq!(parse_speed("1000"), Some(125_000_000));
        assert_eq!([parse_speed("-1"), parse_speed("4294967295"), parse_speed("0")], [None; 3]);
    }

    #[test]
    fn a_link_that_changed_is_read_again_and_one_of_another_namespace_never() {
        let directory = tempfile::tempdir().expect("a directory");
        let class = directory.path().join("sys/class/net/v0");
        std::fs::create_dir_all(&class).expect("a directory");
        let write = |file: &str, text: &str| std::fs::write(class.join(file), text).expect("a file");
        write("ifindex", "7");
        write("speed", "1000");
        let root = Root::new(directory.path());
        let mut settled = Settled::default();
        let mut speed = |index: u32, carrier_changes: u64| {
            let carrier_changes = Some(carrier_changes);
            let row = Interface { name: "v0".into(), index: Some(index), carrier_changes, ..Interface::default() };
            let mut rows = [row];
            settled.fill(&root, &mut rows);
            rows[0].speed_bytes
        };
        assert_eq!(speed(7, 1), Some(125_000_000));
        write("speed", "100");
        assert_eq!(speed(7, 1), Some(125_000_000), "kept");
        assert_eq!(speed(7, 3), Some(12_500_000));
        assert_eq!([speed(8, 3), speed(8, 4)], [None; 2]);
    }
}
