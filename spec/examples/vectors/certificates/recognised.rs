//! Recognition: regions that recognise a licence on various terms, and what a verifier there must say.

use super::{NAME_OF_CODES, NOW, Part, bundle, vector, with};
use crate::make::Error;
use concord_spec::digest::Digest;
use concord_spec::id::{TypeVersion, UnixMillis};
use concord_spec::recognition::{Level, Source, Terms, ValueMap};
use concord_spec::record::{Action, Withdraw};
use concord_spec::world::{GENESIS, REGION_CODES, World};
use serde_json::{Value, json};

/// The licence is issued on 2026-01-01, which begins eight hours before genesis. Until when, in milliseconds, it is at most 30 days old.
const THIRTY_DAYS: u64 = GENESIS.0 - 8 * 3_600_000 + 30 * 86_400_000;

/// What changes about the terms.
type Change = fn(&mut Terms) -> Result<(), Error>;

/// The recogniser by its place among the regions, and what changes about terms that cover the licence.
const DECLARED: &[(usize, Change)] = &[
    (1, |_| Ok(())),
    (2, |terms| {
        terms.min_version = TypeVersion(2);
        Ok(())
    }),
    (3, |terms| {
        terms.issued_from = Some("2026-01-02".parse()?);
        Ok(())
    }),
    (4, |terms| {
        // Withdrawn for what is issued later: the earlier of the two days counts.
        terms.issued_until = Some("2025-12-31".parse()?);
        Ok(())
    }),
    (5, |terms| {
        terms.presented_from = Some(UnixMillis(NOW));
        Ok(())
    }),
    (6, |terms| {
        terms.presented_until = Some(UnixMillis(NOW));
        Ok(())
    }),
    (7, |terms| {
        terms.max_age_days = Some(30);
        Ok(())
    }),
    (8, |_| Ok(())),
    (9, |_| Ok(())),
    (10, |terms| {
        terms.source = Source::Region(REGION_CODES[1].parse()?);
        Ok(())
    }),
    (11, |terms| {
        terms.source = Source::All;
        terms.local_type = None;
        terms.level = Level::Equal;
        terms.values = vec![mapped("丙")];
        Ok(())
    }),
    (11, |terms| {
        terms.values = vec![mapped("丁")];
        terms.purposes = vec!["rental".to_owned()];
        Ok(())
    }),
    (12, |terms| {
        terms.min_version = TypeVersion(2);
        Ok(())
    }),
    (12, |terms| {
        terms.issued_from = Some("2026-01-02".parse()?);
        Ok(())
    }),
    (12, |terms| {
        terms.issued_until = Some("2026-06-30".parse()?);
        terms.presented_until = Some(UnixMillis(NOW - 1));
        Ok(())
    }),
    (12, |terms| {
        terms.purposes = vec!["rental".to_owned(), "school".to_owned()];
        Ok(())
    }),
];

fn mapped(here: &str) -> ValueMap {
    ValueMap {
        claim: 100,
        there: "C1".to_owned(),
        here: here.to_owned(),
    }
}

pub(super) fn terms(world: &World) -> Result<Terms, Error> {
    Ok(Terms {
        source: Source::Region(world.region()?),
        kind: world.type_ref().id,
        min_version: TypeVersion(1),
        local_type: Some(world.type_ref().id),
        values: vec![mapped("乙")],
        level: Level::Conditional,
        issued_from: None,
        issued_until: None,
        presented_from: None,
        presented_until: None,
        max_age_days: None,
        purposes: Vec::new(),
        basis: Digest([3; 32]),
    })
}

/// What it shows, the verifier's region, what for, when, the declaration that counts (0: none).
type Case = (&'static str, usize, Option<&'static str>, u64, u64);

