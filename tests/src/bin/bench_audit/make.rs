//! Makes the ledger: real signatures by real keyrings, real seals, written by the node's own log.

use crate::Arguments;
use concord_node::chain::LogEntry;
use concord_node::log::{LogOptions, SegmentLog};
use concord_spec::block::Block;
use concord_spec::charter::Charter;
use concord_spec::codec;
use concord_spec::digest::{Digest, sha256};
use concord_spec::id::{Number, OfficeCode, OfficeId, RegionId, SeriesId, UnixMillis};
use concord_spec::key::{BatchItem, Keyring, SecretKey};
use concord_spec::ledger::{CheckSignatures, Limits};
use concord_spec::record::{Action, Actor, Issue, OpenSeries, Payload, RegisterOffice, SignedRecord};
use concord_spec::seal::{RegionSet, Seal};
use concord_spec::world::World;
use concord_tests::{HarnessError, Result};
use rayon::prelude::*;
use std::path::Path;
use std::sync::Arc;

const SERIES_OF_OFFICE: u64 = 5;
/// Credentials of an issue.
const COUNT: u64 = 16;
/// Blocks that are signed, and sealed, together on all cores.
const TOGETHER: u64 = 64;
/// As desks have it: an issue may enter the ledger for an hour.
const PATIENCE_MS: u64 = 3_600_000;
const BLOCK_MS: u64 = 1_000;
/// About what the engine keeps beside a block for four regions.
const CERTIFICATE: usize = 1_024;

fn wrong(why: impl std::fmt::Display) -> HarnessError {
    HarnessError::bytes("a ledger to audit", why)
}

fn seed(kind: &str, index: u64) -> [u8; 32] {
    sha256(&[b"concord/bench_audit", kind.as_bytes(), &index.to_be_bytes()]).0
}

/// An office's three keys, two of which sign.
fn keys(office: u64) -> [SecretKey; 3] {
    [0, 1, 2].map(|index| SecretKey::from_seed(seed("office", office * 3 + index)))
}

fn world(arguments: &Arguments) -> Result<World> {
    World::with_series(arguments.regions, "bench-audit").map_err(wrong)
}

pub(crate) fn charter(arguments: &Arguments) -> Result<Charter> {
    Ok(world(arguments)?.state.charter().clone())
}

/// Signatures over as many keys as the ledger's records have.
pub(crate) fn signatures(arguments: &Arguments, count: usize) -> Vec<BatchItem> {
    let offices: Vec<[SecretKey; 3]> = (0..arguments.offices).map(keys).collect();
    let signers: Vec<&SecretKey> = offices.iter().flat_map(|[a, b, _]| [a, b]).collect();
    let item = |index: usize| {
        let key = signers.get(index % signers.len())?;
        // A record of one issue is about this long.
        let message = sha256(&[&index.to_be_bytes()]).0.repeat(6);
        let signature = key.sign(&message);
        Some(BatchItem {
            key: key.public(),
            message,
            signature,
        })
    };
    (0..count).filter_map(item).collect()
}

/// A sealed block by itself.
pub(crate) struct Sealed {
    chain_id: Digest,
    block: Block,
    seal: Seal,
    regions: Arc<RegionSet>,
}

impl Sealed {
    pub(crate) fn one(arguments: &Arguments) -> Result<Self> {
        let world = world(arguments)?;
        let (block, seal) = world.blocks.last().cloned().ok_or_else(|| wrong("no block"))?;
        Ok(Self {
            chain_id: world.state.chain_id(),
            regions: Arc::clone(world.state.region_set()),
            block,
            seal,
        })
    }

    pub(crate) fn holds(&self) -> bool {
        let (height, hash) = (self.block.header.height, self.block.hash());
        self.seal.verify(&self.chain_id, height, &hash, &self.regions).is_ok()
    }
}

/// Signed a moment ago.
struct JustSigned;

impl CheckSignatures for JustSigned {
    fn all_hold(&self, _: &SignedRecord, _: &[BatchItem]) -> bool {
        true
    }
}

struct Maker {
    world: World,
    region: RegionId,
    log: SegmentLog,
    offices: Vec<(OfficeId, [SecretKey; 3])>,
    /// Series with the office that holds it, by place.
    series: Vec<(SeriesId, usize)>,
}

/// Makes the ledger in `dir/log`.
pub(crate) fn make(arguments: &Arguments, dir: &Path) -> Result {
    let (log, _) = SegmentLog::open(&dir.join("log"), LogOptions::default()).map_err(wrong)?;
    let mut maker = Maker {
        world: world(arguments)?,
        region: RegionId::new(concord_spec::world::REGION_CODES[0]).map_err(wrong)?,
        log,
        offices: Vec::new(),
        series: Vec::new(),
    };
    maker.found(arguments)?;
    for (block, seal) in std::mem::take(&mut maker.world.blocks) {
        maker.write(&block, seal)?;
    }
    let blocks = arguments.records.div_ceil(arguments.block);
    for first in (0..blocks).step_by(usize::try_from(TOGETHER).unwrap_or(1)) {
        maker.issue(arguments, first, blocks.min(first + TOGETHER))?;
    }
    Ok(())
}

