//! Certificates: what holds is VALID, and nothing that was changed is (DESIGN 2, 4.8, 4.9).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use concord_spec::bundle::{BundleError, Packed, TrustBundle, TrustedState};
use concord_spec::certificate::{Certificate, credential_code_text};
use concord_spec::content::Relation;
use concord_spec::digest::Digest;
use concord_spec::id::{CredentialId, Number, SeriesId, UnixMillis};
use concord_spec::key::bls::aggregate;
use concord_spec::record::{Action, NumberRange, SetStatus, StatusChange, Successor};
use concord_spec::seal::Seal;
use concord_spec::status::{Reason, StatusKind};
use concord_spec::verify::{Policy, Presented, Report, Verdict, verify};
use concord_spec::world::World;

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

/// Data of any age will do.
fn any_age() -> Policy {
    Policy {
        max_age_ms: None,
        ..Policy::default()
    }
}

fn report(bytes: &[u8], state: &TrustedState) -> Report {
    verify(Presented::Certificate(bytes), state, &any_age(), NOW)
}

fn verdict(certificate: &Certificate, state: &TrustedState) -> Verdict {
    report(&certificate.to_bytes(), state).verdict
}

fn issued() -> (World, Vec<Certificate>, TrustedState) {
    let mut world = World::with_series(4, "concord-test").unwrap();
    let certificates = world.issue(16).unwrap();
    let state = world.trusted().unwrap();
    (world, certificates, state)
}

#[test]
fn every_certificate_of_a_batch_is_valid() {
    let (_, certificates, state) = issued();
    assert_eq!(certificates.len(), 16);
    for certificate in &certificates {
        let report = report(&certificate.to_bytes(), &state);
        assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
    }
}

#[test]
fn every_single_byte_change_makes_it_something_other_than_valid() {
    let (_, certificates, state) = issued();
    let bytes = certificates[5].to_bytes();
    for position in 0..bytes.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[position] ^= change;
            let report = report(&changed, &state);
            assert_ne!(report.verdict, Verdict::Valid, "byte {position} ^ {change:#x}");
            assert_ne!(
                report.verdict,
                Verdict::ValidOnDataFrom,
                "byte {position} ^ {change:#x}"
            );
        }
    }
}

#[test]
fn a_truncated_certificate_and_one_with_trailing_bytes_are_unreadable() {
    let (_, certificates, state) = issued();
    let bytes = certificates[0].to_bytes();
    for length in 0..bytes.len() {
        assert_eq!(
            report(&bytes[..length], &state).verdict,
            Verdict::Unreadable,
            "{length} bytes"
        );
    }
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(report(&longer, &state).verdict, Verdict::Unreadable);
}

#[test]
fn a_swapped_path_is_not_genuine() {
    let (_, certificates, state) = issued();
    let mut swapped = certificates[3].clone();
    swapped.batch_path.0.swap(0, 1);
    assert_eq!(verdict(&swapped, &state), Verdict::NotGenuine);
    let mut shorter = certificates[3].clone();
    shorter.batch_path.0.pop();
    assert_eq!(verdict(&shorter, &state), Verdict::NotGenuine);
    let mut longer = certificates[3].clone();
    longer.batch_path.0.push(Digest::ZERO);
    assert_eq!(verdict(&longer, &state), Verdict::NotGenuine);
}

#[test]
fn a_seal_from_another_height_is_not_genuine() {
    let (mut world, first, _) = issued();
    let second = world.issue(16).unwrap();
    let state = world.trusted().unwrap();
    let mut mixed = first[0].clone();
    mixed.receipt.seal = second[0].receipt.seal.clone();
    assert_eq!(verdict(&first[0], &state), Verdict::Valid);
    assert_eq!(verdict(&mixed, &state), Verdict::NotGenuine);
    mixed.receipt.height = second[0].receipt.height;
    assert_eq!(verdict(&mixed, &state), Verdict::NotGenuine);
}

/// A seal made by adding up these shares without the checks of `Seal::assemble`.
fn forged_seal(world: &World, shares: &[(usize, u32)], signers: u8, round: u32) -> Seal {
    let (block, _) = world.blocks.last().unwrap();
    let parts: Vec<_> = shares
        .iter()
        .map(|(who, round)| world.shares(block, *round, [*who]).unwrap().remove(0).1)
        .collect();
    Seal {
        round,
        signers: vec![signers],
        signature: aggregate(&parts).unwrap(),
    }
}

