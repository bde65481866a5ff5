//! Series and the status of what they hold: the office's, and of those who supervise it.

use crate::id::{CredentialId, Number, OfficeId, SeriesId, TypeId};
use crate::ledger::{BlockContext, LedgerState, Outcome, Rejection, Series, SeriesPlace, shares, standing};
use crate::record::{
    Actor, Issue, MAX_BATCH, MAX_RANGES, MAX_RECORD_CHUNKS, NumberRange, OpenSeries, SetStatus, StatusChange, Successor,
};
use crate::status::{SeriesStatus, StatusKind};

impl LedgerState {
    pub(super) fn open_series(
        &mut self,
        office: &OfficeId,
        body: &OpenSeries,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let kind: &TypeId = &body.of.id;
        self.active(office, at)?;
        self.check_open(&body.of)?;
        self.check_issues(office, kind, at)?;
        if let Some(series) = self.series_keys.get(&body.key) {
            return Err(Rejection::SeriesKeyInUse(*series));
        }
        let branch = self.branch(office);
        self.check_directory_room(&office.region, branch.as_ref(), shares::SERIES)?;
        if let Some(branch) = branch {
            self.derived.charge(&branch, shares::SERIES);
        }
        let id = self.federation.next_series;
        let place = SeriesPlace {
            region: office.region.clone(),
            kind: kind.clone(),
        };
        let series = Series {
            id,
            office: office.code.clone(),
            of: body.of.clone(),
            desk: body.desk.clone(),
            key: body.key,
            since: at.height,
            frozen: None,
            closed: None,
        };
        self.change_federation(|federation| federation.next_series = SeriesId(id.0.saturating_add(1)));
        self.change_directory(&office.region, |directory| directory.series.push(series));
        self.series_keys.insert_mut(body.key, id);
        let section = place.section();
        self.series.insert_mut(id, place);
        self.put_status(section, id, SeriesStatus::default());
        Ok(Outcome::Opened(id))
    }

    pub(super) fn issue(&mut self, office: &OfficeId, body: &Issue, at: &BlockContext) -> Result<Outcome, Rejection> {
        self.active(office, at)?;
        let (place, mut status) = self.series_of(office, body.series, at)?;
        if let Some((_, series)) = self.series(body.series) {
            if series.frozen.is_some() {
                return Err(Rejection::SeriesFrozen(body.series));
            }
            if series.closed.is_some() {
                return Err(Rejection::SeriesClosed(body.series));
            }
            self.check_open(&series.of)?;
            self.check_issues(office, &series.of.id, at)?;
        }
        if body.count == 0 || body.count > MAX_BATCH {
            return Err(Rejection::BatchSize { got: body.count });
        }
        let expected = Number(status.next);
        if body.first != expected {
            return Err(Rejection::NumberGap {
                series: body.series,
                expected,
                got: body.first,
            });
        }
        let next = status.next.checked_add(body.count);
        status.next = next.ok_or(Rejection::NumbersExhausted(body.series))?;
        self.put_status(place.section(), body.series, status);
        Ok(Outcome::Done)
    }

    pub(super) fn set_status(
        &mut self,
        actor: &Actor,
        body: &SetStatus,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let (place, mut status) = self.supervised(actor, body.series, at)?;
        check_ranges(body)?;
        check_issued(body, &status)?;
        if let Some(effective) = body.effective
            && effective > at.time
        {
            return Err(Rejection::EffectiveInFuture(effective));
        }
        if body.change == StatusChange::Restore {
            // A court or a review undid it: only the region says so, and by which order.
            if !matches!(actor, Actor::Region(_)) {
                return Err(Rejection::NotYours {
                    actor: actor.clone(),
                    action: "restore",
                });
            }
            if body.detail.is_none() {
                return Err(Rejection::OrderMissing);
            }
        }
        self.check_successor(body)?;
        check_final(body, &status)?;
        let mut changed = false;
        for range in &body.ranges {
            changed |= change_range(&mut status, body.change, range);
        }
        if !changed {
            return Err(Rejection::NothingChanges);
        }
        self.put_status(place.section(), body.series, status);
        Ok(Outcome::Done)
    }

