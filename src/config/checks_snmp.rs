//! What the types can't say of `[snmp]`: SNMPv3's users, the engine ID and the query log.

use std::collections::BTreeSet;
use std::path::Path;

use super::checks::{Problem, secret_file_problem};
use super::{Config, load};
use crate::secret::Secret;
use crate::snmp::config::{Auth, Level, Privacy, User};
use crate::snmp::engine_id::EngineId;

/// The most octets of a user's name (RFC 3414, section 5: usmUserName).
const MOST_NAME: usize = 32;

/// The fewest characters of a password (RFC 3414, section 11.2).
const LEAST_PASSWORD: usize = 8;

/// The engine ID, if one is fixed.
pub fn engine_id(config: &Config) -> Vec<Problem> {
    let Some(text) = config.snmp.engine_id.as_deref() else { return Vec::new() };
    let Err(error) = text.parse::<EngineId>() else { return Vec::new() };
    let remedy = "write 10 to 64 hexadecimal digits, as in \"80007ed90401020304\", or leave it out: one is made then";
    vec![Problem::error("snmp.engine_id", format!("`{text}` is no engine ID: {error}"), remedy)]
}

/// Where the query log goes and how large it grows.
pub fn query_log(config: &Config) -> Vec<Problem> {
    const LEAST_BYTES: u64 = 4096;
    const MOST_FILES: u32 = 1000;
    let Some(log) = &config.snmp.query_log else { return Vec::new() };
    let mut problems = Vec::new();
    if !log.path.is_absolute() {
        let remedy = "write it from `/` on, as in \"/var/lib/vitalsd/queries.log\"";
        problems.push(Problem::error("snmp.query_log.path", "not an absolute path", remedy));
    }
    if log.max_bytes < LEAST_BYTES {
        let remedy = format!("the least is {LEAST_BYTES}");
        problems.push(Problem::error("snmp.query_log.max_bytes", "too small for a log", remedy));
    }
    if log.keep > MOST_FILES {
        let remedy = format!("the most is {MOST_FILES}");
        problems.push(Problem::error("snmp.query_log.keep", "too many files", remedy));
    }
    problems
}

/// Names, secrets and levels of users.
pub fn users(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut names = BTreeSet::new();
    for (place, user) in config.snmp.user.iter().enumerate() {
        let key = format!("snmp.user[{place}]");
        let name = name_problem(&key, &user.name, &mut names);
        let wrong: Vec<Problem> =
            name.into_iter().chain(secret_problems(&key, user)).chain(level_problem(&key, user)).collect();
        // What is weak may only seem so beside a mistake.
        problems.extend(if wrong.is_empty() { weaknesses(&key, user) } else { wrong });
    }
    problems
}

fn name_problem<'a>(key: &str, name: &'a str, names: &mut BTreeSet<&'a str>) -> Option<Problem> {
    match name.len() {
        0 => Some(Problem::error(key, "without a name", "give it `name`")),
        octets if octets > MOST_NAME => {
            let message = format!("{octets} octets");
            Some(Problem::error(format!("{key}.name"), message, format!("a user's name has {MOST_NAME} at most")))
        }
        _ if !names.insert(name) => {
            let message = format!("another user is called `{name}`");
            Some(Problem::error(format!("{key}.name"), message, "give each user a name of his own"))
        }
        _ => None,
    }
}

/// One of a user's two secrets: the forms in which it may be given, and how long its keys are.
struct Forms<'a> {
    /// `auth` or `priv`.
    kind: &'a str,
    /// What it is for, in words.
    purpose: &'a str,
    /// Whether there is a protocol that needs it.
    wanted: bool,
    password: &'a Option<Secret>,
    file: Option<&'a Path>,
    key: &'a Option<Secret>,
    key_octets: usize,
    master: &'a Option<Secret>,
    master_octets: usize,
}

fn secret_problems(key: &str, user: &User) -> Vec<Problem> {
    let auth_octets = user.auth.protocol().map(|auth| auth.key_octets()).unwrap_or_default();
    let auth = Forms {
        kind: "auth",
        purpose: "authentication",
        wanted: user.auth != Auth::None,
        password: &user.auth_password,
        file: user.auth_password_file.as_deref(),
        key: &user.auth_key,
        key_octets: auth_octets,
        master: &user.auth_master_key,
        master_octets: auth_octets,
    };
    let privacy = Forms {
        kind: "priv",
        purpose: "encryption",
        wanted: user.privacy != Privacy::None,
        password: &user.priv_password,
        file: user.priv_password_file.as_deref(),
        key: &user.priv_key,
        key_octets: user.privacy.protocol().map(|privacy| privacy.key_octets()).unwrap_or_default(),
        master: &user.priv_master_key,
        // It is made with the hash of authentication, whatever the cipher.
        master_octets: auth_octets,
    };
    let auth_problem = auth.problem(key);
    if privacy.wanted && !auth.wanted {
        let remedy = "give it `auth` too: SNMPv3 has no encryption alone";
        return vec![Problem::error(format!("{key}.priv"), "encryption without authentication", remedy)];
    }
    auth_problem.into_iter().chain(privacy.problem(key)).collect()
}

