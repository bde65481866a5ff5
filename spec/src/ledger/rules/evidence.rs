//! Evidence: valid by the offender's two signatures, whoever hands it in.

use crate::ledger::federation::{EvidenceEntry, MAX_EVIDENCE_OF_REGION};
use crate::ledger::{BlockContext, LedgerState, Outcome, Rejection};
use crate::record::RecordId;
use crate::vote::Evidence;

impl LedgerState {
    pub(super) fn record_evidence(
        &mut self,
        body: &Evidence,
        record: RecordId,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let place = body.place();
        let region = self.federation.region(&place.region);
        let term = region.and_then(|region| region.term_at(place.height));
        let Some(term) = term.filter(|_| place.height <= at.height) else {
            return Err(Rejection::EvidenceNotValid(
                "the region was not in force at that height",
            ));
        };
        if body.check(&self.chain_id, &term.consensus_key).is_err() {
            let why = "a statement is not signed by the consensus key that the region had at that height";
            return Err(Rejection::EvidenceNotValid(why));
        }
        let evidence = &self.federation.evidence;
        let of_region = evidence.iter().filter(|entry| entry.place.region == place.region);
        let slot = evidence.binary_search_by(|entry| entry.place.cmp(&place));
        let Err(slot) = slot else {
            return Err(Rejection::EvidenceKnown(place.region));
        };
        if of_region.count() >= MAX_EVIDENCE_OF_REGION {
            return Err(Rejection::EvidenceKnown(place.region));
        }
        let entry = EvidenceEntry {
            place,
            record,
            recorded: at.height,
        };
        self.change_federation(|federation| federation.evidence.insert(slot, entry));
        Ok(Outcome::Done)
    }
}
