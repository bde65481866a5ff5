//! `concord region`: the regions of the federation, their nodes, authorities and observers.

mod view;

use super::ledger::Ledger;
use super::office::keyring;
use super::signing::{RegionKeys, Signing};
use super::{Done, Failure, Shared};
use clap::{Args, Subcommand};
use concord_client::files;
use concord_spec::charter::Address;
use concord_spec::id::RegionId;
use concord_spec::key::{ProofOfPossession, PublicKey, SealPublicKey};
use concord_spec::ledger::standing::Offices;
use concord_spec::record::{Action, NodeKeys, Nothing, Observer, Observers};
use serde::Deserialize;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Most bytes of the JSON that a node prints about its keys or a list of observers.
const MAX_JSON: usize = 1 << 20;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// The regions, each with how it stands
    List,
    /// All about a region: keyring, keys of its node from block to block, rotation under way, observers, suspension, and evidence
    /// of double signing
    Show {
        /// The region
        region: RegionId,
    },
    /// Give the region's node other keys, in force two blocks later: the region's authority signs
    ///
    /// The node makes them: concordd keys new. It takes them up by itself, without a restart.
    RotateNode(RotateNode),
    /// Give the region another authority keyring, in force 72 hours later: the present keyring signs
    ///
    /// Until then the present keyring, or a vote of the federation, can cancel it.
    RotateAuthority(RotateAuthority),
    /// Take back the rotation of the authority keyring that is under way: the present keyring signs
    CancelRotation {
        #[command(flatten)]
        region: RegionKeys,
        #[command(flatten)]
        signing: Signing,
    },
    /// Say which nodes are the region's observers, all of them: its authority signs
    ///
    /// Observers replicate and serve, and never vote.
    Observers(SetObservers),
}

#[derive(Debug, Args)]
pub(crate) struct RotateNode {
    /// What `concordd keys new` printed (JSON)
    file: PathBuf,
    #[command(flatten)]
    region: RegionKeys,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct RotateAuthority {
    /// The public keys from then on, all of them (64 hexadecimal digits), or their key files
    #[arg(long, value_name = "KEY", required = true, num_args = 1..)]
    key: Vec<String>,
    /// How many of the keys sign from then on
    #[arg(long, value_name = "K")]
    threshold: usize,
    #[command(flatten)]
    region: RegionKeys,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct SetObservers {
    /// Add a node, or change what is said of it: PEER-ID=NAME, with addresses after a comma each, such as
    /// 12D3KooW...=archive,/ip4/192.0.2.7/tcp/9000
    #[arg(long, value_name = "PEER=NAME,ADDRESS...", value_parser = parse_observer, num_args = 1..)]
    add: Vec<Observer>,
    /// Remove the node with this peer id
    #[arg(long, value_name = "PEER", num_args = 1..)]
    remove: Vec<String>,
    /// Remove all
    #[arg(long, conflicts_with_all = ["add", "remove"])]
    none: bool,
    #[command(flatten)]
    region: RegionKeys,
    #[command(flatten)]
    signing: Signing,
}

/// What `concordd keys new` prints.
#[derive(Debug, Deserialize)]
struct NextKeys {
    #[serde(default)]
    region: Option<RegionId>,
    consensus_key: PublicKey,
    seal_key: SealPublicKey,
    possession: ProofOfPossession,
    #[serde(default)]
    peer_id: Option<String>,
    #[serde(default)]
    addresses: Option<Vec<String>>,
}

fn parse_observer(text: &str) -> Result<Observer, String> {
    let wrong = || format!("{text:?}: write PEER-ID=NAME, and addresses after a comma each");
    let (peer_id, rest) = text.split_once('=').ok_or_else(wrong)?;
    let mut parts = rest.split(',');
    let name = parts.next().filter(|name| !name.is_empty()).ok_or_else(wrong)?;
    if peer_id.is_empty() || peer_id.len() > 64 || name.len() > 64 {
        return Err("a peer id and a name have at most 64 bytes".to_owned());
    }
    Ok(Observer {
        peer_id: peer_id.to_owned(),
        name: name.to_owned(),
        addresses: parts
            .map(|multiaddr| Address {
                multiaddr: multiaddr.to_owned(),
            })
            .collect(),
    })
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        match self {
            Self::List => view::list(shared),
            Self::Show { region } => view::show(shared, &region),
            Self::RotateNode(rotate) => rotate.run(shared),
            Self::RotateAuthority(rotate) => rotate.run(shared),
            Self::CancelRotation { region, signing } => {
                let ledger = signing.ledger(shared)?;
                let (region, speaker) = region.region(&ledger, &signing)?;
                let words = format!("the rotation of the authority keyring of region {region} is cancelled");
                let told = (words, json!({"region": region}));
                signing.act(shared, &ledger, &speaker, Action::CancelRotation(Nothing), |_| Ok(told))
            }
            Self::Observers(observers) => observers.run(shared),
        }
    }
}

impl RotateNode {
    fn run(self, shared: &Shared) -> Done {
        let next: NextKeys = read_json(&self.file, "what `concordd keys new` prints")?;
        let ledger = self.signing.ledger(shared)?;
        let (region, speaker) = self.region.region(&ledger, &self.signing)?;
        if next.region.as_ref().is_some_and(|made_for| *made_for != region) {
            let made_for = next.region.map(|region| region.to_string()).unwrap_or_default();
            return Err(Failure::Cannot(format!(
                "{}: keys of region {made_for}, and region {region} would sign for them",
                self.file.display()
            )));
        }
        let keys = with_present(next, &ledger, &region)?;
        if !keys.possession.verify(&keys.seal_key) {
            return Err(Failure::Cannot(format!(
                "{}: the proof of possession does not hold; have the node make its keys again",
                self.file.display()
            )));
        }
        let object = json!({"region": region, "consensus_key": keys.consensus_key, "peer_id": keys.peer_id});
        let words = format!("the node of region {region} has other keys two blocks later");
        let action = Action::RotateNode(Box::new(keys));
        self.signing
            .act(shared, &ledger, &speaker, action, |_| Ok((words, object)))
    }
}

/// The keys with peer id and addresses; what is not said stays as it is.
fn with_present(next: NextKeys, ledger: &Ledger, region: &RegionId) -> Result<NodeKeys, Failure> {
    let unknown = || Failure::Cannot(format!("region {region} is no member of this federation"));
    let present = ledger.federation().region(region).ok_or_else(unknown)?;
    let addresses = next.addresses.map(|all| {
        let address = |multiaddr| Address { multiaddr };
        all.into_iter().map(address).collect()
    });
    Ok(NodeKeys {
        consensus_key: next.consensus_key,
        seal_key: next.seal_key,
        possession: next.possession,
        peer_id: next.peer_id.unwrap_or_else(|| present.peer_id.clone()),
        addresses: addresses.unwrap_or_else(|| present.addresses.clone()),
    })
}

/// Reads JSON from a file.
fn read_json<T: serde::de::DeserializeOwned>(path: &Path, what: &str) -> Result<T, Failure> {
    let bytes = files::read(path, MAX_JSON)?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::Cannot(format!("{}: not {what} ({error})", path.display())))
}

