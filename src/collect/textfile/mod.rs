//! The text files of `[textfile]`: how other programs on the machine tell what they know, as node_exporter's are.
//!
//! Every `*.prom` in the directory, not below it. A file is good as a whole or refused, with its line in the log and a
//! metric; so is one that has a series of an earlier file, or another type or sentence for its family. Symbolic links and
//! what isn't a file are refused unread. The directory is the agent's own, also where the root is another machine's view.

pub mod parse;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{DEADLINE, Error, Family, Section, Snapshot};
use crate::metric::{Descriptor, Index, Kind, Label, LabelDescriptor, Metric, Number, Projection, Role, Row};
use crate::metric::{RowIndex, Shape, Unit};

/// Where other programs put their metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The directory whose `*.prom` files are read, in Prometheus' text format; absent: none. Rename files into place.
    pub directory: Option<PathBuf>,
}

/// The most files that are read; the others are refused.
const MAX_FILES: usize = 100;

/// The most bytes of one file.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The most series of all files: a table that still walks in a second.
const MAX_SERIES: usize = 10_000;

/// What the files say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Textfile {
    /// The files, in the order of their names, good ones and bad ones.
    pub files: Vec<Source>,
    /// The families of the good ones, by their names.
    pub families: BTreeMap<String, parse::Family>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Source {
    /// Its name in the directory.
    pub name: String,
    /// When it was last written, in seconds since 1970; absent where even that can't be known.
    pub modified: Option<f64>,
    /// The series that it gave.
    pub series: u64,
    /// Why it was refused, with the line; absent of a good one.
    pub problem: Option<String>,
}

/// The section.
pub static SECTION: Section<Textfile> = Section {
    name: "textfile",
    interval: |_| None,
    deadline: DEADLINE,
    start: |setup| {
        let directory = setup.textfile.directory.clone();
        let mut told = BTreeSet::new();
        Box::new(move |_now| {
            let Some(directory) = directory.as_deref() else { return Ok(Textfile::default()) };
            let textfile = read(directory)?;
            let problems = textfile.files.iter().filter_map(|file| Some((&file.name, file.problem.as_ref()?)));
            let problems: BTreeSet<String> = problems.map(|(name, reason)| format!("{name}: {reason}")).collect();
            // Once each, not at every reading.
            for problem in problems.difference(&told) {
                tracing::warn!(problem, "a text file was refused");
            }
            told = problems;
            Ok(textfile)
        })
    },
    slot: |snapshot| &mut snapshot.textfile,
    status: |snapshot| &snapshot.textfile.status,
};

fn read(directory: &Path) -> Result<Textfile, Error> {
    let failed = |source| Error::Read { path: directory.to_path_buf(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".prom") && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    let (mut found, mut series) = (Textfile::default(), BTreeSet::new());
    for (place, name) in names.into_iter().enumerate().take(MAX_FILES * 2) {
        let mut file = Source { name, ..Source::default() };
        let taken = if place < MAX_FILES {
            take_file(directory, &mut file, &mut series, &mut found.families)
        } else {
            Err(format!("more than {MAX_FILES} files"))
        };
        file.problem = taken.err();
        found.files.push(file);
    }
    Ok(found)
}

/// Adds a file's families to those before, or says why not; then nothing of it is added.
fn take_file(
    directory: &Path,
    file: &mut Source,
    series: &mut BTreeSet<String>,
    families: &mut BTreeMap<String, parse::Family>,
) -> Result<(), String> {
    let text = read_text(&directory.join(&file.name), &mut file.modified)?;
    let room = MAX_SERIES.saturating_sub(series.len());
    let fresh = parse::parse(&text, room).map_err(|(line, reason)| format!("line {line}: {reason}"))?;
    for (name, family) in &fresh {
        if let Some(known) = families.get(name)
            && (known.kind != family.kind || known.help != family.help)
        {
            return Err(format!("{name} has another type or sentence in an earlier file"));
        }
        // A sample's name is one family's only: the page would have two of that name.
        if let Some(owner) = parse::owner(name, |stem| families.get(stem).map(|family| family.kind)) {
            return Err(format!("{name} is a name of samples of {owner} in an earlier file"));
        }
        let samples = family.samples.iter();
        if let Some(sample) = samples.clone().find(|sample| sample.name != *name && families.contains_key(&sample.name))
        {
            return Err(format!("{} is a family of an earlier file", sample.name));
        }
        if let Some(twin) = samples.map(parse::Sample::series).find(|name| series.contains(name)) {
            return Err(format!("{twin} is in an earlier file"));
        }
    }
    for (name, family) in fresh {
        file.series += u64::try_from(family.samples.len()).unwrap_or(u64::MAX);
        series.extend(family.samples.iter().map(parse::Sample::series));
        match families.get_mut(&name) {
            Some(known) => known.samples.extend(family.samples),
            None => drop(families.insert(name, family)),
        }
    }
    Ok(())
}

/// A file's text. It is opened so that a pipe without a writer doesn't hold up, and is asked what it is before it is read.
fn read_text(path: &Path, modified: &mut Option<f64>) -> Result<String, String> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_NOCTTY;
    let kind = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !kind.is_file() {
        return Err("not a file: links and pipes are not read".into());
    }
    let file = File::options().read(true).custom_flags(flags.bits()).open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("not a file: links and pipes are not read".into());
    }
    let written = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    *modified = written.map(|since| since.as_secs_f64());
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
        return Err(format!("longer than {MAX_FILE_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8".into())
}

