//! Where the host's files are: `/`, or the place where a container sees its host.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::{fmt, fs};

/// Why a section, or a file that it needs, could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused a file.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A file isn't as the kernel writes it.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was expected.
        reason: String,
    },
    /// Another program, asked for facts, failed.
    #[error("{0}")]
    Peer(String),
}

impl Error {
    /// A file that isn't as expected.
    pub fn malformed(path: impl Into<PathBuf>, reason: impl fmt::Display) -> Self {
        Error::Malformed { path: path.into(), reason: reason.to_string() }
    }
}

/// The most that is read of one file: the kernel's files are smaller, and a huge one must not fill the memory.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// The directory below which `proc`, `sys` and `etc` are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root(PathBuf);

impl Root {
    /// The directory itself; `/` on an ordinary machine.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Root(path.into())
    }

    /// Whether this is the machine's own root rather than a view of another's.
    pub fn is_own(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// The path of `relative` (without a leading slash) below the root: `proc/meminfo`.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.0.join(relative)
    }

    /// Where an absolute path of the host, such as a mount point, is to be found: below the root.
    pub fn host_path(&self, absolute: &str) -> PathBuf {
        self.0.join(absolute.trim_start_matches('/'))
    }

    /// The directory of network facts: the agent's own network namespace, or the host's where the root is another
    /// machine's view (a container's own `proc/net` would show the container).
    pub fn net(&self) -> PathBuf {
        if self.is_own() { self.path("proc/net") } else { self.path("proc/1/net") }
    }

    /// The whole of a text file. Bytes that aren't UTF-8 become U+FFFD, as nothing in the kernel's files forbids them.
    pub fn read(&self, relative: impl AsRef<Path>) -> Result<String, Error> {
        read_file(&self.path(relative))
    }

    /// A small file's text without surrounding blanks; `None` where it is missing, empty or refused.
    pub fn read_trimmed(&self, relative: impl AsRef<Path>) -> Option<String> {
        let text = self.read(relative).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_string())
    }

    /// A small file's only number; `None` where it is missing or isn't one.
    pub fn read_number<T: std::str::FromStr>(&self, relative: impl AsRef<Path>) -> Option<T> {
        self.read_trimmed(relative)?.parse().ok()
    }

    /// The names in a directory, sorted, so that rows come in the same order each time.
    pub fn names(&self, relative: impl AsRef<Path>) -> Result<Vec<OsString>, Error> {
        let path = self.path(relative);
        let failed = |source| Error::Read { path: path.clone(), source };
        let mut names = fs::read_dir(&path)
            .map_err(failed)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        names.sort();
        Ok(names)
    }
}

/// The whole of a text file, up to 16 MiB; bytes that aren't UTF-8 become U+FFFD.
pub fn read_file(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::Read { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(failed)?.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}
