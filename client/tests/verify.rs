//! `concord verify`, `bundle show` and `inspect` on certificates of a small federation made for the test.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod program;

use concord_client::render::{Code, CodeKind, PixelsPerModule, code_text};
use concord_spec::id::{Number, SeriesId};
use concord_spec::record::{Action, NumberRange, SetStatus, StatusChange};
use concord_spec::status::{Reason, StatusKind};
use concord_spec::world::World;
use program::{Desk, Ran};
use std::collections::BTreeSet;
use std::path::Path;

/// Within the legal dates of the world's credentials.
const NOW: &str = "2026-01-15T00:00:00Z";

struct Verifier {
    desk: Desk,
    world: World,
}

impl Verifier {
    /// A directory with a bundle, a valid certificate as `good.concord` and a revoked one as `revoked.concord`.
    fn new() -> Self {
        let mut world = World::with_series(4, "verify").unwrap();
        let certificates = world.issue(4).unwrap();
        let change = StatusChange::Set(StatusKind::Revoked);
        let ranges = vec![NumberRange {
            first: Number(2),
            count: 1,
        }];
        let status = SetStatus {
            series: SeriesId(1),
            ranges,
            change,
            reason: Reason::Penalty,
            effective: None,
            detail: None,
            successor: None,
        };
        let record = world.by_office(Action::SetStatus(status)).unwrap();
        world.append(vec![record]).unwrap();
        let desk = Desk::new();
        desk.write("trust.bundle", world.bundle().unwrap());
        desk.write("good.concord", certificates[1].to_bytes());
        desk.write("revoked.concord", certificates[2].to_bytes());
        Self { desk, world }
    }

    fn verify(&self, files: &[&str]) -> Ran {
        let arguments = ["verify", "--bundle", "trust.bundle", "--json", "--now", NOW];
        let arguments: Vec<&str> = arguments.into_iter().chain(files.iter().copied()).collect();
        self.desk.run(&arguments)
    }

    /// Writes the picture of a code.
    fn picture(&self, name: &str, text: &str) {
        let png = Code::draw(text).unwrap().png(PixelsPerModule::default()).unwrap();
        self.desk.write(name, png);
    }
}

