//! Reading: bytes to lines, lines to rows.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use csv::StringRecord;

use super::error::{Problem, Refusal, RowError, SheetError};
use super::header::{Header, Meaning};
use crate::desk::cell;
use crate::desk::column::Common;
use crate::desk::definition::{Bounds, TypeDefinition};
use crate::desk::identifier::check_certificate_identifier;
use crate::desk::row::{Holder, HolderCodeType, Row};
use concord_spec::content::{ClaimValue, Validity};

/// The largest sheet: 32 MiB.
pub const MAX_SHEET_BYTES: u64 = 32 << 20;
/// The most rows of a sheet.
pub const MAX_ROWS: usize = 100_000;

/// Reads a sheet from a file: see [`parse_sheet`].
///
/// # Errors
/// The file cannot be read, is too large, or is refused.
pub fn read_sheet(path: &Path, definition: &TypeDefinition) -> Result<Vec<Row>, SheetError> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(MAX_SHEET_BYTES + 1)
        .read_to_end(&mut bytes)?;
    parse_sheet(&bytes, definition)
}

/// Reads a sheet: CSV (RFC 4180), UTF-8 with or without a byte order mark. The first line names the columns, each
/// further line is a credential. Spaces around a cell are no part of it. Empty lines are passed over.
///
/// # Errors
/// Every wrong cell is in [`SheetError::Refused`], in the order of the file; no rows are given then.
pub fn parse_sheet(bytes: &[u8], definition: &TypeDefinition) -> Result<Vec<Row>, SheetError> {
    let text = decode(bytes)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let Some(head) = records.next() else {
        return Err(SheetError::NoRows);
    };
    let head = record(head)?;
    check_separator(&head)?;
    let mut lines = LineCounter::new(text);
    let mut refusal = Refusal::new();
    let header = Header::read(lines.line_of(&head), &cells(&head), definition, &mut refusal);
    if refusal.total > 0 {
        // With a wrong header, errors of the rows would be noise.
        return Err(refusal.into());
    }
    let mut rows = Vec::new();
    let mut seen = Seen::default();
    for (count, next) in records.enumerate() {
        if count >= MAX_ROWS {
            return Err(SheetError::TooManyRows);
        }
        let next = record(next)?;
        let cells = cells(&next);
        let mut line = Line {
            number: lines.line_of(&next),
            cells: &cells,
            header: &header,
            refusal: &mut refusal,
        };
        if let Some(row) = line.row(definition, &mut seen) {
            rows.push(row);
        }
    }
    match (refusal.total, rows.is_empty()) {
        (0, true) => Err(SheetError::NoRows),
        (0, false) => Ok(rows),
        (_, _) => Err(refusal.into()),
    }
}

/// An empty sheet for a type: the header, in Chinese labels, with a byte order mark so that spreadsheet programs take it
/// for UTF-8.
#[must_use]
pub fn template(definition: &TypeDefinition) -> String {
    let common = Common::ALL.iter().filter_map(|column| column.names().nth(1));
    let own = definition
        .claims()
        .iter()
        .filter_map(|claim| claim.labels.get("zh").cloned());
    let names: Vec<String> = common
        .chain(own)
        .map(|name| format!("\"{}\"", name.replace('"', "\"\"")))
        .collect();
    format!("\u{feff}{}\r\n", names.join(","))
}

fn decode(bytes: &[u8]) -> Result<&str, SheetError> {
    if u64::try_from(bytes.len()).map_or(true, |length| length > MAX_SHEET_BYTES) {
        return Err(SheetError::TooLarge);
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(SheetError::NotUtf8 {
            line: 1,
            guess: " but UTF-16",
        });
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            let guess = " (perhaps GBK, as older spreadsheet programs save)";
            Err(SheetError::NotUtf8 {
                line: u64::try_from(line).unwrap_or(u64::MAX),
                guess,
            })
        }
    }
}

fn record(read: Result<StringRecord, csv::Error>) -> Result<StringRecord, SheetError> {
    // The text is UTF-8 and in memory, and lines may have any number of cells: what remains is the system's.
    read.map_err(|error| SheetError::File(error.into()))
}

fn cells(record: &StringRecord) -> Vec<&str> {
    record.iter().map(str::trim).collect()
}

/// Counts lines up to a record. The CSV reader's own count stands before empty lines, an error must stand behind them.
struct LineCounter<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    const fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            counted: 0,
            line: 1,
        }
    }

    /// The line on which a record starts; records come in the order of the file.
    fn line_of(&mut self, record: &StringRecord) -> u64 {
        let start = record.position().map_or(0, csv::Position::byte);
        while let Some(byte) = self.bytes.get(self.counted) {
            let is_before = u64::try_from(self.counted).is_ok_and(|counted| counted < start);
            if !is_before && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            let is_end = *byte == b'\n' || (*byte == b'\r' && self.bytes.get(self.counted + 1) != Some(&b'\n'));
            self.line += u64::from(is_end);
            self.counted += 1;
        }
        self.line
    }
}

fn check_separator(head: &StringRecord) -> Result<(), SheetError> {
    match head.get(0) {
        Some(only) if head.len() == 1 && only.contains(';') => Err(SheetError::Separator("semicolons")),
        Some(only) if head.len() == 1 && only.contains('\t') => Err(SheetError::Separator("tabs")),
        Some(_) | None => Ok(()),
    }
}

