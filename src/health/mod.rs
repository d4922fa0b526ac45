//! Health: rules over the metrics that are exported, and the alarms that come of them. Pure: told the time, given facts.

pub mod config;
pub mod notification;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// What the rules made of the facts.
#[derive(Debug, Clone, Default)]
pub struct Health {}

/// Every family over health.
pub static FAMILIES: &[&dyn crate::metric::Projection<Health>] = &[];
