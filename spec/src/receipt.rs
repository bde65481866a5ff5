//! Receipts: proof that an issue is in a sealed block (DESIGN 4.8, RFC 9162 section 2.1.3).
//! Not here: fetching them (the client), putting them together with a credential (`certificate`).

use crate::block::{Block, Header, IssueEssence, MAX_BLOCK_RECORDS, essence_leaf};
use crate::codec::{self, CodecError, Reader, Wire, Writer};
use crate::digest::Digest;
use crate::id::{Height, UnixMillis};
use crate::merkle::{self, PathError};
use crate::record::Action;
use crate::seal::{RegionSet, Seal, SealError};

/// Most bytes of an encoded receipt.
pub const MAX_RECEIPT: usize = 4_096;
/// Longest path: a tree of 2^32 leaves.
const MAX_PATH: usize = 32;

/// Hashes from a leaf to the root, nearest the leaf first: one byte string of 32 bytes each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HashPath(pub Vec<Digest>);

impl Wire for HashPath {
    fn encode(&self, w: &mut Writer) {
        let bytes: Vec<u8> = self.0.iter().flat_map(|digest| digest.0).collect();
        w.bytes(&bytes);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let bytes = r.bytes(MAX_PATH.saturating_mul(32))?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        if rest.is_empty() {
            return Ok(Self(hashes.iter().copied().map(Digest).collect()));
        }
        Err(CodecError::Invalid {
            what: "path: its length is no multiple of 32",
        })
    }
}

/// What shows a block to be of the chain, and which version a receipt with it is of.
pub trait Evidence: Wire {
    /// Version of receipts and certificates with it.
    const VERSION: u64;
}

impl Evidence for Seal {
    const VERSION: u64 = 1;
}

/// Where an issue stands in which sealed block. With a [`Renewal`](crate::renewal::Renewal) in place of the seal, the block is seen
/// through a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt<E = Seal> {
    /// The issue, without the batch root.
    pub essence: IssueEssence,
    /// Its position in the block.
    pub index: u64,
    /// How many records the block has.
    pub records: u64,
    /// From its essence to `records_root`.
    pub path: HashPath,
    /// Height of the block.
    pub height: Height,
    /// Time of the block.
    pub time: UnixMillis,
    /// Digest of the rest of the header.
    pub rest: Digest,
    /// The seal.
    pub seal: E,
}

impl<E: Evidence> Wire for Receipt<E> {
    fn encode(&self, w: &mut Writer) {
        w.array(9);
        w.uint(E::VERSION);
        w.wire(&self.essence);
        w.uint(self.index);
        w.uint(self.records);
        w.wire(&self.path);
        w.wire(&self.height);
        w.wire(&self.time);
        w.wire(&self.rest);
        w.wire(&self.seal);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(9, E::VERSION, "receipt")?;
        Ok(Self {
            essence: r.wire()?,
            index: r.uint()?,
            records: r.uint()?,
            path: r.wire()?,
            height: r.wire()?,
            time: r.wire()?,
            rest: r.wire()?,
            seal: r.wire()?,
        })
    }
}

/// Why a receipt does not prove what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// A path does not fit its tree.
    #[error("the path to the {0} does not fit its tree")]
    Path(&'static str),
    /// The seal does not hold.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Receipt {
    /// The receipt of the issue at `index` of a block.
    #[must_use]
    pub fn of_issue(block: &Block, seal: &Seal, index: usize) -> Option<Self> {
        let record = block.records.get(index)?;
        let Action::Issue(issue) = &record.payload().action else {
            return None;
        };
        let leaves: Vec<Digest> = block.records.iter().map(|record| essence_leaf(record)).collect();
        Some(Self {
            essence: IssueEssence {
                series: issue.series,
                first: issue.first,
                count: issue.count,
            },
            index: u64::try_from(index).ok()?,
            records: u64::try_from(leaves.len()).ok()?,
            path: HashPath(merkle::inclusion_path(&leaves, index)?),
            height: block.header.height,
            time: block.header.time,
            rest: block.header.rest,
            seal: seal.clone(),
        })
    }

    /// Decodes a receipt of at most [`MAX_RECEIPT`] bytes.
    ///
    /// # Errors
    /// Not the one encoding of a receipt.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::from_slice(bytes, MAX_RECEIPT)
    }

    /// Checks that `regions` of this chain sealed the block that holds the issue with this batch root.
    ///
    /// # Errors
    /// A path that does not fit, or a seal that does not hold.
    pub fn verify(&self, chain_id: &Digest, batch_root: &Digest, regions: &RegionSet) -> Result<(), ReceiptError> {
        let block = self.block_hash(batch_root)?;
        Ok(self.seal.verify(chain_id, self.height, &block, regions)?)
    }
}

impl<E> Receipt<E> {
    /// Hash of the block that holds the issue with this batch root, if the path is right.
    ///
    /// # Errors
    /// [`ReceiptError::Path`].
    pub fn block_hash(&self, batch_root: &Digest) -> Result<Digest, ReceiptError> {
        let wrong = |_: PathError| ReceiptError::Path("record");
        let most = u64::try_from(MAX_BLOCK_RECORDS).unwrap_or(u64::MAX);
        if self.records > most {
            return Err(ReceiptError::Path("record"));
        }
        let leaf = self.essence.leaf(batch_root);
        let root = merkle::root_from_path(leaf, self.index, self.records, &self.path.0);
        let records_root = root.map_err(wrong)?;
        Ok(Header {
            height: self.height,
            time: self.time,
            records_root,
            rest: self.rest,
        }
        .hash())
    }
}
