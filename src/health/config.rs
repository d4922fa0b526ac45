//! `[[rule]]` of the configuration: a threshold over any metric.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metric::Interval;

/// One rule as written. Of these only `name`, `metric` and one of `warning` and `critical` are needed.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// The rule's name, which is its alarm's id; the name of a built-in rule replaces that rule.
    pub name: String,
    /// `false` removes a built-in rule.
    pub enabled: bool,
    /// A metric's name, with or without its `vitals_` prefix; of a text file's metric, with `textfile:` before it.
    pub metric: String,
    /// Compare the metric's growth per second over this span instead of its value.
    pub rate: Option<Interval>,
    /// Globs that labels must match, or states by their names, or flags as `1` or `0`; absent: every instance.
    #[serde(rename = "match")]
    pub labels: BTreeMap<String, String>,
    /// The level that raises a warning.
    pub warning: Option<f64>,
    /// The level that raises a critical alarm.
    pub critical: Option<f64>,
    /// The level at which the alarm clears; absent: the warning level.
    pub clear: Option<f64>,
    /// Whether it is bad to be above or below the levels.
    pub direction: Direction,
    /// How long the level must be passed before the alarm is raised; absent: the first sample raises it.
    #[serde(rename = "for")]
    pub hold: Option<Interval>,
    /// What the alarm says, with `{value}`, `{threshold}`, `{instance}` or a label's name in braces filled in; absent: made
    /// from the metric's own words.
    pub message: Option<String>,
}

impl Default for Rule {
    fn default() -> Self {
        Rule {
            name: String::new(),
            enabled: true,
            metric: String::new(),
            rate: None,
            labels: BTreeMap::new(),
            warning: None,
            critical: None,
            clear: None,
            direction: Direction::Above,
            hold: None,
            message: None,
        }
    }
}

/// On which side of the levels it is bad to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// At or above a level is bad.
    #[default]
    Above,
    /// At or below a level is bad.
    Below,
}
