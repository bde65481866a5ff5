//! Consensus: the engine embedded, its vocabulary, and the loop between it and the ledger (DESIGN 5).
//!
//! In the order of the data: [`value`] what is agreed on, [`context`] the engine's vocabulary in our words, [`signing`],
//! [`parts`] a proposed block on its way, [`codec`] bytes of all of it; [`application`] what the loop asks of the ledger,
//! [`pace`] when a height starts, `run` the loop, [`start`] engine and loop together.
//! Not here: which blocks are valid and what a commit does (`ledger`), sockets (`network`).

pub mod application;
pub mod codec;
pub mod context;
pub mod pace;
pub mod parts;
mod run;
mod shares;
pub mod signing;
pub mod start;
pub mod value;

#[cfg(test)]
mod tests;
