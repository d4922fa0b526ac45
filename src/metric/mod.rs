//! The vocabulary in which facts are declared: what a number is, which unit it has, how its rows are indexed.
//!
//! A [`Family`] lists the metrics of one subject over rows of plain structs. Everything that leaves the agent (the
//! private MIB, its text, Prometheus, JSON, rules, documentation) is a loop over families, so that adding a metric is
//! adding one entry. This module is pure: no clock, no environment, no I/O, and it knows no subject.

mod descriptor;
mod family;
pub mod time;

pub use descriptor::{Descriptor, Kind, Number, Unit};
pub use family::{Family, Index, Label, LabelDescriptor, Metric, Projection, Role, Row, RowIndex, Shape};
pub use time::{Interval, Now};

/// What the agent's metric names begin with.
pub const PREFIX: &str = "vitals_";
