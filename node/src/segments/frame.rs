//! One frame: a 24-byte header and a payload, both under CRC-32C.
//!
//! ```text
//! 0   4  magic of the store
//! 4   8  number, u64 big-endian
//! 12  4  payload length, u32 big-endian
//! 16  4  CRC-32C of the payload
//! 20  4  CRC-32C of the segment's salt and the 20 bytes above
//! ```
//! The header has its own sum, so that the place of the next frame is known even where a payload is bad. The salt,
//! random for each segment, keeps a payload from imitating a frame: whoever writes records does not know it.

/// Bytes of a frame header.
pub(super) const HEADER_BYTES: usize = 24;

/// Most bytes of a payload: 16 MiB.
pub const MAX_PAYLOAD_BYTES: usize = 16 << 20;

/// What a frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: u64,
    pub(super) length: u32,
    payload_crc: u32,
}

impl Header {
    /// The header of a payload given in parts; `None` if they are over [`MAX_PAYLOAD_BYTES`] together.
    pub(super) fn of(number: u64, parts: &[&[u8]]) -> Option<Self> {
        let total: usize = parts.iter().map(|p| p.len()).sum();
        let length = u32::try_from(total).ok().filter(|_| total <= MAX_PAYLOAD_BYTES)?;
        let payload_crc = parts.iter().fold(0, |crc, part| crc32c::crc32c_append(crc, part));
        Some(Self {
            number,
            length,
            payload_crc,
        })
    }

    pub(super) fn encode(&self, magic: [u8; 4], salt: u64) -> [u8; HEADER_BYTES] {
        let [m0, m1, m2, m3] = magic;
        let [n0, n1, n2, n3, n4, n5, n6, n7] = self.number.to_be_bytes();
        let [l0, l1, l2, l3] = self.length.to_be_bytes();
        let [p0, p1, p2, p3] = self.payload_crc.to_be_bytes();
        let body = [
            m0, m1, m2, m3, n0, n1, n2, n3, n4, n5, n6, n7, l0, l1, l2, l3, p0, p1, p2, p3,
        ];
        let mut header = [0; HEADER_BYTES];
        let (front, back) = header.split_at_mut(body.len());
        front.copy_from_slice(&body);
        back.copy_from_slice(&sum(salt, &body).to_be_bytes());
        header
    }

    /// The header in these bytes; `None` if they are no header of this store and segment.
    pub(super) fn decode(bytes: &[u8; HEADER_BYTES], magic: [u8; 4], salt: u64) -> Option<Self> {
        let (found, rest) = bytes.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (payload_crc, rest) = rest.split_first_chunk::<4>()?;
        let header_crc = rest.first_chunk::<4>()?;
        let (body, _) = bytes.split_at_checked(HEADER_BYTES - 4)?;
        if *found != magic || sum(salt, body) != u32::from_be_bytes(*header_crc) {
            return None;
        }
        let header = Self {
            number: u64::from_be_bytes(*number),
            length: u32::from_be_bytes(*length),
            payload_crc: u32::from_be_bytes(*payload_crc),
        };
        (header.length as usize <= MAX_PAYLOAD_BYTES).then_some(header)
    }

    /// Whether this is the payload that the header was made for.
    pub(super) fn matches(&self, payload: &[u8]) -> bool {
        payload.len() == self.length as usize && crc32c::crc32c(payload) == self.payload_crc
    }

    /// Bytes of the whole frame.
    pub(super) fn frame_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.length)
    }
}

fn sum(salt: u64, body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&salt.to_be_bytes()), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_only_unchanged_and_under_its_salt() {
        let header = Header::of(7, &[b"ab", b"c"]).unwrap();
        let bytes = header.encode(*b"TEST", 5);
        assert_eq!(Header::decode(&bytes, *b"TEST", 5), Some(header));
        assert_eq!(Header::decode(&bytes, *b"TEST", 6), None);
        assert_eq!(Header::decode(&bytes, *b"TESU", 5), None);
        for i in 0..HEADER_BYTES {
            let mut other = bytes;
            other[i] ^= 1;
            assert_eq!(Header::decode(&other, *b"TEST", 5), None, "byte {i}");
        }
        assert!(header.matches(b"abc"));
        assert!(!header.matches(b"abd"));
        assert!(!header.matches(b"abcd"));
    }

    #[test]
    fn a_payload_over_the_bound_has_no_header() {
        assert!(Header::of(1, &[&vec![0; MAX_PAYLOAD_BYTES]]).is_some());
        assert!(Header::of(1, &[&vec![0; MAX_PAYLOAD_BYTES], b"x"]).is_none());
    }
}
