//! concordd.
fn main() {}
