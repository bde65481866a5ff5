//! `concord status`: status of credentials.

use super::access::{self, Passphrase};
use super::{Done, Failure, Shared, series, show};
use clap::{Args, Subcommand};
use concord_spec::id::{Number, OfficeId, SeriesId};
use concord_spec::record::{Action, MAX_RANGES, NumberRange, SetStatus, StatusChange};
use concord_spec::status::{Reason, StatusKind};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Set the status of credentials: the office's keyring signs
    Set(Set),
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The series
    series: SeriesId,
    /// Numbers and ranges of numbers, such as 3,7,10-12
    #[arg(value_name = "NUMBERS", value_parser = parse_ranges)]
    numbers: Ranges,
    #[command(flatten)]
    change: Change,
    /// Coarse public reason: penalty, cancelled, lapsed, deceit, issued-in-error, key-compromise, investigation, ...
    #[arg(long, value_name = "REASON", default_value = "unspecified")]
    reason: Reason,
    /// Key files of the office, as many as its keyring wants
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    office_key: Vec<PathBuf>,
    /// The charter, from a source you trust
    #[arg(long, value_name = "FILE")]
    charter: Option<PathBuf>,
    #[command(flatten)]
    passphrase: Passphrase,
}

/// What happens to them; exactly one.
#[derive(Debug, Clone, Copy, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Change {
    /// 吊销: no longer valid from now on; final
    #[arg(long)]
    revoke: bool,
    /// 撤销: void from the beginning; final
    #[arg(long)]
    annul: bool,
    /// 暂扣: not valid until reinstated
    #[arg(long)]
    suspend: bool,
    /// No longer suspended
    #[arg(long)]
    reinstate: bool,
    /// Another credential has taken its place
    #[arg(long)]
    supersede: bool,
}

impl Change {
    fn change(self) -> StatusChange {
        match self {
            Self { revoke: true, .. } => StatusChange::Set(StatusKind::Revoked),
            Self { annul: true, .. } => StatusChange::Set(StatusKind::Annulled),
            Self { suspend: true, .. } => StatusChange::Set(StatusKind::Suspended),
            Self { supersede: true, .. } => StatusChange::Set(StatusKind::Superseded),
            // The group makes one of them true.
            Self { .. } => StatusChange::Reinstate,
        }
    }
}

/// Ascending ranges with gaps between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<NumberRange>);

impl Ranges {
    fn count(&self) -> u64 {
        self.0.iter().map(|range| range.count).sum()
    }
}

/// Reads `3,7,10-12` in any order; what touches or overlaps becomes one range.
fn parse_ranges(text: &str) -> Result<Ranges, String> {
    let mut spans = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<Number>().map_err(|error| error.to_string());
        let (first, last) = (number(first)?.0, number(last)?.0);
        if last < first {
            return Err(format!("{part}: a range goes from the smaller number to the larger"));
        }
        spans.push((first, last));
    }
    spans.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for (first, last) in spans {
        match merged.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            Some(_) | None => merged.push((first, last)),
        }
    }
    if merged.len() > MAX_RANGES {
        return Err(format!("at most {MAX_RANGES} ranges at once"));
    }
    let range = |(first, last): &(u64, u64)| {
        let count = last.saturating_sub(*first).checked_add(1).ok_or("too many numbers")?;
        Ok(NumberRange {
            first: Number(*first),
            count,
        })
    };
    merged.iter().map(range).collect::<Result<_, String>>().map(Ranges)
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        match self {
            Self::Set(set) => set.run(shared),
        }
    }
}

impl Set {
    fn run(self, shared: &Shared) -> Done {
        let node = shared.node()?;
        let office_keys = self.passphrase.open_all(&self.office_key)?;
        let chain_id = access::charter(self.charter.as_deref(), &node)?.chain_id();
        let unknown = || Failure::Cannot(format!("series {} is not open", self.series));
        let open = node.series(self.series)?.ok_or_else(unknown)?;
        let office = OfficeId::new(open.region, open.office);
        let (change, count) = (self.change.change(), self.numbers.count());
        let action = Action::SetStatus(SetStatus {
            series: self.series,
            ranges: self.numbers.0,
            change,
            reason: self.reason,
            effective: None,
            detail: None,
            successor: None,
        });
        let record = series::by_office(&node, &chain_id, &office, &office_keys, action)?;
        let answer = access::record(&node, &record)?;
        let height = answer.height.map_or(0, |height| height.0);
        let words = format!("{count} of series {} {change} (block {height})", self.series);
        let object = json!({
            "series": self.series, "count": count, "change": change.to_string(), "height": height, "record": answer.id,
        });
        show::answer(shared, &words, &object)?;
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str) -> Vec<(u64, u64)> {
        parse_ranges(text)
            .unwrap()
            .0
            .iter()
            .map(|range| (range.first.0, range.count))
            .collect()
    }

    #[test]
    fn ranges_come_out_ascending_with_gaps_between_them() {
        assert_eq!(spans("3,7,10-12"), [(3, 1), (7, 1), (10, 3)]);
        assert_eq!(spans("10-12,3,4,11-20,3"), [(3, 2), (10, 11)]);
        assert_eq!(spans("0"), [(0, 1)]);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "3,", "5-3", "a", "-1", "1-2-3", "01", "0-18446744073709551615"] {
            assert!(parse_ranges(text).is_err(), "{text}");
        }
    }
}
