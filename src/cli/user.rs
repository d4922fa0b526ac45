//! `vitalsd user`: keys made of passwords, so that the configuration needs none.

use std::io::{self, IsTerminal, Read};
use std::path::Path;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{FAILED, WRONG, complain, configuration, engine, print};
use crate::agent::identity::{self, Source};
use crate::config::Config;
use crate::report::Report;
use crate::snmp::config::{Auth, Privacy};
use crate::snmp::engine_id::{EngineId, create_user_line};
use crate::snmp::usm::{AuthProtocol, Key, PrivProtocol, localize, master_key, privacy_key};

/// Make the keys of SNMPv3 users.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// What to do
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Hash(Hash),
}

const EXAMPLES: &str = "\
Examples:
  vitalsd user hash nms                         asks for two passwords, prints [[snmp.user]]
  vitalsd user hash nms --auth sha512 --priv aes256
  printf '%s\\n' \"$AUTH\" \"$PRIV\" | vitalsd user hash nms --engine-id 80007ed90401020304";

/// Print the [[snmp.user]] of a configuration with keys in the place of passwords
///
/// Passwords are asked for on the terminal, or read from standard input, one a line: that of authentication, then that of
/// encryption. Keys fit one engine: this machine's, unless --engine-id names another or --master is given.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Hash {
    /// The user's name
    #[arg(value_parser = name)]
    name: String,
    /// How messages are authenticated
    #[arg(long, value_name = "PROTOCOL", default_value = "sha256", value_parser = PossibleValuesParser::new(AUTHS).try_map(known::<Auth>))]
    auth: Auth,
    /// How messages are encrypted
    #[arg(long = "priv", value_name = "PROTOCOL", default_value = "aes128",
        value_parser = PossibleValuesParser::new(PRIVACIES).try_map(known::<Privacy>))]
    privacy: Privacy,
    /// The engine that the keys are for, instead of this machine's
    #[arg(long, value_name = "HEX")]
    engine_id: Option<EngineId>,
    /// Print keys that fit any engine, as informs need them: they are worth as much as the passwords
    #[arg(long)]
    master: bool,
}

/// As the configuration calls them; without authentication there is no key.
const AUTHS: [&str; 6] = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];

/// As the configuration calls them.
const PRIVACIES: [&str; 7] = ["none", "des", "aes128", "aes192", "aes256", "aes192c", "aes256c"];

/// What the configuration would make of this word.
fn known<T: DeserializeOwned>(word: String) -> Result<T, serde_json::Error> {
    serde_json::from_value(word.into())
}

fn name(text: &str) -> Result<String, String> {
    match text.len() {
        1..=32 => Ok(text.to_string()),
        _ => Err("a user's name has 1 to 32 octets".into()),
    }
}

/// RFC 3414, section 11.2.
const LEAST_PASSWORD: usize = 8;

/// The most that is read of standard input.
const MOST_INPUT: u64 = 64 << 10;

type Password = Zeroizing<String>;

impl Arguments {
    pub(super) fn run(self, config: Option<&Path>) -> u8 {
        let What::Hash(hash) = self.what;
        let engine = match hash.engine_id.clone() {
            Some(id) => Ok(id),
            None => match configuration(config) {
                Some(loaded) => this_engine(&loaded.config),
                None => return WRONG,
            },
        };
        match engine.and_then(|engine| hash.entry(&engine)) {
            Ok(text) => print(text.as_bytes()),
            Err(reason) => {
                complain(&format!("vitalsd: {reason}"));
                FAILED
            }
        }
    }
}

/// The engine ID of the agent of this configuration: fixed, of the one that runs, or kept. Where there is none yet, it is
/// made now and kept, so that the keys fit the agent when it starts.
fn this_engine(config: &Config) -> Result<EngineId, String> {
    let source = Source::of(config)?;
    if let Some(id) = source.wanted {
        return Ok(id);
    }
    if let Some(engine) = engine::ask::<Report>(config, "status")?.and_then(|report| report.engine) {
        return Ok(engine.id);
    }
    let stored = engine::open(&config.agent).and_then(|store| identity::prepare(&store, &source));
    stored.map_err(|error| format!("this machine's engine ID is not to be had: {error}; or name one with --engine-id"))
}

