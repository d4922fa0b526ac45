//! `[notify]` of the configuration: who is told of alarms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::health::Severity;
use crate::secret::Secret;

/// Targets, by kind.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Receivers of SNMP traps.
    pub snmp: Vec<SnmpTarget>,
}

/// One receiver of SNMP traps.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SnmpTarget {
    /// What the agent calls it.
    pub name: String,
    /// `udp:ADDRESS:PORT`; a host name is looked up at each sending.
    pub target: String,
    /// The version of SNMP: `1` or `2c`.
    pub version: Version,
    /// The community that the trap carries.
    pub community: Option<Secret>,
    /// The least severity that is sent; absent: everything.
    pub minimum_severity: Option<Severity>,
}

/// The version of SNMP that a trap is sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
pub enum Version {
    /// SNMPv1 (RFC 1157).
    #[serde(rename = "1")]
    V1,
    /// SNMPv2c (RFC 3416 with communities).
    #[default]
    #[serde(rename = "2c")]
    V2c,
}
