//! The ledger as consensus asks for it: builds, judges, keeps and commits blocks (DESIGN 5).
//!
//! A body is on disk before it is proposed or called valid, and stays there until its height is in the log. What was
//! judged is kept with the state after it, so that committing does not apply the records again.
//! Not here: when it is asked (`consensus`), where decided blocks are (`chain`).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use concord_spec::block::Block;
use concord_spec::codec;
use concord_spec::digest::Digest;
use concord_spec::id::{RegionId, UnixMillis};
use concord_spec::key::bls::{self, SealPublicKey};
use concord_spec::ledger::{BlockError, EFFECT_AFTER_BLOCKS, EMPTY_BLOCK_GAP_MS, LedgerState, Limits};
use concord_spec::seal::{RegionSet, Seal, seal_message};
use concord_spec::vote::{Evidence, Place};
use tokio::sync::Notify;

use crate::bodies::Bodies;
use crate::chain::{Chain, LogEntry};
use crate::consensus::application::{Application, Built, Candidate, Decided, Decision, Fatal, Judgement, Kept, Origin};
use crate::consensus::context::{Height, Validator, ValidatorSet};
use crate::consensus::signing::VoteKey;
use crate::consensus::value::SealShare;
use crate::evidence::EvidenceStore;
use crate::keys::RegionKeys;
use crate::network::Voters;
use crate::pool::{ChainView, Clock, Pool, SignatureCache};

/// A proposal from further ahead than this is judged again later.
const MAX_AHEAD_MS: u64 = 10_000;
/// Sets of voters that are kept between two blocks.
const MAX_KNOWN_VOTERS: usize = 64;
/// Bytes of a block that are not records: header, rest, framing.
const BLOCK_FRAME: usize = 2_048;

/// The parts that the ledger works on.
#[derive(Debug)]
pub struct LedgerParts {
    /// This node's region.
    pub region: RegionId,
    /// Decided blocks.
    pub chain: Arc<Chain>,
    /// Undecided bodies.
    pub bodies: Bodies,
    /// Records that wait.
    pub pool: Arc<Pool>,
    /// What was verified before.
    pub signatures: Arc<SignatureCache>,
    /// The region's keys; none on an observer.
    pub keys: Option<RegionKeys>,
    /// Proof against other regions.
    pub evidence: EvidenceStore,
    /// The clock.
    pub clock: Clock,
}

/// The ledger of a node. Cheap to clone: all clones are the same.
#[derive(Debug, Clone)]
pub struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: LedgerParts,
    judged: Mutex<HashMap<Digest, Judged>>,
    voters: Mutex<KnownVoters>,
    /// Woken when there is new evidence.
    evidence_came: Notify,
}

/// The sets that were asked for since the last block: every message of consensus asks for one.
#[derive(Debug, Default)]
struct KnownVoters {
    tip: Height,
    sets: BTreeMap<Height, ValidatorSet>,
}

/// A block that follows from the tip, with the state after it.
#[derive(Debug, Clone)]
struct Judged {
    block: Arc<Block>,
    state: Arc<LedgerState>,
    body: Bytes,
}

impl Ledger {
    /// Over these parts. Bodies of heights that are decided are dropped.
    ///
    /// # Errors
    /// The disk's.
    pub fn new(parts: LedgerParts) -> Result<Self, Fatal> {
        let tip = parts.chain.state().tip().height.0;
        parts.bodies.drop_through(tip).map_err(Fatal::new)?;
        let inner = Inner {
            parts,
            judged: Mutex::default(),
            voters: Mutex::default(),
            evidence_came: Notify::new(),
        };
        inner.follow_keys(&inner.state());
        Ok(Self(Arc::new(inner)))
    }

    /// The state after the last block.
    #[must_use]
    pub fn state(&self) -> Arc<LedgerState> {
        self.0.state()
    }

    /// Who votes at a height, as far as the log tells. None: there is no such set.
    #[must_use]
    pub fn voters_at(&self, height: Height) -> Option<Voters> {
        let certain = self.0.state().tip().height.0.saturating_add(EFFECT_AFTER_BLOCKS);
        let set = self.0.voters(height).ok()?;
        Some(Voters {
            set,
            is_certain: height.0 <= certain,
        })
    }

    /// Proof that is kept until the ledger has it.
    ///
    /// # Errors
    /// The disk's.
    pub fn kept_evidence(&self) -> Result<Vec<Evidence>, Fatal> {
        self.0.parts.evidence.kept().map_err(Fatal::new)
    }

