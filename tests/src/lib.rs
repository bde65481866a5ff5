//! The harness of the end-to-end tests: real `concordd` processes on loopback, and what does things to them and asks them.
//!
//! `programs -> cluster -> node -> api`; `ceremony` founds a federation by hand, `office` makes records, `ledger` reads back and checks what became of them,
//! `stranger` knocks at the network, `browser` shows the verifier page, `usage` reads what the processes use.
//! Not here: the claims themselves (`tests/*.rs`), the benchmark (`src/bin/bench`).

pub mod api;
pub mod browser;
pub mod ceremony;
pub mod certify;
pub mod cluster;
pub mod error;
pub mod governance;
pub mod ledger;
pub mod load;
pub mod node;
pub mod office;
pub mod programs;
pub mod stranger;
pub mod usage;
pub mod wait;

pub use api::{Api, RecordState, Submitted};
pub use cluster::{Cluster, Options};
pub use error::{HarnessError, claim, exit_code};
pub use office::{Book, Office};

/// What harness functions and tests return.
pub type Result<T = ()> = std::result::Result<T, HarnessError>;
