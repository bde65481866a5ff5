//! The federation over time: regions come and go, keys rotate, votes change it, and certificates outlive it all (DESIGN 4.3, 4.7).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod scene;

use concord_spec::bundle::{BundleError, TrustBundle};
use concord_spec::certificate::Certificate;
use concord_spec::charter::Parameters;
use concord_spec::epochs::HandoverError;
use concord_spec::id::{DomainId, Height, RegionId, SeriesId, UnixMillis};
use concord_spec::ledger::{BlockContext, BlockError, CheckEach, Limits};
use concord_spec::record::{
    Action, Actor, Change, Domain, Nothing, Observer, Observers, OfficeChange, OfficeLevel, Payload, ReplaceKeyring,
    SignedRecord, VersionChange, Versioned,
};
use concord_spec::seal::{RegionSet, Seal, seal_message};
use concord_spec::verify::Verdict;
use concord_spec::world::{World, authority, consensus_key};
use scene::{
    Desk, HOUR_MS, LICENCE, append_after, by_region_until, card_with, issue, key, keyring, labels, next_context,
    node_keys, opening, passed, propose, proposed, refused, region, set_office, verdict, version_of, vote,
};

fn world() -> World {
    World::with_series(4, "concord-test").unwrap()
}

/// The regions that seal a block, by their places among the codes.
fn sealing(world: &World, height: u64) -> Vec<RegionId> {
    let set = world.state.region_set_at(Height(height)).unwrap();
    set.members().iter().map(|member| member.region.clone()).collect()
}

fn regions(of: &[usize]) -> Vec<RegionId> {
    of.iter().map(|index| region(*index)).collect()
}

#[test]
fn a_change_of_regions_is_in_force_exactly_two_blocks_after_its_vote() {
    let mut world = world();
    let card = world.card(4).unwrap();
    let steps = [
        (
            Change::AdmitRegion(Box::new(card)),
            vec![0, 1, 2, 3],
            vec![0, 1, 2, 3, 4],
            4,
        ),
        (
            Change::SuspendRegion(region(1)),
            vec![0, 1, 2, 3, 4],
            vec![0, 2, 3, 4],
            3,
        ),
        (
            Change::ReinstateRegion(region(1)),
            vec![0, 2, 3, 4],
            vec![0, 1, 2, 3, 4],
            4,
        ),
        (
            Change::RemoveRegion(region(2)),
            vec![0, 1, 2, 3, 4],
            vec![0, 1, 3, 4],
            3,
        ),
    ];
    for (change, before, after, quorum) in steps {
        let name = change.name();
        let height = passed(&mut world, change, &before[..before.len() * 2 / 3 + 1]);
        assert_eq!(sealing(&world, height + 1), regions(&before), "{name}: one block later");
        assert_eq!(sealing(&world, height + 2), regions(&after), "{name}: two blocks later");
        assert_eq!(world.state.region_set().members().len(), before.len());
        world.append(Vec::new()).unwrap();
        assert_eq!(world.state.region_set().members().len(), after.len());
        assert_eq!(world.state.region_set().quorum(), quorum, "{name}");
        let (block, _) = world.blocks.last().unwrap();
        assert_ne!(block.rest.regions_now, block.rest.regions_next);
        world.append(Vec::new()).unwrap();
    }
}

#[test]
fn two_thirds_of_the_regions_are_not_enough_and_one_more_is() {
    let mut world = World::with_series(3, "concord-test").unwrap();
    let change = Change::SetParameters(Parameters { heartbeat_ms: 5_000 });
    let id = proposed(&mut world, change);
    let second = world.by_region_at(1, vote(id, true)).unwrap();
    world.append(vec![second]).unwrap();
    assert_eq!(
        world.state.federation().proposals.len(),
        1,
        "two of three are two thirds"
    );
    let third = world.by_region_at(2, vote(id, true)).unwrap();
    world.append(vec![third]).unwrap();
    assert!(world.state.federation().proposals.is_empty());
    assert_ne!(world.state.federation().parameters.heartbeat_ms, 5_000);
    world.append(Vec::new()).unwrap();
    assert_eq!(world.state.federation().parameters.heartbeat_ms, 5_000);
}

