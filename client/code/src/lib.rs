//! Codes: `render` draws them, `scan` reads them from pictures, files and keyboard scanners (DESIGN 4.8).
//!
//! A crate of its own, since the program `concord` and the verifier page both read codes, and the page's WebAssembly must not
//! carry what only a desk needs (spec/adr/0076).

pub mod render;
pub mod scan;
