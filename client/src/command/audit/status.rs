//! `concord audit status`: the status of one credential as of a date, and the records that led to it.

use super::{Place, clean};
use crate::command::{Done, Failure, Shared, show};
use clap::Args;
use concord_client::audit::{Audit, Chapter, History};
use concord_spec::day::Day;
use concord_spec::id::{CredentialId, UnixMillis};
use concord_spec::status::Standing;
use serde_json::json;

/// The status of one credential as of a date, by replay, with the records that led to it
///
/// The ledger is audited from its charter up to that date; a difference before it is told instead of a status. Receipts and legal
/// dates are not looked at: that is for `concord verify`.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// The credential, written series-number
    #[arg(value_name = "SERIES-NUMBER")]
    credential: CredentialId,
    /// As of when: a time (RFC 3339), or a day (YYYY-MM-DD), which is then over in the zone of the issuing office
    #[arg(long, value_name = "DATE")]
    at: At,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Time(UnixMillis),
    /// When the day ends in UTC.
    Day(UnixMillis),
}

impl std::str::FromStr for At {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(day) = text.parse::<Day>() {
            let ends = u64::try_from(day.ends_at(0)).map_err(|_| "a day before 1970".to_owned())?;
            return Ok(Self::Day(UnixMillis(ends.saturating_mul(1_000).saturating_add(999))));
        }
        show::parse_time(text).map(Self::Time)
    }
}

impl Status {
    pub(super) fn run(self, shared: &Shared) -> Done {
        let (source, charter) = self.place.open(shared)?;
        let audit = Audit {
            charter,
            source,
            to: None,
            checkpoint: None,
            restart: true,
        };
        let mut history = match self.at {
            At::Time(time) => History::until(self.credential, time),
            At::Day(ends) => History::until_end_of_day(self.credential, ends),
        };
        clean(audit.run(&mut history)?)?;
        let Some(as_of) = history.as_of().cloned() else {
            return Err(Failure::Cannot("the ledger had no block yet at that time".to_owned()));
        };
        let standing = name(history.standing());
        let object = json!({
            "credential": self.credential.to_string(), "status": standing, "annotated": history.is_annotated(),
            "series_frozen": history.is_frozen(), "height": as_of.height, "time_ms": as_of.time, "hash": as_of.hash,
            "records": history.chapters(),
        });
        let noted = if history.is_annotated() { ", annotated" } else { "" };
        let frozen = if history.is_frozen() {
            "; its series is frozen"
        } else {
            ""
        };
        let mut lines = vec![format!(
            "{}: {standing}{noted}{frozen}, as of block {} of {}",
            self.credential,
            as_of.height,
            show::time(as_of.time)
        )];
        lines.extend(history.chapters().iter().map(line));
        show::answer(shared, &lines.join("\n"), &object)?;
        Ok(0)
    }
}

fn line(chapter: &Chapter) -> String {
    let mut text = format!(
        "  {}  block {}, record {}: {}",
        show::time(chapter.time_ms),
        chapter.height,
        chapter.record,
        chapter.action
    );
    if let (Some(change), Some(reason)) = (&chapter.change, chapter.reason) {
        text.push_str(&format!(" {change}, reason {reason}"));
    }
    if let Some(effective) = chapter.effective_ms {
        text.push_str(&format!(", counting from {}", show::time(effective)));
    }
    if let Some(successor) = &chapter.successor {
        text.push_str(&format!(", by {successor}"));
    }
    if let Some(detail) = chapter.detail {
        text.push_str(&format!(", detail {detail}"));
    }
    format!("{text}, by {}", chapter.actor)
}

fn name(standing: Standing) -> &'static str {
    match standing {
        Standing::InForce => "in force",
        Standing::Suspended => "suspended",
        Standing::Superseded => "superseded",
        Standing::Annulled => "annulled",
        Standing::Revoked => "revoked",
        Standing::NotIssued => "not issued",
    }
}