impl Hash {
    /// The configuration's lines.
    fn entry(&self, engine: &EngineId) -> Result<String, String> {
        let auth = self.auth.protocol().ok_or("without authentication there are no keys")?;
        let privacy = self.privacy.protocol();
        let (auth_password, priv_password) = passwords(privacy.is_some())?;
        let kind = if self.master { "master_key" } else { "key" };
        let fit =
            if self.master { "They fit any engine: guard them as passwords." } else { "They fit this engine alone." };
        let mut out = format!("# Keys of {} for engine {engine}. {fit}\n[[snmp.user]]\n", word(&self.name));
        let key = self.key(auth, None, &auth_password, engine)?;
        out += &format!("name = {}\nauth = {}\nauth_{kind} = \"{}\"\n", word(&self.name), word(self.auth), *key);
        if let (Some(privacy), Some(password)) = (privacy, priv_password) {
            let key = self.key(auth, Some(privacy), &password, engine)?;
            out += &format!("priv = {}\npriv_{kind} = \"{}\"\n", word(self.privacy), *key);
        }
        let line = create_user_line(engine, &self.name, Some(auth), privacy);
        Ok(format!("{out}\n# A receiver of this user's traps needs, in its snmptrapd.conf:\n# {line}\n"))
    }

    /// The key of authentication, or that of this privacy, as the configuration takes it.
    fn key(
        &self,
        auth: AuthProtocol,
        privacy: Option<PrivProtocol>,
        password: &Password,
        engine: &EngineId,
    ) -> Result<Zeroizing<String>, String> {
        let master = master_key(auth, password.as_bytes()).ok_or("an empty password")?;
        let key = match (self.master, privacy) {
            (true, _) => master,
            (false, None) => localize(auth, &master, engine.octets()),
            (false, Some(privacy)) => {
                let kul: Key = localize(auth, &master, engine.octets());
                privacy_key(auth, privacy, &kul, engine.octets())
            }
        };
        Ok(Zeroizing::new(hex::encode(key.octets())))
    }
}

/// A value as TOML.
fn word(value: impl serde::Serialize) -> String {
    toml::Value::try_from(value).map(|value| value.to_string()).unwrap_or_default()
}

/// The password of authentication, and that of encryption where one is needed.
fn passwords(privacy: bool) -> Result<(Password, Option<Password>), String> {
    if io::stdin().is_terminal() {
        let auth = typed("authentication")?;
        return Ok((auth, if privacy { Some(typed("encryption")?) } else { None }));
    }
    let mut text = Zeroizing::new(String::new());
    let read = io::stdin().lock().take(MOST_INPUT).read_to_string(&mut text);
    read.map_err(|error| format!("standard input: {error}"))?;
    given(&text, privacy)
}

/// The passwords of a text, one a line.
fn given(text: &str, privacy: bool) -> Result<(Password, Option<Password>), String> {
    let mut lines = text.lines();
    let mut next = |place: &str, of: &str| {
        let line = lines.next().ok_or_else(|| format!("standard input has no {place} line: the password of {of}"))?;
        checked(Zeroizing::new(line.to_string()), of)
    };
    let auth = next("first", "authentication")?;
    let privacy = if privacy { Some(next("second", "encryption")?) } else { None };
    Ok((auth, privacy))
}

/// A password that is typed twice alike, unseen.
fn typed(of: &str) -> Result<Password, String> {
    let ask =
        |prompt: String| rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|error| error.to_string());
    let first = checked(ask(format!("Password of {of}: "))?, of)?;
    let second = ask("The same again: ".into())?;
    if first == second { Ok(first) } else { Err(format!("the two passwords of {of} are not the same")) }
}

fn checked(password: Password, of: &str) -> Result<Password, String> {
    let letters = password.chars().count();
    if letters < LEAST_PASSWORD {
        return Err(format!("the password of {of} has {letters} characters: it needs {LEAST_PASSWORD} at least"));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_known_to_the_configuration() {
        assert!(AUTHS.iter().all(|text| known::<Auth>(text.to_string()).is_ok_and(|auth| auth.protocol().is_some())));
        assert!(PRIVACIES.iter().all(|text| known::<Privacy>(text.to_string()).is_ok()));
        assert_eq!(AUTHS.len(), AuthProtocol::ALL.len());
        assert_eq!(PRIVACIES.len(), PrivProtocol::ALL.len() + 1);
    }

    #[test]
    fn what_is_missing_is_said() {
        let wrong = |text: &str| given(text, true).map(|_| ()).expect_err("too little");
        assert!(wrong("").contains("first line: the password of authentication"));
        assert!(wrong("maplesyrup\n").contains("second line: the password of encryption"));
        assert!(wrong("maple\nmaplesyrup\n").contains("of authentication has 5 characters"));
        assert!(wrong("maplesyrup\n\n").contains("of encryption has 0 characters"));
        let (auth, privacy) = given("maplesyrup\r\n", false).expect("enough");
        assert_eq!((auth.as_str(), privacy), ("maplesyrup", None));
        assert_eq!(checked(Zeroizing::new("\u{e4}".repeat(8)), "x").map(|password| password.len()), Ok(16));
    }
}
