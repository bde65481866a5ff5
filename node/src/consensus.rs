//! Consensus: the engine embedded, its vocabulary, and the loop between it and the ledger (DESIGN 5).
//!
//! In the order of the data: [`value`] what is agreed on, [`context`] the engine's vocabulary in our words, [`signing`],
//! [`parts`] a proposed block on its way, [`codec`] bytes of all of it.
//! Not here: which blocks are valid and what a commit does (the application the loop is given), sockets (`network`).

pub mod codec;
pub mod context;
pub mod parts;
pub mod signing;
pub mod value;
