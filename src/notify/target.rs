//! A target, ready to be sent to: what `[[notify.snmp]]` says, checked, with the keys that informs need.

use std::fmt;
use std::net::Ipv6Addr;
use std::sync::Mutex;
use std::time::Duration;

use super::config::{SnmpTarget, Version};
use crate::health::Severity;
use crate::secret::Secret;
use crate::snmp::config::User;
use crate::snmp::engine_id::{EngineId, create_user_line};
use crate::snmp::notification::Kind;
use crate::snmp::outgoing::{Credentials, Receiver};
use crate::snmp::usm::{AuthProtocol, PrivProtocol};

/// The port of notifications, where a target names none.
const PORT: u16 = 162;

/// The shortest and the longest first wait.
const TIMEOUTS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));

/// The most retries.
const MOST_RETRIES: u32 = 10;

/// One receiver, and how it is spoken to.
#[derive(Debug)]
pub struct Target {
    /// What the agent calls it.
    pub name: String,
    /// As written: `udp:192.0.2.10:162`.
    pub written: String,
    /// `host:port`.
    pub address: String,
    /// Whether it acknowledges.
    pub kind: Kind,
    /// As whom.
    pub security: Security,
    /// The first wait for an acknowledgement.
    pub timeout: Duration,
    /// How often an inform is sent again.
    pub retries: u32,
    /// The least severity of alarms that is sent.
    pub minimum: Option<Severity>,
}

/// As whom a target is spoken to.
#[derive(Debug)]
pub enum Security {
    /// SNMPv1, with a community.
    V1(Secret),
    /// SNMPv2c, with a community.
    V2c(Secret),
    /// SNMPv3, as a user.
    V3 {
        /// His name.
        user: String,
        /// His protocols.
        protocols: (Option<AuthProtocol>, Option<PrivProtocol>),
        /// What is known of a receiver of informs; a receiver of traps isn't asked.
        receiver: Option<Box<Mutex<Receiver>>>,
    },
}

impl fmt::Display for Target {
    /// `v3 inform`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = match &self.security {
            Security::V1(_) => "v1",
            Security::V2c(_) => "v2c",
            Security::V3 { .. } => "v3",
        };
        let kind = match self.kind {
            Kind::Trap => "trap",
            Kind::Inform => "inform",
        };
        write!(formatter, "{version} {kind}")
    }
}

impl Target {
    /// Makes one of what is written. Secrets that stand in files must have been read into it.
    fn new(written: &SnmpTarget, users: &[User]) -> Result<Target, Finding> {
        let wrong =
            |key, message: String, remedy: &'static str| Finding { place: 0, key, message, remedy: remedy.into() };
        let community = || {
            let community =
                written.community.clone().or_else(|| written.community_file.as_ref().map(|_| Secret::default()));
            community.ok_or_else(|| wrong("", "without a community".into(), "give it `community` or `community_file`"))
        };
        let security = match written.version {
            Version::V1 if written.kind == Kind::Inform => {
                return Err(wrong(
                    "kind",
                    "SNMPv1 has no informs".into(),
                    "take version \"2c\" or \"3\", or kind \"trap\"",
                ));
            }
            Version::V1 | Version::V2c if written.user.is_some() => {
                return Err(wrong(
                    "user",
                    "a user in a version without users".into(),
                    "take version \"3\", or a community",
                ));
            }
            Version::V1 => Security::V1(community()?),
            Version::V2c => Security::V2c(community()?),
            Version::V3 if written.community.is_some() || written.community_file.is_some() => {
                let key = if written.community.is_some() { "community" } else { "community_file" };
                return Err(wrong(key, "a community in version 3".into(), "remove it: version 3 has users"));
            }
            Version::V3 => {
                let Some(name) = &written.user else {
                    return Err(wrong("", "without a user".into(), "give it `user`: the name of a [[snmp.user]]"));
                };
                let user = users.iter().find(|user| user.name == *name);
                let user = user
                    .ok_or_else(|| wrong("user", format!("no user is called `{name}`"), "name one of [[snmp.user]]"))?;
                Security::V3 {
                    user: name.clone(),
                    protocols: (user.auth.protocol(), user.privacy.protocol()),
                    receiver: match written.kind {
                        Kind::Trap => None,
                        Kind::Inform => Some(Box::new(Mutex::new(receiver(user)?))),
                    },
                }
            }
        };
        let address = checked_address(&written.target)?;
        let timeout = written.first_wait();
        if !(TIMEOUTS.0..=TIMEOUTS.1).contains(&timeout) {
            return Err(wrong("timeout", "out of range".into(), "write \"100ms\" to \"60s\""));
        }
        let retries = written.most_retries();
        if retries > MOST_RETRIES {
            return Err(wrong(
                "retries",
                "too many".into(),
                "the most is 10: what is not acknowledged is kept and sent later",
            ));
        }
        Ok(Target {
            name: written.name.clone(),
            written: written.target.clone(),
            address,
            kind: written.kind,
            security,
            timeout,
            retries,
            minimum: written.minimum_severity,
        })
    }

