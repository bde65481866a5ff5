//! Writes a node's log by `spec/text/log.md` and nothing else, as a third hand: neither the node's code nor the auditor's.

use concord_spec::block::Block;
use concord_spec::codec::{self, Writer};
use concord_spec::seal::Seal;
use std::path::Path;

/// `[1, block, seal, certificate]`.
pub(crate) fn entry(block: &[u8], seal: &Seal) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(4);
    w.uint(1);
    w.bytes(block);
    w.wire(seal);
    w.bytes(b"a commit certificate, which says nothing that the seal does not");
    w.into_vec()
}

/// A frame of a segment with this salt.
pub(crate) fn frame(salt: [u8; 8], number: u64, payload: &[u8]) -> Vec<u8> {
    let mut head = Vec::from(*b"CLOG");
    head.extend(number.to_be_bytes());
    head.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    head.extend(crc32c::crc32c(payload).to_be_bytes());
    let sum = crc32c::crc32c(&[&salt[..], &head].concat());
    [&head[..], &sum.to_be_bytes(), payload].concat()
}

/// A segment whose first frame has this number.
pub(crate) fn segment(salt: [u8; 8], first: u64, payloads: &[Vec<u8>]) -> Vec<u8> {
    let head = [&b"CSEG"[..], &salt].concat();
    let mut bytes = [&head[..], &crc32c::crc32c(&head).to_be_bytes()].concat();
    for (number, payload) in (first..).zip(payloads) {
        bytes.extend(frame(salt, number, payload));
    }
    bytes
}

/// A log of these blocks in a new directory, so many in a segment.
pub(crate) fn write(dir: &Path, blocks: &[(Block, Seal)], each: usize) {
    std::fs::create_dir_all(dir).unwrap();
    let entries: Vec<Vec<u8>> = blocks
        .iter()
        .map(|(block, seal)| entry(&codec::to_vec(block), seal))
        .collect();
    let mut first = 1_u64;
    for payloads in entries.chunks(each) {
        let name = format!("{first:020}.seg");
        let salt = (first ^ 0x5a17_0000_0000_0000_u64).to_be_bytes();
        std::fs::write(dir.join(name), segment(salt, first, payloads)).unwrap();
        first += u64::try_from(payloads.len()).unwrap();
    }
}
