//! The client.

pub mod desk;
pub mod render;
pub mod scan;
pub mod terminal;
