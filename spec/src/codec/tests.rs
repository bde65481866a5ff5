use super::*;

/// [1, "a", h'0102', [2, null]]
fn sample(r: &mut Reader<'_>) -> Result<(u64, String, Vec<u8>, Option<u64>), CodecError> {
    r.versioned_array(4, 1, "sample")?;
    let text = r.text(4)?.to_owned();
    let bytes = r.bytes(4)?.to_vec();
    r.array(2)?;
    Ok((r.uint()?, text, bytes, r.wire()?))
}

#[derive(Debug, PartialEq)]
struct Sample(u64, String, Vec<u8>, Option<u64>);

impl Wire for Sample {
    fn encode(&self, w: &mut Writer) {
        w.array(4);
        w.uint(1);
        w.text(&self.1);
        w.bytes(&self.2);
        w.array(2);
        w.uint(self.0);
        w.wire(&self.3);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        sample(r).map(|(a, b, c, d)| Self(a, b, c, d))
    }
}

fn decode(bytes: &str) -> Result<Sample, CodecError> {
    from_slice(&hex::decode(bytes).unwrap(), 64)
}

const GOOD: &str = "840161614201028202f6";

#[test]
fn a_value_survives_the_way_there_and_back() {
    let value = decode(GOOD).unwrap();
    assert_eq!(value, Sample(2, "a".into(), vec![1, 2], None));
    assert_eq!(hex::encode(to_vec(&value)), GOOD);
}

#[test]
fn longer_forms_of_numbers_and_lengths_are_refused() {
    for (bytes, at) in [
        ("84180161614201028202f6", 1),
        ("84190001616142010282 02f6", 1),
        ("841a0000000161614201028202f6", 1),
        ("841b000000000000000161614201028202f6", 1),
        ("98040161614201028202f6", 0),
        ("84017801614201028202f6", 2),
        ("8401616158020102 8202f6", 4),
    ] {
        assert_eq!(
            decode(&bytes.replace(' ', "")),
            Err(CodecError::NotCanonical { at }),
            "{bytes}"
        );
    }
}

#[test]
fn indefinite_lengths_are_refused() {
    for bytes in [
        "9f0161614201028202f6ff",
        "84017f6161ff4201028202f6",
        "840161615f420102ff8202f6",
        "840161614201029f02f6ff",
    ] {
        assert!(matches!(decode(bytes), Err(CodecError::NotCanonical { .. })), "{bytes}");
    }
}

#[test]
fn every_truncation_is_refused() {
    for len in (0..GOOD.len()).step_by(2) {
        assert_eq!(decode(&GOOD[..len]), Err(CodecError::Truncated), "{len}");
    }
}

#[test]
fn trailing_bytes_are_refused() {
    assert_eq!(
        decode(&format!("{GOOD}00")),
        Err(CodecError::TrailingBytes { count: 1 })
    );
}

#[test]
fn more_bytes_than_allowed_are_refused_before_they_are_read() {
    assert_eq!(
        from_slice::<Sample>(&[0xff; 65], 64),
        Err(CodecError::TooLong { found: 65, max: 64 })
    );
}

