//! Every reason for which a bundle is refused. What was held is then as it was.

use crate::scene::{LICENCE, region, status};
use crate::story::{Dice, PERMIT, now, selection, terms_at, two_offices};
use concord_spec::bundle::{
    BundleError, Checkpoint, Delta, Held, Kind, MAX_BUNDLE, MAX_UNATTENDED_MS, MAX_WINDOW, Packed, SectionBody,
    SectionChangeBody, Selection, Start, Terms, TrustBundle,
};
use concord_spec::codec::{self, CodecError};
use concord_spec::digest::Digest;
use concord_spec::id::{Height, SeriesId, UnixMillis};
use concord_spec::key::bls::aggregate;
use concord_spec::ledger::SectionName;
use concord_spec::record::{Action, Change, StatusChange};
use concord_spec::seal::{RegionSet, Seal, seal_message};
use concord_spec::status::{Numbers, StatusKind};
use concord_spec::world::World;
use std::collections::BTreeSet;

/// A device, and what goes on after what it holds: a region leaves, numbers are revoked.
struct Scene {
    world: World,
    held: Held,
    /// The newest, which shows that it continues what is held.
    whole: TrustBundle,
    delta: Delta,
    /// A ledger with the same beginning that went another way before the height held.
    fork: World,
    /// The same federation under another name.
    other: World,
    /// The regions before one left.
    before: RegionSet,
}

fn scene() -> Scene {
    let (mut world, desk) = two_offices("concord-test");
    world.append(Vec::new()).unwrap();
    let chain = world.state.chain_id();
    let held = Held::open(&world.bundle().unwrap(), &chain).unwrap();
    let before = (**world.state.region_set()).clone();
    world.change(Change::RemoveRegion(region(2)), &[0, 1, 3]).unwrap();
    let more = vec![
        desk.issue(&mut world, SeriesId(2), 4_096, 10),
        world.batch(3).unwrap().1,
    ];
    world.append(more).unwrap();
    let change = StatusChange::Set(StatusKind::Revoked);
    let revoked = desk.sign(
        &mut world,
        Action::SetStatus(status(SeriesId(2), &[(3_000, 2)], change)),
    );
    world.append(vec![revoked]).unwrap();
    let mut whole = world.full_bundle().unwrap();
    whole.anchors = vec![world.anchor(held.point().height).unwrap()];
    let delta = world.delta(held.point().height, &Selection::all()).unwrap();
    let (mut fork, _) = two_offices("concord-test");
    for _ in 0..8 {
        // Another time makes another block.
        fork.append_after(5_000, Vec::new()).unwrap();
    }
    let (mut other, _) = two_offices("another-chain");
    for _ in 0..8 {
        other.append(Vec::new()).unwrap();
    }
    Scene {
        world,
        held,
        whole,
        delta,
        fork,
        other,
        before,
    }
}

impl Scene {
    fn chain(&self) -> Digest {
        self.world.state.chain_id()
    }

    fn terms(&self) -> Terms {
        terms_at(&self.world)
    }

    /// How a file is refused. What is held stays as it is.
    fn refusal(&self, bytes: &[u8], terms: &Terms) -> BundleError {
        let before = self.held.to_bytes();
        let refused = self.held.update(bytes, terms).map(|held| held.point()).unwrap_err();
        assert_eq!(self.held.to_bytes(), before);
        refused
    }

    fn changed(&self, change: impl FnOnce(&mut TrustBundle)) -> Vec<u8> {
        let mut bundle = self.whole.clone();
        change(&mut bundle);
        bundle.to_bytes()
    }

    fn changed_delta(&self, change: impl FnOnce(&mut Delta)) -> Vec<u8> {
        let mut delta = self.delta.clone();
        change(&mut delta);
        delta.to_bytes()
    }

    /// A seal of the newest block by these members of a set, by their places.
    fn sealed_by(&self, set: &RegionSet, who: &[usize]) -> Seal {
        let header = &self.whole.header;
        let message = seal_message(&self.chain(), header.height, 0, &header.hash());
        let shares = who.iter().map(|place| {
            let key = &set.members()[*place].seal_key;
            let secret = self.world.seal_keys.iter().find(|secret| secret.public() == *key);
            secret.unwrap().sign(&message)
        });
        let bits = who.iter().fold(0_u8, |bits, place| bits | 0x80 >> place);
        Seal {
            round: 0,
            signers: vec![bits],
            signature: aggregate(&shares.collect::<Vec<_>>()).unwrap(),
        }
    }

