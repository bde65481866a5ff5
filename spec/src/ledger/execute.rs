//! Blocks on states: drafting one, and judging one (DESIGN 4.3, 4.4).

use super::{BlockContext, CheckSignatures, Entry, LedgerState, Outcome, Rejection, Tip};
use crate::block::{Block, Header, MAX_BLOCK, Rest, record_roots};
use crate::id::{Height, RegionId, UnixMillis};
use crate::record::{Action, MAX_BLOCK_CHUNKS, RecordId, SignedRecord, Versioned};
use std::sync::Arc;

/// Bytes that a block needs beside its records: header, rest and framing.
const FRAME: usize = 1_024;
/// Bytes of framing a record needs in a block.
const RECORD_FRAME: usize = 8;

/// How much a proposer puts into a block.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most bytes of the encoded block, at most [`MAX_BLOCK`].
    pub bytes: usize,
    /// Most records.
    pub records: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: MAX_BLOCK,
            records: crate::block::MAX_BLOCK_RECORDS,
        }
    }
}

/// A block that a proposer drafted, and what became of the candidates.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The block.
    pub block: Block,
    /// The state after it.
    pub state: LedgerState,
    /// Candidates that the rules refuse at this place; they are not in the block.
    pub refused: Vec<(RecordId, Rejection)>,
}

/// Why a block does not follow from a state. It is not to be voted for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Another height than the next.
    #[error("the block has height {got}, the next is {expected}")]
    Height {
        /// The next height.
        expected: Height,
        /// The block's.
        got: Height,
    },
    /// It names another parent.
    #[error("the block does not name the last block as its parent")]
    Parent,
    /// Its time is not later than its parent's.
    #[error("the block's time {got} is not later than its parent's {parent}")]
    Time {
        /// The parent's time.
        parent: UnixMillis,
        /// The block's.
        got: UnixMillis,
    },
    /// A block without records less than a second after its parent.
    #[error("a block without records comes less than a second after its parent")]
    TooEarly,
    /// Its proposer is no region in force.
    #[error("{0} proposes a block and is no region in force")]
    Proposer(RegionId),
    /// Roots are not those of its records.
    #[error("the block's roots are not those of its records")]
    Records,
    /// The state after it is another than it says.
    #[error("the state after the block is another than it says")]
    State,
    /// The history before it is another than it says.
    #[error("the history before the block is another than it says")]
    History,
    /// A version is in force that this software does not know.
    #[error("version {version} of the {subject:?} is in force: install newer software; nothing is lost")]
    NewerSoftware {
        /// Of what.
        subject: Versioned,
        /// The version.
        version: u64,
    },
    /// Its changes of status cost more than those of a block may.
    #[error("the status records of the block meet {0} chunks, at most {MAX_BLOCK_CHUNKS} may be")]
    Chunks(u64),
    /// It names other regions.
    #[error("the block names other regions than those in force")]
    Regions,
    /// A record breaks a rule.
    #[error("record {id} at position {index} breaks a rule: {rejection}")]
    Record {
        /// Position in the block.
        index: usize,
        /// The record.
        id: RecordId,
        /// The rule.
        rejection: Box<Rejection>,
    },
}

/// How many chunks a record's change of status meets, at most: more than a record may, it is refused for.
fn chunks_of(record: &SignedRecord) -> u64 {
    if let Action::SetStatus(body) = &record.payload().action {
        body.chunks().min(MAX_BLOCK_CHUNKS)
    } else {
        0
    }
}

/// Least milliseconds between a block without records and its parent.
pub const EMPTY_BLOCK_GAP_MS: u64 = 1_000;

impl LedgerState {
    /// Drafts the next block from `candidates`, in order, leaving out those that the rules refuse. From the first status record on
    /// that the block has no room for, all status records wait; nothing else depends on them.
    /// `time` is raised to one millisecond after the parent's where it is not later.
    pub fn draft(
        &self,
        time: UnixMillis,
        proposer: &RegionId,
        candidates: impl IntoIterator<Item = Arc<SignedRecord>>,
        limits: Limits,
        signatures: &dyn CheckSignatures,
    ) -> Draft {
        let context = BlockContext {
            height: self.next_height(),
            time: self.next_time(time),
        };
        let mut state = self.opened(&context);
        let mut records: Vec<Arc<SignedRecord>> = Vec::new();
        let mut refused = Vec::new();
        let mut room = limits.bytes.min(MAX_BLOCK).saturating_sub(FRAME);
        let mut chunks_left = MAX_BLOCK_CHUNKS;
        for record in candidates {
            let size = record.bytes().len().saturating_add(RECORD_FRAME);
            if size > room || records.len() >= limits.records {
                break;
            }
            let chunks = chunks_of(&record);
            if chunks > chunks_left {
                chunks_left = 0;
                continue;
            }
            match state.apply(&record, &context, signatures) {
                Ok(_) => {
                    chunks_left = chunks_left.saturating_sub(chunks);
                    room = room.saturating_sub(size);
                    records.push(record);
                }
                Err(rejection) => refused.push((record.id(), rejection)),
            }
        }
        let block = self.assemble(&mut state, &context, proposer, records);
        Draft { block, state, refused }
    }

