//! Trust bundles: the sealed state that a verifier carries (DESIGN 4.7; exact format: `spec/text/bundles.md`).
//!
//! ```text
//! bytes -> packed -> content -> (fits what is held) -> checked -> held
//! ```
//! [`TrustBundle`] and [`Delta`] are what travels, [`TrustedState`] is what was checked: charter, seal, header, and every
//! section against the sealed `state_root`. [`Held`] is what a device keeps, and says what may take its place. Who
//! carries a bundle is not trusted.

mod content;
mod delta;
mod error;
mod held;
mod packed;
mod selection;
mod trusted;

pub use content::{Anchor, MAX_ANCHORS, Section, SectionBody, SeriesEntry, TrustBundle};
pub use delta::{Course, Delta, RootChange, SectionChange, SectionChangeBody};
pub use error::BundleError;
pub use held::{Checkpoint, CheckpointError, Held, MAX_UNATTENDED_MS, Start, Terms};
pub use packed::{Kind, MAX_WINDOW, Packed};
pub use selection::{MAX_SELECTED, Selection};
pub use trusted::TrustedState;

/// Most bytes of a bundle, packed and unpacked.
pub const MAX_BUNDLE: usize = 512 << 20;
/// Ending of a bundle file.
pub const BUNDLE_EXTENSION: &str = "bundle";
