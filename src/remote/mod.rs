//! Facts that come of other programs, asked over a socket or started: asynchronous, each with an overall time-out.
//!
//! Rows and metrics are declared in [`crate::collect`]; here is only how the answers are fetched.

pub mod extend;
pub mod systemd;
