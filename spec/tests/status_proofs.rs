//! Status proofs: they tell of today what old data cannot, never turn what is wrong into what is right, and every change shows.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod scene;

use concord_spec::bundle::{MAX_UNATTENDED_MS, TrustedState};
use concord_spec::certificate::Certificate;
use concord_spec::codec::CodecError;
use concord_spec::digest::Digest;
use concord_spec::id::{CredentialId, Number, SeriesId, UnixMillis};
use concord_spec::record::{Action, Change, StatusChange};
use concord_spec::seal::Seal;
use concord_spec::status::{Standing, StatusKind};
use concord_spec::status_proof::{Carried, SetShown, StatusProof, WithStatus};
use concord_spec::verify::{BrokenStatus, CheckName, Ground, Policy, Presented, Report, Verdict, verify};
use concord_spec::world::World;
use scene::{DAY_MS, append_after, card_with, passed, restoration, status};

const REVOKED: StatusChange = StatusChange::Set(StatusKind::Revoked);
const MONTHS_MS: u64 = 60 * DAY_MS;

/// A ledger with 16 certificates, and a device that took its data then.
fn issued() -> (World, Vec<Certificate>, TrustedState) {
    let mut world = World::with_series(4, "concord-test").unwrap();
    let certificates = world.issue(16).unwrap();
    let state = world.trusted().unwrap();
    (world, certificates, state)
}

/// The same two months later.
fn later() -> (World, Vec<Certificate>, TrustedState) {
    let (mut world, certificates, state) = issued();
    append_after(&mut world, MONTHS_MS, Vec::new());
    (world, certificates, state)
}

fn set(world: &mut World, number: u64, change: StatusChange) {
    let action = Action::SetStatus(status(SeriesId(1), &[(number, 1)], change));
    let record = world.by_office(action).unwrap();
    world.append(vec![record]).unwrap();
}

fn certificate_with(certificate: &Certificate, proof: Vec<u8>) -> Vec<u8> {
    let carried = Carried::Certificate(certificate.to_bytes());
    WithStatus { carried, proof }.to_bytes()
}

fn judged(presented: &[u8], state: &TrustedState, now: UnixMillis) -> Report {
    verify(Presented::WithStatus(presented), state, &Policy::default(), now)
}

fn with_proof(certificate: &Certificate, proof: &StatusProof, state: &TrustedState, now: UnixMillis) -> Report {
    judged(&certificate_with(certificate, proof.to_bytes()), state, now)
}

fn alone(certificate: &Certificate, state: &TrustedState, now: UnixMillis) -> Verdict {
    let bytes = certificate.to_bytes();
    verify(Presented::Certificate(&bytes), state, &Policy::default(), now).verdict
}

fn ground(report: &Report) -> &Ground {
    &report.check(CheckName::StatusProof).unwrap().ground
}

fn tip_time(world: &World) -> UnixMillis {
    world.state.tip().time
}

#[test]
fn a_proof_of_today_makes_old_data_say_valid_today() {
    let (world, certificates, state) = later();
    let now = tip_time(&world);
    assert_eq!(alone(&certificates[3], &state, now), Verdict::ValidOnDataFrom);
    let report = with_proof(&certificates[3], &world.status_proof(3).unwrap(), &state, now);
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
    let height = world.state.tip().height;
    assert_eq!(
        *ground(&report),
        Ground::StatusShown {
            block: height,
            time_ms: now
        }
    );
    assert_eq!(
        report.check(CheckName::Status).unwrap().ground,
        Ground::Clear { height }
    );
    // Whose data the rest rests on, and how old they are, is said as ever.
    assert_eq!((report.data.height, report.data.age_ms), (state.height(), MONTHS_MS));
    let names: Vec<CheckName> = report.checks.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), 8);
    assert!(names.is_sorted());
}

