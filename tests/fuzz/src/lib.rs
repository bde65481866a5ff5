//! Fuzz targets of the decoders: one file each in `fuzz_targets`, all listed in [`TARGETS`].
//!
//! What each target shows: no input makes the decoder panic; what it accepts encodes again to the same bytes; it takes no
//! more memory than [`memory_for`] says. `./run` makes the seeds, runs the targets and prints a table.

pub mod mutate;

use cap::Cap;
use concord_spec::bundle::{Kind, Packed};
use concord_spec::key::pem::{self, KeyKind, Protection};
use concord_spec::ledger::SectionName;
use concord_spec::status::Chunk;
use concord_spec::world::structures::structures;
use std::alloc::System;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Decodes and encodes again; `None` when the bytes are refused.
type Decode = fn(&[u8]) -> Option<Vec<u8>>;

/// A decoder under test.
pub struct Target {
    /// Its name, that of its file in `fuzz_targets` too.
    pub name: &'static str,
    /// Longest input that is tried, in bytes.
    pub max_len: usize,
    /// Bytes that it may take besides [`memory_for`].
    pub more_memory: usize,
    /// What it decodes.
    pub decoder: Decoder,
}

/// Where a target's decoder and its seeds come from.
pub enum Decoder {
    /// A structure of `world::structures`, by its path in the crate.
    Structure(&'static str),
    /// A function, and its seeds.
    Function(Decode, fn() -> Vec<Vec<u8>>),
}

use Decoder::{Function, Structure};

const fn target(name: &'static str, max_len: usize, decoder: Decoder) -> Target {
    Target {
        name,
        max_len,
        more_memory: 0,
        decoder,
    }
}

/// All targets.
pub const TARGETS: [Target; 39] = [
    target("record", 1_024, Structure("record::SignedRecord")),
    target("payload", 1_024, Structure("record::Payload")),
    target("block", 2_048, Structure("block::Block")),
    target("header", 128, Structure("block::Header")),
    target("rest", 320, Structure("block::Rest")),
    target("seal", 128, Structure("seal::Seal")),
    target("region_set", 1_024, Structure("seal::RegionSet")),
    target("charter", 2_048, Structure("charter::Charter")),
    target("card", 1_024, Structure("charter::card::Card")),
    target("signed_charter", 2_048, Structure("charter::signed::SignedCharter")),
    target("evidence", 512, Structure("vote::Evidence")),
    target("credential", 1_024, Structure("credential::SignedCredential")),
    target("content", 1_024, Structure("content::Content")),
    target("receipt", 512, Structure("receipt::Receipt")),
    target("certificate", 2_048, Structure("certificate::Certificate")),
    target("renewal", 1_024, Structure("renewal::Renewal")),
    target(
        "renewed_certificate",
        2_048,
        Structure("certificate::Certificate<concord_spec::renewal::Renewal>"),
    ),
    target("status_proof", 2_048, Structure("status_proof::StatusProof")),
    target("with_status", 2_048, Structure("status_proof::beside::WithStatus")),
    target("presentation", 2_560, Structure("presentation::Presentation")),
    target("region_history", 1_024, Structure("epochs::RegionHistory")),
    target("bundle", 4_096, Structure("bundle::content::TrustBundle")),
    target("section", 1_280, Structure("bundle::content::Section")),
    target("delta", 2_048, Structure("bundle::delta::Delta")),
    // A window, and what comes out, of which there may be 6 MiB; once more when it is packed again.
    Target {
        more_memory: 64 << 20,
        ..target("packed", 2_048, Function(packed, packed_seeds))
    },
    target("numbers", 192, Structure("status::numbers::Numbers")),
    target("keyring", 256, Structure("key::keyring::Keyring")),
    target("type_definition", 512, Structure("catalogue::TypeDefinition")),
    target("catalogue", 1_024, Structure("ledger::sections::Catalogue")),
    target("federation", 2_048, Structure("ledger::federation::Federation")),
    target("directory", 1_024, Structure("ledger::directory::Directory")),
    target("recognition", 1_024, Structure("recognition::Recognition")),
    target("section_root", 128, Structure("ledger::sections::SectionRoot")),
    target("series_status", 256, Structure("status::series::SeriesStatus")),
    target("status_set", 192, Structure("status::set::StatusSet")),
    target("frontier", 512, Structure("merkle::frontier::Frontier")),
    target("chunk", 520, Function(chunk, chunk_seeds)),
    target("key_file", 1_024, Function(key_file, key_file_seeds)),
    target("text_forms", 128, Function(text_forms, text_seeds)),
];

/// Bytes that a decoder may take for an input of `len` bytes, all its parts and the encoding again together.
///
/// A chunk of a status set costs most: two bytes of input become 32 bytes of leaf, a node of the tree and a shared slice.
pub fn memory_for(len: usize) -> usize {
    (64 << 10) + 512 * len
}

impl Target {
    /// The target of that name.
    pub fn named(name: &str) -> &'static Self {
        let found = TARGETS.iter().find(|target| target.name == name);
        found.unwrap_or_else(|| panic!("no target {name} in TARGETS"))
    }

