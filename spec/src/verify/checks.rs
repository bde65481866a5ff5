//! The checks, in the order of a report; the first that fails settles the verdict.

use super::Policy;
use super::recognised::recognised;
use super::report::{Check, CheckName, Content, DataUsed, OutcomeOf, Recognised, Report, Subject, Verdict};
use crate::bundle::TrustedState;
use crate::catalogue::label;
use crate::certificate::Certificate;
use crate::credential::{Credential, SignedCredential};
use crate::id::{Height, OfficeId, RegionId, UnixMillis};
use crate::ledger::Series;
use crate::ledger::standing::{self, Offices};
use crate::receipt::{Receipt, ReceiptError};
use crate::status::{SeriesStatus, Standing};

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    checks: Vec<Check>,
    verdict: Option<Verdict>,
    data_from: Option<UnixMillis>,
    subject: Option<Subject>,
    pub(super) recognised: Option<Recognised>,
}

impl Findings {
    pub(super) fn note(&mut self, name: CheckName, outcome: OutcomeOf, evidence: impl Into<String>) {
        self.checks.push(Check {
            name,
            outcome,
            evidence: evidence.into(),
        });
    }

    /// The first verdict stays: checks come in the order of weight.
    pub(super) fn settle(&mut self, verdict: Verdict) {
        self.verdict.get_or_insert(verdict);
    }

    pub(super) fn fail(&mut self, name: CheckName, evidence: impl Into<String>, verdict: Verdict) {
        self.note(name, OutcomeOf::Failed, evidence);
        self.settle(verdict);
    }

    pub(super) fn report(mut self, state: &TrustedState, now: UnixMillis) -> Report {
        let verdict = self.verdict.unwrap_or(Verdict::Valid);
        for name in [
            CheckName::Authentic,
            CheckName::Recorded,
            CheckName::Status,
            CheckName::InForce,
            CheckName::Recognised,
        ] {
            if !self.checks.iter().any(|check| check.name == name) {
                self.note(name, OutcomeOf::NotChecked, "an earlier check settled the verdict");
            }
        }
        Report {
            verdict,
            data_from_ms: (verdict == Verdict::ValidOnDataFrom)
                .then_some(self.data_from)
                .flatten(),
            colour: verdict.colour(),
            exit: verdict.exit_code(),
            checks: self.checks,
            recognised: self.recognised,
            data: DataUsed {
                chain: state.charter().chain.to_string(),
                chain_id: state.chain_id(),
                height: state.height(),
                time_ms: state.time(),
                age_ms: now.0.saturating_sub(state.time().0),
            },
            // What is not genuine is not shown as if it said something.
            subject: self.subject.filter(|_| verdict != Verdict::NotGenuine),
        }
    }
}

/// Where a credential comes from, as the bundle knows it.
pub(super) struct Origin<'a> {
    pub(super) region: &'a RegionId,
    pub(super) series: &'a Series,
    /// Who held the series then.
    pub(super) holder: OfficeId,
}

pub(super) fn certificate(
    certificate: &Certificate,
    state: &TrustedState,
    policy: &Policy,
    now: UnixMillis,
) -> Findings {
    let mut findings = Findings::default();
    let credential = &certificate.credential;
    let receipt = &certificate.receipt;
    findings.note(CheckName::Readable, OutcomeOf::Passed, "a certificate of version 1");
    findings.subject = Some(subject(credential.credential(), Some(receipt), state));
    // The seal first: only what it covers may tell that the issuer is newer than the data.
    let newer = receipt.height > state.height() && receipt.time > state.time();
    let recorded = recorded(certificate, state);
    let other_regions = newer && recorded == Err(Unrecorded::OtherRegions);
    let newer = newer && (recorded.is_ok() || other_regions);
    let Some(origin) = authentic(&mut findings, credential, state, newer, Some(receipt.height)) else {
        return findings;
    };
    let recorded = if other_regions {
        Ok(())
    } else {
        recorded.map_err(|unrecorded| unrecorded.to_string())
    };
    if let Err(reason) = recorded.and_then(|()| fits_series(certificate, &origin, state)) {
        findings.fail(CheckName::Recorded, reason, Verdict::NotGenuine);
        return findings;
    }
    if other_regions {
        let evidence = format!(
            "block {} is not sealed by the regions in force at height {}; they may have changed since: get newer data",
            receipt.height,
            state.height()
        );
        findings.note(CheckName::Recorded, OutcomeOf::Unknown, evidence);
    } else {
        let evidence = format!("block {}, sealed at {} ms", receipt.height, receipt.time);
        findings.note(CheckName::Recorded, OutcomeOf::Passed, evidence);
    }
    let unknown_status = status(&mut findings, credential.credential(), &origin, state);
    in_force(&mut findings, credential.credential(), now);
    recognised(&mut findings, credential.credential(), &origin, state, policy, now);
    if unknown_status || other_regions {
        findings.settle(Verdict::Unknown);
    }
    if newer {
        findings.data_from = Some(receipt.time);
        findings.settle(Verdict::ValidOnDataFrom);
    }
    old_data(&mut findings, state, policy, now);
    findings
}

