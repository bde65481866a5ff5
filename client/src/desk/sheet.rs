//! Sheets: an office's CSV file to rows, refused whole when one cell is wrong. Every row is checked before anything
//! is signed, and every error says where it is and what to do.

mod error;
mod header;
mod reader;

pub use error::{CellPlace, MAX_LISTED_ERRORS, Problem, Refusal, RowError, SheetError};
pub use reader::{MAX_ROWS, MAX_SHEET_BYTES, parse_sheet, read_sheet, template};
