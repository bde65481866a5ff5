//! Whether the holder shows the certificate: a signature by the key that the credential names over the verifier's nonce.

use super::checks::Findings;
use super::ground::Ground;
use super::report::{CheckName, Verdict};
use crate::credential::Credential;
use crate::id::UnixMillis;
use crate::presentation::{Nonce, Presentation};

/// How long ago a holder may have signed, unless the verifier says otherwise: 5 minutes.
pub const DEFAULT_PRESENTED_MS: u64 = 300_000;

/// What the verifier wants the holder to sign.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedOfHolder {
    /// The number that the verifier drew for this presentation.
    pub nonce: Nonce,
    /// As whom the verifier asks; where it is given, the holder must have named it.
    #[serde(default)]
    pub audience: Option<String>,
    /// How long ago the holder may have signed, in milliseconds; and by how much the holder's clock may be ahead.
    pub max_age_ms: u64,
}

/// What the check says beside its grounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// Nothing against it.
    AsAsked,
    /// The verifier asked, and the holder did not show it.
    NotShown,
    /// What is said to be the holder's is not: NOT GENUINE.
    Forged,
}

/// Notes the check.
pub(super) fn holder(
    findings: &mut Findings,
    credential: &Credential,
    presentation: Option<&Presentation>,
    asked: Option<&AskedOfHolder>,
    now: UnixMillis,
) -> Held {
    let (held, ground) = judge(credential, presentation, asked, now);
    if held == Held::Forged {
        findings.settle(Verdict::NotGenuine);
    }
    findings.note(CheckName::Holder, ground);
    held
}

fn judge(
    credential: &Credential,
    presentation: Option<&Presentation>,
    asked: Option<&AskedOfHolder>,
    now: UnixMillis,
) -> (Held, Ground) {
    let (key, presentation) = match (&credential.holder_key, presentation, asked) {
        (_, None, None) => return (Held::AsAsked, Ground::HolderNotAsked),
        (None, _, _) => return (Held::NotShown, Ground::NoHolderKey),
        (Some(_), None, Some(_)) => return (Held::NotShown, Ground::NotPresented),
        (Some(key), Some(presentation), _) => (key, presentation),
    };
    if !presentation.is_signed_by(key) {
        return (Held::Forged, Ground::HolderNotSigned);
    }
    if !presentation.is_of_its_certificate() {
        return (Held::Forged, Ground::PresentsAnother);
    }
    let said = presentation.statement();
    let (time_ms, audience) = (said.time, said.audience.clone());
    let Some(asked) = asked else {
        return (Held::AsAsked, Ground::HolderSigned { time_ms, audience });
    };
    let against = if said.nonce != asked.nonce {
        Ground::OtherNonce { time_ms }
    } else if asked.audience.is_some() && said.audience != asked.audience {
        Ground::OtherAudience { audience }
    } else if now.0.saturating_sub(time_ms.0) > asked.max_age_ms {
        Ground::PresentedTooOld { time_ms }
    } else if time_ms.0.saturating_sub(now.0) > asked.max_age_ms {
        Ground::PresentedAhead { time_ms }
    } else {
        return (Held::AsAsked, Ground::HolderShown { time_ms, audience });
    };
    (Held::NotShown, against)
}
