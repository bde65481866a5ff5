//! Deterministic CBOR: what is accepted, and what is refused and why (`spec/text/encoding.md`).

use super::{Error, find, replaced, shortened, with_trailing};
use concord_spec::codec::{MAX_DEPTH, to_vec};
use concord_spec::world::World;
use serde_json::{Value, json};

/// Type, what it shows, hexadecimal bytes, result.
type Case = (&'static str, &'static str, &'static str, &'static str);

const NUMBERS: &[Case] = &[
    ("uint", "zero", "00", "accept"),
    ("uint", "the last in one byte", "17", "accept"),
    ("uint", "the first in two bytes", "1818", "accept"),
    ("uint", "the last in two bytes", "18ff", "accept"),
    ("uint", "the first in three bytes", "190100", "accept"),
    ("uint", "the first in five bytes", "1a00010000", "accept"),
    ("uint", "the first in nine bytes", "1b0000000100000000", "accept"),
    ("uint", "the greatest", "1bffffffffffffffff", "accept"),
    ("uint", "two bytes where one does", "1817", "NotCanonical"),
    ("uint", "three bytes where two do", "1900ff", "NotCanonical"),
    ("uint", "five bytes where three do", "1a0000ffff", "NotCanonical"),
    ("uint", "nine bytes where five do", "1b00000000ffffffff", "NotCanonical"),
    ("uint", "a reserved head", "1c", "Unexpected"),
    ("uint", "an indefinite number", "1f", "NotCanonical"),
    ("uint", "nothing", "", "Truncated"),
    ("uint", "a head without its argument", "19ff", "Truncated"),
    ("uint", "a byte after it", "0000", "TrailingBytes"),
    ("uint", "a negative number", "20", "Unexpected"),
    ("uint", "a float", "f90000", "Unexpected"),
    ("uint", "a tagged number", "c100", "Unexpected"),
    (
        "uint",
        "more bytes than the bound of 64",
        "\
        5840000000000000000000000000000000000000000000000000000000000000\
        000000000000000000000000000000000000000000000000000000000000000000000000",
        "TooLong",
    ),
    ("int", "minus one", "20", "accept"),
    ("int", "the least", "3b7fffffffffffffff", "accept"),
    ("int", "the greatest", "1b7fffffffffffffff", "accept"),
    ("int", "less than 64 bits hold", "3b8000000000000000", "Unexpected"),
    ("int", "more than 64 bits hold", "1b8000000000000000", "Unexpected"),
    ("int", "a longer negative number", "3817", "NotCanonical"),
    ("uint32", "the greatest", "1affffffff", "accept"),
    ("uint32", "one more", "1b0000000100000000", "Invalid"),
    ("uint16", "the greatest", "19ffff", "accept"),
    ("uint16", "one more", "1a00010000", "Invalid"),
];

const VALUES: &[Case] = &[
    ("bool", "true", "f5", "accept"),
    ("bool", "false", "f4", "accept"),
    ("bool", "null is no truth value", "f6", "Unexpected"),
    ("bool", "true in two bytes", "f815", "NotCanonical"),
    ("optional-uint", "missing", "f6", "accept"),
    ("optional-uint", "there", "01", "accept"),
    ("optional-uint", "undefined is not missing", "f7", "Unexpected"),
    ("region", "330000", "66333330303030", "accept"),
    ("region", "an upper-case letter", "6141", "Invalid"),
    ("region", "no UTF-8", "61ff", "Unexpected"),
    ("region", "of indefinite length", "7f6133ff", "NotCanonical"),
    ("region", "a byte string", "4133", "Unexpected"),
    ("region", "a longer head", "780133", "NotCanonical"),
    (
        "region",
        "2^60 bytes that are not there",
        "7b1000000000000000",
        "Truncated",
    ),
    ("office", "330000/A", "82663333303030306141", "accept"),
    ("office", "one element", "8166333330303030", "WrongLength"),
    ("office", "three elements", "836633333030303061416142", "WrongLength"),
    ("range", "two numbers", "820a14", "accept"),
    ("range", "an array of indefinite length", "9f0a14ff", "NotCanonical"),
    (
        "range",
        "2^60 elements that are not there",
        "9b1000000000000000",
        "Truncated",
    ),
    ("range", "a map", "a10a14", "Unexpected"),
    ("range", "cut between elements", "820a", "Truncated"),
    (
        "digest",
        "32 bytes",
        "58200000000000000000000000000000000000000000000000000000000000000000",
        "accept",
    ),
    (
        "digest",
        "31 bytes",
        "581f00000000000000000000000000000000000000000000000000000000000000",
        "WrongLength",
    ),
    ("status-change", "revoked", "01", "accept"),
    ("status-change", "no longer suspended", "10", "accept"),
    ("status-change", "an unknown code", "06", "UnknownKey"),
];

