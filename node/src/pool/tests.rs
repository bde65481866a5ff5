use std::collections::HashMap;
use std::path::Path;
use std::sync::RwLock;

use concord_spec::digest::Digest;
use concord_spec::id::{OfficeCode, RegionId, SeriesId};
use concord_spec::ledger::Touched;
use concord_spec::record::{Action, Actor, Change, Issue, RegisterOffice};
use concord_spec::seal::Seal;
use concord_spec::world::{GENESIS, REGION_CODES, World};
use tokio::sync::watch;

use super::*;

/// A chain in memory, of real blocks on a real ledger.
#[derive(Debug)]
pub(crate) struct Ledger {
    world: Mutex<World>,
    state: RwLock<Arc<LedgerState>>,
    blocks: RwLock<Vec<(Block, Seal)>>,
    positions: RwLock<HashMap<RecordId, Position>>,
    heights: watch::Sender<Height>,
}

impl Ledger {
    /// Four regions; the first has an office with series 1.
    pub(crate) fn new() -> Arc<Self> {
        let world = World::with_series(4, "test").unwrap();
        let ledger = Self {
            state: RwLock::new(Arc::new(world.state.clone())),
            blocks: RwLock::default(),
            positions: RwLock::default(),
            heights: watch::Sender::new(world.state.tip().height),
            world: Mutex::new(world),
        };
        ledger.follow();
        Arc::new(ledger)
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn follow(&self) {
        let world = self.world();
        let mut blocks = self.blocks.write().unwrap();
        for (block, seal) in world.blocks.iter().skip(blocks.len()).cloned().collect::<Vec<_>>() {
            let height = block.header.height;
            for (index, record) in (0..).zip(&block.records) {
                self.positions
                    .write()
                    .unwrap()
                    .insert(record.id(), Position { height, index });
            }
            blocks.push((block, seal));
        }
        *self.state.write().unwrap() = Arc::new(world.state.clone());
        self.heights.send_replace(world.state.tip().height);
    }

    /// Puts records in a block, and tells the pool.
    pub(crate) fn commit(&self, pool: &Pool, records: Vec<SignedRecord>) {
        self.world().append(records).unwrap();
        self.follow();
        let block = self.blocks.read().unwrap().last().unwrap().0.clone();
        pool.committed(&block, &self.state());
    }

    /// Has regions vote for a change, and tells the pool of the blocks.
    pub(crate) fn change(&self, pool: &Pool, change: Change, voters: &[usize]) {
        let before = self.blocks.read().unwrap().len();
        self.world().change(change, voters).unwrap();
        self.follow();
        let blocks: Vec<Block> = self.blocks.read().unwrap()[before..]
            .iter()
            .map(|(block, _)| block.clone())
            .collect();
        for block in blocks {
            pool.committed(&block, &self.state());
        }
    }

    /// Puts what waits in a block.
    pub(crate) fn commit_waiting(&self, pool: &Pool) {
        let records = pool.candidates(1 << 20, 1_000);
        self.commit(pool, records.iter().map(|record| record.as_ref().clone()).collect());
    }

    pub(crate) fn issue(&self, first: u64, count: u64) -> SignedRecord {
        self.world().batch_from(first, count).unwrap().1
    }

    /// A registration by the region with this index.
    fn registration(&self, region: usize, index: usize) -> SignedRecord {
        let mut world = self.world();
        let Action::RegisterOffice(like) = world.office_registration().unwrap() else {
            unreachable!()
        };
        let code = OfficeCode::new(format!("{index:018}")).unwrap();
        let actor = Actor::Region(RegionId::new(REGION_CODES[region]).unwrap());
        let payload = world.payload(actor, Action::RegisterOffice(RegisterOffice { code, ..like }));
        SignedRecord::sign(payload, &[&world.authorities[region]])
    }
}

impl ChainView for Ledger {
    fn state(&self) -> Arc<LedgerState> {
        Arc::clone(&self.state.read().unwrap())
    }

    fn sealed_block(&self, height: Height) -> Result<Option<SealedBlock>, ChainError> {
        let blocks = self.blocks.read().unwrap();
        let found = blocks.iter().find(|(block, _)| block.header.height == height).cloned();
        Ok(found.map(|(block, seal)| SealedBlock { block, seal }))
    }

    fn position(&self, id: &RecordId) -> Result<Option<Position>, ChainError> {
        Ok(self.positions.read().unwrap().get(id).copied())
    }

