//! `concord verify`: certificates against a trust bundle, offline.

mod paint;

use super::{Done, Failure, Shared, bundle, show};
use clap::Args;
use concord_client::{files, scan};
use concord_spec::bundle::TrustedState;
use concord_spec::digest::Digest;
use concord_spec::id::{RegionId, UnixMillis};
use concord_spec::presentation::Nonce;
use concord_spec::status_proof::MAX_STATUS_PROOF;
use concord_spec::verify::{
    AskedOfHolder, CheckName, CheckWords, DEFAULT_MAX_AGE_MS, DEFAULT_PRESENTED_MS, Language, OutcomeOf, Policy,
    Report, SealsSeen, Words,
};
use rayon::prelude::*;
use serde::Serialize;
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
    #[arg(long, value_name = "DAYS", default_value_t = DEFAULT_MAX_AGE_DAYS)]
    max_age_days: u64,
    /// A status proof of the one certificate (`concord status proof`): how it stands as of a later time than the bundle's
    #[arg(long, value_name = "FILE")]
    status_proof: Option<PathBuf>,
    /// Take a small code, which does not show that it is recorded, for valid all the same
    #[arg(long)]
    without_receipt: bool,
    /// The language of the report: zh (中文) or en; by the locale unless given
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<Language>,
    /// What it is presented for: some recognitions are for certain purposes only
    #[arg(long, value_name = "PURPOSE")]
    purpose: Option<String>,
    /// The nonce that you gave the holder, in hexadecimal digits: only a presentation that signs it is valid then
    #[arg(long, value_name = "HEX")]
    nonce: Option<Nonce>,
    /// As whom you ask: the presentation must name it
    #[arg(long, value_name = "TEXT", requires = "nonce")]
    audience: Option<String>,
    /// How long ago the holder may have signed
    #[arg(long, value_name = "SECONDS", requires = "nonce", default_value_t = DEFAULT_PRESENTED_MS / 1_000)]
    presented_within: u64,
    /// Take this as the time (RFC 3339): for tests. Never counts as earlier than the bundle
    #[arg(long, value_name = "TIME", value_parser = show::parse_time)]
    now: Option<UnixMillis>,
}

/// How many files are verified before their reports are written.
const CHUNK: usize = 1_024;
const MS_PER_DAY: u64 = 86_400_000;
const DEFAULT_MAX_AGE_DAYS: u64 = DEFAULT_MAX_AGE_MS / MS_PER_DAY;

impl Verify {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        let state = bundle::open(&bundle::kept(self.bundle.clone())?, self.chain)?;
        let policy = Policy {
            own_region: self.region.clone(),
            max_age_ms: Some(self.max_age_days.saturating_mul(MS_PER_DAY)),
            purpose: self.purpose.clone(),
            recorded_required: !self.without_receipt,
            asked: self.asked(),
        };
        let now = self.now.unwrap_or_else(show::now);
        let proof = self.proof()?;
        let language = self.lang.unwrap_or_else(show::language);
        let mut worst = 0;
        for chunk in self.files.chunks(CHUNK) {
            let told: Vec<(u8, Result<String, Failure>)> = chunk
                .par_iter()
                .map_init(SealsSeen::new, |seen, file| {
                    let report = judge(file, proof.as_deref(), &state, &policy, now, seen);
                    let words = if shared.json {
                        object(file, &report)
                    } else {
                        Ok(paint::report(file, &report, language))
                    };
                    (report.exit, words)
                })
                .collect();
            for (exit, words) in told {
                worst = worse(worst, exit);
                show::line(&words?)?;
            }
        }
        Ok(worst)
    }
}

impl Verify {
    /// What the holder is to have signed.
    fn asked(&self) -> Option<AskedOfHolder> {
        self.nonce.clone().map(|nonce| AskedOfHolder {
            nonce,
            audience: self.audience.clone(),
            max_age_ms: self.presented_within.saturating_mul(1_000),
        })
    }

    /// The status proof that was given.
    fn proof(&self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(file) = &self.status_proof else {
            return Ok(None);
        };
        if self.files.len() > 1 {
            let text = "a status proof is of one credential: verify one certificate with --status-proof";
            return Err(Failure::Usage(text.to_owned()));
        }
        Ok(Some(files::read(file, MAX_STATUS_PROOF)?))
    }
}

/// The worse of two exit codes: red, grey, orange, amber, green.
fn worse(one: u8, other: u8) -> u8 {
    let rank = |code: u8| [0, 3, 5, 4, 1].iter().position(|known| *known == code);
    if rank(one) >= rank(other) { one } else { other }
}

/// Reads a file and verifies what it holds.
pub(super) fn judge(
    file: &Path,
    proof: Option<&[u8]>,
    state: &TrustedState,
    policy: &Policy,
    now: UnixMillis,
    seen: &mut SealsSeen,
) -> Report {
    let scanned = scan::scan_file(file).map(|scanned| match proof {
        Some(proof) => scanned.beside(proof.to_vec()),
        None => scanned,
    });
    scan::report(&scanned, state, policy, now, seen)
}

/// Why nothing could be read, for the verdicts that say so.
fn reason(words: &Words) -> Option<&str> {
    let unread = |check: &&CheckWords| check.check == CheckName::Readable && check.outcome == OutcomeOf::Failed;
    words.checks.first().filter(unread).map(|check| check.text.as_str())
}

/// The report as JSON, with the file, and with the reason in words where nothing could be read.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    report: &'a Report,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

fn object(file: &Path, report: &Report) -> Result<String, Failure> {
    let told = Told {
        report,
        file: file.display().to_string(),
        reason: reason(&report.words(Language::En)).map(str::to_owned),
    };
    serde_json::to_string(&told).map_err(|why| Failure::Output(why.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use concord_spec::verify::Verdict;

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
