//! `apply`: the rules of the ledger, first what holds for every record, then one file a subject (DESIGN 4.3).

mod delegation;
mod evidence;
mod federation;
mod office;
mod recognition;
mod region;
mod series;
mod types;

pub(super) use series::RESTORED;

use super::{
    BlockContext, CheckSignatures, Directory, Entry, Federation, LedgerState, Outcome, Rejection, SectionName,
    StatusSection,
};
use crate::id::{RegionId, SeriesId, UnixMillis};
use crate::key::keyring::Keyring;
use crate::record::{Action, Actor, SignedRecord};
use crate::status::SeriesStatus;
use std::sync::Arc;

/// Most hours that not-after may be ahead of the block when one key signs, and when several do.
const HORIZON_HOURS: u64 = 24;
const HORIZON_HOURS_SHARED: u64 = 30 * 24;
const MS_PER_HOUR: u64 = 3_600_000;

impl LedgerState {
    /// Applies a record at a place in the chain. A rejected record leaves the state as it was.
    ///
    /// # Errors
    /// The first rule that the record breaks.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "whatever is not listed for an actor, later actions too, is not the actor's"
    )]
    pub fn apply(
        &mut self,
        record: &SignedRecord,
        at: &BlockContext,
        signatures: &dyn CheckSignatures,
    ) -> Result<Outcome, Rejection> {
        self.check_envelope(record, at, signatures)?;
        let payload = record.payload();
        let outcome = match &payload.actor {
            Actor::Region(region) => self.by_region(region, record, at)?,
            Actor::Domain(domain) => match &payload.action {
                Action::DefineType(body) => self.define_type(domain.as_str(), body, at)?,
                Action::CloseType(body) => self.close_type(domain.as_str(), body, at)?,
                Action::SetStatus(body) => self.set_status(&payload.actor, body, at)?,
                Action::FreezeSeries(series) => self.freeze_series(&payload.actor, *series, at)?,
                action => return Err(not_yours(&payload.actor, action)),
            },
            Actor::Office(office) => match &payload.action {
                Action::RegisterOffice(body) => self.register_sub_office(office, body, at)?,
                Action::Delegate(body) => self.delegate(office, body, at)?,
                Action::OpenSeries(body) => self.open_series(office, body, at)?,
                Action::Issue(body) => self.issue(office, body, at)?,
                Action::SetStatus(body) => self.set_status(&payload.actor, body, at)?,
                Action::FreezeSeries(series) => self.freeze_series(&payload.actor, *series, at)?,
                Action::CloseSeries(series) => self.close_series(office, *series, at)?,
                action => return Err(not_yours(&payload.actor, action)),
            },
            Actor::Nobody => match &payload.action {
                Action::Evidence(body) => self.record_evidence(body, record.id(), at)?,
                action => return Err(not_yours(&payload.actor, action)),
            },
        };
        self.recent.insert(payload.not_after, record.id());
        self.touched.insert(Entry::Recent(payload.not_after, record.id()));
        Ok(outcome)
    }

    fn by_region(&mut self, region: &RegionId, record: &SignedRecord, at: &BlockContext) -> Result<Outcome, Rejection> {
        let payload = record.payload();
        match &payload.action {
            Action::Propose(change) => self.propose(region, change, record.id(), at),
            Action::Vote(vote) => self.vote(region, vote, at),
            Action::RotateNode(keys) => self.rotate_node(region, keys, at),
            Action::RotateAuthority(keyring) => self.rotate_authority(region, keyring, at),
            Action::CancelRotation(_) => self.cancel_rotation(region, at),
            Action::SetObservers(body) => self.set_observers(region, body, at),
            Action::RegisterOffice(body) => self.register_office(region, None, body, at),
            Action::AmendOffice(body) => self.amend_office(region, body, at),
            Action::SetOffice(body) => self.set_office(region, body, at),
            Action::SucceedOffice(body) => self.succeed_office(region, body, at),
            Action::DefineType(body) => self.define_type(region.as_str(), body, at),
            Action::CloseType(body) => self.close_type(region.as_str(), body, at),
            Action::Recognise(terms) => self.recognise(region, terms, at),
            Action::Withdraw(body) => self.withdraw(region, body, at),
            Action::SetStatus(body) => self.set_status(&payload.actor, body, at),
            Action::FreezeSeries(series) => self.freeze_series(&payload.actor, *series, at),
            action @ (Action::OpenSeries(_)
            | Action::Issue(_)
            | Action::CloseSeries(_)
            | Action::Delegate(_)
            | Action::Evidence(_)) => Err(not_yours(&payload.actor, action)),
        }
    }

    /// The keyring that speaks for an actor at a block time; `None` where there is no such actor, or it is nobody.
    #[must_use]
    pub fn keyring_at(&self, actor: &Actor, time: UnixMillis) -> Option<&Keyring> {
        match actor {
            Actor::Region(region) => self.federation.region(region).map(|found| found.authority_at(time)),
            Actor::Domain(domain) => self.federation.domain(domain).map(|found| &found.keyring),
            Actor::Office(office) => self.office(office).map(|found| &found.keyring),
            Actor::Nobody => None,
        }
    }

    /// What holds for every record: chain, time, once only, the actor's signatures, and that its region is a member.
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
        let keyring = self.keyring_at(actor, at.time);
        if keyring.is_none() && *actor != Actor::Nobody {
            return Err(Rejection::UnknownActor(actor.clone()));
        }
        let max_hours = if keyring.is_some_and(|keyring| keyring.threshold() > 1) {
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
        let Some(keyring) = keyring else {
            // What proves itself is signed by nobody.
            let unsigned = record.envelope().signatures().is_empty();
            return if unsigned {
                Ok(())
            } else {
                Err(Rejection::TooManySignatures(actor.clone()))
            };
        };
        let checked = record.envelope().check(keyring);
        let items = checked.map_err(|error| Rejection::of_signatures(error, actor))?;
        if !signatures.all_hold(record, &items) {
            return Err(Rejection::ForgedSignature(actor.clone()));
        }
        match actor {
            Actor::Region(region) => self.check_member(region, at),
            // Offices of a region that another took over go on under that one.
            Actor::Office(office) => self.check_member(self.federation.holder_of(&office.region), at),
            Actor::Domain(_) | Actor::Nobody => Ok(()),
        }
    }

    /// That a region is a member, suspended or not.
    fn check_member(&self, region: &RegionId, at: &BlockContext) -> Result<(), Rejection> {
        let found = self.federation.region(region);
        if found.is_some_and(|found| found.is_member_at(at.height)) {
            return Ok(());
        }
        Err(Rejection::RegionNotInForce {
            region: region.clone(),
            standing: "removed",
        })
    }

    fn change_federation<T>(&mut self, change: impl FnOnce(&mut Federation) -> T) -> T {
        self.touched.insert(Entry::Federation);
        change(Arc::make_mut(&mut self.federation))
    }

    fn change_directory(&mut self, region: &RegionId, change: impl FnOnce(&mut Directory)) {
        // In place, so that a directory is copied once a block and not once a record.
        match self.directories.get_mut(region) {
            Some(directory) => change(Arc::make_mut(directory)),
            None => {
                let mut directory = Directory::default();
                change(&mut directory);
                self.directories.insert_mut(region.clone(), Arc::new(directory));
            }
        }
        self.touched.insert(Entry::Directory(region.clone()));
    }

    pub(super) fn put_status(&mut self, section: SectionName, series: SeriesId, status: SeriesStatus) {
        // In place: what the last block shares with this one is copied once a block and not once a record.
        match self.status.get_mut(&section) {
            Some(found) => found.put(series, status),
            None => {
                let mut found = StatusSection::default();
                found.put(series, status);
                self.status.insert_mut(section, found);
            }
        }
        self.touched.insert(Entry::SeriesStatus(series));
    }
}

fn not_yours(actor: &Actor, action: &Action) -> Rejection {
    Rejection::NotYours {
        actor: actor.clone(),
        action: action.name(),
    }
}
