//! Reports for programs fit their published schema, and for people they say something in both languages.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use concord_spec::bundle::TrustBundle;
use concord_spec::id::UnixMillis;
use concord_spec::verify::{
    Bilingual, CheckName, Ground, Language, Policy, Presented, Report, Verdict, unread, verify,
};
use concord_spec::world::World;
use serde_json::Value;
use std::collections::BTreeSet;

const SCHEMA: &str = include_str!("../text/report.schema.json");
const VECTORS: &str = include_str!("../vectors/certificates.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// Every report that a vector states.
fn reports() -> Vec<(String, Value)> {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = file["vectors"].as_array().unwrap().iter();
    let report = |vector: &Value| {
        let report = serde_json::from_str(vector["report"].as_str().unwrap()).unwrap();
        (vector["name"].as_str().unwrap().to_owned(), report)
    };
    vectors.map(report).collect()
}

/// A certificate of the small federation by its own bundle.
fn real(change: impl Fn(&mut Policy), now_after: i64) -> Report {
    let mut world = World::with_series(4, "reports").unwrap();
    let certificate = world.issue(1).unwrap().remove(0);
    let state = world.trusted().unwrap();
    let mut policy = Policy::default();
    change(&mut policy);
    let now = state.time().0.saturating_add_signed(now_after);
    verify(
        Presented::Certificate(&certificate.to_bytes()),
        &state,
        &policy,
        UnixMillis(now),
    )
}

fn nothing_read() -> Report {
    let world = World::with_series(4, "reports").unwrap();
    let words = Bilingual {
        zh: "文件为空".to_owned(),
        en: "the file is empty".to_owned(),
    };
    let ground = Ground::NothingRead { reason: "empty", words };
    unread(ground, &world.trusted().unwrap(), UnixMillis(0))
}

#[test]
fn every_report_fits_the_published_schema() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let own =
        [real(|_| (), 0), nothing_read()].map(|report| ("own".to_owned(), serde_json::to_value(&report).unwrap()));
    let all = reports().into_iter().chain(own);
    for (name, report) in all {
        let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}\n{report:#}");
    }
}

#[test]
fn the_schema_refuses_what_no_report_says() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let good = serde_json::to_value(real(|_| (), 0)).unwrap();
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 6] = [
        ("a green revocation", |report| report["verdict"] = "REVOKED".into()),
        ("another exit code", |report| report["exit"] = 3.into()),
        ("an unknown member", |report| report["trust"] = "me".into()),
        ("a check that is left out", |report| {
            report["checks"].as_array_mut().unwrap().pop();
        }),
        ("a failed check on grounds that it holds", |report| {
            report["checks"][1]["outcome"] = "failed".into();
        }),
        ("no data", |report| {
            report.as_object_mut().unwrap().remove("data");
        }),
    ];
    for (name, change) in changes {
        let mut report = good.clone();
        change(&mut report);
        assert!(!validator.is_valid(&report), "{name}");
    }
}

#[test]
fn the_vectors_reach_every_ground_of_the_schema() {
    let schema = schema();
    let listed = schema["$defs"]["check"]["oneOf"].as_array().unwrap().iter();
    let listed: BTreeSet<&str> = listed
        .map(|check| check["properties"]["ground"]["const"].as_str().unwrap())
        .collect();
    let reports = reports();
    let own = serde_json::to_value(nothing_read()).unwrap();
    let all = reports.iter().map(|(_, report)| report).chain([&own]);
    let checks = all.flat_map(|report| report["checks"].as_array().unwrap());
    let seen: BTreeSet<&str> = checks.map(|check| check["ground"].as_str().unwrap()).collect();
    let missing: Vec<&&str> = listed.difference(&seen).collect();
    assert!(missing.is_empty(), "no vector has these grounds: {missing:?}");
}