    /// What supersedes is named exactly where something is superseded, is issued, and is not what it supersedes.
    fn check_successor(&self, body: &SetStatus) -> Result<(), Rejection> {
        let superseded = body.change == StatusChange::Set(StatusKind::Superseded);
        let Successor { first, .. } = match body.successor {
            None if superseded => return Err(Rejection::Successor("name the credential that takes the place")),
            None => return Ok(()),
            Some(_) if !superseded => return Err(Rejection::Successor("only what is superseded has one")),
            Some(successor) => successor,
        };
        let CredentialId { series, number } = first;
        let status = self.series_status(series).ok_or(Rejection::UnknownSeries(series))?;
        let count = body
            .ranges
            .iter()
            .fold(0_u64, |sum, range| sum.saturating_add(range.count));
        let end = number.0.saturating_add(count);
        if end > status.next {
            return Err(Rejection::Successor("it is not issued yet"));
        }
        let meets = |range: &NumberRange| range.first.0 < end && number.0 < range.first.0.saturating_add(range.count);
        if series == body.series && body.ranges.iter().any(meets) {
            return Err(Rejection::Successor("a credential cannot take its own place"));
        }
        Ok(())
    }

    pub(super) fn freeze_series(
        &mut self,
        actor: &Actor,
        series: SeriesId,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let (place, _) = self.supervised(actor, series, at)?;
        if self.series(series).is_some_and(|(_, series)| series.frozen.is_some()) {
            return Err(Rejection::SeriesFrozen(series));
        }
        self.change_series(&place, series, |series| series.frozen = Some(at.height));
        Ok(Outcome::Done)
    }

    pub(super) fn close_series(
        &mut self,
        office: &OfficeId,
        series: SeriesId,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        self.active(office, at)?;
        let (place, _) = self.series_of(office, series, at)?;
        if self.series(series).is_some_and(|(_, series)| series.closed.is_some()) {
            return Err(Rejection::SeriesClosed(series));
        }
        self.change_series(&place, series, |series| series.closed = Some(at.height));
        Ok(Outcome::Done)
    }

    fn change_series(&mut self, place: &SeriesPlace, id: SeriesId, change: impl FnOnce(&mut Series)) {
        self.change_directory(&place.region, |directory| {
            if let Some(series) = directory.series_mut(id) {
                change(series);
            }
        });
    }

    /// That an office may issue a type now.
    fn check_issues(&self, office: &OfficeId, kind: &TypeId, at: &BlockContext) -> Result<(), Rejection> {
        // Asked for only where the type is not in the office's own scope.
        let lenders = std::iter::once_with(|| self.derived.lenders_of(office, kind)).flatten();
        let lenders = lenders.filter(|(_, until)| *until >= at.time).map(|(from, _)| from);
        match standing::issues_for(self, office, kind, lenders, at.height) {
            Some(_) => Ok(()),
            None => Err(Rejection::OutOfScope {
                office: office.clone(),
                kind: kind.clone(),
            }),
        }
    }

    /// Place and status of a series, if this office holds it.
    fn series_of(
        &self,
        office: &OfficeId,
        id: SeriesId,
        at: &BlockContext,
    ) -> Result<(SeriesPlace, SeriesStatus), Rejection> {
        let unknown = || Rejection::UnknownSeries(id);
        let (region, series) = self.series(id).ok_or_else(unknown)?;
        if standing::series_holder_at(self, region, series, at.height) != *office {
            return Err(Rejection::SeriesNotYours {
                series: id,
                actor: Actor::Office(office.clone()),
            });
        }
        self.place_and_status(id)
    }

