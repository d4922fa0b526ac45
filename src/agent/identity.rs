//! Who the SNMP engine is: its engine ID and how often it has started, kept in the state directory.
//!
//! A manager trusts a message that is signed and fresh, and fresh is what has no smaller boots and time than before. So an
//! engine ID never comes back with boots that it may have had already: boots are stored before anything answers; where
//! they were lost, an engine ID that was made here is given up for a new one, and one that is fixed in the configuration
//! stays closed until an operator says otherwise. Closed is SNMPv3 alone: v1 and v2c go on. Read RFC 3414, section 2.2,
//! and RFC 3411, section 5 (SnmpEngineID) first.

use std::path::Path;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::collect::Root;
use crate::config::Config;
use crate::mib::segment::EngineClock;
use crate::secret::{Secret, StoredKey};
use crate::snmp::Local;
use crate::snmp::engine_id::EngineId;
use crate::snmp::usm::Salts;
use crate::store::{Error, Store};

/// The file that it is kept in.
const FILE: &str = "engine.json";

/// How many engine IDs have their boots kept; of those that are used no longer, the oldest goes.
const MOST_ENGINES: usize = 64;

/// How long the secret is, in octets.
const SECRET_OCTETS: usize = 32;

/// 2020-01-01, in seconds of Unix' time: boots of an engine ID that is fixed begin with the seconds since. A directory
/// that was lost as a whole so never gives boots that were used before, also after a night of failing starts, as an
/// engine starts less than once a second. They last until 2088.
const BOOTS_EPOCH: i64 = 1_577_836_800;

/// 2025-01-01, in seconds of Unix' time: a clock that says less was never set.
const CLOCK_IS_SET: i64 = 1_735_689_600;

/// Who the engine is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// snmpEngineID.
    pub id: EngineId,
    /// snmpEngineBoots, stored already.
    pub boots: u32,
    /// 32 random octets that no other machine has and that live as long as the state: for keyed fingerprints.
    pub secret: StoredKey,
    /// Why SNMPv3 must not be served; `None` when it may.
    pub closed: Option<String>,
    /// The salts of what is encrypted: they count on as long as the agent runs.
    salts: Arc<Salts>,
    /// Whether the configuration fixes the engine ID.
    fixed: bool,
}

impl Identity {
    /// What SNMPv3 needs to know of it; `None` while it is closed.
    pub fn local(&self) -> Option<Local> {
        let engine_id = Arc::from(self.id.octets());
        let local = || Local { engine_id, secret: self.secret.expose().to_vec(), salts: self.salts.clone() };
        self.closed.is_none().then(local)
    }

    /// What a reset has done, for who asked for it.
    pub fn reset_sentence(&self) -> String {
        let Identity { id, boots, .. } = self;
        format!(
            "SNMPv3 is open for engine {id}, whose boots are now {boots}. Managers that knew it with more must discover \
             it anew: restart them, or have them forget its boots and time."
        )
    }
}

/// What an identity is made of.
#[derive(Debug, Clone)]
pub struct Source {
    /// The engine ID that the configuration fixes, if it does.
    pub wanted: Option<EngineId>,
    /// The machine id, which systemd asks not to show (machine-id(5)).
    machine: Option<Secret>,
}

impl Source {
    /// What the configuration and the host say.
    ///
    /// # Errors
    /// When `snmp.engine_id` is none.
    pub fn of(config: &Config) -> Result<Source, String> {
        let wanted = config.snmp.engine_id.as_deref().map(str::parse).transpose();
        Ok(Source {
            wanted: wanted.map_err(|error| format!("snmp.engine_id: {error}"))?,
            machine: machine_id(&Root::new(&config.agent.root)),
        })
    }
}

