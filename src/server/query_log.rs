//! The query log: who asked for what, one JSON object a line, as auditors want to know who polls.
//!
//! A server hands a [`Line`] over and goes on; one thread writes. What waits is bounded in lines and octets, and what
//! there is no room for is counted, not waited for. Files are bounded too: a full one becomes `path.1`, that one
//! `path.2`, and so on, the oldest going. A disk that is full or fails loses lines, never answers. The file is readable
//! by its owner alone and a symbolic link is not followed, since whoever can place one decides what a daemon writes to.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::fcntl::OFlag;
use serde::Serialize;

use super::Transport;
use crate::mib::{Counter, Counters, Oid};
use crate::snmp::{Record, Version, config};

/// How many lines may wait: what the fastest managers ask in the time that a disk takes to sync.
const MOST_LINES: usize = 4_096;
/// How much they may hold together, in octets: a peer chooses how long its names are.
const MOST_OCTETS: usize = 4 << 20;
/// How much is written at once, in octets.
const BATCH_OCTETS: u64 = 65_536;
/// How often a log that can't be written is told of.
const TELL: Duration = Duration::from_secs(60);

/// One message that was handled. What it was not read far enough to know is absent or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was taken up.
    pub time: Timestamp,
    /// Who sent it.
    pub source: IpAddr,
    /// What it came over.
    pub transport: Transport,
    /// What became of it.
    pub record: Record,
    /// `community[0]`, its place in the configuration, as a community is a secret; or the name of a user.
    pub identity: Option<String>,
    /// The first of the names that were asked for, at most [`Line::MOST_NAMES`].
    pub oids: Vec<Oid>,
    /// How many names were asked for.
    pub names: usize,
    /// How long the answer took to compute, and to store where something was set.
    pub duration: Duration,
}

/// The log, as servers see it.
#[derive(Debug)]
pub struct QueryLog {
    lines: SyncSender<Line>,
    waiting: Arc<AtomicUsize>,
}

/// The log's other end, which one thread runs.
#[derive(Debug)]
pub struct Writer {
    lines: Receiver<Line>,
    waiting: Arc<AtomicUsize>,
    files: Files,
    told: Option<Instant>,
}

impl QueryLog {
    /// Opens the file. Nothing is written until somebody runs the writer.
    ///
    /// # Errors
    /// When the file can't be opened, or is a symbolic link or no file at all.
    pub fn open(config: &config::QueryLog) -> io::Result<(QueryLog, Writer)> {
        let files = Files::open(config.clone())?;
        let (sender, lines) = sync_channel(MOST_LINES);
        let waiting = Arc::new(AtomicUsize::new(0));
        Ok((QueryLog { lines: sender, waiting: waiting.clone() }, Writer { lines, waiting, files, told: None }))
    }

    /// Hands a line over, or counts it where there is no room. Never waits.
    pub fn write(&self, line: Line, counters: &Counters) {
        let octets = line.octets();
        let before = self.waiting.fetch_add(octets, Ordering::Relaxed);
        if before + octets > MOST_OCTETS || self.lines.try_send(line).is_err() {
            self.waiting.fetch_sub(octets, Ordering::Relaxed);
            counters.add(Counter::QueryLogDropped, 1);
        }
    }
}

impl Writer {
    /// Writes until the log is dropped and everything is written. Blocks.
    pub fn run(mut self, counters: &Counters) {
        let batch_octets = BATCH_OCTETS.min(self.files.config.max_bytes);
        let mut batch = Batch::default();
        while let Ok(first) = self.lines.recv() {
            let mut next = Some(first);
            while let Some(line) = next {
                self.waiting.fetch_sub(line.octets(), Ordering::Relaxed);
                let text = line.text();
                if batch.lines > 0 && length(&batch.text) + length(&text) > batch_octets {
                    self.flush(&mut batch, counters);
                }
                batch.text.push_str(&text);
                batch.lines += 1;
                next = self.lines.try_recv().ok();
            }
            self.flush(&mut batch, counters);
        }
        if let Err(error) = self.files.file.sync_all() {
            self.tell(&error);
        }
    }

    fn flush(&mut self, batch: &mut Batch, counters: &Counters) {
        if let Err(error) = self.files.append(batch.text.as_bytes()) {
            counters.add(Counter::QueryLogDropped, batch.lines);
            self.tell(&error);
        }
        batch.text.clear();
        batch.lines = 0;
    }

    fn tell(&mut self, error: &io::Error) {
        if self.told.is_none_or(|told| told.elapsed() >= TELL) {
            self.told = Some(Instant::now());
            tracing::error!(path = %self.files.config.path.display(), %error, "the query log loses lines");
        }
    }
}

