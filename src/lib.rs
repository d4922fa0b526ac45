//! vitalsd.

pub mod collect;
pub mod metric;