/// Numbers of earlier lines.
#[derive(Default)]
struct Seen {
    printed_numbers: BTreeMap<String, u64>,
    identifiers: BTreeMap<String, u64>,
}

/// One line, and where its errors go.
struct Line<'a> {
    number: u64,
    cells: &'a [&'a str],
    header: &'a Header,
    refusal: &'a mut Refusal,
}

impl Line<'_> {
    /// The row, or `None` after all its errors were added.
    fn row(&mut self, definition: &TypeDefinition, seen: &mut Seen) -> Option<Row> {
        if !self.has_cells() {
            return None;
        }
        let before = self.refusal.total;
        let printed_number = self.printed_number(definition.bounds(), seen);
        let identifier = self.identifier(definition.bounds(), seen);
        let holder = self.holder(definition);
        let issued_on = self.common(Common::IssuedOn, cell::date);
        let valid_from = self.common(Common::ValidFrom, cell::date);
        let validity = self.common(Common::ValidUntil, |cell| {
            let until = cell::validity(cell)?;
            match (valid_from, until) {
                (Some(from), Validity::Until(until)) if until < from => {
                    Err(Problem::EndsBeforeItStarts(from.to_string()))
                }
                (_, until) => Ok(until),
            }
        });
        let claims = self.claims(definition);
        if self.refusal.total > before {
            return None;
        }
        Some(Row {
            line: self.number,
            printed_number: printed_number?,
            identifier,
            holder: holder?,
            issued_on: issued_on?,
            valid_from: valid_from?,
            validity: validity?,
            claims,
        })
    }

    fn has_cells(&mut self) -> bool {
        let (expected, got) = (self.header.width(), self.cells.len());
        let problem = match (self.cells.iter().all(|cell| cell.is_empty()), got == expected) {
            (true, _) => Problem::EmptyRow,
            (false, false) => Problem::Cells { expected, got },
            (false, true) => return true,
        };
        self.refusal.add(RowError::line(self.number, problem));
        false
    }

    fn printed_number(&mut self, bounds: &Bounds, seen: &mut Seen) -> Option<String> {
        let line = self.number;
        self.common(Common::PrintedNumber, |cell| {
            let number = cell::text(cell, bounds.printed_number)?;
            once(&mut seen.printed_numbers, &number, line)?;
            Ok(number)
        })
    }

    fn identifier(&mut self, bounds: &Bounds, seen: &mut Seen) -> Option<String> {
        let line = self.number;
        self.common(Common::Identifier, |cell| {
            let identifier = cell::text(cell, bounds.identifier)?;
            check_certificate_identifier(&identifier)?;
            once(&mut seen.identifiers, &identifier, line)?;
            Ok(identifier)
        })
    }

    fn holder(&mut self, definition: &TypeDefinition) -> Option<Holder> {
        let bounds = definition.bounds();
        let name = self.common(Common::HolderName, |cell| cell::text(cell, bounds.holder_name));
        let latin_name = self.common(Common::HolderLatinName, |cell| {
            cell::latin(cell, bounds.holder_latin_name)
        });
        let allowed = definition.holder_codes().iter();
        let code_type = self.common(Common::HolderCodeType, |cell| cell::holder_code_type(cell, allowed));
        let code = self.common(Common::HolderCode, |cell| holder_code(cell, bounds, code_type));
        let key = self.common(Common::HolderKey, cell::holder_key);
        Some(Holder {
            name: name?,
            latin_name,
            code_type: code_type?,
            code: code?,
            key,
        })
    }

    fn claims(&mut self, definition: &TypeDefinition) -> Vec<(u64, ClaimValue)> {
        let mut claims = Vec::new();
        for claim in definition.claims() {
            let value = self.value(Meaning::Claim(claim.key), claim.required, |cell| {
                cell::claim(cell, &claim.kind)
            });
            claims.extend(value.map(|value| (claim.key, value)));
        }
        claims
    }

    fn common<T>(&mut self, column: Common, parse: impl FnOnce(&str) -> Result<T, Problem>) -> Option<T> {
        self.value(Meaning::Common(column), column.is_required(), parse)
    }

    /// The value of a cell; `None` if it is empty and may be, or after its error was added.
    fn value<T>(
        &mut self,
        meaning: Meaning,
        required: bool,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let index = self.header.index(meaning)?;
        let cell = self.cells.get(index).copied().unwrap_or_default();
        let problem = match (cell.is_empty(), required) {
            (true, false) => return None,
            (true, true) => Problem::Required,
            (false, _) => match parse(cell) {
                Ok(value) => return Some(value),
                Err(problem) => problem,
            },
        };
        self.refusal
            .add(RowError::cell(self.number, self.header.place(index), cell, problem));
        None
    }
}

fn holder_code(cell: &str, bounds: &Bounds, code_type: Option<HolderCodeType>) -> Result<String, Problem> {
    let code = cell::text(cell, bounds.holder_code)?;
    if let Some(code_type) = code_type {
        code_type.check(&code)?;
    }
    Ok(code)
}

fn once(seen: &mut BTreeMap<String, u64>, number: &str, line: u64) -> Result<(), Problem> {
    match seen.get(number) {
        Some(first) => Err(Problem::Duplicate(*first)),
        None => {
            seen.insert(number.to_owned(), line);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
