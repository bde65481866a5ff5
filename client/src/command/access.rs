//! Keys for a command: files, their passphrases, and who they may speak for.

use super::{Failure, show};
use clap::Args;
use concord_client::files;
use concord_client::keys;
use concord_client::transport::{MAX_WAIT, Node, RecordAnswer, RecordState};
use concord_spec::charter::signed::{MAX_SIGNED_CHARTER, SignedCharter};
use concord_spec::charter::{Charter, CharterRegion};
use concord_spec::digest::Digest;
use concord_spec::id::UnixMillis;
use concord_spec::key::{PublicKey, SecretKey};
use concord_spec::record::SignedRecord;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Most bytes of a file with a passphrase.
const MAX_PASSPHRASE_FILE: usize = 4_096;
/// How long a record may wait for its block.
const PATIENCE: Duration = Duration::from_secs(120);

/// How key files are opened.
#[derive(Debug, Clone, Args)]
pub(crate) struct Passphrase {
    /// File whose first line is the passphrase of the key files; without it, it is asked for on the terminal
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Passphrase {
    /// The first line of the file, if one was named.
    pub(crate) fn given(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some(path) = &self.passphrase_file else {
            return Ok(None);
        };
        let bytes = Zeroizing::new(files::read(path, MAX_PASSPHRASE_FILE)?);
        let text = std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| text.lines().next())
            .unwrap_or_default();
        if text.is_empty() {
            return Err(Failure::Usage(format!(
                "{}: its first line is no passphrase",
                path.display()
            )));
        }
        Ok(Some(Zeroizing::new(text.to_owned())))
    }

    /// Opens a key file; asks for the passphrase where one is needed and none was given.
    pub(crate) fn open(&self, path: &Path) -> Result<SecretKey, Failure> {
        if !keys::is_encrypted(path)? {
            return Ok(keys::open(path, None)?);
        }
        let passphrase = match self.given()? {
            Some(passphrase) => passphrase,
            None => ask(&format!("Passphrase of {}: ", path.display()))?,
        };
        Ok(keys::open(path, Some(&passphrase))?)
    }

    /// Opens several key files.
    pub(crate) fn open_all(&self, paths: &[PathBuf]) -> Result<Vec<SecretKey>, Failure> {
        paths.iter().map(|path| self.open(path)).collect()
    }
}

/// Asks for a passphrase on the terminal, unseen.
pub(crate) fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let input = io::stdin();
    if !input.is_terminal() {
        let missing = "the key is encrypted and there is no terminal to ask on: give --passphrase-file FILE";
        return Err(Failure::Usage(missing.to_owned()));
    }
    let broken = |error: io::Error| Failure::Cannot(format!("the terminal cannot be read: {error}"));
    let before = tcgetattr(&input).map_err(|error| broken(error.into()))?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&input, OptionalActions::Flush, &silent).map_err(|error| broken(error.into()))?;
    let mut text = Zeroizing::new(String::new());
    let read = write!(io::stderr(), "{prompt}").and_then(|()| input.lock().read_line(&mut text));
    let restored = tcsetattr(&input, OptionalActions::Flush, &before);
    show::remark("");
    read.map_err(broken)?;
    restored.map_err(|error| broken(error.into()))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A public key given as 64 hexadecimal digits or as its key file.
pub(crate) fn public_key(text: &str, passphrase: &Passphrase) -> Result<PublicKey, Failure> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    let path = Path::new(text);
    if path.exists() {
        return Ok(passphrase.open(path)?.public());
    }
    Err(Failure::Usage(format!(
        "{text:?} is neither a public key (64 lower-case hexadecimal digits) nor a key file"
    )))
}

/// A signed charter from its file, each signature that it carries checked.
pub(crate) fn signed_charter(path: &Path) -> Result<SignedCharter, Failure> {
    let bytes = files::read(path, MAX_SIGNED_CHARTER)?;
    SignedCharter::from_bytes(&bytes).map_err(|why| Failure::about(path, &why))
}

/// The charter from a file that the caller trusts, or else as the node names it, which is said.
pub(crate) fn charter(file: Option<&Path>, node: &Node) -> Result<Charter, Failure> {
    if let Some(path) = file {
        let charter = signed_charter(path)?.into_charter();
        node.expect_chain(&charter.chain_id())?;
        return Ok(charter);
    }
    let charter = node.charter()?;
    let (chain, id) = (&charter.chain, charter.chain_id());
    show::remark(&format!(
        "taking the charter of chain {chain} ({id}) from {}; give --charter FILE to check it",
        node.base()
    ));
    Ok(charter)
}

/// The region that these authority keys speak for.
pub(crate) fn region_of<'a>(charter: &'a Charter, keys: &[SecretKey]) -> Result<&'a CharterRegion, Failure> {
    let first = keys
        .first()
        .ok_or_else(|| Failure::Usage("give --region-key FILE".to_owned()))?;
    let public = first.public();
    let found = charter.regions.iter().find(|region| region.authority.contains(&public));
    found.ok_or_else(|| {
        Failure::Cannot(format!(
            "key {public} is of no region's authority on chain {}",
            charter.chain
        ))
    })
}

/// A time from which a record's not-after counts: the later of this machine's clock and the ledger's.
pub(crate) fn later_of_clocks(node: &Node, chain_id: &Digest) -> Result<UnixMillis, Failure> {
    Ok(node.expect_chain(chain_id)?.time_ms.max(show::now()))
}

/// Hands in a record and waits until it is in a sealed block.
pub(crate) fn record(node: &Node, record: &SignedRecord) -> Result<RecordAnswer, Failure> {
    let begun = Instant::now();
    let id = record.id();
    let mut answer = submit(node, record, begun)?;
    while answer.state == RecordState::Pending && begun.elapsed() < PATIENCE {
        answer = match node.record(&id, MAX_WAIT)? {
            Some(answer) => answer,
            None => submit(node, record, begun)?,
        };
    }
    let id = id.to_string();
    match answer.state {
        RecordState::Recorded => Ok(answer),
        RecordState::Pending => Err(Failure::StillPending {
            id,
            seconds: begun.elapsed().as_secs(),
        }),
        RecordState::Rejected | RecordState::Expired => Err(Failure::Rejected {
            id,
            code: answer.code.unwrap_or_else(|| "EXPIRED".to_owned()),
            detail: answer.detail.unwrap_or_default(),
        }),
    }
}

/// Hands in a record, and again when the node has no room, as long as there is time.
fn submit(node: &Node, record: &SignedRecord, begun: Instant) -> Result<RecordAnswer, Failure> {
    loop {
        match node.submit(record) {
            Ok(answer) => return Ok(answer),
            Err(error) => match error.retry_after() {
                Some(pause) if begun.elapsed() + pause < PATIENCE => std::thread::sleep(pause),
                Some(_) | None => return Err(error.into()),
            },
        }
    }
}
