//! Status proofs: how one number of a series stands as of a sealed block, which may be newer than what a verifier holds
//! (DESIGN 4.6; exact format: `spec/text/status-proof.md`).
//! Not here: what a verdict makes of them (`verify`), serving them (the node).

mod beside;

pub use beside::{Carried, MAX_WITH_STATUS, STATUS_PREFIX, WithStatus};

use crate::block::{Header, Rest};
use crate::codec::{self, CodecError, Reader, Wire, Writer, fields::wire_array};
use crate::digest::{Digest, leaf_hash};
use crate::id::{CredentialId, Height, RegionId, UnixMillis};
use crate::ledger::{LedgerState, SectionName, SectionRoot};
use crate::merkle;
use crate::receipt::{HashPath, ReceiptError};
use crate::seal::{RegionSet, Seal};
use crate::status::{self, Chunk, SeriesStatus, SetRoot, Standing, StatusKind, StatusSet};

/// Most bytes of an encoded status proof.
pub const MAX_STATUS_PROOF: usize = 12_288;
/// Ending of a file that holds one.
pub const STATUS_PROOF_EXTENSION: &str = "concord-status";
/// Media type of such a file.
pub const STATUS_PROOF_MEDIA_TYPE: &str = "application/concord-status-proof+cbor";

/// What a proof shows of one of the sets of a series. In CBOR null, `[chunks, root]`, or `[chunks, chunk, path]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetShown {
    /// It is empty.
    Empty,
    /// Its last chunk lies before that of the number, which so is not in it.
    Past {
        /// Chunks of the set.
        chunks: u64,
        /// Its root.
        root: Digest,
    },
    /// The number's chunk.
    Chunk {
        /// Chunks of the set.
        chunks: u64,
        /// The chunk's one encoding.
        chunk: Vec<u8>,
        /// From it to the set's root.
        path: HashPath,
    },
}

impl SetShown {
    fn of(set: &StatusSet, number: u64) -> Self {
        let (index, _) = status::split(number);
        let chunks = set.chunk_count();
        match (set.chunk(index), set.chunk_path(index)) {
            (Some(chunk), Some(path)) => Self::Chunk {
                chunks,
                chunk: chunk.to_vec(),
                path: HashPath(path),
            },
            (Some(_) | None, Some(_) | None) if set.is_empty() => Self::Empty,
            (Some(_) | None, Some(_) | None) => Self::Past {
                chunks,
                root: set.root(),
            },
        }
    }

    /// What the series' leaf says of the set. The chunk of a number has a place that only the number tells.
    fn root(&self, number: u64) -> Result<SetRoot, ReceiptError> {
        let wrong = || ReceiptError::Path("status chunk");
        let (index, _) = status::split(number);
        match self {
            Self::Empty => Ok(None),
            Self::Past { chunks, root } if *chunks > 0 && *chunks <= index => Ok(Some((*chunks, *root))),
            Self::Past { .. } => Err(wrong()),
            Self::Chunk { chunks, chunk, path } => {
                let root = merkle::root_from_path(leaf_hash(chunk), index, *chunks, &path.0);
                Ok(Some((*chunks, root.map_err(|_| wrong())?)))
            }
        }
    }

    fn contains(&self, number: u64) -> bool {
        let (_, place) = status::split(number);
        match self {
            Self::Empty | Self::Past { .. } => false,
            // Decoding and making see to it that it is one.
            Self::Chunk { chunk, .. } => Chunk::decode(chunk).is_ok_and(|chunk| chunk.contains(place)),
        }
    }
}

impl Wire for SetShown {
    fn encode(&self, w: &mut Writer) {
        match self {
            Self::Empty => w.null(),
            Self::Past { chunks, root } => {
                w.array(2);
                w.uint(*chunks);
                w.wire(root);
            }
            Self::Chunk { chunks, chunk, path } => {
                w.array(3);
                w.uint(*chunks);
                w.bytes(chunk);
                w.wire(path);
            }
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        if r.take_null() {
            return Ok(Self::Empty);
        }
        match r.array_len(3)? {
            2 => Ok(Self::Past {
                chunks: r.uint()?,
                root: r.wire()?,
            }),
            3 => {
                let chunks = r.uint()?;
                let chunk = r.bytes(Chunk::MAX_BYTES)?;
                let not_one = |_| CodecError::Invalid {
                    what: status::NOT_A_CHUNK,
                };
                Chunk::decode(chunk).map_err(not_one)?;
                Ok(Self::Chunk {
                    chunks,
                    chunk: chunk.to_vec(),
                    path: r.wire()?,
                })
            }
            _ => Err(CodecError::Invalid {
                what: "what is shown of a status set",
            }),
        }
    }
}

/// Where a leaf is in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreePlace {
    /// Its position.
    pub index: u64,
    /// Leaves in the tree.
    pub size: u64,
    /// From it to the root.
    pub path: HashPath,
}
wire_array!(TreePlace { index, size, path });

