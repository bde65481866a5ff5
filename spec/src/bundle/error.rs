//! Why a bundle is refused: one variant a reason.

use super::Checkpoint;
use crate::charter::CharterError;
use crate::codec::CodecError;
use crate::digest::Digest;
use crate::epochs::HandoverError;
use crate::id::{Height, UnixMillis};
use crate::ledger::SectionName;
use crate::seal::SealError;
use crate::status::NOT_A_CHUNK;

/// Why a bundle is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// It ends too early.
    #[error("the trust bundle is cut off; fetch it again")]
    Truncated,
    /// Not the one encoding of a bundle.
    #[error("the trust bundle cannot be read: {0}; fetch it again")]
    Unreadable(CodecError),
    /// Its bytes are not those that were packed.
    #[error("the trust bundle was damaged on its way; fetch it again")]
    Damaged,
    /// It would unpack to more than it may, or than it says.
    #[error("the trust bundle would unpack to more than {allowed} bytes: it is not what it says; fetch it elsewhere")]
    Bomb {
        /// Most bytes that it may have.
        allowed: u64,
    },
    /// Unpacking it would take a larger window than is given.
    #[error("unpacking the trust bundle takes a window of {window} bytes, at most 8 MiB are given; fetch it elsewhere")]
    Window {
        /// Bytes that it asks for.
        window: u64,
    },
    /// What is packed in it is not one whole Zstandard frame of the size it says.
    #[error("the trust bundle does not unpack; fetch it elsewhere")]
    Frame,
    /// A delta where the whole is needed, or the other way round.
    #[error("this is {0}, which cannot be used here")]
    Kind(&'static str),
    /// A status chunk that is not the one encoding of its set.
    #[error("a status chunk of the trust bundle is not in its one encoding; fetch it elsewhere")]
    StatusChunk,
    /// The charter cannot found a federation.
    #[error("the trust bundle's charter is not valid: {0}")]
    Charter(#[from] CharterError),
    /// Another federation than the one trusted.
    #[error("the trust bundle is of chain {found}, you trust {trusted}")]
    OtherChain {
        /// The bundle's.
        found: Digest,
        /// The trusted one.
        trusted: Digest,
    },
    /// Its header names another rest.
    #[error("the trust bundle's header does not hold together")]
    Header,
    /// The seal does not hold.
    #[error("the trust bundle's seal does not hold: {0}")]
    Seal(#[from] SealError),
    /// The chain of region sets from the charter on is broken.
    #[error("the trust bundle does not show how its regions follow from the charter's: {0}")]
    Handover(#[from] HandoverError),
    /// A section is not the one that was sealed.
    #[error("section {0} of the trust bundle is not the one that was sealed")]
    Section(SectionName),
    /// The sections' roots are not those that were sealed.
    #[error("the trust bundle's sections are not those that were sealed")]
    StateRoot,
    /// A section that every bundle needs, or that it says is in it, is missing.
    #[error("the trust bundle lacks section {0}")]
    Missing(SectionName),
    /// Its selection is not in its one form.
    #[error("the trust bundle's selection is not in order; fetch it elsewhere")]
    Selection,
    /// A lower height than the one held.
    #[error(
        "the trust bundle is of height {found}, yours of {held}: yours is kept. Fetch it elsewhere, or say that you want the older one"
    )]
    Older {
        /// The held one's.
        held: Height,
        /// Its own.
        found: Height,
    },
    /// It does not show that it extends the header held.
    #[error("the trust bundle does not show that it continues yours, which is of height {}; fetch one made for that height", .held.height)]
    NotShown {
        /// What is held.
        held: Checkpoint,
    },
    /// It is of another history than the header held.
    #[error(
        "the trust bundle is of another history than yours: they differ at height {0} or before. Yours is kept; tell the federation, since one of the two is forged"
    )]
    Fork(Height),
    /// A delta for another state than the one held.
    #[error("this delta continues a trust bundle of height {}, yours is of height {}; fetch a full one", .needs.height, .held.height)]
    DoesNotFit {
        /// What it needs.
        needs: Checkpoint,
        /// What is held.
        held: Checkpoint,
    },
    /// A delta for another selection of types and regions than the one held.
    #[error("this delta is for another selection of types and regions than your trust bundle's; fetch a full one")]
    OtherSelection,
    /// A delta that makes status sets grow by more than one may.
    #[error("this delta changes more than one may; fetch a full trust bundle")]
    TooMuch,
    /// Nothing trusted is recent enough.
    #[error(
        "what you trust is of {}, more than 12 months ago: since then keys that were given up may have been stolen. Give a newer checkpoint from a source you trust",
        date(.since)
    )]
    CheckpointNeeded {
        /// Time of the header held, of the checkpoint, or of the charter.
        since: UnixMillis,
    },
    /// The bundle does not show that it extends the checkpoint.
    #[error("the trust bundle does not show that it continues checkpoint {checkpoint}; fetch one made for that height")]
    CheckpointNotShown {
        /// The checkpoint.
        checkpoint: Checkpoint,
    },
}

/// The day in UTC.
fn date(at: &UnixMillis) -> String {
    let stamp = i64::try_from(at.0).ok();
    let stamp = stamp.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    stamp.map_or_else(|| format!("{at} ms"), |stamp| stamp.strftime("%Y-%m-%d").to_string())
}

impl From<CodecError> for BundleError {
    fn from(error: CodecError) -> Self {
        if error == CodecError::Truncated {
            return Self::Truncated;
        }
        if error == (CodecError::Invalid { what: NOT_A_CHUNK }) {
            return Self::StatusChunk;
        }
        Self::Unreadable(error)
    }
}