#[test]
fn a_removed_region_says_nothing_more_and_comes_back_with_other_keys_only() {
    let mut world = world();
    world.change(Change::RemoveRegion(region(3)), &[0, 1, 2]).unwrap();
    let record = world.by_region_at(3, Action::CancelRotation(Nothing)).unwrap();
    assert_eq!(refused(&world, &record), "REGION_NOT_IN_FORCE");
    let old = world.card(3).unwrap();
    let record = world
        .by_region_at(0, propose(Change::AdmitRegion(Box::new(old))))
        .unwrap();
    assert_eq!(refused(&world, &record), "NODE_KEY_IN_USE");
    let card = card_with(&mut world, 3, 40);
    let height = passed(&mut world, Change::AdmitRegion(Box::new(card)), &[0, 1, 2]);
    world.append(Vec::new()).unwrap();
    assert_eq!(sealing(&world, height + 2), regions(&[0, 1, 2, 3]));
    let found = world.state.federation().region(&region(3)).unwrap();
    assert_eq!(found.terms.len(), 2, "the terms under which it sealed then stay known");
    assert_eq!(found.terms[1].consensus_key, key(40).public());
}

/// The only region in force decides alone until the block in which the others are in force.
#[test]
fn a_suspended_region_does_not_come_back_as_the_257th() {
    let mut world = World::new(2, "concord-test").unwrap();
    world.change(Change::SuspendRegion(region(1)), &[0, 1]).unwrap();
    let mut records = Vec::new();
    for number in 100..355 {
        let mut card = card_with(&mut world, 2, number);
        card.region = RegionId::new(format!("r{number}")).unwrap();
        card.peer_id = format!("peer-of-key-{number}");
        records.push(
            world
                .by_region_at(0, propose(Change::AdmitRegion(Box::new(card))))
                .unwrap(),
        );
    }
    world.append(records).unwrap();
    let after = Height(world.state.tip().height.0 + 2);
    assert_eq!(world.state.region_set_at(after).unwrap().members().len(), 256);
    let record = world
        .by_region_at(0, propose(Change::ReinstateRegion(region(1))))
        .unwrap();
    assert_eq!(refused(&world, &record), "CHANGE_NOT_POSSIBLE");
}

#[test]
fn a_node_seals_with_its_old_key_until_two_blocks_after_it_rotated() {
    let mut world = world();
    let before = world.issue(2).unwrap();
    let old = world.trusted().unwrap();
    let keys = node_keys(&mut world, 41);
    let record = world
        .by_region_at(3, Action::RotateNode(Box::new(keys.clone())))
        .unwrap();
    world.append(vec![record]).unwrap();
    let height = world.state.tip().height.0;
    let of = |set: &RegionSet| set.members()[3].clone();
    assert_eq!(
        of(&world.state.region_set_at(Height(height + 1)).unwrap()).consensus_key,
        consensus_key(3).public()
    );
    let rotated = of(&world.state.region_set_at(Height(height + 2)).unwrap());
    assert_eq!(
        (rotated.consensus_key, rotated.seal_key),
        (keys.consensus_key, keys.seal_key)
    );
    world.append(Vec::new()).unwrap();
    let after = world.issue(2).unwrap();
    let new = world.trusted().unwrap();
    assert_eq!(verdict(&before[0], &old), Verdict::Valid);
    assert_eq!(verdict(&before[0], &new), Verdict::Valid);
    assert_eq!(verdict(&after[0], &new), Verdict::Valid);
    assert_eq!(verdict(&after[0], &old), Verdict::Unknown);
}

/// A record of the first region, signed by one key, to be applied so many milliseconds after the last block.
fn signed_at(
    world: &mut World,
    later_ms: u64,
    by: &concord_spec::key::ed25519::SecretKey,
) -> (SignedRecord, BlockContext) {
    let now = world.state.tip().time.0 + later_ms;
    let observer = Observer {
        peer_id: "observer".to_owned(),
        name: "observer".to_owned(),
        addresses: Vec::new(),
    };
    let observers = Action::SetObservers(Observers {
        observers: vec![observer],
    });
    let payload = Payload {
        not_after: UnixMillis(now),
        ..world.payload(Actor::Region(region(0)), observers)
    };
    let context = BlockContext {
        height: world.state.next_height(),
        time: UnixMillis(now),
    };
    (SignedRecord::sign(payload, &[by]), context)
}

fn applied(world: &mut World, later_ms: u64, by: &concord_spec::key::ed25519::SecretKey) -> Result<(), &'static str> {
    let (record, context) = signed_at(world, later_ms, by);
    let outcome = world.state.clone().apply(&record, &context, &CheckEach);
    outcome.map(|_| ()).map_err(|rejection| rejection.code())
}

