use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::codec::{from_slice, to_vec};
use crate::digest::leaf_hash;
use crate::id::SeriesId;
use crate::merkle;

fn chunk_of(places: impl IntoIterator<Item = u16>) -> Chunk {
    let mut chunk = Chunk::empty();
    places.into_iter().for_each(|place| chunk.set(place, true));
    chunk
}

/// Every byte string that spells this chunk in some mode, the valid one included.
fn all_spellings(chunk: &Chunk) -> Vec<Vec<u8>> {
    let members: Vec<u16> = chunk.places().collect();
    let others: Vec<u16> = (0..CHUNK_NUMBERS).filter(|p| !chunk.contains(*p)).collect();
    let mut bitmap = vec![2_u8; 1];
    bitmap.extend((0..512).map(|byte| (0..8).fold(0, |b, bit| b << 1 | u8::from(chunk.contains(byte * 8 + bit)))));
    let mut all = vec![bitmap];
    for (mode, places) in [(0x10, &members), (0x20, &others)] {
        for parameter in 0..12_u8 {
            let mut bits = String::new();
            let mut next = 0;
            for place in places {
                let gap = usize::from(place - next);
                next = place + 1;
                bits += &"1".repeat(gap >> parameter);
                bits += "0";
                if parameter > 0 {
                    bits += &format!(
                        "{:0width$b}",
                        gap & ((1 << parameter) - 1),
                        width = usize::from(parameter)
                    );
                }
            }
            while !bits.len().is_multiple_of(8) {
                bits += "1";
            }
            let bytes = bits
                .as_bytes()
                .chunks(8)
                .map(|b| u8::from_str_radix(std::str::from_utf8(b).unwrap(), 2).unwrap());
            all.push(std::iter::once(mode | parameter).chain(bytes).collect());
        }
    }
    if members.is_empty() {
        all.push(vec![0]);
    }
    if others.is_empty() {
        all.push(vec![1]);
    }
    all
}

fn assert_one_encoding(chunk: &Chunk) {
    let spellings = all_spellings(chunk);
    let valid = spellings.iter().min_by_key(|s| (s.len(), s[0])).unwrap();
    assert_eq!(&chunk.encode(), valid);
    for spelling in &spellings {
        match Chunk::decode(spelling) {
            Ok(decoded) => assert_eq!((&decoded, spelling), (chunk, valid)),
            Err(error) => assert!(spelling != valid, "{error}"),
        }
    }
    // More bytes may spell another set, fewer too, but never this one.
    for extra in [0x00, 0xff] {
        assert!(Chunk::decode(&[valid.as_slice(), &[extra]].concat()).as_ref() != Ok(chunk));
    }
    for len in 0..valid.len() {
        assert!(Chunk::decode(&valid[..len]).as_ref() != Ok(chunk));
    }
}

#[test]
fn chunks_of_every_shape_have_one_encoding() {
    assert_eq!(Chunk::empty().encode(), [0]);
    assert_eq!(Chunk::full().encode(), [1]);
    for chunk in [
        Chunk::empty(),
        Chunk::full(),
        chunk_of([0]),
        chunk_of([4095]),
        chunk_of(0..4095),
        chunk_of(1..4096),
        chunk_of([0, 4095]),
        chunk_of((0..4096).step_by(2)),
        chunk_of((1..4096).step_by(2)),
        chunk_of((0..4096).step_by(3)),
        chunk_of((0..4096).step_by(100)),
        chunk_of(0..2048),
        chunk_of(2048..4096),
        chunk_of((0..4096).filter(|p| u32::from(*p) * 7919 % 4096 < 1700)),
        chunk_of((0..4096).filter(|p| u32::from(*p) * 7919 % 4096 < 3900)),
    ] {
        assert_one_encoding(&chunk);
    }
}

#[test]
fn the_examples_of_the_normative_text_hold() {
    let encoded = |chunk: &Chunk| hex::encode(chunk.encode());
    assert_eq!(encoded(&chunk_of([0])), "107f");
    assert_eq!(encoded(&chunk_of([1])), "10bf");
    assert_eq!(encoded(&chunk_of([4095])), "1aefff");
    assert_eq!(encoded(&chunk_of(1..4096)), "207f");
    assert_eq!(
        encoded(&chunk_of((0..4096).step_by(2))),
        format!("02{}", "aa".repeat(512))
    );
}