#[test]
fn a_claimed_length_allocates_nothing() {
    // 2^60 elements, 2^60 bytes, 2^63 pairs
    for bytes in ["9b1000000000000000", "5b1000000000000000", "bb8000000000000000"] {
        assert_eq!(decode(bytes), Err(CodecError::Truncated));
    }
    let mut r = Reader::new(&[0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(r.list::<u64>(8), Err(CodecError::OverBound { found: 1 << 60, max: 8 }));
}

#[test]
fn bounds_hold_on_strings_and_lists() {
    assert_eq!(
        decode("8401656161616161 4201028202f6".replace(' ', "").as_str()),
        Err(CodecError::OverBound { found: 5, max: 4 })
    );
    assert_eq!(
        decode("8401616145010203040582 02f6".replace(' ', "").as_str()),
        Err(CodecError::OverBound { found: 5, max: 4 })
    );
    assert_eq!(
        Reader::new(&[0x83, 1, 2, 3]).list::<u64>(2),
        Err(CodecError::OverBound { found: 3, max: 2 })
    );
    assert_eq!(Reader::new(&[0x83, 1, 2, 3]).list::<u64>(3), Ok(vec![1, 2, 3]));
}

#[test]
fn another_version_is_told_apart_from_damage_whatever_follows_it() {
    for bytes in ["840261614201028202f6", "8202c11a00010000", "8102"] {
        assert_eq!(
            decode(bytes),
            Err(CodecError::UnknownVersion {
                what: "sample",
                found: 2
            }),
            "{bytes}"
        );
    }
    assert_eq!(decode("8101"), Err(CodecError::WrongLength { expected: 4, found: 1 }));
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| [vec![0x81; depth], vec![0x00]].concat();
    assert_eq!(scan::check(&nested(MAX_DEPTH)), Ok(()));
    assert_eq!(scan::check(&nested(MAX_DEPTH + 1)), Err(CodecError::TooDeep));
    assert_eq!(
        from_slice::<Sample>(&nested(1 << 20), 1 << 21),
        Err(CodecError::TooDeep)
    );
}

#[test]
fn the_wrong_kind_of_item_is_named() {
    assert_eq!(
        decode("8401016142010282 02f6".replace(' ', "").as_str()),
        Err(CodecError::Unexpected {
            expected: "a text string",
            at: 2
        })
    );
    assert_eq!(
        Reader::new(&[0x20]).uint(),
        Err(CodecError::Unexpected {
            expected: "an unsigned number",
            at: 0
        })
    );
    assert_eq!(
        from_slice::<Sample>(&[0x1c], 64),
        Err(CodecError::Unexpected {
            expected: "a data item",
            at: 0
        })
    );
}

/// A map from 1 and 2 to numbers, whose decoder leaves the order of the keys to `from_slice`.
#[derive(Debug, PartialEq)]
struct Pair(u64, u64);

impl Wire for Pair {
    fn encode(&self, w: &mut Writer) {
        w.map(2);
        for (key, value) in [(1, self.0), (2, self.1)] {
            w.uint(key);
            w.uint(value);
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut pair = Self(0, 0);
        for _ in 0..r.map_len(2)? {
            match r.uint()? {
                1 => pair.0 = r.uint()?,
                _ => pair.1 = r.uint()?,
            }
        }
        Ok(pair)
    }
}

#[test]
fn unsorted_repeated_and_missing_keys_are_refused_by_encoding_again() {
    let decode = |bytes: &[u8]| from_slice::<Pair>(bytes, 16);
    assert_eq!(decode(&[0xa2, 1, 7, 2, 8]), Ok(Pair(7, 8)));
    assert_eq!(decode(&[0xa2, 2, 8, 1, 7]), Err(CodecError::NotCanonical { at: 1 }));
    assert_eq!(decode(&[0xa2, 1, 6, 1, 7]), Err(CodecError::NotCanonical { at: 2 }));
    assert_eq!(decode(&[0xa1, 1, 7]), Err(CodecError::NotCanonical { at: 0 }));
}

#[test]
fn simple_values_in_two_bytes_are_refused_below_32() {
    assert_eq!(scan::check(&[0xf8, 0x16]), Err(CodecError::NotCanonical { at: 0 }));
    assert_eq!(scan::check(&[0xf8, 0x20]), Ok(()));
}

proptest::proptest! {
    #[test]
    fn whatever_decodes_is_the_encoding_of_what_it_decodes_to(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..24)) {
        if let Ok(value) = from_slice::<Sample>(&bytes, 64) {
            proptest::prop_assert_eq!(to_vec(&value), bytes);
        }
    }

    #[test]
    fn every_changed_byte_gives_another_value_or_an_error(at in 0..GOOD.len() / 2, xor in 1u8..) {
        let mut bytes = hex::decode(GOOD).unwrap();
        bytes[at] ^= xor;
        if let Ok(value) = from_slice::<Sample>(&bytes, 64) {
            proptest::prop_assert_ne!(value, decode(GOOD).unwrap());
        }
    }
}
