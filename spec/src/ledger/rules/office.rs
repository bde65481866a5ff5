//! What an office may do.

use crate::id::{Number, OfficeId, SeriesId, TypeId};
use crate::ledger::{BlockContext, Entry, LedgerState, Outcome, Rejection, Series, SeriesPlace};
use crate::record::{Actor, Issue, MAX_BATCH, MAX_RANGES, NumberRange, OpenSeries, SetStatus, StatusChange};
use crate::status::{SeriesStatus, StatusKind};
use std::sync::Arc;

impl LedgerState {
    pub(super) fn open_series(
        &mut self,
        office: &OfficeId,
        body: &OpenSeries,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let kind: &TypeId = &body.of.id;
        if self.catalogue.get(&body.of).is_none() {
            return Err(Rejection::UnknownType(body.of.clone()));
        }
        let registered = self.office(office);
        if registered.is_none_or(|registered| registered.types.binary_search(kind).is_err()) {
            return Err(Rejection::OutOfScope {
                office: office.clone(),
                kind: kind.clone(),
            });
        }
        if let Some(series) = self.series_keys.get(&body.key) {
            return Err(Rejection::SeriesKeyInUse(*series));
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
        };
        Arc::make_mut(&mut self.federation).next_series = SeriesId(id.0.saturating_add(1));
        self.touched.insert(Entry::Federation);
        self.change_directory(&office.region, |directory| directory.series.push(series));
        self.series_keys.insert_mut(body.key, id);
        let section = place.section();
        self.series.insert_mut(id, place);
        self.put_status(section, id, SeriesStatus::default());
        Ok(Outcome::Opened(id))
    }

    pub(super) fn issue(&mut self, office: &OfficeId, body: &Issue) -> Result<Outcome, Rejection> {
        let (place, mut status) = self.series_of(office, body.series)?;
        if self
            .series(body.series)
            .is_some_and(|(_, series)| series.frozen.is_some())
        {
            return Err(Rejection::SeriesFrozen(body.series));
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
        office: &OfficeId,
        body: &SetStatus,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let (place, mut status) = self.series_of(office, body.series)?;
        check_ranges(&body.ranges)?;
        check_issued(body, &status)?;
        if let Some(effective) = body.effective
            && effective > at.time
        {
            return Err(Rejection::EffectiveInFuture(effective));
        }
        check_final(body, &status)?;
        let mut changed = false;
        for range in &body.ranges {
            changed |= match body.change {
                StatusChange::Set(kind) => status.insert(kind, range.first.0, range.count),
                StatusChange::Reinstate => status.remove(StatusKind::Suspended, range.first.0, range.count),
            };
        }
        if !changed {
            return Err(Rejection::NothingChanges);
        }
        self.put_status(place.section(), body.series, status);
        Ok(Outcome::Done)
    }

    pub(super) fn freeze_series(
        &mut self,
        office: &OfficeId,
        series: SeriesId,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        self.series_of(office, series)?;
        if self.series(series).is_some_and(|(_, series)| series.frozen.is_some()) {
            return Err(Rejection::SeriesFrozen(series));
        }
        let height = at.height;
        self.change_directory(&office.region, |directory| directory.freeze(series, height));
        Ok(Outcome::Done)
    }

    /// Place and status of a series, if it is this office's.
    fn series_of(&self, office: &OfficeId, id: SeriesId) -> Result<(SeriesPlace, SeriesStatus), Rejection> {
        let unknown = || Rejection::UnknownSeries(id);
        let (region, series) = self.series(id).ok_or_else(unknown)?;
        if *region != office.region || series.office != office.code {
            return Err(Rejection::SeriesNotYours {
                series: id,
                actor: Actor::Office(office.clone()),
            });
        }
        let place = self.series.get(&id).cloned().ok_or_else(unknown)?;
        let status = self.series_status(id).cloned().ok_or_else(unknown)?;
        Ok((place, status))
    }
}

fn check_ranges(ranges: &[NumberRange]) -> Result<(), Rejection> {
    let end = |range: &NumberRange| range.first.0.checked_add(range.count);
    let whole = ranges.iter().all(|range| range.count > 0 && end(range).is_some());
    let apart = ranges
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if end(a).is_some_and(|end| end < b.first.0)));
    if (1..=MAX_RANGES).contains(&ranges.len()) && whole && apart {
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
        StatusChange::Set(StatusKind::Annotated) => return Ok(()),
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
