//! Four real nodes: found or built, started, and stopped by their process ids, whatever happens.

use super::Failure;
use super::place::RunFile;
use crate::command::{access, show};
use concord_client::files::FileError;
use concord_spec::id::RegionId;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a node may take to answer.
const START_TIME: Duration = Duration::from_secs(30);
/// How long a node may take to end after it was asked to.
const STOP_TIME: Duration = Duration::from_secs(8);
/// How often a process and its files are looked at.
const LOOK: Duration = Duration::from_millis(20);
/// Exit code after Ctrl-C: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// The node's program beside this one; under cargo it is built first, so that one command does it all.
pub(super) fn program() -> Result<PathBuf, Failure> {
    let cannot = |error: std::io::Error| Failure::Cannot(format!("this program's own place is unknown: {error}"));
    let own = std::env::current_exe().map_err(cannot)?;
    let beside = own.with_file_name("concordd");
    if let (Some(cargo), Some(manifest)) = (std::env::var_os("CARGO"), std::env::var_os("CARGO_MANIFEST_DIR")) {
        build(&PathBuf::from(cargo), &PathBuf::from(manifest), &own)?;
    }
    if beside.exists() {
        return Ok(beside);
    }
    let words = format!(
        "{} is missing; build it: cargo build --release -p concord-node --bin concordd",
        beside.display()
    );
    Err(Failure::Cannot(words))
}

/// Builds the node with the profile and into the directory of this program.
fn build(cargo: &Path, manifest: &Path, own: &Path) -> Result<(), Failure> {
    let directory = own.parent().unwrap_or(own);
    let target = directory.parent().unwrap_or(directory);
    let profile = match directory.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    show::remark("building concordd, the node (the first time this takes some minutes)");
    let mut command = Command::new(cargo);
    // The whole workspace, of which only this program is built: the features, and so the dependencies, are then those with
    // which `cargo run --bin concord` has built this one.
    command.args([
        "build",
        "--quiet",
        "--workspace",
        "--bin",
        "concordd",
        "--profile",
        profile,
    ]);
    command.arg("--target-dir").arg(target).current_dir(manifest);
    // What cargo set for this program would make it build again what watches these variables (ring, and all that needs it).
    let of_this_program = [
        "CARGO_MANIFEST_",
        "CARGO_PKG_",
        "CARGO_BIN_",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
    ];
    let set = std::env::vars_os().map(|(name, _)| name);
    for name in set.filter(|name| {
        of_this_program
            .iter()
            .any(|own| name.to_string_lossy().starts_with(own))
    }) {
        command.env_remove(name);
    }
    let built = command
        .stdout(Stdio::null())
        .status()
        .map_err(FileError::system(cargo))?;
    if built.success() {
        return Ok(());
    }
    Err(Failure::Cannot(
        "concordd could not be built; cargo says why above".to_owned(),
    ))
}

type Nodes = Arc<Mutex<Vec<Running>>>;

/// Nodes that run.
pub(super) struct Federation {
    directory: PathBuf,
    nodes: Nodes,
}

struct Running {
    region: RegionId,
    child: Child,
}

impl Federation {
    /// Makes the regions and starts a node for each; gives back when all answer.
    pub(super) fn start(program: &Path, directory: &Path, regions: usize) -> Result<Self, Failure> {
        initialise(program, directory, regions)?;
        let charter = access::signed_charter(&directory.join("charter.cbor"))?.into_charter();
        let federation = Self {
            directory: directory.to_owned(),
            nodes: Nodes::default(),
        };
        let nodes = Arc::clone(&federation.nodes);
        let handler = ctrlc::set_handler(move || {
            stop_all(&mut lock(&nodes));
            std::process::exit(INTERRUPTED);
        });
        handler.map_err(|error| Failure::Cannot(format!("Ctrl-C cannot be caught: {error}")))?;
        for region in &charter.regions {
            let running = Running::start(program, directory, &region.region)?;
            lock(&federation.nodes).push(running);
        }
        for region in &charter.regions {
            federation.wait_for(&region.region)?;
        }
        Ok(federation)
    }

