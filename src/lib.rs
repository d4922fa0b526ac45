//! vitalsd.

pub mod collect;
pub mod metric;
pub mod remote;
