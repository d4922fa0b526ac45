//! Users: `[[snmp.user]]` of the configuration, compiled for one engine (RFC 3414, section 2.1).
//!
//! Passwords become keys here, once; no request makes a key. What a user changed his keys to replaces what the file says
//! for as long as the file says the same: a keyed fingerprint of his entry tells.

use std::collections::BTreeMap;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::super::access::{Error, Rights, Views};
use super::super::config::{self, Level};
use super::{AuthProtocol, Authenticator, Cipher, Key, PrivProtocol, localize, master_key, privacy_key};
use crate::mib::settings::UserKeys;
use crate::secret::Secret;

/// The longest user name, in octets (SnmpAdminString of usmUserName).
const MOST_NAME_OCTETS: usize = 32;

/// A user, ready to be asked for.
#[derive(Debug, Clone)]
pub struct User {
    /// usmUserName, and the security name.
    pub name: Vec<u8>,
    /// What he may do and see.
    pub rights: Rights,
    /// The least that is accepted of him.
    pub least: Level,
    /// His authentication, and its key.
    pub auth: Option<(Authenticator, Key)>,
    /// His privacy, and its key.
    pub privacy: Option<(Cipher, Key)>,
    fingerprint: String,
}

impl User {
    /// The most that his keys allow.
    pub fn most(&self) -> Level {
        match (&self.auth, &self.privacy) {
            (None, _) => Level::NoAuthNoPriv,
            (Some(_), None) => Level::AuthNoPriv,
            (Some(_), Some(_)) => Level::AuthPriv,
        }
    }
}

/// Every user, sorted by name.
#[derive(Debug, Clone, Default)]
pub struct Users(Vec<Arc<User>>);

impl Users {
    /// Compiles the users for this engine, as the file has them; what is wrong goes to `errors`. `secret` keys the
    /// fingerprints.
    pub fn compile(
        config: &config::Config,
        views: &Views,
        engine_id: &[u8],
        secret: &[u8],
        errors: &mut Vec<Error>,
    ) -> Users {
        let mut users: Vec<Arc<User>> = Vec::with_capacity(config.user.len());
        for (place, user) in config.user.iter().enumerate() {
            let twice = users.iter().any(|other| other.name == user.name.as_bytes());
            let compiled = if twice {
                Err(Problem(".name", format!("another user is named `{}`", user.name)).at(place))
            } else {
                compile(user, place, views, engine_id, secret)
            };
            match compiled {
                Ok(user) => users.push(Arc::new(user)),
                Err(error) => errors.push(error),
            }
        }
        users.sort_by(|left, right| left.name.cmp(&right.name));
        Users(users)
    }

    /// The user of this name.
    pub fn find(&self, name: &[u8]) -> Option<&Arc<User>> {
        self.get(self.place(name)?)
    }

    /// The place of the user of this name among all, sorted.
    pub fn place(&self, name: &[u8]) -> Option<usize> {
        self.0.binary_search_by(|user| user.name.as_slice().cmp(name)).ok()
    }