    /// Place and status of a series, if it is this actor's or under its supervision.
    fn supervised(
        &self,
        actor: &Actor,
        id: SeriesId,
        at: &BlockContext,
    ) -> Result<(SeriesPlace, SeriesStatus), Rejection> {
        let (region, series) = self.series(id).ok_or(Rejection::UnknownSeries(id))?;
        let supervises = match actor {
            Actor::Office(office) => {
                self.active(office, at)?;
                return self.series_of(office, id, at);
            }
            Actor::Region(supervisor) => self.federation.holder_of(region) == supervisor,
            Actor::Domain(domain) => series.of.id.owner() == Some(domain.as_str()),
            Actor::Nobody => false,
        };
        if supervises {
            return self.place_and_status(id);
        }
        Err(Rejection::SeriesNotYours {
            series: id,
            actor: actor.clone(),
        })
    }

    fn place_and_status(&self, id: SeriesId) -> Result<(SeriesPlace, SeriesStatus), Rejection> {
        let unknown = || Rejection::UnknownSeries(id);
        let place = self.series.get(&id).cloned().ok_or_else(unknown)?;
        let status = self.series_status(id).cloned().ok_or_else(unknown)?;
        Ok((place, status))
    }
}

/// What a restoration takes back.
pub(in crate::ledger) const RESTORED: [StatusKind; 3] =
    [StatusKind::Revoked, StatusKind::Annulled, StatusKind::Superseded];

fn change_range(status: &mut SeriesStatus, change: StatusChange, range: &NumberRange) -> bool {
    let (first, count) = (range.first.0, range.count);
    match change {
        StatusChange::Set(kind) => status.insert(kind, first, count),
        StatusChange::Reinstate => status.remove(StatusKind::Suspended, first, count),
        StatusChange::Restore => {
            let removed = RESTORED.map(|kind| status.remove(kind, first, count));
            removed.contains(&true)
        }
    }
}

fn check_ranges(body: &SetStatus) -> Result<(), Rejection> {
    let ranges = &body.ranges;
    let end = |range: &NumberRange| range.first.0.checked_add(range.count);
    let whole = ranges.iter().all(|range| range.count > 0 && end(range).is_some());
    let apart = ranges
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if end(a).is_some_and(|end| end < b.first.0)));
    let few = (1..=MAX_RANGES).contains(&ranges.len()) && body.chunks() <= MAX_RECORD_CHUNKS;
    if few && whole && apart {
        Ok(())
    } else {
        Err(Rejection::Ranges)
    }
}

fn check_issued(body: &SetStatus, status: &SeriesStatus) -> Result<(), Rejection> {
    let Some(last) = body.ranges.last() else {
        return Err(Rejection::Ranges);
    };
    if last.first.0.saturating_add(last.count) <= status.next {
        return Ok(());
    }
    Err(Rejection::NotIssued {
        series: body.series,
        number: Number(last.first.0.max(status.next)),
    })
}

/// What is revoked or annulled stays so; it may only be annotated, and a revoked one annulled.
fn check_final(body: &SetStatus, status: &SeriesStatus) -> Result<(), Rejection> {
    let finals: &[StatusKind] = match body.change {
        StatusChange::Set(StatusKind::Annotated) | StatusChange::Restore => return Ok(()),
        StatusChange::Set(StatusKind::Annulled | StatusKind::Revoked) => &[StatusKind::Annulled],
        StatusChange::Set(StatusKind::Suspended | StatusKind::Superseded) | StatusChange::Reinstate => {
            &[StatusKind::Annulled, StatusKind::Revoked]
        }
    };
    for range in &body.ranges {
        for kind in finals {
            if let Some(number) = status.first_in(*kind, range.first.0, range.count) {
                // Annulling again what is annulled changes nothing, and is told so.
                if body.change == StatusChange::Set(*kind) {
                    continue;
                }
                return Err(Rejection::StatusFinal {
                    series: body.series,
                    number: Number(number),
                });
            }
        }
    }
    Ok(())
}
