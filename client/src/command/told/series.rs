//! What is said of series and credentials.

use super::Told;
use crate::command::show;
use concord_spec::content::Relation;
use concord_spec::id::Number;
use concord_spec::record::{Issue, NumberRange, OpenSeries, SetStatus, StatusChange};
use concord_spec::status::StatusKind;

pub(super) fn open(body: &OpenSeries) -> Told {
    Told::new(format!("opens a series of {} for desk {}", body.of, body.desk)).with("series key", body.key)
}

/// Numbers as people write them: `3`, or `3 to 7`.
pub(crate) fn numbers(range: NumberRange) -> String {
    let last = Number(range.first.0.saturating_add(range.count).saturating_sub(1));
    if last == range.first {
        range.first.to_string()
    } else {
        format!("{} to {last}", range.first)
    }
}

pub(super) fn issue(body: &Issue) -> Told {
    let range = NumberRange {
        first: body.first,
        count: body.count,
    };
    Told::new(format!(
        "issues {} credentials of series {}: numbers {}",
        body.count,
        body.series,
        numbers(range)
    ))
    .with("batch root", body.root)
}

/// What a relation is called.
pub(crate) fn relation(relation: Relation) -> &'static str {
    match relation {
        Relation::Renews => "renews",
        Relation::Replaces => "replaces",
        Relation::Corrects => "corrects",
        Relation::Duplicates => "duplicates",
        Relation::Transfers => "transfers",
    }
}

/// What happens to numbers, as a verb.
pub(crate) fn verb(change: StatusChange) -> &'static str {
    match change {
        StatusChange::Set(StatusKind::Revoked) => "revokes, for good,",
        StatusChange::Set(StatusKind::Annulled) => "annuls from the beginning, for good,",
        StatusChange::Set(StatusKind::Suspended) => "suspends",
        StatusChange::Set(StatusKind::Superseded) => "marks as superseded",
        StatusChange::Set(StatusKind::Annotated) => "annotates",
        StatusChange::Reinstate => "reinstates (no longer suspended)",
        StatusChange::Restore => "restores by order (no longer revoked, annulled or superseded)",
    }
}

pub(super) fn set_status(body: &SetStatus) -> Told {
    let count = body
        .ranges
        .iter()
        .fold(0_u64, |sum, range| sum.saturating_add(range.count));
    let ranges: Vec<String> = body.ranges.iter().map(|range| numbers(*range)).collect();
    let noun = if count == 1 { "credential" } else { "credentials" };
    let mut told = Told::new(format!(
        "{} {count} {noun} of series {}: numbers {}; reason {}",
        verb(body.change),
        body.series,
        ranges.join(", "),
        body.reason
    ));
    if let Some(time) = body.effective {
        told.put("effective", show::time(time));
    }
    if let Some(digest) = &body.detail {
        let what = match body.change {
            StatusChange::Restore => "order",
            StatusChange::Set(StatusKind::Annotated) => "annotation",
            StatusChange::Set(
                StatusKind::Revoked | StatusKind::Annulled | StatusKind::Suspended | StatusKind::Superseded,
            )
            | StatusChange::Reinstate => "detail",
        };
        told.put(what, digest);
    }
    if let Some(successor) = body.successor {
        told.put(
            "successor",
            format!(
                "{}, which {} the first; those of the others follow it",
                successor.first,
                relation(successor.relation)
            ),
        );
    }
    told
}
