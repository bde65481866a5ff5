//! Series and the status of their numbers.

use super::{Naive, Numbers, Verdict, must};
use concord_spec::id::{OfficeId, SeriesId};
use concord_spec::ledger::{BlockContext, Series};
use concord_spec::record::{Actor, Issue, NumberRange, OpenSeries, SetStatus, StatusChange};
use concord_spec::status::StatusKind;
use std::collections::{BTreeMap, BTreeSet};

const REVOKED: u64 = 1;
const ANNULLED: u64 = 2;
const SUSPENDED: u64 = 3;
const SUPERSEDED: u64 = 4;

impl Naive {
    pub(super) fn open(&mut self, office: &OfficeId, body: &OpenSeries, at: &BlockContext) -> Verdict {
        self.active(office, at)?;
        self.is_open(&body.of)?;
        must(self.issues(office, &body.of.id, at), "OUT_OF_SCOPE")?;
        must(
            !self.series.values().any(|(_, series)| series.key == body.key),
            "SERIES_KEY_IN_USE",
        )?;
        let id = SeriesId(self.next_series);
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
        self.next_series += 1;
        self.series.insert(id, (office.region.clone(), series));
        self.numbers.insert(id, Numbers::default());
        self.directory_fits(office)
    }

    /// Whose a series is at a height.
    pub(crate) fn holder_of_series(&self, id: SeriesId, height: u64) -> OfficeId {
        let (region, series) = &self.series[&id];
        self.in_place_of(&OfficeId::new(region.clone(), series.office.clone()), height)
    }

    fn holds(&self, office: &OfficeId, id: SeriesId, at: &BlockContext) -> Verdict {
        must(self.series.contains_key(&id), "UNKNOWN_SERIES")?;
        must(self.holder_of_series(id, at.height.0) == *office, "SERIES_NOT_YOURS")
    }

    pub(super) fn issue(&mut self, office: &OfficeId, body: &Issue, at: &BlockContext) -> Verdict {
        self.active(office, at)?;
        self.holds(office, body.series, at)?;
        let (_, series) = &self.series[&body.series];
        must(series.frozen.is_none(), "SERIES_FROZEN")?;
        must(series.closed.is_none(), "SERIES_CLOSED")?;
        self.is_open(&series.of)?;
        must(self.issues(office, &series.of.id, at), "OUT_OF_SCOPE")?;
        must((1..=4_096).contains(&body.count), "BATCH_SIZE")?;
        let numbers = self.numbers.get_mut(&body.series).unwrap();
        must(numbers.next == body.first.0, "NUMBER_GAP")?;
        numbers.next = numbers.next.checked_add(body.count).ok_or("NUMBERS_EXHAUSTED")?;
        Ok(())
    }

    pub(super) fn close(&mut self, office: &OfficeId, id: SeriesId, at: &BlockContext) -> Verdict {
        self.active(office, at)?;
        self.holds(office, id, at)?;
        let (_, series) = self.series.get_mut(&id).unwrap();
        must(series.closed.is_none(), "SERIES_CLOSED")?;
        series.closed = Some(at.height);
        Ok(())
    }

    /// Who may say something of the status of a series.
    fn speaks_for(&self, actor: &Actor, id: SeriesId, at: &BlockContext) -> Verdict {
        let (region, series) = self.series.get(&id).ok_or("UNKNOWN_SERIES")?;
        match actor {
            Actor::Office(office) => {
                self.active(office, at)?;
                self.holds(office, id, at)
            }
            Actor::Region(own) => must(self.holder(region) == *own, "SERIES_NOT_YOURS"),
            Actor::Domain(domain) => must(series.of.id.owner() == Some(domain.as_str()), "SERIES_NOT_YOURS"),
            Actor::Nobody => Err("SERIES_NOT_YOURS"),
        }
    }

    pub(super) fn freeze(&mut self, actor: &Actor, id: SeriesId, at: &BlockContext) -> Verdict {
        self.speaks_for(actor, id, at)?;
        let (_, series) = self.series.get_mut(&id).unwrap();
        must(series.frozen.is_none(), "SERIES_FROZEN")?;
        series.frozen = Some(at.height);
        Ok(())
    }

