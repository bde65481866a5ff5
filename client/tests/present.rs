//! `concord present` and `verify --nonce`: a holder shows less, and to one verifier only.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod program;

use concord_spec::certificate::Certificate;
use concord_spec::credential::Salts;
use concord_spec::world::World;
use program::{Desk, Ran};
use serde_json::{Value, json};

/// Within the legal dates of the world's credentials.
const NOW: &str = "2026-01-15T00:00:00Z";
const LATER: &str = "2026-01-15T00:05:01Z";
const NONCE: &str = "00112233445566778899aabbccddeeff";
const OTHER_NONCE: &str = "ffeeddccbbaa99887766554433221100";
/// What the world's licence calls its claim 100, whose value is C1.
const CODES: &str = "准驾车型";

struct Holder {
    desk: Desk,
}

impl Holder {
    /// A directory with a bundle, the holder's key `holder.pem`, a certificate that names it and whose two claims may be left out as
    /// `mine.concord`, one without a key as `bearer.concord`, and one of whose claims none may be left out as `plain.concord`.
    fn new() -> Self {
        let desk = Desk::new();
        for file in ["holder.pem", "stranger.pem"] {
            assert_eq!(desk.run(&["key", "new", file, "--plain"]).code(), 0);
        }
        let key = desk.run(&["key", "show", "holder.pem", "--json"]).lines()[0]["public"].clone();
        let key = Some(key.as_str().unwrap().parse().unwrap());
        let mut world = World::with_series(4, "present").unwrap();
        let salts: Salts = [(100, [1; 16]), (101, [2; 16])].into();
        let content = |number| world.content(number).unwrap();
        let credentials = [
            world.certify_for(key, 0, content(0), &salts).unwrap(),
            world.certify_for(None, 1, content(1), &salts).unwrap(),
            world.certify_for(key, 2, content(2), &Salts::new()).unwrap(),
        ];
        let record = world.issue_of(&credentials).unwrap();
        world.append(vec![record]).unwrap();
        let certificates = world.certificates(&credentials, 0).unwrap();
        desk.write("trust.bundle", world.bundle().unwrap());
        for (name, certificate) in ["mine", "bearer", "plain"].iter().zip(&certificates) {
            desk.write(&format!("{name}.concord"), certificate.to_bytes());
        }
        Self { desk }
    }

    fn present(&self, file: &str, more: &[&str]) -> Ran {
        let arguments = ["present", file, "--bundle", "trust.bundle", "--json", "--now", NOW];
        let arguments: Vec<&str> = arguments.into_iter().chain(more.iter().copied()).collect();
        self.desk.run(&arguments)
    }

    /// Presents with the holder's key, which must succeed.
    fn bound(&self, out: &str, more: &[&str]) {
        let key = [
            "--hide-all",
            "--holder-key",
            "holder.pem",
            "--nonce",
            NONCE,
            "--out",
            out,
        ];
        let more: Vec<&str> = key.into_iter().chain(more.iter().copied()).collect();
        let ran = self.present("mine.concord", &more);
        assert_eq!(ran.code(), 0, "{}", ran.err());
    }

    fn verify_at(&self, file: &str, now: &str, more: &[&str]) -> (i32, Value) {
        let arguments = ["verify", file, "--bundle", "trust.bundle", "--json", "--now", now];
        let arguments: Vec<&str> = arguments.into_iter().chain(more.iter().copied()).collect();
        let ran = self.desk.run(&arguments);
        (ran.code(), ran.lines().remove(0))
    }

    fn verify(&self, file: &str, more: &[&str]) -> (i32, Value) {
        self.verify_at(file, NOW, more)
    }