fn rotate_authority(world: &mut World, number: u64) {
    let record = world
        .by_region_at(0, Action::RotateAuthority(keyring(1, [number])))
        .unwrap();
    world.append(vec![record]).unwrap();
}

#[test]
fn another_authority_keyring_speaks_after_72_hours_and_not_a_millisecond_earlier() {
    let mut world = world();
    rotate_authority(&mut world, 60);
    let (old, new) = (authority(0), key(60));
    let due = 72 * HOUR_MS;
    assert_eq!(applied(&mut world, due - 1, &old), Ok(()));
    assert_eq!(applied(&mut world, due - 1, &new), Err("UNKNOWN_KEY"));
    assert_eq!(applied(&mut world, due, &old), Err("UNKNOWN_KEY"));
    assert_eq!(applied(&mut world, due, &new), Ok(()));
}

#[test]
fn the_old_keyring_cancels_a_rotation_until_it_is_due() {
    let mut world = world();
    rotate_authority(&mut world, 60);
    append_after(&mut world, 72 * HOUR_MS - 2, Vec::new());
    let cancel = by_region_until(&mut world, 0, HOUR_MS, Action::CancelRotation(Nothing));
    append_after(&mut world, 1, vec![cancel]);
    assert_eq!(applied(&mut world, 72 * HOUR_MS, &key(60)), Err("UNKNOWN_KEY"));
    assert_eq!(applied(&mut world, 72 * HOUR_MS, &authority(0)), Ok(()));
}

#[test]
fn a_vote_cancels_a_rotation_of_who_stole_the_keyring() {
    let mut world = world();
    rotate_authority(&mut world, 60);
    world.change(Change::CancelRotation(region(0)), &[1, 2, 3]).unwrap();
    assert_eq!(applied(&mut world, 72 * HOUR_MS, &key(60)), Err("UNKNOWN_KEY"));
    assert_eq!(applied(&mut world, 72 * HOUR_MS, &authority(0)), Ok(()));
}

#[test]
fn a_vote_replaces_a_lost_keyring_and_drops_the_rotation_of_the_thief() {
    let mut world = world();
    rotate_authority(&mut world, 60);
    let body = ReplaceKeyring {
        of: Actor::Region(region(0)),
        keyring: keyring(1, [61]),
    };
    world.change(Change::ReplaceKeyring(body), &[1, 2, 3]).unwrap();
    for later in [1_000, 72 * HOUR_MS] {
        assert_eq!(applied(&mut world, later, &authority(0)), Err("UNKNOWN_KEY"));
        assert_eq!(applied(&mut world, later, &key(60)), Err("UNKNOWN_KEY"));
        assert_eq!(applied(&mut world, later, &key(61)), Ok(()));
    }
}

#[test]
fn a_node_that_does_not_know_a_version_stops_at_the_height_from_which_it_is_in_force() {
    let mut world = world();
    let from = world.state.next_height().0 + 3;
    let change = VersionChange {
        subject: Versioned::Record,
        version: 2,
        from: Height(from),
    };
    world.change(Change::RaiseVersion(change), &[0, 1, 2]).unwrap();
    while world.state.next_height().0 < from {
        assert_eq!(world.state.version_in_force(Versioned::Record), 1);
        world.append(Vec::new()).unwrap();
    }
    let time = UnixMillis(world.state.tip().time.0 + 1_000);
    let draft = world.state.draft(time, &region(0), [], Limits::default(), &CheckEach);
    let expected = BlockError::NewerSoftware {
        subject: Versioned::Record,
        version: 2,
    };
    assert_eq!(world.state.advance(&draft.block, &CheckEach).unwrap_err(), expected);
    assert_eq!(world.state.needs_newer_software(), Some((Versioned::Record, 2)));
}

#[test]
fn the_federation_defines_and_closes_types_of_its_own_by_vote() {
    let mut world = world();
    let mut definition = world.definition.clone();
    definition.reference = version_of("federation.diploma", 1);
    world
        .change(Change::DefineType(Box::new(definition)), &[0, 1, 2])
        .unwrap();
    let of = version_of("federation.diploma", 1);
    assert!(
        world
            .state
            .catalogue()
            .entry(&of)
            .is_some_and(|entry| entry.closed.is_none())
    );
    world.change(Change::CloseType(of.clone()), &[0, 1, 2]).unwrap();
    assert!(
        world
            .state
            .catalogue()
            .entry(&of)
            .is_some_and(|entry| entry.closed.is_some())
    );
}

