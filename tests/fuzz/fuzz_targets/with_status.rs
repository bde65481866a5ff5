//! See `TARGETS`.
#![no_main]

concord_fuzz::fuzz!("with_status");
