//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("{}: {error}", path.display())]
    System {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// More bytes than there can be in such a file.
    #[error("{}: more than {max} bytes, which no such file has", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Most bytes.
        max: usize,
    },
}

impl FileError {
    /// The system's refusal, with the file it is about.
    pub fn system(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::System { path, error }
    }
}

/// Reads a file of at most `max` bytes.
///
/// # Errors
/// See [`FileError`].
pub fn read(path: &Path, max: usize) -> Result<Vec<u8>, FileError> {
    let bound = u64::try_from(max).unwrap_or(u64::MAX);
    let file = File::open(path).map_err(FileError::system(path))?;
    let mut bytes = Vec::new();
    let read = file.take(bound.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(FileError::system(path))?;
    if bytes.len() > max {
        let path = path.to_owned();
        return Err(FileError::TooLarge { path, max });
    }
    Ok(bytes)
}

/// Puts `bytes` in the place of a file, whole or not at all: written beside it, synced, renamed.
///
/// # Errors
/// See [`FileError`]; the old file, if there was one, is then untouched.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let beside = beside(path);
    let written = write_new(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // What is left of a failed attempt is of no use; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(&beside);
        return Err(FileError::system(path)(error));
    }
    sync_directory_of(path)
}

/// Ending of what is being written.
const PARTIAL: &str = ".partial";

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}{PARTIAL}", std::process::id()));
    path.with_file_name(name)
}

/// Removes what a killed process left half written in a directory that only this process writes to.
///
/// # Errors
/// See [`FileError`].
pub fn clear_partial(directory: &Path) -> Result<(), FileError> {
    for entry in fs::read_dir(directory).map_err(FileError::system(directory))? {
        let path = entry.map_err(FileError::system(directory))?.path();
        if path.to_string_lossy().ends_with(PARTIAL) {
            fs::remove_file(&path).map_err(FileError::system(&path))?;
        }
    }
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a rename or a new file in its directory last.
///
/// # Errors
/// See [`FileError`].
pub fn sync_directory_of(path: &Path) -> Result<(), FileError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.unwrap_or(Path::new("."));
    File::open(directory)
        .and_then(|opened| opened.sync_all())
        .map_err(FileError::system(directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bundle");
        replace(&path, b"old").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(read(&path, 3).unwrap(), b"new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_replacement_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(replace(&path, b"new").is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_process_left_half_written_is_removed_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let (whole, half) = (
            directory.path().join("1-7.png"),
            directory.path().join("1-8.png.99.partial"),
        );
        fs::write(&whole, b"whole").unwrap();
        fs::write(&half, b"ha").unwrap();
        clear_partial(directory.path()).unwrap();
        assert!(whole.exists() && !half.exists());
    }

    #[test]
    fn a_file_over_its_bound_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("long");
        replace(&path, b"1234").unwrap();
        assert!(matches!(read(&path, 3), Err(FileError::TooLarge { max: 3, .. })));
        assert_eq!(read(&path, 4).unwrap(), b"1234");
    }
}
