//! The record pool: what is admitted and waits for a block (DESIGN 5).

pub mod journal;
