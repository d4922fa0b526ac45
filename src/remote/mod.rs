//! Facts that are asked of other programs over a socket: asynchronous, each with an overall time-out.
//!
//! Rows and metrics are declared in [`crate::collect`]; here is only how the answers are fetched.

pub mod systemd;
