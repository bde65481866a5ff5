//! `concord card` and `concord charter`: the ceremony of a federation.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod program;

use concord_spec::catalogue::Label;
use concord_spec::charter::card::Card;
use concord_spec::charter::{Address, CharterRegion};
use concord_spec::id::RegionId;
use concord_spec::key::bls::SealSecretKey;
use concord_spec::key::{Keyring, SecretKey};
use program::{Desk, Ran};
use serde_json::{Value, json};

const PEER_ID: &str = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";

/// Makes `REGION-a.pem` to `REGION-c.pem` and the unsigned `REGION.card` of an authority of which two of three sign.
fn region(desk: &Desk, number: u8) {
    let keys = ["a", "b", "c"].map(|name| {
        let made = desk.run(&["key", "new", &format!("{number}-{name}.pem"), "--plain", "--json"]);
        made.lines()[0]["public"].as_str().unwrap().parse().unwrap()
    });
    let seal = SealSecretKey::from_seed([number; 32]).unwrap();
    let card = Card::new(CharterRegion {
        region: RegionId::new(format!("{number}0000")).unwrap(),
        labels: vec![Label {
            language: "zh".to_owned(),
            text: format!("地区{number}"),
        }],
        authority: Keyring::new(2, keys.to_vec()).unwrap(),
        consensus_key: SecretKey::from_seed([number; 32]).public(),
        seal_key: seal.public(),
        possession: seal.prove_possession(),
        peer_id: PEER_ID.to_owned(),
        addresses: vec![Address {
            multiaddr: format!("/ip4/192.0.2.{number}/tcp/9000"),
        }],
    });
    desk.write(&format!("{number}.card"), card.unwrap().to_bytes());
}

fn done(ran: &Ran) -> Value {
    assert_eq!(ran.code(), 0, "{}", ran.err());
    ran.lines()[0].clone()
}

fn refused(ran: &Ran, because: &str) {
    assert_eq!(ran.code(), 10, "{}", ran.out());
    assert!(ran.err().contains(because), "{}", ran.err());
}

/// Two regions with signed cards, and their charter, which nobody has signed.
fn assembled() -> Desk {
    let desk = Desk::new();
    for number in [1, 2] {
        region(&desk, number);
        let (a, b) = (format!("{number}-a.pem"), format!("{number}-b.pem"));
        done(&desk.run(&["card", "sign", &format!("{number}.card"), "--key", &a, &b, "--json"]));
    }
    let made = desk.run(&[
        "charter",
        "assemble",
        "2.card",
        "1.card",
        "--chain",
        "test",
        "--genesis",
        "2026-11-24T08:00:00Z",
        "--output",
        "charter.cbor",
        "--json",
    ]);
    let made = done(&made);
    assert_eq!(made["genesis_ms"], 1_795_507_200_000_u64);
    assert_eq!(made["regions"][0]["region"], "10000");
    assert_eq!(made["not_signed"], json!(["10000", "20000"]));
    desk
}

#[test]
fn two_people_sign_a_card_one_after_the_other() {
    let desk = Desk::new();
    region(&desk, 1);
    let shown = done(&desk.run(&["card", "show", "1.card", "--json"]));
    assert_eq!(
        (&shown["missing"], &shown["card"]["authority"]["threshold"]),
        (&json!(2), &json!(2))
    );
    let first = done(&desk.run(&["card", "sign", "1.card", "--key", "1-c.pem", "--json"]));
    assert_eq!(first["missing"], 1);
    let assemble = [
        "charter",
        "assemble",
        "1.card",
        "--chain",
        "test",
        "--output",
        "charter.cbor",
    ];
    refused(&desk.run(&assemble), "lacks 1 signatures");
    refused(
        &desk.run(&["card", "sign", "1.card", "--key", "1-c.pem"]),
        "has signed already",
    );
    let second = done(&desk.run(&["card", "sign", "1.card", "--key", "1-a.pem", "--json"]));
    assert_eq!(
        (&second["missing"], second["signed_by"].as_array().unwrap().len()),
        (&json!(0), 2)
    );
    refused(
        &desk.run(&["card", "sign", "1.card", "--key", "1-b.pem"]),
        "no more may",
    );
    let words = desk.run(&["card", "show", "1.card"]).out();
    for told in [
        "地区1",
        "2 of 3 keys sign",
        "/ip4/192.0.2.1/tcp/9000",
        PEER_ID,
        "hand it to whoever",
    ] {
        assert!(words.contains(told), "{told}: {words}");
    }
    assert_eq!(desk.run(&assemble).code(), 0);
}

#[test]
fn a_card_that_was_changed_after_signing_is_refused() {
    let desk = assembled();
    let mut card = std::fs::read(desk.path("1.card")).unwrap();
    let place = card.windows(9).position(|window| window == b"192.0.2.1").unwrap();
    card[place + 8] = b'9';
    desk.write("1.card", card);
    refused(&desk.run(&["card", "show", "1.card"]), "is not signed by its authority");
    let assemble = [
        "charter",
        "assemble",
        "1.card",
        "2.card",
        "--chain",
        "test",
        "--output",
        "other.cbor",
    ];
    refused(&desk.run(&assemble), "1.card");
    assert!(!desk.path("other.cbor").exists());
}

