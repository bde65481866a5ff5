//! Status sets: chunks of each mode, series (`spec/text/status.md`).

use super::Error;
use concord_spec::codec::Writer;
use concord_spec::id::SeriesId;
use concord_spec::status::{Chunk, SeriesStatus, StatusKind};
use serde_json::{Value, json};

/// What it shows, its places as runs of (first, count, step), its first byte.
type Case = (&'static str, &'static [(u16, u16, u16)], u8);

const CHUNKS: &[Case] = &[
    ("no place", &[], 0x00),
    ("every place", &[(0, 4096, 1)], 0x01),
    ("every second place: Rice is as long as raw", &[(0, 2048, 2)], 0x02),
    ("place 0", &[(0, 1, 1)], 0x10),
    ("place 1", &[(1, 1, 1)], 0x10),
    ("place 4095", &[(4095, 1, 1)], 0x1a),
    ("every fourth place", &[(0, 1024, 4)], 0x11),
    ("every hundredth place", &[(0, 41, 100)], 0x16),
    ("all but place 0", &[(1, 4095, 1)], 0x20),
    (
        "all but every fourth place",
        &[(1, 1024, 4), (2, 1024, 4), (3, 1024, 4)],
        0x21,
    ),
    ("all but place 50", &[(0, 50, 1), (51, 4045, 1)], 0x24),
    ("the first half", &[(0, 2048, 1)], 0x10),
];

const REFUSED: [(&str, &str, &str); 15] = [
    ("nothing", "", "NotCanonical"),
    ("an unknown mode", "03", "Mode"),
    ("a Rice parameter of 12", "1c7f", "Mode"),
    ("a complement's parameter of 12", "2c7f", "Mode"),
    ("a mode of tomorrow", "80", "Mode"),
    ("empty with a byte after it", "0000", "NotCanonical"),
    ("full with a byte after it", "01ff", "NotCanonical"),
    ("empty, as Rice", "10ff", "NotCanonical"),
    ("full, as the complement of nothing", "20", "NotCanonical"),
    ("place 0, with a parameter that is no shorter", "113f", "NotCanonical"),
    ("place 0, padded with more than a byte needs", "107fff", "NotCanonical"),
    ("place 4095, with a higher parameter", "1bbfff", "NotCanonical"),
    ("a place past the end", "1bdfff", "NotCanonical"),
    ("a byte of nothing but padding", "107fff", "NotCanonical"),
    ("raw, too short", "02aaaa", "NotCanonical"),
];

/// `status.json`
pub(super) fn file() -> Result<Value, Error> {
    let raw_of_one = format!("0280{}", "00".repeat(511));
    let raw_too_long = format!("02{}00", "aa".repeat(512));
    let mut refused: Vec<Value> = REFUSED
        .map(|(name, bytes, result)| refusal(name, bytes, result))
        .to_vec();
    refused.push(refusal("place 0, raw", &raw_of_one, "NotCanonical"));
    refused.push(refusal("raw, too long", &raw_too_long, "NotCanonical"));
    let chunks: Vec<Value> = CHUNKS.iter().map(chunk).chain(refused).collect();
    Ok(json!({
        "about": "Chunks of 4,096 places; `places` are runs of [first, count, step]. `result`: accept, or the ChunkError (series: CodecError).",
        "chunks": chunks,
        "series": series(),
    }))
}

fn refusal(name: &str, bytes: &str, result: &str) -> Value {
    json!({ "name": name, "hex": bytes, "result": result })
}

fn chunk((name, runs, mode): &Case) -> Value {
    let mut chunk = Chunk::empty();
    for (first, count, step) in *runs {
        for index in 0..*count {
            chunk.set(first.saturating_add(index.saturating_mul(*step)), true);
        }
    }
    json!({ "name": name, "places": runs, "mode": mode, "hex": hex::encode(chunk.encode()), "result": "accept" })
}

fn series() -> Vec<Value> {
    let id = SeriesId(7);
    let vector = |name: &str, next: u64, changes: &[(StatusKind, u64, u64)]| {
        let mut status = SeriesStatus::issued_up_to(next);
        for (kind, first, count) in changes {
            status.insert(*kind, *first, *count);
        }
        let sets: Vec<Value> = changes
            .iter()
            .map(|(kind, first, count)| json!([kind.code(), first, count]))
            .collect();
        json!({ "name": name, "series": id.0, "next": next, "sets": sets, "hex": hex::encode(status.to_bytes()),
                "leaf_bytes": hex::encode(status.leaf_bytes(id)), "leaf": status.leaf(id), "result": "accept" })
    };
    let past = [
        (StatusKind::Revoked, 0, 2),
        (StatusKind::Annulled, 1, 1),
        (StatusKind::Suspended, 5_000, 9),
        (StatusKind::Annotated, 9_999, 1),
    ];
    let written = |next: u64, chunks: &[&[u8]]| {
        let mut w = Writer::new();
        w.array(6);
        w.uint(next);
        w.array(chunks.len());
        chunks.iter().for_each(|chunk| w.bytes(chunk));
        (0..4).for_each(|_| w.array(0));
        hex::encode(w.into_vec())
    };
    vec![
        vector("nothing issued", 0, &[]),
        vector("nothing against any", 16, &[]),
        vector("sets of one, two and three chunks", 10_000, &past),
        refusal("a last chunk that is empty", &written(16, &[&[0x00]]), "Invalid"),
        refusal(
            "a chunk that has another encoding",
            &written(16, &[&[0x11, 0x3f]]),
            "Invalid",
        ),
        refusal(
            "a status of a number not issued",
            &written(0, &[&[0x10, 0x7f]]),
            "Invalid",
        ),
        refusal("five sets are four", "850080808080", "WrongLength"),
    ]
}
