//! The network with real sockets on loopback: who gets in, who is heard.

mod cluster;
mod engine;
mod membership;
mod strangers;
mod traffic;
