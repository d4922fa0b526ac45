//! `[notify]` of the configuration: who is told of alarms.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::health::Severity;
use crate::metric::Interval;
use crate::secret::Secret;
use crate::snmp::notification::Kind;

/// Targets, by kind.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Receivers of SNMP notifications.
    pub snmp: Vec<SnmpTarget>,
}

/// One receiver of SNMP notifications.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SnmpTarget {
    /// What the agent calls it.
    pub name: String,
    /// `udp:ADDRESS:PORT`; a host name is looked up at each sending.
    pub target: String,
    /// The version of SNMP: `1`, `2c` or `3`.
    pub version: Version,
    /// `trap`, or `inform`, which is sent again until the receiver acknowledges it.
    pub kind: Kind,
    /// The community that versions 1 and 2c carry.
    pub community: Option<Secret>,
    /// A file whose first line is the community.
    pub community_file: Option<PathBuf>,
    /// The user of version 3, one of `[[snmp.user]]`; sent is at the highest level that his keys allow.
    pub user: Option<String>,
    /// How long the first acknowledgement of an inform is waited for, each later one twice as long; absent: `2s`.
    pub timeout: Option<Interval>,
    /// How often an inform is sent again before it waits in the queue for a while; absent: 3.
    pub retries: Option<u32>,
    /// The least severity of alarms that is sent; absent: everything. Starts, links and failed authentications are always
    /// sent.
    pub minimum_severity: Option<Severity>,
}

/// The first wait for an acknowledgement: a receiver far away answers within half a second, and one that writes to a
/// database within two.
const TIMEOUT: Interval = Interval::seconds(2);

/// How often an inform is sent again: with waits that double, 30 seconds in all, in which a receiver restarts. After that
/// it waits in the outbox.
const RETRIES: u32 = 3;

impl SnmpTarget {
    /// How long the first acknowledgement of an inform is waited for.
    pub fn first_wait(&self) -> Duration {
        self.timeout.unwrap_or(TIMEOUT).0
    }

    /// How often an inform is sent again, one after the other.
    pub fn most_retries(&self) -> u32 {
        self.retries.unwrap_or(RETRIES)
    }
}

/// The version of SNMP that a notification is sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
pub enum Version {
    /// SNMPv1 (RFC 1157).
    #[serde(rename = "1")]
    V1,
    /// SNMPv2c (RFC 3416 with communities).
    #[default]
    #[serde(rename = "2c")]
    V2c,
    /// SNMPv3 with the User-based Security Model (RFC 3414).
    #[serde(rename = "3")]
    V3,
}
