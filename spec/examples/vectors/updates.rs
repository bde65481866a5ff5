//! What a device makes of a bundle or a delta, by what it holds and trusts (`spec/text/bundles.md`).

use super::{Error, replaced, shortened};
use concord_spec::bundle::{Delta, Held, Kind, MAX_UNATTENDED_MS, Packed, SectionChangeBody, Selection, TrustBundle};
use concord_spec::codec::{Writer, to_vec};
use concord_spec::digest::Digest;
use concord_spec::id::{Height, SeriesId};
use concord_spec::record::{Action, Change, NumberRange, SetStatus, StatusChange};
use concord_spec::status::{Chunk, Numbers, Reason, StatusKind};
use concord_spec::world::World;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const NAME: &str = "concord-updates";

fn base() -> Result<World, Error> {
    let mut world = World::with_series(2, NAME)?;
    world.issue(20)?;
    Ok(world)
}

fn revoke(world: &mut World, ranges: &[(u64, u64)], change: StatusChange) -> Result<(), Error> {
    let ranges = ranges.iter().map(|(first, count)| NumberRange {
        first: concord_spec::id::Number(*first),
        count: *count,
    });
    let body = SetStatus {
        series: SeriesId(1),
        ranges: ranges.collect(),
        change,
        reason: Reason::Unspecified,
        effective: None,
        detail: None,
        successor: None,
    };
    let record = world.by_office(Action::SetStatus(body))?;
    world.append(vec![record])
}

/// Files by name.
struct Files {
    world: World,
    held: Held,
    files: Map<String, Value>,
}

impl Files {
    fn put(&mut self, name: &str, bytes: &[u8]) {
        self.files.insert(name.to_owned(), json!(hex::encode(bytes)));
    }

    fn changed(&mut self, name: &str, delta: &Delta, change: impl FnOnce(&mut Delta)) {
        let mut delta = delta.clone();
        change(&mut delta);
        self.put(name, &delta.to_bytes());
    }
}

fn files() -> Result<Files, Error> {
    let mut world = base()?;
    revoke(&mut world, &[(3, 1)], StatusChange::Set(StatusKind::Suspended))?;
    let chain = world.state.chain_id();
    let held = Held::open(&world.bundle()?, &chain)?;
    let own = own(&world)?;
    let mut all = Files {
        held: held.clone(),
        files: Map::new(),
        world: base()?,
    };
    all.put("held", &held.to_bytes());
    all.put("held-type", &held.bundle().select(&own).to_bytes());
    let card = world.card(2)?;
    world.change(Change::AdmitRegion(Box::new(card)), &[0, 1])?;
    revoke(&mut world, &[(3, 1)], StatusChange::Reinstate)?;
    revoke(&mut world, &[(0, 1), (5, 12)], StatusChange::Set(StatusKind::Revoked))?;
    let at = held.point().height;
    let newest = world.full_bundle()?;
    all.put("newest", &newest.to_bytes());
    all.put("newest-type", &newest.select(&own).to_bytes());
    let anchored = TrustBundle {
        anchors: vec![world.anchor(Height(2))?, world.anchor(at)?],
        ..newest.clone()
    };
    all.put("newest-anchored", &anchored.to_bytes());
    let delta = world.delta(at, &Selection::all())?;
    all.put("delta", &delta.to_bytes());
    all.put("delta-type", &world.delta(at, &own)?.to_bytes());
    all.put(
        "delta-before",
        &world
            .delta(Height(at.0.saturating_sub(1)), &Selection::all())?
            .to_bytes(),
    );
    all.put("delta-cut", &shortened(&delta.to_bytes(), 1));
    all.changed("delta-without-revocations", &delta, |delta| {
        for section in &mut delta.sections {
            if let SectionChangeBody::Status(series) = &mut section.body {
                series.iter_mut().for_each(|one| one.sets = Default::default());
            }
        }
    });
    all.changed("delta-far", &delta, |delta| {
        for section in &mut delta.sections {
            if let SectionChangeBody::Status(series) = &mut section.body {
                for one in series {
                    if let Some(set) = one.sets.first_mut() {
                        set.added = Numbers::of([1 << 60]);
                    }
                }
            }
        }
    });
    all.changed("delta-other-path", &delta, |delta| delta.path.0.truncate(1));
    all.world = world;
    forks(&mut all, &anchored)?;
    packed(&mut all, &newest)?;
    Ok(all)
}

