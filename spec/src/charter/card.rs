//! Cards: what a region hands over to be put into a charter, signed by its authority (DESIGN 4.4).

use super::signatures::{self, KeySignature, SigningError};
use super::{Charter, CharterError, CharterRegion, Parameters};
use crate::codec::{self, CodecError, fields::wire_array};
use crate::cose::SignatureError;
use crate::digest::Tag;
use crate::id::{ChainName, RegionId, UnixMillis};
use crate::key::{Keyring, SecretKey};

/// Most bytes of a card.
pub const MAX_CARD: usize = 16 << 10;
/// Digits of base58, in which peer ids are written (Bitcoin's alphabet).
const BASE58: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// A region's names, keys and addresses, with the signatures of its authority: none at first, exactly as many as its keyring's
/// threshold at the end. What it says is checked, and each signature that is there verifies.
/// In CBOR `[1, charter-region, [* [key, signature]]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    region: CharterRegion,
    signatures: Vec<KeySignature>,
}

/// What stands in the bytes before it is checked.
pub(crate) struct UncheckedCard {
    region: CharterRegion,
    signatures: Vec<KeySignature>,
}
wire_array!(UncheckedCard version 1 "card" { region, signatures: list(Keyring::MAX) });

/// Why something is not a card that a charter can be made from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// Not the one encoding of a card.
    #[error("the card cannot be read: {0}")]
    Unreadable(#[from] CodecError),
    /// No name, or two in one language.
    #[error("the card of region {0} has no name, or two in one language")]
    Names(RegionId),
    /// The region does not hold its seal key.
    #[error("the card of region {0} does not prove that it holds its seal key: have it make its card again")]
    Possession(RegionId),
    /// Not a peer id.
    #[error("the card of region {region} has the peer id {peer_id:?}, which is not base58 of a libp2p peer id")]
    PeerId {
        /// The region.
        region: RegionId,
        /// What stands there.
        peer_id: String,
    },
    /// No address, one twice, or one that is no multiaddress without a peer id.
    #[error(
        "the card of region {0} has no address, one twice, or one that is not like /ip4/192.0.2.1/tcp/9000 (without /p2p)"
    )]
    Addresses(RegionId),
    /// A signature that must not be there.
    #[error("the card of region {region} is not signed by its authority: {why}; have it make its card again")]
    Signatures {
        /// The region.
        region: RegionId,
        /// What is wrong.
        why: SignatureError,
    },
    /// Signatures are missing.
    #[error("the card of region {region} lacks {missing} signatures of its authority: have them sign it")]
    Incomplete {
        /// The region.
        region: RegionId,
        /// How many.
        missing: usize,
    },
}

impl Card {
    /// A card that nobody has signed yet.
    ///
    /// # Errors
    /// What it says does not check.
    pub fn new(region: CharterRegion) -> Result<Self, CardError> {
        let card = Self {
            region,
            signatures: Vec::new(),
        };
        // A text that no card can hold must fail here and not for its first reader.
        Self::from_bytes(&card.to_bytes())
    }