#[test]
fn freshness_counts_from_the_proof_and_the_rest_of_the_data_may_be_a_year_old() {
    let (world, certificates, state) = later();
    let (proof, day) = (world.status_proof(3).unwrap(), |days: u64| days * DAY_MS);
    let at = |ms: u64| with_proof(&certificates[3], &proof, &state, UnixMillis(tip_time(&world).0 + ms));
    assert_eq!(at(day(30)).verdict, Verdict::Valid);
    let old = at(day(30) + 1);
    assert_eq!(
        (old.verdict, old.data_from_ms),
        (Verdict::ValidOnDataFrom, Some(proof.head.time))
    );
    // A proof of today beside data that are too old to be continued.
    let (mut world, certificates, state) = issued();
    append_after(&mut world, MAX_UNATTENDED_MS, Vec::new());
    let proof = world.status_proof(3).unwrap();
    let at = |ms: u64| with_proof(&certificates[3], &proof, &state, UnixMillis(tip_time(&world).0 + ms));
    assert_eq!(at(0).verdict, Verdict::Valid);
    let old = at(1);
    assert_eq!(
        (old.verdict, old.data_from_ms),
        (Verdict::ValidOnDataFrom, Some(state.time()))
    );
}

#[test]
fn a_clock_that_is_behind_counts_from_the_proof() {
    let (world, certificates, state) = later();
    let report = with_proof(&certificates[3], &world.status_proof(3).unwrap(), &state, UnixMillis(0));
    assert_eq!(report.verdict, Verdict::Valid);
    assert_eq!(
        report.data.clock,
        concord_spec::verify::Clock::Behind {
            by_ms: tip_time(&world).0
        }
    );
}

#[test]
fn every_status_is_told_as_the_proof_shows_it() {
    let (mut world, certificates, state) = issued();
    let changes = [
        (1, StatusKind::Revoked, Verdict::Revoked, Standing::Revoked),
        (2, StatusKind::Annulled, Verdict::Annulled, Standing::Annulled),
        (3, StatusKind::Suspended, Verdict::Suspended, Standing::Suspended),
        (5, StatusKind::Annotated, Verdict::Unknown, Standing::InForce),
    ];
    for (number, kind, _, _) in changes {
        set(&mut world, number, StatusChange::Set(kind));
    }
    let now = tip_time(&world);
    for (number, _, verdict, standing) in changes {
        let proof = world.status_proof(number).unwrap();
        assert_eq!(proof.standing(), standing);
        let index = usize::try_from(number).unwrap();
        assert_eq!(alone(&certificates[index], &state, now), Verdict::Valid);
        assert_eq!(with_proof(&certificates[index], &proof, &state, now).verdict, verdict);
    }
}

#[test]
fn the_newer_of_proof_and_data_wins() {
    let (mut world, certificates, old) = issued();
    let before = world.status_proof(3).unwrap();
    set(&mut world, 3, REVOKED);
    let revoked = world.trusted().unwrap();
    // Sealed before it was revoked: the data are newer.
    let report = with_proof(&certificates[3], &before, &revoked, revoked.time());
    assert_eq!(report.verdict, Verdict::Revoked);
    assert_eq!(
        *ground(&report),
        Ground::StatusNotNewer {
            block: before.head.height,
            height: revoked.height()
        }
    );
    let same = with_proof(
        &certificates[3],
        &world.status_proof(3).unwrap(),
        &revoked,
        revoked.time(),
    );
    assert!(matches!(ground(&same), Ground::StatusNotNewer { .. }));
    assert_eq!(same.verdict, Verdict::Revoked);
    // Revoked in the data, restored since: the proof is newer.
    let record = world.by_region(restoration(SeriesId(1), &[(3, 1)])).unwrap();
    world.append(vec![record]).unwrap();
    let restored = world.status_proof(3).unwrap();
    assert_eq!(
        with_proof(&certificates[3], &restored, &revoked, revoked.time()).verdict,
        Verdict::Valid
    );
    assert_eq!(
        with_proof(&certificates[3], &before, &old, old.time()).verdict,
        Verdict::Valid
    );
}

#[test]
fn a_receipt_newer_than_the_data_is_valid_with_a_proof_that_is_no_older() {
    let (mut world, _, state) = issued();
    let between = world.status_proof(20).unwrap();
    let newer = world.issue(16).unwrap();
    let now = tip_time(&world);
    assert_eq!(alone(&newer[4], &state, now), Verdict::ValidOnDataFrom);
    assert_eq!(
        with_proof(&newer[4], &world.status_proof(20).unwrap(), &state, now).verdict,
        Verdict::Valid
    );
    assert_eq!(
        with_proof(&newer[4], &between, &state, now).verdict,
        Verdict::ValidOnDataFrom
    );
}