    /// Forgets proof that the ledger has, or will never take.
    ///
    /// # Errors
    /// The disk's.
    pub fn forget_evidence(&self, place: &Place) -> Result<(), Fatal> {
        self.0.parts.evidence.forget(place).map_err(Fatal::new)
    }

    /// Resolves when there is new evidence.
    pub async fn evidence_came(&self) {
        self.0.evidence_came.notified().await;
    }

    /// Runs what blocks on disk or processor off the runtime's threads.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Fatal> + Send + 'static,
    ) -> Result<T, Fatal> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .map_err(Fatal::new)?
    }
}

impl Inner {
    fn state(&self) -> Arc<LedgerState> {
        self.parts.chain.state()
    }

    fn judged(&self) -> MutexGuard<'_, HashMap<Digest, Judged>> {
        self.judged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The regions that vote at a height. Beyond what is certain, as it looks now.
    fn voters(&self, height: Height) -> Result<ValidatorSet, Fatal> {
        let state = self.state();
        let tip = Height(state.tip().height.0);
        let mut known = self.voters.lock().unwrap_or_else(PoisonError::into_inner);
        if known.tip != tip || known.sets.len() >= MAX_KNOWN_VOTERS {
            *known = KnownVoters {
                tip,
                sets: BTreeMap::new(),
            };
        }
        // Beyond the last change that is known the set stays the same, and need not be kept once a height.
        let height = height.min(Height(tip.0.saturating_add(EFFECT_AFTER_BLOCKS)));
        if let Some(set) = known.sets.get(&height) {
            return Ok(set.clone());
        }
        let regions = state
            .region_set_at(concord_spec::id::Height(height.0))
            .map_err(Fatal::new)?;
        let set = voters(&regions)?;
        known.sets.insert(height, set.clone());
        Ok(set)
    }

    /// Has the keys follow what the ledger names for our region. A retired key that could not be erased is said so, and tried
    /// again after the next block.
    fn follow_keys(&self, state: &LedgerState) {
        let Some(keys) = &self.parts.keys else { return };
        let own = state.federation().region(&self.parts.region);
        if let Err(error) = keys.follow(own, state.tip().height) {
            tracing::error!(%error, "the keys do not follow the ledger");
        }
    }

    fn remember(&self, block: Block, state: LedgerState, body: Bytes) {
        let hash = block.hash();
        let judged = Judged {
            block: Arc::new(block),
            state: Arc::new(state),
            body,
        };
        self.judged().insert(hash, judged);
    }

    fn build(&self, height: Height, round: u32) -> Result<Built, Fatal> {
        let state = self.state();
        if state.next_height().0 != height.0 {
            return Err(Fatal::new(format!(
                "asked to build block {height} on block {}",
                state.tip().height
            )));
        }
        let limits = Limits::default();
        let candidates = self
            .parts
            .pool
            .candidates(limits.bytes.saturating_sub(BLOCK_FRAME), limits.records);
        let now = (self.parts.clock)();
        let least = state
            .tip()
            .time
            .0
            .saturating_add(if candidates.is_empty() { EMPTY_BLOCK_GAP_MS } else { 1 });
        let time = now.max(UnixMillis(least));
        let mut draft = state.draft(
            time,
            &self.parts.region,
            candidates,
            limits,
            self.parts.signatures.as_ref(),
        );
        if !draft.refused.is_empty() {
            self.parts.pool.reconsider();
        }
        if draft.block.records.is_empty()
            && draft.block.header.time.0 < state.tip().time.0.saturating_add(EMPTY_BLOCK_GAP_MS)
        {
            // Every candidate fell: a block without records keeps its distance.
            let time = UnixMillis(state.tip().time.0.saturating_add(EMPTY_BLOCK_GAP_MS));
            draft = state.draft(time, &self.parts.region, [], limits, self.parts.signatures.as_ref());
        }
        let body = Bytes::from(codec::to_vec(&draft.block));
        let hash = draft.block.hash();
        self.parts
            .bodies
            .put_synced(height.0, round, hash.0, &body)
            .map_err(Fatal::new)?;
        self.remember(draft.block, draft.state, body.clone());
        Ok(Built { hash, body })
    }

