//! Mutated codes, none of which may come out green: `cargo bench -p concord-spec --bench mutations -- [COUNT] [SEED]`.
//!
//! Codes of certificates and small codes of one federation are changed in their text, in their bytes, in the structure of their CBOR,
//! and mixed with each other. What is decoded from a mutated code and is not byte for byte one of the real ones must not be VALID.
//! Every mutation is verified twice: by a verifier that has seen the real seals, and by one that asks for no receipt.

use concord_spec::bundle::TrustedState;
use concord_spec::certificate::{CERTIFICATE_PREFIX, CREDENTIAL_PREFIX};
use concord_spec::verify::{Colour, Policy, Presented, SealsSeen, verify_seen};
use concord_spec::world::{World, WorldError};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, HashSet};

const COUNT: u64 = 1_000_000;
const SEED: u64 = 20_261_124;
const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// Changes of bytes; some need another real one to take from.
fn mutate(random: &mut StdRng, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = random.gen_range(0..bytes.len().max(1));
    match random.gen_range(0..10) {
        0 | 1 => flip(random, bytes, at),
        2 => set(bytes, at, random.r#gen()),
        // Heads of CBOR: another length, another major type.
        3 => change(bytes, at, |byte| byte ^ (1 << random.gen_range(0..5))),
        4 => change(bytes, at, |byte| byte ^ (1 << random.gen_range(5..8))),
        5 => bytes.truncate(at),
        6 => bytes.insert(at.min(bytes.len()), random.r#gen()),
        7 => {
            let end = at.saturating_add(random.gen_range(1..64)).min(bytes.len());
            bytes.drain(at.min(end)..end);
        }
        // The same place of another real one.
        8 => {
            let end = at
                .saturating_add(random.gen_range(1..256))
                .min(bytes.len())
                .min(other.len());
            for place in at..end {
                set(bytes, place, other.get(place).copied().unwrap_or(0));
            }
        }
        // The beginning of one, the end of another.
        _ => {
            bytes.truncate(at);
            bytes.extend_from_slice(other.get(at..).unwrap_or_default());
        }
    }
}

fn change(bytes: &mut [u8], at: usize, how: impl FnOnce(u8) -> u8) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = how(*byte);
    }
}

fn set(bytes: &mut [u8], at: usize, value: u8) {
    change(bytes, at, |_| value);
}

fn flip(random: &mut StdRng, bytes: &mut [u8], at: usize) {
    let bit = random.gen_range(0..8);
    change(bytes, at, |byte| byte ^ (1 << bit));
}

/// The code with one to four mutations, as text.
fn mutated(random: &mut StdRng, code: &str, other: &[u8]) -> String {
    let (prefix, text) = code.split_at(CERTIFICATE_PREFIX.len());
    let times = random.gen_range(1..=4);
    if random.gen_ratio(1, 4) {
        let mut text = text.as_bytes().to_vec();
        for _ in 0..times {
            let at = random.gen_range(0..text.len());
            let symbol = *ALPHABET.choose(random).unwrap_or(&b'0');
            set(&mut text, at, symbol);
        }
        // One in four of these swaps the prefix too.
        let prefix = if random.gen_ratio(1, 4) {
            CREDENTIAL_PREFIX
        } else {
            prefix
        };
        return format!("{prefix}{}", String::from_utf8_lossy(&text));
    }
    let mut bytes = base45::decode(text).unwrap_or_default();
    for _ in 0..times {
        mutate(random, &mut bytes, other);
    }
    format!("{prefix}{}", base45::encode(&bytes))
}

fn argument(position: usize, otherwise: u64) -> Result<u64, WorldError> {
    // `cargo bench` adds a flag of its own.
    let mut given = std::env::args().skip(1).filter(|argument| argument != "--bench");
    given.nth(position).map_or(Ok(otherwise), |text| Ok(text.parse()?))
}

/// Verdicts by how often they came out, and codes that came out green.
#[derive(Default)]
struct Found {
    verdicts: BTreeMap<&'static str, u64>,
    green: Vec<String>,
}

impl Found {
    fn judge(&mut self, presented: Presented<'_>, text: &str, state: &TrustedState, seen: &mut SealsSeen) {
        let relaxed = Policy {
            recorded_required: false,
            ..Policy::default()
        };
        for policy in [&Policy::default(), &relaxed] {
            let report = verify_seen(presented, state, policy, state.time(), seen);
            let times = self.verdicts.entry(report.verdict.word()).or_insert(0);
            *times = times.saturating_add(1);
            if report.colour == Colour::Green {
                self.green.push(text.to_owned());
            }
        }
    }
}

fn main() -> Result<(), WorldError> {
    let (count, seed) = (argument(0, COUNT)?, argument(1, SEED)?);
    let mut world = World::with_series(4, "mutations")?;
    let mut certificates = world.issue(16)?;
    certificates.extend(world.issue(1)?);
    certificates.extend(world.issue(3)?);
    let state = world.trusted()?;
    let mut codes: Vec<String> = certificates.iter().map(|one| one.code_text()).collect();
    codes.extend(
        certificates
            .iter()
            .take(4)
            .map(|one| concord_spec::certificate::credential_code_text(&one.credential)),
    );
    let real: HashSet<Vec<u8>> = certificates
        .iter()
        .flat_map(|one| [one.to_bytes(), one.credential.bytes().to_vec()])
        .collect();
    let bytes: Vec<Vec<u8>> = certificates.iter().map(|one| one.to_bytes()).collect();
    let mut seen = SealsSeen::new();
    let mut random = StdRng::seed_from_u64(seed);
    let (mut found, mut unread, mut unchanged) = (Found::default(), 0_u64, 0_u64);
    for _ in 0..count {
        let code = codes.choose(&mut random).ok_or("no code")?;
        let other = bytes.choose(&mut random).ok_or("no certificate")?;
        let text = mutated(&mut random, code, other);
        let (prefix, body) = text.split_at_checked(CERTIFICATE_PREFIX.len()).unwrap_or_default();
        let Ok(decoded) = base45::decode(body) else {
            unread += 1;
            continue;
        };
        if real.contains(&decoded) {
            unchanged += 1;
            continue;
        }
        let presented = if prefix == CERTIFICATE_PREFIX {
            Presented::Certificate(&decoded)
        } else {
            Presented::Credential(&decoded)
        };
        found.judge(presented, &text, &state, &mut seen);
    }
    println!(
        "{count} mutated codes, seed {seed}: {unread} not base45, {unchanged} came out as a real one, {} green",
        found.green.len()
    );
    for (word, times) in found.verdicts {
        println!("{times:>9} {word}");
    }
    found
        .green
        .first()
        .map_or(Ok(()), |code| Err(format!("false green: {code}").into()))
}