impl Maker {
    /// Offices and their series.
    fn found(&mut self, arguments: &Arguments) -> Result {
        let template = self.world.office_registration().map_err(wrong)?;
        let Action::RegisterOffice(template) = template else {
            return Err(wrong("no registration"));
        };
        let (mut registered, mut opened) = (Vec::new(), Vec::new());
        for office in 0..arguments.offices {
            let code = OfficeCode::new(format!("AUDIT-{office}")).map_err(wrong)?;
            let keys = keys(office);
            let ring = Keyring::new(2, keys.iter().map(SecretKey::public).collect()).map_err(wrong)?;
            let body = RegisterOffice {
                code: code.clone(),
                keyring: ring,
                ..template.clone()
            };
            registered.push(self.world.by_region(Action::RegisterOffice(body)).map_err(wrong)?);
            let region = self.region.clone();
            self.offices.push((OfficeId { region, code }, keys));
        }
        self.world.append(registered).map_err(wrong)?;
        for book in 0..arguments.offices * SERIES_OF_OFFICE {
            let place = usize::try_from(book % arguments.offices).map_err(wrong)?;
            let (office, [a, b, _]) = self.offices.get(place).ok_or_else(|| wrong("no office"))?;
            let open = OpenSeries {
                of: self.world.type_ref(),
                desk: format!("窗口{book}"),
                key: SecretKey::from_seed(seed("series", book)).public(),
            };
            let payload = self
                .world
                .payload(Actor::Office(office.clone()), Action::OpenSeries(open));
            opened.push(SignedRecord::sign(payload, &[a, b]));
            // Series 1 is the world's own.
            self.series
                .push((SeriesId(u32::try_from(book).map_err(wrong)? + 2), place));
        }
        self.world.append(opened).map_err(wrong)
    }

    /// Blocks `first` to `end` of issues: signed on all cores, applied in order, sealed on all cores.
    fn issue(&mut self, arguments: &Arguments, first: u64, end: u64) -> Result {
        let tip = self.world.state.tip().time.0;
        let chain_id = self.world.state.chain_id();
        let records: Vec<Vec<Arc<SignedRecord>>> = (first..end)
            .into_par_iter()
            .map(|block| {
                let time = tip + (block - first + 1) * BLOCK_MS;
                let numbers = block * arguments.block..arguments.records.min((block + 1) * arguments.block);
                let sign = |number| self.sign(chain_id, time, number).map(Arc::new);
                numbers.map(sign).collect::<Result<Vec<_>>>()
            })
            .collect::<Result<Vec<_>>>()?;
        let mut blocks = Vec::new();
        for (number, records) in (1..).zip(records) {
            let time = UnixMillis(tip + number * BLOCK_MS);
            let draft = self
                .world
                .state
                .draft(time, &self.region, records, Limits::default(), &JustSigned);
            if let Some((_, rejection)) = draft.refused.into_iter().next() {
                return Err(wrong(rejection));
            }
            self.world.state = draft.state;
            blocks.push(draft.block);
        }
        let quorum = self.world.state.region_set().quorum();
        let seals = blocks
            .par_iter()
            .map(|block| self.world.seal(block, 0, 0..quorum).map_err(|why| wrong(&why)));
        let seals = seals.collect::<Result<Vec<_>>>()?;
        for (block, seal) in blocks.iter().zip(seals) {
            self.write(block, seal)?;
        }
        Ok(())
    }

    fn sign(&self, chain_id: Digest, time: u64, number: u64) -> Result<SignedRecord> {
        let books = u64::try_from(self.series.len()).map_err(wrong)?;
        let book = usize::try_from(number % books).map_err(wrong)?;
        let (series, place) = self.series.get(book).ok_or_else(|| wrong("no series"))?;
        let (office, [a, b, _]) = self.offices.get(*place).ok_or_else(|| wrong("no office"))?;
        let issue = Issue {
            series: *series,
            first: Number(number / books * COUNT),
            count: COUNT,
            root: Digest(seed("batch", number)),
        };
        let mut nonce = [0; 16];
        nonce.copy_from_slice(seed("nonce", number).get(..16).unwrap_or(&[0; 16]));
        let payload = Payload {
            chain_id,
            not_after: UnixMillis(time + PATIENCE_MS),
            nonce,
            actor: Actor::Office(office.clone()),
            action: Action::Issue(issue),
        };
        Ok(SignedRecord::sign(payload, &[a, b]))
    }

    fn write(&self, block: &Block, seal: Seal) -> Result {
        let entry = LogEntry {
            block: codec::to_vec(block),
            seal,
            certificate: vec![0; CERTIFICATE],
        };
        let written = self.log.append_synced(block.header.height.0, &codec::to_vec(&entry));
        written.map_err(wrong)
    }
}
