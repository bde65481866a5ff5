//! What a device keeps, and what may take its place (`spec/text/bundles.md`, 3).

use super::{Anchor, BundleError, Delta, Kind, Packed, TrustBundle, TrustedState};
use crate::codec::fields::wire_array;
use crate::digest::Digest;
use crate::epochs::Epochs;
use crate::id::{Height, UnixMillis};
use crate::merkle::verify_inclusion;
use crate::receipt::HashPath;

/// How long what a device trusts serves to take a newer bundle by: 366 days, in ms.
///
/// Regions give up keys and erase them; who steals what was not erased, from more than two thirds of an old set of regions,
/// can seal another history from then on. A device that looks in at least once a year is ahead of them.
pub const MAX_UNATTENDED_MS: u64 = 366 * 24 * 3_600_000;

/// A block of the chain, by height and hash: from a source that the device trusts, bundles must extend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// Height of the block.
    pub height: Height,
    /// Its hash.
    pub hash: Digest,
}
wire_array!(Checkpoint { height, hash });

/// A text that is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a checkpoint is a height and a block hash of 64 hexadecimal digits with a colon between them")]
pub struct CheckpointError;

impl std::fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.height, self.hash)
    }
}

impl std::str::FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let (height, hash) = text.split_once(':').ok_or(CheckpointError)?;
        Ok(Self {
            height: height.parse().map_err(|_| CheckpointError)?,
            hash: hash.parse().map_err(|_| CheckpointError)?,
        })
    }
}

/// From what a device starts that holds nothing yet.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// The chain it trusts.
    pub chain_id: Digest,
    /// A block of it, newer than the charter.
    pub checkpoint: Option<Checkpoint>,
    /// The device's clock.
    pub now: UnixMillis,
}

/// On which terms a bundle takes the place of the one held.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// A block that is trusted instead of the header held, which may be too old to be.
    pub checkpoint: Option<Checkpoint>,
    /// The person wants a lower height, and said so in as many words.
    pub go_back: bool,
    /// The device's clock.
    pub now: UnixMillis,
}

/// A bundle that was checked, with what it says.
#[derive(Debug, Clone)]
pub struct Held {
    bundle: TrustBundle,
    state: TrustedState,
}

