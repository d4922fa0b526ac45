//! vitalsd.

pub mod metric;
