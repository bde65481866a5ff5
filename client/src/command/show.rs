//! Answers: for people on a terminal, or JSON, one object a line.

use super::{Failure, Shared};
use concord_spec::verify::{self as rules, Language};
use serde_json::{Value, json};
use std::io::{self, IsTerminal, Write};

/// Writes a line to standard output. A reader that went away is no failure of ours.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Failure::Output),
    }
}

/// One answer: words, or with `--json` the object.
pub(crate) fn answer(shared: &Shared, words: &str, object: &Value) -> Result<(), Failure> {
    if shared.json {
        line(&object.to_string())
    } else {
        line(words)
    }
}

/// A remark beside the answer, on standard error.
pub(crate) fn remark(text: &str) {
    // Nothing is lost when nobody can read it.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Why it could not be done, on standard error; with `--json` as an object.
pub(crate) fn failure(failure: &Failure, json: bool) {
    if json {
        remark(&json!({"error": failure.to_string(), "code": failure.code(), "exit": failure.exit_code()}).to_string());
    } else {
        remark(&format!("concord: {failure}"));
    }
}

/// Whether a person reads standard output.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// The language of the person at the terminal, by the locale (POSIX 8.2: `LC_ALL`, `LC_MESSAGES`, `LANG`, the first that is set).
pub(crate) fn language() -> Language {
    let set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find(set);
    let tag = locale.and_then(|name| std::env::var(name).ok());
    Language::of_tag(&tag.unwrap_or_default())
}

/// A time as RFC 3339 in UTC, to the second.
pub(crate) fn time(ms: concord_spec::id::UnixMillis) -> String {
    rules::moment(ms)
}

/// Reads a time as RFC 3339.
pub(crate) fn parse_time(text: &str) -> Result<concord_spec::id::UnixMillis, String> {
    let stamp: jiff::Timestamp = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    u64::try_from(stamp.as_millisecond())
        .map(concord_spec::id::UnixMillis)
        .map_err(|_| "a time before 1970".to_owned())
}

/// A length of time in the largest fitting unit.
pub(crate) fn age(ms: u64) -> String {
    rules::length(ms).en
}

/// This machine's clock.
pub(crate) fn now() -> concord_spec::id::UnixMillis {
    concord_spec::id::UnixMillis(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0))
}
