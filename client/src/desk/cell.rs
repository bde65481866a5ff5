//! Cells: from the text of one cell to a value, or what is wrong with it.

use std::collections::BTreeMap;

use concord_spec::content::{ClaimValue, Validity};
use concord_spec::day::Day;
use concord_spec::key::PublicKey;

use super::definition::{ClaimKind, Labels};
use super::row::HolderCodeType;
use super::sheet::Problem;

/// Years that a date may have: outside of them it is a typing error.
const YEARS: std::ops::RangeInclusive<&str> = "1800"..="2999";

/// Text of at most `max` bytes, no character of it invisible.
pub(super) fn text(cell: &str, max: usize) -> Result<String, Problem> {
    if cell.len() > max {
        return Err(Problem::TooLong {
            length: cell.len(),
            max,
        });
    }
    match cell.chars().enumerate().find(|(_, character)| is_invisible(*character)) {
        Some((index, found)) => Err(Problem::Invisible {
            position: index + 1,
            code_point: u32::from(found),
        }),
        None => Ok(cell.to_owned()),
    }
}

/// A name in Latin letters.
pub(super) fn latin(cell: &str, max: usize) -> Result<String, Problem> {
    let name = text(cell, max)?;
    let outside = |(_, letter): &(usize, char)| {
        !(letter.is_ascii_alphabetic()
            || matches!(letter, ' ' | '-' | '\'' | '.' | ',')
            || (matches!(letter, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}') && letter.is_alphabetic()))
    };
    match name.chars().enumerate().find(outside) {
        Some((index, found)) => Err(Problem::NotLatin {
            position: index + 1,
            found,
        }),
        None => Ok(name),
    }
}

/// The public key of a holder.
pub(super) fn holder_key(cell: &str) -> Result<PublicKey, Problem> {
    cell.parse().map_err(|_| Problem::HolderKey)
}

/// `YYYY-MM-DD`.
pub(super) fn date(cell: &str) -> Result<Day, Problem> {
    let shaped = cell.len() == 10
        && cell.bytes().enumerate().all(|(index, letter)| match index {
            4 | 7 => letter == b'-',
            _ => letter.is_ascii_digit(),
        });
    if !shaped {
        return Err(Problem::DateForm);
    }
    if !cell.get(..4).is_some_and(|year| YEARS.contains(&year)) {
        return Err(Problem::Year);
    }
    cell.parse().map_err(|_| Problem::NoSuchDay)
}

/// `YYYY-MM-DD`, or 长期 or long-term.
pub(super) fn validity(cell: &str) -> Result<Validity, Problem> {
    if cell == "长期" || cell.eq_ignore_ascii_case("long-term") {
        return Ok(Validity::NoEnd);
    }
    let problem = |problem| {
        if problem == Problem::DateForm {
            Problem::DateOrLongTerm
        } else {
            problem
        }
    };
    date(cell).map(Validity::Until).map_err(problem)
}

/// A kind of document that the type allows, by its word or its Chinese name.
pub(super) fn holder_code_type<'a>(
    cell: &str,
    allowed: impl Iterator<Item = &'a HolderCodeType> + Clone,
) -> Result<HolderCodeType, Problem> {
    let named = |kind: &&HolderCodeType| cell == kind.chinese() || cell.eq_ignore_ascii_case(kind.word());
    let found = allowed.clone().find(named).copied();
    found.ok_or_else(|| Problem::NotInList {
        allowed: listed(allowed.map(|kind| kind.word())),
    })
}

/// A value of one of the type's own claims.
pub(super) fn claim(cell: &str, kind: &ClaimKind) -> Result<ClaimValue, Problem> {
    match kind {
        ClaimKind::Text { max_bytes } => text(cell, *max_bytes).map(ClaimValue::Text),
        ClaimKind::Date => date(cell).map(ClaimValue::Day),
        ClaimKind::Code(codes) => code(cell, codes).map(ClaimValue::Text),
        ClaimKind::Integer { min, max } => integer(cell, *min, *max).map(ClaimValue::Integer),
    }
}

fn code(cell: &str, codes: &BTreeMap<String, Labels>) -> Result<String, Problem> {
    if codes.contains_key(cell) {
        return Ok(cell.to_owned());
    }
    Err(Problem::NotInList {
        allowed: listed(codes.keys().map(String::as_str)),
    })
}

fn integer(cell: &str, min: i64, max: i64) -> Result<i64, Problem> {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number = cell.parse::<i64>().ok().filter(|_| plain);
    number
        .filter(|number| (min..=max).contains(number))
        .ok_or(Problem::NotInRange { min, max })
}

/// The first of them, for a message.
fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 24;
    let words: Vec<&str> = words.collect();
    let shown = words.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if words.len() > SHOWN {
        format!("{shown} and {} more", words.len() - SHOWN)
    } else {
        shown
    }
}