#[test]
fn a_domain_authority_is_admitted_by_vote_and_gets_another_keyring_by_vote() {
    let mut world = world();
    let domain = DomainId::new("transport").unwrap();
    let admission = Domain {
        domain: domain.clone(),
        labels: labels("交通运输部"),
        keyring: keyring(1, [70]),
    };
    world.change(Change::AdmitDomain(admission), &[0, 1, 2]).unwrap();
    let mut definition = world.definition.clone();
    definition.reference = version_of("transport.licence", 1);
    let action = Action::DefineType(Box::new(definition));
    let by = |world: &mut World, number: u64| {
        let payload = world.payload(Actor::Domain(DomainId::new("transport").unwrap()), action.clone());
        SignedRecord::sign(payload, &[&key(number)])
    };
    let replaced = ReplaceKeyring {
        of: Actor::Domain(domain),
        keyring: keyring(1, [71]),
    };
    world.change(Change::ReplaceKeyring(replaced), &[0, 1, 2]).unwrap();
    let lost = by(&mut world, 70);
    assert_eq!(refused(&world, &lost), "UNKNOWN_KEY");
    let record = by(&mut world, 71);
    world.append(vec![record]).unwrap();
    assert!(
        world
            .state
            .catalogue()
            .entry(&version_of("transport.licence", 1))
            .is_some()
    );
}

#[test]
fn of_two_changes_that_pass_together_the_one_made_impossible_by_the_other_is_dropped() {
    let mut world = world();
    let admission = |number| {
        Change::AdmitDomain(Domain {
            domain: DomainId::new("transport").unwrap(),
            labels: labels("交通运输部"),
            keyring: keyring(1, [number]),
        })
    };
    passed(&mut world, admission(70), &[0, 1, 2]);
    passed(&mut world, admission(71), &[0, 1, 2]);
    assert_eq!(
        world.state.federation().scheduled.len(),
        1,
        "the first is made at the end of this block"
    );
    world.append(Vec::new()).unwrap();
    let federation = world.state.federation();
    assert!(federation.scheduled.is_empty());
    assert_eq!(federation.domains.len(), 1);
    assert_eq!(federation.domains[0].keyring, keyring(1, [70]));
}

/// Certificates before and after a fifth region, with the bundles of both times; a second handover follows.
fn grown() -> (World, Vec<Certificate>, Vec<Certificate>, Vec<u8>) {
    let mut world = world();
    let before = world.issue(4).unwrap();
    let old = world.bundle().unwrap();
    let card = world.card(4).unwrap();
    world.change(Change::AdmitRegion(Box::new(card)), &[0, 1, 2]).unwrap();
    world.change(Change::RemoveRegion(region(1)), &[0, 1, 2, 3]).unwrap();
    let after = world.issue(4).unwrap();
    (world, before, after, old)
}

#[test]
fn certificates_hold_with_bundles_from_before_and_after_a_change_and_are_never_called_forged() {
    let (world, before, after, old) = grown();
    let chain = world.state.chain_id();
    let old = TrustBundle::open(&old, &chain).unwrap();
    let new = world.trusted().unwrap();
    for certificate in &before {
        assert_eq!(verdict(certificate, &old), Verdict::Valid);
        assert_eq!(verdict(certificate, &new), Verdict::Valid);
    }
    for certificate in &after {
        assert_eq!(verdict(certificate, &new), Verdict::Valid);
        assert_eq!(
            verdict(certificate, &old),
            Verdict::Unknown,
            "sealed by regions that the old bundle does not know"
        );
    }
    // What the old regions sealed at a height at which others were in force is forged, by a bundle that knows them.
    let mut forged = before[0].clone();
    forged.receipt.height = after[0].receipt.height;
    assert_eq!(verdict(&forged, &new), Verdict::NotGenuine);
}