fn vector(kind: &str, name: &str, bytes: &str, result: &str) -> Value {
    json!({ "type": kind, "name": name, "hex": bytes, "result": result })
}

/// `encoding.json`
pub(super) fn file() -> Result<Value, Error> {
    let tables = NUMBERS.iter().chain(VALUES);
    let mut vectors: Vec<Value> = tables
        .map(|(kind, name, bytes, result)| vector(kind, name, bytes, result))
        .collect();
    let nested = |depth: usize| hex::encode([vec![0x81; depth], vec![0x00]].concat());
    vectors.push(vector(
        "uint",
        "arrays nested as deep as allowed",
        &nested(MAX_DEPTH),
        "Unexpected",
    ));
    vectors.push(vector(
        "uint",
        "arrays nested deeper",
        &nested(MAX_DEPTH.saturating_add(1)),
        "TooDeep",
    ));
    vectors.extend(maps()?);
    vectors.extend(versions()?);
    Ok(json!({
        "about": "Deterministic CBOR. A decoder of `type` with a bound of `max_bytes` accepts `hex` and encodes it again to the same bytes, or refuses it.",
        "max_bytes": { "content": 16_384, "credential": 16_384, "seal": 1_024, "header": 1_024, "others": 64 },
        "vectors": vectors,
    }))
}

/// A map: the content of a credential, whose first entry is the salt.
fn maps() -> Result<Vec<Value>, Error> {
    let world = World::with_series(1, "concord-vectors")?;
    let good = to_vec(&world.content(0)?);
    let (head, body) = good.split_first().ok_or("empty")?;
    let (salt, rest) = body.split_at_checked(18).ok_or("too short")?;
    let longer = head.saturating_add(1);
    let own = find(body, &[0x18, 0x64])?;
    let (common, own) = body.split_at(own);
    let cases = [
        ("ascending keys", good.clone(), "accept"),
        ("keys out of order", [&[*head], rest, salt].concat(), "NotCanonical"),
        ("a key twice", [&[longer], salt, salt, rest].concat(), "NotCanonical"),
        (
            "a key that must be there is not",
            [&[head.saturating_sub(1)], rest].concat(),
            "MissingKey",
        ),
        (
            "a key that no content has",
            [&[longer], common, &[0x10, 0x00], own].concat(),
            "UnknownKey",
        ),
        (
            "an empty list of languages, which is left out",
            [&[longer], common, &[0x0d, 0x80], own].concat(),
            "NotCanonical",
        ),
        (
            "of indefinite length",
            [&[0xbf], body, &[0xff]].concat(),
            "NotCanonical",
        ),
        ("fewer entries than it says", [&[longer], body].concat(), "Truncated"),
    ];
    let cases = cases
        .iter()
        .map(|(name, bytes, result)| vector("content", name, &hex::encode(bytes), result));
    Ok(cases.collect())
}

/// What begins with a version, a suite or a scheme.
fn versions() -> Result<Vec<Value>, Error> {
    let world = World::with_series(1, "concord-vectors")?;
    let (block, seal) = world.blocks.first().ok_or("no block")?;
    let (header, seal) = (to_vec(&block.header), to_vec(seal));
    let credential = world.credential(0)?.bytes().to_vec();
    let long_bitmap = [&[0x84, 0x01, 0x00, 0x58, 0x21][..], &[0; 33], &[0x58, 0x30], &[0; 48]].concat();
    let cases = [
        ("header", "a header", header.clone(), "accept"),
        ("header", "cut by a byte", shortened(&header, 1), "Truncated"),
        ("header", "a byte after it", with_trailing(&header), "TrailingBytes"),
        ("seal", "a seal", seal.clone(), "accept"),
        (
            "seal",
            "another scheme, whatever follows",
            vec![0x82, 0x02, 0xf7],
            "UnknownVersion",
        ),
        (
            "seal",
            "scheme 1 of another length",
            vec![0x82, 0x01, 0x00],
            "WrongLength",
        ),
        ("seal", "a bitmap of 264 regions", long_bitmap, "OverBound"),
        ("credential", "a credential", credential.clone(), "accept"),
        (
            "credential",
            "algorithm -8 instead of -19",
            replaced(&credential, &[0xa3, 0x01, 0x32], &[0xa3, 0x01, 0x27])?,
            "UnknownSuite",
        ),
        (
            "credential",
            "a tagged COSE_Sign1",
            [&[0xd2], &credential[..]].concat(),
            "Unexpected",
        ),
    ];
    let cases = cases
        .iter()
        .map(|(kind, name, bytes, result)| vector(kind, name, &hex::encode(bytes), result));
    Ok(cases.collect())
}