/// The machine's id; `None` where there is none, also on an image that is yet to become a machine: `uninitialized`.
fn machine_id(root: &Root) -> Option<Secret> {
    let files = ["etc/machine-id", "var/lib/dbus/machine-id"];
    let is_id = |text: &String| text.len() == 32 && text.bytes().all(|letter| letter.is_ascii_hexdigit());
    files.into_iter().filter_map(|file| root.read_trimmed(file)).find(is_id).map(Secret::new)
}

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    secret: StoredKey,
    /// A keyed hash of the machine id; `None` where there was none.
    machine: Option<String>,
    /// The engine ID that was made here.
    derived: EngineId,
    /// Boots by engine ID, the one last used last.
    engines: Vec<Engine>,
    /// The greatest boots of those that are no longer kept.
    forgotten: u32,
    /// Whether an earlier file was lost, and with it the boots of engine IDs that aren't here.
    lost: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Engine {
    id: EngineId,
    boots: u32,
}

/// The file with a keyed hash of the rest, so that a digit that changed is found.
#[derive(Serialize, Deserialize)]
struct Sealed {
    kept: Kept,
    seal: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Sealed", into = "Sealed")]
struct Whole(Kept);

impl From<Whole> for Sealed {
    fn from(whole: Whole) -> Self {
        let seal = whole.0.seal();
        Sealed { kept: whole.0, seal }
    }
}

impl TryFrom<Sealed> for Whole {
    type Error = &'static str;

    fn try_from(sealed: Sealed) -> Result<Self, Self::Error> {
        if sealed.kept.seal() == sealed.seal { Ok(Whole(sealed.kept)) } else { Err("its seal is broken") }
    }
}

/// HMAC-SHA-256 of something, for one purpose.
fn keyed(secret: &StoredKey, purpose: &str, octets: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose()).expect("HMAC takes a key of any length");
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(octets);
    mac.finalize().into_bytes().into()
}

impl Kept {
    /// A new secret and a new engine ID.
    fn new(source: &Source, lost: bool) -> Result<Kept, String> {
        let mut octets = Zeroizing::new([0; SECRET_OCTETS]);
        getrandom::fill(octets.as_mut_slice()).map_err(|error| format!("no random numbers are to be had: {error}"))?;
        let secret = StoredKey::new(octets.as_slice());
        let machine = source.machine.as_ref().map(|id| id.expose().as_bytes()).unwrap_or_default();
        let derived = EngineId::from_digest(&keyed(&secret, "engine", machine));
        let machine = machine_hash(&secret, source);
        Ok(Kept { secret, machine, derived, engines: Vec::new(), forgotten: 0, lost })
    }

    fn seal(&self) -> String {
        hex::encode(keyed(&self.secret, "seal", &serde_json::to_vec(self).unwrap_or_default()))
    }

    /// The same on this machine: a disk that was copied to another gets a new secret and a new engine ID.
    fn on_this_machine(self, source: &Source) -> Result<Kept, String> {
        if self.machine == machine_hash(&self.secret, source) {
            return Ok(self);
        }
        let Kept { engines, forgotten, lost, .. } = self;
        let new = Kept { engines, forgotten, lost, ..Kept::new(source, false)? };
        match &source.wanted {
            None => {
                tracing::warn!(engine = %new.derived, "the state is of another machine: this one gets a new engine ID")
            }
            Some(id) => {
                tracing::warn!(engine = %id, "the state is of another machine: no two may have the same engine_id")
            }
        }
        Ok(new)
    }

    fn boots(&self, id: &EngineId) -> Option<u32> {
        self.engines.iter().find(|engine| engine.id == *id).map(|engine| engine.boots)
    }

    /// Boots of a start that comes now.
    fn next_boots(&self, id: &EngineId, now: Timestamp) -> Result<u32, String> {
        match self.boots(id) {
            Some(boots) => Ok(boots.saturating_add(1).min(EngineClock::LATCHED)),
            // It was made here and is new.
            None if *id == self.derived => Ok(1),
            None if self.lost => Err("engine_id is fixed, and how often this engine has started was lost: \
                                      `vitalsd engine reset` opens it"
                .into()),
            None => self.first_boots(now),
        }
    }

    /// Boots of an engine ID of which nothing is known, above all that it may have had.
    fn first_boots(&self, now: Timestamp) -> Result<u32, String> {
        if now.as_second() < CLOCK_IS_SET {
            return Err("engine_id is fixed, and how often this engine has started can't be told before the clock is \
                        set: set it, and have the agent reload"
                .into());
        }
        let seconds = u32::try_from(now.as_second() - BOOTS_EPOCH).unwrap_or(EngineClock::LATCHED);
        Ok(seconds.max(self.forgotten.saturating_add(1)).min(EngineClock::LATCHED))
    }