#[test]
fn a_bundle_whose_chain_of_handovers_is_cut_reordered_or_sealed_by_others_is_refused() {
    let (world, _, _, _) = grown();
    let chain = world.state.chain_id();
    let bytes = world.bundle().unwrap();
    let whole = TrustBundle::from_bytes(&bytes).unwrap();
    assert_eq!(whole.handovers.len(), 2);
    assert!(TrustBundle::open(&bytes, &chain).is_ok());
    let opened = |change: &dyn Fn(&mut TrustBundle)| {
        let mut changed = whole.clone();
        change(&mut changed);
        TrustBundle::open(&changed.to_bytes(), &chain).map(|_| ()).unwrap_err()
    };
    let first = whole.handovers[0].header.height;
    let second = whole.handovers[1].header.height;
    assert_eq!(
        opened(&|bundle| drop(bundle.handovers.remove(0))),
        BundleError::Handover(HandoverError::Regions(second))
    );
    assert_eq!(opened(&|bundle| drop(bundle.handovers.pop())), BundleError::Header);
    assert_eq!(opened(&|bundle| bundle.handovers.clear()), BundleError::Header);
    assert_eq!(
        opened(&|bundle| bundle.handovers.swap(0, 1)),
        BundleError::Handover(HandoverError::Regions(second))
    );
    assert_eq!(
        opened(&|bundle| bundle.handovers.insert(0, whole.handovers[0].clone())),
        BundleError::Handover(HandoverError::Order(first))
    );
    // The set that a handover brings in cannot seal it, nor can a quorum of the founders seal the second.
    for (index, height) in [(0, second.0 + 1), (1, 1)] {
        let foreign = sealed_by(&world, &whole, index, height);
        assert!(matches!(
            opened(&|bundle| bundle.handovers[index].seal = foreign.clone()),
            BundleError::Handover(HandoverError::Seal { .. })
        ));
    }
    // And the header of a bundle needs the seal of its own regions.
    let head = whole.handovers[1].seal.clone();
    assert!(matches!(
        opened(&|bundle| bundle.seal = head.clone()),
        BundleError::Seal(_)
    ));
}

/// The seal of a handover's block by a quorum of the regions in force at another height.
fn sealed_by(world: &World, bundle: &TrustBundle, index: usize, height: u64) -> Seal {
    let set = world.state.region_set_at(Height(height)).unwrap();
    let header = &bundle.handovers[index].header;
    let message = seal_message(&world.state.chain_id(), header.height, 0, &header.hash());
    let shares: Vec<_> = set
        .members()
        .iter()
        .take(set.quorum())
        .map(|member| {
            let key = world
                .seal_keys
                .iter()
                .find(|key| key.public() == member.seal_key)
                .unwrap();
            (member.region.clone(), key.sign(&message))
        })
        .collect();
    Seal::assemble(&set, 0, &shares).unwrap()
}

/// A region's node takes other keys, two blocks later.
fn rotation(world: &mut World, number: u64) -> SignedRecord {
    let keys = node_keys(world, number);
    world.by_region_at(3, Action::RotateNode(Box::new(keys))).unwrap()
}

#[test]
fn a_region_that_rotates_its_keys_whenever_it_can_is_suspended_and_removed_all_the_same() {
    for (change, same_block) in [
        (Change::SuspendRegion(region(3)), false),
        (Change::SuspendRegion(region(3)), true),
        (Change::RemoveRegion(region(3)), false),
        (Change::RemoveRegion(region(3)), true),
    ] {
        let mut world = world();
        let before = world.issue(2).unwrap();
        let first = rotation(&mut world, 41);
        let proposal = world.by_region_at(0, propose(change.clone())).unwrap();
        let id = proposal.id();
        world.append(vec![first, proposal]).unwrap();
        world.append(Vec::new()).unwrap();
        // The wait is over: it rotates once more, before the vote that decides or in one block with it.
        let again = rotation(&mut world, 42);
        let mut votes = [1, 2]
            .map(|index| world.by_region_at(index, vote(id, true)).unwrap())
            .to_vec();
        if same_block {
            votes.insert(0, again);
        } else {
            world.append(vec![again]).unwrap();
        }
        world.append(votes).unwrap();
        let height = world.state.tip().height.0;
        assert_eq!(sealing(&world, height + 1), regions(&[0, 1, 2, 3]), "{}", change.name());
        assert_eq!(sealing(&world, height + 2), regions(&[0, 1, 2]), "{}", change.name());
        let keys = |at: u64| world.state.region_set_at(Height(at)).unwrap().members()[3].consensus_key;
        let expected = if same_block { 41 } else { 42 };
        assert_eq!(keys(height + 1), key(expected).public(), "keys of its last block");
        let record = rotation(&mut world, 43);
        assert_eq!(refused(&world, &record), "CHANGE_PENDING");
        // Every set is vouched for by the one before it, from the charter on.
        for _ in 0..3 {
            world.append(Vec::new()).unwrap();
            assert_eq!(verdict(&before[0], &world.trusted().unwrap()), Verdict::Valid);
        }
        if change.name() == "suspend-region" {
            world.change(Change::ReinstateRegion(region(3)), &[0, 1, 2]).unwrap();
            let set = world.state.region_set().clone();
            assert_eq!(
                set.members()[3].consensus_key,
                key(42).public(),
                "it comes back with its last keys"
            );
            world.append(Vec::new()).unwrap();
            assert_eq!(verdict(&before[0], &world.trusted().unwrap()), Verdict::Valid);
        }
    }
}

