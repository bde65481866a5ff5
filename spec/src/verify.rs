//! Verification: what a certificate is worth to a verifier, offline, with nothing but a checked trust bundle
//! (DESIGN 2, 4.9).
//! Not here: reading pictures and files (the client), checking the bundle (`bundle`).

mod checks;
mod evidence;
mod fresh;
mod ground;
mod holder;
mod recognised;
mod report;
mod seen;
mod words;

pub use ground::{Broken, BrokenStatus, Dates, Ground, NotCovering};
pub use holder::{AskedOfHolder, DEFAULT_PRESENTED_MS};
pub use report::{
    Bilingual, Check, CheckName, Claim, Clock, Colour, Content as ReportContent, DataUsed, Hidden, MappedClaim,
    OutcomeOf, Recognised, Report, Subject, Verdict,
};
pub use seen::SealsSeen;
pub use words::{CheckWords, Language, Line, Words, length, moment};

use crate::bundle::TrustedState;
use crate::codec::CodecError;
use crate::credential::SignedCredential;
use crate::id::{RegionId, UnixMillis};
use crate::presentation::CertificateFile;
use crate::status_proof::{Carried, StatusProof, WithStatus};
use checks::Findings;

/// How old a bundle may be before a verdict says so, unless the verifier says otherwise: 30 days.
pub const DEFAULT_MAX_AGE_MS: u64 = 30 * MS_PER_DAY;
/// A clock that is further ahead of the data is named: they are replaced at least every 13 months, or it is wrong.
pub const FAR_AHEAD_MS: u64 = 400 * MS_PER_DAY;
const MS_PER_DAY: u64 = 86_400_000;
/// How far ahead of a validator's clock a block may be (DESIGN 4.4); a device's clock is given as much.
const CLOCK_TOLERANCE_MS: u64 = 10_000;

/// What the verifier asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The region where the verifier stands; recognition is told only when it is given.
    pub own_region: Option<RegionId>,
    /// How old the bundle may be, in milliseconds, before a verdict says so.
    pub max_age_ms: Option<u64>,
    /// What the credential is presented for: recognitions may be for some purposes only.
    pub purpose: Option<String>,
    /// Whether only what is shown to be recorded is valid: then a small code is at best NOT SHOWN RECORDED.
    pub recorded_required: bool,
    /// What the holder is to sign, where the verifier wants the holder to show that the certificate is theirs.
    pub asked: Option<AskedOfHolder>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            own_region: None,
            max_age_ms: Some(DEFAULT_MAX_AGE_MS),
            purpose: None,
            recorded_required: true,
            asked: None,
        }
    }
}

/// What was presented.
#[derive(Debug, Clone, Copy)]
pub enum Presented<'a> {
    /// What a `.concord` file holds: a certificate, a renewed one, or a presentation.
    Certificate(&'a [u8]),
    /// A credential alone, from a small code.
    Credential(&'a [u8]),
    /// Either with a status proof ([`WithStatus`]).
    WithStatus(&'a [u8]),
}

/// Verifies what was presented against a checked bundle. Pure: the same arguments give the same report.
///
/// `now` is the device's clock. It counts from the bundle's time at the earliest: a clock that is behind does not make anything
/// valid, and the report names it.
#[must_use]
pub fn verify(presented: Presented<'_>, state: &TrustedState, policy: &Policy, now: UnixMillis) -> Report {
    verify_seen(presented, state, policy, now, &mut SealsSeen::new())
}

/// As [`verify`], for one of many: seals that were found to hold before are not checked again.
#[must_use]
pub fn verify_seen(
    presented: Presented<'_>,
    state: &TrustedState,
    policy: &Policy,
    now: UnixMillis,
    seen: &mut SealsSeen,
) -> Report {
    match decoded(presented) {
        Ok((decoded, proof)) => {
            let mut device = Device::read(now, state);
            checks::all(&decoded, proof, state, policy, &mut device, seen).report(state, &device)
        }
        Err(error) => unread(cannot_be_decoded(&error), state, now),
    }
}

/// What was presented, decoded.
enum Decoded {
    File(CertificateFile),
    Credential(Box<SignedCredential>),
}

/// A status proof that came with it, or why it is none.
type Proof = Result<StatusProof, Ground>;

fn decoded(presented: Presented<'_>) -> Result<(Decoded, Option<Proof>), CodecError> {
    match presented {
        Presented::Certificate(bytes) => Ok((Decoded::File(CertificateFile::from_bytes(bytes)?), None)),
        Presented::Credential(bytes) => Ok((
            Decoded::Credential(Box::new(SignedCredential::from_bytes(bytes)?)),
            None,
        )),
        Presented::WithStatus(bytes) => {
            let both = WithStatus::from_bytes(bytes)?;
            let carried = match &both.carried {
                Carried::Certificate(bytes) => Decoded::File(CertificateFile::from_bytes(bytes)?),
                Carried::Credential(bytes) => Decoded::Credential(Box::new(SignedCredential::from_bytes(bytes)?)),
            };
            Ok((
                carried,
                Some(StatusProof::from_bytes(&both.proof).map_err(|error| no_proof(&error))),
            ))
        }
    }
}

fn no_proof(error: &CodecError) -> Ground {
    let ground = cannot_be_decoded(error);
    if matches!(ground, Ground::Newer { .. }) {
        return ground;
    }
    Ground::StatusUnread {
        detail: error.to_string(),
    }
}

/// The report on what gave nothing to verify: NEEDS NEWER SOFTWARE for [`Ground::Newer`], else UNREADABLE.
#[must_use]
pub fn unread(ground: Ground, state: &TrustedState, now: UnixMillis) -> Report {
    let mut findings = Findings::default();
    let newer = matches!(ground, Ground::Newer { .. });
    findings.note(CheckName::Readable, ground);
    for name in CheckName::ALL.into_iter().skip(1) {
        findings.note(name, Ground::NothingToCheck);
    }
    findings.settle(if newer {
        Verdict::NeedsNewerSoftware
    } else {
        Verdict::Unreadable
    });
    findings.report(state, &Device::read(now, state))
}

/// The time of the device, as far as the data let it count.
#[derive(Debug, Clone, Copy)]
struct Device {
    /// What its clock says.
    clock: UnixMillis,
    /// What counts: never before the data.
    now: UnixMillis,
}

impl Device {
    fn read(clock: UnixMillis, state: &TrustedState) -> Self {
        Self {
            clock,
            now: clock.max(state.time()),
        }
    }

    /// What the latest sealed time that is known tells about the clock.
    fn judge(&self, state: &TrustedState, sealed: Option<UnixMillis>) -> Clock {
        let latest = state.time().max(sealed.unwrap_or(UnixMillis(0)));
        let behind = latest.0.saturating_sub(self.clock.0);
        let ahead = self.clock.0.saturating_sub(latest.0);
        if behind > CLOCK_TOLERANCE_MS {
            Clock::Behind { by_ms: behind }
        } else if ahead > FAR_AHEAD_MS {
            Clock::FarAhead { by_ms: ahead }
        } else {
            Clock::Plausible
        }
    }
}

fn cannot_be_decoded(error: &CodecError) -> Ground {
    let detail = error.to_string();
    match error {
        CodecError::UnknownVersion { .. } | CodecError::UnknownSuite { .. } => Ground::Newer { detail },
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
        | CodecError::TrailingBytes { .. } => Ground::Malformed { detail },
    }
}
