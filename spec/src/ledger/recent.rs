//! Ids of records that cannot have expired yet: each enters the ledger once (DESIGN 4.3).
//!
//! A hash trie by the minute in which they expire: what a block adds is copied into few small nodes however many ids there
//! are. In one ordered tree, each id cost more the more there were.

use crate::id::UnixMillis;
use crate::record::RecordId;
use rpds::{HashTrieMapSync, RedBlackTreeMapSync};
use std::hash::{BuildHasherDefault, Hasher};

const MS_PER_MINUTE: u64 = 60_000;
/// Children of a node of the trie.
const DEGREE: u8 = 16;

type Ids = HashTrieMapSync<RecordId, UnixMillis, BuildHasherDefault<FirstBytes>>;

/// Ids are SHA-256 digests: their first bytes are as good a hash as any, and the same on every node.
#[derive(Debug, Clone, Copy, Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_be_bytes(*first);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The ids, each with the time after which its record is refused as expired.
#[derive(Debug, Clone, Default)]
pub(super) struct Recent(RedBlackTreeMapSync<u64, Ids>);

impl Recent {
    pub(super) fn contains(&self, not_after: UnixMillis, id: &RecordId) -> bool {
        self.0.get(&minute(not_after)).is_some_and(|ids| ids.contains_key(id))
    }

    pub(super) fn insert(&mut self, not_after: UnixMillis, id: RecordId) {
        let minute = minute(not_after);
        // In place: only what the last block shares is copied.
        match self.0.get_mut(&minute) {
            Some(ids) => ids.insert_mut(id, not_after),
            None => {
                let mut ids = Ids::new_with_hasher_and_degree_and_ptr_kind(BuildHasherDefault::default(), DEGREE);
                ids.insert_mut(id, not_after);
                self.0.insert_mut(minute, ids);
            }
        }
    }

    /// Takes out the minutes that have passed. An id may stay up to a minute longer than it must: its record is expired
    /// before anybody asks.
    pub(super) fn take_before(&mut self, time: UnixMillis) -> Vec<(UnixMillis, RecordId)> {
        let now = minute(time);
        let passed: Vec<u64> = self.0.keys().copied().take_while(|minute| *minute < now).collect();
        let mut taken = Vec::new();
        for minute in passed {
            if let Some(ids) = self.0.get(&minute) {
                taken.extend(ids.iter().map(|(id, not_after)| (*not_after, *id)));
            }
            self.0.remove_mut(&minute);
        }
        taken
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (UnixMillis, RecordId)> {
        let ids = self.0.values().flat_map(HashTrieMapSync::iter);
        ids.map(|(id, not_after)| (*not_after, *id))
    }
}

fn minute(time: UnixMillis) -> u64 {
    time.0 / MS_PER_MINUTE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn an_id_is_known_until_the_minute_after_its_record_expired() {
        let mut recent = Recent::default();
        let ids: Vec<RecordId> = (0..200).map(|index| Digest([index; 32])).collect();
        for (index, id) in (0..).zip(&ids) {
            recent.insert(UnixMillis(index * 1_000), *id);
        }
        assert_eq!(recent.iter().count(), 200);
        assert!(recent.contains(UnixMillis(199_000), &ids[199]));
        assert!(
            !recent.contains(UnixMillis(100_000), &ids[199]),
            "another time, another record"
        );
        let mut taken = recent.take_before(UnixMillis(120_001));
        taken.sort_unstable();
        let passed: Vec<_> = (0..120)
            .map(|index: u64| UnixMillis(index * 1_000))
            .zip(ids.clone())
            .collect();
        assert_eq!(taken, passed);
        assert!(!recent.contains(UnixMillis(119_000), &ids[119]));
        assert!(recent.contains(UnixMillis(120_000), &ids[120]));
        assert_eq!(recent.iter().count(), 80);
    }

    #[test]
    fn ids_that_begin_alike_are_told_apart() {
        let mut recent = Recent::default();
        let id = |last| {
            let mut bytes = [7; 32];
            bytes[31] = last;
            Digest(bytes)
        };
        (0..100).for_each(|last| recent.insert(UnixMillis(1), id(last)));
        assert!((0..100).all(|last| recent.contains(UnixMillis(1), &id(last))));
        assert!(!recent.contains(UnixMillis(1), &id(100)));
    }
}
