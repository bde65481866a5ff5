//! `concord status proof`, `verify --status-proof`, `renew`: what a holder takes along for verifiers whose data are old.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod ledger;
mod program;

use concord_client::scan::{self, Scanned};
use concord_spec::certificate::Certificate;
use concord_spec::id::{Number, SeriesId};
use concord_spec::record::{Action, NumberRange, SetStatus, StatusChange};
use concord_spec::renewal::RenewedCertificate;
use concord_spec::status::{Reason, StatusKind};
use concord_spec::status_proof::{Carried, StatusProof, WithStatus};
use concord_spec::world::World;
use ledger::Served;
use program::{Desk, Ran};
use serde_json::Value;

const SIXTY_DAYS_MS: u64 = 60 * 86_400_000;
/// A day after the ledger's last block, and within the legal dates of the world's credentials.
const TODAY: &str = "2026-03-03T00:00:00Z";

struct Holder {
    desk: Desk,
    served: Served,
    certificates: Vec<Certificate>,
}

impl Holder {
    /// Four certificates, a bundle of that day, two months, and then number 2 is revoked.
    fn new() -> Self {
        let mut world = World::with_series(4, "fresh").unwrap();
        let certificates = world.issue(4).unwrap();
        let desk = Desk::new();
        desk.write("old.bundle", world.bundle().unwrap());
        world.append_after(SIXTY_DAYS_MS, Vec::new()).unwrap();
        let revoke = Action::SetStatus(SetStatus {
            series: SeriesId(1),
            ranges: vec![NumberRange {
                first: Number(2),
                count: 1,
            }],
            change: StatusChange::Set(StatusKind::Revoked),
            reason: Reason::Penalty,
            effective: None,
            detail: None,
            successor: None,
        });
        let record = world.by_office(revoke).unwrap();
        world.append(vec![record]).unwrap();
        for (index, certificate) in certificates.iter().enumerate() {
            desk.write(&format!("{index}.concord"), certificate.to_bytes());
        }
        Self {
            desk,
            served: Served::new(world),
            certificates,
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

    fn verify(&self, arguments: &[&str]) -> (i32, Value) {
        let common = ["verify", "--bundle", "old.bundle", "--json", "--now", TODAY];
        let ran = self.desk.run(&[&common[..], arguments].concat());
        assert!(ran.err().is_empty(), "{}", ran.err());
        (ran.code(), ran.lines().remove(0))
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.desk.path(name)).unwrap()
    }
}

/// A check of a report, by its name.
fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap()
}

#[test]
fn a_proof_as_a_file_makes_a_verifier_with_old_data_say_valid_today() {
    let holder = Holder::new();
    let told = holder.done(&["status", "proof", "1.concord", "--out", "1.concord-status", "--json"]);
    assert_eq!(told.lines()[0]["standing"], "nothing against it");
    let proof = StatusProof::from_bytes(&holder.read("1.concord-status")).unwrap();
    assert_eq!(proof.credential, holder.certificates[1].credential.credential().id);
    let (code, alone) = holder.verify(&["1.concord"]);
    assert_eq!((code, &alone["verdict"]), (3, &"VALID ON DATA FROM".into()));
    let (code, report) = holder.verify(&["1.concord", "--status-proof", "1.concord-status"]);
    assert_eq!((code, &report["verdict"]), (0, &"VALID".into()), "{report}");
    assert_eq!(
        report["data"]["height"], 4,
        "the rest of the data are as old as they are"
    );
    assert_eq!(check(&report, "status-proof")["ground"], "status-shown");

    holder.done(&["status", "proof", "2.concord", "--out", "2.concord-status"]);
    assert_eq!(holder.verify(&["2.concord", "--status-proof", "2.concord-status"]).0, 1);
    // That of another is no proof, and a file that is none neither.
    let (code, other) = holder.verify(&["2.concord", "--status-proof", "1.concord-status"]);
    assert_eq!((code, &other["verdict"]), (3, &"UNKNOWN".into()));
    assert_eq!(check(&other, "status-proof")["what"], "other");
    holder.desk.write("none", "hello");
    let (code, none) = holder.verify(&["1.concord", "--status-proof", "none"]);
    assert_eq!(
        (code, &check(&none, "status-proof")["ground"]),
        (3, &"status-unread".into())
    );
}

#[test]
fn a_proof_of_one_certificate_is_not_used_for_several() {
    let holder = Holder::new();
    holder.done(&["status", "proof", "1.concord", "--out", "1.concord-status"]);
    let arguments = [
        "verify",
        "0.concord",
        "1.concord",
        "--bundle",
        "old.bundle",
        "--status-proof",
        "1.concord-status",
    ];
    let ran = holder.desk.run(&arguments);
    assert_eq!(ran.code(), 2);
    assert!(ran.err().contains("one credential"), "{}", ran.err());
}