/// What leaves the agent of the files.
pub static FAMILY: Family<Source> = Family {
    section: "textfile",
    subject: "textfile",
    object: "File",
    arc: 46,
    help: "A text file with the metrics of another program.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(textfile) = snapshot.textfile.get() {
            textfile.files.iter().for_each(visit);
        }
    },
    index: Index::Name { key: |file| Cow::Borrowed(&file.name), preferred: |_| None },
    labels: &[
        Label::identity(2, "file", "Its name.", "the directory", |file: &Source| Some(Cow::Borrowed(&file.name))),
        Label::info(3, "problem", "Why it was refused; empty of a good one.", "vitalsd", |file: &Source| {
            Some(Cow::Borrowed(file.problem.as_deref().unwrap_or_default()))
        }),
    ],
    metrics: &[
        Metric::gauge(
            4,
            "mtime_timestamp_seconds",
            Unit::Timestamp,
            "When it was last written: one that stays behind is stale.",
            "stat(2)",
            |file| file.modified.map(Into::into),
        ),
        Metric::flag(5, "scrape_error", "Whether it was refused.", "vitalsd", |file| {
            Some(file.problem.is_some().into())
        }),
        Metric::gauge(6, "series", Unit::Count, "The series that it gave.", "vitalsd", |file| Some(file.series.into())),
    ],
};

/// The subject of [`SAMPLES`], which rules over text files look for.
pub const SAMPLE: &str = "sample";

/// The samples of the text files, over SNMP: Prometheus' page has them as they are in the files.
pub static SAMPLES: Samples = Samples;

/// The family of the files' samples. Its rows have labels that nobody knows beforehand.
pub struct Samples;

impl Projection<Snapshot> for Samples {
    fn shape(&self) -> Shape {
        let label = |column, name, help| LabelDescriptor {
            column,
            name,
            help,
            source: "the files",
            role: if column < 4 { Role::Identity } else { Role::Info },
        };
        let descriptor = |column, name, help, unit, kind| Descriptor {
            column,
            name,
            variant: None,
            help,
            unit,
            kind,
            source: "the files",
        };
        Shape {
            section: "textfile",
            subject: SAMPLE,
            object: "Sample",
            arc: 47,
            help: "A sample of a text file.",
            exported: false,
            scalar: false,
            labels: vec![
                label(2, "metric", "Its name."),
                label(3, "labels", "Its labels, as Prometheus writes them."),
                label(4, "text", "Its number, as the file has it."),
            ],
            metrics: vec![
                descriptor(5, "type", "The type of its family.", Unit::Count, Kind::State(parse::KINDS)),
                descriptor(6, "number", "Its number; beyond what fits the text is right.", Unit::Fraction, Kind::Gauge),
                descriptor(7, "whole", "Its number without fraction; none below zero.", Unit::Count, Kind::Gauge),
                descriptor(8, "count_total", "Its number, of a counter.", Unit::Count, Kind::Counter),
            ],
        }
    }

    fn visit(&self, snapshot: &Snapshot, visit: &mut dyn FnMut(&dyn Row)) {
        for family in snapshot.textfile.get().into_iter().flat_map(|textfile| textfile.families.values()) {
            for sample in &family.samples {
                visit(&SampleRow { kind: family.kind, sample });
            }
        }
    }
}

