//! Verification: what a certificate is worth to a verifier, offline, with nothing but a checked trust bundle
//! (DESIGN 2, 4.9).
//! Not here: reading pictures and files (the client), checking the bundle (`bundle`).

mod checks;
mod recognised;
mod report;

pub use report::{
    Check, CheckName, Colour, Content as ReportContent, DataUsed, OutcomeOf, Recognised, Report, Subject, Verdict,
};

use crate::bundle::TrustedState;
use crate::certificate::Certificate;
use crate::codec::CodecError;
use crate::credential::SignedCredential;
use crate::id::{RegionId, UnixMillis};
use checks::Findings;

/// What the verifier asks for.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The region where the verifier stands; recognition is told only when it is given.
    pub own_region: Option<RegionId>,
    /// How old the bundle may be, in milliseconds, before a verdict says so.
    pub max_age_ms: Option<u64>,
    /// What the credential is presented for: recognitions may be for some purposes only.
    pub purpose: Option<String>,
}

/// What was presented.
#[derive(Debug, Clone, Copy)]
pub enum Presented<'a> {
    /// A certificate: credential with receipt.
    Certificate(&'a [u8]),
    /// A credential alone, from a small code.
    Credential(&'a [u8]),
}

/// Verifies what was presented against a checked bundle. Pure: the same arguments give the same report.
///
/// `now` counts from the bundle's time at the earliest: a clock that is behind does not make anything valid.
#[must_use]
pub fn verify(presented: Presented<'_>, state: &TrustedState, policy: &Policy, now: UnixMillis) -> Report {
    let now = now.max(state.time());
    let findings = match presented {
        Presented::Certificate(bytes) => match Certificate::from_bytes(bytes) {
            Ok(certificate) => checks::certificate(&certificate, state, policy, now),
            Err(error) => return unreadable(&error, state, now),
        },
        Presented::Credential(bytes) => match SignedCredential::from_bytes(bytes) {
            Ok(credential) => checks::credential(&credential, state, policy, now),
            Err(error) => return unreadable(&error, state, now),
        },
    };
    findings.report(state, now)
}

fn unreadable(error: &CodecError, state: &TrustedState, now: UnixMillis) -> Report {
    let mut findings = Findings::default();
    let verdict = match error {
        CodecError::UnknownVersion { .. } | CodecError::UnknownSuite { .. } => Verdict::NeedsNewerSoftware,
        CodecError::TooLong { .. }
        | CodecError::Truncated
        | CodecError::Unexpected { .. }
        | CodecError::WrongLength { .. }
        | CodecError::OverBound { .. }
        | CodecError::UnknownKey { .. }
        | CodecError::MissingKey { .. }
        | CodecError::Invalid { .. }
        | CodecError::NotCanonical { .. }
        | CodecError::TooDeep
        | CodecError::TrailingBytes { .. } => Verdict::Unreadable,
    };
    findings.note(CheckName::Readable, OutcomeOf::Failed, error.to_string());
    findings.settle(verdict);
    findings.report(state, now)
}
