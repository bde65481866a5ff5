//! A small ledger: blocks of numbers, on disk, with real checks of parent, proposer and shares.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use concord_spec::codec::{CodecError, Reader, Wire, Writer, from_slice, to_vec};
use concord_spec::digest::{Digest, Tag, sha256};
use concord_spec::id::RegionId;
use concord_spec::vote::Evidence;
use tokio::sync::watch;

use super::super::application::{Application, Built, Candidate, Decided, Decision, Fatal, Judgement, Kept, Origin};
use super::super::context::{Height, ValidatorSet};
use super::super::value::{MAX_BODY, SealShare};

pub(super) struct Ledger {
    dir: PathBuf,
    region: RegionId,
    regions: ValidatorSet,
    false_shares: bool,
    state: watch::Sender<State>,
    refuse: Mutex<(Option<Height>, Option<Digest>)>,
}

#[derive(Default)]
struct State {
    blocks: Vec<Stored>,
    pending: BTreeSet<u64>,
}

struct Stored {
    hash: Digest,
    body: Body,
    shares: Vec<(RegionId, SealShare)>,
}

struct Body {
    height: u64,
    parent: Digest,
    proposer: RegionId,
    records: Vec<u64>,
}

impl Wire for Body {
    fn encode(&self, w: &mut Writer) {
        w.array(4);
        w.uint(self.height);
        w.wire(&self.parent);
        w.wire(&self.proposer);
        concord_spec::codec::encode_list(w, &self.records);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(4)?;
        Ok(Self {
            height: r.uint()?,
            parent: r.wire()?,
            proposer: r.wire()?,
            records: r.list(10_000)?,
        })
    }
}

fn hash(body: &[u8]) -> Digest {
    Tag::Block.digest(&[body])
}

fn write_synced(path: &Path, bytes: &[u8]) {
    let mut file = File::create(path).unwrap();
    file.write_all(bytes).unwrap();
    file.sync_all().unwrap();
}

impl Ledger {
    pub(super) fn open(dir: &Path, region: RegionId, regions: ValidatorSet) -> Self {
        let mut state = State::default();
        for height in 1.. {
            let Ok(body) = fs::read(dir.join(format!("block-{height}"))) else {
                break;
            };
            let shares = fs::read(dir.join(format!("shares-{height}"))).unwrap();
            let body_of = from_slice(&body, MAX_BODY).unwrap();
            state.blocks.push(Stored {
                hash: hash(&body),
                body: body_of,
                shares: read_shares(&shares),
            });
        }
        Self {
            dir: dir.to_owned(),
            region,
            regions,
            false_shares: false,
            state: watch::Sender::new(state),
            refuse: Mutex::default(),
        }
    }

    pub(super) fn with_false_shares(self) -> Self {
        Self {
            false_shares: true,
            ..self
        }
    }

    pub(super) fn submit(&self, record: u64) {
        self.state.send_modify(|state| {
            if !state.contains(record) {
                state.pending.insert(record);
            }
        });
    }

    pub(super) async fn has(&self, record: u64) {
        self.state
            .subscribe()
            .wait_for(|state| state.contains(record))
            .await
            .unwrap();
    }

    pub(super) fn hashes(&self) -> Vec<Digest> {
        self.state.borrow().blocks.iter().map(|block| block.hash).collect()
    }

    pub(super) fn every_record_is_in_one_block(&self) -> bool {
        let state = self.state.borrow();
        let all: Vec<_> = state
            .blocks
            .iter()
            .flat_map(|block| block.body.records.iter())
            .collect();
        all.iter().collect::<BTreeSet<_>>().len() == all.len()
    }

    pub(super) fn every_block_has_a_quorum_of_shares(&self) -> bool {
        self.state.borrow().blocks.iter().all(|block| block.shares.len() >= 3)
    }

