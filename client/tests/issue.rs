//! `concord issue`, as far as it goes without a node.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod program;

use program::Desk;

const DEFINITION: &str = include_str!("../samples/drivers-licence.type.toml");
const SHEET: &str = include_str!("../samples/drivers-licences.csv");

fn desk(sheet: &str) -> Desk {
    let desk = Desk::new();
    desk.write("drivers-licence.type.toml", DEFINITION);
    desk.write("sheet.csv", sheet);
    desk
}

#[test]
fn a_good_sheet_passes_the_dry_run() {
    let desk = desk(SHEET);
    let ran = desk.run(&["issue", "sheet.csv", "--dry-run", "--json"]);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    assert!(ran.lines()[0]["rows"].as_u64().unwrap() >= 200);
}

/// Two cells spoiled: line 3, first column, and line 5, a date that is none.
fn spoiled() -> String {
    let mut lines: Vec<String> = SHEET.lines().map(str::to_owned).collect();
    let number = lines[2].split_once(',').unwrap().1.to_owned();
    lines[2] = format!(",{number}");
    lines[4] = lines[4].replacen("-0", "-9", 1).replacen("-1", "-9", 1);
    lines.join("\n")
}

#[test]
fn a_bad_sheet_is_refused_whole_with_line_and_column_and_nothing_is_signed() {
    let desk = desk(&spoiled());
    assert_eq!(desk.run(&["key", "new", "office.pem", "--plain"]).code(), 0);
    assert_eq!(desk.run(&["key", "new", "series.pem", "--plain"]).code(), 0);
    let keys = ["--office-key", "office.pem", "--series-key", "series.pem"];
    // Nobody listens there: the sheet is refused before any node is asked.
    let rest = ["--series", "1", "--out", "out", "--node", "http://127.0.0.1:9"];
    let arguments: Vec<&str> = ["issue", "sheet.csv"].into_iter().chain(keys).chain(rest).collect();
    for arguments in [arguments, vec!["issue", "sheet.csv", "--dry-run"]] {
        let ran = desk.run(&arguments);
        assert_eq!(ran.code(), 10);
        assert!(ran.err().contains("line 3, column A (printed_number)"), "{}", ran.err());
        assert!(ran.err().contains("line 5, column"), "{}", ran.err());
        assert!(ran.err().contains("nothing was signed"), "{}", ran.err());
        assert!(!desk.path("out").exists());
        assert!(!desk.path("series.pem.journal").exists());
    }
}

#[test]
fn issuing_needs_its_keys_its_series_and_its_directory() {
    let desk = desk(SHEET);
    let ran = desk.run(&["issue", "sheet.csv"]);
    assert_eq!(ran.code(), 2);
    for option in ["--series", "--office-key", "--series-key", "--out"] {
        assert!(ran.err().contains(option), "{}", ran.err());
    }
}

#[test]
fn a_node_that_does_not_answer_is_named() {
    let desk = desk(SHEET);
    assert_eq!(desk.run(&["key", "new", "office.pem", "--plain"]).code(), 0);
    assert_eq!(desk.run(&["key", "new", "series.pem", "--plain"]).code(), 0);
    let ran = desk.run(&[
        "issue",
        "sheet.csv",
        "--series",
        "1",
        "--office-key",
        "office.pem",
        "--series-key",
        "series.pem",
        "--out",
        "out",
        "--node",
        "http://127.0.0.1:9",
    ]);
    assert_eq!(ran.code(), 10);
    assert!(ran.err().contains("http://127.0.0.1:9"), "{}", ran.err());
    assert!(!desk.path("series.pem.journal").exists());
}
