//! Blocks: ordered lists of records, agreed by the regions (DESIGN 4.4).
//! Not here: whether a block follows from a state (`ledger`), who agreed (`seal`).

use crate::codec::{self, CodecError, Reader, Wire, Writer, fields::wire_array};
use crate::digest::{Digest, Tag, leaf_hash};
use crate::id::{Height, Number, RegionId, SeriesId, UnixMillis};
use crate::merkle;
use crate::record::{Action, MAX_RECORD, RecordId, SignedRecord};
use std::sync::Arc;

/// Most bytes of an encoded block.
pub const MAX_BLOCK: usize = 4 << 20;
/// Most records of a block: what fits, as the smallest record has more than 100 bytes.
pub const MAX_BLOCK_RECORDS: usize = MAX_BLOCK / 100;

/// What an issue is in the records tree, without the batch root: enough to be bound into a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssueEssence {
    /// The series.
    pub series: SeriesId,
    /// Number of the first credential.
    pub first: Number,
    /// How many.
    pub count: u64,
}
wire_array!(IssueEssence { series, first, count });

impl IssueEssence {
    /// Leaf hash of the issue with this batch root: over `[kind, series, first, count, batch root]`.
    #[must_use]
    pub fn leaf(&self, batch_root: &Digest) -> Digest {
        let mut w = Writer::new();
        w.array(5);
        w.uint(crate::record::ISSUE_KIND);
        w.wire(&self.series);
        w.wire(&self.first);
        w.uint(self.count);
        w.wire(batch_root);
        leaf_hash(&w.into_vec())
    }
}

/// Leaf hash of a record in the records tree: an issue by what it issues, any other record by `[kind, id]`.
#[must_use]
pub fn essence_leaf(record: &SignedRecord) -> Digest {
    if let Action::Issue(issue) = &record.payload().action {
        let essence = IssueEssence {
            series: issue.series,
            first: issue.first,
            count: issue.count,
        };
        return essence.leaf(&issue.root);
    }
    let mut w = Writer::new();
    w.array(2);
    w.uint(record.payload().action.kind());
    w.wire(&record.id());
    leaf_hash(&w.into_vec())
}

/// The part of a header that a certificate carries in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// From 1.
    pub height: Height,
    /// Agreed time, later than the parent's.
    pub time: UnixMillis,
    /// RFC 9162 root over the records' essences.
    pub records_root: Digest,
    /// Digest of [`Rest`].
    pub rest: Digest,
}
wire_array!(Header {
    height,
    time,
    records_root,
    rest
});

impl Header {
    /// The block hash.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Tag::Block.digest(&[&codec::to_vec(self)])
    }
}

/// The part of a header that a certificate carries only as a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Hash of the block before; the chain id for block 1.
    pub parent: Digest,
    /// The region that proposed it.
    pub proposer: RegionId,
    /// RFC 9162 root over the full signed records.
    pub bodies_root: Digest,
    /// Root of the state after this block.
    pub state_root: Digest,
    /// RFC 9162 root over all earlier block hashes.
    pub history_root: Digest,
    /// Digest of the regions that seal this block.
    pub regions_now: Digest,
    /// Digest of the regions that seal the next.
    pub regions_next: Digest,
}
wire_array!(Rest version 1 "header" {
    parent,
    proposer,
    bodies_root,
    state_root,
    history_root,
    regions_now,
    regions_next,
});

impl Rest {
    /// The digest that the header holds.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Tag::Rest.digest(&[&codec::to_vec(self)])
    }
}

/// A block whose header, rest and records belong together; not yet judged against a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// What the header holds the digest of.
    pub rest: Rest,
    /// The records in order.
    pub records: Vec<Arc<SignedRecord>>,
}

/// RFC 9162 roots over records: essences and bodies.
#[must_use]
pub fn record_roots(records: &[Arc<SignedRecord>]) -> (Digest, Digest) {
    let essences: Vec<Digest> = records.iter().map(|record| essence_leaf(record)).collect();
    let bodies: Vec<Digest> = records.iter().map(|record| leaf_hash(record.bytes())).collect();
    (merkle::root(&essences), merkle::root(&bodies))
}

impl Block {
    /// The block hash.
    #[must_use]
    pub fn hash(&self) -> Digest {
        self.header.hash()
    }

    /// Position of a record.
    #[must_use]
    pub fn position(&self, id: &RecordId) -> Option<usize> {
        self.records.iter().position(|record| record.id() == *id)
    }

    /// Decodes a block of at most [`MAX_BLOCK`] bytes and checks that its parts belong together.
    ///
    /// # Errors
    /// Not the one encoding of a block, or roots that are not those of its records.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        let block: Self = codec::from_slice(bytes, MAX_BLOCK)?;
        let (records_root, bodies_root) = record_roots(&block.records);
        if block.header.rest != block.rest.digest() {
            return Err(CodecError::Invalid {
                what: "block: its header names another rest",
            });
        }
        if block.header.records_root != records_root || block.rest.bodies_root != bodies_root {
            return Err(CodecError::Invalid {
                what: "block: its roots are not those of its records",
            });
        }
        Ok(block)
    }
}

impl Wire for Block {
    fn encode(&self, w: &mut Writer) {
        w.array(4);
        w.uint(1);
        w.wire(&self.header);
        w.wire(&self.rest);
        w.array(self.records.len());
        for record in &self.records {
            w.bytes(record.bytes());
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(4, 1, "block")?;
        let header = r.wire()?;
        let rest = r.wire()?;
        let mut records = Vec::new();
        for _ in 0..r.array_len(MAX_BLOCK_RECORDS)? {
            records.push(Arc::new(SignedRecord::from_bytes(r.bytes(MAX_RECORD)?)?));
        }
        Ok(Self { header, rest, records })
    }
}