impl TreePlace {
    fn new(index: usize, size: usize, path: Vec<Digest>) -> Option<Self> {
        Some(Self {
            index: u64::try_from(index).ok()?,
            size: u64::try_from(size).ok()?,
            path: HashPath(path),
        })
    }

    fn root(&self, leaf: Digest, what: &'static str) -> Result<Digest, ReceiptError> {
        merkle::root_from_path(leaf, self.index, self.size, &self.path.0).map_err(|_| ReceiptError::Path(what))
    }
}

/// A header with what it holds the digest of, but for the state root, which the rest of a proof leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateHead {
    /// Height of the block.
    pub height: Height,
    /// Its time.
    pub time: UnixMillis,
    /// RFC 9162 root over its records' essences.
    pub records_root: Digest,
    /// Hash of the block before.
    pub parent: Digest,
    /// The region that proposed it.
    pub proposer: RegionId,
    /// RFC 9162 root over its full records.
    pub bodies_root: Digest,
    /// RFC 9162 root over all earlier block hashes.
    pub history_root: Digest,
    /// Digest of the regions that seal it.
    pub regions_now: Digest,
    /// Digest of the regions that seal the next, if they are others.
    pub regions_next: Option<Digest>,
}

impl StateHead {
    fn of(header: &Header, rest: &Rest) -> Self {
        Self {
            height: header.height,
            time: header.time,
            records_root: header.records_root,
            parent: rest.parent,
            proposer: rest.proposer.clone(),
            bodies_root: rest.bodies_root,
            history_root: rest.history_root,
            regions_now: rest.regions_now,
            regions_next: (rest.regions_next != rest.regions_now).then_some(rest.regions_next),
        }
    }

    /// The header of the block whose state has this root.
    fn header(&self, state_root: Digest) -> Header {
        let rest = Rest {
            parent: self.parent,
            proposer: self.proposer.clone(),
            bodies_root: self.bodies_root,
            state_root,
            history_root: self.history_root,
            regions_now: self.regions_now,
            regions_next: self.regions_next.unwrap_or(self.regions_now),
        };
        Header {
            height: self.height,
            time: self.time,
            records_root: self.records_root,
            rest: rest.digest(),
        }
    }
}

impl Wire for StateHead {
    fn encode(&self, w: &mut Writer) {
        w.array(9);
        w.wire(&self.height);
        w.wire(&self.time);
        w.wire(&self.records_root);
        w.wire(&self.parent);
        w.wire(&self.proposer);
        w.wire(&self.bodies_root);
        w.wire(&self.history_root);
        w.wire(&self.regions_now);
        match &self.regions_next {
            Some(next) => w.wire(next),
            None => w.null(),
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(9)?;
        let head = Self {
            height: r.wire()?,
            time: r.wire()?,
            records_root: r.wire()?,
            parent: r.wire()?,
            proposer: r.wire()?,
            bodies_root: r.wire()?,
            history_root: r.wire()?,
            regions_now: r.wire()?,
            regions_next: if r.take_null() { None } else { Some(r.wire()?) },
        };
        // One encoding: the same regions are named once.
        if head.regions_next == Some(head.regions_now) {
            return Err(CodecError::Invalid {
                what: "regions of the next block",
            });
        }
        Ok(head)
    }
}

/// How a number of a series stands as of a sealed block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusProof {
    /// The series and the number.
    pub credential: CredentialId,
    /// The next number of the series.
    pub next: u64,
    /// What is shown of its sets, in the order of their codes.
    pub sets: [SetShown; 5],
    /// Where the series is in its section.
    pub series: TreePlace,
    /// The section.
    pub section: SectionName,
    /// Where the section is in the state.
    pub sections: TreePlace,
    /// The block.
    pub head: StateHead,
    /// Its seal.
    pub seal: Seal,
}