    /// The user at this place.
    pub fn get(&self, place: usize) -> Option<&Arc<User>> {
        self.0.get(place)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &User> {
        self.0.iter().map(|user| &**user)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What tells whether the file's entry of a user is still the same, by user.
    pub fn fingerprints(&self) -> BTreeMap<String, String> {
        let name = |user: &User| String::from_utf8_lossy(&user.name).into_owned();
        self.iter().map(|user| (name(user), user.fingerprint.clone())).collect()
    }

    /// The same users with the keys that some of them changed to.
    #[must_use]
    pub fn with_keys(&self, keys: &BTreeMap<String, UserKeys>) -> Users {
        let changed = |user: &Arc<User>| match keys.get(&*String::from_utf8_lossy(&user.name)) {
            Some(keys) => Arc::new(with_keys(user, keys)),
            None => user.clone(),
        };
        Users(self.0.iter().map(changed).collect())
    }
}

fn with_keys(user: &User, keys: &UserKeys) -> User {
    let mut user = user.clone();
    let key = |stored: &crate::secret::StoredKey| Key::new(stored.expose().to_vec());
    if let (Some((auth, held)), Some(key)) = (&mut user.auth, keys.auth.as_ref().map(key)) {
        *auth = Authenticator::new(auth.protocol(), &key);
        *held = key;
    }
    if let (Some((cipher, held)), Some(key)) = (&mut user.privacy, keys.privacy.as_ref().map(key))
        && let Some(fresh) = Cipher::new(cipher.protocol(), &key)
    {
        (*cipher, *held) = (fresh, key);
    }
    user
}

/// What is wrong with an entry: the key in it, with a dot before it, and why.
struct Problem(&'static str, String);

impl Problem {
    fn at(self, place: usize) -> Error {
        Error::User { place, key: self.0, reason: self.1 }
    }
}

fn compile(user: &config::User, place: usize, views: &Views, engine_id: &[u8], secret: &[u8]) -> Result<User, Error> {
    if user.name.is_empty() || user.name.len() > MOST_NAME_OCTETS {
        return Err(Problem(".name", format!("a name has 1 to {MOST_NAME_OCTETS} octets")).at(place));
    }
    let auth_key = auth_key(user, engine_id).map_err(|problem| problem.at(place))?;
    let priv_key = priv_key(user, engine_id).map_err(|problem| problem.at(place))?;
    let rights = views.rights(user.access, user.view.as_deref(), &format!("snmp.user[{place}]"))?;
    let fingerprint = fingerprint(secret, auth_key.as_ref(), priv_key.as_ref());
    let auth = auth_key.map(|(protocol, key)| (Authenticator::new(protocol, &key), key));
    let privacy = priv_key.and_then(|(protocol, key)| Some((Cipher::new(protocol, &key)?, key)));
    let name = user.name.as_bytes().to_vec();
    let mut compiled = User { name, rights, least: Level::NoAuthNoPriv, auth, privacy, fingerprint };
    let most = compiled.most();
    compiled.least = user.level.unwrap_or(most);
    if compiled.least > most {
        return Err(Problem(".level", "the user's keys do not allow this level".into()).at(place));
    }
    Ok(compiled)
}

/// The authentication key at this engine.
fn auth_key(user: &config::User, engine_id: &[u8]) -> Result<Option<(AuthProtocol, Key)>, Problem> {
    let Some(protocol) = user.auth.protocol() else { return Ok(None) };
    let octets = protocol.key_octets();
    let key = match (&user.auth_key, &user.auth_master_key, &user.auth_password) {
        (Some(text), None, None) => hex_key(".auth_key", text, octets)?,
        (None, Some(text), None) => localize(protocol, &hex_key(".auth_master_key", text, octets)?, engine_id),
        (None, None, Some(password)) => {
            localize(protocol, &stretched(".auth_password", protocol, password)?, engine_id)
        }
        _ => return Err(one_of("auth")),
    };
    Ok(Some((protocol, key)))
}

/// The privacy key at this engine. Its master key is made with the hash of authentication (RFC 3826, section 1.2).
fn priv_key(user: &config::User, engine_id: &[u8]) -> Result<Option<(PrivProtocol, Key)>, Problem> {
    let Some(protocol) = user.privacy.protocol() else { return Ok(None) };
    let Some(auth) = user.auth.protocol() else {
        return Err(Problem(".priv", "privacy needs authentication: give `auth` too".into()));
    };
    let from_master = |ku: &Key| privacy_key(auth, protocol, &localize(auth, ku, engine_id), engine_id);
    let key = match (&user.priv_key, &user.priv_master_key, &user.priv_password) {
        (Some(text), None, None) => hex_key(".priv_key", text, protocol.key_octets())?,
        (None, Some(text), None) => from_master(&hex_key(".priv_master_key", text, auth.key_octets())?),
        (None, None, Some(password)) => from_master(&stretched(".priv_password", auth, password)?),
        _ => return Err(one_of("priv")),
    };
    Ok(Some((protocol, key)))
}

fn one_of(kind: &str) -> Problem {
    Problem("", format!("give one of `{kind}_password`, `{kind}_password_file`, `{kind}_key`, `{kind}_master_key`"))
}

fn stretched(key: &'static str, auth: AuthProtocol, password: &Secret) -> Result<Key, Problem> {
    master_key(auth, password.expose().as_bytes()).ok_or_else(|| Problem(key, "an empty password".into()))
}

fn hex_key(key: &'static str, text: &Secret, octets: usize) -> Result<Key, Problem> {
    let digits = hex::decode(text.expose()).ok().filter(|found| found.len() == octets);
    digits.map(Key::new).ok_or_else(|| Problem(key, format!("write {} hexadecimal digits", 2 * octets)))
}

/// HMAC-SHA-256 over protocols and keys: whoever reads it can't try passwords on it without the secret.
fn fingerprint(secret: &[u8], auth: Option<&(AuthProtocol, Key)>, privacy: Option<&(PrivProtocol, Key)>) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    let auth = auth.map(|(protocol, key)| (protocol.tool_name(), key));
    let privacy = privacy.map(|(protocol, key)| (protocol.tool_name(), key));
    for (name, key) in [auth, privacy].into_iter().flatten() {
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(key.octets());
    }
    hex::encode(mac.finalize().into_bytes())
}
