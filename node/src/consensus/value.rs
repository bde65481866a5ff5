//! What the regions agree on at a height: a block, named by its hash (DESIGN 5).
//! The engine logs this value in its WAL and sends it with proposals, so it stays small; the body travels in parts (`parts`).

use std::fmt;

use arc_malachitebft_app_channel::app::types::core;
use concord_spec::digest::Digest;

/// Most bytes of a block body that is proposed, kept or synced: a block of 4 MiB (DESIGN 4.4).
pub const MAX_BODY: usize = 4 * 1024 * 1024;

/// The hash of a block: 32 bytes. It is its own id, since the hash binds header, records and, through them, the body's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockValue(pub Digest);

impl core::Value for BlockValue {
    type Id = Digest;

    fn id(&self) -> Digest {
        self.0
    }
}

impl fmt::Display for BlockValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A region's share of a block's seal, carried as the extension of its precommit: a compressed BLS signature of 48 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealShare(pub [u8; 48]);

impl fmt::Debug for SealShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealShare({})", hex::encode(self.0))
    }
}

impl core::Extension for SealShare {
    fn size_bytes(&self) -> usize {
        self.0.len()
    }
}
