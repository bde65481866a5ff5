//! The Concord protocol: pure, no I/O, no clock, no randomness but what is passed in (DESIGN 3).
//!
//! Modules stand in the order in which data flows, and import only from above.

mod text;

pub mod codec;
pub mod cose;
pub mod digest;
pub mod id;
pub mod key;
pub mod merkle;
pub mod status;
