//! Check characters of the numbers that people and organisations have in China, and of certificate identifiers.

use jiff::civil::Date;

/// Why a number cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// Too short or too long.
    #[error("has {got} characters, must have {expected}")]
    Length {
        /// Characters it must have.
        expected: usize,
        /// Characters it has.
        got: usize,
    },
    /// A character that such a number does not have there.
    #[error("{found:?} at position {position} cannot be there; write digits and capital letters without spaces")]
    Character {
        /// From 1.
        position: usize,
        /// The character.
        found: char,
    },
    /// Digits that should be a date.
    #[error("{found} at positions 7 to 14 is no date of birth")]
    Birth {
        /// The eight digits.
        found: String,
    },
    /// A typing error: the check character does not fit the rest.
    #[error(
        "the check character is {found:?} but the others give {expected:?}: compare with the document, a character is wrong or two are swapped"
    )]
    Check {
        /// What the other characters give.
        expected: char,
        /// What is written.
        found: char,
    },
    /// Parts of a certificate identifier are missing.
    #[error("must be written 1.2.156.3005.2.TYPE.ISSUER.SERIAL.VERSION.CHECK (GB/T 36904)")]
    Parts,
    /// A part of a certificate identifier is wrong.
    #[error("its {part} part {reason}")]
    Part {
        /// Which.
        part: &'static str,
        /// Why.
        reason: Box<IdentifierError>,
    },
}

/// The 31 characters of a unified social credit code: no I, O, S, V, Z (GB 32100 table 1).
const SOCIAL_CREDIT: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// The characters of MOD 37,36 (ISO 7064 table 1).
const ALPHANUMERIC: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// The check characters of MOD 11-2, by the remainder of the other digits (GB 11643 table 2).
const MOD_11_2: &[u8; 11] = b"10X98765432";

/// Checks a resident id (GB 11643): six digits of a region, a date of birth, three digits, MOD 11-2.
///
/// # Errors
/// [`IdentifierError`]: its length, a character, the date or the check character.
pub fn check_resident_id(text: &str) -> Result<(), IdentifierError> {
    let (body, found) = split_check(text, 18)?;
    if let Some((index, wrong)) = body
        .chars()
        .enumerate()
        .find(|(_, character)| !character.is_ascii_digit())
    {
        return Err(IdentifierError::Character {
            position: index + 1,
            found: wrong,
        });
    }
    let birth = body.get(6..14).unwrap_or_default();
    if !is_birth(birth) {
        return Err(IdentifierError::Birth {
            found: birth.to_owned(),
        });
    }
    compare(resident_id_check(body), found)
}

/// The check character of the first 17 digits of a resident id: the 18th. `None` unless all are digits.
#[must_use]
pub fn resident_id_check(body: &str) -> Option<char> {
    // Position i from the right, the check character being the first, weighs 2^(i - 1) mod 11.
    let mut sum = 0u32;
    for digit in body.chars() {
        sum = (sum * 2 + digit.to_digit(10)? * 2) % 11;
    }
    MOD_11_2.get(usize::try_from(sum).ok()?).map(|check| char::from(*check))
}

/// Checks a unified social credit code (GB 32100): 18 characters of 31, the last one MOD 31.
///
/// # Errors
/// [`IdentifierError`]: its length, a character or the check character.
pub fn check_social_credit(text: &str) -> Result<(), IdentifierError> {
    let (body, found) = split_check(text, 18)?;
    let wrong = |(_, character): &(usize, char)| index_in(SOCIAL_CREDIT, *character).is_none();
    if let Some((index, wrong)) = text.chars().enumerate().find(wrong) {
        return Err(IdentifierError::Character {
            position: index + 1,
            found: wrong,
        });
    }
    compare(social_credit_check(body), found)
}