    fn put(&mut self, id: &EngineId, boots: u32) {
        self.engines.retain(|engine| engine.id != *id);
        self.engines.push(Engine { id: id.clone(), boots });
        while self.engines.len() > MOST_ENGINES {
            // The last is `id`, and the one made here is at most one other.
            let oldest = usize::from(self.engines[0].id == self.derived);
            let gone = self.engines.remove(oldest);
            self.forgotten = self.forgotten.max(gone.boots);
        }
    }

    fn identity(self, source: &Source, boots: u32, closed: Option<String>) -> Identity {
        let id = source.wanted.clone().unwrap_or(self.derived);
        let salts = Arc::new(Salts::starting_at(random_number()));
        Identity { id, boots, secret: self.secret, closed, salts, fixed: source.wanted.is_some() }
    }
}

/// Where salts begin. Without random numbers no secret could be made either, and the engine would be closed.
fn random_number() -> u64 {
    let mut octets = [0; 8];
    let _ = getrandom::fill(&mut octets);
    u64::from_ne_bytes(octets)
}

fn machine_hash(secret: &StoredKey, source: &Source) -> Option<String> {
    source.machine.as_ref().map(|id| hex::encode(keyed(secret, "machine", id.expose().as_bytes())))
}

/// What is kept, on this machine; a new beginning where there is nothing.
fn take_up(store: &Store, source: &Source) -> Result<Kept, String> {
    match store.read::<Whole>(FILE) {
        Ok(Some(Whole(kept))) => kept.on_this_machine(source),
        Ok(None) => Kept::new(source, store.is_used()),
        Err(error @ Error::Damaged { .. }) => {
            tracing::error!(%error, "the engine's identity was lost");
            Kept::new(source, true)
        }
        Err(error) => Err(error.to_string()),
    }
}

/// The identity of a start: boots are one more than ever before, and stored.
pub fn start(store: &Store, source: &Source, now: Timestamp) -> Identity {
    let identity = begin(store, source, now);
    match &identity.closed {
        Some(reason) => tracing::error!(engine = %identity.id, "SNMPv3 is closed, v1 and v2c go on: {reason}"),
        None if identity.boots >= EngineClock::LATCHED => {
            tracing::error!(engine = %identity.id, "snmpEngineBoots is at its end: managers refuse this engine until it gets another engine_id");
        }
        None => tracing::debug!(engine = %identity.id, boots = identity.boots, "the engine starts"),
    }
    identity
}

fn begin(store: &Store, source: &Source, now: Timestamp) -> Identity {
    let mut kept = match take_up(store, source) {
        Ok(kept) => kept,
        Err(reason) => return nobody(source, reason),
    };
    let id = source.wanted.as_ref().unwrap_or(&kept.derived).clone();
    let boots = kept.next_boots(&id, now);
    if let Ok(boots) = boots {
        kept.put(&id, boots);
    }
    let stored = store.write(FILE, &Whole(kept.clone())).map_err(|error| format!("boots could not be stored: {error}"));
    match (boots, stored) {
        (Ok(boots), Ok(())) => kept.identity(source, boots, None),
        (Err(reason), _) | (Ok(_), Err(reason)) => kept.identity(source, 0, Some(reason)),
    }
}

/// The identity of an engine that can't have one.
fn nobody(source: &Source, reason: String) -> Identity {
    let (id, secret) = match Kept::new(source, true) {
        Ok(kept) => (kept.derived, kept.secret),
        Err(_) => (EngineId::from_digest(&[]), StoredKey::default()),
    };
    let fixed = source.wanted.is_some();
    let salts = Arc::new(Salts::starting_at(0));
    Identity { id: source.wanted.clone().unwrap_or(id), boots: 0, secret, closed: Some(reason), salts, fixed }
}

