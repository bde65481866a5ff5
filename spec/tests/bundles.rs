//! Trust bundles on a device: what takes the place of what is held, and every reason for which it does not.
//!
//! `CONCORD_PROPERTY_SEED` and `CONCORD_PROPERTY_RUNS` choose other histories and more of them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "bundles/random.rs"]
mod random;
#[path = "bundles/refusals.rs"]
mod refusals;
mod scene;
#[path = "bundles/story.rs"]
mod story;
#[path = "bundles/successions.rs"]
mod successions;
#[path = "bundles/year.rs"]
mod year;