    /// Decodes a card and checks it: what it says, and each signature that is there.
    ///
    /// # Errors
    /// See [`CardError`]; never [`CardError::Incomplete`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CardError> {
        let UncheckedCard { region, signatures } = codec::from_slice(bytes, MAX_CARD)?;
        check_region(&region)?;
        let card = Self { region, signatures };
        let checked = signatures::check(&card.signatures, &card.region.authority, &card.message());
        checked.map_err(|why| CardError::Signatures {
            region: card.region.region.clone(),
            why,
        })?;
        Ok(card)
    }

    /// The one encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::to_vec(&self.unchecked())
    }

    /// Its form in bytes.
    pub(crate) fn unchecked(&self) -> UncheckedCard {
        UncheckedCard {
            region: self.region.clone(),
            signatures: self.signatures.clone(),
        }
    }

    /// What it says, whether or not its authority has signed all of it yet.
    #[must_use]
    pub fn region(&self) -> &CharterRegion {
        &self.region
    }

    /// The signatures so far, by ascending key.
    #[must_use]
    pub fn signatures(&self) -> &[KeySignature] {
        &self.signatures
    }

    /// How many signatures are missing.
    #[must_use]
    pub fn missing(&self) -> usize {
        signatures::missing(&self.signatures, &self.region.authority)
    }

    /// Adds the signature of a key of the region's authority.
    ///
    /// # Errors
    /// See [`SigningError`].
    pub fn sign(&mut self, key: &SecretKey) -> Result<(), SigningError> {
        let message = self.message();
        signatures::add(&mut self.signatures, &self.region.authority, &message, key)
    }

    /// What the authority vouches for.
    ///
    /// # Errors
    /// [`CardError::Incomplete`].
    pub fn complete(self) -> Result<CharterRegion, CardError> {
        match self.missing() {
            0 => Ok(self.region),
            missing => Err(CardError::Incomplete {
                region: self.region.region,
                missing,
            }),
        }
    }

    fn message(&self) -> Vec<u8> {
        Tag::Card.message(&[&codec::to_vec(&self.region)])
    }
}

fn check_region(region: &CharterRegion) -> Result<(), CardError> {
    let id = || region.region.clone();
    let mut languages: Vec<&str> = region.labels.iter().map(|label| label.language.as_str()).collect();
    languages.sort_unstable();
    if languages.is_empty() || !languages.is_sorted_by(|a, b| a < b) {
        return Err(CardError::Names(id()));
    }
    if !region.possession.verify(&region.seal_key) {
        return Err(CardError::Possession(id()));
    }
    // 34 to 39 bytes: the hash of a key, or an Ed25519 key itself.
    if !(46..=54).contains(&region.peer_id.len()) || !region.peer_id.chars().all(|digit| BASE58.contains(digit)) {
        return Err(CardError::PeerId {
            region: id(),
            peer_id: region.peer_id.clone(),
        });
    }
    let mut addresses: Vec<&str> = region
        .addresses
        .iter()
        .map(|address| address.multiaddr.as_str())
        .collect();
    addresses.sort_unstable();
    let plain = |address: &&str| address.starts_with('/') && !address.ends_with('/') && !address.contains("/p2p/");
    if addresses.is_empty() || !addresses.is_sorted_by(|a, b| a < b) || !addresses.iter().all(plain) {
        return Err(CardError::Addresses(id()));
    }
    Ok(())
}

/// Why a charter cannot be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssemblyError {
    /// A card.
    #[error(transparent)]
    Card(#[from] CardError),
    /// Two cards of one region.
    #[error("there are two cards of region {0}: leave one out")]
    Twice(RegionId),
    /// The charter that they would make.
    #[error(transparent)]
    Charter(#[from] CharterError),
}

impl Charter {
    /// Puts a charter together from cards in any order.
    ///
    /// # Errors
    /// See [`AssemblyError`].
    pub fn assemble(
        chain: ChainName,
        genesis: UnixMillis,
        parameters: Parameters,
        cards: Vec<Card>,
    ) -> Result<Self, AssemblyError> {
        let regions = cards.into_iter().map(Card::complete);
        let mut regions = regions.collect::<Result<Vec<_>, _>>()?;
        regions.sort_by(|a, b| a.region.cmp(&b.region));
        let twice = regions.windows(2).find_map(|pair| match pair {
            [a, b] if a.region == b.region => Some(a.region.clone()),
            _ => None,
        });
        if let Some(region) = twice {
            return Err(AssemblyError::Twice(region));
        }
        let charter = Self {
            chain,
            genesis,
            regions,
            parameters,
        };
        charter.check()?;
        Ok(charter)
    }
}

#[cfg(test)]
pub(in crate::charter) mod tests;