impl Held {
    /// Opens what the device put away itself.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn open(bytes: &[u8], chain_id: &Digest) -> Result<Self, BundleError> {
        Self::of(TrustBundle::from_bytes(bytes)?, chain_id)
    }

    /// As [`Self::open`], of a bundle that was read.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn of(bundle: TrustBundle, chain_id: &Digest) -> Result<Self, BundleError> {
        let state = bundle.check(chain_id)?;
        Ok(Self { bundle, state })
    }

    /// The first bundle of a device.
    ///
    /// # Errors
    /// It does not hold, does not extend the checkpoint, or there is nothing recent to trust.
    pub fn start(bytes: &[u8], start: &Start) -> Result<Self, BundleError> {
        let new = Self::open(bytes, &start.chain_id)?;
        let since = match start.checkpoint {
            Some(checkpoint) => new.check_checkpoint(checkpoint)?,
            None => new.state.charter().genesis,
        };
        new.check_age(since, start.now)?;
        Ok(new.without_anchors())
    }

    /// What is held after a bundle or a delta. What was held is as it was.
    ///
    /// # Errors
    /// The first thing that speaks against it: what was held stays in use.
    pub fn update(&self, bytes: &[u8], terms: &Terms) -> Result<Self, BundleError> {
        match Packed::open(bytes)? {
            (Kind::State, content) => self.replaced(TrustBundle::from_content(&content)?, terms),
            (Kind::Delta, content) => self.continued(&Delta::from_content(&content)?, terms),
        }
    }

    /// The bytes that the device puts away: those of a full bundle of the same selection.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bundle.to_bytes()
    }

    /// What it says.
    #[must_use]
    pub fn state(&self) -> &TrustedState {
        &self.state
    }

    /// What it says, alone.
    #[must_use]
    pub fn into_state(self) -> TrustedState {
        self.state
    }

    /// The bundle.
    #[must_use]
    pub fn bundle(&self) -> &TrustBundle {
        &self.bundle
    }

    /// The block that it is of.
    #[must_use]
    pub fn point(&self) -> Checkpoint {
        Checkpoint {
            height: self.bundle.header.height,
            hash: self.bundle.header.hash(),
        }
    }

    fn replaced(&self, bundle: TrustBundle, terms: &Terms) -> Result<Self, BundleError> {
        let state = bundle.check(&self.state.chain_id())?;
        let new = Self { bundle, state };
        let (held, found) = (self.point(), new.point());
        if found.height < held.height {
            if !terms.go_back {
                return Err(BundleError::Older {
                    held: held.height,
                    found: found.height,
                });
            }
            // It cannot show what comes later; but the regions in force then are known.
            let known = self.state.epochs();
            passes(known, found.height, new.bundle.rest.regions_now)?;
            return Ok(new.without_anchors());
        }
        if found.height == held.height {
            return if found.hash == held.hash {
                Ok(new.without_anchors())
            } else {
                Err(BundleError::Fork(held.height))
            };
        }
        let since = match terms.checkpoint {
            Some(checkpoint) => new.check_checkpoint(checkpoint)?,
            None => {
                let here = |anchor: &&Anchor| anchor.header.height == held.height;
                let anchor = new.bundle.anchors.iter().find(here);
                let anchor = anchor.ok_or(BundleError::NotShown { held })?;
                new.check_anchor(held, anchor)?;
                self.state.time()
            }
        };
        new.check_age(since, terms.now)?;
        Ok(new.without_anchors())
    }

    fn continued(&self, delta: &Delta, terms: &Terms) -> Result<Self, BundleError> {
        let held = self.point();
        if delta.base != held {
            return Err(BundleError::DoesNotFit {
                needs: delta.base,
                held,
            });
        }
        if delta.selection != self.bundle.selection {
            return Err(BundleError::OtherSelection);
        }
        let bundle = self.bundle.patched(delta)?;
        let state = bundle.check(&self.state.chain_id())?;
        let new = Self { bundle, state };
        let rest = &self.bundle.rest;
        new.extends(held, &delta.path, rest.regions_now, rest.regions_next)?;
        new.check_age(self.state.time(), terms.now)?;
        Ok(new)
    }

    /// It extends a block, and the regions in force there are those that the block names.
    fn extends(&self, at: Checkpoint, path: &HashPath, now: Digest, next: Digest) -> Result<(), BundleError> {
        let fork = BundleError::Fork(at.height);
        let history = self.bundle.rest.history_root;
        // The leaves are the blocks from height 1 on.
        let indexes = at.height.previous().zip(self.bundle.header.height.previous());
        let (index, size) = indexes.ok_or(fork.clone())?;
        verify_inclusion(at.hash, index.0, size.0, &path.0, &history).map_err(|_| fork.clone())?;
        let epochs = self.state.epochs();
        passes(epochs, at.height, now)?;
        passes(epochs, at.height.next().ok_or(fork)?, next)
    }

    fn check_anchor(&self, at: Checkpoint, anchor: &Anchor) -> Result<(), BundleError> {
        let (header, rest) = (&anchor.header, &anchor.rest);
        if header.hash() != at.hash || header.rest != rest.digest() {
            return Err(BundleError::Fork(at.height));
        }
        self.extends(at, &anchor.path, rest.regions_now, rest.regions_next)
    }

    /// The time of a checkpoint that it extends or is of.
    fn check_checkpoint(&self, checkpoint: Checkpoint) -> Result<UnixMillis, BundleError> {
        if self.point() == checkpoint {
            return Ok(self.bundle.header.time);
        }
        let here = |anchor: &&Anchor| anchor.header.height == checkpoint.height;
        let anchor = self.bundle.anchors.iter().find(here);
        let anchor = anchor.ok_or(BundleError::CheckpointNotShown { checkpoint })?;
        self.check_anchor(checkpoint, anchor)?;
        Ok(anchor.header.time)
    }

    /// What is trusted is recent enough, by the device's clock and the bundle's time.
    fn check_age(&self, since: UnixMillis, now: UnixMillis) -> Result<(), BundleError> {
        let age = now.max(self.bundle.header.time).0.saturating_sub(since.0);
        if age > MAX_UNATTENDED_MS {
            return Err(BundleError::CheckpointNeeded { since });
        }
        Ok(())
    }

    fn without_anchors(mut self) -> Self {
        self.bundle.anchors.clear();
        self
    }
}

fn passes(epochs: &Epochs, height: Height, regions: Digest) -> Result<(), BundleError> {
    if epochs.at(height).digest() == regions {
        Ok(())
    } else {
        Err(BundleError::Fork(height))
    }
}