#[test]
fn copies_signed_apart_are_put_together() {
    let desk = assembled();
    for (copy, card, key) in [
        ("a", "1.card", "1-a.pem"),
        ("b", "1.card", "1-b.pem"),
        ("c", "2.card", "2-c.pem"),
    ] {
        std::fs::copy(desk.path("charter.cbor"), desk.path(copy)).unwrap();
        done(&desk.run(&["charter", "sign", copy, "--card", card, "--key", key, "--json"]));
    }
    let merged = done(&desk.run(&["charter", "merge", "c", "a", "b", "--output", "merged", "--json"]));
    assert_eq!(merged["not_signed"], json!(["20000"]));
    assert_eq!(
        (&merged["regions"][0]["signed"], &merged["regions"][1]["signed"]),
        (&json!(true), &json!(false))
    );
    let words = desk.run(&["charter", "show", "merged"]).out();
    assert!(words.contains("NOT SIGNED, 1 missing"), "{words}");
    done(&desk.run(&[
        "charter", "sign", "merged", "--card", "2.card", "--key", "2-a.pem", "--json",
    ]));
    let words = desk.run(&["charter", "show", "merged"]).out();
    assert!(words.contains("Every region has signed"), "{words}");

    let other = [
        "charter",
        "assemble",
        "1.card",
        "2.card",
        "--chain",
        "other",
        "--output",
        "other.cbor",
    ];
    assert_eq!(desk.run(&other).code(), 0);
    refused(
        &desk.run(&["charter", "merge", "merged", "other.cbor", "--output", "both"]),
        "these are two charters",
    );
    assert!(!desk.path("both").exists());
}

#[test]
fn a_charter_is_signed_only_where_the_own_card_stands_in_it_unchanged() {
    let desk = assembled();
    // The region makes its card again after the charter was assembled.
    let mut again = Card::from_bytes(&std::fs::read(desk.path("1.card")).unwrap())
        .unwrap()
        .region()
        .clone();
    again.consensus_key = SecretKey::from_seed([77; 32]).public();
    again.addresses[0].multiaddr = "/ip4/192.0.2.7/tcp/9000".to_owned();
    desk.write("again.card", Card::new(again).unwrap().to_bytes());
    let before = std::fs::read(desk.path("charter.cbor")).unwrap();
    refused(
        &desk.run(&[
            "charter",
            "sign",
            "charter.cbor",
            "--card",
            "again.card",
            "--key",
            "1-a.pem",
        ]),
        "another vote key, another address",
    );
    refused(
        &desk.run(&[
            "charter",
            "sign",
            "charter.cbor",
            "--card",
            "1.card",
            "--key",
            "2-a.pem",
        ]),
        "is not of the authority",
    );
    region(&desk, 3);
    refused(
        &desk.run(&[
            "charter",
            "sign",
            "charter.cbor",
            "--card",
            "3.card",
            "--key",
            "3-a.pem",
        ]),
        "region 30000 is not in the charter",
    );
    assert_eq!(std::fs::read(desk.path("charter.cbor")).unwrap(), before);
}

#[test]
fn the_fingerprint_is_compared_with_words_that_were_read_out() {
    let desk = assembled();
    let shown = done(&desk.run(&["charter", "show", "charter.cbor", "--json"]));
    let told = shown["fingerprint"].as_str().unwrap();
    assert_eq!(told.split(' ').count(), 12);
    assert!(desk.run(&["charter", "show", "charter.cbor"]).out().contains(told));
    let short: Vec<&str> = told.split(' ').map(|word| &word[..word.len().min(4)]).collect();
    let sign = |words: &str| {
        let ran = [
            "charter",
            "sign",
            "charter.cbor",
            "--card",
            "1.card",
            "--key",
            "1-a.pem",
            "--words",
            words,
        ];
        desk.run(&ran)
    };
    let first = short[0];
    let wrong = if first == "zoo" { "zone" } else { "zoo" };
    refused(
        &sign(&short.join(" ").replacen(first, wrong, 1)),
        "word 1 of the fingerprint",
    );
    refused(&sign(&short[1..].join(" ")), "12 words, not 11");
    assert_eq!(sign(&short.join(" ").to_uppercase()).code(), 0);
}

#[test]
fn a_charter_that_was_changed_after_signing_is_refused() {
    let desk = assembled();
    done(&desk.run(&[
        "charter",
        "sign",
        "charter.cbor",
        "--card",
        "1.card",
        "--key",
        "1-a.pem",
        "--json",
    ]));
    let mut charter = std::fs::read(desk.path("charter.cbor")).unwrap();
    let place = charter.windows(9).position(|window| window == b"192.0.2.2").unwrap();
    charter[place + 8] = b'9';
    desk.write("charter.cbor", charter);
    refused(
        &desk.run(&["charter", "show", "charter.cbor"]),
        "the signature of region 10000 does not hold on this charter",
    );
}