    /// Address of a region's API.
    pub(super) fn api(&self, region: &RegionId) -> Result<String, Failure> {
        let run = RunFile::of(&self.directory.join(region.as_str()));
        run.map(|run| run.api)
            .ok_or_else(|| Failure::Cannot(format!("region {region} has no running node")))
    }

    fn wait_for(&self, region: &RegionId) -> Result<(), Failure> {
        let data = self.directory.join(region.as_str());
        let begun = Instant::now();
        loop {
            let mut nodes = lock(&self.nodes);
            let Some(node) = nodes.iter_mut().find(|node| node.region == *region) else {
                return Ok(());
            };
            // A file of an earlier process has another id.
            if RunFile::of(&data).is_some_and(|run| run.pid == node.child.id()) {
                return Ok(());
            }
            let ended = node.child.try_wait().map_err(FileError::system(&data))?;
            drop(nodes);
            let log = log_of(&self.directory, region);
            if let Some(status) = ended {
                return Err(Failure::Cannot(format!(
                    "the node of region {region} ended ({status}); see {}",
                    log.display()
                )));
            }
            if begun.elapsed() > START_TIME {
                return Err(Failure::Cannot(format!(
                    "the node of region {region} does not answer; see {}",
                    log.display()
                )));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Stops every node; an error when one had to be killed.
    pub(super) fn stop(&self) -> Result<(), Failure> {
        let killed = stop_all(&mut lock(&self.nodes));
        if killed.is_empty() {
            return Ok(());
        }
        let seconds = STOP_TIME.as_secs();
        Err(Failure::Cannot(format!(
            "nodes that did not end within {seconds} s were killed: {}",
            killed.join(", ")
        )))
    }
}

impl Drop for Federation {
    fn drop(&mut self) {
        stop_all(&mut lock(&self.nodes));
    }
}

impl Running {
    fn start(program: &Path, directory: &Path, region: &RegionId) -> Result<Self, Failure> {
        let log = log_of(directory, region);
        let errors = File::create(&log).map_err(FileError::system(&log))?;
        let mut command = Command::new(program);
        command
            .arg("start")
            .arg("--until-eof")
            .arg("--data-dir")
            .arg(directory.join(region.as_str()));
        // Its input ends with this process, however that ends: even killed, the demo leaves no node behind.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(errors);
        let child = command.spawn().map_err(FileError::system(program))?;
        Ok(Self {
            region: region.clone(),
            child,
        })
    }
}

/// The log of a region's node, beside its data directory.
fn log_of(directory: &Path, region: &RegionId) -> PathBuf {
    directory.join(format!("{region}.log"))
}

fn initialise(program: &Path, directory: &Path, regions: usize) -> Result<(), Failure> {
    let mut command = Command::new(program);
    command
        .arg("localnet")
        .arg(regions.to_string())
        .arg("--dir")
        .arg(directory)
        .arg("--init-only");
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(FileError::system(program))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::Cannot(format!(
        "concordd localnet --init-only failed ({}): {}",
        output.status,
        said.trim()
    )))
}

fn lock(nodes: &Nodes) -> MutexGuard<'_, Vec<Running>> {
    nodes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks every node to end, waits, and kills those that do not; gives the regions of those.
fn stop_all(nodes: &mut Vec<Running>) -> Vec<String> {
    for node in nodes.iter() {
        // Not yet waited for, so that its id is still its own; one that has ended already needs no signal.
        if let Some(pid) = i32::try_from(node.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
    let begun = Instant::now();
    let mut killed = Vec::new();
    for mut node in nodes.drain(..) {
        while matches!(node.child.try_wait(), Ok(None)) && begun.elapsed() < STOP_TIME {
            std::thread::sleep(LOOK);
        }
        if matches!(node.child.try_wait(), Ok(None)) {
            let _ = node.child.kill();
            let _ = node.child.wait();
            killed.push(node.region.to_string());
        }
    }
    killed
}
