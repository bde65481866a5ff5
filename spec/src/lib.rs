//! The Concord protocol: pure, no I/O, no clock, no randomness but what is passed in (DESIGN 3).
//!
//! Modules stand in the order in which data flows, and import only from above.

mod text;

pub mod digest;
pub mod codec;
pub mod id;
pub mod key;
pub mod cose;
pub mod merkle;
pub mod day;
pub mod catalogue;
pub mod content;
pub mod credential;
pub mod status;
pub mod seal;
pub mod vote;
pub mod charter;
pub mod recognition;
pub mod record;
pub mod block;
pub mod ledger;
pub mod receipt;
pub mod certificate;
pub mod presentation;
pub mod renewal;
pub mod status_proof;
pub mod epochs;
pub mod bundle;
pub mod verify;
#[cfg(any(test, feature = "world"))]
pub mod world;