    /// The line of snmptrapd's configuration that makes a receiver know the user: bound to this engine for traps, to the
    /// receiver's own for informs.
    pub fn receiver_line(&self, engine: &EngineId) -> Option<String> {
        let Security::V3 { user, protocols, .. } = &self.security else { return None };
        let line = create_user_line(engine, user, protocols.0, protocols.1);
        match self.kind {
            Kind::Trap => Some(line),
            Kind::Inform => Some(line.replacen(&format!("-e 0x{engine} "), "", 1)),
        }
    }
}

/// A receiver that this user informs. Whether a password's file can be read is checked where files are read.
fn receiver(user: &User) -> Result<Receiver, Finding> {
    let filled = User {
        auth_password: user.auth_password.clone().or_else(|| unread(user.auth_password_file.is_some())),
        priv_password: user.priv_password.clone().or_else(|| unread(user.priv_password_file.is_some())),
        ..user.clone()
    };
    let message = |reason| Finding {
        place: 0,
        key: "user",
        message: reason,
        remedy: "a localized key fits this engine alone, and a receiver of informs is another".into(),
    };
    Credentials::of(&filled).map(Receiver::new).map_err(message)
}

fn unread(is_in_file: bool) -> Option<Secret> {
    is_in_file.then(|| Secret::new("in a file"))
}

/// What is wrong with a target as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which one, from 0.
    pub place: usize,
    /// The key in it; empty where it is the whole.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { place, key, message, remedy } = self;
        let dot = if key.is_empty() { "" } else { "." };
        write!(formatter, "notify.snmp[{place}]{dot}{key}: {message}: {remedy}")
    }
}

/// Makes the targets.
///
/// # Errors
/// The first thing that is wrong.
pub fn compile(targets: &[SnmpTarget], users: &[User]) -> Result<Vec<Target>, Finding> {
    match check(targets, users).into_iter().next() {
        Some(finding) => Err(finding),
        None => targets.iter().map(|target| Target::new(target, users)).collect(),
    }
}

/// Everything that is wrong with the targets as written, but for files that can't be read.
pub fn check(targets: &[SnmpTarget], users: &[User]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (place, target) in targets.iter().enumerate() {
        let (whole, address) = (Target::new(target, users).err(), checked_address(&target.target).err());
        let address = address.filter(|address| whole.as_ref() != Some(address));
        findings.extend(whole.into_iter().chain(address).map(|finding| Finding { place, ..finding }));
        if target.community.is_some() && target.community_file.is_some() {
            let (message, remedy) =
                ("both `community` and `community_file`", "keep one of them: the file is the safer");
            findings.push(Finding { place, key: "", message: message.into(), remedy: remedy.into() });
        }
        if target.name.is_empty() {
            let (message, remedy) = ("without a name", "give it `name`: the log and the status call it so");
            findings.push(Finding { place, key: "", message: message.into(), remedy: remedy.into() });
        } else if targets.iter().take(place).any(|other| other.name == target.name) {
            let message = format!("another target is called `{}`", target.name);
            findings.push(Finding { place, key: "name", message, remedy: "give each a name of its own".into() });
        }
    }
    findings
}

fn checked_address(target: &str) -> Result<String, Finding> {
    address(target).map_err(|reason| {
        let message = format!("`{target}` {reason}");
        Finding { place: 0, key: "target", message, remedy: "write \"udp:HOST:PORT\"".into() }
    })
}

