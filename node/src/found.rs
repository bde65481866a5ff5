//! Founding: keys, cards and the charter of a federation (DESIGN 4.4, charter).
//! Not here: the ceremony in which regions check and sign each other's cards (later).

use std::path::{Path, PathBuf};

use concord_spec::catalogue::Label;
use concord_spec::charter::{Address, Charter, CharterError, CharterRegion, Parameters};
use concord_spec::codec::{self, CodecError};
use concord_spec::id::{ChainName, RegionId, UnixMillis};
use concord_spec::key::KeyError;
use concord_spec::key::bls::SealSecretKey;
use concord_spec::key::keyring::Keyring;
use concord_spec::key::pem::KeyKind;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use zeroize::Zeroizing;

use crate::config::{CHARTER_FILE, ConfigError, NodeConfig};
use crate::durable::{self, DurableError};
use crate::keystore::{self, KeyFileError, Passphrase};

/// Name of the card in the data directory.
pub const CARD_FILE: &str = "card.cbor";
/// Name of the authority's key in the data directory; move it to where the authority works.
pub const AUTHORITY_FILE: &str = "authority.pem";
/// Most bytes of a card.
const MAX_CARD: usize = 16 << 10;

/// Why a federation cannot be founded, or a region not join it.
#[derive(Debug, thiserror::Error)]
pub enum FoundingError {
    /// A key file.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A key.
    #[error("a key: {0}")]
    Keyring(#[from] KeyError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The charter.
    #[error(transparent)]
    Charter(#[from] CharterError),
    /// A file cannot be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// A file cannot be read.
    #[error("{path}: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// A card cannot be read.
    #[error("card {path}: {why}; have the region make it again")]
    Card {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: CodecError,
    },
    /// The directory holds a node already.
    #[error("{0} holds a node already; choose another directory")]
    Occupied(PathBuf),
    /// The network key cannot be used.
    #[error("the network key cannot be used")]
    PeerKey,
}

/// A node's keys.
pub struct NodeKeys {
    /// Votes.
    pub consensus: Zeroizing<[u8; 32]>,
    /// Seal shares.
    pub seal: SealSecretKey,
    /// The network.
    pub peer: Keypair,
}

impl std::fmt::Debug for NodeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NodeKeys")
            .field("peer", &self.peer.public().to_peer_id())
            .finish_non_exhaustive()
    }
}

fn key_path(data_dir: &Path, name: &str) -> PathBuf {
    data_dir.join("keys").join(format!("{name}.pem"))
}

/// Reads a node's keys.
///
/// # Errors
/// A file is missing or does not open.
pub fn read_keys(data_dir: &Path, passphrase: &Passphrase) -> Result<NodeKeys, FoundingError> {
    let seal = keystore::read_seal(&key_path(data_dir, "seal"), passphrase)?;
    let peer = keystore::read_ed25519(&key_path(data_dir, "peer"), passphrase)?;
    Ok(NodeKeys {
        consensus: keystore::read_ed25519(&key_path(data_dir, "consensus"), passphrase)?,
        seal: SealSecretKey::from_seed(*seal)?,
        peer: peer_keypair(&peer)?,
    })
}

fn peer_keypair(seed: &Zeroizing<[u8; 32]>) -> Result<Keypair, FoundingError> {
    let mut bytes = **seed;
    Keypair::ed25519_from_bytes(&mut bytes).map_err(|_| FoundingError::PeerKey)
}

