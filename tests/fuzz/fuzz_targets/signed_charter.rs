//! See `TARGETS`.
#![no_main]

concord_fuzz::fuzz!("signed_charter");