    /// Inputs that are accepted, to start from.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        match self.decoder {
            Structure(path) => named(path).samples,
            Function(_, seeds) => seeds(),
        }
    }

    fn decode(&self) -> Box<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync> {
        match self.decoder {
            Structure(path) => {
                let decode = named(path).decode;
                Box::new(move |bytes| decode(bytes).ok())
            }
            Function(decode, _) => Box::new(decode),
        }
    }
}

fn named(path: &str) -> concord_spec::world::structures::Structure {
    let all = structures().expect("the small federation");
    let found = all
        .into_iter()
        .find(|one| one.name.strip_prefix("concord_spec::") == Some(path));
    found.unwrap_or_else(|| panic!("no {path} in world::structures"))
}

/// One execution: what is accepted must be the one encoding of what it says.
pub fn execute(target: &'static Target, bytes: &[u8]) {
    static DECODE: OnceLock<Box<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>> = OnceLock::new();
    static EXECUTED: AtomicU64 = AtomicU64::new(0);
    static ACCEPTED: AtomicU64 = AtomicU64::new(0);
    let decode = DECODE.get_or_init(|| target.decode());
    MEMORY
        .set_limit(MEMORY.allocated() + memory_for(bytes.len()) + target.more_memory)
        .expect("more than is allocated");
    let again = decode(bytes);
    MEMORY.set_limit(usize::MAX).expect("more than is allocated");
    let accepted = ACCEPTED.fetch_add(u64::from(again.is_some()), Ordering::Relaxed) + u64::from(again.is_some());
    if let Some(again) = again {
        assert!(
            again == bytes,
            "accepted, but encoded again to other bytes: {again:02x?}"
        );
    }
    let executed = EXECUTED.fetch_add(1, Ordering::Relaxed) + 1;
    if executed.is_multiple_of(10_000) {
        eprintln!("accepted: {accepted} of {executed}");
    }
}

/// The body of a file in `fuzz_targets`.
#[macro_export]
macro_rules! fuzz {
    ($name:literal) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
            static TARGET: std::sync::LazyLock<&'static $crate::Target> =
                std::sync::LazyLock::new(|| $crate::Target::named($name));
            $crate::execute(&TARGET, bytes);
        });
        libfuzzer_sys::fuzz_mutator!(|bytes: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutate::mutate(bytes, size, max_size, seed)
        });
    };
}

/// What a carrier can make of a packed bundle once its digest is right again: kind and size stand first, then the frame. Frames
/// have no one form, so that what is unpacked is packed again and must come out the same.
fn packed(bytes: &[u8]) -> Option<Vec<u8>> {
    let ([kind, size @ ..], frame) = bytes.split_first_chunk::<9>()?;
    let kind = *Kind::ALL.get(usize::from(*kind))?;
    let file = concord_spec::codec::to_vec(&Packed::around(kind, u64::from_be_bytes(*size), frame.to_vec()));
    let (found, content) = Packed::open(&file).ok()?;
    let again = Packed::bytes_of(found, &content);
    assert!(Packed::open(&again).expect("what was packed") == (kind, content));
    Some(bytes.to_vec())
}