impl RotateAuthority {
    fn run(self, shared: &Shared) -> Done {
        let next = keyring(self.threshold, &self.key, &self.signing)?;
        let ledger = self.signing.ledger(shared)?;
        let (region, speaker) = self.region.region(&ledger, &self.signing)?;
        let object = json!({"region": region, "keyring": next});
        let words = format!(
            "region {region} has another authority keyring in 72 hours; until then: concord region cancel-rotation"
        );
        let action = Action::RotateAuthority(next);
        self.signing
            .act(shared, &ledger, &speaker, action, |_| Ok((words, object)))
    }
}

impl SetObservers {
    fn run(self, shared: &Shared) -> Done {
        if self.add.is_empty() && self.remove.is_empty() && !self.none {
            let words = "give --add PEER=NAME, --remove PEER or --none; see them with: concord region show REGION";
            return Err(Failure::Usage(words.to_owned()));
        }
        let ledger = self.signing.ledger(shared)?;
        let (region, speaker) = self.region.region(&ledger, &self.signing)?;
        let present = ledger.federation().region(&region);
        let mut observers: Vec<Observer> = present
            .filter(|_| !self.none)
            .map(|present| present.observers.clone())
            .unwrap_or_default();
        if let Some(unknown) = self
            .remove
            .iter()
            .find(|peer| observers.iter().all(|known| known.peer_id != **peer))
        {
            return Err(Failure::Cannot(format!("{unknown} is no observer of region {region}")));
        }
        let replaced = |known: &Observer| self.add.iter().any(|added| added.peer_id == known.peer_id);
        observers.retain(|known| !self.remove.contains(&known.peer_id) && !replaced(known));
        observers.extend(self.add);
        observers.sort_by(|a, b| a.peer_id.cmp(&b.peer_id));
        let peers: Vec<&str> = observers.iter().map(|observer| observer.peer_id.as_str()).collect();
        let object = json!({"region": region, "observers": peers});
        let words = format!("region {region} has {} observers", observers.len());
        let action = Action::SetObservers(Observers { observers });
        self.signing
            .act(shared, &ledger, &speaker, action, |_| Ok((words, object)))
    }
}