#[test]
fn a_seal_counts_each_region_once_and_only_in_one_round() {
    let (world, certificates, state) = issued();
    let with = |seal: Seal| {
        let mut certificate = certificates[0].clone();
        certificate.receipt.seal = seal;
        verdict(&certificate, &state)
    };
    // What is forged below is a seal when it is whole: so it is refused for what is wrong with it.
    assert_eq!(
        with(forged_seal(&world, &[(0, 0), (1, 0), (2, 0)], 0b1110_0000, 0)),
        Verdict::Valid
    );
    // One region's share three times, said to be three regions'.
    assert_eq!(
        with(forged_seal(&world, &[(0, 0), (0, 0), (0, 0)], 0b1110_0000, 0)),
        Verdict::NotGenuine
    );
    // Two regions, one of them twice.
    assert_eq!(
        with(forged_seal(&world, &[(0, 0), (1, 0), (1, 0)], 0b1100_0000, 0)),
        Verdict::NotGenuine
    );
    // Below the quorum.
    assert_eq!(
        with(forged_seal(&world, &[(0, 0), (1, 0)], 0b1100_0000, 0)),
        Verdict::NotGenuine
    );
    // Precommits of two rounds.
    for round in [0, 1] {
        let seal = forged_seal(&world, &[(0, 0), (1, 0), (2, 1)], 0b1110_0000, round);
        assert_eq!(with(seal), Verdict::NotGenuine);
    }
    // A region that is not there, and a bitmap of another length.
    assert_eq!(
        with(forged_seal(&world, &[(0, 0), (1, 0), (2, 0)], 0b1110_1000, 0)),
        Verdict::NotGenuine
    );
    let mut long = forged_seal(&world, &[(0, 0), (1, 0), (2, 0)], 0b1110_0000, 0);
    long.signers.push(0);
    assert_eq!(with(long), Verdict::NotGenuine);
}

#[test]
fn a_leaf_of_another_batch_or_number_is_not_genuine() {
    let (mut world, first, _) = issued();
    let second = world.issue(16).unwrap();
    let state = world.trusted().unwrap();
    let mut other_number = first[2].clone();
    other_number.credential = first[3].credential.clone();
    assert_eq!(verdict(&other_number, &state), Verdict::NotGenuine);
    let mut other_batch = first[2].clone();
    other_batch.credential = second[2].credential.clone();
    assert_eq!(verdict(&other_batch, &state), Verdict::NotGenuine);
    let mut other_receipt = first[2].clone();
    other_receipt.receipt = second[2].receipt.clone();
    assert_eq!(verdict(&other_receipt, &state), Verdict::NotGenuine);
}

#[test]
fn a_credential_that_was_never_recorded_is_not_genuine_though_its_key_signed() {
    let (world, certificates, state) = issued();
    let mut forged = certificates[0].clone();
    let mut credential = forged.credential.credential().clone();
    credential.content.holders[0].name = "王强".to_owned();
    forged.credential = concord_spec::credential::SignedCredential::sign(credential, &world.series_key);
    assert_eq!(verdict(&forged, &state), Verdict::NotGenuine);
}

#[test]
fn a_certificate_of_a_chain_with_another_charter_is_not_genuine() {
    let (world, certificates, _) = issued();
    // The same names, keys and numbers, and one region fewer: only the charter differs.
    let mut other = World::with_series(3, "concord-test").unwrap();
    other.issue(16).unwrap();
    assert_ne!(world.state.chain_id(), other.state.chain_id());
    let report = report(&certificates[0].to_bytes(), &other.trusted().unwrap());
    assert_eq!(report.verdict, Verdict::NotGenuine);
    assert_eq!(report.subject, None);
    let mut renamed = World::with_series(4, "another-chain").unwrap();
    renamed.issue(16).unwrap();
    assert_eq!(
        verdict(&certificates[0], &renamed.trusted().unwrap()),
        Verdict::NotGenuine
    );
}

#[test]
fn a_certificate_newer_than_the_bundle_is_valid_on_data_from_its_seals_time() {
    let (mut world, _, old) = issued();
    let newer = world.issue(16).unwrap();
    let report = report(&newer[0].to_bytes(), &old);
    assert_eq!(report.verdict, Verdict::ValidOnDataFrom, "{report:#?}");
    assert_eq!(report.data_from_ms, Some(newer[0].receipt.time));
    assert_eq!(report.exit, 3);
}

#[test]
fn a_certificate_of_a_series_newer_than_the_bundle_is_unknown() {
    let mut world = World::new(4, "concord-test").unwrap();
    world.append(Vec::new()).unwrap();
    let before = world.trusted().unwrap();
    let mut later = World::with_series(4, "concord-test").unwrap();
    let certificates = later.issue(1).unwrap();
    assert_eq!(verdict(&certificates[0], &before), Verdict::Unknown);
}

