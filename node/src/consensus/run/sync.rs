//! Blocks that are decided already: served to peers that catch up, and taken from peers when we do.

use arc_malachitebft_app_channel::app::engine::host::SyncedValueOutcome;
use arc_malachitebft_app_channel::app::types::core::{ExtendedCommitCertificate, Height as _, Round};
use arc_malachitebft_app_channel::app::types::sync::RawDecidedValue;
use bytes::Bytes;
use tracing::{error, warn};

use super::super::application::{Application, Candidate, Fatal, Judgement, Origin};
use super::super::codec::{MAX_RESPONSE, Message};
use super::super::context::{ConcordContext, Height, RegionAddress};
use super::super::start::ConsensusError;
use super::{Run, number, proposed};

impl<A: Application> Run<A> {
    pub(super) async fn decided_values(
        &self,
        from: Height,
        to: Height,
    ) -> Result<Vec<RawDecidedValue<ConcordContext>>, ConsensusError> {
        let mut values = Vec::new();
        let mut bytes = 0_usize;
        let to = to.min(self.app.tip());
        let mut height = from;
        while height >= self.app.min_height() && height <= to {
            let Some(decided) = self.app.decided(height).await? else {
                break;
            };
            bytes = bytes
                .saturating_add(decided.body.len())
                .saturating_add(decided.certificate.len());
            if bytes > MAX_RESPONSE && !values.is_empty() {
                break;
            }
            let certificate = ExtendedCommitCertificate::from_bytes(&decided.certificate)
                .map_err(|error| Fatal::new(format!("the certificate of block {height} is damaged: {error}")))?;
            values.push(RawDecidedValue::new(decided.body, certificate));
            height = height.increment();
        }
        Ok(values)
    }

    pub(super) async fn synced(
        &mut self,
        height: Height,
        round: Round,
        proposer: RegionAddress,
        body: Bytes,
    ) -> Result<SyncedValueOutcome<ConcordContext>, ConsensusError> {
        if self.app.tip().increment() != height {
            return Ok(SyncedValueOutcome::LocalTransientError);
        }
        let candidate = Candidate {
            height,
            round: number(round),
            proposer: proposer.0.clone(),
            origin: Origin::Decided,
            body,
        };
        Ok(match self.app.judge(candidate).await? {
            Judgement::Valid(hash) => {
                self.synced = height;
                SyncedValueOutcome::Verdict(proposed(height, round, Round::Nil, proposer, hash, true))
            }
            Judgement::Invalid {
                hash: Some(hash),
                reason,
            } => {
                error!(%height, %hash, %reason, "a decided block is invalid by our rules");
                SyncedValueOutcome::Verdict(proposed(height, round, Round::Nil, proposer, hash, false))
            }
            Judgement::Invalid { hash: None, reason } => {
                warn!(%height, %reason, "a peer served bytes that are no block");
                SyncedValueOutcome::PeerFault
            }
            Judgement::NotYet => SyncedValueOutcome::LocalTransientError,
        })
    }
}