/// `host:port` of a `udp:ADDRESS:PORT`; 162 where the port is left out. `Err` says what is wrong.
pub fn address(target: &str) -> Result<String, &'static str> {
    let Some(rest) = target.strip_prefix("udp:") else { return Err("does not begin with `udp:`") };
    let bracketed = rest.rfind(']');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if bracketed.is_none_or(|at| at < host.len()) => (host, Some(port)),
        _ => (rest, None),
    };
    if host.is_empty() || (bracketed.is_none() && host.contains(':')) {
        return Err("has no address");
    }
    if let Some(inner) = host.strip_prefix('[').map(|host| host.trim_end_matches(']'))
        && inner.parse::<Ipv6Addr>().is_err()
    {
        return Err("has no IPv6 address in its brackets");
    }
    match port.map_or(Ok(PORT), str::parse::<u16>) {
        Ok(port) if port > 0 => Ok(format!("{host}:{port}")),
        _ => Err("has no port number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snmp::config::{Auth, Privacy};

    #[test]
    fn addresses_are_hosts_with_ports() {
        let good = [
            ("udp:192.0.2.10:162", "192.0.2.10:162"),
            ("udp:192.0.2.10", "192.0.2.10:162"),
            ("udp:[2001:db8::1]:1162", "[2001:db8::1]:1162"),
            ("udp:[::1]", "[::1]:162"),
            ("udp:nms.example:1162", "nms.example:1162"),
        ];
        for (target, expected) in good {
            assert_eq!(address(target).as_deref(), Ok(expected), "{target}");
        }
        for target in [
            "",
            "192.0.2.10:162",
            "tcp:192.0.2.10:162",
            "udp:",
            "udp::162",
            "udp:a:0",
            "udp:a:x",
            "udp:::1",
            "udp:[x]:1",
        ] {
            assert!(address(target).is_err(), "{target}");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_said() {
        let secret = || Some(Secret::new("at-least-8"));
        let user = |name: &str| User { name: name.into(), auth: Auth::Sha256, ..User::default() };
        let users = [
            User { auth_password: secret(), ..user("nms") },
            User { auth_key: Some(Secret::new("00".repeat(32))), ..user("local") },
            User { auth_master_key: Some(Secret::new("00".repeat(32))), ..user("master") },
            User {
                privacy: Privacy::Aes256c,
                auth_password: secret(),
                priv_key: Some(Secret::new("00".repeat(32))),
                ..user("half")
            },
        ];
        let check = |version, kind, user: Option<&str>, community: bool| {
            let target = SnmpTarget {
                name: "nms".into(),
                target: "udp:192.0.2.10".into(),
                version,
                kind,
                user: user.map(String::from),
                community: community.then(|| Secret::new("traps")),
                ..SnmpTarget::default()
            };
            super::check(&[target], &users).into_iter().map(|finding| finding.message).next().unwrap_or_default()
        };
        assert_eq!(check(Version::V1, Kind::Trap, None, true), "");
        assert_eq!(check(Version::V2c, Kind::Inform, None, true), "");
        assert_eq!(check(Version::V3, Kind::Trap, Some("local"), false), "");
        for user in ["nms", "master"] {
            assert_eq!(check(Version::V3, Kind::Inform, Some(user), false), "");
        }
        assert_eq!(check(Version::V1, Kind::Inform, None, true), "SNMPv1 has no informs");
        assert_eq!(check(Version::V2c, Kind::Trap, None, false), "without a community");
        assert_eq!(check(Version::V2c, Kind::Trap, Some("nms"), true), "a user in a version without users");
        assert_eq!(check(Version::V3, Kind::Trap, None, false), "without a user");
        assert_eq!(check(Version::V3, Kind::Trap, Some("nobody"), false), "no user is called `nobody`");
        assert_eq!(check(Version::V3, Kind::Trap, Some("nms"), true), "a community in version 3");
        let needs = |kind: &str| format!("informs need `{kind}_password` or `{kind}_master_key` of their user");
        assert_eq!(check(Version::V3, Kind::Inform, Some("local"), false), needs("auth"));
        assert_eq!(check(Version::V3, Kind::Inform, Some("half"), false), needs("priv"));
    }
}
