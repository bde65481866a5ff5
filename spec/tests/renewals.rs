//! Renewed certificates: a block of an earlier epoch under the seal of today's regions, and nothing else.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod scene;

use concord_spec::bundle::TrustedState;
use concord_spec::certificate::Certificate;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, UnixMillis};
use concord_spec::key::bls::aggregate;
use concord_spec::merkle::PathError;
use concord_spec::record::Change;
use concord_spec::renewal::RenewedCertificate;
use concord_spec::seal::Seal;
use concord_spec::verify::{Broken, CheckName, Ground, Policy, Presented, Report, Verdict, verify};
use concord_spec::world::World;
use scene::{card_with, passed, region};

/// Issued under four regions; then a fifth came and a founder was removed.
fn changed() -> (World, Vec<Certificate>, TrustedState) {
    let mut world = World::with_series(4, "concord-test").unwrap();
    let certificates = world.issue(16).unwrap();
    let then = world.trusted().unwrap();
    let card = card_with(&mut world, 4, 700);
    passed(&mut world, Change::AdmitRegion(Box::new(card)), &[0, 1, 2]);
    world.append(Vec::new()).unwrap();
    world.append(Vec::new()).unwrap();
    passed(&mut world, Change::RemoveRegion(region(1)), &[0, 2, 3, 4]);
    for _ in 0..4 {
        world.append(Vec::new()).unwrap();
    }
    (world, certificates, then)
}

fn judged(bytes: &[u8], state: &TrustedState) -> Report {
    verify(Presented::Certificate(bytes), state, &Policy::default(), state.time())
}

fn report(certificate: &RenewedCertificate, state: &TrustedState) -> Report {
    judged(&certificate.to_bytes(), state)
}

fn recorded(report: &Report) -> &Ground {
    &report.check(CheckName::Recorded).unwrap().ground
}

fn broken(what: Broken) -> Ground {
    Ground::Broken { what }
}

#[test]
fn a_renewed_certificate_is_valid_by_the_seal_of_todays_regions_alone() {
    let (world, certificates, _) = changed();
    let state = world.trusted().unwrap();
    let renewed = world.renewed(&certificates[3]).unwrap();
    let report = report(&renewed, &state);
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
    assert_eq!(
        *recorded(&report),
        Ground::SeenThrough {
            block: certificates[3].receipt.height,
            time_ms: certificates[3].receipt.time,
            through: state.height(),
            through_ms: state.time(),
        }
    );
    assert_eq!(
        report.check(CheckName::Readable).unwrap().ground,
        Ground::RenewedCertificate
    );
    assert_eq!(
        report.subject.unwrap().recorded_height,
        Some(certificates[3].receipt.height)
    );
    // The seal of the four is not in it.
    let (old, bytes) = (certificates[3].receipt.seal.signature.to_bytes(), renewed.to_bytes());
    assert!(!bytes.windows(old.len()).any(|window| window == old));
}

#[test]
fn data_from_before_the_change_do_not_know_who_seals_it() {
    let (world, certificates, then) = changed();
    let renewed = world.renewed(&certificates[3]).unwrap();
    let report = report(&renewed, &then);
    assert_eq!(report.verdict, Verdict::Unknown);
    assert!(matches!(recorded(&report), Ground::RegionsNewer { .. }));
    assert_eq!(judged(&certificates[3].to_bytes(), &then).verdict, Verdict::Valid);
}

#[test]
fn it_can_be_renewed_again_and_by_then_newer_data_are_not_needed() {
    let (mut world, certificates, _) = changed();
    let once = world.renewed(&certificates[3]).unwrap();
    let state = world.trusted().unwrap();
    world.append(Vec::new()).unwrap();
    let twice = once.renewed(world.renewal(certificates[3].receipt.height).unwrap());
    assert_ne!(once, twice);
    // The later block is newer than the data, whose regions seal it still; the record is not.
    assert_eq!(report(&twice, &state).verdict, Verdict::Valid);
    assert_eq!(report(&twice, &world.trusted().unwrap()).verdict, Verdict::Valid);
}