impl Wire for StatusProof {
    fn encode(&self, w: &mut Writer) {
        w.array(9);
        w.uint(1);
        w.wire(&self.credential);
        w.uint(self.next);
        w.array(self.sets.len());
        self.sets.iter().for_each(|set| w.wire(set));
        w.wire(&self.series);
        w.wire(&self.section);
        w.wire(&self.sections);
        w.wire(&self.head);
        w.wire(&self.seal);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(9, 1, "status proof")?;
        let credential = r.wire()?;
        let next = r.uint()?;
        r.array(StatusKind::ALL.len())?;
        let sets = [r.wire()?, r.wire()?, r.wire()?, r.wire()?, r.wire()?];
        Ok(Self {
            credential,
            next,
            sets,
            series: r.wire()?,
            section: r.wire()?,
            sections: r.wire()?,
            head: r.wire()?,
            seal: r.wire()?,
        })
    }
}

impl StatusProof {
    /// How a number stands in the state after a sealed block; `None` if the series is not open, or the block is not that of the state.
    /// It costs what its paths cost, and a hash for each section.
    #[must_use]
    pub fn of(state: &LedgerState, header: &Header, rest: &Rest, seal: &Seal, of: CredentialId) -> Option<Self> {
        if state.tip().hash != header.hash() {
            return None;
        }
        let (region, series) = state.series(of.series)?;
        let name = SectionName::Status(series.of.id.clone(), region.clone());
        let section = state.status_section(&name)?;
        let status: &SeriesStatus = section.series(of.series)?;
        let (index, size, path) = section.path(of.series)?;
        let roots = state.section_roots();
        let place = roots.iter().position(|root| root.name == name)?;
        let leaves: Vec<Digest> = roots.iter().map(SectionRoot::leaf).collect();
        Some(Self {
            credential: of,
            next: status.next,
            sets: StatusKind::ALL.map(|kind| SetShown::of(status.set(kind), of.number.0)),
            series: TreePlace::new(index, size, path)?,
            section: name,
            sections: TreePlace::new(place, leaves.len(), merkle::inclusion_path(&leaves, place)?)?,
            head: StateHead::of(header, rest),
            seal: seal.clone(),
        })
    }

    /// Decodes a proof of at most [`MAX_STATUS_PROOF`] bytes.
    ///
    /// # Errors
    /// Not the one encoding of a proof.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::from_slice(bytes, MAX_STATUS_PROOF)
    }

    /// The file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::to_vec(self)
    }

    /// How the number stands, if the proof holds.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let number = self.credential.number.0;
        Standing::of(number, self.next, |kind| self.is_in(kind))
    }

    /// Whether something was noted on the number, if the proof holds.
    #[must_use]
    pub fn is_annotated(&self) -> bool {
        self.is_in(StatusKind::Annotated)
    }

    fn is_in(&self, wanted: StatusKind) -> bool {
        let mut sets = StatusKind::ALL.iter().zip(&self.sets);
        sets.any(|(kind, set)| *kind == wanted && set.contains(self.credential.number.0))
    }

    /// Hash of the block whose state it leads to.
    ///
    /// # Errors
    /// [`ReceiptError::Path`].
    pub fn block_hash(&self) -> Result<Digest, ReceiptError> {
        let number = self.credential.number.0;
        let mut roots = [const { None }; 5];
        for (root, set) in roots.iter_mut().zip(&self.sets) {
            *root = set.root(number)?;
        }
        let leaf = leaf_hash(&status::leaf_bytes(self.credential.series, self.next, &roots));
        let section = SectionRoot {
            name: self.section.clone(),
            root: self.series.root(leaf, "series")?,
        };
        let state_root = self.sections.root(section.leaf(), "section")?;
        Ok(self.head.header(state_root).hash())
    }

    /// Checks that `regions` of this chain sealed the block whose state it leads to.
    ///
    /// # Errors
    /// A path that does not fit, or a seal that does not hold.
    pub fn verify(&self, chain_id: &Digest, regions: &RegionSet) -> Result<(), ReceiptError> {
        let block = self.block_hash()?;
        Ok(self.seal.verify(chain_id, self.head.height, &block, regions)?)
    }
}
