//! `spec/text` names what the code has: each action, change, rejection, tag, reason and verdict; its CDDL is one whole.
//! Not here: whether the vectors fit the CDDL, which `tests/python/run` tells with a validator that this workspace does not depend on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use concord_spec::digest::Tag;
use concord_spec::ledger::Rejection;
use concord_spec::record::{Action, Change};
use concord_spec::status::Reason;
use concord_spec::verify::Verdict;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(directory("text").join(name)).unwrap()
}

fn files(name: &str) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(directory(name)).unwrap();
    let entries = entries.map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// A word between characters that no word of this kind has.
fn names(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/');
    text.split(|c| !part(c)).any(|found| found == word)
}

#[test]
fn every_action_stands_in_the_table_of_actions_with_its_kind() {
    let (text, cddl) = (text("records.md"), cddl());
    for (kind, name) in Action::KINDS {
        assert!(text.contains(&format!("| {kind} | `{name}` |")), "{kind} {name}");
        assert!(cddl["action"].contains(&format!("[{kind}, ")), "{kind} {name} in CDDL");
    }
}

#[test]
fn every_change_stands_in_the_table_of_changes_with_its_kind() {
    let (text, cddl) = (text("federation.md"), cddl());
    for (kind, name) in Change::KINDS {
        assert!(text.contains(&format!("| {kind} | `{name}` |")), "{kind} {name}");
        assert!(cddl["change"].contains(&format!("[{kind}, ")), "{kind} {name} in CDDL");
    }
}

#[test]
fn every_rejection_stands_in_the_list_of_rejections_and_beside_its_rule() {
    let records = text("records.md");
    let rules = records.split("## 4. Rejections").next().unwrap().to_owned();
    let list = records.split("## 4. Rejections").nth(1).unwrap().to_owned();
    let subjects = [
        "federation.md",
        "offices.md",
        "catalogue.md",
        "series.md",
        "recognition.md",
        "evidence.md",
    ];
    let rules = subjects.map(text).join("\n") + &rules;
    for code in Rejection::CODES {
        assert!(names(&list, code), "{code} is not in the list");
        assert!(names(&rules, code), "{code} has no rule");
    }
}

#[test]
fn every_tag_reason_and_verdict_is_told() {
    let (encoding, status, verification) = (text("encoding.md"), text("status.md"), text("verification.md"));
    for tag in Tag::ALL {
        assert!(names(&encoding, tag.as_str()), "{}", tag.as_str());
    }
    for reason in Reason::ALL {
        assert!(
            status.contains(&format!("| {} | {reason} |", reason.code())),
            "{reason}"
        );
    }
    for verdict in Verdict::ALL {
        assert!(verification.contains(verdict.word()), "{}", verdict.word());
    }
}

/// The rules of all CDDL blocks, without comments, by name.
fn cddl() -> BTreeMap<String, String> {
    let mut rules: BTreeMap<String, String> = BTreeMap::new();
    for (file, text) in files("text") {
        for block in text.split("```cddl\n").skip(1) {
            let block = block.split("```").next().unwrap();
            let mut name = None;
            for line in block.lines() {
                let code = line.split(';').next().unwrap().trim_end();
                if let Some((rule, body)) = code.split_once('=').filter(|_| !line.starts_with([' ', ']'])) {
                    let rule = rule.trim().to_owned();
                    let before = rules.insert(rule.clone(), body.to_owned());
                    assert!(before.is_none(), "{file}: {rule} is defined twice");
                    name = Some(rule);
                } else if let Some(name) = &name {
                    rules.get_mut(name).unwrap().push_str(code);
                }
            }
        }
    }
    rules
}

/// Names that a rule uses: not member names before a colon, nor texts, nor controls after a dot.
fn used(body: &str) -> BTreeSet<String> {
    let bare: Vec<&str> = body.split('"').step_by(2).collect();
    let bare = bare.join(" ");
    let mut found = BTreeSet::new();
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut rest = bare.as_str();
    while let Some(at) = rest.find(part) {
        let (before, from) = rest.split_at(at);
        let len = from.find(|c| !part(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(len);
        let member = after.trim_start().starts_with(':');
        let name = word.starts_with(|c: char| c.is_ascii_lowercase());
        if name && !member && !before.ends_with('.') {
            found.insert(word.to_owned());
        }
        rest = after;
    }
    found
}

#[test]
fn every_name_in_cddl_is_defined_once_and_none_is_one_of_the_language() {
    // RFC 8610, appendix D, as far as it is used or could be taken by mistake.
    let prelude = [
        "any",
        "uint",
        "nint",
        "int",
        "bstr",
        "bytes",
        "tstr",
        "text",
        "time",
        "number",
        "integer",
        "unsigned",
        "bool",
        "null",
        "nil",
        "true",
        "false",
        "float",
        "undefined",
        "uri",
        "regexp",
    ];
    let prelude = BTreeSet::from(prelude.map(str::to_owned));
    let rules = cddl();
    assert!(rules.len() > 100, "{}", rules.len());
    for (name, body) in &rules {
        assert!(!prelude.contains(name), "{name} is a name of CDDL itself");
        let unknown: Vec<String> = used(body)
            .into_iter()
            .filter(|word| !rules.contains_key(word) && !prelude.contains(word))
            .collect();
        assert!(unknown.is_empty(), "{name} uses {unknown:?}");
    }
}

#[test]
fn texts_and_decisions_that_are_referred_to_are_there() {
    let texts = files("text");
    let decisions = files("adr");
    for (file, text) in texts.iter().chain(&decisions) {
        for name in text.split('`').skip(1).step_by(2) {
            let name = name.strip_prefix("spec/text/").unwrap_or(name);
            if name.ends_with(".md") && !name.contains('/') {
                assert!(texts.contains_key(name), "{file} refers to {name}");
            }
            if let Some(number) = name.strip_prefix("adr/") {
                assert!(
                    decisions.keys().any(|known| known.starts_with(number)),
                    "{file} refers to {name}"
                );
            }
        }
    }
}