    fn content(&self) -> Vec<u8> {
        codec::to_vec(&self.whole)
    }
}

fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

/// What is wrong, how it is made, and how the refusal's debugging text begins.
type Case = (&'static str, fn(&Scene) -> Vec<u8>, &'static str);

const CASES: &[Case] = &[
    ("cut by a byte", |it| cut(&it.whole.to_bytes(), 1), "Truncated"),
    (
        "cut in the middle",
        |it| it.whole.to_bytes()[..500].to_vec(),
        "Truncated",
    ),
    ("nothing at all", |_| Vec::new(), "Truncated"),
    (
        "content cut, and packed again",
        |it| Packed::bytes_of(Kind::State, &cut(&it.content(), 1)),
        "Truncated",
    ),
    (
        "a bit flipped in the frame",
        |it| flipped(&it.whole.to_bytes(), 900),
        "Damaged",
    ),
    (
        "bytes after it",
        |it| [it.whole.to_bytes(), vec![0]].concat(),
        "Unreadable(TrailingBytes",
    ),
    (
        "of a later version",
        |it| {
            let mut bytes = it.whole.to_bytes();
            bytes[1] = 3;
            bytes
        },
        "Unreadable(UnknownVersion",
    ),
    ("of another chain", |it| it.other.bundle().unwrap(), "OtherChain"),
    (
        "of a fork, and shows nothing",
        |it| it.fork.bundle().unwrap(),
        "NotShown",
    ),
    (
        "of a fork, with its own block of the height held",
        |it| {
            let mut bundle = it.fork.full_bundle().unwrap();
            bundle.anchors = vec![it.fork.anchor(it.held.point().height).unwrap()];
            bundle.to_bytes()
        },
        "Fork",
    ),
    (
        "of a fork, with the header held on a path that leads elsewhere",
        |it| {
            let mut bundle = it.fork.full_bundle().unwrap();
            let mut anchor = it.whole.anchors[0].clone();
            anchor.path = it.fork.anchor(it.held.point().height).unwrap().path;
            bundle.anchors = vec![anchor];
            bundle.to_bytes()
        },
        "Fork",
    ),
    (
        "a fork of the height held",
        |it| {
            let (mut fork, _) = two_offices("concord-test");
            fork.append_after(5_000, Vec::new()).unwrap();
            assert_eq!(fork.state.tip().height, it.held.point().height);
            fork.bundle().unwrap()
        },
        "Fork",
    ),
    (
        "its anchor's rest is of another block",
        |it| it.changed(|bundle| bundle.anchors[0].rest.state_root = Digest::ZERO),
        "Fork",
    ),
    (
        "directories exchanged between regions",
        |it| {
            it.changed(|bundle| {
                let [one, other] = [region(0), region(1)].map(|region| {
                    let name = SectionName::Directory(region);
                    bundle.sections.iter().position(|section| section.name == name).unwrap()
                });
                let body = bundle.sections[one].body.clone();
                bundle.sections[one].body = bundle.sections[other].body.clone();
                bundle.sections[other].body = body;
            })
        },
        "Section(Directory(110000))",
    ),
    (
        "status of one region under the name of another",
        |it| {
            it.changed(|bundle| {
                let status = |section: &concord_spec::bundle::Section| matches!(section.body, SectionBody::Status(_));
                let places: Vec<usize> = (0..bundle.sections.len())
                    .filter(|place| status(&bundle.sections[*place]))
                    .collect();
                let body = bundle.sections[places[0]].body.clone();
                bundle.sections[places[0]].body = bundle.sections[places[1]].body.clone();
                bundle.sections[places[1]].body = body;
            })
        },
        "Section(Status(110000.drivers-licence, 110000))",
    ),
    (
        "sealed by two of three regions",
        |it| it.changed(|bundle| bundle.seal = it.sealed_by(it.world.state.region_set(), &[0, 1])),
        "Seal(BelowQuorum { signers: 2, quorum: 3 })",
    ),
    (
        "sealed by the regions before one was removed",
        |it| it.changed(|bundle| bundle.seal = it.sealed_by(&it.before, &[1, 2, 3])),
        "Seal(Bitmap",
    ),
    (
        "sealed by the removed region in the place of another",
        |it| it.changed(|bundle| bundle.seal = it.sealed_by(&it.before, &[0, 1, 2])),
        "Seal(Signature)",
    ),
    (
        "without the handover by which the region left",
        |it| it.changed(|bundle| bundle.handovers.clear()),
        "Header",
    ),
    (
        "a status chunk in another encoding of the same numbers",
        |it| {
            // Number 0 alone of series 1: Rice code 10 7f; as a bitmap it takes 513 bytes.
            let raw = [&[0x59, 0x02, 0x01, 0x02, 0x80], [0; 511].as_slice()].concat();
            Packed::bytes_of(Kind::State, &replaced(&it.content(), &[0x42, 0x10, 0x7f], &raw))
        },
        "StatusChunk",
    ),
    (
        "another root than the sealed one",
        |it| it.changed(|bundle| bundle.roots[0].root = Digest::ZERO),
        "StateRoot",
    ),
    (
        "without a section that it says it has",
        |it| {
            it.changed(|bundle| {
                bundle
                    .sections
                    .retain(|one| one.name != SectionName::Directory(region(1)))
            })
        },
        "Missing(Directory(120000))",
    ),
    (
        "more than its selection",
        |it| it.changed(|bundle| bundle.selection = selection(Some(&[LICENCE]), None)),
        "Section(Directory(120000))",
    ),
    (
        "declared larger than any bundle may be",
        |it| packed(Kind::State, u64::MAX, it.content()),
        "Bomb { allowed",
    ),
    (
        "a bomb: few bytes, declared to become many",
        |_| packed(Kind::State, 512 << 20, vec![0; 64 << 10]),
        "Bomb { allowed",
    ),
    (
        "a bomb: more comes out than is declared",
        |_| packed(Kind::State, 1_000, vec![0; 32 << 20]),
        "Bomb { allowed: 1000 }",
    ),
    (
        "less comes out than is declared",
        |it| packed(Kind::State, 1 << 20, it.content()),
        "Frame",
    ),
    (
        "a frame that asks for a window of 16 MiB",
        |it| {
            let mut packed = Packed::of(Kind::State, &it.content());
            packed.frame[5] = 14 << 3;
            codec::to_vec(&Packed::around(Kind::State, packed.size, packed.frame))
        },
        "Window { window: 16777216 }",
    ),
    (
        "a frame with something after it",
        |it| {
            let mut packed = Packed::of(Kind::State, &it.content());
            packed.frame.push(0);
            codec::to_vec(&Packed::around(Kind::State, packed.size, packed.frame))
        },
        "Frame",
    ),
    (
        "a frame with another checksum",
        |it| {
            let mut packed = Packed::of(Kind::State, &it.content());
            *packed.frame.last_mut().unwrap() ^= 1;
            codec::to_vec(&Packed::around(Kind::State, packed.size, packed.frame))
        },
        "Frame",
    ),
    (
        "a delta from another height",
        |it| {
            let from = Height(it.held.point().height.0 - 1);
            it.world.delta(from, &Selection::all()).unwrap().to_bytes()
        },
        "DoesNotFit",
    ),
    (
        "a delta for another selection",
        |it| {
            let from = it.held.point().height;
            let selection = selection(Some(&[PERMIT]), None);
            it.world.delta(from, &selection).unwrap().to_bytes()
        },
        "OtherSelection",
    ),
    (
        "a delta whose base is on no path to its block",
        |it| it.changed_delta(|delta| delta.path.0.truncate(1)),
        "Fork",
    ),
    (
        "a delta that leaves out a revocation",
        |it| {
            it.changed_delta(|delta| {
                for series in delta.sections.iter_mut().flat_map(status_changes) {
                    series.sets[0].added = Numbers::default();
                }
            })
        },
        "Section(Status(120000.permit, 120000))",
    ),
    (
        "a delta that leaves out a section",
        |it| it.changed_delta(|delta| delta.sections.retain(|one| one.name != SectionName::Federation)),
        // The regions in force are read from a section that is the old one: they do not follow from the handover.
        "Handover",
    ),
    (
        "a delta that leaves out the handover",
        |it| it.changed_delta(|delta| delta.handovers.clear()),
        "Header",
    ),
    (
        "a delta that makes a set grow without end",
        |it| {
            it.changed_delta(|delta| {
                for series in delta.sections.iter_mut().flat_map(status_changes) {
                    series.sets[1].added = Numbers::of([1 << 60]);
                }
            })
        },
        "TooMuch",
    ),
];

