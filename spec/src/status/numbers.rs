//! Ascending numbers in few bits: Rice-coded gaps, as within a chunk, but without its bound (`spec/text/bundles.md`).

use super::rice::BitWriter;
use crate::codec::{CodecError, Reader, Wire, Writer};

/// Most bytes of a list of numbers.
pub const MAX_NUMBERS_BYTES: usize = 64 << 20;
/// Most low bits of a gap that are written as they are.
const MAX_PARAMETER: u8 = 63;

/// Numbers, ascending, each once. Kept as they travel: a byte string, empty for none, else a byte for the parameter and the
/// Rice code. Exactly one encoding is valid, that of the parameter that makes it shortest, the lowest of several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers(Vec<u8>);

impl Numbers {
    /// These numbers, which must ascend; one that does not is left out.
    #[must_use]
    pub fn of(numbers: impl IntoIterator<Item = u64>) -> Self {
        let mut gaps = Vec::new();
        let mut next = Some(0_u64);
        for number in numbers {
            if let Some(gap) = next.and_then(|next| number.checked_sub(next)) {
                gaps.push(gap);
                next = number.checked_add(1);
            }
        }
        if gaps.is_empty() {
            return Self::default();
        }
        let mut lengths = Lengths::default();
        gaps.iter().for_each(|gap| lengths.add(*gap));
        let parameter = lengths.best();
        let mut bits = BitWriter::after(parameter);
        for gap in gaps {
            bits.gap(gap, parameter);
        }
        Self(bits.filled())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let mut next = Some(0_u64);
        self.gaps().map_while(move |gap| {
            let number = next?.checked_add(gap)?;
            next = number.checked_add(1);
            Some(number)
        })
    }

    fn gaps(&self) -> Gaps<'_> {
        let (parameter, code) = self.0.split_first().map_or((0, [].as_slice()), |(k, code)| (*k, code));
        Gaps {
            code,
            parameter,
            bit: 0,
            whole: 0,
        }
    }

    /// Whether these bytes are the one encoding of what they say.
    fn is_canonical(&self) -> bool {
        let Some((parameter, code)) = self.0.split_first() else {
            return true;
        };
        if *parameter > MAX_PARAMETER {
            return false;
        }
        let (mut lengths, mut next, mut gaps) = (Lengths::default(), Some(0_u64), self.gaps());
        for gap in gaps.by_ref() {
            lengths.add(gap);
            let Some(number) = next.and_then(|next| next.checked_add(gap)) else {
                return false;
            };
            next = number.checked_add(1);
        }
        // What is left begins a gap that never ends: ones up to the end of the byte.
        let used = gaps.whole.div_ceil(8);
        let rest = (gaps.whole..)
            .take_while(|bit| bit / 8 < code.len())
            .all(|bit| bit_at(code, bit) == Some(true));
        lengths.count > 0 && rest && used == code.len() && lengths.best() == *parameter
    }
}

fn bit_at(code: &[u8], bit: usize) -> Option<bool> {
    let place = 7_usize.saturating_sub(bit % 8);
    code.get(bit / 8).map(|byte| byte >> place & 1 == 1)
}

struct Gaps<'a> {
    code: &'a [u8],
    parameter: u8,
    bit: usize,
    /// Bits of the gaps that were read whole.
    whole: usize,
}

impl Gaps<'_> {
    fn next_bit(&mut self) -> Option<bool> {
        let bit = bit_at(self.code, self.bit)?;
        self.bit = self.bit.saturating_add(1);
        Some(bit)
    }
}

impl Iterator for Gaps<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let mut gap = 0_u64;
        while self.next_bit()? {
            gap = gap.saturating_add(1);
        }
        for _ in 0..self.parameter {
            gap = gap.checked_mul(2)?.saturating_add(u64::from(self.next_bit()?));
        }
        self.whole = self.bit;
        Some(gap)
    }
}

/// Length in bits of a code by its parameter.
struct Lengths {
    bits: [u128; 64],
    count: u64,
}

impl Default for Lengths {
    fn default() -> Self {
        Self {
            bits: [0; 64],
            count: 0,
        }
    }
}

impl Lengths {
    fn add(&mut self, gap: u64) {
        self.count = self.count.saturating_add(1);
        for (parameter, bits) in (0_u8..).zip(self.bits.iter_mut()) {
            let len = u128::from(gap >> parameter)
                .saturating_add(u128::from(parameter))
                .saturating_add(1);
            *bits = bits.saturating_add(len);
        }
    }

    fn best(&self) -> u8 {
        let by_bytes = (0_u8..)
            .zip(self.bits)
            .map(|(parameter, bits)| (bits.div_ceil(8), parameter));
        by_bytes.min().map_or(0, |(_, parameter)| parameter)
    }
}

impl Wire for Numbers {
    fn encode(&self, w: &mut Writer) {
        w.bytes(&self.0);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let numbers = Self(r.bytes(MAX_NUMBERS_BYTES)?.to_vec());
        if numbers.is_canonical() {
            Ok(numbers)
        } else {
            Err(CodecError::Invalid {
                what: "list of numbers",
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{from_slice, to_vec};

    #[test]
    fn numbers_come_back_as_they_were() {
        let every_third: Vec<u64> = (0..5_000).map(|n| n * 3).collect();
        let lists = [
            vec![],
            vec![0],
            vec![u64::MAX],
            vec![0, u64::MAX],
            (0..1_000).collect(),
            every_third,
            vec![7, 8, 9, 70_000, 1 << 40],
        ];
        for list in lists {
            let numbers = Numbers::of(list.iter().copied());
            assert_eq!(numbers.iter().collect::<Vec<_>>(), list);
            assert_eq!(from_slice(&to_vec(&numbers), 1 << 20), Ok(numbers));
        }
    }

    #[test]
    fn a_list_has_one_encoding() {
        let good = Numbers::of([1_000, 2_000, 3_500]);
        let mut accepted = 0;
        for position in 0..good.0.len() {
            for bit in 0..8 {
                let mut changed = good.clone();
                changed.0[position] ^= 1 << bit;
                if let Ok(other) = from_slice::<Numbers>(&to_vec(&changed), 1 << 20) {
                    assert_eq!(Numbers::of(other.iter()), other);
                    accepted += 1;
                }
            }
        }
        assert!(accepted > 0, "other numbers have encodings of their own");
        for bad in [
            vec![0_u8],
            vec![64, 0],
            [good.0.as_slice(), &[0xff]].concat(),
            vec![0, 0xff],
        ] {
            assert!(from_slice::<Numbers>(&to_vec(&Numbers(bad)), 1 << 20).is_err());
        }
    }

    #[test]
    fn random_numbers_cost_little_more_than_their_entropy() {
        // 2,740 of 10^8: one in 100 over ten years, a day's part.
        let mut state = 1_u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % 100_000_000
        };
        let numbers: std::collections::BTreeSet<u64> = (0..2_740).map(|_| random()).collect();
        let bits = to_vec(&Numbers::of(numbers.iter().copied())).len() * 8;
        let (m, n) = (numbers.len() as f64, 100_000_000_f64);
        let bound = m * (n / m).log2() + m * std::f64::consts::LOG2_E;
        assert!((bits as f64) < 1.15 * bound, "{bits} bits, the bound is {bound}");
    }
}
