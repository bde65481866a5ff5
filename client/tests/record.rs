//! Records that go from hand to hand: written, shown, signed, handed in (four eyes).

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod ledger;
mod program;

use concord_spec::world::World;
use ledger::{Served, key_file};
use program::{Desk, Ran};

/// An office of which two of three keys sign; `office-0.pem` to `office-2.pem` are their files, `region.pem` the region's.
struct Office {
    desk: Desk,
    served: Served,
}

impl Office {
    fn new() -> Self {
        let mut world = World::with_series(4, "record").unwrap();
        world.issue(4).unwrap();
        let desk = Desk::new();
        for (index, key) in world.office_keys.iter().enumerate() {
            key_file(&desk, &format!("office-{index}.pem"), key);
        }
        key_file(&desk, "region.pem", &world.authorities[0]);
        key_file(&desk, "stranger.pem", &world.authorities[1]);
        desk.write("trust.bundle", world.bundle().unwrap());
        Self {
            desk,
            served: Served::new(world),
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let url = self.served.url();
        self.desk.run(&[arguments, &["--node", &url]].concat())
    }

    /// A revocation in `revoke.record`, signed with these keys.
    fn written(&self, keys: &[&str]) -> Ran {
        let arguments = [
            "status",
            "set",
            "1",
            "2-3",
            "--revoke",
            "--reason",
            "deceit",
            "--out",
            "revoke.record",
            "--json",
        ];
        let option: &[&str] = if keys.is_empty() { &[] } else { &["--office-key"] };
        self.run(&[&arguments, option, keys].concat())
    }
}

#[test]
fn four_eyes_one_writes_and_signs_the_other_reads_and_signs_and_anyone_hands_it_in() {
    let office = Office::new();
    let written = office.written(&["office-0.pem"]);
    assert_eq!(written.code(), 0, "{}", written.err());
    assert_eq!(written.lines()[0]["missing"], 1);
    let shown = office.run(&["record", "show", "revoke.record"]);
    for told in [
        "revokes, for good, 2 credentials of series 1: numbers 2 to 3; reason deceit",
        "of office 110000/11110000000000001X",
        "missing       1",
        "concord record sign revoke.record",
    ] {
        assert!(shown.out().contains(told), "{told}: {}", shown.out());
    }
    // The second stands where there is no network: a bundle knows the keyring.
    let signed = office.desk.run(&[
        "record",
        "sign",
        "revoke.record",
        "--key",
        "office-2.pem",
        "--bundle",
        "trust.bundle",
    ]);
    assert_eq!(signed.code(), 0, "{}", signed.err());
    assert!(
        signed.err().contains("revokes, for good"),
        "says what is signed: {}",
        signed.err()
    );
    assert!(signed.out().contains("concord record submit"), "{}", signed.out());
    let before = office.served.world().state.root();
    let submitted = office.run(&["record", "submit", "revoke.record", "--json"]);
    assert_eq!(submitted.code(), 0, "{}", submitted.err());
    assert_eq!(submitted.lines()[0]["state"], "recorded");
    assert_ne!(office.served.world().state.root(), before);
    let again = office.run(&["record", "submit", "revoke.record"]);
    assert_eq!(
        again.code(),
        0,
        "handing in the same again does no harm: {}",
        again.err()
    );
}

#[test]
fn a_record_is_written_with_no_signature_at_all_and_signed_by_all_later() {
    let office = Office::new();
    let written = office.written(&[]);
    assert_eq!(
        (written.code(), written.lines()[0]["signatures"].as_u64()),
        (0, Some(0)),
        "{}",
        written.err()
    );
    let keys = [
        "record",
        "sign",
        "revoke.record",
        "--key",
        "office-1.pem",
        "office-0.pem",
        "--json",
    ];
    let signed = office.run(&keys);
    assert_eq!(signed.lines()[0]["missing"], 0, "{}", signed.err());
    assert_eq!(office.run(&["record", "submit", "revoke.record"]).code(), 0);
}

#[test]
fn a_stranger_and_who_has_signed_do_not_sign_and_nothing_changes() {
    let office = Office::new();
    office.written(&["office-0.pem"]);
    let before = std::fs::read(office.desk.path("revoke.record")).unwrap();
    for (key, told) in [
        ("stranger.pem", "not in the keyring of office 110000/11110000000000001X"),
        ("office-0.pem", "has signed already"),
    ] {
        let refused = office.run(&["record", "sign", "revoke.record", "--key", key]);
        assert_eq!(refused.code(), 10);
        assert!(refused.err().contains(told), "{}", refused.err());
    }
    let too_many = [
        "record",
        "sign",
        "revoke.record",
        "--key",
        "office-1.pem",
        "office-2.pem",
    ];
    assert!(office.run(&too_many).err().contains("enough have signed"));
    assert_eq!(std::fs::read(office.desk.path("revoke.record")).unwrap(), before);
    let unsigned = office.run(&["record", "submit", "revoke.record"]);
    assert_eq!(unsigned.code(), 10);
    assert!(unsigned.err().contains("TOO_FEW_SIGNATURES"), "{}", unsigned.err());
}

#[test]
fn without_a_node_and_a_bundle_signatures_are_told_by_key_id_only_and_nobody_signs() {
    let office = Office::new();
    office.written(&["office-0.pem"]);
    let shown = office.desk.run(&["record", "show", "revoke.record"]);
    assert!(
        shown.out().contains("not checked") && shown.out().contains("--bundle"),
        "{}",
        shown.out()
    );
    let object = office
        .desk
        .run(&["record", "show", "revoke.record", "--json"])
        .lines()
        .remove(0);
    assert_eq!(
        (object["signatures"].as_u64(), object["missing"].as_u64()),
        (Some(1), None)
    );
    let refused = office
        .desk
        .run(&["record", "sign", "revoke.record", "--key", "office-1.pem"]);
    assert_eq!(refused.code(), 2);
    assert!(refused.err().contains("--bundle"), "{}", refused.err());
}

#[test]
fn a_record_altered_after_signing_is_told_and_not_signed() {
    let office = Office::new();
    office.written(&["office-0.pem"]);
    let mut bytes = std::fs::read(office.desk.path("revoke.record")).unwrap();
    // The last byte belongs to the signature.
    *bytes.last_mut().unwrap() ^= 1;
    office.desk.write("revoke.record", &bytes);
    let shown = office.run(&["record", "show", "revoke.record"]);
    assert_eq!(shown.code(), 10);
    assert!(shown.out().contains("does not hold"), "{}", shown.out());
    let refused = office.run(&["record", "sign", "revoke.record", "--key", "office-1.pem"]);
    assert_eq!(refused.code(), 10);
    assert_eq!(std::fs::read(office.desk.path("revoke.record")).unwrap(), bytes);
}

#[test]
fn too_few_keys_are_told_how_to_let_others_sign() {
    let office = Office::new();
    let refused = office.run(&["status", "set", "1", "2", "--revoke", "--office-key", "office-0.pem"]);
    assert_eq!(refused.code(), 10);
    assert!(refused.err().contains("--out FILE.record"), "{}", refused.err());
}

#[test]
fn a_record_waits_for_24_hours_with_one_key_and_for_30_days_with_several_and_no_longer() {
    let office = Office::new();
    let time = office.served.world().state.tip().time.0;
    let shared = office.written(&[]).lines().remove(0);
    assert_eq!(shared["not_after_ms"].as_u64().unwrap() - time, 30 * 24 * 3_600_000);
    let freeze = [
        "series",
        "freeze",
        "1",
        "--region-key",
        "region.pem",
        "--out",
        "freeze.record",
        "--json",
    ];
    let alone = office.run(&freeze).lines().remove(0);
    assert_eq!(alone["not_after_ms"].as_u64().unwrap() - time, 24 * 3_600_000);
    let longer = office.run(&[&freeze[..6], &["other.record", "--valid-for", "31d"]].concat());
    assert_eq!(longer.code(), 2);
    assert!(longer.err().contains("24 hours"), "{}", longer.err());
    let again = office.run(&freeze);
    assert_eq!(again.code(), 10);
    assert!(again.err().contains("others may have signed it"), "{}", again.err());
}