/// Lines that are written together.
#[derive(Debug, Default)]
struct Batch {
    text: String,
    lines: u64,
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

/// A line as it is written; what isn't known has no key.
#[derive(Serialize)]
struct Written<'a> {
    time: String,
    source: IpAddr,
    transport: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pdu: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    oids: Vec<String>,
    /// How many more names there were.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
    result: &'static str,
    duration_us: u128,
}

impl Line {
    /// How many names are kept: more than a usual manager asks for at once.
    pub const MOST_NAMES: usize = 64;

    /// About as much memory as it holds.
    fn octets(&self) -> usize {
        let names: usize = self.oids.iter().map(|oid| size_of_val(oid.arcs())).sum();
        size_of::<Line>() + self.identity.as_ref().map_or(0, String::len) + names
    }

    /// The object and the end of its line.
    fn text(&self) -> String {
        let version3 = self.record.version == Some(Version::V3);
        let written = Written {
            time: format!("{:.3}", self.time),
            source: self.source,
            transport: self.transport.name(),
            version: self.record.version.map(Version::name),
            identity: self.identity.as_deref(),
            level: version3.then_some(self.record.level.name()),
            pdu: self.record.pdu,
            more: self.names.checked_sub(self.oids.len()).filter(|more| *more > 0),
            oids: self.oids.iter().map(ToString::to_string).collect(),
            result: self.record.fate.name(),
            duration_us: self.duration.as_micros(),
        };
        // Text and numbers can always be written.
        let mut text = escape(serde_json::to_string(&written).unwrap_or_default());
        text.push('\n');
        text
    }
}

/// Escapes what JSON allows in a text and a terminal obeys: a peer chooses names.
fn escape(text: String) -> String {
    let obeyed = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(obeyed) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match obeyed(letter) {
            true => drop(write!(escaped, "\\u{:04x}", u32::from(letter))),
            false => escaped.push(letter),
        }
    }
    escaped
}

/// The file that is written, and those that are full.
#[derive(Debug)]
struct Files {
    config: config::QueryLog,
    file: File,
    /// How much the file holds.
    bytes: u64,
}

impl Files {
    fn open(config: config::QueryLog) -> io::Result<Files> {
        let file = open(&config.path)?;
        let bytes = file.metadata()?.len();
        Ok(Files { config, file, bytes })
    }

    /// Writes whole lines, in another file where they don't fit this one.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.follow()?;
        let octets = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        if self.bytes > 0 && self.bytes.saturating_add(octets) > self.config.max_bytes {
            self.rotate()?;
        }
        if let Err(error) = self.file.write_all(lines) {
            // Half a line must not become the beginning of the next one.
            let _ = self.file.set_len(self.bytes);
            return Err(error);
        }
        self.bytes += octets;
        Ok(())
    }

    /// Opens the file anew where somebody has removed or renamed it, as programs that rotate logs do.
    fn follow(&mut self) -> io::Result<()> {
        let own = self.file.metadata()?;
        let there = fs::symlink_metadata(&self.config.path);
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (own.dev(), own.ino())) {
            // Emptied in place, perhaps.
            self.bytes = own.len();
            return Ok(());
        }
        *self = Files::open(self.config.clone())?;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        let path = &self.config.path;
        match (1..=self.config.keep).find(|&number| fs::symlink_metadata(self.full(number)).is_err()) {
            _ if self.config.keep == 0 => fs::remove_file(path)?,
            free => {
                for number in (1..free.unwrap_or(self.config.keep)).rev() {
                    fs::rename(self.full(number), self.full(number + 1))?;
                }
                fs::rename(path, self.full(1))?;
            }
        }
        *self = Files::open(self.config.clone())?;
        Ok(())
    }

    /// The name of a full file: 1 is the newest.
    fn full(&self, number: u32) -> PathBuf {
        let mut name = OsString::from(&self.config.path);
        name.push(format!(".{number}"));
        name.into()
    }
}