fn packed_seeds() -> Vec<Vec<u8>> {
    let contents = [
        Vec::new(),
        vec![7; 300],
        (0..=255).collect(),
        [b"a trust bundle ".repeat(9), vec![1]].concat(),
    ];
    let seed = |content: &Vec<u8>| {
        let packed = Packed::of(Kind::State, content);
        [&[0], packed.size.to_be_bytes().as_slice(), &packed.frame].concat()
    };
    contents.iter().map(seed).collect()
}

fn chunk(bytes: &[u8]) -> Option<Vec<u8>> {
    Chunk::decode(bytes).ok().map(|chunk| chunk.encode())
}

fn chunk_seeds() -> Vec<Vec<u8>> {
    let places: [Box<dyn Fn(u16) -> bool>; 6] = [
        Box::new(|_| false),
        Box::new(|_| true),
        Box::new(|place| place % 2 == 0),
        Box::new(|place| place % 100 == 7),
        Box::new(|place| place % 100 != 7),
        Box::new(|place| place > 4_000),
    ];
    let encode = |member: &dyn Fn(u16) -> bool| {
        let mut chunk = Chunk::empty();
        (0..4_096).for_each(|place| chunk.set(place, member(place)));
        chunk.encode()
    };
    places.iter().map(|member| encode(member)).collect()
}

/// Key files without a passphrase: to derive a key from one takes long on purpose. Their text is not ours alone (RFC 7468
/// leaves the writer some freedom), so that what must come back is the secret, not the bytes.
fn key_file(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let _ = pem::is_encrypted(text);
    let read = |kind| Some((kind, pem::decode(kind, text, None).ok()?));
    let (kind, secret) = KEY_KINDS.into_iter().find_map(read)?;
    let written = pem::encode(kind, &secret, Protection::Unencrypted).expect("a secret that was read");
    assert!(pem::decode(kind, &written, None).expect("what was written") == secret);
    Some(bytes.to_vec())
}

const KEY_KINDS: [KeyKind; 2] = [KeyKind::Ed25519, KeyKind::Seal];

fn key_file_seeds() -> Vec<Vec<u8>> {
    let encode = |kind| pem::encode(kind, &[1; 32], Protection::Unencrypted).expect("a secret");
    KEY_KINDS.map(|kind| encode(kind).as_bytes().to_vec()).to_vec()
}

/// Names and numbers as people write them.
fn text_forms(bytes: &[u8]) -> Option<Vec<u8>> {
    fn again<T: FromStr + ToString>(text: &str) -> Option<Vec<u8>> {
        let value = text.parse::<T>().ok()?;
        let again = value.to_string();
        assert!(again == text, "{text:?} is written {again:?}");
        Some(again.into_bytes())
    }
    let (kind, text) = bytes.split_first()?;
    let text = std::str::from_utf8(text).ok()?;
    let read = match kind {
        b'a' => again::<concord_spec::digest::Digest>,
        b'b' => again::<concord_spec::day::Day>,
        b'c' => again::<concord_spec::id::OfficeId>,
        b'd' => again::<concord_spec::id::CredentialId>,
        b'e' => again::<concord_spec::catalogue::TypeRef>,
        b'f' => again::<SectionName>,
        b'g' => again::<concord_spec::credential::Issuer>,
        b'h' => again::<concord_spec::key::PublicKey>,
        b'i' => again::<concord_spec::key::SealPublicKey>,
        b'j' => again::<concord_spec::status::StatusKind>,
        _ => return None,
    };
    read(text).map(|text| [&[*kind], text.as_slice()].concat())
}

fn text_seeds() -> Vec<Vec<u8>> {
    let hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let texts = [
        format!("a{hex}"),
        "b2026-02-28".to_owned(),
        "c330000/11330000000000001X".to_owned(),
        "d1-70000".to_owned(),
        "e110000.drivers-licence/1".to_owned(),
        "fdirectory/330000".to_owned(),
        "fstatus/110000.drivers-licence/330000".to_owned(),
        "gtest/330000/11330000000000001X".to_owned(),
        format!("h{key}"),
        "jrevoked".to_owned(),
    ];
    texts.into_iter().map(String::into_bytes).collect()
}
