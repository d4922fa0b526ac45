//! The numbers of interfaces, which every module of the network stack shows.

use super::Subject;

/// ifIndex, by the kernel's name.
pub static INTERFACES: Subject = Subject {
    name: "interface",
    sections: &["interface"],
    names: |snapshot| {
        let interfaces = snapshot.interface.get().into_iter().flat_map(|interfaces| &interfaces.rows);
        interfaces.map(|interface| (interface.name.clone(), interface.index)).collect()
    },
};
