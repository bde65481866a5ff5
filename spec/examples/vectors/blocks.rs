//! Charter, blocks, seals (`spec/text/charter.md`, `blocks.md`).

use super::records::{status, world};
use super::{Error, replaced, shortened, sum_of_shares, with_trailing};
use concord_spec::block::{Block, Header, Rest, record_roots};
use concord_spec::charter::Charter;
use concord_spec::codec::to_vec;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, RegionId, UnixMillis};
use concord_spec::ledger::{CheckEach, Limits, Tip};
use concord_spec::record::{SignedRecord, StatusChange};
use concord_spec::seal::Seal;
use concord_spec::status::StatusKind;
use concord_spec::world::World;
use serde_json::{Value, json};
use std::sync::Arc;

/// As many numbers as one range may hold: 4,096 chunks.
const MOST_NUMBERS: u64 = 4_096 * 4_096;

/// `blocks.json`
pub(super) fn file() -> Result<Value, Error> {
    let mut world = world()?;
    let mut revocations = Vec::new();
    for numbers in [MOST_NUMBERS, MOST_NUMBERS, 1] {
        let record = status(&mut world, &[(0, numbers)], StatusChange::Set(StatusKind::Revoked))?;
        revocations.push(Arc::new(record));
    }
    let blocks: Vec<Value> = world.blocks.iter().map(|(block, seal)| block_of(block, seal)).collect();
    Ok(json!({
        "about": "A charter and the chain of blocks that follows from it. `result`: accept, or the CharterError, CodecError, BlockError or SealError.",
        "charter": hex::encode(to_vec(world.state.charter())),
        "chain_id": world.state.chain_id(),
        "regions_digest": world.state.region_set().digest(),
        "chain": blocks,
        "charters": charters(&world)?,
        "decoding": decoding(&world)?,
        "following": following(&world, revocations)?,
        "seals": seals(&world)?,
    }))
}

fn block_of(block: &Block, seal: &Seal) -> Value {
    json!({
        "height": block.header.height.0,
        "time": block.header.time.0,
        "block": hex::encode(to_vec(block)),
        "header": hex::encode(to_vec(&block.header)),
        "rest": hex::encode(to_vec(&block.rest)),
        "rest_digest": block.rest.digest(),
        "hash": block.hash(),
        "records": block.records.iter().map(|record| record.id()).collect::<Vec<_>>(),
        "records_root": block.header.records_root,
        "bodies_root": block.rest.bodies_root,
        "state_root": block.rest.state_root,
        "history_root": block.rest.history_root,
        "seal": hex::encode(to_vec(seal)),
    })
}

/// What it shows, what is changed, the CharterError.
type ChangedCharter = (&'static str, fn(&mut Charter), &'static str);

const CHARTERS: &[ChangedCharter] = &[
    ("regions out of order", |charter| charter.regions.reverse(), "Regions"),
    ("no regions", |charter| charter.regions.clear(), "Regions"),
    (
        "a region twice",
        |charter| charter.regions.extend(charter.regions.last().cloned()),
        "Regions",
    ),
    (
        "two regions of one seal key",
        |charter| {
            if let [first, second, ..] = charter.regions.as_mut_slice() {
                second.seal_key = first.seal_key.clone();
                second.possession = first.possession;
            }
        },
        "Regions",
    ),
    (
        "two regions of one consensus key",
        |charter| {
            if let [first, second, ..] = charter.regions.as_mut_slice() {
                second.consensus_key = first.consensus_key;
            }
        },
        "Regions",
    ),
    (
        "another's proof of possession",
        |charter| {
            if let [first, second, ..] = charter.regions.as_mut_slice() {
                second.possession = first.possession;
            }
        },
        "Possession",
    ),
    (
        "a heartbeat of 999 ms",
        |charter| charter.parameters.heartbeat_ms = 999,
        "Heartbeat",
    ),
    (
        "a heartbeat of more than an hour",
        |charter| charter.parameters.heartbeat_ms = 3_600_001,
        "Heartbeat",
    ),
];

