//! One region's node: a real `concordd start` process with its data directory.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use concord_spec::id::RegionId;
use serde::Deserialize;

use crate::programs::tail;
use crate::wait::{Seen, until};
use crate::{Api, HarnessError, Result};

/// Within this a started node answers, its log read and its cache brought up.
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// Within this a node that was asked to stop has stopped (DESIGN 5).
pub const STOPS_WITHIN: Duration = Duration::from_secs(5);

/// What a running node says of itself in `run.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct Run {
    /// Its process.
    pub pid: u32,
    /// Its API.
    pub api: String,
    /// Its health and metrics.
    pub admin: String,
    /// Where it listens for peers, a multiaddress.
    pub p2p: String,
}

/// A node's process, running or not. Dropped, it is killed.
#[derive(Debug)]
pub struct Node {
    region: RegionId,
    data_dir: PathBuf,
    concordd: PathBuf,
    child: Option<Child>,
    run: Option<Run>,
    api: Api,
}

impl Node {
    pub(crate) fn new(region: RegionId, data_dir: PathBuf, concordd: PathBuf) -> Self {
        Self {
            region,
            data_dir,
            concordd,
            child: None,
            run: None,
            api: Api::new("http://127.0.0.1:1"),
        }
    }

    /// Its region.
    #[must_use]
    pub fn region(&self) -> &RegionId {
        &self.region
    }

    /// Its data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Its API; unreachable until it is ready.
    #[must_use]
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// What it said when it was ready last.
    ///
    /// # Errors
    /// It never was.
    pub fn run(&self) -> Result<&Run> {
        self.run
            .as_ref()
            .ok_or_else(|| HarnessError::bytes("a node that was ready", &self.region))
    }

    /// Starts the process and returns at once.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(&mut self, environment: &[(String, String)]) -> Result {
        // What a killed process left must not be taken for the new one's.
        let stale = self.run_file();
        if stale.exists() {
            fs::remove_file(&stale).map_err(HarnessError::file(&stale))?;
        }
        self.run = None;
        let log = self.log_file()?;
        let errors = log.try_clone().map_err(HarnessError::file(self.log_path()))?;
        let mut command = Command::new(&self.concordd);
        command
            .arg("start")
            .arg("--data-dir")
            .arg(&self.data_dir)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        self.child = Some(command.spawn().map_err(HarnessError::file(&self.concordd))?);
        Ok(())
    }

    /// Waits until the API answers.
    ///
    /// # Errors
    /// It ended, or does not answer in time.
    pub fn await_api(&mut self) -> Result {
        let what = format!("node {} answers", self.region);
        until(&what, STARTS_WITHIN, || {
            self.check_running()?;
            let Some(run) = self.read_run() else {
                return Ok(Seen::NotYet("no run.json yet".to_owned()));
            };
            self.api = Api::new(&run.api);
            self.run = Some(run);
            self.api.status().map(Seen::Yes)
        })
        .map(|_| ())
    }

    /// Waits until it says that it is ready: not behind, with enough peers.
    ///
    /// # Errors
    /// It ended, or is not ready in time.
    pub fn await_ready(&mut self) -> Result {
        self.await_api()?;
        let admin = Api::new(&self.run()?.admin);
        until(&format!("node {} is ready", self.region), STARTS_WITHIN, || {
            self.check_running()?;
            let answer = admin.get("/readyz")?;
            let text = || String::from_utf8_lossy(&answer.body).into_owned();
            Ok(if answer.status == 200 {
                Seen::Yes(())
            } else {
                Seen::NotYet(text())
            })
        })
    }

    fn read_run(&self) -> Option<Run> {
        let bytes = fs::read(self.run_file()).ok()?;
        let run: Run = serde_json::from_slice(&bytes).ok()?;
        (Some(run.pid) == self.pid()).then_some(run)
    }

    /// Its process id while it has one.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether the process has not ended by itself.
    ///
    /// # Errors
    /// [`HarnessError::Program`] with the end of its log when it has.
    pub fn check_running(&mut self) -> Result {
        match self.ended()? {
            None => Ok(()),
            Some(status) => Err(HarnessError::Program {
                program: format!("concordd of region {}", self.region),
                status: status.to_string(),
                output: self.log_tail(30),
            }),
        }
    }

    /// How the process ended, if it has.
    ///
    /// # Errors
    /// It cannot be asked.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let asked = self.child.as_mut().map(Child::try_wait).transpose();
        asked.map(Option::flatten).map_err(HarnessError::file(&self.concordd))
    }

    /// SIGKILL, and waits for the end. Nothing happens when it does not run.
    ///
    /// # Errors
    /// It cannot be killed.
    pub fn kill(&mut self) -> Result {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        child
            .kill()
            .and_then(|()| child.wait())
            .map(|_| ())
            .map_err(HarnessError::file(&self.concordd))
    }

    /// SIGTERM, and checks that it ends by itself, in time, with 0.
    ///
    /// # Errors
    /// It does not.
    pub fn terminate(&mut self) -> Result {
        let Some(pid) = self.pid() else { return Ok(()) };
        // The shell's own kill: no signal without unsafe code, and no program that a small system may lack.
        crate::programs::run(Command::new("sh").args(["-c", &format!("kill -s TERM {pid}")]))?;
        let what = format!("node {} has stopped", self.region);
        let status = until(&what, STOPS_WITHIN, || {
            Ok(self
                .ended()?
                .map_or_else(|| Seen::NotYet("it runs".to_owned()), Seen::Yes))
        })?;
        if status.success() {
            self.child = None;
            return Ok(());
        }
        self.check_running()
    }

    fn run_file(&self) -> PathBuf {
        self.data_dir.join("run.json")
    }

    fn log_path(&self) -> PathBuf {
        self.data_dir.with_extension("log")
    }

    fn log_file(&self) -> Result<File> {
        let path = self.log_path();
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(HarnessError::file(&path))
    }

    /// The end of what it logged, over all its runs.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        let text = fs::read(self.log_path()).unwrap_or_default();
        tail(&String::from_utf8_lossy(&text), lines)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("node {} was left running: {error}", self.region);
        }
    }
}