/// Another course of the chain, from a block before the one held.
fn forks(all: &mut Files, anchored: &TrustBundle) -> Result<(), Error> {
    let mut fork = base()?;
    while fork.state.tip().height < anchored.header.height {
        fork.append_after(5_000, Vec::new())?;
    }
    let at = all.held.point().height;
    let mut bundle = fork.full_bundle()?;
    all.put("fork", &bundle.to_bytes());
    bundle.anchors = vec![fork.anchor(at)?];
    all.put("fork-with-its-own-block", &bundle.to_bytes());
    let mut real = anchored.anchors.last().cloned().ok_or("no anchor")?;
    real.path = fork.anchor(at)?.path;
    bundle.anchors = vec![real];
    all.put("fork-with-the-block-held", &bundle.to_bytes());
    Ok(())
}

/// A byte string, encoded.
fn bytes(of: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.bytes(of);
    writer.into_vec()
}

/// The world's type alone.
fn own(world: &World) -> Result<Selection, Error> {
    let types = BTreeSet::from([world.type_ref().id]);
    Ok(Selection::of(Some(types), None).ok_or("a selection")?)
}

/// Files that are not what they say.
fn packed(all: &mut Files, newest: &TrustBundle) -> Result<(), Error> {
    let content = to_vec(newest);
    let good = Packed::of(Kind::State, &content);
    let mut chunk = Chunk::empty();
    std::iter::once(0).chain(5..17).for_each(|place| chunk.set(place, true));
    let bitmap: Vec<u8> = [&[0x02, 0x87, 0xff, 0x80], [0; 509].as_slice()].concat();
    let raw = replaced(&content, &bytes(&chunk.encode()), &bytes(&bitmap))?;
    all.put("chunk-as-a-bitmap", &Packed::bytes_of(Kind::State, &raw));
    let kind = to_vec(&all.world.type_ref().id);
    let (once, twice) = (
        [&[0x81], kind.as_slice()].concat(),
        [&[0x82], kind.as_slice(), &kind].concat(),
    );
    let of_type = Packed::open(&newest.select(&own(&all.world)?).to_bytes())?.1;
    let doubled = replaced(&of_type, &once, &twice)?;
    all.put("a-type-twice", &Packed::bytes_of(Kind::State, &doubled));
    let mut flipped = to_vec(&good);
    if let Some(byte) = flipped.get_mut(1_000) {
        *byte ^= 4;
    }
    all.put("flipped", &flipped);
    let larger = Packed::around(Kind::State, 1 << 20, good.frame.clone());
    all.put("smaller-than-it-says", &to_vec(&larger));
    let zeros = Packed::of(Kind::State, &vec![0; 1 << 20]).frame;
    all.put(
        "more-than-it-says",
        &to_vec(&Packed::around(Kind::State, 1_000, zeros.clone())),
    );
    all.put("says-too-much", &to_vec(&Packed::around(Kind::State, 500 << 20, zeros)));
    let mut frame = good.frame.clone();
    *frame.get_mut(5).ok_or("no window")? = 14 << 3;
    all.put("large-window", &to_vec(&Packed::around(Kind::State, good.size, frame)));
    let after = [good.frame.as_slice(), &[0]].concat();
    all.put(
        "frame-and-more",
        &to_vec(&Packed::around(Kind::State, good.size, after)),
    );
    let as_delta = Packed::around(Kind::Delta, good.size, good.frame);
    all.put("a-state-called-a-delta", &to_vec(&as_delta));
    Ok(())
}

/// What it shows, what is held, what is offered, what comes of it: the file or the BundleError.
type Case = (&'static str, Option<&'static str>, &'static str, &'static str);

const CASES: &[Case] = &[
    (
        "a chunk in another encoding",
        Some("held"),
        "chunk-as-a-bitmap",
        "StatusChunk",
    ),
    (
        "a selection with a type twice",
        Some("newest"),
        "a-type-twice",
        "Selection",
    ),
    ("the first", None, "newest", "newest"),
    ("the first, of a type", None, "newest-type", "newest-type"),
    ("a delta with nothing held", None, "delta", "Kind"),
    ("a delta", Some("held"), "delta", "newest"),
    ("a delta of a type", Some("held-type"), "delta-type", "newest-type"),
    (
        "a delta of another selection",
        Some("held"),
        "delta-type",
        "OtherSelection",
    ),
    (
        "a delta of everything for a type",
        Some("held-type"),
        "delta",
        "OtherSelection",
    ),
    ("a delta from another block", Some("held"), "delta-before", "DoesNotFit"),
    ("a delta once more", Some("newest"), "delta", "DoesNotFit"),
    ("a delta that is cut", Some("held"), "delta-cut", "Truncated"),
    (
        "a delta without what was revoked",
        Some("held"),
        "delta-without-revocations",
        "Section",
    ),
    (
        "a delta that names a number far away",
        Some("held"),
        "delta-far",
        "TooMuch",
    ),
    ("a delta on another path", Some("held"), "delta-other-path", "Fork"),
    (
        "a whole that shows what it continues",
        Some("held"),
        "newest-anchored",
        "newest",
    ),
    ("a whole that does not", Some("held"), "newest", "NotShown"),
    ("the same", Some("newest"), "newest", "newest"),
    (
        "the same block, of a type",
        Some("newest"),
        "newest-type",
        "newest-type",
    ),
    ("an older one", Some("newest"), "held", "Older"),
    ("a fork", Some("held"), "fork", "NotShown"),
    (
        "a fork with a block of its own",
        Some("held"),
        "fork-with-its-own-block",
        "Fork",
    ),
    (
        "a fork with the block held",
        Some("held"),
        "fork-with-the-block-held",
        "Fork",
    ),
    ("a fork of the same height", Some("newest"), "fork", "Fork"),
    ("a bit flipped", Some("held"), "flipped", "Damaged"),
    ("less than it says", Some("held"), "smaller-than-it-says", "Frame"),
    ("more than it says", Some("held"), "more-than-it-says", "Bomb"),
    ("more than may come out", Some("held"), "says-too-much", "Bomb"),
    ("a window of 16 MiB", Some("held"), "large-window", "Window"),
    ("something after the frame", Some("held"), "frame-and-more", "Frame"),
    (
        "a state called a delta",
        Some("held"),
        "a-state-called-a-delta",
        "Unreadable",
    ),
];

