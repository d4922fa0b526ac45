//! `[snmp]` of the configuration: who may ask, where, and for what.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::usm::{AuthProtocol, PrivProtocol};
use crate::secret::Secret;

/// Listeners, the allow-list, and identities.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the agent listens: `udp:ADDRESS:PORT` or `tcp:ADDRESS:PORT`, an IPv6 address in brackets.
    pub listen: Vec<String>,
    /// The networks that are answered; anyone else gets silence and a counter. Absent: loopback only.
    pub allow: Option<Vec<String>>,
    /// How many messages an allowed source may send, as `2000/s`; more get silence and a counter. Absent: any number.
    pub rate_limit: Option<Rate>,
    /// The engine ID in hexadecimal digits, 5 to 32 octets; absent: one is made from the machine's identity and kept in
    /// the state directory. No two machines may have the same.
    pub engine_id: Option<String>,
    /// Whether authenticationFailure is sent: what snmpEnableAuthenTraps is until a manager sets it.
    pub authentication_traps: bool,
    /// A file that tells who asked for what; off unless given.
    pub query_log: Option<QueryLog>,
    /// Identities of SNMPv1 and SNMPv2c; none unless given.
    pub community: Vec<Community>,
    /// Identities of SNMPv3; none unless given.
    pub user: Vec<User>,
    /// Named parts of the tree; `all` is built in.
    pub view: Vec<View>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: vec!["udp:127.0.0.1:1161".into()],
            allow: None,
            rate_limit: None,
            engine_id: None,
            authentication_traps: true,
            query_log: None,
            community: Vec::new(),
            user: Vec::new(),
            view: Vec::new(),
        }
    }
}

impl Config {
    /// Forgets what users' keys were made of, and keys as they were written: an engine has its own.
    pub fn forget_users_secrets(&mut self) {
        for user in &mut self.user {
            let User { auth_password, auth_key, auth_master_key, priv_password, priv_key, priv_master_key, .. } = user;
            for secret in [auth_password, auth_key, auth_master_key, priv_password, priv_key, priv_master_key] {
                *secret = None;
            }
        }
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
    /// Neither: a user who only signs notifications.
    None,
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

/// One user of SNMPv3 (RFC 3414). Of each secret one form is given: a password, a file that holds it, the key localized
/// to this engine (polling and traps), or the master key (also informs, whose keys are localized to the receiver).
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct User {
    /// The user's name: 1 to 32 octets.
    pub name: String,
    /// How messages are authenticated: `none`, `md5`, `sha1`, `sha224`, `sha256`, `sha384` or `sha512`.
    pub auth: Auth,
    /// The password of authentication, at least 8 characters.
    pub auth_password: Option<Secret>,
    /// A file whose first line is that password.
    pub auth_password_file: Option<PathBuf>,
    /// The authentication key localized to this engine, in hexadecimal digits, as `vitalsd user hash` prints it. It fits
    /// as long as the engine ID stays: the state directory is kept, or `engine_id` fixed.
    pub auth_key: Option<Secret>,
    /// The authentication key before it is localized, in hexadecimal digits.
    pub auth_master_key: Option<Secret>,
    /// How messages are encrypted: `none`, `des`, `aes128`, `aes192`, `aes256`, or with the key extension that Cisco and
    /// others use `aes192c`, `aes256c`.
    #[serde(rename = "priv")]
    pub privacy: Privacy,
    /// The password of encryption, at least 8 characters.
    pub priv_password: Option<Secret>,
    /// A file whose first line is that password.
    pub priv_password_file: Option<PathBuf>,
    /// The privacy key localized to this engine, in hexadecimal digits.
    pub priv_key: Option<Secret>,
    /// The privacy key before it is localized, in hexadecimal digits.
    pub priv_master_key: Option<Secret>,
    /// The least that is accepted: `noAuthNoPriv`, `authNoPriv` or `authPriv`; absent: the most that the keys allow.
    pub level: Option<Level>,
    /// `read`, `write`, or `none` for a user who only signs notifications.
    pub access: Access,
    /// The name of the view that the user sees.
    pub view: Option<String>,
}

/// How messages are authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// HMAC-MD5-96 (RFC 3414): weak, for old managers.
    Md5,
    /// HMAC-SHA-96 (RFC 3414).
    Sha1,
    /// HMAC-128-SHA-224 (RFC 7860).
    Sha224,
    /// HMAC-192-SHA-256 (RFC 7860).
    Sha256,
    /// HMAC-256-SHA-384 (RFC 7860).
    Sha384,
    /// HMAC-384-SHA-512 (RFC 7860).
    Sha512,
}

impl Auth {
    /// The protocol, if any.
    pub fn protocol(self) -> Option<AuthProtocol> {
        match self {
            Auth::None => None,
            Auth::Md5 => Some(AuthProtocol::Md5),
            Auth::Sha1 => Some(AuthProtocol::Sha1),
            Auth::Sha224 => Some(AuthProtocol::Sha224),
            Auth::Sha256 => Some(AuthProtocol::Sha256),
            Auth::Sha384 => Some(AuthProtocol::Sha384),
            Auth::Sha512 => Some(AuthProtocol::Sha512),
        }
    }
}

/// How messages are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Privacy {
    /// Not at all.
    #[default]
    None,
    /// CBC-DES (RFC 3414): weak, for old managers.
    Des,
    /// CFB128-AES-128 (RFC 3826).
    Aes128,
    /// AES-192, the key extended as draft-blumenthal-aes-usm has it.
    Aes192,
    /// AES-256, the key extended as draft-blumenthal-aes-usm has it.
    Aes256,
    /// AES-192, the key extended as draft-reeder-snmpv3-usm-3desede has it.
    Aes192c,
    /// AES-256, the key extended as draft-reeder-snmpv3-usm-3desede has it.
    Aes256c,
}

