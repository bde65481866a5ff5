//! `concord status`: status of credentials.

mod detail;
pub(crate) mod proof;
mod reasons;

use super::signing::{Signing, Supervisor};
use super::{Done, Failure, Shared, show, told};
use clap::{Args, Subcommand, ValueEnum};
use concord_spec::content::Relation;
use concord_spec::digest::Digest;
use concord_spec::id::{CredentialId, Number, SeriesId, UnixMillis};
use concord_spec::record::{Action, Actor, MAX_RANGES, NumberRange, SetStatus, StatusChange, Successor};
use concord_spec::status::{Reason, StatusKind};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Set the status of credentials
    ///
    /// The office that holds the series signs; or, as supervisor, its region (--region-key) or the type's domain authority
    /// (--domain). Revoking and annulling are final, but for --restore, which is the region's alone.
    Set(Box<Set>),
    /// Take along how a credential stands today: a proof for verifiers whose data are older, as a file or in a code
    Proof(proof::Proof),
    /// The public reasons, and the life-cycle codes (GB) that a status with each has
    Reasons,
    /// Say whether a text is the one whose salted digest stands on the ledger
    Check {
        /// The file that `status set --detail` wrote: salt and text; or, with --salt, the text alone
        file: PathBuf,
        /// The salt that `status set` printed, 32 hexadecimal digits
        #[arg(long, value_name = "SALT")]
        salt: Option<String>,
        /// The digest that stands in the record
        #[arg(value_name = "DIGEST")]
        digest: Digest,
    },
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
    /// Coarse public reason, see `concord status reasons`: unspecified, penalty, cancelled, lapsed, deceit, issued-in-error,
    /// key-compromise, investigation, replaced, transferred-out, court, lost
    #[arg(long, value_name = "REASON", default_value = "unspecified")]
    reason: Reason,
    /// From when it counts (RFC 3339 or a day, YYYY-MM-DD in UTC), informative, not in the future
    #[arg(long, value_name = "TIME", value_parser = parse_effective)]
    effective: Option<UnixMillis>,
    /// With --supersede: the credential that takes the place of the first number; those of the others follow it
    #[arg(long, value_name = "SERIES-NUMBER", requires = "supersede")]
    successor: Option<CredentialId>,
    /// With --supersede: what the successor is to it
    #[arg(long, value_name = "RELATION", default_value = "replaces", requires = "supersede")]
    relation: RelationName,
    /// File with the detailed reason; the ledger gets only its digest with a random salt, which is written beside it as
    /// FILE.salted: keep that to be able to show it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["detail_text", "order_file", "order_digest", "annotate"])]
    detail: Option<PathBuf>,
    /// The detailed reason; its salt is printed: keep it with the text to be able to show it
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["order_file", "order_digest", "annotate"])]
    detail_text: Option<String>,
    /// With --restore: the file of the court's or review's order; a salted digest goes into the record, as with --detail
    #[arg(long, value_name = "FILE", requires = "restore", conflicts_with = "order_digest")]
    order_file: Option<PathBuf>,
    /// With --restore: the digest of the order that somebody else keeps, 64 hexadecimal digits
    #[arg(long, value_name = "DIGEST", requires = "restore")]
    order_digest: Option<Digest>,
    /// The journal of the series: what the office itself says here is then known to `concord watch`
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    #[command(flatten)]
    who: Supervisor,
    #[command(flatten)]
    signing: Signing,
}

/// What happens to them; exactly one.
#[derive(Debug, Clone, Args)]
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
    /// 更替: another credential has taken its place (--successor, --relation)
    #[arg(long, requires = "successor")]
    supersede: bool,
    /// A court or a review undid a revocation, annulment or supersession: the region alone, with --order-file or --order-digest
    #[arg(long)]
    restore: bool,
    /// 加注: note something on it; the text of the note goes in as a salted digest, as with --detail-text
    #[arg(long, value_name = "TEXT")]
    annotate: Option<String>,
}

