//! What trust bundles take: `cargo bench -p concord-spec --bench bundles`.
//!
//! One type in 34 regions, each with an office of four series; of all numbers 1 % are revoked, at random. Prints the bundle of
//! 10^7 credentials and the delta of a day, then what opening and checking one of 10^8 takes, in a process of its own.

use concord_spec::bundle::{Held, Selection, TrustBundle};
use concord_spec::codec;
use concord_spec::digest::{Digest, sha256};
use concord_spec::id::{Height, Number, OfficeCode, OfficeId, RegionId, SeriesId};
use concord_spec::key::ed25519::SecretKey;
use concord_spec::key::keyring::Keyring;
use concord_spec::ledger::{Entry, LedgerState};
use concord_spec::record::{
    Action, Actor, Issue, NumberRange, OpenSeries, RegisterOffice, SetStatus, SignedRecord, StatusChange,
};
use concord_spec::status::{Reason, SeriesStatus, StatusKind};
use concord_spec::world::{REGION_CODES, World, WorldError};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const SEED: u64 = 20_261_124;
const REGIONS: usize = 34;
const DESKS: u32 = 4;
/// One of so many numbers is revoked.
const ONE_OF: u64 = 100;
const FEWER: u64 = 10_000_000;
const MORE: u64 = 100_000_000;
/// Days in which as many are revoked as are: a year for 1 %.
const YEAR: u64 = 365;
/// Years in which as many are issued as are.
const TERM: u64 = 10;
/// Records in a block: a credential each, as desks issue them one by one.
const BATCH: u64 = 16;
/// What the issue on the tracker allows for opening and checking the larger bundle.
const MOST_TIME: Duration = Duration::from_secs(2);
const MOST_MEMORY: u64 = 150_000_000;

/// The office of a region, and its only key.
fn office(region: usize) -> Result<(OfficeId, SecretKey), WorldError> {
    let code = REGION_CODES.get(region).ok_or("no such region")?;
    let office = OfficeId {
        region: RegionId::new(code)?,
        code: OfficeCode::new(format!("1{code}00000000010"))?,
    };
    let seed = sha256(&[b"bench office", code.as_bytes()]).0;
    Ok((office, SecretKey::from_seed(seed)))
}

fn by_office(world: &mut World, region: usize, action: Action) -> Result<SignedRecord, WorldError> {
    let (office, key) = office(region)?;
    let payload = world.payload(Actor::Office(office), action);
    Ok(SignedRecord::sign(payload, &[&key]))
}

/// Offices and series, and which region each series is of.
fn opened(world: &mut World) -> Result<BTreeMap<SeriesId, usize>, WorldError> {
    let Action::RegisterOffice(first) = world.office_registration()? else {
        return Err("the world registers no office".into());
    };
    let mut offices = Vec::new();
    for region in 0..REGIONS {
        let (office, key) = office(region)?;
        let registration = RegisterOffice {
            code: office.code,
            keyring: Keyring::new(1, vec![key.public()])?,
            ..first.clone()
        };
        offices.push(world.by_region_at(region, Action::RegisterOffice(registration))?);
    }
    world.append(offices)?;
    let mut series = Vec::new();
    for region in 0..REGIONS {
        for desk in 1..=DESKS {
            let seed = sha256(&[
                b"bench series",
                &u64::try_from(region)?.to_be_bytes(),
                &desk.to_be_bytes(),
            ])
            .0;
            let open = OpenSeries {
                of: world.type_ref(),
                desk: format!("窗口{desk}"),
                key: SecretKey::from_seed(seed).public(),
            };
            series.push(by_office(world, region, Action::OpenSeries(open))?);
        }
    }
    world.append(series)?;
    let mut known = BTreeMap::new();
    for region in 0..REGIONS {
        let directory = world.state.directory(&office(region)?.0.region).ok_or("no directory")?;
        for series in &directory.series {
            known.insert(series.id, region);
        }
    }
    // Series 1 is the world's own: its office is another.
    known.remove(&SeriesId(1));
    Ok(known)
}