#[test]
fn every_byte_counts() {
    let (world, certificates, _) = changed();
    let state = world.trusted().unwrap();
    let bytes = world.renewed(&certificates[3]).unwrap().to_bytes();
    for position in 0..bytes.len() {
        for change in [0x01, 0x80] {
            let mut altered = bytes.clone();
            altered[position] ^= change;
            let verdict = judged(&altered, &state).verdict;
            let refused = matches!(
                verdict,
                Verdict::NotGenuine | Verdict::Unreadable | Verdict::NeedsNewerSoftware
            );
            assert!(refused, "byte {position} ^ {change:#x}: {verdict:?}");
        }
    }
}

#[test]
fn what_does_not_hold_together_is_refused_by_its_reason() {
    let (world, certificates, _) = changed();
    let state = world.trusted().unwrap();
    let good = world.renewed(&certificates[3]).unwrap();
    let check = |change: &dyn Fn(&mut RenewedCertificate)| {
        let mut altered = good.clone();
        change(&mut altered);
        let report = report(&altered, &state);
        assert_eq!(report.verdict, Verdict::NotGenuine, "{report:#?}");
        recorded(&report).clone()
    };
    let through = |it: &mut RenewedCertificate, height: u64| {
        let (block, seal) = &world.blocks[usize::try_from(height - 1).unwrap()];
        let path = it.receipt.seal.path.clone();
        it.receipt.seal = concord_spec::renewal::Renewal {
            path,
            header: block.header,
            rest: block.rest.clone(),
            seal: seal.clone(),
        };
    };
    let last = state.height().0;
    assert_eq!(check(&|it| it.receipt.seal.path.0.swap(0, 1)), broken(Broken::History));
    assert_eq!(
        check(&|it| it.receipt.seal.rest.history_root = Digest::ZERO),
        broken(Broken::History)
    );
    assert_eq!(check(&|it| through(it, last - 1)), broken(Broken::History));
    // Its own block, and one before it.
    assert_eq!(check(&|it| through(it, it.receipt.height.0)), broken(Broken::Time));
    assert_eq!(check(&|it| through(it, it.receipt.height.0 - 1)), broken(Broken::Time));
    assert_eq!(
        check(&|it| it.receipt.time = UnixMillis(it.receipt.time.0 - 1)),
        broken(Broken::History)
    );
    assert_eq!(check(&|it| it.receipt.height = Height(0)), broken(Broken::NoBlock));
    assert_eq!(check(&|it| it.receipt.seal.header.time.0 -= 1), broken(Broken::Time));
    let (block, seal) = world.blocks.last().unwrap();
    let shares = world.shares(block, seal.round, [0, 2]).unwrap();
    let two: Vec<_> = shares.into_iter().map(|(_, share)| share).collect();
    let below = Seal {
        round: seal.round,
        signers: vec![0b1010_0000],
        signature: aggregate(&two).unwrap(),
    };
    assert_eq!(check(&|it| it.receipt.seal.seal = below.clone()), broken(Broken::Seal));
    // The block is of another history: nothing is shown of it.
    let other = Digest([1; 32]);
    assert_eq!(
        good.receipt.seal.shows(good.receipt.height, &other),
        Err(PathError::OtherRoot)
    );
}

#[test]
fn a_renewed_certificate_is_no_certificate_of_version_1_nor_the_other_way_round() {
    let (world, certificates, _) = changed();
    let renewed = world.renewed(&certificates[3]).unwrap();
    assert!(Certificate::from_bytes(&renewed.to_bytes()).is_err());
    assert!(RenewedCertificate::from_file(&certificates[3].to_bytes()).is_err());
    let mut newer = renewed.to_bytes();
    newer[1] = 4;
    assert_eq!(
        judged(&newer, &world.trusted().unwrap()).verdict,
        Verdict::NeedsNewerSoftware
    );
}
