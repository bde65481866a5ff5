//! `concord status`: by the office and its supervisors.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod ledger;
mod program;

use concord_spec::id::SeriesId;
use concord_spec::status::Standing;
use concord_spec::world::World;
use ledger::{Served, key_file};
use program::{Desk, Ran};

struct Office {
    desk: Desk,
    served: Served,
}

impl Office {
    /// With numbers 0 to 9 issued.
    fn new() -> Self {
        let mut world = World::with_series(4, "status").unwrap();
        world.issue(10).unwrap();
        let desk = Desk::new();
        key_file(&desk, "region.pem", &world.authorities[0]);
        key_file(&desk, "other-region.pem", &world.authorities[1]);
        for (index, key) in world.office_keys.iter().enumerate() {
            key_file(&desk, &format!("o{index}.pem"), key);
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

    fn set(&self, numbers: &str, more: &[&str]) -> Ran {
        self.run(&[&["status", "set", "1", numbers, "--json"], more].concat())
    }

    fn by_office(&self, numbers: &str, more: &[&str]) -> Ran {
        self.set(numbers, &[more, &["--office-key", "o0.pem", "o1.pem"]].concat())
    }

    fn standing(&self, number: u64) -> Standing {
        self.served
            .world()
            .state
            .series_status(SeriesId(1))
            .unwrap()
            .standing(number)
    }
}

fn done(ran: &Ran) {
    assert_eq!(ran.code(), 0, "{}{}", ran.out(), ran.err());
}

#[test]
fn a_revocation_is_undone_by_the_region_alone_and_by_an_order() {
    let office = Office::new();
    office.desk.write("order.txt", "（2026）行终 12 号");
    done(&office.by_office("3", &["--revoke", "--reason", "penalty"]));
    let by_office = office.by_office("3", &["--restore", "--order-file", "order.txt"]);
    assert_eq!(by_office.code(), 2);
    assert!(
        by_office.err().contains("only the region restores"),
        "{}",
        by_office.err()
    );
    let no_order = office.set("3", &["--restore", "--region-key", "region.pem"]);
    assert!(no_order.err().contains("--order-file"), "{}", no_order.err());
    let other = office.set(
        "3",
        &[
            "--restore",
            "--order-file",
            "order.txt",
            "--region-key",
            "other-region.pem",
        ],
    );
    assert!(other.err().contains("SERIES_NOT_YOURS"), "{}", other.err());
    std::fs::remove_file(office.desk.path("order.txt.salted")).unwrap();
    let restored = office.set(
        "3",
        &[
            "--restore",
            "--order-file",
            "order.txt",
            "--reason",
            "court",
            "--region-key",
            "region.pem",
        ],
    );
    done(&restored);
    assert_eq!(office.standing(3), Standing::InForce);
    let digest = restored.lines()[0]["detail"]["digest"].as_str().unwrap().to_owned();
    let shown = office.desk.run(&["status", "check", "order.txt.salted", &digest]);
    done(&shown);
    let other = office.desk.run(&["status", "check", "order.txt", &digest]);
    assert_eq!(other.code(), 10, "without its salt it shows nothing");
}

#[test]
fn a_supersession_names_what_takes_the_place_and_how() {
    let office = Office::new();
    let missing = office.by_office("1", &["--supersede"]);
    assert_eq!(missing.code(), 2);
    assert!(missing.err().contains("--successor"), "{}", missing.err());
    let done_ = office.by_office(
        "1",
        &[
            "--supersede",
            "--successor",
            "1-5",
            "--relation",
            "renews",
            "--reason",
            "replaced",
        ],
    );
    done(&done_);
    assert_eq!(office.standing(1), Standing::Superseded);
    let itself = office.by_office("2", &["--supersede", "--successor", "1-2"]);
    assert!(itself.err().contains("its own place"), "{}", itself.err());
}

#[test]
fn a_detailed_reason_goes_in_as_a_salted_digest_that_its_text_shows_later() {
    let office = Office::new();
    let noted = office.by_office("4", &["--annotate", "地址变更"]);
    done(&noted);
    assert!(
        office
            .served
            .world()
            .state
            .series_status(SeriesId(1))
            .unwrap()
            .is_annotated(4)
    );
    let detail = &noted.lines()[0]["detail"];
    let (digest, salt) = (detail["digest"].as_str().unwrap(), detail["salt"].as_str().unwrap());
    office.desk.write("note.txt", "地址变更");
    done(
        &office
            .desk
            .run(&["status", "check", "note.txt", digest, "--salt", salt]),
    );
    office.desk.write("other.txt", "别的");
    assert_eq!(
        office
            .desk
            .run(&["status", "check", "other.txt", digest, "--salt", salt])
            .code(),
        10
    );
    assert!(noted.err().contains(salt), "the salt is said: {}", noted.err());
}

#[test]
fn an_effective_date_is_a_day_or_a_time_and_not_in_the_future() {
    let office = Office::new();
    done(&office.by_office("5", &["--suspend", "--effective", "2025-12-31"]));
    done(&office.by_office("5", &["--reinstate", "--effective", "2025-12-31T12:00:00Z"]));
    let future = office.by_office("5", &["--suspend", "--effective", "2099-01-01"]);
    assert!(future.err().contains("EFFECTIVE_IN_FUTURE"), "{}", future.err());
    assert_eq!(
        office.by_office("5", &["--suspend", "--effective", "yesterday"]).code(),
        2
    );
}

#[test]
fn reasons_are_listed_with_their_life_cycle_codes() {
    let desk = Desk::new();
    let told = desk.run(&["status", "reasons"]);
    done(&told);
    assert!(
        told.out().contains("transferred-out") && told.out().contains("revoked 06"),
        "{}",
        told.out()
    );
    let objects = desk.run(&["status", "reasons", "--json"]).lines();
    assert_eq!(objects.len(), 12);
    let lapsed = objects.iter().find(|object| object["reason"] == "lapsed").unwrap();
    assert_eq!(
        (&lapsed["life_cycle"]["revoked"], &lapsed["life_cycle"]["annotated"]),
        (&"05".into(), &serde_json::Value::Null)
    );
}
