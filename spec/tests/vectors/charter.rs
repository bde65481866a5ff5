//! Cards, signed charters, fingerprints.

use super::{bytes, each, file, outcome, parsed, text};
use concord_spec::charter::Charter;
use concord_spec::charter::card::Card;
use concord_spec::charter::signed::SignedCharter;
use concord_spec::codec::to_vec;
use concord_spec::digest::Digest;
use serde_json::{Map, Value, json};

#[test]
fn cards_carry_the_signatures_that_they_say_or_are_refused() {
    for vector in each(&file("charter.json"), "cards") {
        let card = Card::from_bytes(&bytes(vector, "bytes"));
        assert_eq!(outcome(&card), text(vector, "result"), "{}", vector["name"]);
        if let Ok(card) = card {
            assert_eq!(card.to_bytes(), bytes(vector, "bytes"));
            assert_eq!(json!(card.missing()), vector["missing"], "{}", vector["name"]);
        }
    }
}

#[test]
fn signed_charters_carry_the_signatures_that_they_say_or_are_refused() {
    for vector in each(&file("charter.json"), "signed_charters") {
        let signed = SignedCharter::from_bytes(&bytes(vector, "bytes"));
        assert_eq!(outcome(&signed), text(vector, "result"), "{}", vector["name"]);
        if let Ok(signed) = signed {
            assert_eq!(signed.to_bytes(), bytes(vector, "bytes"));
            let missing = signed.missing().into_iter();
            let missing: Map<String, Value> = missing.map(|(id, count)| (id.to_string(), json!(count))).collect();
            assert_eq!(Value::Object(missing), vector["missing"], "{}", vector["name"]);
        }
    }
}

#[test]
fn a_fingerprint_is_read_off_the_chain_id() {
    for vector in each(&file("charter.json"), "fingerprints") {
        let charter = Charter::from_bytes(&bytes(vector, "charter")).unwrap();
        assert_eq!(to_vec(&charter), bytes(vector, "charter"));
        assert_eq!(charter.chain_id(), parsed::<Digest>(vector, "chain_id"));
        assert_eq!(charter.fingerprint().to_string(), text(vector, "words"));
        charter.fingerprint().compare(text(vector, "words")).unwrap();
    }
}
