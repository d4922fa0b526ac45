//! Standard MIB modules over the machine's facts: another projection of what VITALS-MIB and Prometheus show.
//!
//! A module is declared in a file of its own, over [`Facts`]: the snapshot, and the numbers that rows keep. To add one:
//! write its file, and add an entry to [`MODULES`]; where its rows need numbers of their own, one to [`SUBJECTS`]. What a
//! fact is in units, ranges and enumerations of the module is said there and nowhere else.

pub mod bridge;
pub mod entities;
pub mod entity;
pub mod entity_sensor;
pub mod entity_state;
pub mod etherlike;
pub mod extend;
mod host_resources;
pub mod if_mib;
mod internet;
pub mod ip_forward_mib;
pub mod ip_mib;
pub mod lm_sensors;
pub mod tcp_mib;
mod ucd;
pub mod udp_mib;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::indices::Indices;
use super::table::Module;
use crate::collect::Snapshot;

/// Every module over [`Facts`], in the order of sysORTable: new ones go to the end.
pub static MODULES: &[&Module<Facts>] = &[
    &if_mib::MODULE,
    &etherlike::MODULE,
    &bridge::MODULE,
    &host_resources::MODULE,
    &ucd::MODULE,
    &ucd::DISK_MODULE,
    &ip_mib::MODULE,
    &ip_forward_mib::MODULE,
    &tcp_mib::MODULE,
    &udp_mib::MODULE,
    &entity::MODULE,
    &entity_sensor::MODULE,
    &entity_state::MODULE,
    &lm_sensors::MODULE,
    &extend::MODULE,
];

/// What keeps numbers across restarts: rows that managers remember by index.
pub static SUBJECTS: &[&Subject] = &[
    &if_mib::INTERFACES,
    &host_resources::FILESYSTEMS,
    &host_resources::DEVICES,
    &ucd::SERVICES,
    &ucd::BLOCK_DEVICES,
    &entities::ENTITIES,
    &lm_sensors::SENSORS,
];

/// Things of one kind, which share one range of numbers.
pub struct Subject {
    /// What the state file calls it. A family of VITALS-MIB with this subject has the same numbers.
    pub name: &'static str,
    /// The sections that they come from.
    pub sections: &'static [&'static str],
    /// What there is of them.
    pub names: fn(&Snapshot) -> Vec<Named>,
}

/// A name, and the number that it would like.
pub type Named = (String, Option<u32>);

/// What the modules are over.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The facts; absent before there are any.
    pub snapshot: Option<Arc<Snapshot>>,
    /// The numbers of each subject's names.
    numbers: BTreeMap<&'static str, Arc<BTreeMap<String, u32>>>,
    /// When one of each subject's names last came or went, as time since the agent started.
    changes: BTreeMap<&'static str, Duration>,
    /// Since when physical entities are in their states.
    pub states: Arc<entity_state::History>,
}

impl Facts {
    /// The facts of another moment. Numbers are looked up for subjects of which a section `changed`.
    #[must_use]
    pub fn with(&self, snapshot: &Arc<Snapshot>, changed: impl Fn(&[&str]) -> bool, indices: &mut Indices) -> Facts {
        let (mut numbers, mut changes) = (self.numbers.clone(), self.changes.clone());
        for subject in SUBJECTS.iter().filter(|subject| changed(subject.sections)) {
            let names = (subject.names)(snapshot);
            let assigned = indices.assign(subject.name, &names, snapshot.now.wall);
            let named = names.into_iter().map(|(name, _)| name).zip(assigned);
            let named: BTreeMap<_, _> = named.filter_map(|(name, number)| Some((name, number?))).collect();
            if self.numbers.get(subject.name).is_none_or(|before| **before != named) {
                changes.insert(subject.name, snapshot.now.monotonic);
                numbers.insert(subject.name, Arc::new(named));
            }
        }
        let states =
            if changed(entities::SECTIONS) { Arc::new(self.states.with(snapshot)) } else { self.states.clone() };
        Facts { snapshot: Some(snapshot.clone()), numbers, changes, states }
    }

    /// The number of a name; `None` where it has none.
    pub fn number(&self, subject: &Subject, name: &str) -> Option<u32> {
        self.numbers.get(subject.name)?.get(name).copied()
    }

    /// When one of a subject's names last came or went, as time since the agent started: what a TimeStamp of its table
    /// says.
    pub fn last_change(&self, subject: &Subject) -> Option<Duration> {
        self.changes.get(subject.name).copied()
    }

    /// What a section says, while it says something.
    pub fn section<'a, T>(&'a self, slot: impl Fn(&'a Snapshot) -> Option<&'a T>) -> Option<&'a T> {
        self.snapshot.as_deref().and_then(slot)
    }
}
