//! The demo's directory: what is where, and that nothing else is overwritten.

use super::Failure;
use concord_client::files::{self, FileError};
use concord_spec::id::RegionId;
use rustix::process::{Pid, test_kill_process};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Marks a directory as a demo's, so that a later demo may replace it.
const MARKER: &str = ".concord-demo";
/// All that a demo leaves.
const PARTS: [&str; 7] = [
    "federation",
    "keys",
    "certificates",
    "certificates.csv",
    "trust.bundle",
    "drivers-licence.type.toml",
    "drivers-licences.csv",
];

/// The demo's directory.
pub(super) struct Place(PathBuf);

/// What a running node leaves in its data directory.
#[derive(Debug, Deserialize)]
pub(super) struct RunFile {
    pub(super) pid: u32,
    pub(super) api: String,
}

impl RunFile {
    /// Most bytes of it.
    const MAX: usize = 4_096;

    /// The file in a data directory, when it is there and whole.
    pub(super) fn of(data: &Path) -> Option<Self> {
        serde_json::from_slice(&files::read(&data.join("run.json"), Self::MAX).ok()?).ok()
    }

    fn is_running(&self) -> bool {
        let exe = fs::read_link(format!("/proc/{}/exe", self.pid)).ok();
        let is_node = exe.is_none_or(|exe| {
            exe.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("concordd"))
        });
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        is_node && pid.is_some_and(|pid| test_kill_process(pid).is_ok())
    }
}

impl Place {
    /// Takes a directory that is new, empty, or an earlier demo's, whose parts are removed.
    pub(super) fn prepare(directory: &Path) -> Result<Self, Failure> {
        let directory = std::path::absolute(directory).map_err(FileError::system(directory))?;
        fs::create_dir_all(&directory).map_err(FileError::system(&directory))?;
        let place = Self(directory);
        let marker = place.0.join(MARKER);
        let empty = fs::read_dir(&place.0)
            .map_err(FileError::system(&place.0))?
            .next()
            .is_none();
        if !empty && !marker.exists() {
            let words = format!(
                "{} is not empty and no earlier demo's; name another with --dir",
                place.0.display()
            );
            return Err(Failure::Cannot(words));
        }
        place.refuse_if_running()?;
        for part in PARTS {
            remove(&place.0.join(part))?;
        }
        files::replace(
            &marker,
            b"A directory of `concord demo`; the next demo here replaces it.\n",
        )?;
        for part in ["keys", "certificates"] {
            let path = place.0.join(part);
            fs::create_dir(&path).map_err(FileError::system(&path))?;
        }
        Ok(place)
    }

    /// An earlier demo that was killed can have left its nodes behind.
    fn refuse_if_running(&self) -> Result<(), Failure> {
        let Ok(entries) = fs::read_dir(self.federation()) else {
            return Ok(());
        };
        let running = entries
            .filter_map(|entry| RunFile::of(&entry.ok()?.path()))
            .find(RunFile::is_running);
        match running {
            None => Ok(()),
            Some(run) => {
                let words = format!(
                    "a node of an earlier demo still runs here: end it with kill {}, then try again",
                    run.pid
                );
                Err(Failure::Cannot(words))
            }
        }
    }

    pub(super) fn federation(&self) -> PathBuf {
        self.0.join("federation")
    }

    pub(super) fn charter(&self) -> PathBuf {
        self.federation().join("charter.cbor")
    }

    pub(super) fn authority(&self, region: &RegionId) -> PathBuf {
        self.federation().join(region.as_str()).join("authority.pem")
    }

    pub(super) fn key(&self, name: &str) -> PathBuf {
        self.0.join("keys").join(format!("{name}.pem"))
    }

    pub(super) fn certificates(&self) -> PathBuf {
        self.0.join("certificates")
    }

    pub(super) fn bundle(&self) -> PathBuf {
        self.0.join("trust.bundle")
    }

    pub(super) fn definition(&self) -> PathBuf {
        self.0.join("drivers-licence.type.toml")
    }

    pub(super) fn sheet(&self) -> PathBuf {
        self.0.join("drivers-licences.csv")
    }
}

fn remove(path: &Path) -> Result<(), Failure> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FileError::system(path)(error).into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_something_else_in_it_is_refused_and_untouched() {
        let directory = tempfile::tempdir().unwrap();
        let precious = directory.path().join("keys");
        fs::write(&precious, "precious").unwrap();
        assert!(Place::prepare(directory.path()).is_err());
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    }

    #[test]
    fn an_earlier_demo_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::prepare(directory.path()).unwrap();
        fs::write(place.key("series"), "old").unwrap();
        fs::write(place.bundle(), "old").unwrap();
        let place = Place::prepare(directory.path()).unwrap();
        assert!(!place.key("series").exists());
        assert!(!place.bundle().exists());
    }
}