/// The identity after a reload: the present one goes on, unless it is closed or another is wanted.
pub fn again(store: &Store, source: &Source, now: Timestamp, present: &Identity) -> Identity {
    let same = match &source.wanted {
        Some(id) => *id == present.id,
        None => !present.fixed,
    };
    if same && present.closed.is_none() { present.clone() } else { start(store, source, now) }
}

/// Opens SNMPv3 for a fixed engine ID whose boots were lost, with boots above all that is known.
///
/// # Errors
/// A sentence that says why it stays closed.
pub fn reset(store: &Store, source: &Source, now: Timestamp) -> Result<Identity, String> {
    let Some(id) = &source.wanted else {
        return Err(
            "engine_id is not fixed in the configuration: where boots are lost, the agent takes a new engine ID \
                    by itself"
                .into(),
        );
    };
    let mut kept = take_up(store, source)?;
    let known = kept.engines.iter().map(|engine| engine.boots).chain([kept.forgotten]).max().unwrap_or(0);
    let above = known.saturating_add(1).min(EngineClock::LATCHED);
    let boots = match (kept.boots(id), kept.first_boots(now)) {
        (Some(_), _) => kept.next_boots(id, now)?,
        (None, Ok(first)) => first.max(above),
        (None, Err(_)) if known > 0 => above,
        (None, Err(reason)) => return Err(reason),
    };
    kept.put(id, boots);
    store.write(FILE, &Whole(kept.clone())).map_err(|error| format!("boots could not be stored: {error}"))?;
    Ok(kept.identity(source, boots, None))
}

/// The engine ID that the next start will have. Where none is kept, one is made and stored.
///
/// # Errors
/// A sentence that says why there is none.
pub fn prepare(store: &Store, source: &Source) -> Result<EngineId, String> {
    if let Some(id) = &source.wanted {
        return Ok(id.clone());
    }
    let kept = take_up(store, source)?;
    let id = kept.derived.clone();
    store.write(FILE, &Whole(kept)).map_err(|error| format!("the engine ID could not be stored: {error}"))?;
    Ok(id)
}

/// What is known of an engine that doesn't run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asleep {
    /// Its engine ID.
    pub id: EngineId,
    /// Its boots when it ran last; `None` when it never did, or that was lost.
    pub boots: Option<u32>,
    /// Whether SNMPv3 stays closed until a reset.
    pub needs_reset: bool,
}