    fn block_hashes(&self, after: Height, limit: usize) -> Result<Vec<Digest>, ChainError> {
        let blocks = self.blocks.read().unwrap();
        let later = blocks
            .iter()
            .filter(|(block, _)| block.header.height > after)
            .take(limit);
        Ok(later.map(|(block, _)| block.hash()).collect())
    }

    fn touched(&self, after: Height, limit: usize) -> Result<Vec<Touched>, ChainError> {
        let world = self.world();
        let later = world.touched().iter().skip(usize::try_from(after.0).unwrap());
        Ok(later.take(limit).cloned().collect())
    }

    fn watch(&self) -> watch::Receiver<Height> {
        self.heights.subscribe()
    }
}

/// Ten seconds into the federation: later than every block of these tests' beginnings.
fn clock() -> UnixMillis {
    UnixMillis(GENESIS.0 + 10_000)
}

pub(crate) fn open(dir: &Path, ledger: &Arc<Ledger>, limits: Limits) -> Pool {
    let config = PoolConfig {
        journal: dir.to_path_buf(),
        limits,
        meters: PoolMeters::default(),
        clock,
    };
    Pool::open(config, Arc::clone(ledger) as Arc<dyn ChainView>, Arc::default()).unwrap()
}

pub(crate) fn roomy() -> Limits {
    Limits {
        low_water_bytes: 0,
        ..Limits::default()
    }
}

pub(crate) fn bytes(record: &SignedRecord) -> Bytes {
    Bytes::copy_from_slice(record.bytes())
}

async fn settled(pool: &Pool, id: &RecordId) -> Fate {
    match pool.waited(id, Duration::from_secs(60)).await {
        Some(fate) => fate,
        None => pool.fate(id).unwrap().unwrap(),
    }
}

fn code(answer: &Result<Submitted, Refused>) -> &'static str {
    answer.as_ref().map_or_else(|refused| refused.why.code(), |_| "taken")
}

/// The record with other signers; its id is the same.
fn re_signed(ledger: &Ledger, record: &SignedRecord, keys: &[usize]) -> SignedRecord {
    let world = ledger.world();
    let keys: Vec<_> = keys.iter().map(|index| &world.office_keys[*index]).collect();
    SignedRecord::sign(record.payload().clone(), &keys)
}

#[tokio::test]
async fn a_record_submitted_again_also_re_signed_is_the_same_record() {
    let (dir, ledger) = (tempfile::tempdir().unwrap(), Ledger::new());
    let pool = open(dir.path(), &ledger, roomy());
    let record = ledger.issue(0, 2);
    let again = re_signed(&ledger, &record, &[1, 2]);
    assert_ne!(record.bytes(), again.bytes());
    let pending = |new| {
        Ok(Submitted {
            id: record.id(),
            fate: Fate::Pending,
            new,
        })
    };
    let answers = pool.submit_all(vec![bytes(&record), bytes(&again)]).await;
    assert_eq!(answers, [pending(true), pending(false)]);
    assert_eq!(pool.submit(bytes(&again)).await, pending(false));
    assert_eq!(pool.load().records, 1);
    ledger.commit_waiting(&pool);
    let fate = pool.fate(&record.id()).unwrap().unwrap();
    assert!(
        matches!(fate, Fate::Recorded(at) if at.position == Position { height: Height(4), index: 0 }),
        "{fate:?}"
    );
    let recorded = Ok(Submitted {
        id: record.id(),
        fate,
        new: false,
    });
    assert_eq!(pool.submit(bytes(&again)).await, recorded);
    // What is only in the log is answered alike.
    drop(pool);
    let pool = open(dir.path(), &ledger, roomy());
    assert_eq!(pool.submit(bytes(&again)).await, recorded);
}

#[tokio::test]
async fn a_record_that_breaks_a_rule_gets_its_code_and_changes_nothing() {
    let (dir, ledger) = (tempfile::tempdir().unwrap(), Ledger::new());
    let pool = open(dir.path(), &ledger, roomy());
    let record = ledger.issue(0, 2);
    let root = ledger.state().root();
    let mut forged = record.bytes().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let mut expired = record.payload().clone();
    expired.not_after = UnixMillis(clock().0 - 1);
    let unknown = Issue {
        series: SeriesId(9),
        first: concord_spec::id::Number(0),
        count: 1,
        root,
    };
    let unknown = ledger.world().by_office(Action::Issue(unknown)).unwrap();
    let mut elsewhere = record.payload().clone();
    elsewhere.chain_id = root;
    let cases = [
        (Bytes::from(forged), "FORGED_SIGNATURE"),
        (bytes(&re_signed(&ledger, &record, &[0])), "TOO_FEW_SIGNATURES"),
        (bytes(&re_signed(&ledger, &record, &[0, 1, 2])), "TOO_MANY_SIGNATURES"),
        (bytes(&sign_by_two(&ledger, expired)), "EXPIRED"),
        (bytes(&ledger.issue(1, 1)), "NUMBER_GAP"),
        (bytes(&unknown), "UNKNOWN_SERIES"),
        (bytes(&sign_by_two(&ledger, elsewhere)), "WRONG_CHAIN"),
        (Bytes::from_static(b"\x80"), "MALFORMED"),
        (Bytes::from(vec![0; 1 << 20]), "MALFORMED"),
    ];
    for (record, expected) in cases {
        assert_eq!(code(&pool.submit(record).await), expected);
    }
    assert_eq!((pool.load(), pool.has_candidates()), (Load::default(), false));
    assert_eq!(ledger.state().root(), root);
    assert_eq!(code(&pool.submit(bytes(&record)).await), "taken");
}