pub(super) fn credential(
    credential: &SignedCredential,
    state: &TrustedState,
    policy: &Policy,
    now: UnixMillis,
) -> Findings {
    let mut findings = Findings::default();
    findings.note(
        CheckName::Readable,
        OutcomeOf::Passed,
        "a credential alone, from a small code",
    );
    findings.subject = Some(subject(credential.credential(), None, state));
    // Without a receipt nothing shows how new it is: a series the bundle does not know may be newer than the bundle.
    let Some(origin) = authentic(&mut findings, credential, state, true, None) else {
        return findings;
    };
    if origin.series.frozen.is_some() {
        let evidence = "the series is frozen: whoever took its key could have made this code; ask for the full one";
        findings.note(CheckName::Recorded, OutcomeOf::Failed, evidence);
    } else {
        findings.note(
            CheckName::Recorded,
            OutcomeOf::Unknown,
            "a small code carries no receipt; ask for the full one",
        );
    }
    let unknown_status = status(&mut findings, credential.credential(), &origin, state);
    in_force(&mut findings, credential.credential(), now);
    recognised(&mut findings, credential.credential(), &origin, state, policy, now);
    if unknown_status {
        findings.settle(Verdict::Unknown);
    }
    findings.settle(Verdict::NotShownRecorded);
    findings
}

/// The series of a credential, when its key signed it for its office and type.
fn authentic<'a>(
    findings: &mut Findings,
    signed: &SignedCredential,
    state: &'a TrustedState,
    may_be_newer: bool,
    at: Option<Height>,
) -> Option<Origin<'a>> {
    let credential = signed.credential();
    let name = CheckName::Authentic;
    if credential.issuer.chain != state.charter().chain {
        let evidence = format!(
            "it names the chain {}, not {}",
            credential.issuer.chain,
            state.charter().chain
        );
        findings.fail(name, evidence, Verdict::NotGenuine);
        return None;
    }
    let Some((region, office, series)) = state.series(credential.id.series) else {
        unknown_series(findings, credential, state, may_be_newer);
        return None;
    };
    let issuer = &credential.issuer.office;
    let opened_by = OfficeId::new(region.clone(), series.office.clone());
    // Without a receipt nothing shows when it was issued: whoever held the series then may have.
    let held = match at {
        Some(height) => standing::holder_at(state, &opened_by, height) == *issuer,
        None => standing::holders(state, &opened_by).contains(issuer),
    };
    let reason = if !held && !may_be_newer {
        Some(format!("series {} was not of office {issuer}", series.id))
    } else if credential.vct != series.of {
        Some(format!(
            "series {} is for {}, not {}",
            series.id, series.of, credential.vct
        ))
    } else if !signed.is_signed_by(&series.key) {
        Some(format!("the key of series {} did not sign it", series.id))
    } else {
        None
    };
    if let Some(reason) = reason {
        findings.fail(name, reason, Verdict::NotGenuine);
        return None;
    }
    if !held {
        let evidence = format!(
            "office {issuer} did not hold series {} at height {}, and may have taken it over since",
            series.id,
            state.height()
        );
        findings.note(name, OutcomeOf::Unknown, evidence);
        findings.settle(Verdict::Unknown);
        return None;
    }
    let named = state.office(issuer).unwrap_or(office);
    let labels = at.map_or(named.labels(), |height| named.labels_at(height));
    let evidence = format!("signed by the key of series {}, of {}", series.id, label(labels, "zh"));
    findings.note(name, OutcomeOf::Passed, evidence);
    let holder = issuer.clone();
    Some(Origin { region, series, holder })
}

fn unknown_series(findings: &mut Findings, credential: &Credential, state: &TrustedState, may_be_newer: bool) {
    let (name, series) = (CheckName::Authentic, credential.id.series);
    if may_be_newer {
        let evidence = format!("series {series} is newer than the data of height {}", state.height());
        findings.note(name, OutcomeOf::Unknown, evidence);
        findings.settle(Verdict::Unknown);
    } else {
        let evidence = format!("no office opened series {series}");
        findings.fail(name, evidence, Verdict::NotGenuine);
    }
}

/// Why a certificate does not show that it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Unrecorded {
    /// It does not hold together.
    #[error("{0}")]
    Broken(String),
    /// The seal is not of the regions that the data know.
    #[error("the seal is not of the regions in force at that height")]
    OtherRegions,
}

/// Paths, times and seal of a certificate.
fn recorded(certificate: &Certificate, state: &TrustedState) -> Result<(), Unrecorded> {
    let broken = |why: String| Unrecorded::Broken(why);
    let receipt = &certificate.receipt;
    let batch_root = certificate.batch_root().map_err(|error| broken(error.to_string()))?;
    let issued_ms = certificate.credential.credential().issued_at.saturating_mul(1_000);
    if issued_ms > receipt.time.0 {
        return Err(broken("it was signed after the block that is to record it".to_owned()));
    }
    if receipt.height == Height(0) {
        return Err(broken("there is no block 0".to_owned()));
    }
    let regions = state.regions_at(receipt.height);
    receipt
        .verify(&state.chain_id(), &batch_root, regions)
        .map_err(|error| match error {
            ReceiptError::Seal(_) => Unrecorded::OtherRegions,
            other => broken(other.to_string()),
        })
}