struct SampleRow<'a> {
    kind: parse::Kind,
    sample: &'a parse::Sample,
}

/// The longest text that a sample's number is remembered by as it stands.
const MAX_KEY: usize = 128;

/// What a sample's number is remembered by: a long series by its digest, as the state file has each for a month.
fn key(series: String) -> String {
    if series.len() <= MAX_KEY { series } else { hex::encode(Sha256::digest(series.as_bytes())) }
}

impl Row for SampleRow<'_> {
    fn index(&self) -> RowIndex<'_> {
        RowIndex::Name { key: Cow::Owned(key(self.sample.series())), preferred: None }
    }

    fn label(&self, place: usize) -> Option<Cow<'_, str>> {
        match place {
            0 => Some(Cow::Borrowed(&self.sample.name)),
            1 => Some(Cow::Owned(self.sample.labels_text())),
            2 => Some(Cow::Borrowed(&self.sample.text)),
            _ => None,
        }
    }

    fn number(&self, place: usize) -> Option<Number> {
        let value = self.sample.value;
        match place {
            0 => Some((self.kind as u32).into()),
            1 => value.is_finite().then(|| value.into()),
            2 => (value >= 0.0 && value.is_finite()).then(|| value.trunc().into()),
            3 => (self.kind == parse::Kind::Counter && value >= 0.0 && value.is_finite()).then(|| value.trunc().into()),
            _ => None,
        }
    }

    fn open_labels(&self) -> Option<&[(String, String)]> {
        Some(&self.sample.labels)
    }
}

/// The place of a sample's number in its row.
pub const NUMBER: usize = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn write(directory: &Path, name: &str, text: &str) {
        fs::write(directory.join(name), text).expect("a file");
    }

    #[test]
    fn a_bad_file_gives_nothing_and_the_others_stay() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = place.path();
        write(directory, "a.prom", "# TYPE seen gauge\nseen{zone=\"a\"} 1\n");
        write(directory, "b.prom", "# TYPE seen gauge\nseen{zone=\"b\"} 2\n");
        write(directory, "c.prom", "fine 1\nseen{zone=\"a\"} 3\n");
        write(directory, "b2.prom", "# TYPE took summary\ntook_sum 1\n");
        write(directory, "b3.prom", "took_sum{a=\"1\"} 1\n");
        write(directory, "d.prom", "fine 1\nbroken\n");
        write(directory, "e.prom", &format!("fine 1\n{}", "# x\n".repeat(300_000)));
        write(directory, "f.txt", "other 1\n");
        let pipe = directory.join("g.prom");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).expect("a pipe");
        std::os::unix::fs::symlink("/etc/passwd", directory.join("h.prom")).expect("a link");
        std::os::unix::fs::symlink(&pipe, directory.join("i.prom")).expect("a link");
        let textfile = read(directory).expect("a directory");
        let problem = |name: &str| {
            let file = textfile.files.iter().find(|file| file.name == name).expect("it is listed");
            file.problem.clone().unwrap_or_default()
        };
        assert_eq!(textfile.families.keys().collect::<Vec<_>>(), ["seen", "took"]);
        assert_eq!(textfile.families["seen"].samples.len(), 2);
        assert_eq!((problem("a.prom"), problem("b.prom")), (String::new(), String::new()));
        for (name, part) in [
            ("c.prom", "another type"),
            ("b3.prom", "samples of took"),
            ("d.prom", "line 2: "),
            ("e.prom", "longer than"),
            ("g.prom", "not a file"),
            ("h.prom", "not a file"),
            ("i.prom", "not a file"),
        ] {
            assert!(problem(name).contains(part), "{name}: {}", problem(name));
        }
        assert!(read(Path::new("/nonexistent")).is_err());
    }

    #[test]
    fn files_and_series_are_bounded() {
        let place = tempfile::tempdir().expect("a directory");
        for file in 0..=MAX_FILES {
            let text: String = (0..200).map(|line| format!("m{file}_{line} 1\n")).collect();
            write(place.path(), &format!("{file:03}.prom"), &text);
        }
        let textfile = read(place.path()).expect("a directory");
        let series: usize = textfile.families.values().map(|family| family.samples.len()).sum();
        assert_eq!((series, textfile.files.len()), (MAX_SERIES, MAX_FILES + 1));
        assert!(textfile.files.last().and_then(|file| file.problem.clone()).is_some());
    }
}