#[test]
fn a_region_that_is_admitted_and_removed_in_one_block_leaves_no_handover() {
    let mut world = world();
    let before = world.issue(1).unwrap();
    let card = world.card(4).unwrap();
    let mut records = Vec::new();
    for change in [Change::AdmitRegion(Box::new(card)), Change::RemoveRegion(region(4))] {
        let proposal = world.by_region_at(0, propose(change)).unwrap();
        let id = proposal.id();
        records.push(proposal);
        records.extend([1, 2].map(|index| world.by_region_at(index, vote(id, true)).unwrap()));
    }
    world.append(records).unwrap();
    assert_eq!(world.state.federation().changes_of_regions(), Vec::new());
    for _ in 0..3 {
        world.append(Vec::new()).unwrap();
        assert_eq!(verdict(&before[0], &world.trusted().unwrap()), Verdict::Valid);
    }
}

#[test]
fn a_vote_cancels_a_rotation_until_it_is_due_and_as_soon_as_it_passes() {
    let mut world = world();
    rotate_authority(&mut world, 60);
    let id = proposed(&mut world, Change::CancelRotation(region(0)));
    // In the last block before it is due.
    let since = world.state.tip().time.0;
    let due = world
        .state
        .federation()
        .region(&region(0))
        .unwrap()
        .rotation
        .clone()
        .unwrap()
        .from
        .0;
    let later = due - since - 1;
    let votes = [1, 2].map(|index| by_region_until(&mut world, index, later, vote(id, true)));
    append_after(&mut world, later, votes.to_vec());
    assert_eq!(world.state.federation().region(&region(0)).unwrap().rotation, None);
    assert_eq!(applied(&mut world, 1_000, &key(60)), Err("UNKNOWN_KEY"));
    assert_eq!(applied(&mut world, 1_000, &authority(0)), Ok(()));
}

#[test]
fn a_region_that_comes_back_finds_its_offices_suspended_until_it_reinstates_each() {
    let mut world = world();
    let office = world.office().unwrap();
    let below = Desk::new(0, "BELOW", 2, [1, 2]);
    let body = below.below(OfficeLevel::County, &[LICENCE]);
    let record = world.by_office(Action::RegisterOffice(body)).unwrap();
    world.append(vec![record]).unwrap();
    let other = Desk::new(0, "OTHER", 1, [3]).registered(&mut world, &[LICENCE]);
    let before = world.issue(1).unwrap();
    world.change(Change::RemoveRegion(region(0)), &[1, 2, 3]).unwrap();
    let card = card_with(&mut world, 0, 40);
    world.change(Change::AdmitRegion(Box::new(card)), &[1, 2, 3]).unwrap();
    let stopped = |world: &mut World| {
        let records = [
            world.by_office(issue(SeriesId(1), 1, 1)).unwrap(),
            below.sign(world, opening(&version_of(LICENCE, 1), 80)),
            other.sign(world, opening(&version_of(LICENCE, 1), 81)),
        ];
        records.map(|record| {
            world
                .state
                .clone()
                .apply(&record, &next_context(world, 1_000), &CheckEach)
                .err()
                .map(|why| why.code())
        })
    };
    assert_eq!(stopped(&mut world), [Some("OFFICE_NOT_ACTIVE"); 3]);
    // What was suspended on top is reinstated, and what stands below with it.
    let record = world.by_region(set_office(&office, OfficeChange::Reinstate)).unwrap();
    world.append(vec![record]).unwrap();
    assert_eq!(stopped(&mut world), [None, None, Some("OFFICE_NOT_ACTIVE")]);
    assert_eq!(verdict(&before[0], &world.trusted().unwrap()), Verdict::Valid);
}
