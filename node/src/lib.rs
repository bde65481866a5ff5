//! The node of a region: replicates the ledger, votes, seals, serves (DESIGN 5).
//!
//! ```text
//! HTTP -> pool -> ledger <- consensus <-> network <-> other nodes
//!                   |
//!                 chain (log, cache)
//! ```
//!
//! In the order of the data: files that do not lose what was synced, what is kept in them, the pool, consensus, the
//! network, the ledger that joins them, the API, the node, its commands.

pub mod durable;
pub mod segments;
pub mod log;
pub mod cache;
pub mod bodies;
pub mod guard;
pub mod keystore;
pub mod pool;
pub mod chain;
pub mod consensus;
pub mod keys;
pub mod evidence;
pub mod network;
pub mod ledger;
pub mod metrics;
pub mod config;
pub mod membership;
pub mod found;
pub mod follow;
pub mod history;
pub mod bundles;
pub mod page;
pub mod http;
pub mod node;
pub mod command;
