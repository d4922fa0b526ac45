//! What is written from the families for others to read: the MIB's text, and the documentation of metrics.

pub mod metrics;
pub mod mib;
