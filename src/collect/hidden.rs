//! What the configuration's filters leave out, so that a filter that takes too much can be seen.
//!
//! The facts are those of two sections; only the family is here, as its only row is neither a filesystem nor an
//! interface.

use super::Family;
use crate::metric::{Index, Metric, Unit};

/// How many rows the filters took away.
pub struct Hidden {
    filesystems: Option<u64>,
    interfaces: Option<u64>,
}

/// What leaves the agent.
pub static FAMILY: Family<Hidden> = Family {
    section: "section",
    subject: "hidden",
    object: "Hidden",
    arc: 13,
    help: "What the configuration leaves out.",
    exported: true,
    rows: |snapshot, visit| {
        let number = |hidden: usize| u64::try_from(hidden).ok();
        visit(&Hidden {
            filesystems: snapshot.filesystem.get().and_then(|filesystems| number(filesystems.hidden)),
            interfaces: snapshot.interface.get().and_then(|interfaces| number(interfaces.hidden)),
        });
    },
    index: Index::Scalar,
    labels: &[],
    metrics: &[
        Metric::gauge(
            1,
            "filesystems",
            Unit::Count,
            "Filesystems that the filters leave out.",
            "/proc/1/mountinfo",
            |hidden| hidden.filesystems.map(Into::into),
        ),
        Metric::gauge(
            2,
            "interfaces",
            Unit::Count,
            "Interfaces that the filters leave out.",
            "/proc/net/dev",
            |hidden| hidden.interfaces.map(Into::into),
        ),
    ],
};