const CASES: &[Case] = &[
    ("recognised", 1, None, NOW, 1),
    ("recognised for every purpose", 1, Some("driving"), NOW, 1),
    ("recognised from version 2 on", 2, None, NOW, 0),
    ("recognised if issued a day later", 3, None, NOW, 0),
    ("recognised if issued a day earlier", 4, None, NOW, 0),
    ("presented a millisecond too early", 5, None, NOW - 1, 0),
    ("presented in the first millisecond", 5, None, NOW, 1),
    ("presented in the last millisecond", 6, None, NOW, 1),
    ("presented a millisecond too late", 6, None, NOW + 1, 0),
    ("of an age of 30 days", 7, None, THIRTY_DAYS, 1),
    ("a second older", 7, None, THIRTY_DAYS + 1_000, 0),
    ("withdrawn for what was issued since 2025", 8, None, NOW, 0),
    ("withdrawn for what was issued since July", 9, None, NOW, 1),
    ("withdrawn for what is presented later", 9, None, NOW + 1, 0),
    ("another region's is recognised", 10, None, NOW, 0),
    (
        "for a purpose of the later of two declarations",
        11,
        Some("rental"),
        NOW,
        2,
    ),
    ("for a purpose of the earlier of them only", 11, Some("driving"), NOW, 1),
    ("for no purpose that was said", 11, None, NOW, 2),
    (
        "for none of the purposes of the latest of four declarations",
        12,
        Some("driving"),
        NOW,
        0,
    ),
];

/// One licence, verified in thirteen regions.
pub(super) fn regions() -> Result<Part, Error> {
    let mut world = World::with_series(13, "concord-recognition")?;
    let certificate = world.issue(1)?.remove(0).to_bytes();
    let mut content = world.content(1)?;
    content.valid_from = "2026-01-11".parse()?;
    let begins_later = [world.certify(1, content)?];
    let issue = world.issue_of(&begins_later)?;
    world.append(vec![issue])?;
    let begins_later = world.certificates(&begins_later, 0)?.remove(0).to_bytes();
    let mut records = Vec::new();
    for (recogniser, change) in DECLARED {
        let mut terms = terms(&world)?;
        change(&mut terms)?;
        records.push(world.by_region_at(*recogniser, Action::Recognise(Box::new(terms)))?);
    }
    for (recogniser, issued_until, presented_until) in [
        (4, "2026-06-30", None),
        (8, "2025-12-31", None),
        (9, "2026-06-30", Some(UnixMillis(NOW))),
    ] {
        let body = Withdraw {
            number: 1,
            issued_until: Some(issued_until.parse()?),
            presented_until,
        };
        records.push(world.by_region_at(recogniser, Action::Withdraw(body))?);
    }
    world.append(records)?;
    let declared = bundle(&world, &world.bundle()?);
    let mut vectors = Vec::new();
    for (name, region, purpose, now, declaration) in CASES {
        let verdict = if *declaration == 0 { "NOT RECOGNISED" } else { "VALID" };
        let own = REGION_CODES.get(*region).ok_or("no such region")?;
        let mut members = vec![("own_region", json!(own)), ("now", json!(now))];
        members.extend(purpose.map(|purpose| ("purpose", json!(purpose))));
        if *declaration > 0 {
            members.push(("recognised", as_what(*region, *declaration)));
        }
        vectors.push(with(vector(name, "recognised", &certificate, verdict), &members));
    }
    let thirtieth_day = |name, now: u64, verdict, more: &[(&str, Value)]| {
        let members = [("own_region", json!(REGION_CODES[7])), ("now", json!(now))];
        with(with(vector(name, "recognised", &begins_later, verdict), &members), more)
    };
    vectors.push(thirtieth_day(
        "of an age of 30 days, valid since the eleventh of them",
        THIRTY_DAYS,
        "VALID",
        &[("recognised", as_what(7, 1))],
    ));
    vectors.push(thirtieth_day(
        "a second older, valid since the eleventh day",
        THIRTY_DAYS + 1_000,
        "NOT RECOGNISED",
        &[],
    ));
    Ok((vec![("recognised", declared)], vectors))
}

/// As what it is recognised: one claim has another value here.
fn as_what(region: usize, declaration: u64) -> Value {
    let (here, level, purposes): (_, _, &[&str]) = match (region, declaration) {
        (11, 1) => ("丙", "equal", &[]),
        (11, _) => ("丁", "conditional", &["rental"]),
        _ => ("乙", "conditional", &[]),
    };
    let mut report = json!({
        "region": REGION_CODES.get(region),
        "declaration": declaration,
        "level": level,
        "claims": [{"key": 100, "labels": [{"language": "zh", "text": NAME_OF_CODES}], "there": "C1", "here": here}],
        "purposes": purposes,
    });
    if let Some(object) = report.as_object_mut().filter(|_| (region, declaration) != (11, 1)) {
        object.insert("local_type".to_owned(), json!("110000.drivers-licence"));
    }
    report
}
