//! What people see on a terminal besides plain sentences: tables and progress bars.
//! Not here: the sentences, and JSON for programs.

mod progress;
mod table;

pub use progress::{Progress, progress};
pub use table::{Align, Table};