fn sign_by_two(ledger: &Ledger, payload: concord_spec::record::Payload) -> SignedRecord {
    let world = ledger.world();
    SignedRecord::sign(payload, &[&world.office_keys[0], &world.office_keys[1]])
}

#[tokio::test]
async fn followers_fall_with_their_predecessor_and_it_stays_known() {
    let (dir, ledger) = (tempfile::tempdir().unwrap(), Ledger::new());
    let pool = open(dir.path(), &ledger, roomy());
    let (first, second, third) = (ledger.issue(0, 2), ledger.issue(2, 2), ledger.issue(4, 2));
    for record in [&first, &second, &third] {
        assert_eq!(code(&pool.submit(bytes(record)).await), "taken");
    }
    // Another node's proposal takes the numbers of the first.
    let other = ledger.issue(0, 3);
    ledger.commit(&pool, vec![other.clone()]);
    assert!(!pool.has_candidates());
    for record in [&first, &second, &third] {
        let fate = settled(&pool, &record.id()).await;
        assert!(
            matches!(&fate, Fate::Rejected(why) if why.code == "NUMBER_GAP"),
            "{fate:?}"
        );
    }
    assert!(matches!(pool.fate(&other.id()).unwrap(), Some(Fate::Recorded(_))));
    drop(pool);
    let pool = open(dir.path(), &ledger, roomy());
    let fate = pool.fate(&second.id()).unwrap().unwrap();
    assert!(
        matches!(&fate, Fate::Rejected(why) if why.code == "NUMBER_GAP" && !why.detail.is_empty()),
        "{fate:?}"
    );
    let again = pool.submit(bytes(&second)).await.unwrap();
    assert_eq!((again.fate, again.new), (fate, false));
}

#[tokio::test]
async fn what_was_promised_waits_again_after_a_restart() {
    let (dir, ledger) = (tempfile::tempdir().unwrap(), Ledger::new());
    let pool = open(dir.path(), &ledger, roomy());
    let records: Vec<_> = (0..10).map(|n| ledger.issue(n * 2, 2)).collect();
    for answer in pool.submit_all(records.iter().map(bytes).collect()).await {
        assert_eq!(code(&answer), "taken");
    }
    let gossiped = ledger.issue(20, 2);
    assert_eq!(pool.admit_gossiped(vec![bytes(&gossiped)]).await, Gossip::New);
    // The first is in a block that the pool is not told of, as if the node had died before.
    ledger.world().append(vec![records[0].clone()]).unwrap();
    ledger.follow();
    drop(pool);
    let pool = open(dir.path(), &ledger, roomy());
    let waiting: Vec<_> = pool.candidates(1 << 20, 100).iter().map(|record| record.id()).collect();
    assert_eq!(waiting, records[1..].iter().map(SignedRecord::id).collect::<Vec<_>>());
    assert!(matches!(pool.fate(&records[0].id()).unwrap(), Some(Fate::Recorded(_))));
    assert_eq!(pool.fate(&gossiped.id()).unwrap(), None);
}

#[tokio::test]
async fn a_promised_record_whose_predecessor_is_unknown_after_a_restart_waits_for_it() {
    let (dir, ledger) = (tempfile::tempdir().unwrap(), Ledger::new());
    let pool = open(dir.path(), &ledger, roomy());
    let (of_a_peer, promised) = (ledger.issue(0, 2), ledger.issue(2, 2));
    assert_eq!(pool.admit_gossiped(vec![bytes(&of_a_peer)]).await, Gossip::New);
    assert_eq!(code(&pool.submit(bytes(&promised)).await), "taken");
    drop(pool);
    let pool = open(dir.path(), &ledger, roomy());
    assert_eq!(pool.fate(&promised.id()).unwrap(), Some(Fate::Pending));
    assert!(!pool.has_candidates());
    ledger.commit(&pool, vec![of_a_peer]);
    ledger.commit_waiting(&pool);
    assert!(matches!(settled(&pool, &promised.id()).await, Fate::Recorded(_)));
}

