//! The node.

pub mod bodies;
pub mod cache;
pub mod consensus;
pub mod durable;
pub mod guard;
pub mod http;
pub mod log;
pub mod metrics;
pub mod network;
pub mod pool;
pub mod segments;