fn vector(all: &Files, case: &Case) -> Value {
    let (name, held, file, result) = case;
    json!({ "name": name, "held": held, "file": file, "now": all.world.state.tip().time, "result": result })
}

/// Checkpoint, whether it is late, whether the person wants to go back.
type OnTerms = (Case, Option<&'static str>, Option<Late>, bool);

/// More than 366 days after what.
#[derive(Clone, Copy)]
enum Late {
    Held,
    Genesis,
}

const ANCHORED: &str = "newest-anchored";

const ON_TERMS: &[OnTerms] = &[
    (
        ("the first, from a checkpoint", None, ANCHORED, "newest"),
        Some("shown"),
        None,
        false,
    ),
    (
        ("a checkpoint that is not shown", None, ANCHORED, "CheckpointNotShown"),
        Some("not shown"),
        None,
        false,
    ),
    (
        ("a checkpoint of another history", None, ANCHORED, "Fork"),
        Some("forged"),
        None,
        false,
    ),
    (
        (
            "a charter of more than 366 days ago",
            None,
            "newest",
            "CheckpointNeeded",
        ),
        None,
        Some(Late::Genesis),
        false,
    ),
    (
        ("held for more than 366 days", Some("held"), "delta", "CheckpointNeeded"),
        None,
        Some(Late::Held),
        false,
    ),
    (
        (
            "a whole after more than 366 days",
            Some("held"),
            ANCHORED,
            "CheckpointNeeded",
        ),
        None,
        Some(Late::Held),
        false,
    ),
    (
        ("a checkpoint instead of what is held", Some("held"), ANCHORED, "newest"),
        Some("shown"),
        None,
        false,
    ),
    (
        ("an older one that is wanted", Some("newest"), "held", "held"),
        None,
        None,
        true,
    ),
];

fn vector_on_terms(all: &Files, one: &OnTerms) -> Result<Value, Error> {
    let (case, checkpoint, late, go_back) = one;
    let mut vector = vector(all, case);
    let fields = vector.as_object_mut().ok_or("a vector that is no object")?;
    let since = late.map(|late| match late {
        Late::Held => all.held.state().time(),
        Late::Genesis => all.world.state.charter().genesis,
    });
    if let Some(since) = since {
        fields.insert(
            "now".to_owned(),
            json!(since.0.saturating_add(MAX_UNATTENDED_MS).saturating_add(1)),
        );
    }
    if let Some(which) = checkpoint {
        let text = match *which {
            "shown" => all.world.checkpoint(Height(2))?.to_string(),
            "not shown" => all.world.checkpoint(Height(3))?.to_string(),
            _ => format!("2:{}", Digest::ZERO),
        };
        fields.insert("checkpoint".to_owned(), json!(text));
    }
    if *go_back {
        fields.insert("go_back".to_owned(), json!(true));
    }
    Ok(vector)
}

/// `bundles.json`
pub(super) fn file() -> Result<Value, Error> {
    let all = files()?;
    let mut vectors: Vec<Value> = CASES.iter().map(|case| vector(&all, case)).collect();
    for one in ON_TERMS {
        vectors.push(vector_on_terms(&all, one)?);
    }
    Ok(json!({
        "about": "A device that holds `held` (or nothing) of the chain `chain_id`, at `now`, with `checkpoint` and `go_back` where they are there, is offered `file`. `result`: the name of the file whose content it holds then, or why it refuses and goes on with what it has. Files with one content may differ in their frames.",
        "chain_id": all.world.state.chain_id(),
        "files": all.files,
        "updates": vectors,
    }))
}
