//! The commands of `concordd`, one file each.

pub mod init;
pub mod keys;
pub mod localnet;
pub mod reindex;
pub mod start;

/// A command failed; the text says what to do.
pub type CommandError = Box<dyn std::error::Error + Send + Sync>;
