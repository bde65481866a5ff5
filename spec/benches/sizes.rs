//! What status sets take, against the entropy bound and beside other encodings: `cargo bench -p concord-spec --bench sizes`.
//!
//! Sets are drawn at random, each number with the same probability. The bound is log2 of the number of sets of that size, C(n, m).
//! Ours is the sum of all chunks; with the CBOR heads that a bundle adds it is printed too.

use concord_spec::codec;
use concord_spec::status::{CHUNK_NUMBERS, Chunk, SetChange, StatusSet};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use roaring::RoaringBitmap;
use std::error::Error;
use sucds::Serializable;
use sucds::mii_sequences::EliasFanoBuilder;

const SEED: u64 = 20_261_124;
const ZSTD_LEVEL: i32 = 19;
/// Numbers, share of them in the set, the most that ours may be of the bound.
const CASES: [(u64, f64, f64); 6] = [
    (1_000_000, 0.001, 1.36),
    (1_000_000, 0.01, 1.06),
    (1_000_000, 0.1, 1.03),
    (100_000_000, 0.001, 1.36),
    (100_000_000, 0.01, 1.06),
    (100_000_000, 0.1, 1.03),
];

/// A day's revocations of the largest case of 1 %, and the most that their delta may be of the bound: 1 % in ten years, 1 % in
/// one, and ten times as many.
const DAYS: [usize; 3] = [274, 2_740, 27_400];
const MOST_OF_A_DAY: f64 = 1.15;

/// A random set, ascending.
fn draw(random: &mut StdRng, numbers: u64, share: f64) -> Vec<u32> {
    let mut members = Vec::new();
    let mut next = 0.0;
    loop {
        // The gap between members is geometric.
        let gap = (1.0 - random.r#gen::<f64>()).ln() / (1.0 - share).ln();
        next += gap.floor();
        if next >= numbers as f64 {
            return members;
        }
        members.push(next as u32);
        next += 1.0;
    }
}

/// ln of n!, by Stirling's series: exact to more digits than are printed for what is asked here.
fn ln_factorial(n: f64) -> f64 {
    if n < 2.0 {
        return 0.0;
    }
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + 1.0 / (12.0 * n) - 1.0 / (360.0 * n * n * n)
}

/// Bytes that no encoding can do without on average: log2 C(n, m) / 8.
fn bound(n: u64, m: usize) -> f64 {
    let (n, m) = (n as f64, m as f64);
    (ln_factorial(n) - ln_factorial(m) - ln_factorial(n - m)) / std::f64::consts::LN_2 / 8.0
}

/// Bytes of all chunks, and with the heads of CBOR.
fn ours(numbers: u64, members: &[u32]) -> (usize, usize) {
    let size = u32::from(CHUNK_NUMBERS);
    let mut members = members.iter().copied().peekable();
    let (mut plain, mut framed) = (0, 0);
    for first in (0..numbers).step_by(size as usize) {
        let end = first + u64::from(size);
        let mut chunk = Chunk::empty();
        while let Some(member) = members.next_if(|member| u64::from(*member) < end) {
            chunk.set((u64::from(member) - first) as u16, true);
        }
        let bytes = chunk.encode().len();
        plain += bytes;
        framed += bytes + if bytes < 24 { 1 } else { 2 } + usize::from(bytes > 255);
    }
    (plain, framed)
}

fn elias_fano(numbers: u64, members: &[u32]) -> Result<usize, Box<dyn Error>> {
    let mut builder = EliasFanoBuilder::new(numbers as usize, members.len())?;
    builder.extend(members.iter().map(|member| *member as usize))?;
    Ok(builder.build().size_in_bytes())
}

fn zstd_bitmap(numbers: u64, members: &[u32]) -> Result<usize, Box<dyn Error>> {
    let mut bitmap = vec![0_u8; numbers.div_ceil(8) as usize];
    for member in members {
        if let Some(byte) = bitmap.get_mut(*member as usize / 8) {
            *byte |= 0x80 >> (member % 8);
        }
    }
    Ok(zstd::bulk::compress(&bitmap, ZSTD_LEVEL)?.len())
}

fn roaring(members: &[u32]) -> Result<usize, Box<dyn Error>> {
    let mut bitmap = RoaringBitmap::from_sorted_iter(members.iter().copied())?;
    bitmap.optimize();
    Ok(bitmap.serialized_size())
}

/// The bytes of a delta of so many numbers more in a set, and those that no encoding can do without.
fn a_day(random: &mut StdRng, numbers: u64, members: &[u32], more: usize) -> (usize, f64) {
    let mut set = StatusSet::new();
    members.iter().for_each(|member| {
        set.insert_range(u64::from(*member), 1);
    });
    let mut added = Vec::new();
    while added.len() < more {
        let number = random.gen_range(0..numbers);
        if set.insert_range(number, 1) {
            added.push((number, 1));
        }
    }
    let change = codec::to_vec(&SetChange::of(&set, added));
    (change.len(), bound(numbers - members.len() as u64, more))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut random = StdRng::seed_from_u64(SEED);
    println!("status sets, seed {SEED}; bytes, and in brackets of the bound");
    println!(
        "| numbers | share | in the set | bound | ours | with CBOR | roaring | Elias-Fano | bitmap, zstd {ZSTD_LEVEL} |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let mut missed = Vec::new();
    for (numbers, share, most) in CASES {
        let members = draw(&mut random, numbers, share);
        let least = bound(numbers, members.len());
        let (plain, framed) = ours(numbers, &members);
        let others = [
            framed,
            roaring(&members)?,
            elias_fano(numbers, &members)?,
            zstd_bitmap(numbers, &members)?,
        ];
        let told = others.map(|bytes| format!("{bytes} ({:.3})", bytes as f64 / least));
        let ratio = plain as f64 / least;
        println!(
            "| {numbers} | {} % | {} | {least:.0} | {plain} ({ratio:.3}) | {} |",
            share * 100.0,
            members.len(),
            told.join(" | ")
        );
        if ratio > most {
            missed.push(format!(
                "{numbers} at {} %: {ratio:.3}, more than {most}",
                share * 100.0
            ));
        }
    }
    let (numbers, share) = (100_000_000, 0.01);
    let members = draw(&mut random, numbers, share);
    println!(
        "\na day's delta of one set of {numbers} numbers, {} % in it\n| more numbers | bound | delta |\n|---:|---:|---:|",
        share * 100.0
    );
    for more in DAYS {
        let (bytes, least) = a_day(&mut random, numbers, &members, more);
        let ratio = bytes as f64 / least;
        println!("| {more} | {least:.0} | {bytes} ({ratio:.3}) |");
        if ratio > MOST_OF_A_DAY {
            missed.push(format!("a day of {more}: {ratio:.3}, more than {MOST_OF_A_DAY}"));
        }
    }
    if missed.is_empty() {
        Ok(())
    } else {
        Err(missed.join("; ").into())
    }
}
