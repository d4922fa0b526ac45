//! Standard MIB modules over the machine's facts: another projection of what VITALS-MIB and Prometheus show.
//!
//! A module is declared in a file of its own, over [`Facts`]: the snapshot, and the numbers that rows keep. To add one:
//! write its file, and add an entry to [`MODULES`]; where its rows need numbers of their own, one to [`SUBJECTS`]. What a
//! fact is in units, ranges and enumerations of the module is said there and nowhere else.

pub mod bridge;
pub mod etherlike;
mod host_resources;
pub mod if_mib;
mod internet;
pub mod ip_forward_mib;
pub mod ip_mib;
pub mod tcp_mib;
mod ucd;
pub mod udp_mib;

use std::collections::BTreeMap;
use std::sync::Arc;

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
];

/// What keeps numbers across restarts: rows that managers remember by index.
pub static SUBJECTS: &[&Subject] =
    &[&if_mib::INTERFACES, &host_resources::FILESYSTEMS, &host_resources::DEVICES, &ucd::SERVICES, &ucd::BLOCK_DEVICES];

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
}

impl Facts {
    /// The facts of another moment. Numbers are looked up for subjects of which a section `changed`.
    #[must_use]
    pub fn with(&self, snapshot: &Arc<Snapshot>, changed: impl Fn(&[&str]) -> bool, indices: &mut Indices) -> Facts {
        let mut numbers = self.numbers.clone();
        for subject in SUBJECTS.iter().filter(|subject| changed(subject.sections)) {
            let names = (subject.names)(snapshot);
            let assigned = indices.assign(subject.name, &names, snapshot.now.wall);
            let named = names.into_iter().map(|(name, _)| name).zip(assigned);
            let named = named.filter_map(|(name, number)| Some((name, number?))).collect();
            numbers.insert(subject.name, Arc::new(named));
        }
        Facts { snapshot: Some(snapshot.clone()), numbers }
    }

    /// The number of a name; `None` where it has none.
    pub fn number(&self, subject: &Subject, name: &str) -> Option<u32> {
        self.numbers.get(subject.name)?.get(name).copied()
    }

    /// What a section says, while it says something.
    pub fn section<'a, T>(&'a self, slot: impl Fn(&'a Snapshot) -> Option<&'a T>) -> Option<&'a T> {
        self.snapshot.as_deref().and_then(slot)
    }
}