/// Makes a region's keys, configuration and card in its data directory.
///
/// # Errors
/// The directory holds a node already, or the disk's.
pub fn init_region(
    data_dir: &Path,
    config: &NodeConfig,
    labels: Vec<Label>,
    passphrase: &Passphrase,
) -> Result<CharterRegion, FoundingError> {
    if data_dir.join("keys").exists() {
        return Err(FoundingError::Occupied(data_dir.to_owned()));
    }
    durable::create_dir(data_dir)?;
    durable::create_dir(&data_dir.join("keys"))?;
    let authority = keystore::create(&data_dir.join(AUTHORITY_FILE), KeyKind::Ed25519, passphrase)?;
    let consensus = keystore::create(&key_path(data_dir, "consensus"), KeyKind::Ed25519, passphrase)?;
    let peer = keystore::create(&key_path(data_dir, "peer"), KeyKind::Ed25519, passphrase)?;
    let seal = keystore::create(&key_path(data_dir, "seal"), KeyKind::Seal, passphrase)?;
    let seal = SealSecretKey::from_seed(*seal)?;
    let peer_id: PeerId = peer_keypair(&peer)?.public().to_peer_id();
    let card = CharterRegion {
        region: config.region.clone(),
        labels,
        authority: Keyring::new(1, vec![keystore::public_of(&authority)])?,
        consensus_key: keystore::public_of(&consensus),
        seal_key: seal.public(),
        possession: seal.prove_possession(),
        peer_id: peer_id.to_string(),
        addresses: vec![Address {
            multiaddr: config.listen.to_string(),
        }],
    };
    config.write(data_dir)?;
    durable::replace_file(&data_dir.join(CARD_FILE), &codec::to_vec(&card), 0o644)?;
    Ok(card)
}

/// Reads a card.
///
/// # Errors
/// Missing, or not a card.
pub fn read_card(path: &Path) -> Result<CharterRegion, FoundingError> {
    let bytes = read_bounded(path, MAX_CARD)?;
    codec::from_slice(&bytes, MAX_CARD).map_err(|why| FoundingError::Card {
        path: path.to_owned(),
        why,
    })
}

/// Makes a charter from cards and checks it.
///
/// # Errors
/// What the charter's check says.
pub fn assemble(
    chain: ChainName,
    mut cards: Vec<CharterRegion>,
    heartbeat_ms: u64,
    genesis: UnixMillis,
) -> Result<Charter, FoundingError> {
    cards.sort_by(|a, b| a.region.cmp(&b.region));
    let charter = Charter {
        chain,
        genesis,
        regions: cards,
        parameters: Parameters { heartbeat_ms },
    };
    charter.check()?;
    Ok(charter)
}

/// Reads the charter of a data directory.
///
/// # Errors
/// Missing, or not a valid charter.
pub fn read_charter(data_dir: &Path) -> Result<Charter, FoundingError> {
    let bytes = read_bounded(&data_dir.join(CHARTER_FILE), concord_spec::charter::MAX_CHARTER)?;
    Ok(Charter::from_bytes(&bytes)?)
}

/// Writes a charter into a data directory.
///
/// # Errors
/// The disk's.
pub fn write_charter(data_dir: &Path, charter: &Charter) -> Result<(), FoundingError> {
    Ok(durable::replace_file(
        &data_dir.join(CHARTER_FILE),
        &codec::to_vec(charter),
        0o644,
    )?)
}

fn read_bounded(path: &Path, most: usize) -> Result<Vec<u8>, FoundingError> {
    use std::io::Read;
    let failed = |why| FoundingError::Read {
        path: path.to_owned(),
        why,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// The region of a charter that this node is, if its keys are those that the charter names.
///
/// # Errors
/// The region is not in the charter, or the keys are others.
pub fn own_region<'a>(
    charter: &'a Charter,
    region: &RegionId,
    keys: &NodeKeys,
) -> Result<&'a CharterRegion, MembershipError> {
    let own = charter
        .region(region)
        .ok_or_else(|| MembershipError::NotInCharter(region.clone()))?;
    let same = own.consensus_key == keystore::public_of(&keys.consensus)
        && own.seal_key == keys.seal.public()
        && own.peer_id == keys.peer.public().to_peer_id().to_string();
    if same {
        Ok(own)
    } else {
        Err(MembershipError::OtherKeys(region.clone()))
    }
}

/// Why a node is not the region that it says.
#[derive(Debug, thiserror::Error)]
pub enum MembershipError {
    /// The charter does not know the region.
    #[error("region {0} is not in the charter: check `region` in config.toml and the charter file")]
    NotInCharter(RegionId),
    /// The keys are not the charter's.
    #[error("the keys of this node are not those that the charter names for region {0}: restore the right keys")]
    OtherKeys(RegionId),
}

/// The listening address of a loopback port.
#[must_use]
pub fn loopback(port: u16) -> Multiaddr {
    use libp2p::multiaddr::Protocol;
    Multiaddr::empty()
        .with(Protocol::Ip4(std::net::Ipv4Addr::LOCALHOST))
        .with(Protocol::Tcp(port))
}
