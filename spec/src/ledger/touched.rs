//! What a block touched: enough to say, from the state at a later height alone, how it differs from the state before.
//! Not here: deltas, which are made of it (`bundle::delta`); the node keeps it by height.

use super::rules::RESTORED;
use super::{LedgerState, SectionName, sections::MAX_ENTRIES};
use crate::block::Block;
use crate::codec::fields::wire_array;
use crate::id::SeriesId;
use crate::record::{Action, StatusChange};
use crate::status::StatusKind;
use std::collections::{BTreeMap, BTreeSet};

/// Most bytes of what a block touched: its 4 MiB may name 1.4 million ranges, each of which may touch three sets.
pub const MAX_TOUCHED: usize = 48 << 20;
/// Most numbers' ranges that a block touched.
const MAX_NUMBERS: usize = 1 << 23;

/// Numbers of a series that a block put into a set or took out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TouchedNumbers {
    /// The series.
    pub series: SeriesId,
    /// The set.
    pub kind: StatusKind,
    /// The first number.
    pub first: u64,
    /// How many.
    pub count: u64,
}
wire_array!(TouchedNumbers {
    series,
    kind,
    first,
    count
});

/// What a block touched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Touched {
    /// Sections, ascending.
    pub sections: Vec<SectionName>,
    /// Series whose status it touched, ascending.
    pub series: Vec<SeriesId>,
    /// Numbers, in the order of the records.
    pub numbers: Vec<TouchedNumbers>,
}
wire_array!(Touched version 1 "touched" {
    sections: list(MAX_ENTRIES),
    series: list(MAX_ENTRIES),
    numbers: list(MAX_NUMBERS),
});

impl LedgerState {
    /// What the last block touched, which must be `block`.
    #[must_use]
    pub fn touched_by(&self, block: &Block) -> Touched {
        let sections: BTreeSet<SectionName> = self.touched.iter().filter_map(|entry| self.section_of(entry)).collect();
        let series = self.touched.iter().filter_map(|entry| match entry {
            super::Entry::SeriesStatus(series) => Some(*series),
            super::Entry::Tip
            | super::Entry::Federation
            | super::Entry::Catalogue
            | super::Entry::Directory(_)
            | super::Entry::Recent(..)
            | super::Entry::Recognition => None,
        });
        let mut numbers = Vec::new();
        for record in &block.records {
            let Action::SetStatus(body) = &record.payload().action else {
                continue;
            };
            for kind in kinds(body.change) {
                numbers.extend(body.ranges.iter().map(|range| TouchedNumbers {
                    series: body.series,
                    kind: *kind,
                    first: range.first.0,
                    count: range.count,
                }));
            }
        }
        Touched {
            series: series.collect(),
            sections: sections.into_iter().collect(),
            numbers,
        }
    }
}

/// The sets that a change can touch.
fn kinds(change: StatusChange) -> &'static [StatusKind] {
    match change {
        StatusChange::Set(StatusKind::Revoked) => &[StatusKind::Revoked],
        StatusChange::Set(StatusKind::Annulled) => &[StatusKind::Annulled],
        StatusChange::Set(StatusKind::Suspended) | StatusChange::Reinstate => &[StatusKind::Suspended],
        StatusChange::Set(StatusKind::Superseded) => &[StatusKind::Superseded],
        StatusChange::Set(StatusKind::Annotated) => &[StatusKind::Annotated],
        StatusChange::Restore => &RESTORED,
    }
}

/// What several blocks touched together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Sections.
    pub sections: BTreeSet<SectionName>,
    /// Series whose status was touched, with the numbers (kind, first, count).
    pub series: BTreeMap<SeriesId, Vec<(StatusKind, u64, u64)>>,
}

impl Changes {
    /// Adds what a block touched.
    pub fn add(&mut self, touched: Touched) {
        self.sections.extend(touched.sections);
        for series in touched.series {
            self.series.entry(series).or_default();
        }
        for one in touched.numbers {
            let numbers = self.series.entry(one.series).or_default();
            numbers.push((one.kind, one.first, one.count));
        }
    }
}
