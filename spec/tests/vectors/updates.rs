//! What a device makes of what it is offered.

use super::{bytes, each, file, number, outcome, parsed, text};
use concord_spec::bundle::{Held, Packed, Start, Terms};
use concord_spec::digest::Digest;
use concord_spec::id::UnixMillis;
use std::collections::BTreeSet;

/// Every reason that has nothing to do with a state by itself, and those that packing adds.
const REFUSALS: [&str; 18] = [
    "Bomb",
    "CheckpointNeeded",
    "CheckpointNotShown",
    "Damaged",
    "DoesNotFit",
    "Fork",
    "Frame",
    "Kind",
    "NotShown",
    "Older",
    "OtherSelection",
    "Section",
    "Selection",
    "StatusChunk",
    "TooMuch",
    "Truncated",
    "Unreadable",
    "Window",
];

#[test]
fn a_device_takes_what_it_should_and_refuses_the_rest_for_the_stated_reason() {
    let file = file("bundles.json");
    let chain_id: Digest = parsed(&file, "chain_id");
    let files = &file["files"];
    let mut results = BTreeSet::new();
    for vector in each(&file, "updates") {
        let checkpoint = vector["checkpoint"].as_str().map(|text| text.parse().unwrap());
        let now = UnixMillis(number(vector, "now"));
        let offered = bytes(files, text(vector, "file"));
        let found = match vector["held"].as_str() {
            None => Held::start(
                &offered,
                &Start {
                    chain_id,
                    checkpoint,
                    now,
                },
            ),
            Some(name) => {
                let held = Held::open(&bytes(files, name), &chain_id).unwrap();
                let terms = Terms {
                    checkpoint,
                    go_back: vector["go_back"] == true,
                    now,
                };
                held.update(&offered, &terms)
            }
        };
        let result = text(vector, "result");
        match &found {
            Ok(held) if files[result].is_string() => {
                let expected = Packed::open(&bytes(files, result)).unwrap();
                assert_eq!(Packed::open(&held.to_bytes()).unwrap(), expected, "{}", vector["name"]);
            }
            _ => assert_eq!(outcome(&found), result, "{}", vector["name"]),
        }
        results.insert(result.to_owned());
    }
    let refused: Vec<&String> = results
        .iter()
        .filter(|result| files[result.as_str()].is_null())
        .collect();
    assert_eq!(refused, REFUSALS);
}
