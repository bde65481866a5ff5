//! The history of one credential, as a replay shows it: what was recorded of it and of its series, up to a time.

use super::Observer;
use concord_spec::block::Block;
use concord_spec::digest::Digest;
use concord_spec::id::{CredentialId, Height, Number, UnixMillis};
use concord_spec::ledger::{LedgerState, Outcome, Tip, standing};
use concord_spec::record::{Action, NumberRange, RecordId, SignedRecord};
use concord_spec::status::{Reason, Standing};
use serde::Serialize;
use std::ops::ControlFlow;

/// A record that led to the status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chapter {
    /// Its block.
    pub height: Height,
    /// Time of the block.
    pub time_ms: UnixMillis,
    /// Position in the block.
    pub index: usize,
    /// The record.
    pub record: RecordId,
    /// In whose name.
    pub actor: String,
    /// What it did, such as `issue`.
    pub action: &'static str,
    /// What happened to the number, such as `revoked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// The coarse public reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// From when it counts, as the record says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_ms: Option<UnixMillis>,
    /// Salted digest of the detailed reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Digest>,
    /// What took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
}

/// Up to when.
#[derive(Debug, Clone, Copy)]
enum Until {
    Time(UnixMillis),
    /// The end of a day in the issuing office's zone: the time at which it ends for an office without offset.
    Day(UnixMillis),
}

/// Follows one credential through a replay.
#[derive(Debug)]
pub struct History {
    credential: CredentialId,
    until: Until,
    chapters: Vec<Chapter>,
    standing: Standing,
    annotated: bool,
    frozen: bool,
    as_of: Option<Tip>,
}

impl History {
    /// The history of a credential up to a time.
    #[must_use]
    pub fn until(credential: CredentialId, time: UnixMillis) -> Self {
        Self::new(credential, Until::Time(time))
    }

    /// Up to the end of a day in the zone of the office that holds its series, given when the day ends in UTC.
    #[must_use]
    pub fn until_end_of_day(credential: CredentialId, ends_in_utc: UnixMillis) -> Self {
        Self::new(credential, Until::Day(ends_in_utc))
    }

    fn new(credential: CredentialId, until: Until) -> Self {
        Self {
            credential,
            until,
            chapters: Vec::new(),
            standing: Standing::NotIssued,
            annotated: false,
            frozen: false,
            as_of: None,
        }
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether something was noted on it.
    #[must_use]
    pub fn is_annotated(&self) -> bool {
        self.annotated
    }

    /// Whether its series was frozen.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// The records that led to it, in order.
    #[must_use]
    pub fn chapters(&self) -> &[Chapter] {
        &self.chapters
    }

    /// The last block at or before the time; `None`: there was none yet.
    #[must_use]
    pub fn as_of(&self) -> Option<&Tip> {
        self.as_of.as_ref()
    }

    fn ends(&self, state: &LedgerState) -> UnixMillis {
        match self.until {
            Until::Time(time) => time,
            Until::Day(ends) => {
                let series = state.series(self.credential.series);
                let holder = series
                    .map(|(region, series)| standing::series_holder_at(state, region, series, state.tip().height));
                let office = holder.and_then(|holder| state.office(&holder));
                let offset = office.map_or(0, |office| office.utc_offset_minutes);
                // A day begins, and so ends, earlier in the east.
                UnixMillis(ends.0.saturating_add_signed(offset.saturating_mul(-60_000)))
            }
        }
    }

    /// What a record is to the credential, if it is anything.
    fn chapter(&self, state: &LedgerState, record: &SignedRecord) -> Option<Chapter> {
        let payload = record.payload();
        let mut chapter = Chapter {
            height: state.tip().height,
            time_ms: state.tip().time,
            index: 0,
            record: record.id(),
            actor: payload.actor.to_string(),
            action: payload.action.name(),
            change: None,
            reason: None,
            effective_ms: None,
            detail: None,
            successor: None,
        };
        let series = self.credential.series;
        if let Action::OpenSeries(_) = payload.action {
            return (state.outcome_of(record) == Outcome::Opened(series)).then_some(chapter);
        }
        if payload.action.series() != Some(series) {
            return None;
        }
        if let Action::Issue(issue) = &payload.action
            && !within(issue.first, issue.count, self.credential.number)
        {
            return None;
        }
        if let Action::SetStatus(body) = &payload.action {
            let holds = |range: &NumberRange| within(range.first, range.count, self.credential.number);
            if !body.ranges.iter().any(holds) {
                return None;
            }
            chapter.change = Some(body.change.to_string());
            chapter.reason = Some(body.reason);
            chapter.effective_ms = body.effective;
            chapter.detail = body.detail;
            chapter.successor = body.successor.and_then(|successor| {
                let before = body
                    .ranges
                    .iter()
                    .map(|range| before(range, self.credential.number))
                    .sum::<u64>();
                let number = Number(successor.first.number.0.checked_add(before)?);
                let series = successor.first.series;
                Some(CredentialId { series, number }.to_string())
            });
        }
        Some(chapter)
    }
}

fn within(first: Number, count: u64, number: Number) -> bool {
    number.0.checked_sub(first.0).is_some_and(|place| place < count)
}

/// How many numbers of a range come before one.
fn before(range: &NumberRange, number: Number) -> u64 {
    number.0.saturating_sub(range.first.0).min(range.count)
}

impl Observer for History {
    fn before(&mut self, block: &Block, state: &LedgerState) -> ControlFlow<()> {
        if block.header.time > self.ends(state) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn after(&mut self, block: &Block, state: &LedgerState) {
        for (index, record) in block.records.iter().enumerate() {
            if let Some(chapter) = self.chapter(state, record) {
                self.chapters.push(Chapter { index, ..chapter });
            }
        }
        if let Some(status) = state.series_status(self.credential.series) {
            self.standing = status.standing(self.credential.number.0);
            self.annotated = status.is_annotated(self.credential.number.0);
        }
        let series = state.series(self.credential.series);
        self.frozen = series.is_some_and(|(_, series)| series.frozen.is_some());
        self.as_of = Some(state.tip().clone());
    }
}
