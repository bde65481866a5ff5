//! What follows the ledger block by block: the allow-list, evidence that waits to be recorded, the node's own standing.
//! Each is a task that ends with the node; none of them decides anything that others see but the records it hands in.
//! Not here: keys, which consensus needs before the next height (`ledger`, `keys`).

use std::sync::Arc;

use bytes::Bytes;
use concord_spec::codec;
use concord_spec::digest::{Digest, sha256};
use concord_spec::id::{Height, UnixMillis};
use concord_spec::ledger::{EvidenceEntry, LedgerState, MAX_EVIDENCE_OF_REGION, Rejection};
use concord_spec::record::{Action, Actor, Payload, SignedRecord};
use concord_spec::vote::Evidence;
use libp2p::PeerId;
use tokio::sync::watch;

use crate::config::NodeConfig;
use crate::keys::RegionKeys;
use crate::ledger::Ledger;
use crate::membership::{Standing, allow_list, standing};
use crate::network::{AllowList, NetworkHandle};
use crate::pool::{ChainView, Pool, Refusal};

/// How long a record of evidence may wait for its block: it is made anew afterwards.
const EVIDENCE_WAITS_MS: u64 = 3_600_000;

/// Puts the ledger's allow-list in force after each block that changes it. Ends with the network.
pub async fn peers(
    chain: Arc<dyn ChainView>,
    mut heights: watch::Receiver<Height>,
    config: NodeConfig,
    network: NetworkHandle,
) {
    let mut in_force = AllowList::default();
    loop {
        heights.borrow_and_update();
        let state = chain.state();
        let list = allow_list(state.federation(), state.tip().height, &config);
        if list != in_force {
            tracing::info!(height = %state.tip().height, peers = list.len(), "the allow-list follows the ledger");
            if network.update_peers(list.clone()).await.is_err() {
                return;
            }
            in_force = list;
        }
        if heights.changed().await.is_err() {
            return;
        }
    }
}

/// Hands evidence in until the ledger has it: what is found, and after a start what was kept.
pub async fn evidence(
    ledger: Arc<Ledger>,
    chain: Arc<dyn ChainView>,
    mut heights: watch::Receiver<Height>,
    pool: Arc<Pool>,
) {
    loop {
        heights.borrow_and_update();
        if let Err(error) = hand_in(&ledger, &chain, &pool).await {
            tracing::error!(%error, "evidence that is kept cannot be handed in");
        }
        tokio::select! {
            () = ledger.evidence_came() => {}
            changed = heights.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

async fn hand_in(
    ledger: &Arc<Ledger>,
    chain: &Arc<dyn ChainView>,
    pool: &Pool,
) -> Result<(), crate::consensus::application::Fatal> {
    for proof in ledger.kept_evidence()? {
        let place = proof.place();
        let state = chain.state();
        if state.federation().evidence.iter().any(|entry| entry.place == place) {
            tracing::info!(region = %place.region, height = %place.height, "the ledger has the evidence");
            ledger.forget_evidence(&place)?;
            continue;
        }
        let record = record(&state, proof);
        let submitted = pool.submit(Bytes::copy_from_slice(record.bytes())).await;
        match submitted.map_err(|refused| refused.why) {
            Ok(_) => {}
            // Another node's record of it waits, or there is one on the ledger by now: the next block tells. Beyond the bound
            // more would prove nothing more.
            Err(Refusal::Rejected(Rejection::EvidenceKnown(_))) => {
                let of_region = |entry: &&EvidenceEntry| entry.place.region == place.region;
                if state.federation().evidence.iter().filter(of_region).count() >= MAX_EVIDENCE_OF_REGION {
                    ledger.forget_evidence(&place)?;
                }
            }
            Err(Refusal::Rejected(why)) => {
                tracing::error!(region = %place.region, height = %place.height, %why, "the ledger does not take this evidence");
                ledger.forget_evidence(&place)?;
            }
            Err(
                why @ (Refusal::PoolFull
                | Refusal::DiskLow
                | Refusal::DiskFailed
                | Refusal::ChainUnreadable
                | Refusal::Stopping),
            ) => tracing::warn!(%why, "evidence waits"),
        }
    }
    Ok(())
}

/// The record of a proof: nobody signs it. Made again within the same hour it has the same id, so that the pool knows it.
fn record(state: &LedgerState, proof: Evidence) -> SignedRecord {
    let hour = state.tip().time.0.checked_div(EVIDENCE_WAITS_MS).unwrap_or(0);
    let Digest(digest) = sha256(&[b"evidence", &codec::to_vec(&proof)]);
    let mut nonce = [0; 16];
    for (to, from) in nonce.iter_mut().zip(digest) {
        *to = from;
    }
    let payload = Payload {
        chain_id: state.chain_id(),
        not_after: UnixMillis(hour.saturating_add(2).saturating_mul(EVIDENCE_WAITS_MS)),
        nonce,
        actor: Actor::Nobody,
        action: Action::Evidence(Box::new(proof)),
    };
    SignedRecord::sign(payload, &[])
}

/// Resolves when a node that started without voting is to vote: only a start gives the engine its keys.
pub async fn until_it_votes(
    chain: Arc<dyn ChainView>,
    mut heights: watch::Receiver<Height>,
    config: NodeConfig,
    peer: PeerId,
    keys: RegionKeys,
) -> Height {
    loop {
        heights.borrow_and_update();
        let state = chain.state();
        let now = standing(
            state.federation(),
            state.tip().height,
            &config.region,
            &peer,
            Some(&keys),
        );
        if matches!(now, Ok(Standing::Member | Standing::NotAdmitted | Standing::Suspended)) {
            return state.tip().height;
        }
        if heights.changed().await.is_err() {
            // The node stops.
            return std::future::pending().await;
        }
    }
}
