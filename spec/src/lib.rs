//! The Concord protocol.
