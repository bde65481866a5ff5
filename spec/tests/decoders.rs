//! Every decoder refuses what is truncated, longer than it may be, followed by more, or written in another way.
//!
//! The structures and their samples are those of `world::structures`; the sources say which structures there are.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "decoders/rewrite.rs"]
mod rewrite;
#[path = "decoders/sources.rs"]
mod sources;

use concord_spec::codec::CodecError;
use concord_spec::record::{Action, Change};
use concord_spec::world::structures::{Structure, structures};
use rewrite::{Item, Spelling, parse};
use std::collections::BTreeSet;

/// Decoded within another structure and in no other way: their bytes are refused there.
const WITHIN_OTHERS: [&str; 2] = [
    // Protected headers of `Signed` and `Sign1`.
    "cose::header::Header",
    // A value of the node's cache, read by `LedgerState::restore`.
    "ledger::entries::TipEntry",
];

/// They hold bytes whose meaning others check: a payload (`SignedRecord`, `SignedCredential`), documents (by their roots).
/// Or lists of numbers, frames, and what carries them, which the whole bounds.
const OPAQUE: [&str; 12] = [
    "cose::sign::Signed",
    "cose::sign1::Sign1",
    "cose::sign1::Disclosing",
    "bundle::content::Section",
    "bundle::content::TrustBundle",
    "bundle::delta::Delta",
    "bundle::delta::SectionChange",
    "bundle::packed::Packed",
    "status::change::SeriesChange",
    "status::change::SetChange",
    "status::numbers::Numbers",
    "status_proof::beside::WithStatus",
];

/// Decoded by a function of their own, which checks signatures, or an envelope and its payload.
const CHECKED: [&str; 4] = [
    "record::SignedRecord",
    "credential::SignedCredential",
    "charter::card::Card",
    "charter::signed::SignedCharter",
];

/// Arrays without a bound of their own, bounded by the whole input: the chunks of a status set.
const UNBOUNDED_LISTS: [&str; 5] = [
    "status::set::StatusSet",
    "status::series::SeriesStatus",
    "bundle::content::SeriesEntry",
    "bundle::content::Section",
    "bundle::content::TrustBundle",
];

fn short(structure: &Structure) -> &'static str {
    let path = structure.name.strip_prefix("concord_spec::").unwrap();
    path.split_once('<').map_or(path, |(generic, _)| generic)
}

fn embedded(structure: &Structure) -> bool {
    !OPAQUE.contains(&short(structure))
}

/// Each sample of each structure.
fn each(mut check: impl FnMut(&Structure, &[u8], &Item)) {
    for structure in structures().unwrap() {
        assert!(!structure.samples.is_empty(), "{} has no sample", structure.name);
        for sample in &structure.samples {
            let (item, rest) = parse(sample).unwrap();
            assert!(rest.is_empty());
            check(&structure, sample, &item);
        }
    }
}

#[test]
fn every_structure_in_the_sources_is_tested_here() {
    let tested: BTreeSet<String> = structures().unwrap().iter().map(|one| short(one).to_owned()).collect();
    let found = sources::structures();
    assert!(
        found.len() > 60,
        "the sources are not read as they should be: {found:?}"
    );
    let not_tested: Vec<&String> = found
        .difference(&tested)
        .filter(|name| !WITHIN_OTHERS.contains(&name.as_str()))
        .collect();
    assert!(
        not_tested.is_empty(),
        "add samples to world::structures of {not_tested:?}"
    );
    let not_there: Vec<&String> = tested
        .difference(&found)
        .filter(|name| !CHECKED.contains(&name.as_str()))
        .collect();
    assert!(not_there.is_empty(), "{not_there:?} are not in the sources");
}

#[test]
fn every_kind_of_action_and_of_change_has_a_sample() {
    let kinds = |path: &str| -> BTreeSet<u64> {
        let all = structures().unwrap();
        let found = all.iter().find(|one| short(one) == path).unwrap();
        let kind = |sample: &Vec<u8>| parse(sample).unwrap().0.children[0].argument;
        found.samples.iter().map(kind).collect()
    };
    let known = |kinds: &[(u64, &str)]| -> BTreeSet<u64> { kinds.iter().map(|(kind, _)| *kind).collect() };
    assert_eq!(kinds("record::action::Action"), known(Action::KINDS));
    assert_eq!(kinds("record::governance::Change"), known(Change::KINDS));
}

#[test]
fn every_sample_decodes_to_what_encodes_to_the_same_bytes() {
    each(|structure, sample, item| {
        assert_eq!((structure.decode)(sample).as_deref(), Ok(sample), "{}", structure.name);
        // The rewriter leaves everything but the changed item as it is.
        let unchanged = item.write(embedded(structure), usize::MAX, Spelling::Tag);
        assert_eq!(unchanged, sample, "{}", structure.name);
    });
}

