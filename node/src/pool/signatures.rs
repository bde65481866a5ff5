//! Signatures that were verified once and need not be again (DESIGN 5).
//!
//! What is remembered is a digest of key, message and signature, and so no more than that this signature is that key's over
//! that message. Who may sign, and how many must, `LedgerState::apply` checks each time.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use concord_spec::digest::{Digest, sha256};
use concord_spec::key::{BatchItem, verify_batch};
use concord_spec::ledger::{CheckSignatures, LedgerState};
use concord_spec::record::SignedRecord;
use rayon::prelude::*;

/// Least signatures that are worth another core.
const CHUNK: usize = 64;
/// Below so many, a batch that failed is verified one by one.
const SINGLY: usize = 8;

/// Verified signatures, at least as many of the latest as its capacity, at most twice as many.
#[derive(Debug)]
pub struct SignatureCache {
    capacity: usize,
    known: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashSet<Digest>,
    old: HashSet<Digest>,
}

impl Generations {
    fn contains(&self, digest: &Digest) -> bool {
        self.young.contains(digest) || self.old.contains(digest)
    }

    fn insert(&mut self, digest: Digest, capacity: usize) {
        if self.young.len() >= capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest);
    }
}

impl SignatureCache {
    /// Signatures of two full pools fit.
    pub const CAPACITY: usize = 131_072;

    /// An empty cache that keeps at least this many of the latest.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            known: Mutex::default(),
        }
    }

    /// Verifies, in batches across the cores, what is not known yet of the signatures of `records` by keyrings of `state`, and
    /// remembers those that hold. It decides nothing: what it leaves out is verified when the record is applied.
    pub fn warm<'a>(&self, state: &LedgerState, records: impl IntoIterator<Item = &'a SignedRecord>) {
        // By the next block's time another keyring may speak; then the record's signatures are verified when it is applied.
        let time = state.tip().time;
        let items = records.into_iter().filter_map(|record| {
            let keyring = state.keyring_at(&record.payload().actor, time)?;
            record.envelope().check(keyring).ok()
        });
        let (mut unknown, mut digests) = (Vec::new(), Vec::new());
        {
            let known = self.lock();
            for item in items.flatten() {
                let digest = digest(&item);
                if !known.contains(&digest) {
                    unknown.push(item);
                    digests.push(digest);
                }
            }
        }
        let threads = rayon::current_num_threads().max(1);
        let chunk = unknown.len().div_ceil(threads).max(CHUNK);
        if unknown.len() <= chunk {
            self.verify(&unknown, &digests);
        } else {
            let parts = unknown.par_chunks(chunk).zip(digests.par_chunks(chunk));
            parts.for_each(|(items, digests)| self.verify(items, digests));
        }
    }

    /// A batch that fails is halved, so that a forged signature costs its neighbours little.
    fn verify(&self, items: &[BatchItem], digests: &[Digest]) {
        if items.len() < SINGLY {
            for (item, digest) in items.iter().zip(digests) {
                if item.verify() {
                    self.lock().insert(*digest, self.capacity);
                }
            }
        } else if verify_batch(items, rand::random()) {
            let mut known = self.lock();
            digests.iter().for_each(|digest| known.insert(*digest, self.capacity));
        } else {
            let half = items.len() / 2;
            let ((left, right), (left_digests, right_digests)) = (items.split_at(half), digests.split_at(half));
            self.verify(left, left_digests);
            self.verify(right, right_digests);
        }
    }

    fn holds(&self, item: &BatchItem) -> bool {
        let digest = digest(item);
        if self.lock().contains(&digest) {
            return true;
        }
        let holds = item.verify();
        if holds {
            self.lock().insert(digest, self.capacity);
        }
        holds
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let known = self.lock();
        known.young.union(&known.old).count()
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        // A panic elsewhere leaves a set of true facts.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for SignatureCache {
    fn default() -> Self {
        Self::new(Self::CAPACITY)
    }
}

impl CheckSignatures for SignatureCache {
    fn all_hold(&self, _: &SignedRecord, items: &[BatchItem]) -> bool {
        items.iter().all(|item| self.holds(item))
    }
}

/// Key and signature have fixed lengths, so that one digest stands for one triple.
fn digest(item: &BatchItem) -> Digest {
    sha256(&[item.key.as_bytes(), &item.signature.0, &item.message])
}
