//! See `TARGETS`.
#![no_main]

concord_fuzz::fuzz!("renewed_certificate");
