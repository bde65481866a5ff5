//! The client.

pub mod render;
pub mod scan;