fn charters(world: &World) -> Result<Vec<Value>, Error> {
    let bytes = to_vec(world.state.charter());
    let mut all = vec![
        refusal("cut by a byte", "charter", &shortened(&bytes, 1), "Unreadable"),
        refusal(
            "version 2",
            "charter",
            &replaced(&bytes, &[0x85, 0x01], &[0x85, 0x02])?,
            "Unreadable",
        ),
    ];
    for (name, change, result) in CHARTERS {
        let mut charter = world.state.charter().clone();
        change(&mut charter);
        all.push(refusal(name, "charter", &to_vec(&charter), result));
    }
    Ok(all)
}

fn refusal(name: &str, member: &str, bytes: &[u8], result: &str) -> Value {
    json!({ "name": name, member: hex::encode(bytes), "result": result })
}

fn last(world: &World) -> Result<&Block, Error> {
    Ok(&world.blocks.last().ok_or("no block")?.0)
}

fn decoding(world: &World) -> Result<Vec<Value>, Error> {
    let good = last(world)?;
    let changed = |change: fn(&mut Block)| {
        let mut block = good.clone();
        change(&mut block);
        to_vec(&block)
    };
    let bytes = to_vec(good);
    let cases = [
        (
            "a header of another rest",
            changed(|block| block.header.rest = Digest::ZERO),
            "Invalid",
        ),
        (
            "another records root",
            changed(|block| block.header.records_root = Digest::ZERO),
            "Invalid",
        ),
        (
            "another bodies root",
            changed(|block| {
                block.rest.bodies_root = Digest::ZERO;
                block.header.rest = block.rest.digest();
            }),
            "Invalid",
        ),
        ("a record left out", changed(|block| block.records.clear()), "Invalid"),
        (
            "a record twice",
            changed(|block| block.records.extend(block.records.first().cloned())),
            "Invalid",
        ),
        ("cut by a byte", shortened(&bytes, 1), "Truncated"),
        ("a byte after it", with_trailing(&bytes), "TrailingBytes"),
        ("version 2, whatever follows", vec![0x82, 0x02, 0xf7], "UnknownVersion"),
    ];
    let vector = |(name, bytes, result): &(&str, Vec<u8>, &str)| refusal(name, "block", bytes, result);
    Ok(cases.iter().map(vector).collect())
}

/// What it shows, what is changed in a next block (the last: the parent), the BlockError.
type ChangedBlock = (&'static str, fn(&mut Header, &mut Rest, &Tip), &'static str);

const BLOCKS: &[ChangedBlock] = &[
    (
        "a height left out",
        |header, _, _| header.height = Height(header.height.0.saturating_add(1)),
        "Height",
    ),
    ("another parent", |_, rest, _| rest.parent = Digest::ZERO, "Parent"),
    ("its parent's time", |header, _, tip| header.time = tip.time, "Time"),
    (
        "no records after 999 ms",
        |header, _, tip| header.time = UnixMillis(tip.time.0.saturating_add(999)),
        "TooEarly",
    ),
    ("another state", |_, rest, _| rest.state_root = Digest::ZERO, "State"),
    (
        "another history",
        |_, rest, _| rest.history_root = Digest::ZERO,
        "History",
    ),
    (
        "other regions now",
        |_, rest, _| rest.regions_now = Digest::ZERO,
        "Regions",
    ),
    (
        "other regions next",
        |_, rest, _| rest.regions_next = Digest::ZERO,
        "Regions",
    ),
];