/// Controls, marks that change the direction of text, spaces without width, and characters that mean something else on
/// every machine: none of them can be compared with paper.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_day_of_the_calendar_written_in_one_way() {
        assert_eq!(date("2024-02-29").unwrap().to_string(), "2024-02-29");
        for wrong in ["2023-02-29", "2024-13-01", "2024-00-10", "2024-04-31"] {
            assert_eq!(date(wrong), Err(Problem::NoSuchDay), "{wrong}");
        }
        for wrong in [
            "2024/02/29",
            "20240229",
            "2024-2-9",
            "29.02.2024",
            "2024-02-29T00:00",
            "２０２４-01-01",
            "-024-01-01",
        ] {
            assert_eq!(date(wrong), Err(Problem::DateForm), "{wrong}");
        }
        assert_eq!(date("0202-01-01"), Err(Problem::Year));
    }

    #[test]
    fn a_validity_without_end_is_said_in_words() {
        assert_eq!(validity("长期"), Ok(Validity::NoEnd));
        assert_eq!(validity("Long-term"), Ok(Validity::NoEnd));
        assert_eq!(validity("forever"), Err(Problem::DateOrLongTerm));
        assert_eq!(validity("2024-02-30"), Err(Problem::NoSuchDay));
    }

    #[test]
    fn characters_that_nobody_sees_are_refused_with_their_place() {
        for hidden in ['\u{200b}', '\u{202e}', '\n', '\0', '\u{e000}', '\u{fffd}'] {
            let cell = format!("李{hidden}四");
            assert_eq!(
                text(&cell, 20),
                Err(Problem::Invisible {
                    position: 2,
                    code_point: u32::from(hidden)
                })
            );
        }
        assert_eq!(text("𠮷田·买买提", 20).unwrap(), "𠮷田·买买提");
    }

    #[test]
    fn lengths_are_counted_in_bytes_as_the_format_counts_them() {
        assert!(text("买买提", 9).is_ok());
        assert_eq!(text("买买提明", 9), Err(Problem::TooLong { length: 12, max: 9 }));
    }

    #[test]
    fn a_latin_name_has_latin_letters_only() {
        assert!(latin("Müller-Lüdenscheidt, O'Neill Jr.", 40).is_ok());
        assert_eq!(
            latin("Li Sì四", 40),
            Err(Problem::NotLatin {
                position: 6,
                found: '四'
            })
        );
        assert_eq!(
            latin("Аnna", 40),
            Err(Problem::NotLatin {
                position: 1,
                found: 'А'
            })
        );
    }

    #[test]
    fn whole_numbers_are_of_their_range_and_plain() {
        let kind = ClaimKind::Integer { min: -5, max: 12 };
        assert_eq!(claim("-5", &kind), Ok(ClaimValue::Integer(-5)));
        for wrong in ["13", "-6", "+1", "1.0", "", "-", "１", "99999999999999999999"] {
            assert_eq!(
                claim(wrong, &kind),
                Err(Problem::NotInRange { min: -5, max: 12 }),
                "{wrong}"
            );
        }
    }
}