#[test]
fn each_status_has_its_verdict_and_annulled_weighs_more_than_revoked() {
    let (mut world, certificates, _) = issued();
    let mut set = |change: StatusChange, first: u64, count: u64| {
        let body = SetStatus {
            series: SeriesId(1),
            ranges: vec![NumberRange {
                first: Number(first),
                count,
            }],
            change,
            reason: Reason::Unspecified,
            effective: None,
            detail: None,
            successor: (change == StatusChange::Set(StatusKind::Superseded)).then_some(Successor {
                first: CredentialId {
                    series: SeriesId(1),
                    number: Number(0),
                },
                relation: Relation::Renews,
            }),
        };
        let record = world.by_office(Action::SetStatus(body)).unwrap();
        world.append(vec![record]).unwrap();
    };
    let start = certificates[0].credential.credential().id.number.0;
    set(StatusChange::Set(StatusKind::Revoked), start, 2);
    set(StatusChange::Set(StatusKind::Annulled), start + 1, 1);
    set(StatusChange::Set(StatusKind::Suspended), start + 2, 2);
    set(StatusChange::Set(StatusKind::Superseded), start + 3, 1);
    set(StatusChange::Set(StatusKind::Annotated), start + 4, 1);
    set(StatusChange::Set(StatusKind::Suspended), start + 5, 1);
    set(StatusChange::Reinstate, start + 5, 1);
    let state = world.trusted().unwrap();
    let expected = [
        Verdict::Revoked,
        Verdict::Annulled,
        Verdict::Suspended,
        Verdict::Superseded,
        Verdict::Unknown,
        Verdict::Valid,
        Verdict::Valid,
    ];
    for (certificate, expected) in certificates.iter().zip(expected) {
        assert_eq!(verdict(certificate, &state), expected);
    }
}

#[test]
fn legal_dates_are_judged_by_a_clock_never_earlier_than_the_bundles_time() {
    let (_, certificates, state) = issued();
    let at = |now: UnixMillis| {
        verify(
            Presented::Certificate(&certificates[0].to_bytes()),
            &state,
            &any_age(),
            now,
        )
    };
    // 2031-12-31 is included in the office's zone, eight hours ahead of UTC.
    let last = UnixMillis(1_956_499_199_000);
    assert_eq!(at(last).verdict, Verdict::Valid);
    assert_eq!(at(UnixMillis(last.0 + 1_000)).verdict, Verdict::Expired);
    // A clock that stands in 1970 does not make it "not yet valid": the bundle is from 2026.
    assert_eq!(at(UnixMillis(0)).verdict, Verdict::Valid);
}

#[test]
fn a_small_code_is_at_most_amber() {
    let (_, certificates, state) = issued();
    let credential = &certificates[0].credential;
    let report = verify(Presented::Credential(credential.bytes()), &state, &any_age(), NOW);
    assert_eq!(report.verdict, Verdict::NotShownRecorded);
    assert!(credential_code_text(credential).starts_with("CC0:"));
}

#[test]
fn an_old_bundle_says_from_when_it_is_and_another_region_that_it_does_not_recognise() {
    let (_, certificates, state) = issued();
    let bytes = certificates[0].to_bytes();
    let old = Policy {
        max_age_ms: Some(1_000),
        ..any_age()
    };
    let report = verify(Presented::Certificate(&bytes), &state, &old, NOW);
    assert_eq!(
        (report.verdict, report.data_from_ms),
        (Verdict::ValidOnDataFrom, Some(state.time()))
    );
    let region = |code: &str| Policy {
        own_region: Some(code.parse().unwrap()),
        ..any_age()
    };
    let home = verify(Presented::Certificate(&bytes), &state, &region("110000"), NOW);
    assert_eq!(home.verdict, Verdict::Valid);
    let away = verify(Presented::Certificate(&bytes), &state, &region("330000"), NOW);
    assert_eq!(away.verdict, Verdict::NotRecognised);
}

#[test]
fn a_version_of_tomorrow_needs_newer_software() {
    let (_, certificates, state) = issued();
    let mut bytes = certificates[0].to_bytes();
    assert_eq!(bytes[1], 1);
    // 2 is a renewed certificate, 3 a presentation.
    bytes[1] = 4;
    assert_eq!(report(&bytes, &state).verdict, Verdict::NeedsNewerSoftware);
}

#[test]
fn a_bundle_with_any_byte_changed_is_refused() {
    // One region: each opening checks possession of every seal key.
    let mut world = World::with_series(1, "concord-test").unwrap();
    world.issue(2).unwrap();
    let chain = world.state.chain_id();
    let bytes = world.bundle().unwrap();
    assert!(TrustBundle::open(&bytes, &chain).is_ok());
    // By a carrier, and by somebody who packs it again.
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        assert!(TrustBundle::open(&changed, &chain).is_err(), "byte {position}");
    }
    let (kind, content) = Packed::open(&bytes).unwrap();
    for position in 0..content.len() {
        let mut changed = content.clone();
        changed[position] ^= 1;
        let packed = Packed::bytes_of(kind, &changed);
        assert!(TrustBundle::open(&packed, &chain).is_err(), "byte {position}");
    }
    let other = Digest::ZERO;
    assert!(matches!(
        TrustBundle::open(&bytes, &other),
        Err(BundleError::OtherChain { .. })
    ));
}
