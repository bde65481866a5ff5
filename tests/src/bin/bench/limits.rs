//! The machine's own limits: what a record cannot cost less than, whatever the program around it.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::Duration;

use concord_spec::catalogue::FIRST_OWN_KEY;
use concord_spec::content::{ClaimValue, Content, Holder, Named, Provenance, Role, Validity};
use concord_spec::credential::{Credential, Issuer, SignedCredential};
use concord_spec::day::Day;
use concord_spec::digest::Digest;
use concord_spec::id::{CredentialId, Height, Number, RegionId, SeriesId};
use concord_spec::key::bls::{SealSecretKey, SealShare};
use concord_spec::key::ed25519::{BatchItem, SecretKey, verify_batch};
use concord_spec::seal::{Member, RegionSet, Seal, seal_message};
use concord_tests::{HarnessError, Result};

use crate::figures::{mean_cpu_of, mean_of, micros};
use crate::phase::Outcome;

const WINDOW: Duration = Duration::from_millis(700);
/// Signatures of a batch, over 64 keys, as in a block of many offices.
const BATCH: usize = 256;

/// Mean times of one operation each: processor time, and for the disk time by the clock.
#[derive(Debug)]
pub(crate) struct Limits {
    sign: Duration,
    verify: Duration,
    verify_in_batch: Duration,
    seal_of_3: Duration,
    seal_of_23: Duration,
    sync_512: Duration,
    sync_1m: Duration,
    credential: Duration,
}

pub(crate) fn measure() -> Result<Limits> {
    let keys: Vec<SecretKey> = (0..64_u8).map(|index| SecretKey::from_seed([index; 32])).collect();
    let items: Vec<BatchItem> = keys.iter().cycle().take(BATCH).enumerate().map(item).collect();
    let Some((key, first)) = keys.first().zip(items.first()) else {
        return Err(HarnessError::bytes("keys", "none"));
    };
    let each = u32::try_from(BATCH).unwrap_or(1);
    Ok(Limits {
        sign: mean_cpu_of(WINDOW, || {
            std::hint::black_box(key.sign(&first.message));
        })?,
        verify: mean_cpu_of(WINDOW, || assert!(first.verify()))?,
        verify_in_batch: mean_cpu_of(WINDOW, || assert!(verify_batch(&items, [5; 32])))? / each,
        seal_of_3: seal(4, 3)?,
        seal_of_23: seal(34, 23)?,
        sync_512: append(512)?,
        sync_1m: append(1 << 20)?,
        credential: issue_credential(key)?,
    })
}

fn item((index, key): (usize, &SecretKey)) -> BatchItem {
    // A record of one issue is about this long.
    let message = vec![u8::try_from(index % 251).unwrap_or(0); 200];
    let signature = key.sign(&message);
    BatchItem {
        key: key.public(),
        message,
        signature,
    }
}

/// Mean time of checking a seal of `signers` of `regions` real keys.
fn seal(regions: u8, signers: usize) -> Result<Duration> {
    let wrong = |why: &dyn fmt::Display| HarnessError::bytes("a seal", why);
    let (chain, block) = (Digest([1; 32]), Digest([2; 32]));
    let message = seal_message(&chain, Height(7), 0, &block);
    let mut members = Vec::new();
    let mut shares: Vec<(RegionId, SealShare)> = Vec::new();
    for index in 0..regions {
        let secret = SealSecretKey::from_seed([index; 32]).map_err(|why| wrong(&why))?;
        let region = RegionId::new(format!("{:06}", u32::from(index) + 110_000)).map_err(|why| wrong(&why))?;
        shares.push((region.clone(), secret.sign(&message)));
        let consensus_key = SecretKey::from_seed([index; 32]).public();
        members.push(Member {
            region,
            consensus_key,
            seal_key: secret.public(),
        });
    }
    shares.truncate(signers);
    let regions = RegionSet::new(members).map_err(|why| wrong(&why))?;
    let seal = Seal::assemble(&regions, 0, &shares).map_err(|why| wrong(&why))?;
    Ok(mean_of(WINDOW, || {
        assert!(seal.verify(&chain, Height(7), &block, &regions).is_ok())
    }))
}

/// Mean time of making one credential: encoding, signing, hashing its leaf. This is the offices' work, not the nodes'.
fn issue_credential(key: &SecretKey) -> Result<Duration> {
    let credential = credential().map_err(|why| HarnessError::bytes("a credential", why))?;
    mean_cpu_of(WINDOW, || {
        std::hint::black_box(SignedCredential::sign(credential.clone(), key).leaf());
    })
}

