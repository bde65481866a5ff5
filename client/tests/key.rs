//! `concord key`.

#![expect(clippy::unwrap_used, reason = "a test")]

mod program;

use program::Desk;

#[test]
fn a_new_key_is_encrypted_and_shown_with_its_passphrase_only() {
    let desk = Desk::new();
    desk.write("passphrase", "correct horse\n");
    desk.write("other", "correct house\n");
    let made = desk.run(&["key", "new", "office.pem", "--passphrase-file", "passphrase", "--json"]);
    assert_eq!(made.code(), 0, "{}", made.err());
    let shown = desk.run(&["key", "show", "office.pem", "--passphrase-file", "passphrase", "--json"]);
    assert_eq!(shown.lines()[0]["public"], made.lines()[0]["public"]);
    let text = std::fs::read_to_string(desk.path("office.pem")).unwrap();
    assert!(text.contains("ENCRYPTED PRIVATE KEY"));
    let refused = desk.run(&["key", "show", "office.pem", "--passphrase-file", "other"]);
    assert_eq!(refused.code(), 10);
    assert!(refused.err().contains("passphrase"), "{}", refused.err());
}

#[test]
fn a_key_file_is_never_overwritten() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["key", "new", "key.pem", "--plain"]).code(), 0);
    let before = std::fs::read(desk.path("key.pem")).unwrap();
    assert_eq!(desk.run(&["key", "new", "key.pem", "--plain"]).code(), 10);
    assert_eq!(std::fs::read(desk.path("key.pem")).unwrap(), before);
}

#[test]
fn without_a_terminal_a_passphrase_must_be_given_or_waived() {
    let desk = Desk::new();
    let refused = desk.run(&["key", "new", "key.pem"]);
    assert_eq!(refused.code(), 2);
    assert!(refused.err().contains("--passphrase-file"), "{}", refused.err());
    assert!(!desk.path("key.pem").exists());
}

#[test]
fn a_short_passphrase_is_refused() {
    let desk = Desk::new();
    desk.write("passphrase", "short\n");
    let refused = desk.run(&["key", "new", "key.pem", "--passphrase-file", "passphrase"]);
    assert_eq!(refused.code(), 10);
    assert!(refused.err().contains('8'), "{}", refused.err());
    assert!(!desk.path("key.pem").exists());
}
