//! `apply`: the rules of the ledger, first what holds for every record, then one file an actor (DESIGN 4.3).

mod office;
mod region;

use super::{BlockContext, CheckSignatures, Entry, LedgerState, Outcome, Rejection, SectionName};
use crate::id::SeriesId;
use crate::record::{Action, Actor, SignedRecord};
use crate::status::SeriesStatus;

/// Most hours that not-after may be ahead of the block when one key signs, and when several do.
const HORIZON_HOURS: u64 = 24;
const HORIZON_HOURS_SHARED: u64 = 30 * 24;
const MS_PER_HOUR: u64 = 3_600_000;

impl LedgerState {
    /// Applies a record at a place in the chain. A rejected record leaves the state as it was.
    ///
    /// # Errors
    /// The first rule that the record breaks.
    pub fn apply(
        &mut self,
        record: &SignedRecord,
        at: &BlockContext,
        signatures: &dyn CheckSignatures,
    ) -> Result<Outcome, Rejection> {
        self.check_envelope(record, at, signatures)?;
        let payload = record.payload();
        let outcome = match (&payload.actor, &payload.action) {
            (Actor::Region(region), Action::RegisterOffice(body)) => self.register_office(region, body, at)?,
            (Actor::Region(region), Action::DefineType(body)) => self.define_type(region, body)?,
            (Actor::Office(office), Action::OpenSeries(body)) => self.open_series(office, body, at)?,
            (Actor::Office(office), Action::Issue(body)) => self.issue(office, body)?,
            (Actor::Office(office), Action::SetStatus(body)) => self.set_status(office, body, at)?,
            (Actor::Office(office), Action::FreezeSeries(series)) => self.freeze_series(office, *series, at)?,
            (Actor::Region(_) | Actor::Office(_), action) => {
                return Err(Rejection::NotYours {
                    actor: payload.actor.clone(),
                    action: action.name(),
                });
            }
        };
        self.recent.insert_mut((payload.not_after, record.id()));
        self.touched.insert(Entry::Recent(payload.not_after, record.id()));
        Ok(outcome)
    }

    /// What holds for every record: chain, time, once only, and the actor's signatures.
    fn check_envelope(
        &self,
        record: &SignedRecord,
        at: &BlockContext,
        signatures: &dyn CheckSignatures,
    ) -> Result<(), Rejection> {
        let payload = record.payload();
        if payload.chain_id != self.chain_id {
            return Err(Rejection::WrongChain);
        }
        if payload.not_after < at.time {
            return Err(Rejection::Expired {
                not_after: payload.not_after,
                now: at.time,
            });
        }
        if self.knows(record) {
            return Err(Rejection::Duplicate);
        }
        let actor = &payload.actor;
        let keyring = self
            .keyring(actor)
            .ok_or_else(|| Rejection::UnknownActor(actor.clone()))?;
        let max_hours = if keyring.threshold() > 1 {
            HORIZON_HOURS_SHARED
        } else {
            HORIZON_HOURS
        };
        let ahead = payload.not_after.0.saturating_sub(at.time.0);
        if ahead > max_hours.saturating_mul(MS_PER_HOUR) {
            return Err(Rejection::NotAfterTooFar {
                not_after: payload.not_after,
                max_hours,
            });
        }
        let checked = record.envelope().check(keyring);
        let items = checked.map_err(|error| Rejection::of_signatures(error, actor))?;
        if signatures.all_hold(record, &items) {
            Ok(())
        } else {
            Err(Rejection::ForgedSignature(actor.clone()))
        }
    }

    pub(super) fn put_status(&mut self, section: SectionName, series: SeriesId, status: SeriesStatus) {
        let mut found = self.status.get(&section).cloned().unwrap_or_default();
        found.put(series, status);
        self.status.insert_mut(section, found);
        self.touched.insert(Entry::SeriesStatus(series));
    }
}
