//! Files that survive a power loss: directories made durable, files replaced whole, one owner a directory.
//!
//! A rename or a creation is durable only when the directory that holds the name has been synced; every function
//! here does so before it returns.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Why a file or directory could not be made durable.
#[derive(Debug, thiserror::Error)]
pub enum DurableError {
    /// The operating system refused.
    #[error("{path}: cannot {action}: {source}", path = path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was being done, as a verb phrase.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// Another process holds the directory.
    #[error(
        "{path}: another process is using this directory; stop the other concordd, or give this one its own data_dir",
        path = path.display()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
    },
}

/// Names the file and the action in an I/O error.
pub(crate) fn io_error(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> DurableError {
    let path = path.to_path_buf();
    move |source| DurableError::Io { path, action, source }
}

/// Syncs a directory, so that the names in it are durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), DurableError> {
    File::open(dir)
        .and_then(|d| d.sync_all())
        .map_err(io_error(dir, "sync the directory"))
}

/// Creates a directory and those above it where missing, durably.
pub(crate) fn create_dir(dir: &Path) -> Result<(), DurableError> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_dir(parent)?;
    }
    match std::fs::create_dir(dir) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(io_error(dir, "create the directory")(e)),
    }
    sync_dir(parent.unwrap_or(Path::new(".")))
}

/// Replaces a file whole: after a crash either the old or the new content is there, never a mixture.
/// `mode` is the Unix file mode of the new file.
pub(crate) fn replace_file(path: &Path, content: &[u8], mode: u32) -> Result<(), DurableError> {
    let mut name = path.as_os_str().to_os_string();
    name.push(".new");
    let fresh = PathBuf::from(name);
    // A leftover of an earlier crash may have another mode: a fresh file never inherits it.
    match std::fs::remove_file(&fresh) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(io_error(&fresh, "remove the leftover")(e)),
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let mut file = options.open(&fresh).map_err(io_error(&fresh, "create the file"))?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .map_err(io_error(&fresh, "write the file"))?;
    std::fs::rename(&fresh, path).map_err(io_error(path, "replace the file"))?;
    match path.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(parent) => sync_dir(parent),
        None => sync_dir(Path::new(".")),
    }
}

/// Name of the lock file in a locked directory.
pub(crate) const LOCK_FILE: &str = "lock";

/// An exclusive lock on a directory, held until dropped or until the process ends, however it ends.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

impl DirLock {
    /// Takes the lock on an existing directory.
    ///
    /// # Errors
    /// [`DurableError::Locked`] if another process (or another part of this one) holds it.
    pub fn acquire(dir: &Path) -> Result<Self, DurableError> {
        let path = dir.join(LOCK_FILE);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io_error(&path, "open the lock file"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DurableError::Locked {
                path: dir.to_path_buf(),
            }),
            Err(TryLockError::Error(e)) => Err(io_error(&path, "lock")(e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_directory_has_one_owner_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let first = DirLock::acquire(dir.path()).unwrap();
        let refused = DirLock::acquire(dir.path()).unwrap_err();
        assert!(refused.to_string().contains("another process is using"), "{refused}");
        drop(first);
        DirLock::acquire(dir.path()).unwrap();
    }

    #[test]
    fn a_replaced_file_has_the_new_content_and_mode() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        replace_file(&path, b"one", 0o644).unwrap();
        std::fs::write(dir.path().join("f.new"), b"leftover").unwrap();
        replace_file(&path, b"two", 0o600).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!dir.path().join("f.new").exists());
    }

    #[test]
    fn nested_directories_are_created_once() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b/c");
        create_dir(&deep).unwrap();
        create_dir(&deep).unwrap();
        assert!(deep.is_dir());
    }
}
