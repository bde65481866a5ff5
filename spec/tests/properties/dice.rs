//! Choices from a seed.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

#[derive(Debug)]
pub(crate) struct Dice(StdRng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0.gen_range(0..bound)
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Clone>(&mut self, of: impl IntoIterator<Item = T>) -> Option<T> {
        let all: Vec<T> = of.into_iter().collect();
        let bound = u64::try_from(all.len()).unwrap();
        (bound > 0).then(|| all[usize::try_from(self.below(bound)).unwrap()].clone())
    }

    /// Some of these, in their order.
    pub(crate) fn some<T>(&mut self, of: impl IntoIterator<Item = T>, percent: u64) -> Vec<T> {
        of.into_iter().filter(|_| self.chance(percent)).collect()
    }

    pub(crate) fn nonce(&mut self) -> [u8; 16] {
        self.0.r#gen()
    }
}
