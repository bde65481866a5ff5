//! What is wrong with a sheet: line, column, reason, advice.

use std::fmt;
use std::io;

use super::{MAX_ROWS, MAX_SHEET_BYTES};
use crate::desk::identifier::IdentifierError;

/// Errors that are listed one by one; the rest are counted.
pub const MAX_LISTED_ERRORS: usize = 100;

/// Characters of a cell that an error shows.
const SHOWN_CHARS: usize = 40;

/// Why a sheet gave no rows. Nothing of it may be signed.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The file could not be read.
    #[error("the sheet cannot be read: {0}")]
    File(#[from] io::Error),
    /// Too many bytes; it was not read further.
    #[error("the sheet has more than {} MiB; split it", MAX_SHEET_BYTES >> 20)]
    TooLarge,
    /// Too many rows.
    #[error("the sheet has more than {MAX_ROWS} rows; split it")]
    TooManyRows,
    /// Nothing but, at most, a header.
    #[error("the sheet has no rows; the first line names the columns, each further line is a credential")]
    NoRows,
    /// Another encoding.
    #[error(
        "line {line} of the sheet is not UTF-8{guess}; in Excel or WPS save it as \"CSV UTF-8 (comma delimited)\" (CSV UTF-8 (逗号分隔))"
    )]
    NotUtf8 {
        /// Line, from 1.
        line: u64,
        /// What it may be instead.
        guess: &'static str,
    },
    /// Semicolons or tabs.
    #[error("the columns of the sheet are separated by {0}; save it with commas")]
    Separator(&'static str),
    /// Cells are wrong.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// All errors of a sheet, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The first [`MAX_LISTED_ERRORS`].
    pub listed: Vec<RowError>,
    /// All, listed or not.
    pub total: usize,
}

impl Refusal {
    pub(super) const fn new() -> Self {
        Self {
            listed: Vec::new(),
            total: 0,
        }
    }

    pub(super) fn add(&mut self, error: RowError) {
        self.total += 1;
        if self.listed.len() < MAX_LISTED_ERRORS {
            self.listed.push(error);
        }
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = if self.total == 1 { "error" } else { "errors" };
        write!(f, "the sheet has {} {errors}; nothing was signed", self.total)?;
        for error in &self.listed {
            write!(f, "\n  {error}")?;
        }
        match self.total.saturating_sub(self.listed.len()) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

/// One error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// Line in the file, from 1.
    pub line: u64,
    /// The column; `None` when the line as a whole is wrong.
    pub place: Option<CellPlace>,
    /// The first characters of the cell, if there is one.
    pub cell: Option<String>,
    /// What is wrong and what to do.
    pub problem: Problem,
}

/// Where in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellPlace {
    /// Column from 1.
    pub number: usize,
    /// The column's letters in a spreadsheet program.
    pub letters: String,
    /// The column's name as the header writes it.
    pub name: String,
}

impl RowError {
    pub(super) fn cell(line: u64, place: CellPlace, cell: &str, problem: Problem) -> Self {
        let shown: String = cell.chars().take(SHOWN_CHARS).collect();
        Self {
            line,
            place: Some(place),
            cell: Some(shown),
            problem,
        }
    }

    pub(super) fn line(line: u64, problem: Problem) -> Self {
        Self {
            line,
            place: None,
            cell: None,
            problem,
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(place) = &self.place {
            write!(f, ", column {} ({})", place.letters, place.name)?;
        }
        match &self.cell {
            Some(cell) if !cell.is_empty() => write!(f, ": {cell:?}: {}", self.problem),
            Some(_) | None => write!(f, ": {}", self.problem),
        }
    }
}

/// What is wrong with a cell or a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The header lacks a column.
    #[error("the column {0} is missing; add it, or start from the template")]
    MissingColumn(String),
    /// The header has a column that the type does not.
    #[error("the type has no such column; remove it, or correct its name")]
    UnknownColumn,
    /// Two columns of one meaning.
    #[error("column {0} means the same; remove one of them")]
    DuplicateColumn(String),
    /// More or fewer cells than columns.
    #[error(
        "has {got} cells, the header has {expected}; a comma inside of a cell needs quotation marks around the cell"
    )]
    Cells {
        /// Cells of the header.
        expected: usize,
        /// Cells of the line.
        got: usize,
    },
    /// Nothing but separators.
    #[error("all cells are empty; delete the line")]
    EmptyRow,
    /// Nothing where something must be.
    #[error("is empty, and every credential of this type has it; fill it in")]
    Required,
    /// Over the bound.
    #[error(
        "has {length} bytes, at most {max} are allowed (a Chinese character takes 3, a Latin letter 1); shorten it"
    )]
    TooLong {
        /// Bytes.
        length: usize,
        /// Allowed.
        max: usize,
    },
    /// A character that cannot be seen or compared.
    #[error("has an invisible or private character (U+{code_point:04X}) at position {position}; type the text again")]
    Invisible {
        /// From 1.
        position: usize,
        /// Unicode.
        code_point: u32,
    },
    /// Another script.
    #[error("has {found:?} at position {position}; write the name in Latin letters")]
    NotLatin {
        /// From 1.
        position: usize,
        /// The character.
        found: char,
    },
    /// Not `YYYY-MM-DD`.
    #[error("is no date; write it as YYYY-MM-DD, such as 2026-01-31 (format the column as text)")]
    DateForm,
    /// Not `YYYY-MM-DD` and not a word for no end.
    #[error("is no last day; write it as YYYY-MM-DD, or 长期 or long-term when there is none")]
    DateOrLongTerm,
    /// Not in the calendar.
    #[error("is no day of the calendar; correct it")]
    NoSuchDay,
    /// A year of no living matter.
    #[error("has a year before 1800 or after 2999; correct it")]
    Year,
    /// The last day is before the first.
    #[error("is before the first day of validity, {0}; correct one of them")]
    EndsBeforeItStarts(String),
    /// Not a public key.
    #[error("is no public key; write the 64 hexadecimal digits that `concord key show` prints for the holder's key")]
    HolderKey,
    /// Not one of the codes.
    #[error("is not in the list; use one of: {allowed}")]
    NotInList {
        /// The list, or its beginning.
        allowed: String,
    },
    /// Not a number of the range.
    #[error("must be a whole number from {min} to {max}")]
    NotInRange {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A number with a wrong check character or form.
    #[error("{0}")]
    Identifier(#[from] IdentifierError),
    /// The number is in another row.
    #[error("is on line {0} too; a number belongs to one credential")]
    Duplicate(u64),
}
