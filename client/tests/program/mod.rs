//! Runs the real program in a directory of its own.

use std::path::PathBuf;
use std::process::{Command, Output};

pub(crate) struct Desk {
    directory: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_concord"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_remove("CONCORD_NODE")
            .env_remove("CONCORD_BUNDLE")
            .env("XDG_DATA_HOME", self.directory.path())
            .env("LC_ALL", "C");
        command.stdin(std::process::Stdio::null());
        Ran(command.output().unwrap())
    }
}

pub(crate) struct Ran(Output);

impl Ran {
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        self.out()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}