#[tokio::test]
async fn a_promised_record_whose_predecessor_never_comes_is_rejected_in_the_end() {
    let (dir, ledger) = (tempfile::tempdir().unwrap(), Ledger::new());
    let pool = open(dir.path(), &ledger, roomy());
    let (lost, promised) = (ledger.issue(0, 2), ledger.issue(2, 2));
    pool.admit_gossiped(vec![bytes(&lost)]).await;
    assert_eq!(code(&pool.submit(bytes(&promised)).await), "taken");
    drop(pool);
    let pool = open(dir.path(), &ledger, roomy());
    let late = UnixMillis(clock().0 + 60_000);
    while ledger.state().tip().time <= late {
        ledger.commit(&pool, Vec::new());
    }
    assert_eq!(pool.fate(&promised.id()).unwrap(), Some(Fate::Pending));
    (0..3).for_each(|_| ledger.commit(&pool, Vec::new()));
    assert!(matches!(settled(&pool, &promised.id()).await, Fate::Rejected(why) if why.code == "NUMBER_GAP"));
}

#[tokio::test]
async fn a_record_that_was_gossiped_first_is_promised_when_it_is_submitted() {
    let (dir, ledger) = (tempfile::tempdir().unwrap(), Ledger::new());
    let pool = open(dir.path(), &ledger, roomy());
    let record = ledger.issue(0, 2);
    assert_eq!(pool.admit_gossiped(vec![bytes(&record)]).await, Gossip::New);
    assert_eq!(pool.admit_gossiped(vec![bytes(&record)]).await, Gossip::Useless);
    assert_eq!(code(&pool.submit(bytes(&record)).await), "taken");
    assert_eq!(pool.admit_gossiped(vec![Bytes::from_static(b"?")]).await, Gossip::Bad);
    drop(pool);
    assert_eq!(open(dir.path(), &ledger, roomy()).load().records, 1);
}

#[tokio::test]
async fn a_record_expires_by_the_time_of_a_block_and_not_by_our_clock() {
    let (dir, ledger) = (tempfile::tempdir().unwrap(), Ledger::new());
    let pool = open(dir.path(), &ledger, roomy());
    let mut payload = ledger.issue(0, 2).payload().clone();
    payload.not_after = clock();
    let record = sign_by_two(&ledger, payload);
    assert_eq!(code(&pool.submit(bytes(&record)).await), "taken");
    let follower = ledger.issue(2, 2);
    assert_eq!(code(&pool.submit(bytes(&follower)).await), "taken");
    while ledger.state().tip().time < clock() {
        assert_eq!(pool.fate(&record.id()).unwrap(), Some(Fate::Pending));
        ledger.commit(&pool, Vec::new());
    }
    let fate = settled(&pool, &record.id()).await;
    assert!(matches!(&fate, Fate::Expired(why) if why.code == "EXPIRED"), "{fate:?}");
    let fate = settled(&pool, &follower.id()).await;
    assert!(
        matches!(&fate, Fate::Rejected(why) if why.code == "NUMBER_GAP"),
        "{fate:?}"
    );
}

#[tokio::test]
async fn regions_take_turns_and_none_is_crowded_out() {
    let (dir, ledger) = (tempfile::tempdir().unwrap(), Ledger::new());
    let limits = Limits { records: 20, ..roomy() };
    let pool = open(dir.path(), &ledger, limits);
    let crowd: Vec<_> = (0..14).map(|index| ledger.registration(0, index)).collect();
    let answers = pool.submit_all(crowd.iter().map(bytes).collect()).await;
    // Two of its own share, and the half that is for whoever comes.
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 12);
    let refused = answers.last().unwrap().as_ref().unwrap_err();
    assert_eq!(
        (refused.why.clone(), refused.why.retry_after_s()),
        (Refusal::PoolFull, Some(2))
    );
    for region in 1..3 {
        for index in 0..2 {
            assert_eq!(
                code(&pool.submit(bytes(&ledger.registration(region, index))).await),
                "taken"
            );
        }
        assert_eq!(
            code(&pool.submit(bytes(&ledger.registration(region, 2))).await),
            "POOL_FULL"
        );
    }
    let order = pool.candidates(1 << 20, 100);
    let regions: Vec<_> = order.iter().map(|record| record.payload().actor.to_string()).collect();
    let first: std::collections::BTreeSet<_> = regions[..3].iter().collect();
    let second: std::collections::BTreeSet<_> = regions[3..6].iter().collect();
    assert_eq!((first.len(), second.len(), regions.len()), (3, 3, 16));
    let of_first: Vec<_> = order
        .iter()
        .filter(|r| r.payload().actor == crowd[0].payload().actor)
        .map(|r| r.id())
        .collect();
    assert_eq!(of_first, crowd[..12].iter().map(SignedRecord::id).collect::<Vec<_>>());
    assert_eq!(pool.candidates(1 << 20, 5).len(), 5);
    assert_eq!(pool.candidates(order[0].bytes().len(), 5).len(), 1);
}