#[test]
fn a_certificate_is_valid_from_its_file_its_text_and_its_picture() {
    let verifier = Verifier::new();
    let bytes = std::fs::read(verifier.desk.path("good.concord")).unwrap();
    let text = code_text(CodeKind::Certificate, &bytes);
    verifier.picture("good.png", &text);
    verifier.desk.write("good.txt", &text);
    let ran = verifier.verify(&["good.png", "good.concord", "good.txt"]);
    assert_eq!(ran.code(), 0, "{}{}", ran.out(), ran.err());
    let files: Vec<_> = ran
        .lines()
        .iter()
        .map(|report| report["file"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        files,
        ["good.png", "good.concord", "good.txt"],
        "reports stand in the order of the files"
    );
    assert!(ran.lines().iter().all(|report| report["verdict"] == "VALID"));
}

#[test]
fn the_exit_code_is_the_verdicts_and_of_several_the_worst() {
    let verifier = Verifier::new();
    verifier.desk.write("empty", "");
    assert_eq!(verifier.verify(&["revoked.concord"]).code(), 1);
    assert_eq!(verifier.verify(&["good.concord", "empty"]).code(), 4);
    let ran = verifier.verify(&["empty", "revoked.concord", "good.concord"]);
    assert_eq!(ran.code(), 1);
    let verdicts: Vec<_> = ran
        .lines()
        .iter()
        .map(|report| report["verdict"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(verdicts, ["UNREADABLE", "REVOKED", "VALID"]);
}

#[test]
fn a_small_code_is_amber_and_an_expired_certificate_orange() {
    let verifier = Verifier::new();
    let credential = verifier.world.credential(1).unwrap();
    verifier.picture("small.png", &code_text(CodeKind::Small, credential.bytes()));
    let ran = verifier.verify(&["small.png"]);
    assert_eq!(
        (ran.code(), ran.lines()[0]["verdict"].as_str().unwrap()),
        (3, "NOT SHOWN RECORDED")
    );
    let arguments = [
        "verify",
        "good.concord",
        "--bundle",
        "trust.bundle",
        "--json",
        "--now",
        "2032-06-01T00:00:00Z",
    ];
    let late = verifier.desk.run(&arguments);
    assert_eq!(
        (late.code(), late.lines()[0]["verdict"].as_str().unwrap()),
        (5, "EXPIRED")
    );
}

/// What cannot be read, each its own way.
fn unreadable(verifier: &Verifier) -> Vec<&'static str> {
    verifier.picture("other-system.png", "HC1:6BFOXN*TS0BI$ZD8UHRTH");
    verifier.picture("web.png", "HTTPS://EXAMPLE.ORG/VERIFY/1234");
    photo(&verifier.desk.path("photo.png"));
    verifier.desk.write("empty", "");
    std::fs::File::create(verifier.desk.path("large"))
        .unwrap()
        .set_len(100_000_000)
        .unwrap();
    let bytes = std::fs::read(verifier.desk.path("good.concord")).unwrap();
    verifier.desk.write("cut.concord", &bytes[..bytes.len() / 2]);
    verifier.desk.write("unknown", [0, 1, 2, 3]);
    vec![
        "other-system.png",
        "web.png",
        "photo.png",
        "empty",
        "large",
        "cut.concord",
        "unknown",
        "missing",
    ]
}

/// A picture without a code: soft waves of grey.
fn photo(path: &Path) {
    let wave = |x: u32, y: u32| {
        let height = (f64::from(x) / 37.0).sin() + (f64::from(y) / 23.0).cos() + (f64::from(x + y) / 71.0).sin();
        image::Luma([(128.0 + 40.0 * height) as u8])
    };
    image::GrayImage::from_fn(640, 480, wave).save(path).unwrap();
}

#[test]
fn what_cannot_be_read_has_exit_code_4_and_each_a_sentence_of_its_own() {
    let verifier = Verifier::new();
    let mut sentences = BTreeSet::new();
    for file in unreadable(&verifier) {
        let ran = verifier.verify(&[file]);
        let report = ran.lines().remove(0);
        assert_eq!(
            (ran.code(), report["verdict"].as_str().unwrap()),
            (4, "UNREADABLE"),
            "{file}: {report}"
        );
        assert_eq!(report["file"], file);
        assert_eq!(report["checks"].as_array().unwrap().len(), 7, "{file}: {report}");
        assert!(
            sentences.insert(report["reason"].as_str().unwrap().to_owned()),
            "{file}: {report}"
        );
    }
}

#[test]
fn a_code_of_a_later_version_asks_for_newer_software() {
    let verifier = Verifier::new();
    verifier.picture("later.png", "CC2:BB8");
    let ran = verifier.verify(&["later.png"]);
    assert_eq!(
        (ran.code(), ran.lines()[0]["verdict"].as_str().unwrap()),
        (4, "NEEDS NEWER SOFTWARE")
    );
}

#[test]
fn people_read_verdict_icon_evidence_and_whose_data() {
    let verifier = Verifier::new();
    let ran = verifier
        .desk
        .run(&["verify", "revoked.concord", "--bundle", "trust.bundle", "--now", NOW]);
    for told in [
        "✘ REVOKED",
        "authentic",
        "revoked as of height",
        "data of verify at height",
        "old)",
    ] {
        assert!(ran.out().contains(told), "{told}: {}", ran.out());
    }
    assert!(!ran.out().contains('\x1b'), "no colours outside of a terminal");
}

#[test]
fn chinese_readers_get_the_same_report_in_chinese() {
    let verifier = Verifier::new();
    let common = ["verify", "revoked.concord", "--bundle", "trust.bundle", "--now", NOW];
    let ran = verifier.desk.run(&[&common[..], &["--lang", "zh"]].concat());
    assert_eq!(ran.code(), 1);
    for told in ["✘ 已吊销", "出证机关", "已吊销", "数据来自 verify 高度"] {
        assert!(ran.out().contains(told), "{told}: {}", ran.out());
    }
    let ran = verifier.desk.run(&[&common[..], &["--lang", "fr"]].concat());
    assert_eq!(ran.code(), 2, "{}", ran.err());
}

#[test]
fn a_bundle_of_another_chain_or_a_damaged_one_verifies_nothing() {
    let verifier = Verifier::new();
    let other = ["verify", "good.concord", "--bundle", "trust.bundle", "--chain"];
    let chain = "00".repeat(32);
    let ran = verifier.desk.run(&[&other[..], &[&chain]].concat());
    assert_eq!((ran.code(), ran.out().as_str()), (10, ""));
    let mut bytes = std::fs::read(verifier.desk.path("trust.bundle")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    verifier.desk.write("bad.bundle", bytes);
    let ran = verifier.desk.run(&["verify", "good.concord", "--bundle", "bad.bundle"]);
    assert_eq!((ran.code(), ran.out().as_str()), (10, ""));
}

#[test]
fn inspect_tells_and_says_that_it_judged_nothing() {
    let verifier = Verifier::new();
    let revoked = verifier.desk.run(&["inspect", "revoked.concord"]);
    assert_eq!(revoked.code(), 0);
    assert!(
        revoked.out().contains("李明") && revoked.out().contains("Nothing was judged"),
        "{}",
        revoked.out()
    );
    assert!(!revoked.out().contains("VALID") && !revoked.out().contains("REVOKED"));
    let record = verifier.world.blocks[0].0.records[0].bytes().to_vec();
    verifier.desk.write("record", record);
    let kinds = [
        ("trust.bundle", "a trust bundle"),
        ("record", "a record"),
        ("good.concord", "a certificate"),
    ];
    for (file, kind) in kinds {
        let told = verifier.desk.run(&["inspect", file, "--json"]).lines().remove(0);
        assert_eq!(
            (told["kind"].as_str().unwrap(), told["judged"].as_bool().unwrap()),
            (kind, false),
            "{file}"
        );
    }
    assert_eq!(verifier.desk.run(&["inspect", "missing"]).code(), 10);
}

#[test]
fn wrong_usage_has_exit_code_2() {
    let verifier = Verifier::new();
    let wrong: [&[&str]; 6] = [
        &["verify"],
        &["verify", "good.concord"],
        &["nonsense"],
        &["status", "set", "1", "5-3", "--revoke", "--office-key", "k"],
        &["status", "set", "1", "5", "--office-key", "k"],
        &["bundle", "pull", "-o", "other.bundle"],
    ];
    for arguments in wrong {
        assert_eq!(verifier.desk.run(arguments).code(), 2, "{arguments:?}");
    }
    let help = verifier.desk.run(&["--help"]);
    assert_eq!(help.code(), 0);
    assert!(help.out().contains("Exit codes:") && help.out().contains("REVOKED"));
}
