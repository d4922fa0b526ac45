//! Atomic small files in the state directory: what must outlive a restart.
//!
//! A file is whole or it isn't there: it is written beside the old one, synced, and renamed over it. Symbolic links are
//! refused, since whoever can place one decides what a daemon overwrites. A damaged file is kept aside and said to be
//! so, never lost in silence. Everything here blocks.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest file that is read: far above what the agent writes.
const MOST_BYTES: u64 = 64 << 20;

/// What files that are being written begin with.
const UNFINISHED: &str = ".unfinished-";

/// The file that says that the directory is in use.
const LOCK: &str = "lock";

/// Why state can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or the directory can't be used.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Another agent has the directory.
    #[error("{path}: another agent uses this state directory; give each its own `agent.state_dir`")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// A file doesn't hold what it should.
    #[error("{path} is damaged ({reason}); it is kept as {kept}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong in it.
        reason: String,
        /// Where it is now.
        kept: PathBuf,
    },
}

/// A state directory, held by this process alone while the value lives.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    /// Synced after each renaming, so that the new name is on the disk too.
    handle: File,
    _lock: File,
}

impl Store {
    /// Opens the directory, makes it if need be (readable by its owner alone), and locks it.
    ///
    /// # Errors
    /// When it can't be made, is a symbolic link, or another process holds it.
    pub fn open(directory: &Path) -> Result<Store, Error> {
        let at = |path: &Path| at(path.to_path_buf());
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(at(directory))?;
        let handle = open(directory, OFlag::O_DIRECTORY).map_err(at(directory))?;
        let lock_path = directory.join(LOCK);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
            .open(&lock_path)
            .map_err(at(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path: directory.to_path_buf() }),
            Err(TryLockError::Error(error)) => return Err(at(&lock_path)(error)),
        }
        let store = Store { directory: directory.to_path_buf(), handle, _lock: lock };
        store.sweep();
        Ok(store)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Reads a file; `None` where there is none.
    ///
    /// # Errors
    /// When it can't be read, or is damaged: then it is kept aside, and the next reading finds none.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let path = self.directory.join(name);
        let Some(octets) = contents(&path)? else { return Ok(None) };
        let reason = match parse(&octets) {
            Ok(value) => return Ok(Some(value)),
            Err(reason) => reason,
        };
        let kept = self.directory.join(format!("{name}.damaged"));
        std::fs::rename(&path, &kept).map_err(at(path.clone()))?;
        Err(Error::Damaged { path, reason, kept })
    }

    /// Reads a file of a directory that another process may hold, and changes nothing there; `None` where there is none.
    ///
    /// # Errors
    /// When it can't be read, or is damaged.
    pub fn peek<T: DeserializeOwned>(directory: &Path, name: &str) -> Result<Option<T>, Error> {
        let path = directory.join(name);
        let Some(octets) = contents(&path)? else { return Ok(None) };
        parse(&octets).map(Some).map_err(|reason| at(path)(io::Error::new(io::ErrorKind::InvalidData, reason)))
    }

    /// Whether the directory holds files of an earlier run, damaged ones too. One that can't be listed may well.
    pub fn is_used(&self) -> bool {
        let Ok(entries) = std::fs::read_dir(&self.directory) else { return true };
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let ours = name != LOCK && !name.as_encoded_bytes().starts_with(b".");
            ours && entry.file_type().is_ok_and(|kind| kind.is_file())
        })
    }

    /// Writes a file: afterwards it holds `value`, or what it held before.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), Error> {
        let path = self.directory.join(name);
        let write = || -> io::Result<()> {
            let octets = serde_json::to_vec(value)?;
            // Made with O_EXCL: a name that somebody placed there is not used.
            let mut file = tempfile::Builder::new()
                .prefix(UNFINISHED)
                .permissions(std::fs::Permissions::from_mode(0o600))
                .tempfile_in(&self.directory)?;
            file.write_all(&octets)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            self.handle.sync_all()
        };
        write().map_err(at(path.clone()))
    }

    /// Removes what a killed process left unfinished. That it fails harms nothing.
    fn sweep(&self) {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes())) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// What a file holds, and an octet more than the most there may be; `None` where there is none.
