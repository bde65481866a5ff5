//! `concord recognition`, and what `concord verify` tells of it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod ledger;
mod program;

use concord_spec::record::Action;
use concord_spec::world::World;
use ledger::{Served, key_file};
use program::{Desk, Ran};

const NOW: &str = "2026-06-01T00:00:00Z";

struct Four {
    desk: Desk,
    served: Served,
}

impl Four {
    fn new() -> Self {
        let mut world = World::with_series(4, "recognition").unwrap();
        let desk = Desk::new();
        for (index, key) in world.authorities.iter().enumerate() {
            key_file(&desk, &format!("a{index}.pem"), key);
        }
        let certificates = world.issue(1).unwrap();
        desk.write("licence.concord", certificates[0].to_bytes());
        desk.write("basis.txt", "互认办法");
        // The second region has a type of its own.
        let mut own = world.definition.clone();
        own.reference = "120000.licence/1".parse().unwrap();
        let record = world.by_region_at(1, Action::DefineType(Box::new(own))).unwrap();
        world.append(vec![record]).unwrap();
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

    fn declare(&self, key: &str, more: &[&str]) -> serde_json::Value {
        let arguments = [
            "recognition",
            "declare",
            "--basis-file",
            "basis.txt",
            "--json",
            "--region-key",
            key,
        ];
        self.done(&[&arguments, more].concat()).lines().remove(0)
    }

    fn verify(&self, more: &[&str]) -> Ran {
        self.desk.write("trust.bundle", self.served.world().bundle().unwrap());
        let arguments = [
            "verify",
            "licence.concord",
            "--bundle",
            "trust.bundle",
            "--now",
            NOW,
            "--max-age-days",
            "400",
        ];
        self.desk.run(&[&arguments, more].concat())
    }
}

const TERMS: &str = r#"
from = "110000"
type = "110000.drivers-licence"
as = "120000.licence"
level = "conditional"
issued_from = "2020-01-01"
purposes = ["driving", "car rental"]
basis_file = "basis.txt"

[[values]]
claim = 100
there = "C1"
here = "B"
"#;

#[test]
fn terms_stand_in_a_file_and_verify_tells_as_what_for_what_and_which_values() {
    let four = Four::new();
    let before = four.verify(&["--region", "120000"]);
    assert_eq!(before.code(), 5);
    assert!(before.out().contains("NOT RECOGNISED") && before.out().contains("declared no recognition"));
    four.desk.write("terms.toml", TERMS);
    let declared = four.done(&[
        "recognition",
        "declare",
        "terms.toml",
        "--region-key",
        "a1.pem",
        "--json",
    ]);
    assert_eq!(declared.lines()[0]["number"], 1, "{}", declared.out());
    let after = four.verify(&["--region", "120000", "--purpose", "driving"]);
    assert_eq!(after.code(), 0, "{}", after.out());
    for told in [
        "recognised in 120000 as 120000.licence, on conditions",
        "准驾车型: C1 there is B here",
        "for these purposes only: car rental, driving",
    ] {
        assert!(after.out().contains(told), "{told}: {}", after.out());
    }
    let other = four.verify(&["--region", "120000", "--purpose", "voting"]);
    assert_eq!(other.code(), 5);
    assert!(
        other.out().contains("it is recognised for car rental, driving only"),
        "{}",
        other.out()
    );
    let listed = four.done(&["recognition", "list", "--of", "120000"]).out();
    for told in [
        "120000 1: 110000.drivers-licence of region 110000 as 120000.licence",
        "C1 there is B here",
        "2020-01-01",
    ] {
        assert!(listed.contains(told), "{told}: {listed}");
    }
}

#[test]
fn the_table_shows_who_recognises_whom_and_where_it_is_mutual() {
    let four = Four::new();
    four.declare("a1.pem", &["--from", "110000", "--type", "110000.drivers-licence"]);
    four.declare(
        "a2.pem",
        &[
            "--from",
            "all",
            "--type",
            "110000.drivers-licence",
            "--level",
            "conditional",
        ],
    );
    let table = four.done(&["recognition", "table"]).out();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect())
        .collect();
    let row = |region: &str| rows.iter().find(|row| row[0] == region).unwrap()[1..].to_vec();
    assert_eq!(row("110000"), ["-", ".", ".", "."]);
    assert_eq!(row("120000"), ["=", "-", ".", "."]);
    assert_eq!(row("130000"), ["c", "c", "-", "c"]);
    four.declare("a0.pem", &["--from", "120000", "--type", "120000.licence"]);
    let object = four.done(&["recognition", "table", "--json"]).lines().remove(0);
    assert_eq!(object["mutual"], serde_json::json!([["110000", "120000"]]));
    let one_type = four
        .done(&["recognition", "table", "--type", "drivers-licence", "--json"])
        .lines()
        .remove(0);
    assert_eq!(
        one_type["mutual"],
        serde_json::json!([]),
        "for this type it is not mutual"
    );
    four.done(&[
        "recognition",
        "withdraw",
        "1",
        "--issued-until",
        "2026-02-01",
        "--region-key",
        "a1.pem",
    ]);
    let table = four.done(&["recognition", "table"]).out();
    assert!(table.contains("120000  e"), "{table}");
    assert!(four.done(&["recognition", "list"]).out().contains("WITHDRAWN"));
    assert_eq!(
        four.verify(&["--region", "120000"]).code(),
        0,
        "what was issued before stays recognised"
    );
}

#[test]
fn incomplete_terms_are_refused_before_anything_is_signed() {
    let four = Four::new();
    let declare = ["recognition", "declare", "--region-key", "a1.pem"];
    for (more, told) in [
        (&["--type", "110000.drivers-licence"][..], "--from"),
        (&["--from", "110000"], "--type"),
        (
            &["--from", "110000", "--type", "110000.drivers-licence"],
            "--basis-file",
        ),
    ] {
        let refused = four.run(&[&declare, more].concat());
        assert_eq!(refused.code(), 2);
        assert!(refused.err().contains(told), "{}", refused.err());
    }
    let backwards = [
        "--from",
        "all",
        "--type",
        "110000.drivers-licence",
        "--basis-file",
        "basis.txt",
    ];
    let days = ["--issued-from", "2026-02-01", "--issued-until", "2026-01-01"];
    let refused = four.run(&[&declare[..], &backwards, &days].concat());
    assert_eq!(refused.code(), 2);
    let unknown = [
        "--from",
        "110000",
        "--type",
        "110000.nothing",
        "--basis-file",
        "basis.txt",
    ];
    let refused = four.run(&[&declare[..], &unknown].concat());
    assert!(refused.err().contains("not defined"), "{}", refused.err());
}
