//! `concord bundle`: what a device holds, and what takes its place.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod ledger;
mod program;

use concord_spec::bundle::{Packed, Selection};
use concord_spec::charter::signed::SignedCharter;
use concord_spec::codec;
use concord_spec::id::{Height, UnixMillis};
use concord_spec::world::World;
use ledger::Served;
use program::{Desk, Ran};
use serde_json::Value;

/// A device with nothing, and a node.
struct Device {
    desk: Desk,
    served: Served,
}

const HELD: &str = "trust.bundle";

impl Device {
    fn new() -> Self {
        let mut world = World::with_series(4, "bundles").unwrap();
        world.issue(4).unwrap();
        let desk = Desk::new();
        let charter = SignedCharter::new(world.state.charter().clone()).unwrap().to_bytes();
        desk.write("charter.cbor", charter);
        Self {
            desk,
            served: Served::new(world),
        }
    }

    /// The ledger's clock: the test does not depend on the day that it runs on.
    fn now(&self) -> String {
        jiff::Timestamp::from_millisecond(i64::try_from(self.served.world().state.tip().time.0).unwrap())
            .unwrap()
            .to_string()
    }

    fn run(&self, verb: &[&str], more: &[&str]) -> Ran {
        let (url, now) = (self.served.url(), self.now());
        let common = [
            "-o",
            HELD,
            "--charter",
            "charter.cbor",
            "--now",
            &now,
            "--json",
            "--node",
            &url,
        ];
        self.desk.run(&[&["bundle"], verb, &common, more].concat())
    }

    /// Fetches; what it says.
    fn pulled(&self, more: &[&str]) -> Value {
        let ran = self.run(&["pull"], more);
        assert_eq!(ran.code(), 0, "{}", ran.err());
        ran.lines().remove(0)
    }

    fn refused(&self, verb: &[&str], more: &[&str]) -> String {
        let before = self.held();
        let ran = self.run(verb, more);
        assert_eq!((ran.code(), ran.out().as_str()), (10, ""), "{verb:?}: {}", ran.err());
        assert_eq!(self.held(), before, "{verb:?}: the old bundle stays, byte for byte");
        let left = std::fs::read_dir(self.desk.path(".")).unwrap();
        let left: Vec<String> = left
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(!left.iter().any(|name| name.ends_with(".partial")), "{left:?}");
        ran.err()
    }

    fn held(&self) -> Vec<u8> {
        std::fs::read(self.desk.path(HELD)).unwrap_or_default()
    }

    /// Some more blocks, with an issue.
    fn goes_on(&self) {
        let record = self.served.world().batch(3).unwrap().1;
        self.served.append(vec![record]);
        self.served.append(Vec::new());
    }

    fn height(&self) -> Height {
        self.served.world().state.tip().height
    }
}

#[test]
fn a_device_fetches_the_whole_once_then_what_changed_and_then_nothing() {
    let device = Device::new();
    assert_eq!(device.pulled(&[])["taken"], "whole");
    for _ in 0..2 {
        device.goes_on();
        let told = device.pulled(&[]);
        assert_eq!(
            (&told["taken"], &told["height"]),
            (&"delta".into(), &device.height().0.into())
        );
        assert_eq!(device.held(), device.served.world().bundle().unwrap());
    }
    let before = device.held();
    assert_eq!(device.pulled(&[])["taken"], "nothing");
    assert_eq!(device.held(), before);
}

#[test]
fn where_a_node_gives_no_delta_the_whole_is_fetched_and_that_is_said() {
    let device = Device::new();
    device.pulled(&[]);
    device.goes_on();
    device.served.gives_no_deltas();
    let ran = device.run(&["pull"], &[]);
    assert_eq!(ran.lines()[0]["taken"], "whole");
    assert!(
        ran.err().contains("this one gives none") && ran.err().contains("fetching the whole"),
        "{}",
        ran.err()
    );
    assert_eq!(device.held(), device.served.world().bundle().unwrap());
}

/// How a file is made from the node's ledger, and what the refusal says.
type Bad = (&'static str, fn(&World) -> Vec<u8>, &'static str);

