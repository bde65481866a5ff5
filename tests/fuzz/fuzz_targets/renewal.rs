//! See `TARGETS`.
#![no_main]

concord_fuzz::fuzz!("renewal");
