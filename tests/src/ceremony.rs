//! Founding a federation as its regions do: each with its own invocations of the programs, in directories of its own.

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use concord_spec::charter::Address;
use concord_spec::record::NodeKeys;

use crate::programs::{Programs, programs, run};
use crate::{HarnessError, Result};

/// A directory in which regions found a federation.
#[derive(Debug)]
pub struct Ceremony {
    programs: Programs,
    dir: PathBuf,
    // Held until the ceremony is over, so that no port is given twice.
    ports: Vec<TcpListener>,
}

impl Ceremony {
    /// In a new directory.
    ///
    /// # Errors
    /// The programs cannot be built, or there is no room for a directory.
    pub fn new() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("concord-test-").tempdir();
        Ok(Self {
            programs: programs()?,
            dir: dir.map_err(HarnessError::file("/tmp"))?.keep(),
            ports: Vec::new(),
        })
    }

    /// A file or directory in the ceremony's.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Runs `concord` in the ceremony's directory and returns its standard output.
    ///
    /// # Errors
    /// It does not end with 0.
    pub fn concord<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<String> {
        let mut command = Command::new(&self.programs.concord);
        command.args(arguments).current_dir(&self.dir).stdin(Stdio::null());
        text(run(&mut command)?)
    }

    /// What a program said that must not have done what it was told.
    ///
    /// # Errors
    /// It did.
    pub fn refusal(outcome: Result<String>) -> Result<String> {
        match outcome {
            Err(HarnessError::Program { output, .. }) => Ok(output),
            Err(other) => Err(other),
            Ok(printed) => Err(HarnessError::bytes("a refusal", printed)),
        }
    }

    /// `concordd init` of a region whose data directory is `name`.
    ///
    /// # Errors
    /// It does not end with 0.
    pub fn init(&mut self, region: &str, name: &str, more: &[&str]) -> Result<String> {
        init(&self.programs, &self.dir, region, name, more, &mut self.ports)
    }

    /// Starts the node of a data directory with nobody to keep it running: it ends once it has started, or does not start.
    ///
    /// # Errors
    /// It does not start; the error holds what it logged.
    pub fn start_and_stop(&self, data_dir: &Path) -> Result<String> {
        let mut command = Command::new(&self.programs.concordd);
        command
            .args(["start", "--until-eof", "--data-dir"])
            .arg(data_dir)
            .stdin(Stdio::null());
        let output = command.output().map_err(HarnessError::file(&self.programs.concordd))?;
        let logged = text([output.stdout, output.stderr].concat())?;
        if output.status.success() {
            return Ok(logged);
        }
        Err(HarnessError::Program {
            program: format!("{command:?}"),
            status: output.status.to_string(),
            output: logged,
        })
    }

    /// Lets go of the ports that the nodes are to listen on.
    pub fn free_ports(&mut self) {
        self.ports.clear();
    }
}

/// `concordd init` in `dir` of a region whose data directory is `name`, on ports that `ports` holds until they are let go.
///
/// # Errors
/// It does not end with 0.
pub(crate) fn init(
    programs: &Programs,
    dir: &Path,
    region: &str,
    name: &str,
    more: &[&str],
    ports: &mut Vec<TcpListener>,
) -> Result<String> {
    let (listen, api, admin) = (port(ports)?, port(ports)?, port(ports)?);
    let mut command = Command::new(&programs.concordd);
    command
        .args([
            "init",
            "--unencrypted",
            "--region",
            region,
            "--name",
            region,
            "--dir",
            name,
        ])
        .args(["--listen", &format!("/ip4/127.0.0.1/tcp/{}", listen.port())])
        .args(["--api", &api.to_string(), "--admin", &admin.to_string()])
        .args(more)
        .current_dir(dir);
    text(run(&mut command)?)
}

/// Makes the next keys of a region's node with `concordd keys new`.
///
/// # Errors
/// It does not end with 0, or does not print what the authority signs.
pub fn new_node_keys(data_dir: &Path) -> Result<NodeKeys> {
    let mut command = Command::new(programs()?.concordd);
    command
        .args(["keys", "new", "--unencrypted", "--data-dir"])
        .arg(data_dir);
    let printed = text(run(&mut command)?)?;
    let wrong = |what: &'static str| HarnessError::bytes(what, &printed);
    let object: serde_json::Value = serde_json::from_str(&printed).map_err(|why| HarnessError::bytes("JSON", why))?;
    let field = |name: &'static str| {
        object
            .get(name)
            .and_then(serde_json::Value::as_str)
            .ok_or_else(|| wrong(name))
    };
    let addresses = object
        .get("addresses")
        .and_then(serde_json::Value::as_array)
        .ok_or_else(|| wrong("addresses"))?;
    let address = |value: &serde_json::Value| {
        let multiaddr = value.as_str().ok_or_else(|| wrong("address"))?.to_owned();
        Ok(Address { multiaddr })
    };
    Ok(NodeKeys {
        consensus_key: field("consensus_key")?.parse().map_err(|_| wrong("consensus_key"))?,
        seal_key: field("seal_key")?.parse().map_err(|_| wrong("seal_key"))?,
        possession: field("possession")?.parse().map_err(|_| wrong("possession"))?,
        peer_id: field("peer_id")?.to_owned(),
        addresses: addresses.iter().map(address).collect::<Result<_>>()?,
    })
}

fn port(ports: &mut Vec<TcpListener>) -> Result<SocketAddr> {
    let bound = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener) = bound.map_err(HarnessError::file("a port of this machine"))?;
    ports.push(listener);
    Ok(address)
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|why| HarnessError::bytes("text", why))
}
