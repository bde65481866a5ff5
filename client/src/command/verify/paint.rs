//! A report for people: a big verdict in word, colour and icon, whose data and how old, each check with its evidence.

use super::reason;
use crate::command::show;
use concord_spec::verify::{Colour, Language, OutcomeOf, Report, Words};
use std::fmt::Write;
use std::path::Path;
use unicode_width::UnicodeWidthStr;

/// The report; in colour only on a terminal.
pub(super) fn report(file: &Path, report: &Report, language: Language) -> String {
    let words = report.words(language);
    let mut text = headline(report.colour, &words, show::is_terminal());
    // Writing into a String cannot fail.
    let _ = write!(text, "   {}", file.display());
    let _ = write!(text, "\n    {}", words.meaning);
    for line in &words.subject {
        let _ = write!(text, "\n    {}: {}", line.name, line.value);
    }
    if let Some(reason) = reason(&words) {
        let _ = write!(text, "\n    {reason}");
    } else {
        let widest = words.checks.iter().map(|check| check.name.width()).max().unwrap_or(0);
        for check in &words.checks {
            let (sign, fill) = (outcome(check.outcome), widest.saturating_sub(check.name.width()));
            let _ = write!(text, "\n    {sign} {}{:fill$}  {}", check.name, "", check.text);
        }
    }
    for line in words.recognised.iter().chain([&words.data]).chain(&words.clock) {
        let _ = write!(text, "\n    {line}");
    }
    text
}

/// The verdict's word with its icon, and its time where it has one.
fn headline(colour: Colour, words: &Words, coloured: bool) -> String {
    let paint = match colour {
        Colour::Green => "\x1b[1;97;42m",
        Colour::Amber => "\x1b[1;30;103m",
        Colour::Orange => "\x1b[1;30;48;5;208m",
        Colour::Red => "\x1b[1;97;41m",
        Colour::Grey => "\x1b[1;97;100m",
    };
    let word = format!("{} {}", words.icon, words.verdict);
    if coloured {
        format!("{paint} {word} \x1b[0m")
    } else {
        word
    }
}

fn outcome(outcome: OutcomeOf) -> &'static str {
    match outcome {
        OutcomeOf::Passed => "+",
        OutcomeOf::Failed => "-",
        OutcomeOf::Unknown => "?",
        OutcomeOf::NotChecked => " ",
    }
}