    /// The state after `block`, when the block follows from this one by every rule.
    ///
    /// # Errors
    /// The first rule it breaks. Clocks are not asked: that is for who votes.
    pub fn advance(&self, block: &Block, signatures: &dyn CheckSignatures) -> Result<Self, BlockError> {
        let header = &block.header;
        self.check_place(block)?;
        let context = BlockContext {
            height: header.height,
            time: header.time,
        };
        let chunks = block.records.iter().map(|record| chunks_of(record));
        let chunks = chunks.fold(0, u64::saturating_add);
        if chunks > MAX_BLOCK_CHUNKS {
            return Err(BlockError::Chunks(chunks));
        }
        let mut state = self.opened(&context);
        for (index, record) in block.records.iter().enumerate() {
            let applied = state.apply(record, &context, signatures);
            applied.map_err(|rejection| BlockError::Record {
                index,
                id: record.id(),
                rejection: Box::new(rejection),
            })?;
        }
        let expected = self.assemble(&mut state, &context, &block.rest.proposer, block.records.clone());
        if expected.header.records_root != header.records_root || expected.rest.bodies_root != block.rest.bodies_root {
            return Err(BlockError::Records);
        }
        if expected.rest.state_root != block.rest.state_root {
            return Err(BlockError::State);
        }
        if expected.rest.history_root != block.rest.history_root {
            return Err(BlockError::History);
        }
        if expected.rest != block.rest || expected.header != *header {
            return Err(BlockError::Regions);
        }
        Ok(state)
    }

    /// What an issue or opening in `block`, already applied to this state, came to.
    #[must_use]
    pub fn outcome_of(&self, record: &SignedRecord) -> Outcome {
        if let Action::OpenSeries(open) = &record.payload().action
            && let Some(series) = self.series_keys.get(&open.key)
        {
            return Outcome::Opened(*series);
        }
        Outcome::Done
    }

    /// Height of the next block.
    #[must_use]
    pub fn next_height(&self) -> Height {
        Height(self.tip.height.0.saturating_add(1))
    }

    fn next_time(&self, time: UnixMillis) -> UnixMillis {
        time.max(UnixMillis(self.tip.time.0.saturating_add(1)))
    }

    fn check_place(&self, block: &Block) -> Result<(), BlockError> {
        let header = &block.header;
        if let Some((subject, version)) = self.needs_newer_software() {
            return Err(BlockError::NewerSoftware { subject, version });
        }
        if header.height != self.next_height() {
            return Err(BlockError::Height {
                expected: self.next_height(),
                got: header.height,
            });
        }
        if block.rest.parent != self.tip.hash {
            return Err(BlockError::Parent);
        }
        if header.time <= self.tip.time {
            return Err(BlockError::Time {
                parent: self.tip.time,
                got: header.time,
            });
        }
        let gap = header.time.0.saturating_sub(self.tip.time.0);
        if block.records.is_empty() && gap < EMPTY_BLOCK_GAP_MS {
            return Err(BlockError::TooEarly);
        }
        if self.region_set.index_of(&block.rest.proposer).is_none() {
            return Err(BlockError::Proposer(block.rest.proposer.clone()));
        }
        Ok(())
    }

    /// A copy into which the records of the next block go.
    fn opened(&self, context: &BlockContext) -> Self {
        let mut state = self.clone();
        state.touched.clear();
        state.forget_before(context.time);
        state
    }

    /// Drops ids of records whose not-after has passed: they are refused for that now.
    fn forget_before(&mut self, time: UnixMillis) {
        for (not_after, id) in self.recent.take_before(time) {
            self.touched.insert(Entry::Recent(not_after, id));
        }
    }

    /// Makes what is in force from the next block on.
    fn finish(&mut self, context: &BlockContext) {
        let next = Height(context.height.0.saturating_add(1));
        self.take_effect(next, context);
        #[expect(
            clippy::expect_used,
            reason = "no rule takes away the last region or gives two regions one key; without regions nothing may be written"
        )]
        let set = self.federation.region_set_at(next).expect("regions in force");
        if set != *self.region_set {
            self.region_set = Arc::new(set);
        }
    }

    /// Finishes a block over `state`, which has applied `records`, and moves `state` to it.
    fn assemble(
        &self,
        state: &mut Self,
        context: &BlockContext,
        proposer: &RegionId,
        records: Vec<Arc<SignedRecord>>,
    ) -> Block {
        state.finish(context);
        state.hash_touched();
        let (records_root, bodies_root) = record_roots(&records);
        let rest = Rest {
            parent: self.tip.hash,
            proposer: proposer.clone(),
            bodies_root,
            state_root: state.root(),
            history_root: self.history.root(),
            regions_now: self.region_set.digest(),
            regions_next: state.region_set.digest(),
        };
        let header = Header {
            height: context.height,
            time: context.time,
            records_root,
            rest: rest.digest(),
        };
        let hash = header.hash();
        state.tip = Tip {
            height: context.height,
            time: context.time,
            hash,
        };
        state.history.push(hash);
        state.touched.insert(Entry::Tip);
        Block { header, rest, records }
    }
}
