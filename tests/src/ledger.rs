//! What the nodes hold, read back over HTTP and judged by `concord_spec` alone: every block replayed from the charter by
//! every rule, every seal checked against the regions in force.

use std::collections::BTreeMap;

use concord_spec::block::{Block, MAX_BLOCK};
use concord_spec::charter::Charter;
use concord_spec::codec::{self, CodecError, Reader, Wire, Writer};
use concord_spec::digest::Digest;
use concord_spec::id::Height;
use concord_spec::ledger::{CheckEach, LedgerState};
use concord_spec::record::RecordId;
use concord_spec::seal::Seal;

use crate::{Api, HarnessError, Result, claim};

/// Most bytes of a seal beside its block.
const SEAL_ROOM: usize = 1_024;

/// A ledger replayed from its charter.
#[derive(Debug)]
pub struct Replayed {
    /// Of every block from height 1: hash, root of the state after it, and time in milliseconds.
    pub blocks: Vec<BlockFacts>,
    /// Where each record is, by height. A record that were there twice would have failed the replay.
    pub records: BTreeMap<RecordId, u64>,
    /// The state after the last block.
    pub state: LedgerState,
}

/// What a replay found of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockFacts {
    /// Its hash.
    pub hash: Digest,
    /// Root of the state after it, computed and not only read.
    pub state_root: Digest,
    /// Its time.
    pub time_ms: u64,
    /// The regions in its seal.
    pub signers: Vec<String>,
    /// How many records it has.
    pub records: usize,
}

/// `[block, seal]`, both as byte strings.
#[derive(Debug)]
struct RawBlock {
    block: Vec<u8>,
    seal: Vec<u8>,
}

impl Wire for RawBlock {
    fn encode(&self, w: &mut Writer) {
        w.array(2);
        w.bytes(&self.block);
        w.bytes(&self.seal);
    }

    fn decode(r: &mut Reader<'_>) -> std::result::Result<Self, CodecError> {
        r.array(2)?;
        Ok(Self {
            block: r.bytes(MAX_BLOCK)?.to_vec(),
            seal: r.bytes(SEAL_ROOM)?.to_vec(),
        })
    }
}

/// A block and its seal as a node holds them.
///
/// # Errors
/// No answer, or bytes that are no block and seal.
pub fn sealed_block(api: &Api, height: u64) -> Result<(Block, Seal)> {
    let bytes = api.raw_block(height)?;
    let wrong = |why: CodecError| HarnessError::bytes(format!("block {height} and its seal"), why);
    let raw: RawBlock = codec::from_slice(&bytes, MAX_BLOCK.saturating_add(2 * SEAL_ROOM)).map_err(wrong)?;
    let block = Block::from_bytes(&raw.block).map_err(wrong)?;
    let seal = codec::from_slice(&raw.seal, SEAL_ROOM).map_err(wrong)?;
    Ok((block, seal))
}

/// Replays a node's ledger from the charter up to `height`.
///
/// # Errors
/// A block that does not follow by the rules, a seal that does not hold, or an API that tells otherwise than the bytes.
pub fn replay(api: &Api, charter: &Charter, height: u64) -> Result<Replayed> {
    let state = LedgerState::genesis(charter.clone()).map_err(|why| HarnessError::bytes("charter", why))?;
    let mut replayed = Replayed {
        blocks: Vec::new(),
        records: BTreeMap::new(),
        state,
    };
    for height in 1..=height {
        replayed.follow(api, height)?;
    }
    Ok(replayed)
}

impl Replayed {
    fn follow(&mut self, api: &Api, height: u64) -> Result {
        let (block, seal) = sealed_block(api, height)?;
        let wrong = |why: &dyn std::fmt::Display| HarnessError::bytes(format!("block {height}"), why);
        let (chain_id, regions, hash) = (self.state.chain_id(), self.state.region_set().clone(), block.hash());
        seal.verify(&chain_id, Height(height), &hash, &regions)
            .map_err(|why| wrong(&why))?;
        self.state = self.state.advance(&block, &CheckEach).map_err(|why| wrong(&why))?;
        let signers = seal.signers(&regions).map_err(|why| wrong(&why))?;
        let facts = BlockFacts {
            hash,
            state_root: self.state.root(),
            time_ms: block.header.time.0,
            signers: signers.iter().map(|member| member.region.to_string()).collect(),
            records: block.records.len(),
        };
        self.check_view(api, height, &facts)?;
        for record in &block.records {
            let before = self.records.insert(record.id(), height);
            claim(before.is_none(), || {
                format!("record {} is in one block, not in {before:?} and {height}", record.id())
            })?;
        }
        self.blocks.push(facts);
        Ok(())
    }

    fn check_view(&self, api: &Api, height: u64, facts: &BlockFacts) -> Result {
        let view = api.block(height)?;
        let same = view.hash == facts.hash.to_string()
            && view.state_root == facts.state_root.to_string()
            && view.seal.signers == facts.signers
            && view.records.len() == facts.records;
        claim(same, || {
            format!("the JSON of block {height} says what its bytes say: {view:?}, {facts:?}")
        })
    }
}

/// Replays every node's ledger up to `height`, and checks that all hold the same blocks.
///
/// # Errors
/// See [`replay`]; two nodes that differ.
pub fn agreed(apis: &[&Api], charter: &Charter, height: u64) -> Result<Replayed> {
    let mut first: Option<Replayed> = None;
    for api in apis {
        let other = replay(api, charter, height)?;
        let Some(one) = &first else {
            first = Some(other);
            continue;
        };
        for (index, (a, b)) in one.blocks.iter().zip(&other.blocks).enumerate() {
            let same = a.hash == b.hash && a.state_root == b.state_root;
            claim(same, || {
                format!(
                    "all nodes hold the same block {}: {a:?}, {b:?}",
                    index.saturating_add(1)
                )
            })?;
        }
        claim(one.records == other.records, || {
            "all nodes hold the same records".to_owned()
        })?;
    }
    first.ok_or_else(|| HarnessError::bytes("nodes to compare", "none"))
}
