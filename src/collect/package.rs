//! The packages that are installed, by dpkg's database.
//!
//! The database is read again when its file changes, and each hour; between, the section says what it read. rpm's is a
//! binary format behind a library of its own: a host with rpm has no packages here, as one without any database.

use std::borrow::Cow;
use std::fs::{self, Metadata};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::{DEADLINE, Error, Family, Root, Section};
use crate::metric::{Index, Interval, Label, Metric, Now, Unit};

/// The packages at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Packages {
    /// Those that are installed, by name and architecture.
    pub rows: Arc<[Package]>,
    /// When one came, went or changed its version, as far as the agent saw it; time since the agent started.
    pub changed: Duration,
    /// When the database was last read; time since the agent started.
    pub read: Duration,
}

/// One package.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// Its name; Package.
    pub name: String,
    /// Its version; Version.
    pub version: String,
    /// What it was built for: `amd64`, `all`; Architecture.
    pub architecture: String,
    /// When it was unpacked, in seconds since 1970; the age of its list of files. Absent without such a list.
    pub installed: Option<u64>,
}

/// The section.
pub static SECTION: Section<Option<Packages>> = Section {
    name: "package",
    // Also where the file has the section without the key: there is seldom anything new.
    interval: |config| config.package.interval.or(Some(INTERVAL)),
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        let mut kept = None;
        Box::new(move |now| look(&root, now, &mut kept))
    },
    slot: |snapshot| &mut snapshot.package,
    status: |snapshot| &snapshot.package.status,
};

/// How often the database is looked at, unless the configuration says otherwise.
pub const INTERVAL: Interval = Interval::seconds(60);

/// How long what was read is believed while the file looks the same.
const BELIEVED: Duration = Duration::from_secs(3600);

/// What tells whether a file was written: its inode, its size, and when.
type Stamp = (u64, u64, Option<Duration>);

/// What was read, and the stamp of what it was read from.
type Kept = Option<(Stamp, Packages)>;

/// The database, below the root.
const DATABASE: &str = "var/lib/dpkg";

/// `None` where there is no database.
fn look(root: &Root, now: Now, kept: &mut Kept) -> Result<Option<Packages>, Error> {
    let Ok(metadata) = fs::metadata(root.path(DATABASE).join("status")) else {
        *kept = None;
        return Ok(None);
    };
    let stamp = stamp(&metadata);
    if let Some((before, packages)) = kept
        && *before == stamp
        && now.monotonic.saturating_sub(packages.read) < BELIEVED
    {
        return Ok(Some(packages.clone()));
    }
    let mut rows = parse(&root.read(format!("{DATABASE}/status"))?);
    for row in &mut rows {
        row.installed = installed(root, row);
    }
    let before = kept.take().map(|(_, packages)| packages).filter(|packages| *packages.rows == *rows);
    let changed = before.as_ref().map_or(now.monotonic, |packages| packages.changed);
    let rows = before.map_or_else(|| rows.into(), |packages| packages.rows);
    let packages = Packages { rows, changed, read: now.monotonic };
    *kept = Some((stamp, packages.clone()));
    Ok(Some(packages))
}

fn stamp(metadata: &Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    (metadata.ino(), metadata.len(), modified(metadata))
}

fn modified(metadata: &Metadata) -> Option<Duration> {
    metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()
}

/// The list of a package of which several architectures may be installed has the architecture in its name.
fn installed(root: &Root, package: &Package) -> Option<u64> {
    let Package { name, architecture, .. } = package;
    let info = root.path(DATABASE).join("info");
    let names = [format!("{name}.list"), format!("{name}:{architecture}.list")];
    let metadata = names.iter().find_map(|name| fs::metadata(info.join(name)).ok())?;
    modified(&metadata).map(|modified| modified.as_secs())
}

/// deb-control(5): a paragraph a package. Those that are removed but for their configuration are not installed.
fn parse(status: &str) -> Vec<Package> {
    let mut rows: Vec<Package> = status.split("\n\n").filter_map(parse_paragraph).collect();
    let order = |package: &Package| (package.name.clone(), package.architecture.clone());
    rows.sort_by_cached_key(order);
    rows.dedup_by(|one, other| one.name == other.name && one.architecture == other.architecture);
    rows
}

fn parse_paragraph(paragraph: &str) -> Option<Package> {
    let field = |key: &str| {
        let fields = paragraph.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(name, _)| *name == key).map(|(_, value)| value.trim()).find(|value| !value.is_empty())
    };
    field("Status").filter(|status| status.ends_with(" installed"))?;
    // A name that holds a slash would look for its list of files elsewhere.
    let word = |key| field(key).filter(|value| !value.contains('/')).map(ToString::to_string);
    Some(Package {
        name: word("Package")?,
        version: field("Version")?.to_string(),
        architecture: word("Architecture")?,
        installed: None,
    })
}

