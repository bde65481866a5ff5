//! Recognition in the verifier's region: by its declarations, or why not (DESIGN 4.9).

use super::Policy;
use super::checks::{Findings, Origin, labels_of};
use super::ground::{Ground, NotCovering};
use super::report::{CheckName, Hidden, MappedClaim, Recognised, Verdict};
use crate::bundle::TrustedState;
use crate::catalogue::TypeDefinition;
use crate::content::ClaimValue;
use crate::credential::{Credential, SignedCredential};
use crate::id::{RegionId, UnixMillis};
use crate::ledger::standing;
use crate::recognition::{Declaration, Presentation, Unmet};
use std::collections::BTreeSet;

pub(super) fn recognised(
    findings: &mut Findings,
    signed: &SignedCredential,
    origin: &Origin<'_>,
    state: &TrustedState,
    policy: &Policy,
    now: UnixMillis,
) {
    let credential = signed.credential();
    let name = CheckName::Recognised;
    let Some(own) = &policy.own_region else {
        findings.note(name, Ground::NoRegion);
        return;
    };
    if !standing::reaches(state, &origin.holder, own) {
        let ground = Ground::OutOfReach {
            office: origin.holder.clone(),
            region: own.clone(),
        };
        findings.decide(name, ground, Verdict::NotRecognised);
        return;
    }
    if own == origin.region {
        findings.note(name, Ground::OwnRegion);
        return;
    }
    let presented = Presentation {
        source: origin.region,
        vct: &credential.vct,
        issued_on: credential.content.issued_on,
        issued_at: begun(credential),
        now,
        purpose: policy.purpose.as_deref(),
    };
    let declarations = state.recognition().of(own);
    // The latest declaration that covers it is the one that counts.
    match declarations.iter().rev().find(|known| known.covers(&presented).is_ok()) {
        Some(declaration) => {
            let ground = Ground::Declared {
                region: own.clone(),
                declaration: declaration.number,
            };
            findings.note(name, ground);
            findings.recognised = Some(as_what(declaration, signed, state));
        }
        None => findings.decide(
            name,
            why_not(own, origin, declarations, &presented),
            Verdict::NotRecognised,
        ),
    }
}

/// The Unix second at which its legal day of issue began in its office's zone. The first day of validity is on the ledger's
/// side of the same zone, so that the zone follows from it.
fn begun(credential: &Credential) -> i64 {
    let content = &credential.content;
    let days = content
        .issued_on
        .epoch_days()
        .saturating_sub(content.valid_from.epoch_days());
    credential.not_before.saturating_add(days.saturating_mul(86_400))
}

fn why_not(own: &RegionId, origin: &Origin<'_>, declarations: &[Declaration], presented: &Presentation<'_>) -> Ground {
    let unmet = declarations.iter().rev().filter_map(|known| {
        let unmet = known.covers(presented).err().filter(|unmet| *unmet != Unmet::Other)?;
        Some(NotCovering {
            declaration: known.number,
            unmet,
        })
    });
    let declarations: Vec<NotCovering> = unmet.take(3).collect();
    if declarations.is_empty() {
        return Ground::NotDeclared {
            region: own.clone(),
            source: origin.region.clone(),
            of: origin.series.of.id.clone(),
        };
    }
    Ground::NotCovered {
        region: own.clone(),
        declarations,
    }
}

fn as_what(declaration: &Declaration, signed: &SignedCredential, state: &TrustedState) -> Recognised {
    let definition = state.catalogue().get(&signed.credential().vct);
    let claims = signed.claims();
    let mapped = claims.iter().filter_map(|(key, value)| {
        let ClaimValue::Text(there) = value else { return None };
        let here = declaration.value_here(*key, there);
        if here == there {
            return None;
        }
        Some(MappedClaim {
            key: *key,
            labels: labels_of(*key, definition),
            there: there.clone(),
            here: here.to_owned(),
        })
    });
    Recognised {
        region: declaration.recogniser.clone(),
        declaration: declaration.number,
        local_type: declaration.terms.local_type.clone(),
        level: declaration.terms.level,
        claims: mapped.collect(),
        hidden: hidden(declaration, signed, definition),
        purposes: declaration.terms.purposes.clone(),
    }
}

/// The claims whose values may be others here and that the holder has left out, ascending by key.
fn hidden(declaration: &Declaration, signed: &SignedCredential, definition: Option<&TypeDefinition>) -> Vec<Hidden> {
    if signed.hidden() == 0 {
        return Vec::new();
    }
    let shown = signed.claims();
    let mapped: BTreeSet<u64> = declaration.terms.values.iter().map(|map| map.claim).collect();
    let of_key = |key| Hidden {
        key,
        labels: labels_of(key, definition),
    };
    mapped
        .into_iter()
        .filter(|key| !shown.contains_key(key))
        .map(of_key)
        .collect()
}
