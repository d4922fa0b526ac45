//! Health: rules over the metrics that are exported, and the alarms that come of them. Pure: told the time, given facts.

pub mod alarm;
pub mod assess;
pub mod builtin;
pub mod config;
pub mod families;
pub mod notification;
pub mod rules;
pub mod summary;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use alarm::{Alarm, Event, Health, State};
pub use assess::{Assessor, Memory};
pub use families::FAMILIES;

/// How bad an alarm is, after ITU-T X.733: the agent's rules know two levels, and `cleared`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No longer.
    Cleared,
    /// Needs a look.
    Warning,
    /// Needs a hand.
    Critical,
}