/// Whether the series, as the bundle knows it, can have issued this in that block.
fn fits_series(certificate: &Certificate, origin: &Origin<'_>, state: &TrustedState) -> Result<(), String> {
    let receipt = &certificate.receipt;
    let series = origin.series;
    if receipt.height < series.since {
        return Err(format!("series {} was opened after that block", series.id));
    }
    if series.frozen.is_some_and(|frozen| receipt.height > frozen) {
        return Err(format!("series {} was frozen before that block", series.id));
    }
    let number = certificate.credential.credential().id.number.0;
    // A bundle may lack the status of this type and region: then the receipt alone tells.
    let past = |status: &SeriesStatus| number >= status.next;
    if receipt.height <= state.height() && state.status(origin.region, series).is_some_and(past) {
        return Err(format!("series {} had not issued number {number} by then", series.id));
    }
    Ok(())
}

/// Notes the status; says whether it makes the verdict amber where nothing weighs more.
fn status(findings: &mut Findings, credential: &Credential, origin: &Origin<'_>, state: &TrustedState) -> bool {
    let name = CheckName::Status;
    let Some(status) = state.status(origin.region, origin.series) else {
        findings.note(
            name,
            OutcomeOf::Unknown,
            "the bundle does not carry the status of this type and region",
        );
        return true;
    };
    let as_of = format!("as of height {}", state.height());
    let standing = status.standing(credential.id.number.0);
    let against = match standing {
        Standing::InForce => None,
        // At or past `next` there is no status yet: the receipt is newer than the bundle.
        Standing::NotIssued => {
            findings.note(name, OutcomeOf::Unknown, format!("no status yet {as_of}"));
            return false;
        }
        Standing::Suspended => Some(Verdict::Suspended),
        Standing::Superseded => Some(Verdict::Superseded),
        Standing::Revoked => Some(Verdict::Revoked),
        Standing::Annulled => Some(Verdict::Annulled),
    };
    match against {
        Some(verdict) => findings.fail(name, format!("{} {as_of}", verdict.word().to_lowercase()), verdict),
        None if status.is_annotated(credential.id.number.0) => {
            findings.note(
                name,
                OutcomeOf::Unknown,
                format!("annotated {as_of}; the annotation is not shown here"),
            );
            return true;
        }
        None => findings.note(name, OutcomeOf::Passed, format!("nothing against it {as_of}")),
    }
    false
}

fn in_force(findings: &mut Findings, credential: &Credential, now: UnixMillis) {
    let name = CheckName::InForce;
    let seconds = i64::try_from(now.0.checked_div(1_000).unwrap_or(0)).unwrap_or(i64::MAX);
    let content = &credential.content;
    let dates = format!("valid from {} until {}", content.valid_from, content.validity);
    if seconds < credential.not_before {
        findings.fail(name, dates, Verdict::NotYetValid);
    } else if credential.expires.is_some_and(|expires| seconds >= expires) {
        findings.fail(name, dates, Verdict::Expired);
    } else {
        findings.note(name, OutcomeOf::Passed, dates);
    }
}

fn old_data(findings: &mut Findings, state: &TrustedState, policy: &Policy, now: UnixMillis) {
    let age = now.0.saturating_sub(state.time().0);
    if policy.max_age_ms.is_some_and(|most| age > most) {
        findings.data_from.get_or_insert(state.time());
        findings.settle(Verdict::ValidOnDataFrom);
    }
}

fn subject(credential: &Credential, receipt: Option<&Receipt>, state: &TrustedState) -> Subject {
    let content = &credential.content;
    let definition = state.catalogue().get(&credential.vct);
    let name_of = |key: u64| {
        let claim = definition.and_then(|definition| definition.claim(key));
        claim.map_or_else(|| key.to_string(), |claim| label(&claim.labels, "zh").to_owned())
    };
    Subject {
        credential: credential.id,
        issuer: credential.issuer.to_string(),
        vct: credential.vct.to_string(),
        recorded_height: receipt.map(|receipt| receipt.height),
        recorded_ms: receipt.map(|receipt| receipt.time),
        content: Content {
            printed_number: content.printed_number.clone(),
            holders: content.holders.iter().map(|holder| holder.name.clone()).collect(),
            issued_by: content.issued_by.name.clone(),
            issued_on: content.issued_on.to_string(),
            valid_from: content.valid_from.to_string(),
            valid_until: content.validity.to_string(),
            claims: content
                .own
                .iter()
                .map(|(key, value)| (name_of(*key), value.to_string()))
                .collect(),
        },
    }
}
