//! `[http]` of the configuration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where Prometheus scrapes. A configuration file without an `[http]` section serves no HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `ADDRESS:PORT`.
    pub listen: String,
}

impl Default for Config {
    fn default() -> Self {
        Config { listen: "127.0.0.1:9161".into() }
    }
}
