use concord_spec::ledger::Term;

use super::*;

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(KEYS_DIR)).unwrap();
        Self { dir }
    }

    fn create(&self) -> (PublicKey, SealPublicKey) {
        let (consensus, seal) = create_next(self.dir.path(), &Passphrase::of(b"words".to_vec())).unwrap();
        (consensus.public(), seal.public())
    }

    fn open(&self) -> RegionKeys {
        RegionKeys::open(self.dir.path(), &Passphrase::of(b"words".to_vec())).unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path().join(KEYS_DIR)).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    fn file_of(&self, name: &str, public: &impl ToString) -> PathBuf {
        let short = public.to_string()[..16].to_owned();
        self.dir.path().join(KEYS_DIR).join(format!("{name}-{short}.pem"))
    }
}

fn term(from: u64, until: Option<u64>, (consensus_key, seal_key): &(PublicKey, SealPublicKey)) -> Term {
    Term {
        from: id::Height(from),
        until: until.map(id::Height),
        consensus_key: *consensus_key,
        seal_key: seal_key.clone(),
    }
}

fn region(terms: Vec<Term>) -> Region {
    Region {
        terms,
        ..sample_region()
    }
}

fn sample_region() -> Region {
    let world = concord_spec::world::World::with_series(4, "test").unwrap();
    world.state.federation().regions[0].clone()
}

fn voted_with(keys: &RegionKeys, height: u64) -> Option<[u8; 32]> {
    let key = keys.vote_key_at(Height(height))?;
    Some(key.verifying_key().to_bytes())
}

fn sealed_with(keys: &RegionKeys, height: u64) -> Option<SealPublicKey> {
    Some(keys.seal_key_at(Height(height))?.public())
}

#[test]
fn each_height_has_the_keys_that_the_ledger_names_for_it() {
    let bench = Bench::new();
    let (old, new) = (bench.create(), bench.create());
    let keys = bench.open();
    assert_eq!(voted_with(&keys, 1), None);
    let own = region(vec![term(1, Some(10), &old), term(10, None, &new)]);
    keys.follow(Some(&own), id::Height(8)).unwrap();
    for (height, pair) in [(1, &old), (9, &old), (10, &new), (1_000, &new)] {
        assert_eq!(voted_with(&keys, height), Some(pair.0.to_bytes()));
        assert_eq!(sealed_with(&keys, height).as_ref(), Some(&pair.1));
    }
    keys.follow(None, id::Height(8)).unwrap();
    assert_eq!(voted_with(&keys, 9), None);
}

#[test]
fn a_key_made_while_the_node_runs_is_read_when_the_ledger_names_it() {
    let bench = Bench::new();
    let old = bench.create();
    let keys = bench.open();
    let new = bench.create();
    keys.follow(Some(&region(vec![term(1, None, &old)])), id::Height(3))
        .unwrap();
    assert!(!keys.has_vote_key(&new.0));
    let own = region(vec![term(1, Some(6), &old), term(6, None, &new)]);
    keys.follow(Some(&own), id::Height(4)).unwrap();
    assert_eq!(voted_with(&keys, 6), Some(new.0.to_bytes()));
    assert_eq!(sealed_with(&keys, 6), Some(new.1));
}

#[test]
fn retired_keys_are_erased_once_the_first_block_of_the_new_ones_is_recorded() {
    let bench = Bench::new();
    let (old, new) = (bench.create(), bench.create());
    let keys = bench.open();
    // A second name for the file: its content outlives the unlinking, and shows that it was overwritten.
    let seal = bench.file_of("seal", &old.1);
    let witness = bench.dir.path().join("witness");
    std::fs::hard_link(&seal, &witness).unwrap();
    let own = region(vec![term(1, Some(10), &old), term(10, None, &new)]);
    keys.follow(Some(&own), id::Height(9)).unwrap();
    assert!(seal.exists() && keys.has_seal_key(&old.1));
    assert!(std::fs::read(&witness).unwrap().starts_with(b"-----BEGIN"));

    keys.follow(Some(&own), id::Height(10)).unwrap();
    assert!(!keys.has_seal_key(&old.1) && !keys.has_vote_key(&old.0));
    let mut left = [bench.file_of("consensus", &new.0), bench.file_of("seal", &new.1)];
    left.sort();
    assert_eq!(bench.files(), left);
    assert!(std::fs::read(&witness).unwrap().iter().all(|byte| *byte == 0));
    assert_eq!(sealed_with(&keys, 11), Some(new.1));
}

#[test]
fn what_a_crash_left_half_erased_is_erased_at_the_next_start() {
    let bench = Bench::new();
    let (old, new) = (bench.create(), bench.create());
    let seal = bench.file_of("seal", &old.1);
    let marked = seal.with_extension("pem.erasing");
    std::fs::rename(&seal, &marked).unwrap();
    let keys = bench.open();
    assert!(!marked.exists() && !keys.has_seal_key(&old.1) && keys.has_seal_key(&new.1));
}

#[test]
fn a_suspended_region_keeps_its_keys_and_a_removed_one_does_not() {
    let bench = Bench::new();
    let pair = bench.create();
    let keys = bench.open();
    let mut own = region(vec![term(1, Some(10), &pair)]);
    own.suspended = Some(id::Height(10));
    keys.follow(Some(&own), id::Height(50)).unwrap();
    assert!(keys.has_seal_key(&pair.1));
    own.removed = Some(id::Height(60));
    keys.follow(Some(&own), id::Height(59)).unwrap();
    assert!(keys.has_seal_key(&pair.1));
    keys.follow(Some(&own), id::Height(60)).unwrap();
    assert!(!keys.has_seal_key(&pair.1));
    assert!(bench.files().is_empty());
}

#[test]
fn a_key_that_returns_in_a_later_term_stays() {
    let bench = Bench::new();
    let (old, new) = (bench.create(), bench.create());
    let keys = bench.open();
    let own = region(vec![
        term(1, Some(5), &old),
        term(5, Some(9), &new),
        term(9, None, &(new.0, old.1.clone())),
    ]);
    keys.follow(Some(&own), id::Height(20)).unwrap();
    assert!(keys.has_seal_key(&old.1) && !keys.has_seal_key(&new.1));
    assert!(keys.has_vote_key(&new.0) && !keys.has_vote_key(&old.0));
}

#[test]
fn a_file_that_does_not_open_stops_a_start() {
    let bench = Bench::new();
    bench.create();
    std::fs::write(bench.dir.path().join(KEYS_DIR).join("seal-0.pem"), b"none").unwrap();
    let refused = RegionKeys::open(bench.dir.path(), &Passphrase::none());
    assert!(refused.unwrap_err().to_string().contains("key file"));
}
