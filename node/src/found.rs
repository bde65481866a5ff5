//! Founding: a region's keys and card, and the signed charter that its node starts on (DESIGN 4.4, charter).
//! Not here: what the authorities do with cards and charters (`concord card`, `concord charter`).

use std::path::{Path, PathBuf};

use concord_spec::catalogue::Label;
use concord_spec::charter::card::{Card, CardError};
use concord_spec::charter::signed::{MAX_SIGNED_CHARTER, SignedCharter, SignedCharterError};
use concord_spec::charter::{Address, CharterRegion, SigningError};
use concord_spec::id::RegionId;
use concord_spec::key::bls::SealSecretKey;
use concord_spec::key::keyring::Keyring;
use concord_spec::key::pem::KeyKind;
use concord_spec::key::{KeyError, SecretKey};
use concord_spec::record::Observer;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use zeroize::Zeroizing;

use crate::config::{CHARTER_FILE, ConfigError, NodeConfig};
use crate::durable::{self, DurableError};
use crate::keys::KEYS_DIR;
use crate::keystore::{self, KeyFileError, Passphrase};
use crate::membership::MembershipError;

/// Name of the card in the data directory.
pub const CARD_FILE: &str = "card.cbor";
/// Name of the authority's key in the data directory; move it to where the authority works.
pub const AUTHORITY_FILE: &str = "authority.pem";

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
    /// The card.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The charter.
    #[error("{path}: {why}; take a charter that the regions made together (concord charter show)")]
    Charter {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: Box<SignedCharterError>,
    },
    /// The card cannot be signed.
    #[error(transparent)]
    CardSigning(#[from] SigningError),
    /// The charter cannot be signed.
    #[error(transparent)]
    Signing(#[from] SignedCharterError),
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
    /// The directory holds a node already.
    #[error("{0} holds a node already; choose another directory")]
    Occupied(PathBuf),
    /// The network key cannot be used.
    #[error("the network key cannot be used")]
    PeerKey,
}

fn key_path(data_dir: &Path, name: &str) -> PathBuf {
    data_dir.join(KEYS_DIR).join(format!("{name}.pem"))
}

/// Reads a node's network key.
///
/// # Errors
/// The file is missing or does not open.
pub fn read_peer_key(data_dir: &Path, passphrase: &Passphrase) -> Result<Keypair, FoundingError> {
    peer_keypair(&keystore::read_ed25519(&key_path(data_dir, "peer"), passphrase)?)
}

fn peer_keypair(seed: &Zeroizing<[u8; 32]>) -> Result<Keypair, FoundingError> {
    let mut bytes = **seed;
    Keypair::ed25519_from_bytes(&mut bytes).map_err(|_| FoundingError::PeerKey)
}

/// Makes a region's keys, configuration and card in its data directory. `authority` is the keyring of an authority whose keys are
/// kept elsewhere, where the card is then signed; without it, the authority's one key is made here too, and signs.
///
/// # Errors
/// The directory holds a node already, a name or address that no card can hold, or the disk's.
pub fn init_region(
    data_dir: &Path,
    config: &NodeConfig,
    labels: Vec<Label>,
    authority: Option<Keyring>,
    passphrase: &Passphrase,
) -> Result<Card, FoundingError> {
    if data_dir.join(KEYS_DIR).exists() {
        return Err(FoundingError::Occupied(data_dir.to_owned()));
    }
    let (consensus, peer, seal) = (keystore::seed(), keystore::seed(), keystore::seed());
    let own = authority.is_none().then(keystore::seed);
    let authority = match (authority, &own) {
        (Some(keyring), _) => keyring,
        (None, own) => Keyring::new(1, own.iter().map(keystore::public_of).collect())?,
    };
    let seal_key = SealSecretKey::from_seed(*seal)?;
    let peer_id: PeerId = peer_keypair(&peer)?.public().to_peer_id();
    let mut card = Card::new(CharterRegion {
        region: config.region.clone(),
        labels,
        authority,
        consensus_key: keystore::public_of(&consensus),
        seal_key: seal_key.public(),
        possession: seal_key.prove_possession(),
        peer_id: peer_id.to_string(),
        addresses: vec![Address {
            multiaddr: config.listen.to_string(),
        }],
    })?;
    durable::create_dir(data_dir)?;
    durable::create_dir(&data_dir.join(KEYS_DIR))?;
    if let Some(own) = &own {
        card.sign(&SecretKey::from_seed(**own))?;
        keystore::write(&data_dir.join(AUTHORITY_FILE), KeyKind::Ed25519, own, passphrase)?;
    }
    let keys = [
        ("consensus", KeyKind::Ed25519, consensus),
        ("peer", KeyKind::Ed25519, peer),
        ("seal", KeyKind::Seal, seal),
    ];
    for (name, kind, seed) in keys {
        keystore::write(&key_path(data_dir, name), kind, &seed, passphrase)?;
    }
    config.write(data_dir)?;
    durable::replace_file(&data_dir.join(CARD_FILE), &card.to_bytes(), 0o644)?;
    Ok(card)
}

/// Makes the network key and the configuration of an observer in its data directory; gives what its region's authority
/// registers it by.
///
/// # Errors
/// The directory holds a node already, or the disk's.
pub fn init_observer(
    data_dir: &Path,
    config: &NodeConfig,
    name: &str,
    passphrase: &Passphrase,
) -> Result<Observer, FoundingError> {
    if data_dir.join(KEYS_DIR).exists() {
        return Err(FoundingError::Occupied(data_dir.to_owned()));
    }
    durable::create_dir(&data_dir.join(KEYS_DIR))?;
    let peer = keystore::seed();
    keystore::write(&key_path(data_dir, "peer"), KeyKind::Ed25519, &peer, passphrase)?;
    config.write(data_dir)?;
    Ok(Observer {
        peer_id: peer_keypair(&peer)?.public().to_peer_id().to_string(),
        name: name.to_owned(),
        addresses: vec![Address {
            multiaddr: config.listen.to_string(),
        }],
    })
}

/// Reads the charter of a data directory.
///
/// # Errors
/// Missing, or not a charter whose signatures hold.
pub fn read_charter(data_dir: &Path) -> Result<SignedCharter, FoundingError> {
    let path = data_dir.join(CHARTER_FILE);
    let bytes = read_bounded(&path, MAX_SIGNED_CHARTER)?;
    SignedCharter::from_bytes(&bytes).map_err(|why| FoundingError::Charter {
        path,
        why: Box::new(why),
    })
}

/// Writes a charter into a data directory.
///
/// # Errors
/// The disk's.
pub fn write_charter(data_dir: &Path, charter: &SignedCharter) -> Result<(), FoundingError> {
    Ok(durable::replace_file(
        &data_dir.join(CHARTER_FILE),
        &charter.to_bytes(),
        0o644,
    )?)
}

/// Signs a charter for a region with the authority's key that its data directory holds.
///
/// # Errors
/// The key is not there or does not open, or is not the authority's.
pub fn sign_charter(
    charter: &mut SignedCharter,
    region: &RegionId,
    data_dir: &Path,
    passphrase: &Passphrase,
) -> Result<(), FoundingError> {
    let seed = keystore::read_ed25519(&data_dir.join(AUTHORITY_FILE), passphrase)?;
    Ok(charter.sign(region, &SecretKey::from_seed(*seed))?)
}

/// Checks that this node's region has signed the charter, if the charter has it: a region that is admitted later has had no part
/// in it. Warns of other regions that have not signed.
///
/// # Errors
/// [`MembershipError::Unsigned`].
pub fn check_signed(charter: &SignedCharter, own: &RegionId) -> Result<(), MembershipError> {
    for (region, missing) in charter.missing() {
        if region == own {
            return Err(MembershipError::Unsigned {
                region: own.clone(),
                missing,
                fingerprint: charter.charter().fingerprint().to_string(),
            });
        }
        tracing::warn!(
            %region,
            missing,
            "a region has not signed this copy of the charter; take one with its signatures (concord charter merge)"
        );
    }
    Ok(())
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

/// The listening address of a loopback port.
#[must_use]
pub fn loopback(port: u16) -> Multiaddr {
    use libp2p::multiaddr::Protocol;
    Multiaddr::empty()
        .with(Protocol::Ip4(std::net::Ipv4Addr::LOCALHOST))
        .with(Protocol::Tcp(port))
}