const BAD: &[Bad] = &[
    (
        "cut",
        |world| {
            let bytes = world.bundle().unwrap();
            bytes[..bytes.len() - 1].to_vec()
        },
        "cut off",
    ),
    (
        "flipped",
        |world| {
            let mut bytes = world.bundle().unwrap();
            bytes[900] ^= 1;
            bytes
        },
        "damaged on its way",
    ),
    ("no-bundle", |_| b"<html>".to_vec(), "cannot be read"),
    (
        "not-shown",
        |world| world.bundle().unwrap(),
        "does not show that it continues yours",
    ),
    (
        "other-chain",
        |_| World::with_series(4, "other").unwrap().bundle().unwrap(),
        "of chain",
    ),
    (
        "fork",
        |world| {
            let mut fork = World::with_series(4, "bundles").unwrap();
            while fork.blocks.len() < world.blocks.len() {
                fork.append_after(7_000, Vec::new()).unwrap();
            }
            let mut bundle = fork.full_bundle().unwrap();
            bundle.anchors = vec![fork.anchor(Height(4)).unwrap()];
            bundle.to_bytes()
        },
        "another history than yours",
    ),
    (
        "older",
        |_| World::with_series(4, "bundles").unwrap().bundle().unwrap(),
        "of height 3, yours of 4",
    ),
    (
        "delta-elsewhere",
        |world| world.delta(Height(3), &Selection::all()).unwrap().to_bytes(),
        "continues a trust bundle of height 3",
    ),
    (
        "below-quorum",
        |world| {
            let mut bundle = world.full_bundle().unwrap();
            bundle.anchors = vec![world.anchor(Height(4)).unwrap()];
            bundle.seal.signers = vec![0b1100_0000];
            bundle.to_bytes()
        },
        "2 regions sealed the block, 3 are needed",
    ),
    (
        "swapped",
        |world| {
            let mut bundle = world.full_bundle().unwrap();
            let body = bundle.sections[2].body.clone();
            bundle.sections[2].body = bundle.sections[3].body.clone();
            bundle.sections[3].body = body;
            bundle.to_bytes()
        },
        "section directory/110000 of the trust bundle is not the one that was sealed",
    ),
    (
        "bomb",
        |world| {
            let kind = concord_spec::bundle::Kind::State;
            let frame = Packed::of(kind, &codec::to_vec(&world.full_bundle().unwrap())).frame;
            codec::to_vec(&Packed::around(kind, 500 << 20, frame))
        },
        "would unpack to more than",
    ),
];

#[test]
fn what_is_wrong_leaves_the_old_bundle_byte_for_byte_and_says_why() {
    let device = Device::new();
    device.pulled(&[]);
    assert_eq!(device.height(), Height(4));
    device.goes_on();
    for (name, make, expected) in BAD {
        let bytes = make(&device.served.world());
        device.desk.write(name, &bytes);
        let said = device.refused(&["apply", name], &[]);
        assert!(said.contains(expected), "{name}: {said}");
        // The same from a web server.
        let address = device.served.put(name, bytes);
        assert_eq!(device.refused(&["apply", &address], &[]), said);
    }
    assert!(device.refused(&["apply", "missing"], &[]).contains("missing"));
    let nowhere = format!("{}/nowhere", device.served.url());
    assert!(device.refused(&["apply", &nowhere], &[]).contains("404"));
}

#[test]
fn heights_go_back_only_when_it_is_said_in_as_many_words() {
    let device = Device::new();
    let old = device.served.world().bundle().unwrap();
    device.desk.write("old", &old);
    device.goes_on();
    device.pulled(&[]);
    device.refused(&["apply", "old"], &[]);
    let ran = device.run(&["apply", "old"], &["--go-back-to-a-lower-height"]);
    assert_eq!((ran.code(), device.held() == old), (0, true), "{}", ran.err());
}

#[test]
fn a_bundle_comes_from_a_file_or_any_web_server() {
    let device = Device::new();
    let whole = device.served.world().bundle().unwrap();
    let address = device.served.put("mirror/today.bundle", whole);
    assert_eq!(device.run(&["apply", &address], &[]).lines()[0]["taken"], "whole");
    device.goes_on();
    let delta = device.served.world().delta(Height(4), &Selection::all()).unwrap();
    device.desk.write("stick.bundle", delta.to_bytes());
    assert_eq!(device.run(&["apply", "stick.bundle"], &[]).lines()[0]["taken"], "delta");
    assert_eq!(device.held(), device.served.world().bundle().unwrap());
    let told = device
        .desk
        .run(&["inspect", "stick.bundle", "--json"])
        .lines()
        .remove(0);
    assert_eq!(told["kind"], "a delta of a trust bundle");
}

