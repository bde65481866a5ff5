//! One QR code (ISO/IEC 18004): alphanumeric mode, level M, the smallest version that holds the text.

use fast_qr::{ECL, Mode, QRBuilder};

/// Characters that the largest code holds: version 40, level M, alphanumeric (ISO/IEC 18004 table 7).
pub const MAX_CODE_CHARS: usize = 3_391;

/// Modules of white frame on each side (ISO/IEC 18004 5.3.8).
pub(super) const FRAME: usize = 4;

/// A drawn code, without its white frame.
#[derive(Clone)]
pub struct Code {
    /// Modules on a side: 17 + 4 x version.
    side: usize,
    /// Dark modules, row by row, `side` x `side`.
    dark: Vec<bool>,
    chars: usize,
}

/// Why a text cannot be a code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Other modes would make the code denser, so they are refused.
    #[error(
        "character {position} of the text ({found:?}) is not one of the 45 of the alphanumeric mode; encode as base45"
    )]
    NotAlphanumeric {
        /// From 1.
        position: usize,
        /// The character.
        found: char,
    },
    /// One code never becomes several (DESIGN 4.8).
    #[error("the text has {got} characters, one code holds at most {MAX_CODE_CHARS}; use the file instead")]
    TooLong {
        /// Characters of the text.
        got: usize,
    },
    /// There is nothing to draw.
    #[error("there is no text to draw a code from")]
    Empty,
}

impl Code {
    /// Draws `text` as one code.
    ///
    /// # Errors
    /// The text is empty, has a character outside of the alphanumeric set, or more than [`MAX_CODE_CHARS`].
    pub fn draw(text: &str) -> Result<Self, CodeError> {
        if text.is_empty() {
            return Err(CodeError::Empty);
        }
        if let Some((index, found)) = text.chars().enumerate().find(|(_, found)| !is_alphanumeric(*found)) {
            return Err(CodeError::NotAlphanumeric {
                position: index + 1,
                found,
            });
        }
        let too_long = CodeError::TooLong { got: text.len() };
        if text.len() > MAX_CODE_CHARS {
            return Err(too_long);
        }
        // Left to itself the library would choose the numeric mode for digits, which no reader of ours minds, but
        // then the version would no longer follow from the length.
        let drawn = QRBuilder::new(text)
            .mode(Mode::Alphanumeric)
            .ecl(ECL::M)
            .build()
            .map_err(|_| too_long)?;
        let modules = drawn.data.iter().take(drawn.size * drawn.size);
        Ok(Self {
            side: drawn.size,
            dark: modules.map(|module| module.value()).collect(),
            chars: text.len(),
        })
    }

    /// Version, 1 to 40: what a person sees as density.
    #[must_use]
    pub fn version(&self) -> usize {
        self.side.saturating_sub(17) / 4
    }

    /// Modules on a side, without the frame.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// Characters that the code holds.
    #[must_use]
    pub fn chars(&self) -> usize {
        self.chars
    }

    /// Whether the module of this row and column is dark; counted with the white frame, so that the code's own first
    /// module is (4, 4). Outside all is white.
    #[must_use]
    pub fn is_dark(&self, row: usize, column: usize) -> bool {
        let (Some(row), Some(column)) = (row.checked_sub(FRAME), column.checked_sub(FRAME)) else {
            return false;
        };
        column < self.side && self.dark.get(row * self.side + column).copied().unwrap_or(false)
    }

    /// Modules on a side with the white frame.
    #[must_use]
    pub fn framed_side(&self) -> usize {
        self.side + 2 * FRAME
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code")
            .field("version", &self.version())
            .field("chars", &self.chars)
            .finish_non_exhaustive()
    }
}

fn is_alphanumeric(character: char) -> bool {
    matches!(character, '0'..='9' | 'A'..='Z' | ' ' | '$' | '%' | '*' | '+' | '-' | '.' | '/' | ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Version and characters it holds at level M in alphanumeric mode: ISO/IEC 18004 table 7.
    const CAPACITIES: [(usize, usize); 8] = [
        (1, 20),
        (6, 154),
        (10, 311),
        (15, 600),
        (20, 970),
        (25, 1_451),
        (30, 1_994),
        (40, 3_391),
    ];

    #[test]
    fn a_version_holds_what_the_alphanumeric_mode_at_level_m_allows_and_not_one_more() {
        for (version, capacity) in CAPACITIES {
            assert_eq!(Code::draw(&"A".repeat(capacity)).unwrap().version(), version);
            if version < 40 {
                assert_eq!(Code::draw(&"A".repeat(capacity + 1)).unwrap().version(), version + 1);
            }
        }
    }

    #[test]
    fn digits_alone_are_drawn_in_alphanumeric_mode_too() {
        assert_eq!(Code::draw(&"1".repeat(20)).unwrap().version(), 1);
        assert_eq!(Code::draw(&"1".repeat(21)).unwrap().version(), 2);
    }

    #[test]
    fn a_text_longer_than_one_code_is_refused() {
        assert_eq!(
            Code::draw(&"A".repeat(3_392)).unwrap_err(),
            CodeError::TooLong { got: 3_392 }
        );
    }

    #[test]
    fn a_text_outside_of_the_alphanumeric_set_is_refused_with_its_position() {
        assert_eq!(
            Code::draw("CC1:ab").unwrap_err(),
            CodeError::NotAlphanumeric {
                position: 5,
                found: 'a'
            }
        );
        assert_eq!(
            Code::draw("证").unwrap_err(),
            CodeError::NotAlphanumeric {
                position: 1,
                found: '证'
            }
        );
        assert_eq!(Code::draw("").unwrap_err(), CodeError::Empty);
    }

    #[test]
    fn a_code_is_surrounded_by_four_white_modules() {
        let code = Code::draw("CC1:BB8").unwrap();
        let framed = code.framed_side();
        for row in 0..framed {
            for column in 0..framed {
                let inside = |at: usize| (4..framed - 4).contains(&at);
                assert!(!code.is_dark(row, column) || (inside(row) && inside(column)));
            }
        }
        assert!(code.is_dark(4, 4), "the finder pattern starts right behind the frame");
    }
}
