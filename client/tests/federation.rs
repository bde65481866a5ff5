//! `concord region` and `concord proposal` on a ledger of four regions.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod ledger;
mod program;

use concord_spec::charter::card::Card;
use concord_spec::key::SecretKey;
use concord_spec::record::Action;
use concord_spec::world::{World, authority, consensus_key};
use ledger::{Served, key_file};
use program::{Desk, Ran};

/// The peer id of an Ed25519 key.
const PEER_ID: &str = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";

/// Regions 110000 to 140000, with their authority keys in `a0.pem` to `a3.pem`.
struct Four {
    desk: Desk,
    served: Served,
}

impl Four {
    fn new() -> Self {
        let world = World::new(4, "four").unwrap();
        let desk = Desk::new();
        for (index, key) in world.authorities.iter().enumerate() {
            key_file(&desk, &format!("a{index}.pem"), key);
        }
        Self {
            desk,
            served: Served::new(world),
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let url = self.served.url();
        self.desk.run(&[arguments, &["--node", &url]].concat())
    }

    /// Runs it, and it must succeed.
    fn done(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code(), 0, "{arguments:?}: {}{}", ran.out(), ran.err());
        ran
    }

    /// Proposes by the first region, votes by the second and third; the change is then decided.
    fn change(&self, change: &[&str]) {
        let make = [&["proposal", "make"], change, &["--region-key", "a0.pem", "--json"]].concat();
        let made = self.done(&make).lines().remove(0);
        assert_eq!(made["state"], "open");
        let id = made["proposal"].as_str().unwrap()[..8].to_owned();
        let vote = |key: &str| self.done(&["proposal", "vote", &id, "--approve", "--region-key", key, "--json"]);
        assert_eq!(vote("a1.pem").lines()[0]["state"], "open");
        assert_eq!(vote("a2.pem").lines()[0]["state"], "decided");
    }

    fn region(&self, region: &str) -> serde_json::Value {
        self.done(&["region", "show", region, "--json"]).lines().remove(0)
    }

    /// Empty blocks, until what has passed is in force.
    fn pass(&self) {
        self.served.append(Vec::new());
        self.served.append(Vec::new());
    }
}

#[test]
fn a_fifth_region_is_admitted_by_its_card_and_three_votes() {
    let four = Four::new();
    let mut region = four.served.world().card(4).unwrap();
    region.peer_id = PEER_ID.to_owned();
    let mut card = Card::new(region).unwrap();
    four.desk.write("unsigned.card", card.to_bytes());
    card.sign(&authority(4)).unwrap();
    four.desk.write("fifth.card", card.to_bytes());
    let unsigned = [
        "proposal",
        "make",
        "admit",
        "--card",
        "unsigned.card",
        "--region-key",
        "a0.pem",
    ];
    assert_eq!(four.run(&unsigned).code(), 10);
    four.change(&["admit", "--card", "fifth.card"]);
    assert_eq!(four.region("150000")["standing"], "not in force yet");
    four.pass();
    assert_eq!(four.region("150000")["standing"], "in force");
}

#[test]
fn a_proposal_is_listed_and_shown_with_its_votes_and_named_by_eight_digits() {
    let four = Four::new();
    assert!(four.done(&["proposal", "list"]).out().contains("no proposals are open"));
    let make = [
        "proposal",
        "make",
        "parameters",
        "--heartbeat-ms",
        "30000",
        "--region-key",
        "a1.pem",
        "--json",
    ];
    let made = four.done(&make).lines().remove(0);
    let id = made["proposal"].as_str().unwrap();
    four.done(&["proposal", "vote", &id[..8], "--refuse", "--region-key", "a3.pem"]);
    let shown = four.done(&["proposal", "show", &id[..10]]).out();
    for told in [
        "sets the parameters: at most 30000 ms without a block",
        "for           120000",
        "against       140000",
        "silent        110000, 130000",
        "needed        3 votes",
    ] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    assert!(
        four.done(&["proposal", "list"])
            .out()
            .contains("1 for, 1 against, 3 needed")
    );
    assert_eq!(
        four.run(&["proposal", "show", &id[..7]]).code(),
        2,
        "seven digits are too few"
    );
    let unknown = four.run(&["proposal", "vote", "00000000", "--approve", "--region-key", "a0.pem"]);
    assert_eq!(unknown.code(), 10);
    assert!(unknown.err().contains("proposal list"), "{}", unknown.err());
    let both = four.run(&[
        "proposal",
        "vote",
        &id[..8],
        "--approve",
        "--refuse",
        "--region-key",
        "a0.pem",
    ]);
    assert_eq!(both.code(), 2);
    for other in ["a0.pem", "a2.pem"] {
        four.done(&["proposal", "vote", &id[..8], "--approve", "--region-key", other]);
    }
    assert!(four.done(&["proposal", "list"]).out().contains("passed: from block"));
    four.pass();
    assert_eq!(four.served.world().state.federation().parameters.heartbeat_ms, 30_000);
}

