//! `concord verify`: certificates against a trust bundle, offline.

mod paint;

use super::{Done, Shared, bundle, show};
use clap::Args;
use concord_client::scan::{self, Scanned, Unreadable};
use concord_spec::bundle::TrustedState;
use concord_spec::digest::Digest;
use concord_spec::id::{RegionId, UnixMillis};
use concord_spec::verify::{self as rules, Check, CheckName, DataUsed, OutcomeOf, Policy, Presented, Report, Verdict};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Verify certificates offline: .concord files, PNG or JPEG pictures of a code, or text files with a code
///
/// The exit code is the verdict's; of several files the worst: red 1, then grey 4, orange 5, amber 3, green 0.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// What to verify
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The trust bundle; without it, the one that `concord bundle pull` keeps
    #[arg(short, long, value_name = "FILE", env = "CONCORD_BUNDLE")]
    bundle: Option<PathBuf>,
    /// The region where you stand: also tells whether the certificate is recognised there
    #[arg(long, value_name = "REGION")]
    region: Option<RegionId>,
    /// The chain id that the bundle must be of
    #[arg(long, value_name = "ID")]
    chain: Option<Digest>,
    /// How old the bundle may be before the verdict says so
    #[arg(long, value_name = "DAYS")]
    max_age_days: Option<u32>,
    /// What it is presented for: some recognitions are for certain purposes only
    #[arg(long, value_name = "PURPOSE")]
    purpose: Option<String>,
    /// Take this as the time (RFC 3339): for tests. Never counts as earlier than the bundle
    #[arg(long, value_name = "TIME", value_parser = show::parse_time)]
    now: Option<UnixMillis>,
}

/// How many files are verified before their reports are written.
const CHUNK: usize = 64;
const MS_PER_DAY: u64 = 86_400_000;

impl Verify {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        let state = bundle::open(&bundle::place(self.bundle.clone())?, self.chain)?;
        let policy = Policy {
            own_region: self.region.clone(),
            max_age_ms: self.max_age_days.map(|days| u64::from(days).saturating_mul(MS_PER_DAY)),
            purpose: self.purpose.clone(),
        };
        let now = self.now.unwrap_or_else(show::now);
        let mut worst = 0;
        for chunk in self.files.chunks(CHUNK) {
            let reports: Vec<Report> = chunk.par_iter().map(|file| judge(file, &state, &policy, now)).collect();
            for (file, report) in chunk.iter().zip(&reports) {
                worst = worse(worst, report.exit);
                let words = if shared.json {
                    object(file, report).to_string()
                } else {
                    paint::report(file, report)
                };
                show::line(&words)?;
            }
        }
        Ok(worst)
    }
}

/// The worse of two exit codes: red, grey, orange, amber, green.
fn worse(one: u8, other: u8) -> u8 {
    let rank = |code: u8| [0, 3, 5, 4, 1].iter().position(|known| *known == code);
    if rank(one) >= rank(other) { one } else { other }
}

/// Reads a file and verifies what it holds.
pub(super) fn judge(file: &Path, state: &TrustedState, policy: &Policy, now: UnixMillis) -> Report {
    match scan::scan_file(file) {
        Ok(Scanned::Certificate(bytes)) => rules::verify(Presented::Certificate(&bytes), state, policy, now),
        Ok(Scanned::Small(bytes)) => rules::verify(Presented::Credential(&bytes), state, policy, now),
        Err(reason) => unreadable(&reason, state, now),
    }
}

/// The report on a file that gave nothing to verify, of the same shape as any other.
fn unreadable(reason: &Unreadable, state: &TrustedState, now: UnixMillis) -> Report {
    let newer = reason.needs_newer_software();
    let verdict = if newer {
        Verdict::NeedsNewerSoftware
    } else {
        Verdict::Unreadable
    };
    let not_checked = [
        CheckName::Authentic,
        CheckName::Recorded,
        CheckName::Status,
        CheckName::InForce,
        CheckName::Recognised,
    ];
    let readable = Check {
        name: CheckName::Readable,
        outcome: OutcomeOf::Failed,
        evidence: reason.to_string(),
    };
    let others = not_checked.map(|name| Check {
        name,
        outcome: OutcomeOf::NotChecked,
        evidence: "there was nothing to check".to_owned(),
    });
    Report {
        verdict,
        data_from_ms: None,
        colour: verdict.colour(),
        exit: verdict.exit_code(),
        checks: std::iter::once(readable).chain(others).collect(),
        data: DataUsed {
            chain: state.charter().chain.to_string(),
            chain_id: state.chain_id(),
            height: state.height(),
            time_ms: state.time(),
            age_ms: now.0.saturating_sub(state.time().0),
        },
        recognised: None,
        subject: None,
    }
}

/// Why nothing could be read, for the verdicts that say so.
fn reason(report: &Report) -> Option<&str> {
    let unread = matches!(report.verdict, Verdict::Unreadable | Verdict::NeedsNewerSoftware);
    report
        .checks
        .first()
        .filter(|_| unread)
        .map(|check| check.evidence.as_str())
}

/// The report as JSON, with the file, and with the reason where nothing could be read.
fn object(file: &Path, report: &Report) -> Value {
    let mut object = json!(report);
    if let Value::Object(fields) = &mut object {
        fields.insert("file".to_owned(), json!(file.display().to_string()));
        if let Some(reason) = reason(report) {
            fields.insert("reason".to_owned(), json!(reason));
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_verdicts_is_the_exit_code() {
        let order = [0, 3, 5, 4, 1];
        for (rank, code) in order.into_iter().enumerate() {
            for better in order.into_iter().take(rank + 1) {
                assert_eq!(worse(code, better), code);
                assert_eq!(worse(better, code), code);
            }
        }
    }

    #[test]
    fn every_verdict_has_a_rank() {
        for verdict in Verdict::ALL {
            assert!([0, 3, 5, 4, 1].contains(&verdict.exit_code()), "{}", verdict.word());
        }
    }
}