/// So many numbers of each series are issued, and some revoked: the state is made, since as many records would take hours.
fn filled(world: &mut World, series: &BTreeMap<SeriesId, usize>, each: u64) -> Result<u64, WorldError> {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut revoked = 0;
    let mut made = BTreeMap::new();
    for series in series.keys() {
        let mut status = SeriesStatus::issued_up_to(each);
        for number in (0..each).filter(|_| random.gen_range(0..ONE_OF) == 0) {
            status.insert(StatusKind::Revoked, number, 1);
            revoked += 1;
        }
        made.insert(Entry::SeriesStatus(*series).key(), codec::to_vec(&status));
    }
    let entries = world.state.entries().into_iter();
    let entries = entries.map(|(key, value)| {
        let value = made.remove(&key).unwrap_or(value);
        (key, value)
    });
    let entries: Vec<_> = entries.collect();
    world.state = LedgerState::restore(world.state.charter().clone(), entries)?;
    world.append(Vec::new())?;
    Ok(revoked)
}

/// A day of so many new credentials and so many revoked ones, over all series.
fn day(world: &mut World, series: &BTreeMap<SeriesId, usize>, all: u64) -> Result<(u64, u64), WorldError> {
    let mut random = StdRng::seed_from_u64(SEED);
    let count = u64::try_from(series.len())?;
    let (issued, revoked) = (all / TERM / YEAR, all / ONE_OF / YEAR);
    for index in 0..issued / BATCH {
        let (id, region) = series.iter().nth(usize::try_from(index % count)?).ok_or("no series")?;
        let next = world.state.series_status(*id).ok_or("no status")?.next;
        let issue = Issue {
            series: *id,
            first: Number(next),
            count: BATCH,
            root: Digest(sha256(&[b"bench batch", &index.to_be_bytes()]).0),
        };
        let record = by_office(world, *region, Action::Issue(issue))?;
        world.append(vec![record])?;
    }
    for _ in 0..revoked {
        let chosen = usize::try_from(random.gen_range(0..count))?;
        let (id, region) = series.iter().nth(chosen).ok_or("no series")?;
        let status = world.state.series_status(*id).ok_or("no status")?;
        let number = loop {
            let number = random.gen_range(0..status.next);
            if !status.set(StatusKind::Revoked).contains(number) {
                break number;
            }
        };
        let body = SetStatus {
            series: *id,
            ranges: vec![NumberRange {
                first: Number(number),
                count: 1,
            }],
            change: StatusChange::Set(StatusKind::Revoked),
            reason: Reason::Unspecified,
            effective: None,
            detail: None,
            successor: None,
        };
        let record = by_office(world, *region, Action::SetStatus(body))?;
        world.append(vec![record])?;
    }
    Ok((issued, revoked))
}

/// A world of so many credentials, with the bytes of its bundle for the one type.
struct Scene {
    world: World,
    series: BTreeMap<SeriesId, usize>,
    selection: Selection,
}

impl Scene {
    fn of(all: u64) -> Result<Self, WorldError> {
        let mut world = World::with_series(REGIONS, "bench")?;
        let series = opened(&mut world)?;
        let each = all.div_ceil(u64::try_from(series.len())?);
        let revoked = filled(&mut world, &series, each)?;
        let numbers = each * u64::try_from(series.len())?;
        println!(
            "\n{numbers} credentials in {} series of {REGIONS} regions, {revoked} revoked",
            series.len()
        );
        let types = BTreeSet::from([world.type_ref().id]);
        let selection = Selection::of(Some(types), None).ok_or("too many types")?;
        Ok(Self {
            world,
            series,
            selection,
        })
    }

