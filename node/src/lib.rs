//! The node.

pub mod consensus;