#[test]
fn a_code_with_certificate_and_proof_is_valid_with_old_data_and_a_small_one_amber() {
    let holder = Holder::new();
    holder.done(&["status", "proof", "1.concord", "--qr", "1.png"]);
    let Ok(Scanned::WithStatus(bytes)) = scan::scan_file(&holder.desk.path("1.png")) else {
        panic!("the code reads as something else");
    };
    let both = WithStatus::from_bytes(&bytes).unwrap();
    assert_eq!(both.carried, Carried::Certificate(holder.read("1.concord")));
    assert_eq!(holder.verify(&["1.png"]).0, 0);
    // The bytes of the code as a file, and as the subject of a newer proof.
    holder.desk.write("both.concord", &bytes);
    assert_eq!(holder.verify(&["both.concord"]).0, 0);
    holder.done(&["status", "proof", "both.concord", "--out", "again"]);
    let (code, report) = holder.verify(&["1.png", "--status-proof", "again"]);
    assert_eq!((code, &report["verdict"]), (0, &"VALID".into()));

    holder.done(&["status", "proof", "1.concord", "--qr", "small.png", "--small"]);
    let (code, report) = holder.verify(&["small.png"]);
    assert_eq!((code, &report["verdict"]), (3, &"NOT SHOWN RECORDED".into()));
    assert_eq!(check(&report, "status")["ground"], "clear");
}

#[test]
fn a_renewed_certificate_is_a_file_that_is_valid_and_goes_into_no_code() {
    let holder = Holder::new();
    let told = holder.done(&["renew", "1.concord", "--out", "renewed.concord", "--json"]);
    assert_eq!(
        (&told.lines()[0]["height"], &told.lines()[0]["through"]),
        (&4.into(), &6.into())
    );
    let renewed = RenewedCertificate::from_file(&holder.read("renewed.concord")).unwrap();
    assert_eq!(renewed.credential, holder.certificates[1].credential);
    let (_, report) = holder.verify(&["renewed.concord", "--max-age-days", "100"]);
    assert_eq!(report["verdict"], "VALID", "{report}");
    assert_eq!(report["checks"][2]["ground"], "seen-through");
    let people = ["verify", "renewed.concord", "--bundle", "old.bundle", "--now", TODAY];
    assert!(holder.desk.run(&people).out().contains("seen through block 6"));
    // Once more, after another block.
    holder.served.append(Vec::new());
    holder.done(&["renew", "renewed.concord", "--out", "again.concord"]);
    assert_ne!(holder.read("again.concord"), holder.read("renewed.concord"));
    assert_eq!(holder.verify(&["again.concord", "--max-age-days", "100"]).0, 0);

    let refused = holder.run(&["status", "proof", "renewed.concord", "--qr", "no.png"]);
    assert_eq!(refused.code(), 10);
    assert!(refused.err().contains("goes into no code"), "{}", refused.err());
    assert!(!holder.desk.path("no.png").exists());
    // A proof of its status as a file is another matter.
    holder.done(&["status", "proof", "renewed.concord", "--out", "proof"]);
    assert_eq!(holder.verify(&["renewed.concord", "--status-proof", "proof"]).0, 0);
}

#[test]
fn what_cannot_be_renewed_is_said_with_its_reason() {
    let holder = Holder::new();
    let mut forged = holder.certificates[1].clone();
    forged.receipt.time.0 -= 1;
    holder.desk.write("forged.concord", forged.to_bytes());
    let ran = holder.run(&["renew", "forged.concord", "--out", "no.concord"]);
    assert_eq!(ran.code(), 10);
    assert!(
        ran.err().contains("another than that of the certificate"),
        "{}",
        ran.err()
    );
    let newest = holder.served.world().issue(1).unwrap().remove(0);
    holder.desk.write("newest.concord", newest.to_bytes());
    let ran = holder.run(&["renew", "newest.concord", "--out", "no.concord"]);
    assert!(ran.err().contains("NO_LATER_BLOCK"), "{}", ran.err());
    let ran = holder.run(&["renew", "old.bundle", "--out", "no.concord"]);
    assert_eq!(ran.code(), 10);
    assert!(!holder.desk.path("no.concord").exists());
}

#[test]
fn inspect_tells_what_is_in_proofs_and_renewed_certificates() {
    let holder = Holder::new();
    holder.done(&["status", "proof", "2.concord", "--out", "proof", "--qr", "2.png"]);
    holder.done(&["renew", "1.concord", "--out", "renewed.concord"]);
    for (file, kind, name, value) in [
        ("proof", "a status proof", "status", "revoked"),
        ("2.png", "a certificate with a status proof", "status of", "1-2"),
        ("renewed.concord", "a renewed certificate", "credential", "1-1"),
    ] {
        let told = holder.desk.run(&["inspect", file, "--json"]).lines().remove(0);
        assert_eq!(
            (&told["kind"], &told["says"][name]),
            (&kind.into(), &value.into()),
            "{told}"
        );
    }
    let told = holder.desk.run(&["inspect", "renewed.concord"]);
    assert!(told.out().contains("seen through"), "{}", told.out());
}