#[tokio::test]
async fn a_foreseen_block_leaves_the_rest_waiting_and_a_foreign_one_is_followed() {
    let (dir, ledger) = (tempfile::tempdir().unwrap(), Ledger::new());
    let pool = open(dir.path(), &ledger, roomy());
    let records: Vec<_> = (0..4).map(|n| ledger.issue(n * 2, 2)).collect();
    pool.submit_all(records.iter().map(bytes).collect()).await;
    ledger.commit(&pool, records[..2].to_vec());
    assert_eq!(pool.load().records, 2);
    // A registration changes what others are judged by: everything is judged anew, and holds.
    ledger.commit(&pool, vec![ledger.registration(1, 0)]);
    assert_eq!(pool.load().records, 2);
    assert_eq!(code(&pool.submit(bytes(&ledger.issue(8, 1))).await), "taken");
    pool.reconsider();
    ledger.commit_waiting(&pool);
    assert_eq!(pool.load(), Load::default());
    assert_eq!(ledger.state().series_status(SeriesId(1)).unwrap().next, 9);
}

#[tokio::test]
async fn who_waits_for_records_or_fates_is_told_at_once() {
    let (dir, ledger) = (tempfile::tempdir().unwrap(), Ledger::new());
    let pool = Arc::new(open(dir.path(), &ledger, roomy()));
    let mut events = pool.events();
    let mut gossip = pool.to_gossip().unwrap();
    let record = ledger.issue(0, 2);
    let waiter = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { pool.notified().await }
    });
    assert_eq!(code(&pool.submit(bytes(&record)).await), "taken");
    waiter.await.unwrap();
    assert_eq!(gossip.recv().await.unwrap(), bytes(&record));
    let told = tokio::spawn({
        let (pool, id) = (Arc::clone(&pool), record.id());
        async move { settled(&pool, &id).await }
    });
    // Out of patience: as it stands.
    assert_eq!(pool.waited(&record.id(), Duration::ZERO).await, None);
    ledger.commit_waiting(&pool);
    assert!(matches!(told.await.unwrap(), Fate::Recorded(_)));
    assert_eq!(events.recv().await.unwrap().records, 1);
}

#[tokio::test]
async fn nothing_is_taken_below_the_low_water_mark_or_while_stopping() {
    let (dir, ledger) = (tempfile::tempdir().unwrap(), Ledger::new());
    let pool = open(
        dir.path(),
        &ledger,
        Limits {
            low_water_bytes: u64::MAX,
            ..Limits::default()
        },
    );
    assert_eq!(code(&pool.submit(bytes(&ledger.issue(0, 1))).await), "DISK_LOW");
    drop(pool);
    let pool = open(dir.path(), &ledger, roomy());
    pool.stop();
    assert_eq!(code(&pool.submit(bytes(&ledger.issue(0, 1))).await), "STOPPING");
}

#[test]
fn a_forged_signature_does_not_spoil_the_batch_it_comes_in() {
    use concord_spec::ledger::CheckSignatures;
    let ledger = Ledger::new();
    let good: Vec<_> = (0..40).map(|n| ledger.issue(n, 1)).collect();
    let mut forged = ledger.issue(40, 1).bytes().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let forged = SignedRecord::from_bytes(&forged).unwrap();
    let cache = SignatureCache::new(1_000);
    cache.warm(&ledger.state(), good.iter().chain([&forged]));
    assert_eq!(cache.len(), 2 * 40 + 1);
    let keyring = &ledger
        .state()
        .office(&ledger.world().office().unwrap())
        .unwrap()
        .keyring
        .clone();
    let holds = |record: &SignedRecord| cache.all_hold(record, &record.envelope().check(keyring).unwrap());
    assert!(good.iter().all(holds));
    assert!(!holds(&forged));
}