#[test]
fn a_chunk_with_one_percent_is_about_forty_two_bytes() {
    // Forty-one pseudo-random places.
    let chunk = chunk_of((1..=41_u32).map(|i| u16::try_from(i * i * 40_503 % 4096).unwrap_or_default()));
    let (len, members) = (chunk.encode().len(), chunk.places().count());
    assert!(
        (25..=41).contains(&members) && len <= 44,
        "{members} members in {len} bytes"
    );
}

#[test]
fn unknown_modes_and_parameters_are_refused() {
    for head in (0x03..=0x0f).chain(0x1c..=0x1f).chain(0x2c..=0xff) {
        assert_eq!(Chunk::decode(&[head, 0x7f]), Err(ChunkError::Mode(head)));
    }
    assert_eq!(Chunk::decode(&[]), Err(ChunkError::NotCanonical));
    assert_eq!(Chunk::decode(&[0x02; 514]), Err(ChunkError::NotCanonical));
    assert_eq!(Chunk::decode(&[0x02; 512]), Err(ChunkError::NotCanonical));
    // A number past the end, a gap that never ends.
    assert_eq!(
        Chunk::decode(&[0x1b, 0b1101_1111, 0b1111_1111]),
        Err(ChunkError::NotCanonical)
    );
    assert_eq!(Chunk::decode(&[0x10, 0xff, 0xff]), Err(ChunkError::NotCanonical));
}

fn naive_root(numbers: &BTreeSet<u64>) -> crate::digest::Digest {
    let chunks = numbers.last().map_or(0, |last| last / 4096 + 1);
    let leaf =
        |i: u64| leaf_hash(&chunk_of((0..4096).filter(|p| numbers.contains(&(i * 4096 + u64::from(*p))))).encode());
    merkle::root(&(0..chunks).map(leaf).collect::<Vec<_>>())
}

#[test]
fn precedence_is_annulled_revoked_superseded_suspended() {
    let mut status = SeriesStatus::issued_up_to(5000);
    let number = 4097;
    assert_eq!(status.standing(number), Standing::InForce);
    for (kind, standing) in [
        (StatusKind::Annotated, Standing::InForce),
        (StatusKind::Suspended, Standing::Suspended),
        (StatusKind::Superseded, Standing::Superseded),
        (StatusKind::Revoked, Standing::Revoked),
        (StatusKind::Annulled, Standing::Annulled),
    ] {
        assert!(status.insert(kind, number, 1));
        assert!(!status.insert(kind, number, 1), "nothing changes");
        assert_eq!(status.standing(number), standing);
        assert_eq!(status.standing(number + 1), Standing::InForce);
    }
    assert!(status.is_annotated(number) && !status.is_annotated(number - 1));
    assert_eq!(status.standing(4999), Standing::InForce);
    assert_eq!(status.standing(5000), Standing::NotIssued);
    assert_eq!(status.first_in(StatusKind::Revoked, 0, 5000), Some(number));
    assert_eq!(status.first_in(StatusKind::Revoked, number + 1, 5000), None);
}

#[test]
fn only_issued_numbers_get_a_status() {
    let mut status = SeriesStatus::issued_up_to(10);
    assert!(!status.insert(StatusKind::Revoked, 10, u64::MAX));
    assert!(status.insert(StatusKind::Revoked, 9, u64::MAX));
    assert_eq!(status.set(StatusKind::Revoked).iter().collect::<Vec<_>>(), [9]);
    assert_eq!(from_slice(&to_vec(&status), 64), Ok(status.clone()));
    let mut bytes = to_vec(&status);
    bytes[1] = 9;
    assert_eq!(
        from_slice::<SeriesStatus>(&bytes, 64),
        Err(CodecError::Invalid {
            what: "status of a number not issued"
        })
    );
}

