//! See `TARGETS`.
#![no_main]

concord_fuzz::fuzz!("type_definition");
