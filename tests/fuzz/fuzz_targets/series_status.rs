//! See `TARGETS`.
#![no_main]

concord_fuzz::fuzz!("series_status");