    pub(super) fn signers(&self) -> BTreeSet<RegionId> {
        let state = self.state.borrow();
        state
            .blocks
            .iter()
            .flat_map(|block| block.shares.iter().map(|(region, _)| region.clone()))
            .collect()
    }

    pub(super) fn refuse_to_commit_at(&self, height: Height) {
        self.refuse.lock().unwrap().0 = Some(height);
    }

    pub(super) fn refused(&self) -> Option<Digest> {
        self.refuse.lock().unwrap().1
    }

    fn refuses(&self, decision: &Decision) -> bool {
        let mut refuse = self.refuse.lock().unwrap();
        let refuses = refuse.0 == Some(decision.height);
        if refuses {
            refuse.1 = Some(decision.hash);
        }
        refuses
    }

    fn kept_path(&self, height: u64, hash: Digest) -> PathBuf {
        self.dir.join(format!("kept-{height}-{hash}"))
    }

    fn tip_hash(&self) -> Digest {
        self.state
            .borrow()
            .blocks
            .last()
            .map_or(Digest::ZERO, |block| block.hash)
    }

    fn sign(region: &RegionId, height: Height, round: u32, hash: Digest) -> SealShare {
        let parts = [
            region.as_str().as_bytes(),
            &height.0.to_be_bytes(),
            &round.to_be_bytes(),
            &hash.0,
        ];
        let digest = sha256(&parts);
        let mut share = [0; 48];
        share[..32].copy_from_slice(&digest.0);
        SealShare(share)
    }
}

impl State {
    fn contains(&self, record: u64) -> bool {
        self.blocks.iter().any(|block| block.body.records.contains(&record))
    }
}

fn write_shares(shares: &[(RegionId, SealShare)]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(shares.len());
    for (region, share) in shares {
        w.array(2);
        w.wire(region);
        w.bytes(&share.0);
    }
    w.into_vec()
}

fn read_shares(bytes: &[u8]) -> Vec<(RegionId, SealShare)> {
    let mut r = Reader::new(bytes);
    let len = r.array_len(100).unwrap();
    let one = |r: &mut Reader<'_>| {
        r.array(2).unwrap();
        (r.wire().unwrap(), SealShare(r.byte_array().unwrap()))
    };
    (0..len).map(|_| one(&mut r)).collect()
}

impl Application for Ledger {
    fn tip(&self) -> Height {
        Height(u64::try_from(self.state.borrow().blocks.len()).unwrap())
    }

    fn min_height(&self) -> Height {
        Height(1)
    }

    fn regions(&self, _: Height) -> Result<ValidatorSet, Fatal> {
        Ok(self.regions.clone())
    }

    fn heartbeat(&self) -> Duration {
        Duration::from_secs(3600)
    }

    async fn records_waiting(&self) {
        self.state
            .subscribe()
            .wait_for(|state| !state.pending.is_empty())
            .await
            .unwrap();
    }

    async fn build(&self, height: Height, round: u32) -> Result<Built, Fatal> {
        let records = self.state.borrow().pending.iter().copied().collect();
        let body = Body {
            height: height.0,
            parent: self.tip_hash(),
            proposer: self.region.clone(),
            records,
        };
        let body: Bytes = to_vec(&body).into();
        let candidate = Candidate {
            height,
            round,
            proposer: self.region.clone(),
            origin: Origin::Proposed,
            body: body.clone(),
        };
        let judged = self.judge(candidate).await?;
        assert_eq!(judged, Judgement::Valid(hash(&body)));
        Ok(Built {
            hash: hash(&body),
            body,
        })
    }

