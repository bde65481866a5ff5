//! The desk: from an office's sheet to certificates (DESIGN 6, clerk).
//!
//! Sheet -> rows -> content -> credentials -> batches -> signed issue records -> journal -> ledger -> receipts ->
//! certificates. Nothing is handed in before it is in the [`journal`], and nothing is released before its receipt and its
//! code were checked.

pub mod identifier;

pub mod row;

pub mod definition;

pub mod sheet;

pub mod content;

pub mod batch;

pub mod statement;

pub mod journal;

pub mod regions;

pub mod issuing;

pub mod release;

pub mod size;

mod cell;
mod column;