/// Reads what is known, without a lock and without a change; `None` where no engine ID is known.
///
/// # Errors
/// When the file can't be read.
pub fn peek(directory: &Path, source: &Source) -> Result<Option<Asleep>, Error> {
    let kept = Store::peek::<Whole>(directory, FILE)?;
    let id = source.wanted.clone().or_else(|| kept.as_ref().map(|Whole(kept)| kept.derived.clone()));
    Ok(id.map(|id| {
        let boots = kept.as_ref().and_then(|Whole(kept)| kept.boots(&id));
        let needs_reset = boots.is_none() && kept.is_some_and(|Whole(kept)| kept.lost && kept.derived != id);
        Asleep { id, boots, needs_reset }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;
    /// Seconds from 2020 to then.
    const SECONDS: u32 = 222_163_200;

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).expect("a time")
    }

    fn source(machine: Option<&str>, wanted: Option<&str>) -> Source {
        Source {
            wanted: wanted.map(|id| id.parse().expect("an engine ID")),
            machine: machine.map(|id| Secret::new(id.repeat(32))),
        }
    }

    fn starts(directory: &Path, source: &Source) -> Identity {
        start(&Store::open(directory).expect("a state directory"), source, now())
    }

    fn temporary() -> tempfile::TempDir {
        tempfile::tempdir().expect("a directory")
    }

    const FIXED: &str = "80007ed904aa";

    #[test]
    fn a_restart_keeps_the_id_and_raises_boots() {
        let directory = temporary();
        for machine in [Some("a"), None] {
            let state = directory.path().join(machine.unwrap_or("none"));
            let first = starts(&state, &source(machine, None));
            let second = starts(&state, &source(machine, None));
            assert_eq!((first.boots, second.boots), (1, 2));
            assert_eq!((&first.id, &first.closed, &first.secret), (&second.id, &None, &second.secret));
            assert_eq!((first.id.octets().len(), first.secret.expose().len()), (13, 32));
        }
    }

    #[test]
    fn a_copied_disk_gets_another_id() {
        let directory = temporary();
        let state = directory.path();
        let ids = [Some("a"), Some("b"), None, Some("a")].map(|machine| {
            let first = starts(state, &source(machine, None));
            assert_eq!((first.boots, first.closed), (1, None));
            let second = starts(state, &source(machine, None));
            assert_eq!((&second.id, second.boots), (&first.id, 2));
            (first.id, first.secret.expose().to_vec())
        });
        for (place, (id, secret)) in ids.iter().enumerate() {
            assert!(ids.iter().skip(place + 1).all(|(other, more)| other != id && more != secret));
        }
    }

    #[test]
    fn what_was_lost_or_damaged_is_never_the_old_id_again() {
        let directory = temporary();
        let here = source(Some("a"), None);
        let mut seen = Vec::new();
        let file = directory.path().join(FILE);
        for damage in [None, Some("{"), Some("digit")] {
            let [_, _, before] = [(); 3].map(|()| starts(directory.path(), &here));
            match damage {
                None => std::fs::remove_file(&file).expect("removed"),
                Some("digit") => {
                    let text = std::fs::read_to_string(&file).expect("text");
                    assert!(text.contains("\"boots\":3"), "{text}");
                    std::fs::write(&file, text.replace("\"boots\":3", "\"boots\":2")).expect("written");
                }
                Some(text) => std::fs::write(&file, text).expect("written"),
            }
            seen.push(before.id);
            let after = starts(directory.path(), &here);
            assert!(!seen.contains(&after.id), "{damage:?}");
            assert_eq!((after.boots, after.closed), (1, None));
            std::fs::remove_file(&file).expect("removed");
        }
        assert!(directory.path().join("engine.json.damaged").exists());
    }

    #[test]
    fn a_fixed_id_begins_above_all_that_it_had() {
        let directory = temporary();
        let here = source(Some("a"), Some(FIXED));
        let first = starts(directory.path(), &here);
        assert_eq!((first.id.to_string().as_str(), first.boots, first.closed), (FIXED, SECONDS, None));
        assert_eq!(starts(directory.path(), &here).boots, SECONDS + 1);
        // To and fro: neither falls back.
        let own = starts(directory.path(), &source(Some("a"), None));
        assert_eq!(own.boots, 1);
        assert_eq!(starts(directory.path(), &here).boots, SECONDS + 2);
        // The one made here, fixed in the file, is still the same engine.
        let pinned = source(Some("a"), Some(&own.id.to_string()));
        assert_eq!(starts(directory.path(), &pinned).boots, 2);
        assert_eq!(starts(directory.path(), &source(Some("a"), None)).boots, 3);
    }

    #[test]
    fn a_fixed_id_whose_boots_were_lost_stays_closed_until_a_reset() {
        let directory = temporary();
        let here = source(Some("a"), Some(FIXED));
        let path = directory.path();
        for damage in [true, false] {
            starts(path, &here);
            match damage {
                true => std::fs::write(path.join(FILE), "nonsense").expect("written"),
                false => {
                    std::fs::write(path.join("indices.json"), "{}").expect("written");
                    std::fs::remove_file(path.join(FILE)).expect("removed");
                }
            }
            for _ in 0..2 {
                let closed = starts(path, &here);
                assert!(closed.closed.is_some_and(|reason| reason.contains("vitalsd engine reset")));
            }
            assert_eq!(peek(path, &here).expect("a file").map(|asleep| asleep.needs_reset), Some(true));
            let store = Store::open(path).expect("a state directory");
            let opened = reset(&store, &here, now()).expect("opened");
            assert_eq!((opened.boots, opened.closed), (SECONDS, None));
            drop(store);
            let next = starts(path, &here);
            assert_eq!((next.boots, next.closed), (SECONDS + 1, None));
            assert_eq!(peek(path, &here).expect("a file").map(|asleep| asleep.needs_reset), Some(false));
        }
        assert!(reset(&Store::open(path).expect("a directory"), &source(Some("a"), None), now()).is_err());
    }

    #[test]
    fn a_clock_that_was_never_set_opens_nothing() {
        let directory = temporary();
        let store = Store::open(directory.path()).expect("a state directory");
        let here = source(Some("a"), Some(FIXED));
        let early = Timestamp::from_second(CLOCK_IS_SET - 1).expect("a time");
        assert!(start(&store, &here, early).closed.is_some_and(|reason| reason.contains("clock")));
        assert!(reset(&store, &here, early).is_err());
        // One that is set later, as by NTP, opens it with the next start.
        assert_eq!(start(&store, &here, now()).closed, None);
        assert_eq!(
            reset(&store, &source(None, Some("80007ed904bb")), early).map(|opened| opened.boots),
            Ok(SECONDS + 1)
        );
    }

    #[test]
    fn what_cannot_be_stored_is_closed() {
        let directory = temporary();
        let state = directory.path().join("state");
        let store = Store::open(&state).expect("a state directory");
        std::fs::remove_dir_all(&state).expect("removed");
        for wanted in [None, Some(FIXED)] {
            let shut = start(&store, &source(Some("a"), wanted), now());
            assert!(shut.closed.is_some(), "{wanted:?}");
            assert!(reset(&store, &source(Some("a"), wanted), now()).is_err());
        }
        std::fs::create_dir_all(state.join(FILE)).expect("a directory in the file's place");
        assert!(start(&store, &source(Some("a"), None), now()).closed.is_some());
    }

    #[test]
    fn boots_stay_at_their_end() {
        let directory = temporary();
        let store = Store::open(directory.path()).expect("a state directory");
        let here = source(Some("a"), None);
        let mut kept = Kept::new(&here, false).expect("random numbers");
        let id = kept.derived.clone();
        kept.put(&id, EngineClock::LATCHED - 1);
        store.write(FILE, &Whole(kept)).expect("written");
        for _ in 0..2 {
            let identity = start(&store, &here, now());
            assert_eq!((identity.boots, &identity.id, identity.closed), (EngineClock::LATCHED, &id, None));
        }
    }

    #[test]
    fn engines_that_are_forgotten_come_back_no_younger() {
        let here = source(Some("a"), None);
        let mut kept = Kept::new(&here, false).expect("random numbers");
        let own = kept.derived.clone();
        kept.put(&own, 7);
        let id = |number: u8| EngineId::new(&[0x80, 0, 0x7e, 0xd9, 4, number]).expect("an engine ID");
        kept.put(&id(0), SECONDS + 1_000);
        (1..100).for_each(|number| kept.put(&id(number), 3));
        assert_eq!((kept.engines.len(), kept.boots(&own), kept.boots(&id(0))), (MOST_ENGINES, Some(7), None));
        assert_eq!(kept.next_boots(&id(0), now()), Ok(SECONDS + 1_001));
    }

    #[test]
    fn a_reload_goes_on_with_the_same_engine() {
        let directory = temporary();
        let store = Store::open(directory.path()).expect("a state directory");
        let (own, fixed) = (source(Some("a"), None), source(Some("a"), Some(FIXED)));
        let first = start(&store, &own, now());
        assert_eq!(again(&store, &own, now(), &first).boots, 1);
        let second = again(&store, &fixed, now(), &first);
        assert_eq!((second.id.to_string().as_str(), second.boots), (FIXED, SECONDS));
        assert_eq!(again(&store, &fixed, now(), &second).boots, SECONDS);
        let third = again(&store, &own, now(), &second);
        assert_eq!((third.id, third.boots), (first.id, 2));
    }

    #[test]
    fn an_id_that_was_prepared_is_that_of_the_first_start() {
        let directory = temporary();
        let here = source(Some("a"), None);
        let store = Store::open(directory.path()).expect("a state directory");
        let id = prepare(&store, &here).expect("made");
        assert_eq!(prepare(&store, &here).as_ref(), Ok(&id));
        let first = start(&store, &here, now());
        assert_eq!((first.id, first.boots), (id, 1));
    }
}
