//! Rice codes of the gaps between ascending positions (Rice 1979; Golomb codes with a power of two).
//!
//! A gap g with parameter k is g >> k one-bits, a zero-bit, and the k low bits of g, most significant first. The first gap is the
//! first position, each later one the distance to the position before, less one. Bits fill bytes from the most significant on;
//! the last byte is filled with one-bits, which cannot be the beginning of a code that ends.

/// Parameters that are of use: a gap within a chunk has at most 12 bits.
pub(super) const PARAMETERS: std::ops::RangeInclusive<u8> = 0..=11;

/// Gaps of ascending positions.
pub(super) fn gaps(positions: impl Iterator<Item = u16>) -> Vec<u16> {
    let mut next = 0_u16;
    positions
        .map(|position| {
            let gap = position.saturating_sub(next);
            next = position.saturating_add(1);
            gap
        })
        .collect()
}

/// Length of the code in bytes.
pub(super) fn coded_len(gaps: &[u16], parameter: u8) -> usize {
    let bits: usize = gaps
        .iter()
        .map(|gap| {
            usize::from(gap >> parameter)
                .saturating_add(usize::from(parameter))
                .saturating_add(1)
        })
        .sum();
    bits.div_ceil(8)
}

/// The least length in bytes of a code of so many gaps; it grows with the parameter.
pub(super) fn least_len(gaps: usize, parameter: u8) -> usize {
    gaps.saturating_mul(usize::from(parameter).saturating_add(1))
        .div_ceil(8)
}

/// The code.
pub(super) fn code(gaps: &[u16], parameter: u8) -> Vec<u8> {
    let mut bits = BitWriter::default();
    for gap in gaps {
        bits.gap(u64::from(*gap), parameter);
    }
    bits.filled()
}

/// The positions below `end` that a code names; reading stops at the first thing that is none. Whether the code is the one
/// valid code is for the caller to find out, by coding the result again.
pub(super) fn positions(code: &[u8], parameter: u8, end: u16) -> Vec<u16> {
    let mut bits = code
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1 == 1));
    let mut positions = Vec::new();
    let mut next = 0_u32;
    while let Some(gap) = read_gap(&mut bits, parameter) {
        let position = next.saturating_add(gap);
        match u16::try_from(position) {
            Ok(position) if position < end => positions.push(position),
            Ok(_) | Err(_) => break,
        }
        next = position.saturating_add(1);
    }
    positions
}

fn read_gap(bits: &mut impl Iterator<Item = bool>, parameter: u8) -> Option<u32> {
    let mut quotient = 0_u32;
    while bits.next()? {
        // No code has more bits than a chunk's 513 bytes: this stays far from overflowing.
        quotient = quotient.saturating_add(1);
    }
    let mut gap = quotient;
    for _ in 0..parameter {
        gap = gap.checked_mul(2)?.saturating_add(u32::from(bits.next()?));
    }
    Some(gap)
}

/// Bits into bytes, the most significant first.
#[derive(Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits used of the last byte; 0 when it is full.
    used: u8,
}

impl BitWriter {
    /// Begins after a byte.
    pub(super) fn after(byte: u8) -> Self {
        Self {
            bytes: vec![byte],
            used: 0,
        }
    }

    /// Appends the code of a gap.
    pub(super) fn gap(&mut self, gap: u64, parameter: u8) {
        for _ in 0..gap >> parameter {
            self.push(true);
        }
        self.push(false);
        for place in (0..parameter).rev() {
            self.push(gap >> place & 1 == 1);
        }
    }

    /// The bytes, the last one filled with one-bits.
    pub(super) fn filled(mut self) -> Vec<u8> {
        while self.used != 0 {
            self.push(true);
        }
        self.bytes
    }

    fn push(&mut self, bit: bool) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << 7_u8.saturating_sub(self.used);
        }
        self.used = self.used.saturating_add(1) % 8;
    }
}