#[test]
fn a_small_code_with_a_proof_is_still_not_shown_recorded() {
    let (world, certificates, state) = later();
    let both = WithStatus {
        carried: Carried::Credential(certificates[3].credential.bytes().to_vec()),
        proof: world.status_proof(3).unwrap().to_bytes(),
    };
    let judge = |policy: &Policy| {
        verify(
            Presented::WithStatus(&both.to_bytes()),
            &state,
            policy,
            tip_time(&world),
        )
    };
    assert_eq!(judge(&Policy::default()).verdict, Verdict::NotShownRecorded);
    let relaxed = Policy {
        recorded_required: false,
        ..Policy::default()
    };
    assert_eq!(judge(&relaxed).verdict, Verdict::Valid);
}

#[test]
fn the_proof_of_another_number_or_series_is_told_and_never_green() {
    let (mut world, certificates, state) = later();
    let of_four = world.status_proof(4).unwrap();
    let mut of_other_series = world.status_proof(3).unwrap();
    of_other_series.credential.series = SeriesId(2);
    let other = Ground::StatusBroken {
        what: BrokenStatus::Other,
    };
    for proof in [&of_four, &of_other_series] {
        let report = with_proof(&certificates[3], proof, &state, tip_time(&world));
        assert_eq!((report.verdict, ground(&report)), (Verdict::Unknown, &other));
    }
    // The name changed, the paths are those of the other.
    set(&mut world, 3, REVOKED);
    let mut swapped = world.status_proof(5_000).unwrap();
    swapped.credential = CredentialId {
        series: SeriesId(1),
        number: Number(3),
    };
    let report = with_proof(&certificates[3], &swapped, &state, tip_time(&world));
    assert_eq!(report.verdict, Verdict::Unknown, "{report:#?}");
    assert_eq!(
        *ground(&report),
        Ground::StatusBroken {
            what: BrokenStatus::Path
        }
    );
}

#[test]
fn a_proof_that_is_wrong_in_any_way_is_worth_nothing() {
    let (mut world, certificates, state) = issued();
    set(&mut world, 0, REVOKED);
    let good = world.status_proof(3).unwrap();
    let now = tip_time(&world);
    let check = |change: &dyn Fn(&mut StatusProof)| {
        let mut proof = good.clone();
        change(&mut proof);
        let report = with_proof(&certificates[3], &proof, &state, now);
        assert_eq!(report.verdict, Verdict::Unknown, "{report:#?}");
        assert_eq!(
            report.check(CheckName::Status).unwrap().ground,
            Ground::Clear { height: state.height() }
        );
        ground(&report).clone()
    };
    let broken = |what| Ground::StatusBroken { what };
    let seal = Ground::RegionsNewer {
        block: good.head.height,
        height: state.height(),
    };
    assert_eq!(
        check(&|proof| proof.head.time = state.time()),
        broken(BrokenStatus::Time)
    );
    assert_eq!(
        check(&|proof| proof.section = "status/110000.other/110000".parse().unwrap()),
        broken(BrokenStatus::Section)
    );
    assert_eq!(
        check(&|proof| proof.section = "status/110000.drivers-licence/330000".parse().unwrap()),
        broken(BrokenStatus::Section)
    );
    assert_eq!(check(&|proof| proof.series.size = 2), broken(BrokenStatus::Path));
    assert_eq!(
        check(&|proof| proof.sections.path.0.clear()),
        broken(BrokenStatus::Path)
    );
    assert_eq!(check(&|proof| proof.next += 1), seal);
    assert_eq!(check(&|proof| proof.sets[0] = SetShown::Empty), seal);
    assert_eq!(check(&|proof| proof.head.history_root = Digest::ZERO), seal);
    assert_eq!(check(&|proof| proof.sections.index ^= 1), broken(BrokenStatus::Path));
    let two = two_of_four(&world);
    assert_eq!(check(&|proof| proof.seal = two.clone()), seal);
    // The same ledger in another federation.
    let mut other = World::with_series(3, "concord-test").unwrap();
    other.issue(16).unwrap();
    append_after(&mut other, 60_000, Vec::new());
    let report = with_proof(&certificates[3], &other.status_proof(3).unwrap(), &state, now);
    assert_eq!(report.verdict, Verdict::Unknown);
    assert!(matches!(ground(&report), Ground::RegionsNewer { .. }));
}