#[test]
fn the_report_names_a_clock_that_is_behind_or_far_ahead() {
    const DAY: i64 = 86_400_000;
    let clock = |now_after| serde_json::to_value(real(|_| (), now_after).data.clock).unwrap();
    assert_eq!(clock(0)["reading"], "plausible");
    assert_eq!(clock(-5_000)["reading"], "plausible", "blocks may be ten seconds ahead");
    assert_eq!(clock(400 * DAY)["reading"], "plausible");
    assert_eq!(
        clock(-20_000),
        serde_json::json!({"reading": "behind", "by_ms": 20_000})
    );
    assert_eq!(
        clock(401 * DAY),
        serde_json::json!({"reading": "far-ahead", "by_ms": 401 * DAY})
    );
    for language in Language::ALL {
        assert!(real(|_| (), 0).words(language).clock.is_none());
        assert!(real(|_| (), -20_000).words(language).clock.is_some());
    }
}

#[test]
fn a_receipt_that_is_newer_than_the_clock_shows_that_it_is_behind() {
    let mut world = World::with_series(4, "reports").unwrap();
    let bundle = world.bundle().unwrap();
    for _ in 0..30 {
        world.append(Vec::new()).unwrap();
    }
    let certificate = world.issue(1).unwrap().remove(0);
    let state = TrustBundle::open(&bundle, &world.state.chain_id()).unwrap();
    let bytes = certificate.to_bytes();
    let report = verify(Presented::Certificate(&bytes), &state, &Policy::default(), state.time());
    let behind = certificate.receipt.time.0 - state.time().0;
    assert_eq!(report.verdict, Verdict::ValidOnDataFrom);
    let clock = serde_json::to_value(report.data.clock).unwrap();
    assert_eq!(clock, serde_json::json!({"reading": "behind", "by_ms": behind}));
}

#[test]
fn data_of_more_than_thirty_days_are_not_green_unless_the_policy_says_so() {
    const DAY: i64 = 86_400_000;
    assert_eq!(real(|_| (), 30 * DAY).verdict, Verdict::Valid);
    assert_eq!(real(|_| (), 30 * DAY + 1).verdict, Verdict::ValidOnDataFrom);
    assert_eq!(
        real(|policy| policy.max_age_ms = None, 300 * DAY).verdict,
        Verdict::Valid
    );
}

#[test]
fn every_verdict_and_check_is_told_in_chinese_and_in_english() {
    let chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for verdict in Verdict::ALL {
        for words in [verdict.title(), verdict.meaning()] {
            assert!(chinese(&words.zh) && !chinese(&words.en), "{words:?}");
        }
        assert_eq!(verdict.title().en, verdict.word());
    }
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    for vector in file["vectors"].as_array().unwrap() {
        let bundle = &file["bundles"][vector["bundle"].as_str().unwrap()];
        let bytes = hex::decode(bundle["bundle"].as_str().unwrap()).unwrap();
        let state = TrustBundle::open(&bytes, &bundle["chain_id"].as_str().unwrap().parse().unwrap()).unwrap();
        let policy = Policy {
            own_region: vector["own_region"].as_str().map(|region| region.parse().unwrap()),
            ..Policy::default()
        };
        let now = UnixMillis(vector["now"].as_u64().unwrap());
        let certificate = vector["certificate"].as_str().map(|hex| hex::decode(hex).unwrap());
        let credential = vector["credential"].as_str().map(|hex| hex::decode(hex).unwrap());
        let both = vector["with_status"].as_str().map(|hex| hex::decode(hex).unwrap());
        let presented = match (&certificate, &credential, &both) {
            (Some(bytes), _, _) => Presented::Certificate(bytes),
            (None, Some(bytes), _) => Presented::Credential(bytes),
            (None, None, Some(bytes)) => Presented::WithStatus(bytes),
            (None, None, None) => panic!("{vector}"),
        };
        let report = verify(presented, &state, &policy, now);
        let (zh, en) = (report.words(Language::Zh), report.words(Language::En));
        // One more where a status proof came with it.
        let proof = usize::from(report.check(CheckName::StatusProof).is_some());
        assert_eq!(zh.checks.len(), CheckName::ALL.len() + proof);
        for (zh, en) in zh.checks.iter().zip(&en.checks) {
            assert!(
                chinese(&zh.text) && !en.text.is_empty() && zh.text != en.text,
                "{zh:?} {en:?}"
            );
        }
    }
}
