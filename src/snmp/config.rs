//! `[snmp]` of the configuration: who may ask, where, and for what.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// Listeners, the allow-list, and identities.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the agent listens: `udp:ADDRESS:PORT`, an IPv6 address in brackets.
    pub listen: Vec<String>,
    /// The networks that are answered; anyone else gets silence and a counter. Absent: loopback only.
    pub allow: Option<Vec<String>>,
    /// Identities of SNMPv1 and SNMPv2c; none unless given.
    pub community: Vec<Community>,
    /// Named parts of the tree; `all` is built in.
    pub view: Vec<View>,
}

impl Default for Config {
    fn default() -> Self {
        Config { listen: vec!["udp:127.0.0.1:1161".into()], allow: None, community: Vec::new(), view: Vec::new() }
    }
}

/// What an identity may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// GET, GETNEXT and GETBULK.
    #[default]
    Read,
    /// SET too.
    Write,
}

/// One community.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Community {
    /// The community itself.
    pub name: Option<Secret>,
    /// A file whose first line is the community.
    pub name_file: Option<PathBuf>,
    /// `read` or `write`.
    pub access: Access,
    /// The name of the view that it sees.
    pub view: Option<String>,
    /// The networks that may use it; absent: all that `snmp.allow` permits.
    pub from: Option<Vec<String>>,
}

/// A part of the tree: what is included and not excluded, the longer subtree winning.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct View {
    /// What communities call it.
    pub name: String,
    /// Subtrees that are seen: numbers, or `VITALS-MIB::name`.
    pub include: Vec<String>,
    /// Subtrees of those that are not.
    pub exclude: Vec<String>,
}