fn status_changes(section: &mut concord_spec::bundle::SectionChange) -> &mut [concord_spec::status::SeriesChange] {
    match &mut section.body {
        SectionChangeBody::Status(series) => series,
        SectionChangeBody::Document(_) => &mut [],
    }
}

fn cut(bytes: &[u8], by: usize) -> Vec<u8> {
    bytes[..bytes.len() - by].to_vec()
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// Content in a frame that says another size.
fn packed(kind: Kind, size: u64, content: Vec<u8>) -> Vec<u8> {
    let frame = Packed::of(kind, &content).frame;
    codec::to_vec(&Packed::around(kind, size, frame))
}

#[test]
fn what_is_wrong_in_any_way_is_refused_with_its_own_reason_and_what_was_held_stays() {
    let scene = scene();
    let terms = scene.terms();
    let good = scene.held.update(&scene.whole.to_bytes(), &terms).unwrap();
    assert_eq!(
        good.to_bytes(),
        scene.held.update(&scene.delta.to_bytes(), &terms).unwrap().to_bytes()
    );
    let mut reasons = BTreeSet::new();
    for (name, make, expected) in CASES {
        let found = format!("{:?}", scene.refusal(&make(&scene), &terms));
        assert!(found.starts_with(expected), "{name}: {found}");
        reasons.insert(
            found
                .split(|c: char| !c.is_ascii_alphanumeric())
                .next()
                .unwrap()
                .to_owned(),
        );
    }
    println!("{} cases, {} reasons: {reasons:?}", CASES.len(), reasons.len());
}

#[test]
fn any_bit_flipped_anywhere_is_refused() {
    let scene = scene();
    for bytes in [scene.whole.to_bytes(), scene.delta.to_bytes()] {
        for bit in 0..bytes.len() * 8 {
            let refused = Packed::open(&flipped(&bytes, bit));
            assert!(refused.is_err(), "bit {bit} of {}", bytes.len() * 8);
        }
    }
}

#[test]
fn heights_go_back_only_when_it_is_said_and_never_to_another_history() {
    let scene = scene();
    let older = scene.held.to_bytes();
    let newer = scene.held.update(&scene.delta.to_bytes(), &scene.terms()).unwrap();
    let (held, found) = (newer.point().height, scene.held.point().height);
    assert_eq!(
        newer.update(&older, &scene.terms()).unwrap_err(),
        BundleError::Older { held, found }
    );
    let terms = Terms {
        go_back: true,
        ..scene.terms()
    };
    assert_eq!(newer.update(&older, &terms).unwrap().to_bytes(), older);
    // The regions that sealed it were not those in force.
    let mut world = World::with_series(4, "concord-test").unwrap();
    world.change(Change::SuspendRegion(region(3)), &[0, 1, 2]).unwrap();
    world.append(Vec::new()).unwrap();
    let refused = newer.update(&world.bundle().unwrap(), &terms).unwrap_err();
    assert_eq!(refused, BundleError::Fork(world.state.tip().height));
}

#[test]
fn a_bundle_of_the_same_block_is_taken_with_another_selection() {
    let scene = scene();
    let licences = selection(Some(&[LICENCE]), None);
    let part = scene.held.bundle().select(&licences);
    let after = scene.held.update(&part.to_bytes(), &scene.terms()).unwrap();
    assert_eq!(after.point(), scene.held.point());
    assert_eq!(after.state().selection(), &licences);
}

#[test]
fn a_device_with_nothing_takes_no_delta_and_no_other_chain() {
    let scene = scene();
    let start = Start {
        chain_id: scene.chain(),
        checkpoint: None,
        now: now(&scene.world),
    };
    assert_eq!(
        Held::start(&scene.delta.to_bytes(), &start).unwrap_err(),
        BundleError::Kind("a delta")
    );
    assert!(matches!(
        Held::start(&scene.other.bundle().unwrap(), &start),
        Err(BundleError::OtherChain { .. })
    ));
    assert!(Held::start(&scene.whole.to_bytes(), &start).is_ok());
}

#[test]
fn a_checkpoint_must_be_shown_and_passed_and_be_recent() {
    let scene = scene();
    let height = scene.held.point().height;
    let point = |checkpoint| Start {
        chain_id: scene.chain(),
        checkpoint: Some(checkpoint),
        now: now(&scene.world),
    };
    let bytes = scene.whole.to_bytes();
    assert!(Held::start(&bytes, &point(scene.held.point())).is_ok());
    let newest = scene.world.checkpoint(scene.whole.header.height).unwrap();
    assert!(Held::start(&bytes, &point(newest)).is_ok(), "the bundle's own block");
    let not_shown = scene.world.checkpoint(Height(2)).unwrap();
    assert_eq!(
        Held::start(&bytes, &point(not_shown)).unwrap_err(),
        BundleError::CheckpointNotShown { checkpoint: not_shown }
    );
    let forged = Checkpoint {
        height,
        hash: Digest::ZERO,
    };
    assert_eq!(
        Held::start(&bytes, &point(forged)).unwrap_err(),
        BundleError::Fork(height)
    );
    let late = Start {
        now: UnixMillis(now(&scene.world).0 + MAX_UNATTENDED_MS + 1),
        ..point(newest)
    };
    assert_eq!(
        Held::start(&bytes, &late).unwrap_err(),
        BundleError::CheckpointNeeded {
            since: scene.whole.header.time
        }
    );
}

/// Stolen keys of the founders seal another history. It can carry true hashes of the real one, but no regions of the real one
/// after the founders seal for it.
#[test]
fn a_history_sealed_with_old_keys_does_not_pass_through_the_header_held() {
    let mut world = World::with_series(4, "concord-test").unwrap();
    let mut forgers = World::with_series(4, "concord-test").unwrap();
    let rotation = world.card(4).unwrap();
    world
        .change(Change::AdmitRegion(Box::new(rotation)), &[0, 1, 2])
        .unwrap();
    world.append(Vec::new()).unwrap();
    let chain = world.state.chain_id();
    let held = Held::open(&world.bundle().unwrap(), &chain).unwrap();
    for _ in 0..4 {
        forgers.append(Vec::new()).unwrap();
    }
    // Their history root is their own to write: they put the hash of the header held where it belongs.
    let mut bundle = forgers.full_bundle().unwrap();
    let real = &world.blocks;
    let mut leaves: Vec<Digest> = real.iter().map(|(block, _)| block.hash()).collect();
    let size = usize::try_from(bundle.header.height.0 - 1).unwrap();
    leaves.resize(size, Digest([9; 32]));
    bundle.rest.history_root = concord_spec::merkle::root(&leaves);
    bundle.header.rest = bundle.rest.digest();
    let message = seal_message(&chain, bundle.header.height, 0, &bundle.header.hash());
    let set = forgers.state.region_set();
    let shares: Vec<_> = set
        .members()
        .iter()
        .map(|member| {
            let key = forgers.seal_keys.iter().find(|key| key.public() == member.seal_key);
            (member.region.clone(), key.unwrap().sign(&message))
        })
        .collect();
    bundle.seal = Seal::assemble(set, 0, &shares).unwrap();
    let (block, _) = &real[usize::try_from(held.point().height.0 - 1).unwrap()];
    bundle.anchors = vec![concord_spec::bundle::Anchor {
        header: block.header,
        rest: block.rest.clone(),
        path: concord_spec::receipt::HashPath(concord_spec::merkle::inclusion_path(&leaves, real.len() - 1).unwrap()),
    }];
    assert!(
        TrustBundle::open(&bundle.to_bytes(), &chain).is_ok(),
        "by the charter alone it holds"
    );
    let refused = held.update(&bundle.to_bytes(), &terms_at(&world)).unwrap_err();
    assert_eq!(refused, BundleError::Fork(held.point().height));
}

#[test]
fn a_bundle_over_the_bound_is_refused_before_it_is_read() {
    let found = MAX_BUNDLE + 1;
    let refused = Packed::open(&vec![0; found]).unwrap_err();
    assert_eq!(
        refused,
        BundleError::Unreadable(CodecError::TooLong { found, max: MAX_BUNDLE })
    );
    assert_eq!(MAX_WINDOW, 8 << 20);
}

/// The digest around a frame keeps nobody from spoiling the frame itself: the decompressor must stand it.
#[test]
fn a_spoiled_frame_is_refused_or_gives_as_much_as_it_says_and_nothing_panics() {
    let scene = scene();
    let good = Packed::of(Kind::State, &scene.content());
    let mut dice = Dice(20_260_101);
    let (mut refused, tries) = (0, 20_000);
    for _ in 0..tries {
        let mut frame = good.frame.clone();
        for _ in 0..=dice.below(3) {
            let place = usize::try_from(dice.below(u64::try_from(frame.len()).unwrap())).unwrap();
            frame[place] ^= 1 << dice.below(8);
        }
        if dice.below(4) == 0 {
            let len = usize::try_from(dice.below(u64::try_from(frame.len()).unwrap())).unwrap();
            frame.truncate(len);
        }
        match Packed::around(Kind::State, good.size, frame).unpack() {
            Ok(content) => assert_eq!(u64::try_from(content.len()).unwrap(), good.size),
            Err(_) => refused += 1,
        }
    }
    println!("{refused} of {tries} refused");
    assert!(refused > tries * 9 / 10);
}
