//! What the consensus loop asks of the ledger (DESIGN 5): build a block, judge one, keep its body, commit it.
//! Not here: who implements it (`ledger`), when it is asked (`run`).

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use concord_spec::digest::Digest;
use concord_spec::id::RegionId;
use concord_spec::vote::Evidence;

use super::context::{Height, ValidatorSet};
use super::value::SealShare;

/// The ledger, as consensus sees it.
///
/// The loop calls one method at a time, except [`Self::records_waiting`] and [`Self::tip`], which it may call beside others.
/// An error is fatal: the node stops with it, before anything more is written or sent.
pub trait Application: Send + Sync + 'static {
    /// Height of the last block in the log, synced; 0 before the first.
    fn tip(&self) -> Height;

    /// Lowest height whose certificate is kept, for peers that catch up by it.
    fn min_height(&self) -> Height;

    /// The regions that vote at a height, with the keys in force then. Asked for heights up to a few past the tip; beyond
    /// what is known, the latest known set.
    ///
    /// # Errors
    /// No such set can be made: the ledger is broken.
    fn regions(&self, height: Height) -> Result<ValidatorSet, Fatal>;

    /// After how long without records a block is made all the same.
    fn heartbeat(&self) -> Duration;

    /// Resolves as soon as a record waits to be put in a block; at once if one does.
    fn records_waiting(&self) -> impl Future<Output = ()> + Send;

    /// Builds a block on the tip and keeps its body, synced to disk, until `height` is in the log. At most
    /// [`super::value::MAX_BODY`] bytes. Without records, its time is at least 1 s after its parent's.
    ///
    /// # Errors
    /// The body cannot be kept.
    fn build(&self, height: Height, round: u32) -> impl Future<Output = Result<Built, Fatal>> + Send;

    /// Judges a body by the rules, and when it is valid keeps it, synced to disk, until its height is in the log, together
    /// with its hash, round and proposer. The height is always the tip's plus one.
    ///
    /// # Errors
    /// The body cannot be kept.
    fn judge(&self, candidate: Candidate) -> impl Future<Output = Result<Judgement, Fatal>> + Send;

    /// A kept body, whether built here or judged valid.
    ///
    /// # Errors
    /// The disk cannot be read, or what it holds is damaged.
    fn body(&self, hash: Digest) -> impl Future<Output = Result<Option<Bytes>, Fatal>> + Send;

    /// What is kept for a height that is not decided: asked once after a start.
    ///
    /// # Errors
    /// The disk cannot be read, or what it holds is damaged.
    fn kept(&self, height: Height) -> impl Future<Output = Result<Vec<Kept>, Fatal>> + Send;

    /// Our region's share of the seal of a block.
    ///
    /// # Errors
    /// No seal key is in force at this height.
    fn share(&self, height: Height, round: u32, hash: Digest) -> Result<SealShare, Fatal>;

    /// Which of these shares are their regions' for the seal of this block: as many answers as shares, in their order.
    fn check_shares(
        &self,
        height: Height,
        round: u32,
        hash: Digest,
        shares: &[(RegionId, SealShare)],
    ) -> impl Future<Output = Vec<bool>> + Send;

    /// Appends a decided block with its certificate and seal to the log and syncs it, before returning. Its body was built
    /// or judged valid before, possibly before a crash.
    ///
    /// # Errors
    /// The block cannot be appended: consensus must not go on.
    fn commit(&self, decision: Decision) -> impl Future<Output = Result<(), Fatal>> + Send;

    /// A block in the log, for a peer that catches up; none if its certificate is no longer kept.
    ///
    /// # Errors
    /// The log cannot be read, or is damaged.
    fn decided(&self, height: Height) -> impl Future<Output = Result<Option<Decided>, Fatal>> + Send;

    /// Takes proof that regions signed two different things for one place: to be kept, and put on the ledger.
    ///
    /// # Errors
    /// It cannot be kept.
    fn evidence(&self, found: Vec<Evidence>) -> impl Future<Output = Result<(), Fatal>> + Send;
}

/// Why the node must stop.
#[derive(Debug)]
pub struct Fatal(Box<dyn Error + Send + Sync>);

impl Fatal {
    /// With this reason.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Fatal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// A block built here.
#[derive(Clone, Debug)]
pub struct Built {
    /// The block's hash.
    pub hash: Digest,
    /// Its body: all that another node needs to judge it.
    pub body: Bytes,
}

/// A body to be judged.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Height it is for.
    pub height: Height,
    /// Round it came in.
    pub round: u32,
    /// The region whose turn that round was. Of a decided block it says nothing of who built it.
    pub proposer: RegionId,
    /// How it came.
    pub origin: Origin,
    /// The bytes, at most [`super::value::MAX_BODY`].
    pub body: Bytes,
}

/// How a body came, and so by which rules it is judged beside those of the block itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Proposed for the first time: its header must name [`Candidate::proposer`], and its time is compared with our clock.
    Proposed,
    /// Proposed again in a later round: its header may name any region of the set; its time is compared with our clock.
    ProposedAgain,
    /// Decided by the regions already: its header may name any region, and there is no comparing with our clock.
    Decided,
}

/// What a body is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// A valid block, kept on disk.
    Valid(Digest),
    /// Not a valid block.
    Invalid {
        /// The block's hash, if there is a block in the bytes at all.
        hash: Option<Digest>,
        /// Why, for the log.
        reason: String,
    },
    /// Its time is too far ahead of our clock: it is to be judged again. Never of a decided block.
    NotYet,
}

/// A body kept for a height that is not decided.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The block's hash.
    pub hash: Digest,
    /// Round it came in.
    pub round: u32,
    /// The region whose turn that round was.
    pub proposer: RegionId,
}

/// A block that the regions decided.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Its height.
    pub height: Height,
    /// The round of the precommits, which the seal's message holds.
    pub round: u32,
    /// Its hash.
    pub hash: Digest,
    /// The commit certificate with extensions, encoded: to be kept as it is.
    pub certificate: Bytes,
    /// The regions' shares of the seal, all checked, in the order of the regions' ids.
    pub shares: Vec<(RegionId, SealShare)>,
}

/// A block in the log, for a peer that catches up.
#[derive(Clone, Debug)]
pub struct Decided {
    /// [`Decision::certificate`].
    pub certificate: Bytes,
    /// The block's body.
    pub body: Bytes,
}
