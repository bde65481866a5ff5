//! The checks, in the order of a report; the first that fails settles the verdict.

use super::evidence::{At, Shows};
use super::fresh::{self, Fresh};
use super::ground::{Broken, Dates, Ground};
use super::holder::{Held, holder};
use super::recognised::recognised;
use super::report::{Check, CheckName, Claim, Content, DataUsed, Recognised, Report, Subject, Verdict};
use super::seen::SealsSeen;
use super::{Decoded, Device, Policy, Proof};
use crate::bundle::TrustedState;
use crate::catalogue::{Label, TypeDefinition};
use crate::certificate::Certificate;
use crate::credential::{Credential, SignedCredential};
use crate::id::{Height, OfficeId, RegionId, UnixMillis};
use crate::ledger::Series;
use crate::ledger::standing::{self, Offices};
use crate::presentation::{CertificateFile, Presentation};
use crate::receipt::Evidence;
use crate::status::{SeriesStatus, Standing};

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    checks: Vec<Check>,
    verdict: Option<Verdict>,
    data_from: Option<UnixMillis>,
    subject: Option<Subject>,
    /// The time of its block, when its seal shows that.
    sealed: Option<UnixMillis>,
    /// A status proof came with it.
    with_proof: bool,
    pub(super) recognised: Option<Recognised>,
}

impl Findings {
    fn with(proof: bool) -> Self {
        Self {
            with_proof: proof,
            ..Self::default()
        }
    }

    pub(super) fn note(&mut self, name: CheckName, ground: Ground) {
        self.checks.push(Check::new(name, ground));
    }

    /// The first verdict stays: checks come in the order of weight.
    pub(super) fn settle(&mut self, verdict: Verdict) {
        self.verdict.get_or_insert(verdict);
    }

    pub(super) fn decide(&mut self, name: CheckName, ground: Ground, verdict: Verdict) {
        self.note(name, ground);
        self.settle(verdict);
    }

    pub(super) fn report(mut self, state: &TrustedState, device: &Device) -> Report {
        let verdict = self.verdict.unwrap_or(Verdict::Valid);
        let proof = self.with_proof.then_some(CheckName::StatusProof);
        for name in CheckName::ALL.into_iter().chain(proof) {
            if !self.checks.iter().any(|check| check.name == name) {
                self.note(name, Ground::SettledBefore);
            }
        }
        // The order in which they are told.
        self.checks.sort_by_key(|check| check.name);
        Report {
            verdict,
            data_from_ms: (verdict == Verdict::ValidOnDataFrom)
                .then_some(self.data_from)
                .flatten(),
            colour: verdict.colour(),
            exit: verdict.exit_code(),
            checks: self.checks,
            recognised: self.recognised,
            data: DataUsed::read(state, device, self.sealed),
            // What is not genuine is not shown as if it said something.
            subject: self.subject.filter(|_| verdict != Verdict::NotGenuine),
        }
    }
}

impl DataUsed {
    /// What a verifier's data are at a time of its clock.
    #[must_use]
    pub fn at(state: &TrustedState, now: UnixMillis) -> Self {
        Self::read(state, &Device::read(now, state), None)
    }