impl Change {
    fn change(&self) -> StatusChange {
        match self {
            Self { revoke: true, .. } => StatusChange::Set(StatusKind::Revoked),
            Self { annul: true, .. } => StatusChange::Set(StatusKind::Annulled),
            Self { suspend: true, .. } => StatusChange::Set(StatusKind::Suspended),
            Self { supersede: true, .. } => StatusChange::Set(StatusKind::Superseded),
            Self { restore: true, .. } => StatusChange::Restore,
            Self { annotate: Some(_), .. } => StatusChange::Set(StatusKind::Annotated),
            // The group makes one of them true.
            Self { .. } => StatusChange::Reinstate,
        }
    }
}

/// What a credential is to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RelationName {
    /// A new term of the same
    Renews,
    /// In place of one lost or damaged
    Replaces,
    /// Puts an error right
    Corrects,
    /// A further copy
    Duplicates,
    /// Moved from another region
    Transfers,
}

impl From<RelationName> for Relation {
    fn from(name: RelationName) -> Self {
        match name {
            RelationName::Renews => Self::Renews,
            RelationName::Replaces => Self::Replaces,
            RelationName::Corrects => Self::Corrects,
            RelationName::Duplicates => Self::Duplicates,
            RelationName::Transfers => Self::Transfers,
        }
    }
}

/// A time, or a day's beginning in UTC.
fn parse_effective(text: &str) -> Result<UnixMillis, String> {
    if text.len() == 10 {
        return show::parse_time(&format!("{text}T00:00:00Z"));
    }
    show::parse_time(text)
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
            Self::Proof(proof) => proof.run(shared),
            Self::Reasons => reasons::run(shared),
            Self::Check { file, salt, digest } => detail::check(shared, &file, salt.as_deref(), &digest),
        }
    }
}

impl Set {
    /// The digest that goes into the record, with what must be kept to show what it is of.
    fn digest(&self) -> Result<Option<detail::Kept>, Failure> {
        let text = self.detail_text.as_ref().or(self.change.annotate.as_ref());
        match (&self.detail, text, &self.order_file, self.order_digest) {
            (Some(file), _, _, _) => detail::of_file(file).map(Some),
            (None, Some(text), _, _) => Ok(Some(detail::of_text(text))),
            (None, None, Some(file), _) => detail::of_order(file).map(Some),
            (None, None, None, Some(digest)) => Ok(Some(detail::Kept::digest(digest))),
            (None, None, None, None) if self.change.restore => Err(Failure::Usage(
                "a restoration follows an order: give --order-file FILE or --order-digest DIGEST".to_owned(),
            )),
            (None, None, None, None) => Ok(None),
        }
    }

    fn run(self, shared: &Shared) -> Done {
        let change = self.change.change();
        let mut ledger = self.signing.ledger(shared)?;
        let (_, _, holder) = ledger.series(self.series)?;
        let speaker = self.who.speaker(&ledger, holder, &self.signing)?;
        if change == StatusChange::Restore && !matches!(speaker.actor, Actor::Region(_)) {
            let words = "only the region restores: give --region-key FILE, or --region REGION with --out FILE.record";
            return Err(Failure::Usage(words.to_owned()));
        }
        let kept = self.digest()?;
        let count = self.numbers.count();
        let successor = self.successor.map(|first| Successor {
            first,
            relation: self.relation.into(),
        });
        let action = Action::SetStatus(SetStatus {
            series: self.series,
            ranges: self.numbers.0,
            change,
            reason: self.reason,
            effective: self.effective,
            detail: kept.as_ref().map(|kept| kept.digest),
            successor,
        });
        if let Some(kept) = &kept {
            kept.keep()?;
        }
        let words = format!("{count} of series {} {change} by {}", self.series, speaker.actor);
        let object = json!({
            "series": self.series, "count": count, "change": change.to_string(), "by": speaker.actor.to_string(),
            "does": told::sentence(&action), "detail": kept.as_ref().map(|kept| kept.object()),
        });
        let journal = self.journal.as_deref();
        self.signing
            .act_known(shared, &ledger, &speaker, action, journal, |_| Ok((words, object)))
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