impl Forms<'_> {
    /// The first thing that is wrong.
    fn problem(&self, user: &str) -> Option<Problem> {
        let Forms { kind, purpose, .. } = self;
        let forms = [
            ("password", self.password.is_some()),
            ("password_file", self.file.is_some()),
            ("key", self.key.is_some()),
            ("master_key", self.master.is_some()),
        ];
        let given: Vec<String> =
            forms.iter().filter(|(_, given)| *given).map(|(form, _)| format!("{kind}_{form}")).collect();
        match given.as_slice() {
            [] if !self.wanted => None,
            [first, ..] if !self.wanted => {
                let remedy = format!("say which protocol `{kind}` is, or remove the secret");
                Some(Problem::error(format!("{user}.{first}"), format!("a secret without {purpose}"), remedy))
            }
            [] => {
                let remedy =
                    format!("give it `{kind}_password_file`, `{kind}_password`, `{kind}_key` or `{kind}_master_key`");
                Some(Problem::error(format!("{user}.{kind}"), format!("{purpose} without a secret"), remedy))
            }
            [first, second, ..] => {
                let message = format!("`{first}` too: a secret is given in one form");
                Some(Problem::error(format!("{user}.{second}"), message, "keep one of them: the file is the safer"))
            }
            [only] => self.value_problem(&format!("{user}.{only}")),
        }
    }

    /// What is wrong with the one form that is given.
    fn value_problem(&self, key: &str) -> Option<Problem> {
        let short = |text: &str| {
            let letters = text.chars().count();
            let message = format!("too short: {letters} characters");
            let remedy = format!("a password has {LEAST_PASSWORD} at least");
            (letters < LEAST_PASSWORD).then(|| Problem::error(key, message, remedy))
        };
        let digits = |secret: &Secret, octets: usize| {
            let text = secret.expose();
            let message = match hex::decode(text) {
                Ok(_) if text.len() == octets * 2 => return None,
                Ok(_) => format!("the wrong length: {} digits", text.len()),
                Err(_) => "not hexadecimal digits".into(),
            };
            let remedy = format!("for this protocol write {} digits, as `vitalsd user hash` prints them", octets * 2);
            Some(Problem::error(key, message, remedy))
        };
        let password = self.password.as_ref().and_then(|password| short(password.expose()));
        let file = || {
            let path = self.file?;
            secret_file_problem(key, path).or_else(|| short(load::secret_in(path).ok()?.expose()))
        };
        password
            .or_else(file)
            .or_else(|| digits(self.key.as_ref()?, self.key_octets))
            .or_else(|| digits(self.master.as_ref()?, self.master_octets))
    }
}

fn level_problem(key: &str, user: &User) -> Option<Problem> {
    let most = most_level(user);
    let level = user.level.filter(|level| *level > most)?;
    let (message, remedy) = match level {
        Level::AuthPriv if user.auth != Auth::None => {
            ("more than a user without encryption has", "give it `priv`, or lower the level")
        }
        _ => ("more than a user without authentication has", "give it `auth`, or lower the level"),
    };
    Some(Problem::error(format!("{key}.level"), message, remedy))
}

/// The most that the user's protocols allow.
fn most_level(user: &User) -> Level {
    match (user.auth, user.privacy) {
        (Auth::None, _) => Level::NoAuthNoPriv,
        (_, Privacy::None) => Level::AuthNoPriv,
        _ => Level::AuthPriv,
    }
}

/// What is allowed, and better not done.
fn weaknesses(key: &str, user: &User) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut weak = |name: &str, message: &str, remedy: &str| {
        problems.push(Problem::warning(format!("{key}.{name}"), message, remedy));
    };
    match user.auth {
        Auth::None => {
            weak(
                "name",
                "a user without authentication: whoever knows the name is let in",
                "give it `auth` and `priv`",
            );
        }
        Auth::Md5 => weak("auth", "MD5 is weak", "take \"sha256\" where managers know it"),
        _ => {}
    }
    if user.privacy == Privacy::Des {
        weak("priv", "DES is weak", "take \"aes128\" where managers know it");
    }
    if user.auth != Auth::None && user.level == Some(Level::NoAuthNoPriv) {
        weak("level", "messages without authentication are accepted", "leave `level` out: then the keys are needed");
    }
    problems
}
