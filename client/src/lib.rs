//! Concord for offices, verifiers and auditors: what the program `concord` does, as a library (DESIGN 6).
//!
//! `desk` turns sheets into credentials, records and certificates; `render` draws codes and `scan` reads them (the crate
//! `concord-code`); `transport` speaks to nodes, `watch` follows them, `audit` replays what they hold; `keys` and `files` keep things on disk;
//! `terminal` shows tables and progress.

pub mod audit;
pub mod files;
pub mod keys;
pub mod terminal;
pub mod transport;
pub mod watch;

pub mod desk;

pub use concord_code::{render, scan};