    fn says(&self, file: &str, text: &str) -> bool {
        let bytes = std::fs::read(self.desk.path(file)).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

fn ground(report: &Value) -> &str {
    let checks = report["checks"].as_array().unwrap();
    let holder = checks.iter().find(|check| check["name"] == "holder").unwrap();
    holder["ground"].as_str().unwrap()
}

#[test]
fn a_holder_shows_some_claims_by_key_or_name_and_it_is_valid_with_those_alone() {
    let holder = Holder::new();
    for (out, claim) in [("by-key.concord", "100"), ("by-name.concord", CODES)] {
        let ran = holder.present("mine.concord", &["--show", claim, "--out", out]);
        assert_eq!(ran.code(), 0, "{}", ran.err());
        assert_eq!(ran.lines()[0]["shown"], json!([100]));
        let (code, report) = holder.verify(out, &[]);
        assert_eq!(code, 0, "{report}");
        let content = &report["subject"]["content"];
        assert_eq!(
            (&content["claims"][0]["key"], &content["hidden"]),
            (&json!(100), &json!(1))
        );
        assert_eq!(content["claims"].as_array().unwrap().len(), 1);
        assert_eq!(ground(&report), "holder-not-asked");
    }
    assert!(holder.says("by-key.concord", "C1"));
    let ran = holder.present("by-key.concord", &["--hide-all", "--out", "nothing.concord"]);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    assert!(!holder.says("nothing.concord", "C1"));
    let (code, report) = holder.verify("nothing.concord", &[]);
    assert_eq!((code, &report["subject"]["content"]["hidden"]), (0, &json!(2)));
    let ran = holder.present("nothing.concord", &["--show", "100", "--out", "again.concord"]);
    assert_eq!(ran.code(), 2, "what was left out is gone");
}

#[test]
fn a_verifier_with_a_nonce_takes_the_holders_presentation_once_and_for_five_minutes() {
    let holder = Holder::new();
    holder.bound("shown.concord", &["--audience", "desk 3", "--qr", "shown.png"]);
    for file in ["shown.concord", "shown.png"] {
        let (code, report) = holder.verify(file, &["--nonce", NONCE, "--audience", "desk 3"]);
        assert_eq!((code, ground(&report)), (0, "holder-shown"), "{report}");
    }
    let refused = |now: &str, more: &[&str], why: &str| {
        let (code, report) = holder.verify_at("shown.concord", now, more);
        assert_eq!(report["verdict"], "HOLDER NOT SHOWN", "{report}");
        assert_eq!((code, ground(&report)), (3, why));
    };
    refused(NOW, &["--nonce", OTHER_NONCE], "other-nonce");
    refused(NOW, &["--nonce", NONCE, "--audience", "desk 4"], "other-audience");
    refused(LATER, &["--nonce", NONCE], "presented-too-old");
    let patient = ["--nonce", NONCE, "--presented-within", "600"];
    assert_eq!(holder.verify_at("shown.concord", LATER, &patient).0, 0);
    let (code, report) = holder.verify("shown.concord", &[]);
    assert_eq!((code, ground(&report)), (0, "holder-signed"));
}

#[test]
fn a_verifier_with_a_nonce_gets_no_green_from_a_certificate_alone() {
    let holder = Holder::new();
    for (file, why) in [("mine.concord", "not-presented"), ("bearer.concord", "no-holder-key")] {
        let (code, report) = holder.verify(file, &["--nonce", NONCE]);
        assert_eq!((code, ground(&report)), (3, why), "{report}");
    }
}

#[test]
fn a_presentation_that_was_altered_is_not_genuine() {
    let holder = Holder::new();
    holder.bound("shown.concord", &[]);
    let mut bytes = std::fs::read(holder.desk.path("shown.concord")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    holder.desk.write("altered.concord", bytes);
    let (code, report) = holder.verify("altered.concord", &["--nonce", NONCE]);
    assert_eq!((code, &report["verdict"]), (1, &json!("NOT GENUINE")), "{report}");
    assert_eq!(ground(&report), "holder-not-signed");
}

#[test]
fn a_presentation_says_in_words_what_is_not_shown_and_who_shows_it() {
    let holder = Holder::new();
    holder.bound("shown.concord", &[]);
    let arguments = [
        "verify",
        "shown.concord",
        "--bundle",
        "trust.bundle",
        "--now",
        NOW,
        "--nonce",
        NONCE,
    ];
    for (language, words) in [
        (
            "en",
            ["2 claims are not shown", "signed by the holder's key with your nonce"],
        ),
        ("zh", ["2 项未出示", "按您的随机数签署"]),
    ] {
        let arguments: Vec<&str> = arguments.into_iter().chain(["--lang", language]).collect();
        let ran = holder.desk.run(&arguments);
        for text in words {
            assert!(ran.out().contains(text), "{}", ran.out());
        }
    }
    let ran = holder.desk.run(&["inspect", "shown.concord"]);
    assert!(ran.out().contains("presented by its holder"), "{}", ran.out());
    assert!(ran.out().contains(NONCE), "{}", ran.out());
}

#[test]
fn what_cannot_be_presented_is_refused_with_what_to_do_and_nothing_is_written() {
    let holder = Holder::new();
    let signed = ["--hide-all", "--nonce", NONCE, "--holder-key"];
    let with = |key: &'static str| signed.into_iter().chain([key]).collect::<Vec<&str>>();
    let cases = [
        (
            "plain.concord",
            vec!["--show", "100"],
            2,
            "always shown; none of its claims may be left out",
        ),
        (
            "mine.concord",
            vec!["--show", "102"],
            2,
            "those that may be left out are 100 (准驾车型), 101 (",
        ),
        ("mine.concord", vec![], 2, "--show"),
        ("mine.concord", vec!["--hide-all", "--nonce", NONCE], 2, "--holder-key"),
        (
            "mine.concord",
            vec!["--hide-all", "--nonce", "0011", "--holder-key", "holder.pem"],
            2,
            "8 to 64 bytes",
        ),
        ("bearer.concord", with("holder.pem"), 10, "names no key of its holder"),
        ("mine.concord", with("stranger.pem"), 10, "give the file of that one"),
        ("trust.bundle", vec!["--hide-all"], 10, "trust.bundle"),
    ];
    for (file, more, code, words) in cases {
        let more: Vec<&str> = more.into_iter().chain(["--out", "out.concord"]).collect();
        let ran = holder.present(file, &more);
        assert_eq!(ran.code(), code, "{file} {more:?}: {}", ran.err());
        assert!(ran.err().contains(words), "{file} {more:?}: {}", ran.err());
        assert!(!holder.desk.path("out.concord").exists());
    }
}

#[test]
fn an_existing_file_is_never_overwritten() {
    let holder = Holder::new();
    let before = std::fs::read(holder.desk.path("mine.concord")).unwrap();
    let ran = holder.present("mine.concord", &["--hide-all", "--out", "mine.concord"]);
    assert_eq!(ran.code(), 10);
    assert!(ran.err().contains("mine.concord exists"), "{}", ran.err());
    let after = std::fs::read(holder.desk.path("mine.concord")).unwrap();
    assert_eq!(before, after);
    assert!(Certificate::from_bytes(&after).is_ok());
}
