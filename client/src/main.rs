//! concord.
fn main() {}