#[test]
fn some_types_of_some_regions_stay_some_until_everything_is_asked_for() {
    let device = Device::new();
    let some = ["--types", "110000.drivers-licence", "--regions", "110000,120000"];
    assert_eq!(
        device.pulled(&some)["only_regions"],
        serde_json::json!(["110000", "120000"])
    );
    device.goes_on();
    let told = device.pulled(&[]);
    assert_eq!(
        (&told["taken"], &told["only_types"]),
        (&"delta".into(), &serde_json::json!(["110000.drivers-licence"]))
    );
    let told = device.pulled(&["--everything"]);
    assert_eq!((&told["taken"], &told["only_types"]), (&"whole".into(), &Value::Null));
    assert_eq!(device.held(), device.served.world().bundle().unwrap());
    let shown = device.desk.run(&["bundle", "show", HELD]);
    assert!(
        shown.out().contains("all types of all regions") && shown.out().contains("checkpoint 6:"),
        "{}",
        shown.out()
    );
}

#[test]
fn a_device_gives_what_it_holds_to_another_and_fetches_for_it_what_changed() {
    let device = Device::new();
    device.pulled(&[]);
    let export = |more: &[&str]| {
        let url = device.served.url();
        let common = [
            "bundle",
            "export",
            "-o",
            "for-another",
            "--bundle",
            HELD,
            "--json",
            "--node",
            &url,
        ];
        let ran = device.desk.run(&[&common, more].concat());
        assert_eq!(ran.code(), 0, "{}", ran.err());
        std::fs::read(device.desk.path("for-another")).unwrap()
    };
    let part = export(&["--types", "110000.drivers-licence"]);
    assert!(part.len() < device.held().len());
    let other = Desk::new();
    let charter = std::fs::read(device.desk.path("charter.cbor")).unwrap();
    other.write("charter.cbor", charter);
    other.write("stick", &part);
    let now = device.now();
    let apply = [
        "bundle",
        "apply",
        "stick",
        "--charter",
        "charter.cbor",
        "--now",
        &now,
        "--json",
    ];
    let ran = other.run(&apply);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    let checkpoint = ran.lines()[0]["checkpoint"].as_str().unwrap().to_owned();
    device.goes_on();
    let delta = export(&["--since", &checkpoint, "--types", "110000.drivers-licence"]);
    other.write("stick", &delta);
    let ran = other.run(&apply);
    assert_eq!(
        (ran.code(), ran.lines()[0]["taken"].as_str().unwrap()),
        (0, "delta"),
        "{}",
        ran.err()
    );
    // It is kept where verify and show find it.
    let shown = other.run(&["bundle", "show", "--json"]).lines().remove(0);
    assert_eq!(shown["height"], device.height().0);
    assert!(other.path("concord").join("trust.bundle").exists());
    // What is not held cannot be given.
    let all = other.run(&["bundle", "export", "-o", "all", "--everything"]);
    assert_eq!(all.code(), 10);
    assert!(all.err().contains("lacks section"), "{}", all.err());
}

#[test]
fn verify_finds_the_bundle_that_is_kept() {
    let device = Device::new();
    let certificate = device.served.world().issue(1).unwrap().remove(0);
    device.desk.write("good.concord", certificate.to_bytes());
    let verify = ["verify", "good.concord", "--now", "2026-06-01T00:00:00Z"];
    let missing = device.desk.run(&verify);
    assert_eq!(missing.code(), 2);
    assert!(missing.err().contains("concord bundle pull"), "{}", missing.err());
    let (url, now) = (device.served.url(), device.now());
    let pull = [
        "bundle",
        "pull",
        "--charter",
        "charter.cbor",
        "--now",
        &now,
        "--node",
        &url,
    ];
    assert_eq!(device.desk.run(&pull).code(), 0);
    let found = device.desk.run(&[&verify[..], &["--max-age-days", "400"]].concat());
    assert_eq!(found.code(), 0, "{}{}", found.out(), found.err());
}

#[test]
fn after_a_year_away_a_device_asks_for_a_checkpoint_and_goes_on_from_one() {
    const THIRTEEN_MONTHS_MS: u64 = 13 * 30 * 24 * 3_600_000;
    let device = Device::new();
    device.pulled(&[]);
    {
        let mut world = device.served.world();
        world.append_after(THIRTEEN_MONTHS_MS, Vec::new()).unwrap();
        world.append(Vec::new()).unwrap();
    }
    let said = device.refused(&["pull"], &[]);
    assert!(said.contains("12 months ago") && said.contains("checkpoint"), "{said}");
    let checkpoint = device.served.world().checkpoint(Height(5)).unwrap().to_string();
    let told = device.pulled(&["--checkpoint", &checkpoint]);
    assert_eq!((&told["taken"], &told["height"]), (&"whole".into(), &6.into()));
    assert!(device.served.world().state.tip().time > UnixMillis(THIRTEEN_MONTHS_MS));
}