/// The check character of the first 17 characters of a unified social credit code: the 18th. `None` where one of
/// them cannot be in such a code.
#[must_use]
pub fn social_credit_check(body: &str) -> Option<char> {
    let (mut sum, mut weight) = (0, 1);
    for character in body.chars() {
        sum += index_in(SOCIAL_CREDIT, character)? * weight;
        weight = weight * 3 % 31;
    }
    SOCIAL_CREDIT.get((31 - sum % 31) % 31).map(|check| char::from(*check))
}

/// Checks a certificate identifier (GB/T 36904):
/// `1.2.156.3005.2.{type: code of 18 and 3 digits}.{issuer}.{serial}.{version: 3 digits}.{MOD 37,36}`.
/// The issuer is a code of 18, or, as it occurs, the six digits of a region (GB/T 2260).
///
/// # Errors
/// [`IdentifierError`]: which part, and what about it.
pub fn check_certificate_identifier(text: &str) -> Result<(), IdentifierError> {
    let parts: Vec<&str> = text
        .strip_prefix("1.2.156.3005.2.")
        .ok_or(IdentifierError::Parts)?
        .split('.')
        .collect();
    let [kind, issuer, serial, version, check] = parts.as_slice() else {
        return Err(IdentifierError::Parts);
    };
    let part = |part, result: Result<(), _>| {
        result.map_err(|reason| IdentifierError::Part {
            part,
            reason: Box::new(reason),
        })
    };
    part("type", check_type_code(kind))?;
    let is_region = issuer.len() == 6 && digits(issuer, 6).is_ok();
    part("issuer", if is_region { Ok(()) } else { check_social_credit(issuer) })?;
    part(
        "serial",
        if serial.is_empty() {
            Err(IdentifierError::Length { expected: 1, got: 0 })
        } else {
            Ok(())
        },
    )?;
    part("version", digits(version, 3))?;
    let (_, found) = split_check(check, 1)?;
    let body = [*kind, *issuer, *serial, *version].concat();
    let outside = |(_, character): &(usize, char)| index_in(ALPHANUMERIC, *character).is_none();
    if let Some((index, wrong)) = serial.chars().enumerate().find(outside) {
        return part(
            "serial",
            Err(IdentifierError::Character {
                position: index + 1,
                found: wrong,
            }),
        );
    }
    compare(certificate_identifier_check(&body), found)
}

/// The check character of type, issuer, serial and version without dots (ISO 7064 MOD 37,36). `None` unless all are
/// digits and capital letters.
#[must_use]
pub fn certificate_identifier_check(body: &str) -> Option<char> {
    let mut product = 36;
    for character in body.chars() {
        let sum = (product + index_in(ALPHANUMERIC, character)?) % 36;
        product = (if sum == 0 { 36 } else { sum }) * 2 % 37;
    }
    ALPHANUMERIC.get((37 - product) % 36).map(|check| char::from(*check))
}

fn check_type_code(text: &str) -> Result<(), IdentifierError> {
    match (text.get(..18), text.get(18..)) {
        (Some(authority), Some(number)) if text.len() == 21 => {
            check_social_credit(authority)?;
            digits(number, 3)
        }
        (_, _) => Err(IdentifierError::Length {
            expected: 21,
            got: text.chars().count(),
        }),
    }
}

fn digits(text: &str, expected: usize) -> Result<(), IdentifierError> {
    if text.chars().count() != expected {
        return Err(IdentifierError::Length {
            expected,
            got: text.chars().count(),
        });
    }
    match text
        .chars()
        .enumerate()
        .find(|(_, character)| !character.is_ascii_digit())
    {
        Some((index, found)) => Err(IdentifierError::Character {
            position: index + 1,
            found,
        }),
        None => Ok(()),
    }
}

/// All but the last character, and the last.
fn split_check(text: &str, expected: usize) -> Result<(&str, char), IdentifierError> {
    let got = text.chars().count();
    match text.char_indices().next_back() {
        Some((at, check)) if got == expected => Ok((text.get(..at).unwrap_or_default(), check)),
        Some(_) | None => Err(IdentifierError::Length { expected, got }),
    }
}

