//! See `TARGETS`.
#![no_main]

concord_fuzz::fuzz!("status_proof");
