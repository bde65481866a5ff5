//! A chunk: which of 4,096 consecutive numbers are in a set, and its one encoding (`spec/text/status.md`).

use super::rice;

/// Numbers in a chunk.
pub const CHUNK_NUMBERS: u16 = 4096;
/// 64-bit words of a chunk in memory.
const WORDS: usize = 64;

// First bytes. Where two encodings are equally short, the one with the lower first byte is valid.
const EMPTY: u8 = 0x00;
const FULL: u8 = 0x01;
const RAW: u8 = 0x02;
/// Plus the parameter, 0 to 11: Rice-coded gaps between the numbers in the set.
const RICE: u8 = 0x10;
/// Plus the parameter, 0 to 11: Rice-coded gaps between the numbers not in the set.
const RICE_OF_COMPLEMENT: u8 = 0x20;

/// A set of places 0 to 4,095.
#[derive(Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Place p is bit 63 - p % 64 of word p / 64.
    words: [u64; WORDS],
}

/// Bytes that are not the one encoding of a chunk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// A first byte that names no mode.
    #[error("a status chunk has no mode {0:#04x}")]
    Mode(u8),
    /// A known mode, but the set has another, shorter or lower encoding, or these bytes encode nothing.
    #[error("not the one encoding of a status chunk")]
    NotCanonical,
}

impl Chunk {
    /// Longest encoding in bytes: a mode and a bitmap.
    pub const MAX_BYTES: usize = 513;

    /// Encoding of the empty chunk.
    pub const EMPTY_BYTES: &'static [u8] = &[EMPTY];

    /// No place.
    #[must_use]
    pub fn empty() -> Self {
        Self { words: [0; WORDS] }
    }

    /// Every place.
    #[must_use]
    pub fn full() -> Self {
        Self {
            words: [u64::MAX; WORDS],
        }
    }

    /// Whether no place is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words == [0; WORDS]
    }

    /// Whether a place is in it; none from 4,096 on is.
    #[must_use]
    pub fn contains(&self, place: u16) -> bool {
        self.words
            .get(usize::from(place / 64))
            .is_some_and(|word| word & mask(place) != 0)
    }

    /// Puts a place in or takes it out. Nothing happens from 4,096 on.
    pub fn set(&mut self, place: u16, member: bool) {
        if let Some(word) = self.words.get_mut(usize::from(place / 64)) {
            if member {
                *word |= mask(place);
            } else {
                *word &= !mask(place);
            }
        }
    }

    /// The places in it, ascending.
    pub fn places(&self) -> impl Iterator<Item = u16> {
        (0..).step_by(64).zip(self.words).flat_map(|(first, mut word)| {
            std::iter::from_fn(move || {
                let place = u16::try_from(word.leading_zeros()).ok().filter(|place| *place < 64)?;
                word &= !mask(place);
                Some(place.saturating_add(first))
            })
        })
    }

    fn complement(&self) -> Self {
        Self {
            words: self.words.map(|word| !word),
        }
    }

    /// The one encoding: the shortest, and of several equally short ones that with the lowest first byte.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        if self.is_empty() {
            return vec![EMPTY];
        }
        if *self == Self::full() {
            return vec![FULL];
        }
        let members = rice::gaps(self.places());
        let others = rice::gaps(self.complement().places());
        let mut best = (Self::MAX_BYTES, RAW);
        for (mode, gaps) in [(RICE, &members), (RICE_OF_COMPLEMENT, &others)] {
            for parameter in rice::PARAMETERS {
                // From here on the codes only grow.
                if rice::least_len(gaps.len(), parameter).saturating_add(1) > best.0 {
                    break;
                }
                let candidate = (rice::coded_len(gaps, parameter).saturating_add(1), mode | parameter);
                best = best.min(candidate);
            }
        }
        let (_, head) = best;
        let body = match split(head) {
            Some((RICE, parameter)) => rice::code(&members, parameter),
            Some((RICE_OF_COMPLEMENT, parameter)) => rice::code(&others, parameter),
            Some(_) | None => self.words.iter().flat_map(|word| word.to_be_bytes()).collect(),
        };
        [vec![head], body].concat()
    }

    /// Decodes an encoding.
    ///
    /// # Errors
    /// Anything but the one encoding of a set.
    pub fn decode(bytes: &[u8]) -> Result<Self, ChunkError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(ChunkError::NotCanonical);
        }
        let chunk = Self::read(bytes)?;
        if chunk.encode() == bytes {
            Ok(chunk)
        } else {
            Err(ChunkError::NotCanonical)
        }
    }

    /// Reads an encoding without asking whether it is the one: for bytes that were made or checked here.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ChunkError> {
        let (head, body) = bytes.split_first().ok_or(ChunkError::NotCanonical)?;
        match *head {
            EMPTY => Ok(Self::empty()),
            FULL => Ok(Self::full()),
            RAW => Ok(Self::from_bitmap(body)),
            head => match split(head) {
                Some((RICE, parameter)) => Ok(Self::of(Self::empty(), body, parameter, true)),
                Some((RICE_OF_COMPLEMENT, parameter)) => Ok(Self::of(Self::full(), body, parameter, false)),
                Some(_) | None => Err(ChunkError::Mode(head)),
            },
        }
    }

    fn of(mut chunk: Self, code: &[u8], parameter: u8, member: bool) -> Self {
        for place in rice::positions(code, parameter, CHUNK_NUMBERS) {
            chunk.set(place, member);
        }
        chunk
    }

    fn from_bitmap(bitmap: &[u8]) -> Self {
        let mut chunk = Self::empty();
        let (bytes, _) = bitmap.as_chunks();
        for (word, bytes) in chunk.words.iter_mut().zip(bytes) {
            *word = u64::from_be_bytes(*bytes);
        }
        chunk
    }
}

impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.places()).finish()
    }
}

/// A first byte of a Rice mode: the mode and its parameter.
fn split(head: u8) -> Option<(u8, u8)> {
    let (mode, parameter) = (head & 0xf0, head & 0x0f);
    (matches!(mode, RICE | RICE_OF_COMPLEMENT) && rice::PARAMETERS.contains(&parameter)).then_some((mode, parameter))
}

fn mask(place: u16) -> u64 {
    (1 << 63) >> (place % 64)
}