fn open(path: &std::path::Path) -> io::Result<File> {
    // A pipe without a reader would otherwise hold this up.
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags.bits()).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::snmp::answer::ErrorStatus;
    use crate::snmp::record::Fate;

    fn line(identity: &str) -> Line {
        let fate = Fate::Answered(ErrorStatus::NoError);
        let record = Record { version: Some(Version::V2c), fate, ..Record::default() };
        Line {
            time: "2026-11-24T12:00:00.1239Z".parse().expect("a time"),
            source: [192, 0, 2, 1].into(),
            transport: Transport::Udp,
            record,
            identity: Some(identity.into()),
            oids: Vec::new(),
            names: 0,
            duration: Duration::from_micros(42),
        }
    }

    fn config(directory: &tempfile::TempDir, max_bytes: u64, keep: u32) -> config::QueryLog {
        config::QueryLog { path: directory.path().join("log"), max_bytes, keep }
    }

    /// Writes lines of these identities to the end.
    fn write(config: &config::QueryLog, identities: impl IntoIterator<Item = String>) -> Counters {
        let counters = Counters::default();
        let (log, writer) = QueryLog::open(config).expect("opened");
        for identity in identities {
            log.write(line(&identity), &counters);
        }
        drop(log);
        writer.run(&counters);
        counters
    }

    #[test]
    fn a_line_is_one_object_and_obeys_nobody() {
        let mut full = line("bob\n\u{1b}[31m\u{9b}\u{202e}\"\u{7f}");
        full.oids = vec!["1.3.6.1.2.1.1.3.0".parse().expect("an OID"); Line::MOST_NAMES];
        full.names = 70;
        let text = full.text();
        assert!(
            text.ends_with("}\n") && text.is_ascii() && !text.trim_end().contains(|c: char| c.is_control()),
            "{text}"
        );
        let object: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(object["identity"], "bob\n\u{1b}[31m\u{9b}\u{202e}\"\u{7f}");
        assert_eq!(object["oids"].as_array().map(Vec::len), Some(64));
        assert_eq!(object["more"], 6);
        let plain = r#"{"time":"2026-11-24T12:00:00.123Z","source":"192.0.2.1","transport":"udp","version":"2c","identity":"community[0]","result":"noError","duration_us":42}"#;
        assert_eq!(line("community[0]").text(), format!("{plain}\n"));
    }

    #[test]
    fn full_files_are_kept_and_the_oldest_goes() {
        let directory = tempfile::tempdir().expect("a directory");
        let octets = length(&line("000").text());
        let config = config(&directory, octets * 3 + 1, 2);
        let counters = write(&config, (0..20).map(|number| format!("{number:03}")));
        assert_eq!(counters.value(Counter::QueryLogDropped), 0);
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap_or_default();
        let first = |name: &str| read(name).split("\"identity\":\"").nth(1).map(|text| text[..3].to_string());
        assert_eq!(["log", "log.1", "log.2"].map(first), ["018", "015", "012"].map(|text| Some(text.into())));
        assert_eq!(["log", "log.1", "log.2", "log.3"].map(|name| read(name).lines().count()), [2, 3, 3, 0]);
        assert_eq!(config.path.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
        // Without full files, and one line that is longer than a file may be.
        let none = config::QueryLog { max_bytes: 1, keep: 0, ..config };
        write(&none, (20..23).map(|number| format!("{number:03}")));
        assert_eq!((first("log").as_deref(), read("log").lines().count()), (Some("022"), 1));
    }

    #[test]
    fn a_file_that_was_taken_away_is_made_anew() {
        let directory = tempfile::tempdir().expect("a directory");
        let config = config(&directory, 10_000, 2);
        let mut files = Files::open(config.clone()).expect("opened");
        files.append(b"one\n").expect("written");
        fs::rename(&config.path, directory.path().join("elsewhere")).expect("renamed");
        files.append(b"two\n").expect("written");
        assert_eq!(fs::read_to_string(&config.path).expect("a file"), "two\n");
    }

    #[test]
    fn links_and_devices_are_refused_and_a_full_disk_is_counted() {
        let directory = tempfile::tempdir().expect("a directory");
        let config = config(&directory, 10_000, 2);
        std::os::unix::fs::symlink(directory.path().join("target"), &config.path).expect("a link");
        assert!(QueryLog::open(&config).is_err());
        let device = config::QueryLog { path: "/dev/null".into(), ..config.clone() };
        assert!(QueryLog::open(&device).is_err());
        fs::remove_file(&config.path).expect("removed");
        let counters = Counters::default();
        let (log, mut writer) = QueryLog::open(&config).expect("opened");
        writer.files.file = OpenOptions::new().append(true).open("/dev/full").expect("a device");
        // It stands in for the file, so that it must also be where the file is.
        writer.files.config.path = "/dev/full".into();
        log.write(line("lost"), &counters);
        drop(log);
        writer.run(&counters);
        assert_eq!(counters.value(Counter::QueryLogDropped), 1);
    }

    #[test]
    fn what_waits_is_bounded() {
        let directory = tempfile::tempdir().expect("a directory");
        let counters = Counters::default();
        let (log, writer) = QueryLog::open(&config(&directory, 1 << 30, 1)).expect("opened");
        let long = "x".repeat(100_000);
        for _ in 0..50 {
            log.write(line(&long), &counters);
        }
        assert!((9..=10).contains(&counters.value(Counter::QueryLogDropped)), "4 MiB hold some 41 of them");
        assert!(log.waiting.load(Ordering::Relaxed) <= MOST_OCTETS);
        drop(log);
        writer.run(&counters);
        assert!((40..=41).contains(&fs::read_to_string(directory.path().join("log")).expect("a file").lines().count()));
    }
}
