//! The desk: from an office's sheet to rows that can be signed.
//! Not here: credentials, batches and records, which are made from the rows.

pub mod definition;
pub mod identifier;
pub mod row;
pub mod sheet;

mod cell;
mod column;