#[test]
fn every_truncation_is_refused() {
    each(|structure, sample, _| {
        for len in 0..sample.len() {
            let found = (structure.decode)(&sample[..len]);
            assert_eq!(found, Err(CodecError::Truncated), "{} cut to {len}", structure.name);
        }
    });
}

#[test]
fn trailing_bytes_are_refused() {
    each(|structure, sample, _| {
        for extra in [&[0x00][..], &[0xf6], &[0xff], sample] {
            let found = (structure.decode)(&[sample, extra].concat());
            let count = extra.len();
            assert_eq!(found, Err(CodecError::TrailingBytes { count }), "{}", structure.name);
        }
    });
}

#[test]
fn more_bytes_than_the_bound_are_refused_before_they_are_read() {
    for structure in structures().unwrap() {
        let (found, max) = (structure.max + 1, structure.max);
        assert_eq!(
            (structure.decode)(&vec![0; found]),
            Err(CodecError::TooLong { found, max }),
            "{}",
            structure.name
        );
    }
}

#[test]
fn every_item_written_in_another_way_is_refused() {
    let mut tried = 0;
    each(|structure, _, item| {
        let embedded = embedded(structure);
        for (at, part) in item.all(embedded).into_iter().enumerate() {
            for change in part.changes() {
                let bytes = item.write(embedded, at, change);
                let found = (structure.decode)(&bytes);
                let canonical = !matches!(change, Spelling::LongHead(_) | Spelling::Indefinite);
                assert!(
                    matches!(found, Err(CodecError::NotCanonical { .. })) || (canonical && found.is_err()),
                    "{} with {change:?} at item {at}: {found:?}, {}",
                    structure.name,
                    hex::encode(bytes)
                );
                tried += 1;
            }
        }
    });
    assert!(tried > 10_000, "{tried}");
}

#[test]
fn a_changed_bit_is_refused_or_has_one_encoding() {
    each(|structure, sample, _| {
        for at in 0..sample.len() {
            let mut bytes = sample.to_vec();
            bytes[at] ^= 1 << (at % 8);
            if let Ok(again) = (structure.decode)(&bytes) {
                assert_eq!(again, bytes, "{} with byte {at} changed", structure.name);
            }
        }
    });
}

/// What a decoder says of a head that claims `claim` where no more than before is there.
fn claiming(structure: &Structure, item: &Item, at: usize, claim: u64) -> Result<(), CodecError> {
    (structure.read)(&item.write(false, at, Spelling::Claim(claim)))
}

#[test]
fn a_claimed_length_over_the_bound_is_refused_before_anything_is_read() {
    let mut bounds = 0;
    each(|structure, _, item| {
        for (at, part) in item.all(false).into_iter().enumerate() {
            if !matches!(part.major, 4 | 5) {
                continue;
            }
            // A decoder that makes room for what is claimed ends here.
            let max = match claiming(structure, item, at, 1 << 60) {
                Err(CodecError::OverBound { max, .. }) => max,
                Err(CodecError::WrongLength { .. }) => continue,
                // They check the whole of what they hold first, and their parts are tested by themselves.
                Err(CodecError::Truncated) if CHECKED.contains(&short(structure)) => continue,
                Err(CodecError::Truncated) if UNBOUNDED_LISTS.contains(&short(structure)) => continue,
                other => panic!("{} at item {at}: {other:?}", structure.name),
            };
            bounds += 1;
            let found = u64::try_from(max).unwrap() + 1;
            let (over, within) = (
                claiming(structure, item, at, found),
                claiming(structure, item, at, found - 1),
            );
            assert_eq!(
                over,
                Err(CodecError::OverBound { found, max }),
                "{} at item {at}",
                structure.name
            );
            assert!(
                !matches!(within, Err(CodecError::OverBound { .. })),
                "{} at item {at} refuses its bound",
                structure.name
            );
        }
    });
    assert!(bounds > 50, "{bounds}");
}

#[test]
fn every_string_has_a_bound_and_one_byte_more_is_refused() {
    let mut bounds = 0;
    each(|structure, _, item| {
        for (at, part) in item.all(false).into_iter().enumerate() {
            if !matches!(part.major, 2 | 3) {
                continue;
            }
            let read = |len| (structure.read)(&item.write(false, at, Spelling::Long(len)));
            let max = match read(1 << 20) {
                Err(CodecError::OverBound { max, .. }) => max,
                Err(CodecError::WrongLength { .. } | CodecError::TooLong { .. }) => continue,
                // Bounded by the whole, which bounds its parts.
                _ if OPAQUE.contains(&short(structure)) => continue,
                other => panic!("{} at item {at}: {other:?}", structure.name),
            };
            bounds += 1;
            let found = u64::try_from(max + 1).unwrap();
            assert_eq!(
                read(max + 1),
                Err(CodecError::OverBound { found, max }),
                "{} at item {at}",
                structure.name
            );
            assert!(
                !matches!(read(max), Err(CodecError::OverBound { .. })),
                "{} at item {at} refuses its bound",
                structure.name
            );
        }
    });
    assert!(bounds > 50, "{bounds}");
}
