//! `concord office` and `concord series`: levels, scope, succession, delegation.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod ledger;
mod program;

use concord_spec::key::SecretKey;
use concord_spec::world::World;
use ledger::{Served, key_file};
use program::{Desk, Ran};

const TOP: &str = "110000/11110000000000001X";

/// A region whose office `TOP` has three keys, `o0.pem` to `o2.pem`, of which two sign.
struct Region {
    desk: Desk,
    served: Served,
}

impl Region {
    fn new() -> Self {
        let world = World::with_series(4, "office").unwrap();
        let desk = Desk::new();
        key_file(&desk, "region.pem", &world.authorities[0]);
        for (index, key) in world.office_keys.iter().enumerate() {
            key_file(&desk, &format!("o{index}.pem"), key);
        }
        for index in 0..4 {
            key_file(&desk, &format!("k{index}.pem"), &SecretKey::from_seed([40 + index; 32]));
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

    fn done(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code(), 0, "{arguments:?}: {}{}", ran.out(), ran.err());
        ran
    }

    fn show(&self, office: &str) -> serde_json::Value {
        self.done(&["office", "show", office, "--json"]).lines().remove(0)
    }

    /// A city office under `TOP`, with the keys k0 and k1.
    fn city(&self) {
        self.done(&[
            "office",
            "register",
            "--office",
            "CITY",
            "--parent",
            TOP,
            "--name-zh",
            "市局",
            "--key",
            "k0.pem",
            "k1.pem",
            "--threshold",
            "2",
            "--type",
            "110000.drivers-licence",
            "--parent-key",
            "o0.pem",
            "o1.pem",
        ]);
    }
}

#[test]
fn a_sub_office_is_registered_by_the_office_above_it_with_no_more_than_that_has() {
    let region = Region::new();
    region.city();
    let city = region.show("110000/CITY");
    assert_eq!((&city["level"], &city["parent"]), (&"city".into(), &TOP.into()));
    assert_eq!(city["active"], true);
    let lower = region.run(&[
        "office",
        "register",
        "--office",
        "COUNTY",
        "--parent",
        "110000/CITY",
        "--name-zh",
        "县局",
        "--key",
        "k2.pem",
        "--type",
        "110000.drivers-licence",
        "--parent-key",
        "k0.pem",
        "k1.pem",
    ]);
    assert!(
        lower.err().contains("EXCEEDS_PARENT"),
        "one key is fewer than two: {}",
        lower.err()
    );
    let other = region.run(&[
        "office",
        "register",
        "--office",
        "COUNTY",
        "--parent",
        "110000/CITY",
        "--name-zh",
        "县局",
        "--key",
        "k2.pem",
        "k3.pem",
        "--threshold",
        "2",
        "--type",
        "110000.other",
        "--parent-key",
        "k0.pem",
        "k1.pem",
    ]);
    assert!(other.err().contains("EXCEEDS_PARENT"), "{}", other.err());
}

#[test]
fn what_stops_an_office_is_told_in_the_tree_and_reinstating_its_parent_frees_it() {
    let region = Region::new();
    region.city();
    region.done(&["office", "suspend", TOP, "--region-key", "region.pem"]);
    let tree = region.done(&["office", "list"]).out();
    assert!(
        tree.contains("    CITY  市局  city  STOPPED: office 110000/11110000000000001X is suspended"),
        "{tree}"
    );
    let stopped = region.run(&[
        "series",
        "open",
        "--office",
        "110000/CITY",
        "--office-key",
        "k0.pem",
        "k1.pem",
        "--type",
        "110000.drivers-licence/1",
        "--desk",
        "窗口9",
        "--series-key",
        "k3.pem",
    ]);
    assert!(stopped.err().contains("OFFICE_NOT_ACTIVE"), "{}", stopped.err());
    region.done(&["office", "reinstate", TOP, "--region-key", "region.pem"]);
    let tree = region.done(&["office", "list", "--in", "110000"]).out();
    assert!(!tree.contains("STOPPED") && tree.contains("CITY"), "{tree}");
    let close = region.run(&["office", "close", TOP, "--region-key", "region.pem"]);
    assert!(close.err().contains("HAS_SUB_OFFICES"), "{}", close.err());
    region.done(&["office", "close", "110000/CITY", "--region-key", "region.pem"]);
    assert!(
        region.show("110000/CITY")["stopped_by"]
            .as_str()
            .unwrap()
            .contains("closed")
    );
}

#[test]
fn an_amended_office_keeps_what_was_not_named_and_its_earlier_names() {
    let region = Region::new();
    region.done(&[
        "office",
        "amend",
        TOP,
        "--name-zh",
        "交管总局",
        "--name-en",
        "Traffic",
        "--region-key",
        "region.pem",
    ]);
    region.done(&[
        "office",
        "amend",
        TOP,
        "--valid-in",
        "120000",
        "110000",
        "--region-key",
        "region.pem",
    ]);
    let office = region.show(TOP);
    assert_eq!(office["names"].as_array().unwrap().len(), 2);
    assert_eq!(office["valid_in"], serde_json::json!(["110000", "120000"]));
    assert_eq!(
        office["types"],
        serde_json::json!(["110000.drivers-licence"]),
        "types stay"
    );
    assert_eq!(office["keyring"]["threshold"], 2);
    region.done(&[
        "office",
        "amend",
        TOP,
        "--key",
        "k0.pem",
        "k1.pem",
        "--region-key",
        "region.pem",
    ]);
    assert_eq!(
        region.show(TOP)["keyring"]["threshold"],
        2,
        "the threshold stays unless it is named"
    );
    assert_eq!(
        region
            .run(&["office", "amend", TOP, "--region-key", "region.pem"])
            .code(),
        2
    );
}

#[test]
fn a_successor_holds_the_series_and_the_predecessor_does_not() {
    let region = Region::new();
    region.done(&[
        "office",
        "register",
        "--office",
        "MERGED",
        "--name-zh",
        "合并局",
        "--key",
        "k0.pem",
        "--type",
        "110000.drivers-licence",
        "--region-key",
        "region.pem",
    ]);
    region.done(&[
        "office",
        "succeed",
        TOP,
        "--by",
        "110000/MERGED",
        "--region-key",
        "region.pem",
    ]);
    let listed = region.done(&["series", "list", "110000/MERGED", "--json"]).lines();
    assert_eq!(listed[0]["series"], 1);
    assert!(region.done(&["series", "list", TOP]).out().contains("has no series"));
    // Who holds it is found out: the successor's key freezes it.
    let old = region.run(&["series", "freeze", "1", "--office-key", "o0.pem", "o1.pem"]);
    assert!(
        old.err().contains("not in the keyring of office 110000/MERGED"),
        "{}",
        old.err()
    );
    region.done(&["series", "freeze", "1", "--office-key", "k0.pem"]);
    assert!(
        region
            .done(&["series", "list", "110000/MERGED"])
            .out()
            .contains("FROZEN")
    );
}

#[test]
fn a_delegated_type_is_issued_by_the_other_office_until_it_is_taken_back() {
    let region = Region::new();
    region.done(&[
        "office",
        "register",
        "--office",
        "AGENT",
        "--name-zh",
        "代办处",
        "--key",
        "k0.pem",
        "k1.pem",
        "--threshold",
        "2",
        "--region-key",
        "region.pem",
    ]);
    let delegate = [
        "office",
        "delegate",
        "--office",
        TOP,
        "--to",
        "110000/AGENT",
        "--type",
        "110000.drivers-licence",
    ];
    let keys = ["--office-key", "o0.pem", "o1.pem"];
    region.done(&[&delegate[..], &["--until", "2030-01-01T00:00:00Z"], &keys].concat());
    let open = [
        "series",
        "open",
        "--office",
        "110000/AGENT",
        "--office-key",
        "k0.pem",
        "k1.pem",
        "--type",
        "110000.drivers-licence/1",
        "--desk",
        "代办",
        "--series-key",
    ];
    region.done(&[&open[..], &["k2.pem"]].concat());
    assert!(
        region
            .done(&["office", "show", "110000/AGENT"])
            .out()
            .contains("let by 110000/11110000000000001X until 2030")
    );
    region.done(&[&delegate[..], &["--withdraw"], &keys].concat());
    let refused = region.run(&[&open[..], &["k3.pem"]].concat());
    assert!(refused.err().contains("OUT_OF_SCOPE"), "{}", refused.err());
}

#[test]
fn a_series_is_closed_by_its_office_and_frozen_by_whoever_supervises_it() {
    let region = Region::new();
    region.done(&["series", "close", "1", "--office-key", "o1.pem", "o2.pem"]);
    let frozen = region
        .done(&["series", "freeze", "1", "--region-key", "region.pem", "--json"])
        .lines()
        .remove(0);
    assert_eq!(frozen["frozen_by"], "region 110000");
    let both = [
        "series",
        "freeze",
        "1",
        "--region-key",
        "region.pem",
        "--office-key",
        "o0.pem",
    ];
    assert_eq!(region.run(&both).code(), 2);
}