    fn read(state: &TrustedState, device: &Device, sealed: Option<UnixMillis>) -> Self {
        Self {
            chain: state.charter().chain.to_string(),
            chain_id: state.chain_id(),
            height: state.height(),
            time_ms: state.time(),
            age_ms: device.now.0.saturating_sub(state.time().0),
            clock: device.judge(state, sealed),
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

/// Everything about what was presented. A status proof that counts puts the device's time on.
pub(super) fn all(
    decoded: &Decoded,
    proof: Option<Proof>,
    state: &TrustedState,
    policy: &Policy,
    device: &mut Device,
    seen: &mut SealsSeen,
) -> Findings {
    match decoded {
        Decoded::File(CertificateFile::Certificate(found)) => {
            certificate(found, None, proof, state, policy, device, seen)
        }
        Decoded::File(CertificateFile::Renewed(found)) => certificate(found, None, proof, state, policy, device, seen),
        Decoded::File(CertificateFile::Presentation(found)) => {
            certificate(found.certificate(), Some(found), proof, state, policy, device, seen)
        }
        Decoded::Credential(found) => credential(found, proof, state, policy, device, seen),
    }
}

fn certificate<E: Shows>(
    certificate: &Certificate<E>,
    presentation: Option<&Presentation>,
    proof: Option<Proof>,
    state: &TrustedState,
    policy: &Policy,
    device: &mut Device,
    seen: &mut SealsSeen,
) -> Findings {
    let mut findings = Findings::with(proof.is_some());
    let signed = &certificate.credential;
    let receipt = &certificate.receipt;
    findings.note(
        CheckName::Readable,
        presentation.map_or(E::READABLE, |_| Ground::Presentation),
    );
    findings.subject = Some(subject(signed, Some(receipt.at()), state));
    // The seal first: only what it covers may tell that the issuer is newer than the data.
    let recorded = recorded(certificate, state, seen);
    let sealed = receipt.seal.sealed(receipt.at());
    let other_regions = sealed.height > state.height() && recorded == Err(Broken::Seal);
    let newer = receipt.height > state.height() && (recorded.is_ok() || other_regions);
    let Some(origin) = authentic(&mut findings, signed, state, newer, Some(receipt.height)) else {
        return findings;
    };
    let fresh = fresh::judge(proof, signed.credential(), &origin, state, seen);
    let ground = match recorded {
        Ok(()) => Ok(receipt.seal.ground(receipt.at())),
        Err(Broken::Seal) if other_regions => Ok(Ground::RegionsNewer {
            block: sealed.height,
            height: state.height(),
        }),
        Err(what) => Err(Ground::Broken { what }),
    };
    match ground.and_then(|ground| fits_series(certificate, &origin, state, &fresh).map(|()| ground)) {
        Ok(ground) => findings.note(CheckName::Recorded, ground),
        Err(ground) => {
            findings.decide(CheckName::Recorded, ground, Verdict::NotGenuine);
            return findings;
        }
    }
    findings.sealed = recorded.is_ok().then_some(sealed.time);
    let asked = policy.asked.as_ref();
    let held = holder(&mut findings, signed.credential(), presentation, asked, device.now);
    if held == Held::Forged {
        return findings;
    }
    let unknown_status = here_and_now(&mut findings, signed, &origin, &fresh, state, policy, device);
    if unknown_status || other_regions {
        findings.settle(Verdict::Unknown);
    }
    not_shown(&mut findings, held);
    if newer && !fresh.covers(receipt.height) {
        findings.data_from = Some(receipt.time);
        findings.settle(Verdict::ValidOnDataFrom);
    }
    old_data(&mut findings, &fresh, state, policy, device.now);
    findings
}

fn credential(
    credential: &SignedCredential,
    proof: Option<Proof>,
    state: &TrustedState,
    policy: &Policy,
    device: &mut Device,
    seen: &mut SealsSeen,
) -> Findings {
    let mut findings = Findings::with(proof.is_some());
    findings.note(CheckName::Readable, Ground::SmallCode);
    findings.subject = Some(subject(credential, None, state));
    // Without a receipt nothing shows how new it is: a series the bundle does not know may be newer than the bundle.
    let Some(origin) = authentic(&mut findings, credential, state, true, None) else {
        return findings;
    };
    let series = origin.series;
    // A status proof shows that the number is issued, not that it is this credential: it takes the place of no receipt.
    let fresh = fresh::judge(proof, credential.credential(), &origin, state, seen);
    let shown = if series.frozen.is_some() {
        Ground::SmallCodeOfFrozen { series: series.id }
    } else if policy.recorded_required {
        Ground::NoReceipt
    } else {
        Ground::NotRequired
    };
    let missing = policy.recorded_required || series.frozen.is_some();
    findings.note(CheckName::Recorded, shown);
    let asked = policy.asked.as_ref();
    let held = holder(&mut findings, credential.credential(), None, asked, device.now);
    let unknown_status = here_and_now(&mut findings, credential, &origin, &fresh, state, policy, device);
    if unknown_status {
        findings.settle(Verdict::Unknown);
    }
    not_shown(&mut findings, held);
    if missing {
        findings.settle(Verdict::NotShownRecorded);
    }
    old_data(&mut findings, &fresh, state, policy, device.now);
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
        let ground = Ground::OtherChain {
            named: credential.issuer.chain.clone(),
            chain: state.charter().chain.clone(),
        };
        findings.decide(name, ground, Verdict::NotGenuine);
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
    let id = series.id;
    let reason = if !held && !may_be_newer {
        Some(Ground::NotOfOffice {
            series: id,
            office: issuer.clone(),
        })
    } else if credential.vct != series.of {
        Some(Ground::OtherType {
            series: id,
            of: series.of.clone(),
            named: credential.vct.clone(),
        })
    } else if !signed.is_signed_by(&series.key) {
        Some(Ground::NotSigned { series: id })
    } else {
        None
    };
    if let Some(reason) = reason {
        findings.decide(name, reason, Verdict::NotGenuine);
        return None;
    }
    if !held {
        let ground = Ground::OfficeNewer {
            series: id,
            office: issuer.clone(),
            height: state.height(),
        };
        findings.decide(name, ground, Verdict::Unknown);
        return None;
    }
    let named = state.office(issuer).unwrap_or(office);
    let office = at.map_or(named.labels(), |height| named.labels_at(height)).to_vec();
    findings.note(name, Ground::Signed { series: id, office });
    let holder = issuer.clone();
    Some(Origin { region, series, holder })
}

fn unknown_series(findings: &mut Findings, credential: &Credential, state: &TrustedState, may_be_newer: bool) {
    let (name, series, height) = (CheckName::Authentic, credential.id.series, state.height());
    // A series may stand in another region's directory than its holder's: any that is lacking may hold it.
    let lacking = |region: &&RegionId| !state.carries_offices_of(region);
    let of_issuer = Some(&credential.issuer.office.region).filter(lacking);
    let mut others = state.federation().regions.iter().map(|entry| &entry.region);
    if let Some(region) = of_issuer.or_else(|| others.find(lacking)) {
        let region = region.clone();
        findings.decide(name, Ground::SeriesNotCarried { series, region }, Verdict::Unknown);
    } else if may_be_newer {
        findings.decide(name, Ground::SeriesNewer { series, height }, Verdict::Unknown);
    } else {
        findings.decide(name, Ground::NoSeries { series }, Verdict::NotGenuine);
    }
}

/// Paths, times and seal of a certificate.
fn recorded<E: Shows>(certificate: &Certificate<E>, state: &TrustedState, seen: &mut SealsSeen) -> Result<(), Broken> {
    let receipt = &certificate.receipt;
    let batch_root = certificate.batch_root().map_err(|_| Broken::Batch)?;
    let issued_ms = certificate.credential.credential().issued_at.saturating_mul(1_000);
    if issued_ms > receipt.time.0 {
        return Err(Broken::SignedLater);
    }
    if receipt.height == Height(0) {
        return Err(Broken::NoBlock);
    }
    if !receipt.at().fits(state) {
        return Err(Broken::Time);
    }
    let block = receipt.block_hash(&batch_root).map_err(|_| Broken::Path)?;
    receipt.seal.shows(receipt.at(), &block, state, seen)
}

/// Whether the series, as the bundle and a status proof know it, can have issued this in that block.
fn fits_series<E: Evidence>(
    certificate: &Certificate<E>,
    origin: &Origin<'_>,
    state: &TrustedState,
    fresh: &Fresh,
) -> Result<(), Ground> {
    let receipt = &certificate.receipt;
    let (series, id) = (origin.series, origin.series.id);
    if receipt.height < series.since {
        return Err(Ground::OpenedLater { series: id });
    }
    if series.frozen.is_some_and(|frozen| receipt.height > frozen) {
        return Err(Ground::FrozenBefore { series: id });
    }
    let number = certificate.credential.credential().id.number;
    // A bundle may lack the status of this type and region: then the receipt alone tells.
    let past = |status: &SeriesStatus| number.0 >= status.next;
    let by_data = receipt.height <= state.height() && state.status(origin.region, series).is_some_and(past);
    if by_data || fresh.denies(receipt.height) {
        return Err(Ground::NotIssuedThen { series: id, number });
    }
    Ok(())
}

/// Notes what does not hang on a receipt: status, dates, recognition. Says whether the status makes the verdict amber where nothing
/// weighs more.
fn here_and_now(
    findings: &mut Findings,
    signed: &SignedCredential,
    origin: &Origin<'_>,
    fresh: &Fresh,
    state: &TrustedState,
    policy: &Policy,
    device: &mut Device,
) -> bool {
    let credential = signed.credential();
    if let Some(ground) = &fresh.ground {
        findings.note(CheckName::StatusProof, ground.clone());
    }
    if let Some(proof) = &fresh.counts {
        findings.sealed = findings.sealed.max(Some(proof.head.time));
        device.now = device.now.max(proof.head.time);
    }
    let unknown_status = status(findings, credential, origin, fresh, state);
    in_force(findings, credential, device.now);
    recognised(findings, signed, origin, state, policy, device.now);
    unknown_status || fresh.is_worthless()
}

/// Notes the status; says whether it makes the verdict amber where nothing weighs more.
fn status(
    findings: &mut Findings,
    credential: &Credential,
    origin: &Origin<'_>,
    fresh: &Fresh,
    state: &TrustedState,
) -> bool {
    let name = CheckName::Status;
    let Some((height, standing, annotated)) = fresh::standing(fresh, credential.id.number.0, origin, state) else {
        findings.note(name, Ground::StatusNotCarried);
        return true;
    };
    match standing {
        Standing::InForce if annotated => {
            findings.note(name, Ground::Annotated { height });
            return true;
        }
        Standing::InForce => findings.note(name, Ground::Clear { height }),
        // At or past `next` there is no status yet: the receipt is newer than what the status is as of.
        Standing::NotIssued => findings.note(name, Ground::NoStatusYet { height }),
        Standing::Suspended => findings.decide(name, Ground::Suspended { height }, Verdict::Suspended),
        Standing::Superseded => findings.decide(name, Ground::Superseded { height }, Verdict::Superseded),
        Standing::Revoked => findings.decide(name, Ground::Revoked { height }, Verdict::Revoked),
        Standing::Annulled => findings.decide(name, Ground::Annulled { height }, Verdict::Annulled),
    }
    false
}

fn in_force(findings: &mut Findings, credential: &Credential, now: UnixMillis) {
    let name = CheckName::InForce;
    let seconds = i64::try_from(now.0.checked_div(1_000).unwrap_or(0)).unwrap_or(i64::MAX);
    let dates = Dates {
        from: credential.content.valid_from,
        until: credential.content.validity.last_day(),
    };
    if seconds < credential.not_before {
        findings.decide(name, Ground::NotYet { dates }, Verdict::NotYetValid);
    } else if credential.expires.is_some_and(|expires| seconds >= expires) {
        findings.decide(name, Ground::Over { dates }, Verdict::Expired);
    } else {
        findings.note(name, Ground::InForce { dates });
    }
}

/// A verifier who asked for the holder and did not get them is told so before anything that says "valid".
fn not_shown(findings: &mut Findings, held: Held) {
    if held == Held::NotShown {
        findings.settle(Verdict::HolderNotShown);
    }
}

fn old_data(findings: &mut Findings, fresh: &Fresh, state: &TrustedState, policy: &Policy, now: UnixMillis) {
    if let Some(from) = fresh.too_old(state, policy, now) {
        findings.data_from.get_or_insert(from);
        findings.settle(Verdict::ValidOnDataFrom);
    }
}

fn subject(signed: &SignedCredential, recorded: Option<At>, state: &TrustedState) -> Subject {
    let credential = signed.credential();
    let content = &credential.content;
    let definition = state.catalogue().get(&credential.vct);
    Subject {
        credential: credential.id,
        issuer: credential.issuer.to_string(),
        vct: credential.vct.to_string(),
        recorded_height: recorded.map(|block| block.height),
        recorded_ms: recorded.map(|block| block.time),
        content: Content {
            printed_number: content.printed_number.clone(),
            holders: content.holders.iter().map(|holder| holder.name.clone()).collect(),
            issued_by: content.issued_by.name.clone(),
            issued_on: content.issued_on,
            valid_from: content.valid_from,
            valid_until: content.validity.last_day(),
            claims: signed
                .claims()
                .into_iter()
                .map(|(key, value)| Claim {
                    key,
                    labels: labels_of(key, definition),
                    value: value.to_string(),
                })
                .collect(),
            hidden: signed.hidden(),
        },
    }
}

/// The names of a claim; none where the data do not know the type.
pub(super) fn labels_of(key: u64, definition: Option<&TypeDefinition>) -> Vec<Label> {
    let claim = definition.and_then(|definition| definition.claim(key));
    claim.map_or_else(Vec::new, |claim| claim.labels.clone())
}