    fn bundle(&self) -> Result<Vec<u8>, WorldError> {
        let bundle: TrustBundle = self.world.full_bundle()?.select(&self.selection);
        Ok(bundle.to_bytes())
    }
}

/// Most bytes of memory this process had resident so far (Linux: `VmHWM`).
fn peak() -> Result<u64, WorldError> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?;
    Ok(kilobytes.parse::<u64>()? * 1024)
}

/// Opens and checks a bundle as a device does when it starts, and prints nanoseconds and peak memory.
fn open(file: &Path, chain: &str) -> Result<(), WorldError> {
    let chain_id = Digest(hex::decode(chain)?.try_into().map_err(|_| "no chain id")?);
    let began = Instant::now();
    let held = Held::open(&std::fs::read(file)?, &chain_id)?;
    let time = began.elapsed();
    println!("{} {} {}", time.as_nanos(), peak()?, held.state().height().0);
    Ok(())
}

/// A file that goes when this does.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}

/// Time and peak memory of a process of its own that opens this bundle.
fn opened_apart(bytes: &[u8], chain_id: &Digest) -> Result<(Duration, u64), WorldError> {
    let file = Scratch(std::env::temp_dir().join(format!("concord-bench-{}.bundle", std::process::id())));
    std::fs::write(&file.0, bytes)?;
    let mut child = Command::new(std::env::current_exe()?);
    let output = child
        .arg("--open")
        .arg(&file.0)
        .arg(hex::encode(chain_id.as_bytes()))
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let told = String::from_utf8(output.stdout)?;
    let mut told = told.split_whitespace().map(str::parse::<u64>);
    let mut next = || told.next().ok_or("the other process said nothing");
    Ok((Duration::from_nanos(next()??), next()??))
}

fn kilobytes(bytes: usize) -> f64 {
    bytes as f64 / 1e3
}

fn main() -> Result<(), WorldError> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, command, file, chain] = arguments.as_slice()
        && command == "--open"
    {
        return open(Path::new(file), chain);
    }
    let mut scene = Scene::of(FEWER)?;
    let bundle = scene.bundle()?;
    println!("bundle of the type: {:.0} kB", kilobytes(bundle.len()));
    let from = scene.world.state.tip().height;
    let (issued, revoked) = day(&mut scene.world, &scene.series, FEWER)?;
    let delta = scene.world.delta(from, &scene.selection)?.to_bytes();
    let blocks = scene.world.state.tip().height.0 - from.0;
    println!(
        "delta of a day, {issued} issued and {revoked} revoked in {blocks} blocks: {:.1} kB",
        kilobytes(delta.len())
    );
    check(&scene, &bundle, &delta, from)?;
    drop(scene);

    let scene = Scene::of(MORE)?;
    let bundle = scene.bundle()?;
    let (time, memory) = opened_apart(&bundle, &scene.world.state.chain_id())?;
    println!(
        "bundle of the type: {:.0} kB; read, opened and checked in {:.0} ms, {:.0} MB of memory at most",
        kilobytes(bundle.len()),
        time.as_secs_f64() * 1e3,
        memory as f64 / 1e6
    );
    if time > MOST_TIME || memory > MOST_MEMORY {
        return Err(format!("more than {MOST_TIME:?} or {MOST_MEMORY} bytes").into());
    }
    Ok(())
}

/// The delta leads from the bundle to what a full bundle says.
fn check(scene: &Scene, bundle: &[u8], delta: &[u8], from: Height) -> Result<(), WorldError> {
    let held = Held::open(bundle, &scene.world.state.chain_id())?;
    if held.state().height() != from {
        return Err("the bundle has another height".into());
    }
    let terms = concord_spec::bundle::Terms {
        checkpoint: None,
        go_back: false,
        now: scene.world.state.tip().time,
    };
    if held.update(delta, &terms)?.to_bytes() != scene.bundle()? {
        return Err("the delta does not lead to the full bundle".into());
    }
    Ok(())
}