fn credential() -> std::result::Result<Credential, Box<dyn std::error::Error>> {
    let day: Day = "2026-11-23".parse()?;
    let holder = Holder {
        role: Role::Holder,
        name: "欧阳若曦".to_owned(),
        latin_name: Some("OUYANG RUOXI".to_owned()),
        code_type: Some("111".to_owned()),
        code: Some("330102199001011234".to_owned()),
        key: None,
    };
    let content = Content {
        salt: [3; 16],
        printed_number: "浙A-2026-000123".to_owned(),
        identifier: None,
        issued_by: Named {
            name: "杭州市公安局交通警察支队".to_owned(),
            code: "11330100002498765X".to_owned(),
        },
        on_behalf_of: None,
        holders: vec![holder],
        issued_on: day,
        valid_from: day,
        validity: Validity::Until("2036-11-22".parse()?),
        provenance: Provenance::Native,
        predecessor: None,
        copy: None,
        territory: None,
        languages: Vec::new(),
        attachments: Vec::new(),
        own: [(FIRST_OWN_KEY, ClaimValue::Text("C1".to_owned()))].into(),
        selective: Vec::new(),
    };
    let issuer: Issuer = "concord/330000/OFFICE-1".parse()?;
    Ok(Credential {
        issuer,
        issued_at: 1_795_400_000,
        not_before: day.begins_at(480),
        expires: None,
        id: CredentialId {
            series: SeriesId(1),
            number: Number(1),
        },
        vct: "330000.licence/1".parse()?,
        holder_key: None,
        content,
    })
}

/// Mean time of appending `len` bytes to a file beside the nodes' directories and waiting until they are on disk.
fn append(len: usize) -> Result<Duration> {
    let dir = tempfile::tempdir().map_err(HarnessError::file("/tmp"))?;
    let path = dir.path().join("log");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(HarnessError::file(&path))?;
    let bytes = vec![0x5a; len];
    let mut failed = None;
    let mean = mean_of(WINDOW, || {
        if let Err(error) = file.write_all(&bytes).and_then(|()| file.sync_data()) {
            failed = Some(error);
        }
    });
    failed.map_or(Ok(mean), |error| Err(HarnessError::file(&path)(error)))
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ("Ed25519 sign", self.sign),
            ("Ed25519 verify, single", self.verify),
            ("Ed25519 verify, in batches of 256 over 64 keys", self.verify_in_batch),
            ("seal check, 3 signers of 4", self.seal_of_3),
            ("seal check, 23 signers of 34", self.seal_of_23),
            ("append and fdatasync, 512 B", self.sync_512),
            ("append and fdatasync, 1 MiB", self.sync_1m),
            ("the offices' side: make and sign a credential", self.credential),
        ];
        for (what, time) in rows {
            writeln!(
                f,
                "  {what:48} {:>12}  {:>9.0} /s",
                micros(time),
                1.0 / time.as_secs_f64()
            )?;
        }
        Ok(())
    }
}

impl Limits {
    /// Where a phase's processor time goes, as far as these limits tell it.
    pub(crate) fn explain(&self, outcome: &Outcome) -> String {
        let records = outcome.records as f64;
        let blocks = outcome.blocks as f64;
        let spent = outcome.node_cpu().as_secs_f64();
        let share = |seconds: f64| format!("{:.2} s, {:.0} %", seconds, 100.0 * seconds / spent.max(1e-9));
        let signatures = 4.0 * records * self.verify_in_batch.as_secs_f64();
        let singly = 4.0 * records * self.verify.as_secs_f64();
        // Each node checks the others' shares and makes its own.
        let seals = 4.0 * blocks * self.seal_of_3.as_secs_f64();
        format!(
            "  the four nodes spent {spent:.2} s of processor time, {:.0} us a record on all four together; of it at least\n\
             \x20   signatures, each once on every node in batches: {} (singly it would be {})\n\
             \x20   one seal check a block and node: {}\n\
             \x20 and at least {:.1} syncs a second a node for {:.1} blocks a second, which this disk does {:.0} of",
            1e6 * spent / records.max(1.0),
            share(signatures),
            share(singly),
            share(seals),
            2.0 * blocks / outcome.elapsed.as_secs_f64(),
            blocks / outcome.elapsed.as_secs_f64(),
            1.0 / self.sync_512.as_secs_f64(),
        )
    }
}

/// Processor, cores, memory, kernel.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_default()
            .to_owned();
        line.split_once(':')
            .map_or(String::new(), |(_, value)| value.trim().to_owned())
    };
    let model = field(&read("/proc/cpuinfo"), "model name");
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{model}, {cores} cores, {memory}, Linux {}", kernel.trim())
}