#[test]
fn a_region_is_suspended_reinstated_and_removed_by_vote() {
    let four = Four::new();
    for (change, standing) in [
        ("suspend", "suspended"),
        ("reinstate", "in force"),
        ("remove", "removed"),
    ] {
        four.change(&[change, "140000"]);
        four.pass();
        assert_eq!(four.region("140000")["standing"], standing);
    }
    let listed = four.done(&["region", "list"]).out();
    assert!(listed.contains("140000  地区140000  removed"), "{listed}");
    four.change(&["succeed-region", "140000", "--successor", "110000"]);
    four.pass();
    assert_eq!(four.region("140000")["successor"], "110000");
}

#[test]
fn domain_authorities_types_of_the_federation_and_lost_keyrings_are_voted() {
    let four = Four::new();
    let key = SecretKey::from_seed([7; 32]);
    key_file(&four.desk, "ministry.pem", &key);
    four.change(&[
        "domain",
        "transport",
        "--name-zh",
        "交通运输部",
        "--key",
        "ministry.pem",
    ]);
    four.pass();
    four.desk.write(
        "licence.type.toml",
        include_str!("../samples/drivers-licence.type.toml"),
    );
    four.done(&[
        "type",
        "define",
        "licence.type.toml",
        "--domain",
        "transport",
        "--domain-key",
        "ministry.pem",
    ]);
    four.change(&["type", "licence.type.toml"]);
    four.pass();
    let types: Vec<String> = four
        .done(&["type", "list", "--json"])
        .lines()
        .iter()
        .map(|line| line["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(types, ["federation.drivers-licence", "transport.drivers-licence"]);
    four.change(&["close-type", "federation.drivers-licence/1"]);
    four.pass();
    let of = ["type", "show", "federation.drivers-licence/1"];
    assert!(four.done(&of).out().contains("CLOSED"));
    key_file(&four.desk, "new.pem", &SecretKey::from_seed([8; 32]));
    four.change(&["keyring", "--of-domain", "transport", "--key", "new.pem"]);
    four.pass();
    let close = [
        "type",
        "close",
        "transport.drivers-licence/1",
        "--domain",
        "transport",
        "--domain-key",
    ];
    let old = four.run(&[&close[..], &["ministry.pem"]].concat());
    assert!(old.err().contains("not in the keyring"), "{}", old.err());
    four.done(&[&close[..], &["new.pem"]].concat());
}

#[test]
fn an_authority_keyring_rotates_in_72_hours_unless_the_old_one_or_a_vote_cancels_it() {
    let four = Four::new();
    key_file(&four.desk, "next.pem", &SecretKey::from_seed([9; 32]));
    let rotate = [
        "region",
        "rotate-authority",
        "--key",
        "next.pem",
        "--threshold",
        "1",
        "--region-key",
        "a0.pem",
    ];
    four.done(&rotate);
    let shown = four.region("110000");
    let from = shown["rotation"]["from_ms"].as_u64().unwrap();
    let now = four.served.world().state.tip().time.0;
    assert_eq!(from - now, 72 * 3_600_000);
    let early = four.run(&["region", "cancel-rotation", "--region-key", "next.pem"]);
    assert!(early.err().contains("not in force yet"), "{}", early.err());
    four.done(&["region", "cancel-rotation", "--region-key", "a0.pem"]);
    assert!(four.region("110000")["rotation"].is_null());
    four.done(&rotate);
    let other = ["cancel-rotation", "110000"];
    let make = [&["proposal", "make"], &other[..], &["--region-key", "a1.pem", "--json"]].concat();
    let id = four.done(&make).lines()[0]["proposal"].as_str().unwrap()[..8].to_owned();
    for key in ["a2.pem", "a3.pem"] {
        four.done(&["proposal", "vote", &id, "--approve", "--region-key", key]);
    }
    four.pass();
    assert!(four.region("110000")["rotation"].is_null());
}

#[test]
fn a_node_rotates_its_keys_by_what_concordd_prints() {
    let four = Four::new();
    let card = four.served.world().card(9).unwrap();
    let printed = serde_json::json!({
        "region": "120000", "consensus_key": consensus_key(9).public(), "seal_key": card.seal_key.to_string(),
        "possession": card.possession.to_string(), "peer_id": "peer-moved", "addresses": ["/ip4/192.0.2.1/tcp/9000"],
    });
    four.desk.write("next.json", printed.to_string());
    let rotate = ["region", "rotate-node", "next.json", "--region-key"];
    let other = four.run(&[&rotate[..], &["a0.pem"]].concat());
    assert!(other.err().contains("keys of region 120000"), "{}", other.err());
    four.done(&[&rotate[..], &["a1.pem"]].concat());
    let shown = four.region("120000");
    assert_eq!(shown["terms"][1]["consensus_key"], printed["consensus_key"]);
    assert_eq!(
        (&shown["peer_id"], &shown["addresses"][0]),
        (&printed["peer_id"], &printed["addresses"][0])
    );
}

#[test]
fn observers_are_added_and_removed_one_by_one() {
    let four = Four::new();
    let observers = |more: &[&str]| four.run(&[&["region", "observers", "--region-key", "a0.pem"], more].concat());
    assert_eq!(
        observers(&["--add", "peer-x=archive,/ip4/192.0.2.7/tcp/9000", "peer-a=mirror"]).code(),
        0
    );
    let shown = four.region("110000");
    assert_eq!(shown["observers"][0]["name"], "mirror", "ascending by peer id");
    assert_eq!(shown["observers"][1]["addresses"][0], "/ip4/192.0.2.7/tcp/9000");
    assert_eq!(observers(&["--remove", "peer-a"]).code(), 0);
    assert_eq!(four.region("110000")["observers"].as_array().unwrap().len(), 1);
    assert_eq!(observers(&["--remove", "peer-a"]).code(), 10);
    assert_eq!(observers(&[]).code(), 2);
    assert_eq!(observers(&["--none"]).code(), 0);
    assert!(four.region("110000")["observers"].as_array().unwrap().is_empty());
}

#[test]
fn evidence_of_double_signing_is_told_with_its_region() {
    let four = Four::new();
    let chain_id = four.served.world().state.chain_id();
    let vote = |target: u8| {
        let statement = concord_spec::vote::VoteStatement {
            height: concord_spec::id::Height(1),
            round: 0,
            kind: concord_spec::vote::VoteKind::Prevote,
            target: Some(concord_spec::digest::Digest([target; 32])),
            region: "130000".parse().unwrap(),
        };
        let signature = consensus_key(2).sign(&statement.message(&chain_id));
        concord_spec::vote::Signed { statement, signature }
    };
    let evidence = concord_spec::vote::Evidence::votes(vote(1), vote(2)).unwrap();
    let payload = four.served.world().payload(
        concord_spec::record::Actor::Nobody,
        Action::Evidence(Box::new(evidence)),
    );
    let record = concord_spec::record::SignedRecord::sign(payload, &[]);
    four.desk.write("evidence.record", record.bytes());
    let shown = four.done(&["record", "show", "evidence.record"]).out();
    assert!(
        shown.contains("proves that region 130000 signed two different prevotes for height 1"),
        "{shown}"
    );
    four.done(&["record", "submit", "evidence.record"]);
    let shown = four.done(&["region", "show", "130000"]).out();
    assert!(
        shown.contains("EVIDENCE") && shown.contains("two different prevotes for height 1"),
        "{shown}"
    );
    assert!(four.done(&["region", "list"]).out().contains("SIGNED TWICE 1 times"));
}
