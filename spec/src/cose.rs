//! Our profile of COSE (RFC 9052): what is signed by one key ([`Sign1`]) and what a keyring signs ([`Signed`]).
//! Not here: what the payloads mean (`credential`, `record`).
//!
//! The profile: one encoding (deterministic CBOR, also inside the protected headers), untagged (where a message stands says
//! which of the two it is, and a tag would be a second encoding), payload attached, `external_aad` empty, unprotected headers
//! empty but for disclosures ([`Disclosing`]), algorithm Ed25519 (-19, RFC 9864) named in every protected header that a signature covers.
//! A stock COSE library verifies both.

mod header;
mod sign;
mod sign1;

pub use sign::{SignatureError, Signed};
pub use sign1::{Disclosing, Sign1};

#[cfg(test)]
mod tests;
