//! What the configuration's filters leave out, so that a filter that takes too much can be seen.
//!
//! The facts are those of the filesystem section; only the family is here, as its only row isn't a filesystem.

use super::Family;
use super::filesystem::Filesystems;
use crate::metric::{Index, Metric, Unit};

/// What leaves the agent.
pub static FAMILY: Family<Filesystems> = Family {
    section: "filesystem",
    subject: "hidden",
    object: "Hidden",
    arc: 13,
    help: "What the configuration leaves out.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(filesystems) = snapshot.filesystem.get() {
            visit(filesystems);
        }
    },
    index: Index::Scalar,
    labels: &[],
    metrics: &[Metric::gauge(
        1,
        "filesystems",
        Unit::Count,
        "Filesystems that the filters leave out.",
        "vitalsd",
        |filesystems| u64::try_from(filesystems.hidden).ok().map(Into::into),
    )],
};
