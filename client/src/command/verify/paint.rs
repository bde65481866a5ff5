//! A report for people: a big verdict in word, colour and icon, whose data and how old, each check with its evidence.

use super::reason;
use crate::command::show;
use concord_spec::recognition::Level;
use concord_spec::verify::{CheckName, Colour, OutcomeOf, Recognised, Report, Subject};
use std::fmt::Write;
use std::path::Path;

/// The report; in colour only on a terminal.
pub(super) fn report(file: &Path, report: &Report) -> String {
    let mut text = headline(report, show::is_terminal());
    // Writing into a String cannot fail.
    let _ = write!(text, "   {}", file.display());
    if let Some(reason) = reason(report) {
        let _ = write!(text, "\n    {reason}");
    }
    if let Some(subject) = &report.subject {
        text.push_str(&told(subject));
    }
    if reason(report).is_none() {
        for check in &report.checks {
            let (sign, name) = (outcome(check.outcome), name(check.name));
            let _ = write!(text, "\n    {sign} {name:<11} {}", check.evidence);
        }
    }
    if let Some(recognised) = &report.recognised {
        text.push_str(&as_what(recognised));
    }
    let data = &report.data;
    let (time, age) = (show::time(data.time_ms), show::age(data.age_ms));
    let _ = write!(
        text,
        "\n    data of {} at height {}, {time} ({age} old)",
        data.chain, data.height
    );
    text
}

/// The verdict's word with its icon, and its time where it has one.
fn headline(report: &Report, coloured: bool) -> String {
    let (icon, paint) = match report.colour {
        Colour::Green => ("✔", "\x1b[1;97;42m"),
        Colour::Amber => ("▲", "\x1b[1;30;103m"),
        Colour::Orange => ("◆", "\x1b[1;30;48;5;208m"),
        Colour::Red => ("✘", "\x1b[1;97;41m"),
        Colour::Grey => ("?", "\x1b[1;97;100m"),
    };
    let from = report
        .data_from_ms
        .map(|ms| format!(" {}", show::time(ms)))
        .unwrap_or_default();
    let word = format!("{icon} {}{from}", report.verdict.word());
    if coloured {
        format!("{paint} {word} \x1b[0m")
    } else {
        word
    }
}

fn told(subject: &Subject) -> String {
    let content = &subject.content;
    let mut text = format!("\n    {}  {}", content.printed_number, content.holders.join(", "));
    let _ = write!(
        text,
        "\n    {}, from {} until {}",
        content.issued_by, content.valid_from, content.valid_until
    );
    for (label, value) in &content.claims {
        let _ = write!(text, "\n    {label}: {value}");
    }
    let _ = write!(text, "\n    credential {} of type {}", subject.credential, subject.vct);
    text
}

/// As what it is recognised where the verifier stands.
fn as_what(recognised: &Recognised) -> String {
    let local = recognised.local_type.as_ref();
    let local = local.map_or_else(String::new, |local| format!(" as {local}"));
    let level = match recognised.level {
        Level::Equal => "equal to one of its own",
        Level::Conditional => "on conditions of its legal basis",
    };
    let mut text = format!("\n    recognised in {}{local}, {level}", recognised.region);
    for (label, there, here) in &recognised.claims {
        let _ = write!(text, "\n    {label}: {there} there is {here} here");
    }
    if !recognised.purposes.is_empty() {
        let _ = write!(
            text,
            "\n    for these purposes only: {}",
            recognised.purposes.join(", ")
        );
    }
    text
}

fn outcome(outcome: OutcomeOf) -> &'static str {
    match outcome {
        OutcomeOf::Passed => "+",
        OutcomeOf::Failed => "-",
        OutcomeOf::Unknown => "?",
        OutcomeOf::NotChecked => " ",
    }
}

fn name(name: CheckName) -> &'static str {
    match name {
        CheckName::Readable => "readable",
        CheckName::Authentic => "authentic",
        CheckName::Recorded => "recorded",
        CheckName::Status => "status",
        CheckName::InForce => "in force",
        CheckName::Recognised => "recognised",
    }
}