    pub(super) fn set_status(&mut self, actor: &Actor, body: &SetStatus, at: &BlockContext) -> Verdict {
        self.speaks_for(actor, body.series, at)?;
        let listed = listed(&body.ranges).ok_or("RANGES")?;
        let next = self.numbers[&body.series].next;
        must(listed.last().unwrap().1 <= next, "NOT_ISSUED")?;
        must(
            body.effective.is_none_or(|effective| effective <= at.time),
            "EFFECTIVE_IN_FUTURE",
        )?;
        if body.change == StatusChange::Restore {
            must(matches!(actor, Actor::Region(_)), "NOT_YOURS")?;
            must(body.detail.is_some(), "ORDER_MISSING")?;
        }
        self.is_followed(body, &listed)?;
        let numbers = self.numbers.get_mut(&body.series).unwrap();
        let each = || listed.iter().flat_map(|(first, end)| *first..*end);
        let is_in = |code: u64, number: u64| numbers.sets.get(&code).is_some_and(|set| set.contains(&number));
        let fixed = |number: u64| match body.change {
            StatusChange::Set(StatusKind::Suspended | StatusKind::Superseded) | StatusChange::Reinstate => {
                is_in(REVOKED, number) || is_in(ANNULLED, number)
            }
            StatusChange::Set(StatusKind::Revoked) => is_in(ANNULLED, number),
            StatusChange::Set(StatusKind::Annulled | StatusKind::Annotated) | StatusChange::Restore => false,
        };
        must(!each().any(fixed), "STATUS_FINAL")?;
        let mut changed = false;
        for number in each() {
            let sets = &mut numbers.sets;
            changed |= match body.change {
                StatusChange::Set(kind) => sets.entry(kind.code()).or_default().insert(number),
                StatusChange::Reinstate => take(sets, SUSPENDED, number),
                StatusChange::Restore => [REVOKED, ANNULLED, SUPERSEDED]
                    .map(|code| take(sets, code, number))
                    .contains(&true),
            };
        }
        must(changed, "NOTHING_CHANGES")
    }

    /// What is superseded, and nothing else, names as many issued numbers that are not its own.
    fn is_followed(&self, body: &SetStatus, listed: &[(u64, u64)]) -> Verdict {
        let supersedes = body.change == StatusChange::Set(StatusKind::Superseded);
        must(supersedes == body.successor.is_some(), "SUCCESSOR")?;
        let Some(successor) = body.successor else { return Ok(()) };
        let series = successor.first.series;
        let next = self.numbers.get(&series).ok_or("UNKNOWN_SERIES")?.next;
        let count: u64 = listed.iter().map(|(first, end)| end - first).sum();
        let first = successor.first.number.0;
        let end = first.saturating_add(count);
        must(end <= next, "SUCCESSOR")?;
        let meets = listed
            .iter()
            .any(|(from, until)| (*from).max(first) < (*until).min(end));
        must(!(series == body.series && meets), "SUCCESSOR")
    }
}

fn take(sets: &mut BTreeMap<u64, BTreeSet<u64>>, code: u64, number: u64) -> bool {
    sets.entry(code).or_default().remove(&number)
}

/// Ranges as first and end, where they ascend with gaps.
fn listed(ranges: &[NumberRange]) -> Option<Vec<(u64, u64)>> {
    let mut listed: Vec<(u64, u64)> = Vec::new();
    for range in ranges {
        let end = range.first.0.checked_add(range.count)?;
        let apart = listed.last().is_none_or(|(_, before)| *before < range.first.0);
        if range.count == 0 || !apart {
            return None;
        }
        listed.push((range.first.0, end));
    }
    let chunks = listed.iter().map(|(first, end)| (end - 1) / 4_096 - first / 4_096 + 1);
    let few = (1..=1_024).contains(&listed.len()) && chunks.sum::<u64>() <= 4_096;
    few.then_some(listed)
}