impl Privacy {
    /// The protocol, if any.
    pub fn protocol(self) -> Option<PrivProtocol> {
        match self {
            Privacy::None => None,
            Privacy::Des => Some(PrivProtocol::Des),
            Privacy::Aes128 => Some(PrivProtocol::Aes128),
            Privacy::Aes192 => Some(PrivProtocol::Aes192),
            Privacy::Aes256 => Some(PrivProtocol::Aes256),
            Privacy::Aes192c => Some(PrivProtocol::Aes192c),
            Privacy::Aes256c => Some(PrivProtocol::Aes256c),
        }
    }
}

/// How safe a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, Serialize, JsonSchema)]
pub enum Level {
    /// Neither authenticated nor encrypted.
    #[default]
    #[serde(rename = "noAuthNoPriv")]
    NoAuthNoPriv,
    /// Authenticated.
    #[serde(rename = "authNoPriv")]
    AuthNoPriv,
    /// Authenticated and encrypted.
    #[serde(rename = "authPriv")]
    AuthPriv,
}

impl Level {
    /// As RFC 3411 names it.
    pub fn name(self) -> &'static str {
        match self {
            Level::NoAuthNoPriv => "noAuthNoPriv",
            Level::AuthNoPriv => "authNoPriv",
            Level::AuthPriv => "authPriv",
        }
    }
}

/// Where the query log is written: one JSON object a line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryLog {
    /// The file.
    pub path: PathBuf,
    /// How large it grows before another is begun, in bytes.
    #[serde(default = "QueryLog::default_max_bytes")]
    pub max_bytes: u64,
    /// How many full files are kept beside it.
    #[serde(default = "QueryLog::default_keep")]
    pub keep: u32,
}

impl QueryLog {
    fn default_max_bytes() -> u64 {
        10_000_000
    }

    fn default_keep() -> u32 {
        5
    }
}

/// So many a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Messages a second; at least 1.
    pub per_second: u32,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix("/s").and_then(|number| number.trim().parse().ok()).filter(|number| *number > 0);
        number
            .map(|per_second| Rate { per_second })
            .ok_or_else(|| format!("`{text}` is no rate: write it as \"2000/s\""))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/s", self.per_second)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
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