#[test]
fn an_empty_set_costs_one_byte_in_the_leaf() {
    let mut status = SeriesStatus::issued_up_to(5);
    assert_eq!(hex::encode(status.leaf_bytes(SeriesId(7))), "870705f6f6f6f6f6");
    assert_eq!(hex::encode(to_vec(&status)), "86058080808080");
    let before = status.leaf(SeriesId(7));
    status.insert(StatusKind::Suspended, 3, 1);
    let root = status.set(StatusKind::Suspended).root();
    assert_eq!(
        hex::encode(status.leaf_bytes(SeriesId(7))),
        format!("870705f6f682015820{root}f6f6")
    );
    assert_ne!(status.leaf(SeriesId(7)), before);
    status.remove(StatusKind::Suspended, 0, u64::MAX);
    assert_eq!(status.leaf(SeriesId(7)), before, "what came and went leaves no trace");
}

#[test]
fn sets_with_trailing_empty_or_invalid_chunks_are_refused() {
    let mut set = StatusSet::new();
    set.insert_range(4096, 1);
    assert_eq!(
        hex::encode(to_vec(&set)),
        "824100421b07".replace("421b07", &format!("42{}", hex::encode(set.chunk(1).unwrap())))
    );
    for bytes in ["814100", "834100 4101 4100", "8140", "814102"] {
        let bytes = hex::decode(bytes.replace(' ', "")).unwrap();
        assert!(
            matches!(from_slice::<StatusSet>(&bytes, 64), Err(CodecError::Invalid { .. })),
            "{bytes:?}"
        );
    }
}

#[test]
fn kinds_have_codes_one_to_five() {
    assert_eq!(StatusKind::ALL.map(StatusKind::code), [1, 2, 3, 4, 5]);
    for kind in StatusKind::ALL {
        assert_eq!(StatusKind::from_code(kind.code()), Some(kind));
        assert_eq!(kind.to_string().parse(), Ok(kind));
    }
    assert_eq!(StatusKind::from_code(0), None);
    assert_eq!(
        from_slice::<StatusKind>(&[6], 1),
        Err(CodecError::UnknownKey {
            what: "status",
            found: 6
        })
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_chunks_have_one_encoding(density in 0_u32..=1000, seed in any::<u64>()) {
        let mut state = seed | 1;
        let chunk = chunk_of((0..CHUNK_NUMBERS).filter(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % 1000 < u64::from(density)
        }));
        assert_one_encoding(&chunk);
    }

    #[test]
    fn random_bytes_are_refused_or_the_one_encoding(head in any::<u8>(), body in prop::collection::vec(any::<u8>(), 0..20)) {
        let bytes = [vec![head], body].concat();
        if let Ok(chunk) = Chunk::decode(&bytes) {
            prop_assert_eq!(chunk.encode(), bytes);
        }
    }

    #[test]
    fn a_set_changed_in_place_is_the_set_built_anew(
        steps in prop::collection::vec((any::<bool>(), 0_u64..20_000, prop_oneof![0_u64..10, 0_u64..9000]), 0..12),
    ) {
        let (mut set, mut naive) = (StatusSet::new(), BTreeSet::new());
        for (insert, first, count) in steps {
            let before = (set.clone(), set.root(), naive.clone());
            let changed = if insert { set.insert_range(first, count) } else { set.remove_range(first, count) };
            for number in first..first + count {
                if insert { naive.insert(number); } else { naive.remove(&number); }
            }
            prop_assert_eq!(changed, naive != before.2);
            prop_assert_eq!(before.0.root(), before.1, "a clone never changes");
            prop_assert_eq!(set.root(), naive_root(&naive));
            prop_assert_eq!(set.is_empty(), naive.is_empty());
            prop_assert!(set.iter().eq(naive.iter().copied()));
            prop_assert!((0..20_000).step_by(97).all(|n| set.contains(n) == naive.contains(&n)));
            prop_assert_eq!(set.first_in(first, count), naive.range(first..first + count).next().copied());
            prop_assert_eq!(from_slice::<StatusSet>(&to_vec(&set), 1 << 16).map(|s| s.root()), Ok(set.root()));
            for index in 0..set.chunk_count() {
                let path = set.chunk_path(index).unwrap();
                let leaf = leaf_hash(set.chunk(index).unwrap());
                prop_assert_eq!(merkle::root_from_path(leaf, index, set.chunk_count(), &path), Ok(set.root()));
            }
        }
    }
}