    fn judge(&self, candidate: &Candidate) -> Result<Judgement, Fatal> {
        let block = match Block::from_bytes(&candidate.body) {
            Ok(block) => block,
            Err(error) => {
                return Ok(Judgement::Invalid {
                    hash: None,
                    reason: error.to_string(),
                });
            }
        };
        let hash = block.hash();
        let refuse = |reason: String| {
            Ok(Judgement::Invalid {
                hash: Some(hash),
                reason,
            })
        };
        if block.header.height.0 != candidate.height.0 {
            return refuse(format!("it is block {}, not {}", block.header.height, candidate.height));
        }
        if candidate.origin == Origin::Proposed && block.rest.proposer != candidate.proposer {
            return refuse(format!("it names {} as its proposer", block.rest.proposer));
        }
        let ahead = block.header.time.0.saturating_sub((self.parts.clock)().0);
        if candidate.origin != Origin::Decided && ahead > MAX_AHEAD_MS {
            return Ok(Judgement::NotYet);
        }
        if !self.judged().contains_key(&hash) {
            self.verify_signatures(&block);
            match self.state().advance(&block, self.parts.signatures.as_ref()) {
                Ok(state) => self.remember(block, state, candidate.body.clone()),
                Err(error @ BlockError::NewerSoftware { .. }) => return Err(Fatal::new(error)),
                Err(error) => return refuse(error.to_string()),
            }
        }
        self.parts
            .bodies
            .put_synced(candidate.height.0, candidate.round, hash.0, &candidate.body)
            .map_err(Fatal::new)?;
        Ok(Judgement::Valid(hash))
    }

    /// Records that our pool has not seen are verified in batches across cores; `advance` then finds them verified.
    fn verify_signatures(&self, block: &Block) {
        self.parts
            .signatures
            .warm(&self.state(), block.records.iter().map(AsRef::as_ref));
    }

    fn body(&self, hash: &Digest) -> Result<Option<Bytes>, Fatal> {
        if let Some(judged) = self.judged().get(hash) {
            return Ok(Some(judged.body.clone()));
        }
        Ok(self.parts.bodies.get(&hash.0).map_err(Fatal::new)?.map(Bytes::from))
    }

    /// A block that was judged, in this process or before a crash.
    fn decided_block(&self, hash: &Digest) -> Result<Judged, Fatal> {
        if let Some(judged) = self.judged().get(hash) {
            return Ok(judged.clone());
        }
        let body = self.parts.bodies.get(&hash.0).map_err(Fatal::new)?;
        let body = body.ok_or_else(|| Fatal::new(format!("the body of the decided block {hash} is not on disk")))?;
        let block = Block::from_bytes(&body).map_err(Fatal::new)?;
        self.verify_signatures(&block);
        let state = self
            .state()
            .advance(&block, self.parts.signatures.as_ref())
            .map_err(Fatal::new)?;
        Ok(Judged {
            block: Arc::new(block),
            state: Arc::new(state),
            body: Bytes::from(body),
        })
    }

    fn commit(&self, decision: &Decision) -> Result<(), Fatal> {
        let judged = self.decided_block(&decision.hash)?;
        let before = self.state();
        let regions = before.region_set();
        let mut shares = Vec::with_capacity(decision.shares.len());
        for (region, share) in &decision.shares {
            shares.push((region.clone(), bls::SealShare(share.0)));
        }
        let seal = Seal::assemble(regions, decision.round, &shares).map_err(Fatal::new)?;
        // Each share was checked; their sum is checked once more before it goes on disk for good.
        seal.verify(&before.chain_id(), judged.block.header.height, &decision.hash, regions)
            .map_err(Fatal::new)?;
        let entry = LogEntry {
            block: judged.body.to_vec(),
            seal,
            certificate: decision.certificate.to_vec(),
        };
        self.parts
            .chain
            .append(&judged.block, &entry, Arc::clone(&judged.state))
            .map_err(Fatal::new)?;
        self.follow_keys(&judged.state);
        self.judged().clear();
        self.parts.bodies.drop_through(decision.height.0).map_err(Fatal::new)?;
        self.parts.pool.committed(&judged.block, &judged.state);
        match judged.state.needs_newer_software() {
            None => Ok(()),
            Some((subject, version)) => Err(Fatal::new(BlockError::NewerSoftware { subject, version })),
        }
    }

    fn kept(&self, height: Height) -> Result<Vec<Kept>, Fatal> {
        let voters = self.voters(height)?;
        let kept = self.parts.bodies.of_height(height.0).into_iter().map(|stored| Kept {
            hash: Digest(stored.hash),
            round: stored.round,
            proposer: voters.proposer(height, stored.round).region().clone(),
        });
        Ok(kept.collect())
    }