/// The last block with the seal of two of four regions.
fn two_of_four(world: &World) -> Seal {
    let (block, seal) = world.blocks.last().unwrap();
    let shares = world.shares(block, seal.round, [0, 1]).unwrap();
    let parts: Vec<_> = shares.into_iter().map(|(_, share)| share).collect();
    Seal {
        round: seal.round,
        signers: vec![0b1100_0000],
        signature: concord_spec::key::bls::aggregate(&parts).unwrap(),
    }
}

#[test]
fn regions_that_the_data_do_not_know_leave_it_unknown() {
    let (mut world, certificates, state) = issued();
    let card = card_with(&mut world, 4, 700);
    passed(&mut world, Change::AdmitRegion(Box::new(card)), &[0, 1, 2]);
    for _ in 0..3 {
        world.append(Vec::new()).unwrap();
    }
    let proof = world.status_proof(3).unwrap();
    let report = with_proof(&certificates[3], &proof, &state, tip_time(&world));
    assert_eq!(report.verdict, Verdict::Unknown);
    assert!(matches!(ground(&report), Ground::RegionsNewer { .. }));
}

#[test]
fn every_byte_of_a_proof_counts() {
    let (mut world, certificates, state) = later();
    set(&mut world, 0, REVOKED);
    let proof = world.status_proof(3).unwrap().to_bytes();
    let now = tip_time(&world);
    for position in 0..proof.len() {
        for change in [0x01, 0x80] {
            let mut changed = proof.clone();
            changed[position] ^= change;
            let report = judged(&certificate_with(&certificates[3], changed), &state, now);
            assert_eq!(
                report.verdict,
                Verdict::Unknown,
                "byte {position} ^ {change:#x}: {report:#?}"
            );
        }
    }
}

#[test]
fn a_chunk_in_another_than_its_one_encoding_is_no_proof() {
    let (mut world, certificates, state) = later();
    set(&mut world, 0, REVOKED);
    let mut proof = world.status_proof(3).unwrap();
    let raw = SetShown::Chunk {
        chunks: 1,
        chunk: [&[0x02, 0x80][..], &[0; 511]].concat(),
        path: Default::default(),
    };
    proof.sets[0] = raw;
    assert_eq!(
        StatusProof::from_bytes(&proof.to_bytes()),
        Err(CodecError::Invalid { what: "status chunk" })
    );
    let report = with_proof(&certificates[3], &proof, &state, tip_time(&world));
    assert_eq!(report.verdict, Verdict::Unknown);
    assert!(matches!(ground(&report), Ground::StatusUnread { .. }));
}

#[test]
fn a_certificate_that_is_not_genuine_stays_so_with_any_proof() {
    let (world, certificates, state) = later();
    let mut forged = certificates[3].clone();
    forged.receipt.rest = Digest::ZERO;
    let report = with_proof(&forged, &world.status_proof(3).unwrap(), &state, tip_time(&world));
    assert_eq!(report.verdict, Verdict::NotGenuine);
    assert_eq!(*ground(&report), Ground::SettledBefore);
    let unreadable = verify(
        Presented::WithStatus(&[0x80]),
        &state,
        &Policy::default(),
        tip_time(&world),
    );
    assert_eq!(unreadable.verdict, Verdict::Unreadable);
}

#[test]
fn sets_of_several_chunks_are_shown_by_their_paths() {
    let mut world = World::with_series(4, "concord-test").unwrap();
    let batch = |world: &mut World| world.issue(4_096).unwrap();
    let first = batch(&mut world);
    let state = world.trusted().unwrap();
    batch(&mut world);
    batch(&mut world);
    set(&mut world, 9_000, REVOKED);
    set(&mut world, 5_000, StatusChange::Set(StatusKind::Suspended));
    let standing = |number| {
        let proof = world.status_proof(number).unwrap();
        proof.verify(&world.state.chain_id(), world.state.region_set()).unwrap();
        (proof.standing(), proof)
    };
    assert_eq!(standing(9_000).0, Standing::Revoked);
    assert_eq!(standing(5_000).0, Standing::Suspended);
    assert_eq!(standing(12_288).0, Standing::NotIssued);
    let (in_force, past) = standing(9_001);
    assert_eq!(in_force, Standing::InForce);
    assert!(matches!(past.sets[0], SetShown::Chunk { chunks: 3, .. }));
    assert!(matches!(past.sets[2], SetShown::Past { chunks: 2, .. }));
    assert_eq!(
        with_proof(&first[7], &standing(7).1, &state, tip_time(&world)).verdict,
        Verdict::Valid
    );
}