fn compare(expected: Option<char>, found: char) -> Result<(), IdentifierError> {
    match expected {
        Some(expected) if expected == found => Ok(()),
        Some(expected) => Err(IdentifierError::Check { expected, found }),
        None => Err(IdentifierError::Parts),
    }
}

fn index_in(alphabet: &[u8], character: char) -> Option<usize> {
    alphabet.iter().position(|letter| char::from(*letter) == character)
}

fn is_birth(digits: &str) -> bool {
    let number = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<i16>().ok());
    let (Some(year), Some(month), Some(day)) = (number(0, 4), number(4, 6), number(6, 8)) else {
        return false;
    };
    let (Ok(month), Ok(day)) = (i8::try_from(month), i8::try_from(day)) else {
        return false;
    };
    (1_800..=2_200).contains(&year) && Date::new(year, month, day).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// True certificate identifiers.
    const IDENTIFIERS: [&str; 3] = [
        "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
        "1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0",
        "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
    ];

    /// Every text that differs from `text` in one character, both of the alphabet.
    fn one_character_off(text: &str, alphabet: &[u8]) -> Vec<String> {
        let replaced = |index: usize, letter: u8| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[index] = letter;
            String::from_utf8(bytes).unwrap()
        };
        let inside = |index: &usize| alphabet.contains(&text.as_bytes()[*index]);
        let all = (0..text.len())
            .filter(inside)
            .flat_map(|index| alphabet.iter().map(move |letter| replaced(index, *letter)));
        all.filter(|other| other != text).collect()
    }

    #[test]
    fn true_certificate_identifiers_pass_and_none_that_is_one_character_off_does() {
        for identifier in IDENTIFIERS {
            assert_eq!(check_certificate_identifier(identifier), Ok(()));
            for wrong in one_character_off(identifier, ALPHANUMERIC) {
                assert!(check_certificate_identifier(&wrong).is_err(), "{wrong}");
            }
        }
    }

    #[test]
    fn true_social_credit_codes_pass_and_none_that_is_one_character_off_does() {
        for code in [
            "11100000000013338W",
            "11430000006122244L",
            "11330105002500287C",
            "11100000MB03271699",
        ] {
            assert_eq!(check_social_credit(code), Ok(()));
            for wrong in one_character_off(code, SOCIAL_CREDIT) {
                assert!(
                    matches!(check_social_credit(&wrong), Err(IdentifierError::Check { .. })),
                    "{wrong}"
                );
            }
        }
    }

    #[test]
    fn the_resident_id_of_the_standard_passes_and_none_that_is_one_digit_off_does() {
        // GB 11643 annex B.
        for id in ["11010519491231002X", "440524188001010014"] {
            assert_eq!(check_resident_id(id), Ok(()));
            for wrong in one_character_off(id, b"0123456789") {
                assert!(check_resident_id(&wrong).is_err(), "{wrong}");
            }
        }
    }

    #[test]
    fn each_mistake_is_told_apart() {
        assert_eq!(
            check_resident_id("1101051949123100"),
            Err(IdentifierError::Length { expected: 18, got: 16 })
        );
        assert_eq!(
            check_resident_id("11010519491231002x"),
            Err(IdentifierError::Check {
                expected: 'X',
                found: 'x'
            })
        );
        assert_eq!(
            check_resident_id("11010519490231002X"),
            Err(IdentifierError::Birth {
                found: "19490231".to_owned()
            })
        );
        assert_eq!(
            check_social_credit("1110000000001333OW"),
            Err(IdentifierError::Character {
                position: 17,
                found: 'O'
            })
        );
        assert_eq!(
            check_social_credit("证证"),
            Err(IdentifierError::Length { expected: 18, got: 2 })
        );
        assert_eq!(check_certificate_identifier("2.16.1"), Err(IdentifierError::Parts));
        let no_serial = check_certificate_identifier("1.2.156.3005.2.11100000000013338W011.340100..001.U");
        assert!(matches!(no_serial, Err(IdentifierError::Part { part: "serial", .. })));
    }
}