fn contents(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let failed = |error| at(path.to_path_buf())(error);
    let file = match open(path, OFlag::O_NONBLOCK) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("not a regular file")));
    }
    let mut octets = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut octets).map_err(failed)?;
    Ok(Some(octets))
}

fn parse<T: DeserializeOwned>(octets: &[u8]) -> Result<T, String> {
    if u64::try_from(octets.len()).unwrap_or(u64::MAX) > MOST_BYTES {
        return Err("it is too large".into());
    }
    serde_json::from_slice(octets).map_err(|error| error.to_string())
}

fn open(path: &Path, flags: OFlag) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags((OFlag::O_NOFOLLOW | flags).bits()).open(path)
}

fn at(path: PathBuf) -> impl FnOnce(io::Error) -> Error {
    |error| Error::Io { path, error }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary directory")
    }

    #[test]
    fn what_is_written_is_read_by_its_owner_alone() {
        let above = directory();
        let path = above.path().join("state");
        let store = Store::open(&path).expect("a new directory");
        assert_eq!(store.read::<Vec<u32>>("numbers").expect("no file"), None);
        store.write("numbers", &[1, 2]).expect("written");
        store.write("numbers", &[3]).expect("written again");
        assert_eq!(store.read::<Vec<u32>>("numbers").expect("a file"), Some(vec![3]));
        let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join("numbers"))), (0o700, 0o600));
    }

    #[test]
    fn symbolic_links_are_refused() {
        let above = directory();
        let victim = above.path().join("victim");
        std::fs::write(&victim, "[7]").expect("written");
        let path = above.path().join("state");
        let store = Store::open(&path).expect("a new directory");
        symlink(&victim, path.join("numbers")).expect("linked");
        assert!(store.read::<Vec<u32>>("numbers").is_err());
        store.write("numbers", &[1]).expect("the link itself is replaced");
        assert_eq!(std::fs::read_to_string(&victim).expect("untouched"), "[7]");
        symlink(&path, above.path().join("link")).expect("linked");
        assert!(Store::open(&above.path().join("link")).is_err());
        drop(store);
        std::fs::remove_file(path.join(LOCK)).expect("removed");
        symlink(&victim, path.join(LOCK)).expect("linked");
        assert!(Store::open(&path).is_err());
    }

    #[test]
    fn a_damaged_file_is_kept_and_said_to_be() {
        let above = directory();
        let store = Store::open(above.path()).expect("a directory");
        for damage in ["", "[1,", "{}", "\u{0}\u{0}"] {
            std::fs::write(above.path().join("numbers"), damage).expect("written");
            assert!(Store::peek::<Vec<u32>>(above.path(), "numbers").is_err());
            let error = store.read::<Vec<u32>>("numbers").expect_err("damaged");
            assert!(matches!(error, Error::Damaged { .. }), "{error}");
            assert_eq!(store.read::<Vec<u32>>("numbers").expect("kept aside"), None);
            assert_eq!(std::fs::read_to_string(above.path().join("numbers.damaged")).expect("kept"), damage);
        }
    }

    #[test]
    fn a_directory_is_used_once_it_holds_a_file() {
        let above = directory();
        let store = Store::open(above.path()).expect("a directory");
        std::fs::create_dir(above.path().join("lost+found")).expect("a directory");
        assert!(!store.is_used(), "the lock is no trace");
        store.write("numbers", &[1]).expect("written");
        assert!(store.is_used());
        assert_eq!(Store::peek::<Vec<u32>>(above.path(), "numbers").expect("a file"), Some(vec![1]));
    }

    #[test]
    fn two_agents_do_not_share_a_directory() {
        let above = directory();
        std::fs::write(above.path().join(".unfinished-x"), "").expect("written");
        let store = Store::open(above.path()).expect("a directory");
        assert!(!above.path().join(".unfinished-x").exists());
        assert!(matches!(Store::open(above.path()), Err(Error::InUse { .. })));
        drop(store);
        assert!(Store::open(above.path()).is_ok());
    }
}