/// What leaves the agent, the sums.
pub static TOTALS: Family<Packages> = Family {
    section: "package",
    subject: "packages",
    object: "Pkgs",
    arc: 39,
    help: "All installed packages together.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(packages) = installed_packages(snapshot) {
            visit(packages);
        }
    },
    index: Index::Scalar,
    labels: &[],
    metrics: &[Metric::gauge(1, "number", Unit::Count, "Installed packages.", "/var/lib/dpkg/status", |row| {
        u64::try_from(row.rows.len()).ok().map(Into::into)
    })],
};

fn installed_packages(snapshot: &super::Snapshot) -> Option<&Packages> {
    snapshot.package.get().and_then(Option::as_ref)
}

/// What leaves the agent, a row a package.
pub static FAMILY: Family<Package> = Family {
    section: "package",
    subject: "package",
    object: "Pkg",
    arc: 40,
    help: "An installed package.",
    exported: false,
    rows: |snapshot, visit| {
        if let Some(packages) = installed_packages(snapshot) {
            packages.rows.iter().for_each(visit);
        }
    },
    index: Index::Name { key: |row| Cow::Owned(format!("{}:{}", row.name, row.architecture)), preferred: |_| None },
    labels: &[
        Label::identity(2, "name", "Its name.", "/var/lib/dpkg/status Package", |row: &Package| {
            Some(Cow::Borrowed(&row.name))
        }),
        Label::identity(
            3,
            "architecture",
            "What it was built for.",
            "/var/lib/dpkg/status Architecture",
            |row: &Package| Some(Cow::Borrowed(&row.architecture)),
        ),
        Label::info(4, "version", "Its version.", "/var/lib/dpkg/status Version", |row: &Package| {
            Some(Cow::Borrowed(&row.version))
        }),
    ],
    metrics: &[Metric::gauge(
        5,
        "unpack_timestamp_seconds",
        Unit::Timestamp,
        "When it was unpacked.",
        "/var/lib/dpkg/info/*.list, its age",
        |row| row.installed.map(Into::into),
    )],
};

#[cfg(test)]
mod tests {
    use super::*;

    fn now(seconds: u64) -> Now {
        Now { wall: jiff::Timestamp::UNIX_EPOCH, monotonic: Duration::from_secs(seconds) }
    }

    #[test]
    fn only_what_is_installed_counts() {
        let text = "Package: b\nStatus: install ok installed\nArchitecture: all\nVersion: 2\nDescription: x\n Version: 9\n\n\
            Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n\
            Package: ../a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n\
            Package: half\nStatus: install ok not-installed\n\n\
            Package: a\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 1:1~x\n";
        let found: Vec<_> = parse(text).into_iter().map(|row| format!("{}_{}", row.name, row.version)).collect();
        assert_eq!(found, ["a_1:1~x", "b_2"]);
        assert!(parse("").is_empty() && parse("Package").is_empty());
    }

    #[test]
    fn the_database_is_read_when_it_changed_and_each_hour() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = Root::new(directory.path());
        assert_eq!(look(&root, now(1), &mut None).expect("no database is no fault"), None);
        let status = root.path("var/lib/dpkg/status");
        fs::create_dir_all(root.path("var/lib/dpkg/info")).expect("writable");
        let package =
            |version: u32| format!("Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: {version}\n");
        let mut kept = None;
        let mut times = |at| {
            let packages = look(&root, now(at), &mut kept).expect("readable").expect("a database");
            (packages.read.as_secs(), packages.changed.as_secs())
        };
        fs::write(&status, package(1)).expect("writable");
        assert_eq!([times(10), times(70), times(3_610)], [(10, 10), (10, 10), (3_610, 10)]);
        fs::write(&status, package(10)).expect("writable");
        assert_eq!([times(3_670), times(3_730)], [(3_670, 3_670), (3_670, 3_670)]);
    }

    #[test]
    fn a_whole_host_has_its_packages() {
        let packages =
            look(&Root::new("tests/fixtures/root"), now(0), &mut None).expect("readable").expect("a database");
        let found: Vec<_> = packages.rows.iter().map(|row| (row.name.as_str(), row.installed.is_some())).collect();
        assert_eq!(found, [("bash", true), ("libc6", true), ("openssh-server", false)]);
    }
}