/// Next blocks after the chain's last, of which all but the first do not follow.
fn following(world: &World, revocations: Vec<Arc<SignedRecord>>) -> Result<Vec<Value>, Error> {
    let tip = world.state.tip();
    let time = UnixMillis(tip.time.0.saturating_add(1_000));
    let draft = |proposer: &RegionId| {
        world
            .state
            .draft(time, proposer, [], Limits::default(), &CheckEach)
            .block
    };
    let good = draft(&world.region()?);
    let nowhere = draft(&RegionId::new("999999")?);
    let mut repeating = good.clone();
    repeating.records = last(world)?.records.clone();
    (repeating.header.records_root, repeating.rest.bodies_root) = record_roots(&repeating.records);
    repeating.header.rest = repeating.rest.digest();
    let mut all = vec![
        refusal("the next block, without records", "block", &to_vec(&good), "accept"),
        refusal(
            "proposed by a region that is not there",
            "block",
            &to_vec(&nowhere),
            "Proposer",
        ),
        refusal(
            "a record that is on the ledger already",
            "block",
            &to_vec(&repeating),
            "Record",
        ),
    ];
    let mut costly = good.clone();
    costly.records = revocations;
    (costly.header.records_root, costly.rest.bodies_root) = record_roots(&costly.records);
    costly.header.rest = costly.rest.digest();
    all.push(refusal(
        "status records that meet 8,193 chunks",
        "block",
        &to_vec(&costly),
        "Chunks",
    ));
    for (name, change, result) in BLOCKS {
        let mut block = good.clone();
        change(&mut block.header, &mut block.rest, tip);
        block.header.rest = block.rest.digest();
        all.push(refusal(name, "block", &to_vec(&block), result));
    }
    Ok(all)
}

/// What it shows, whose shares of which round, the bitmap, the round that is named, the SealError.
type Sum = (&'static str, &'static [(usize, u32)], u8, u32, &'static str);

const SEALS: &[Sum] = &[
    (
        "all four regions",
        &[(0, 0), (1, 0), (2, 0), (3, 0)],
        0b1111_0000,
        0,
        "accept",
    ),
    ("three regions", &[(0, 0), (2, 0), (3, 0)], 0b1011_0000, 0, "accept"),
    (
        "three regions in round 5",
        &[(0, 5), (1, 5), (2, 5)],
        0b1110_0000,
        5,
        "accept",
    ),
    ("two regions", &[(0, 0), (1, 0)], 0b1100_0000, 0, "BelowQuorum"),
    (
        "one region three times, said to be three",
        &[(0, 0), (0, 0), (0, 0)],
        0b1110_0000,
        0,
        "Signature",
    ),
    (
        "two regions, one of them twice",
        &[(0, 0), (1, 0), (1, 0)],
        0b1100_0000,
        0,
        "BelowQuorum",
    ),
    (
        "three regions, another is named",
        &[(0, 0), (1, 0), (2, 0)],
        0b1101_0000,
        0,
        "Signature",
    ),
    (
        "two rounds, the first is named",
        &[(0, 0), (1, 0), (2, 1)],
        0b1110_0000,
        0,
        "Signature",
    ),
    (
        "two rounds, the second is named",
        &[(0, 0), (1, 0), (2, 1)],
        0b1110_0000,
        1,
        "Signature",
    ),
    ("a spare bit set", &[(0, 0), (1, 0), (2, 0)], 0b1110_1000, 0, "Bitmap"),
];

/// Seals of the chain's last block by four regions, whose quorum is three.
fn seals(world: &World) -> Result<Vec<Value>, Error> {
    let block = last(world)?;
    let (before, _) = world.blocks.first().ok_or("no block")?;
    let three = [(0, 0), (1, 0), (2, 0)];
    let mut long = sum_of_shares(world, block, &three, 0b1110_0000, 0)?;
    long.signers.push(0);
    let other = sum_of_shares(world, before, &three, 0b1110_0000, 0)?;
    let mut all = vec![
        refusal("a bitmap of two bytes", "seal", &to_vec(&long), "Bitmap"),
        refusal("another block's", "seal", &to_vec(&other), "Signature"),
    ];
    for (name, shares, signers, round, result) in SEALS {
        let seal = sum_of_shares(world, block, shares, *signers, *round)?;
        all.push(refusal(name, "seal", &to_vec(&seal), result));
    }
    Ok(all)
}