    fn check_shares(&self, height: Height, round: u32, hash: &Digest, shares: &[(RegionId, SealShare)]) -> Vec<bool> {
        let state = self.state();
        let message = seal_message(&state.chain_id(), concord_spec::id::Height(height.0), round, hash);
        // Without a set none of them counts.
        let Ok(regions) = state.region_set_at(concord_spec::id::Height(height.0)) else {
            return vec![false; shares.len()];
        };
        let of = |region: &RegionId| -> Option<&SealPublicKey> {
            regions
                .index_of(region)
                .and_then(|index| regions.members().get(index))
                .map(|member| &member.seal_key)
        };
        let parsed: Vec<(Option<&SealPublicKey>, bls::SealShare)> = shares
            .iter()
            .map(|(region, share)| (of(region), bls::SealShare(share.0)))
            .collect();
        let known: Option<Vec<(&SealPublicKey, &bls::SealShare)>> =
            parsed.iter().map(|(key, share)| key.map(|key| (key, share))).collect();
        // Almost always all are right, and one sum says so; else each by itself tells which is wrong.
        if known.is_some_and(|known| bls::verify_shares(&message, &known)) {
            return vec![true; shares.len()];
        }
        let each = |(key, share): &(Option<&SealPublicKey>, bls::SealShare)| {
            key.is_some_and(|key| bls::verify_share(key, &message, share))
        };
        parsed.iter().map(each).collect()
    }
}

/// The regions as voters.
fn voters(regions: &RegionSet) -> Result<ValidatorSet, Fatal> {
    let mut voters = Vec::with_capacity(regions.members().len());
    for member in regions.members() {
        let key = VoteKey::from_bytes(member.consensus_key.to_bytes()).map_err(Fatal::new)?;
        voters.push(Validator::new(member.region.clone(), key));
    }
    ValidatorSet::new(voters).map_err(Fatal::new)
}

impl Application for Ledger {
    fn tip(&self) -> Height {
        Height(self.0.state().tip().height.0)
    }

    fn min_height(&self) -> Height {
        Height(1)
    }

    fn regions(&self, height: Height) -> Result<ValidatorSet, Fatal> {
        self.0.voters(height)
    }

    fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.0.state().federation().parameters.heartbeat_ms)
    }

    async fn records_waiting(&self) {
        self.0.parts.pool.notified().await;
    }

    async fn build(&self, height: Height, round: u32) -> Result<Built, Fatal> {
        self.apart(move |inner| inner.build(height, round)).await
    }

    async fn judge(&self, candidate: Candidate) -> Result<Judgement, Fatal> {
        self.apart(move |inner| inner.judge(&candidate)).await
    }

    async fn body(&self, hash: Digest) -> Result<Option<Bytes>, Fatal> {
        self.apart(move |inner| inner.body(&hash)).await
    }

    async fn kept(&self, height: Height) -> Result<Vec<Kept>, Fatal> {
        self.apart(move |inner| inner.kept(height)).await
    }

    fn share(&self, height: Height, round: u32, hash: Digest) -> Result<SealShare, Fatal> {
        let chain_id = self.0.state().chain_id();
        let message = seal_message(&chain_id, concord_spec::id::Height(height.0), round, &hash);
        let key = self.0.parts.keys.as_ref().and_then(|keys| keys.seal_key_at(height));
        let key = key.ok_or_else(|| {
            Fatal::new(format!(
                "this node has no seal key that is in force at height {height}: put the file of the key that the ledger \
                 names into keys/ and start again"
            ))
        })?;
        Ok(SealShare(key.sign(&message).to_bytes()))
    }

    async fn check_shares(
        &self,
        height: Height,
        round: u32,
        hash: Digest,
        shares: &[(RegionId, SealShare)],
    ) -> Vec<bool> {
        let count = shares.len();
        let shares = shares.to_vec();
        let answer = self
            .apart(move |inner| Ok(inner.check_shares(height, round, &hash, &shares)))
            .await;
        // A check that did not run vouches for nothing.
        answer.unwrap_or_else(|_| vec![false; count])
    }

    async fn commit(&self, decision: Decision) -> Result<(), Fatal> {
        self.apart(move |inner| inner.commit(&decision)).await
    }

    async fn decided(&self, height: Height) -> Result<Option<Decided>, Fatal> {
        let read = move |inner: &Inner| {
            let entry = inner
                .parts
                .chain
                .entry(concord_spec::id::Height(height.0))
                .map_err(Fatal::new)?;
            Ok(entry.map(|entry| Decided {
                certificate: Bytes::from(entry.certificate),
                body: Bytes::from(entry.block),
            }))
        };
        self.apart(read).await
    }

    async fn evidence(&self, found: Vec<Evidence>) -> Result<(), Fatal> {
        let kept = self.apart(move |inner| inner.parts.evidence.keep(&found).map_err(Fatal::new));
        kept.await?;
        self.0.evidence_came.notify_one();
        Ok(())
    }
}