    async fn judge(&self, candidate: Candidate) -> Result<Judgement, Fatal> {
        let Ok(body) = from_slice::<Body>(&candidate.body, MAX_BODY) else {
            return Ok(Judgement::Invalid {
                hash: None,
                reason: "not a body".to_owned(),
            });
        };
        let hash = hash(&candidate.body);
        let invalid = |reason: &str| {
            Ok(Judgement::Invalid {
                hash: Some(hash),
                reason: reason.to_owned(),
            })
        };
        if body.height != candidate.height.0 || body.parent != self.tip_hash() {
            return invalid("not on the tip");
        }
        if candidate.origin == Origin::Proposed && body.proposer != candidate.proposer {
            return invalid("not its proposer's");
        }
        if body.records.iter().any(|record| self.state.borrow().contains(*record)) {
            return invalid("a record twice");
        }
        let mut w = Writer::new();
        w.array(3);
        w.uint(u64::from(candidate.round));
        w.wire(&candidate.proposer);
        w.bytes(&candidate.body);
        write_synced(&self.kept_path(body.height, hash), &w.into_vec());
        Ok(Judgement::Valid(hash))
    }

    async fn body(&self, hash: Digest) -> Result<Option<Bytes>, Fatal> {
        let next = self.tip().0 + 1;
        Ok(fs::read(self.kept_path(next, hash)).ok().map(|kept| {
            let mut r = Reader::new(&kept);
            r.array(3).unwrap();
            r.uint().unwrap();
            r.wire::<RegionId>().unwrap();
            Bytes::copy_from_slice(r.bytes(MAX_BODY).unwrap())
        }))
    }

    async fn kept(&self, height: Height) -> Result<Vec<Kept>, Fatal> {
        let prefix = format!("kept-{height}-");
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.dir).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Some(hash) = name.strip_prefix(&prefix) else {
                continue;
            };
            let bytes = fs::read(self.dir.join(&name)).unwrap();
            let mut r = Reader::new(&bytes);
            r.array(3).unwrap();
            let round = u32::try_from(r.uint().unwrap()).unwrap();
            kept.push(Kept {
                hash: hash.parse().unwrap(),
                round,
                proposer: r.wire().unwrap(),
            });
        }
        Ok(kept)
    }

    fn share(&self, height: Height, round: u32, hash: Digest) -> Result<SealShare, Fatal> {
        let hash = if self.false_shares { Digest::ZERO } else { hash };
        Ok(Self::sign(&self.region, height, round, hash))
    }

    async fn check_shares(
        &self,
        height: Height,
        round: u32,
        hash: Digest,
        shares: &[(RegionId, SealShare)],
    ) -> Vec<bool> {
        shares
            .iter()
            .map(|(region, share)| *share == Self::sign(region, height, round, hash))
            .collect()
    }

    async fn commit(&self, decision: Decision) -> Result<(), Fatal> {
        if self.refuses(&decision) {
            return Err(Fatal::new("stopped before the commit, as the test asked"));
        }
        let body = self
            .body(decision.hash)
            .await?
            .ok_or_else(|| Fatal::new("the body is lost"))?;
        let height = decision.height;
        assert_eq!(height.0, self.tip().0 + 1);
        write_synced(&self.dir.join(format!("certificate-{height}")), &decision.certificate);
        write_synced(
            &self.dir.join(format!("shares-{height}")),
            &write_shares(&decision.shares),
        );
        write_synced(&self.dir.join(format!("block-{height}")), &body);
        self.state.send_modify(|state| {
            let body: Body = from_slice(&body, MAX_BODY).unwrap();
            for record in &body.records {
                state.pending.remove(record);
            }
            state.blocks.push(Stored {
                hash: decision.hash,
                body,
                shares: decision.shares,
            });
        });
        Ok(())
    }

    async fn decided(&self, height: Height) -> Result<Option<Decided>, Fatal> {
        let read = |name: &str| {
            fs::read(self.dir.join(format!("{name}-{height}")))
                .map(Bytes::from)
                .ok()
        };
        let (Some(certificate), Some(body)) = (read("certificate"), read("block")) else {
            return Ok(None);
        };
        Ok(Some(Decided { certificate, body }))
    }

    async fn evidence(&self, _: Vec<Evidence>) -> Result<(), Fatal> {
        Ok(())
    }
}
