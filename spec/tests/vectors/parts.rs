//! Encoding, keys, trees, status sets.

use super::{bytes, each, file, number, outcome, parsed, text};
use concord_spec::block::{Block, Header, Rest};
use concord_spec::catalogue::{ClaimKind, Label};
use concord_spec::certificate::Certificate;
use concord_spec::charter::{Charter, CharterRegion};
use concord_spec::codec::{CodecError, Wire, from_slice, to_vec};
use concord_spec::content::Content;
use concord_spec::credential::{Disclosure, SignedCredential};
use concord_spec::digest::{Digest, leaf_hash};
use concord_spec::epochs::{Epochs, Handover, RegionHistory};
use concord_spec::id::{OfficeId, RegionId, SeriesId};
use concord_spec::key::bls::{
    ProofOfPossession, SealPublicKey, SealSecretKey, SealShare, SealSignature, verify_aggregate, verify_share,
    verify_shares,
};
use concord_spec::key::ed25519::{BatchItem, PublicKey, SecretKey, Signature, verify_batch};
use concord_spec::key::keyring::Keyring;
use concord_spec::ledger::{Catalogue, Directory, Federation, SectionRoot};
use concord_spec::merkle::{Frontier, root, verify_consistency, verify_inclusion};
use concord_spec::presentation::{Presentation, Statement};
use concord_spec::receipt::Receipt;
use concord_spec::recognition::Recognition;
use concord_spec::record::{Actor, Change, NumberRange, Scope, StatusChange};
use concord_spec::renewal::{Renewal, RenewedCertificate, RenewedReceipt};
use concord_spec::seal::{RegionSet, Seal};
use concord_spec::status::{CHUNK_NUMBERS, Chunk, SeriesStatus, StatusKind};
use concord_spec::status_proof::{SetShown, StateHead, StatusProof, TreePlace, WithStatus};
use concord_spec::vote::Evidence;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Decodes as a type that vectors name, and encodes again.
fn encoded_again(kind: &str, input: &[u8], max: usize) -> Result<Vec<u8>, CodecError> {
    fn again<T: Wire>(input: &[u8], max: usize) -> Result<Vec<u8>, CodecError> {
        from_slice::<T>(input, max).map(|value| to_vec(&value))
    }
    match kind {
        "uint" => again::<u64>(input, max),
        "int" => again::<i64>(input, max),
        "uint32" => again::<u32>(input, max),
        "uint16" => again::<u16>(input, max),
        "bool" => again::<bool>(input, max),
        "optional-uint" => again::<Option<u64>>(input, max),
        "region" => again::<RegionId>(input, max),
        "office" => again::<OfficeId>(input, max),
        "range" => again::<NumberRange>(input, max),
        "digest" => again::<Digest>(input, max),
        "status-change" => again::<StatusChange>(input, max),
        "content" => again::<Content>(input, max),
        "header" => again::<Header>(input, max),
        "seal" => again::<Seal>(input, max),
        "charter" => again::<Charter>(input, max),
        "charter-region" => again::<CharterRegion>(input, max),
        "change" => again::<Change>(input, max),
        "region-set" => again::<RegionSet>(input, max),
        "federation" => again::<Federation>(input, max),
        "catalogue" => again::<Catalogue>(input, max),
        "directory" => again::<Directory>(input, max),
        "recognition" => again::<Recognition>(input, max),
        "section-leaf" => again::<SectionRoot>(input, max),
        "frontier" => again::<Frontier>(input, max),
        "evidence" => again::<Evidence>(input, max),
        "rest-part" => again::<Rest>(input, max),
        "block" => Block::from_bytes(input).map(|block| to_vec(&block)),
        "handover" => again::<Handover>(input, max),
        "region-history" => again::<RegionHistory>(input, max),
        "receipt" => again::<Receipt>(input, max),
        "certificate" => again::<Certificate>(input, max),
        "presentation" => again::<Presentation>(input, max),
        "statement" => again::<Statement>(input, max),
        "disclosure" => again::<Disclosure>(input, max),
        "set-shown" => again::<SetShown>(input, max),
        "tree-place" => again::<TreePlace>(input, max),
        "state-head" => again::<StateHead>(input, max),
        "status-proof" => again::<StatusProof>(input, max),
        "with-status" => again::<WithStatus>(input, max),
        "renewal" => again::<Renewal>(input, max),
        "renewed-receipt" => again::<RenewedReceipt>(input, max),
        "renewed-certificate" => again::<RenewedCertificate>(input, max),
        "label" => again::<Label>(input, max),
        "actor" => again::<Actor>(input, max),
        "scope" => again::<Scope>(input, max),
        "claim-kind" => again::<ClaimKind>(input, max),
        "credential" => SignedCredential::from_bytes(input).map(|credential| credential.bytes().to_vec()),
        other => panic!("unknown type {other}"),
    }
}

#[test]
fn what_is_accepted_encodes_again_to_the_same_bytes_and_the_rest_is_refused() {
    let file = file("encoding.json");
    let bounds = file["max_bytes"].as_object().unwrap();
    let mut results = BTreeSet::new();
    for vector in each(&file, "vectors") {
        let (kind, input) = (text(vector, "type"), bytes(vector, "hex"));
        let max = bounds.get(kind).unwrap_or(&bounds["others"]).as_u64().unwrap();
        let again = encoded_again(kind, &input, usize::try_from(max).unwrap());
        assert_eq!(outcome(&again), text(vector, "result"), "{vector}");
        if let Ok(again) = again {
            assert_eq!(again, input, "{vector}");
        }
        results.insert(text(vector, "result"));
    }
    assert_eq!(results.len(), 14, "accept and every CodecError: {results:?}");
}

#[test]
fn structures_are_decoded_or_refused_as_their_vectors_say() {
    let file = file("structures.json");
    let max = usize::try_from(number(&file, "max_bytes")).unwrap();
    let (mut accepted, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for vector in each(&file, "vectors") {
        let (kind, input) = (text(vector, "type"), bytes(vector, "hex"));
        let again = encoded_again(kind, &input, max);
        assert_eq!(outcome(&again), text(vector, "result"), "{kind}: {}", vector["name"]);
        match again {
            Ok(again) => {
                assert_eq!(again, input, "{kind}: {}", vector["name"]);
                accepted.insert(kind);
            }
            Err(_) => {
                refused.insert(kind);
            }
        }
    }
    assert_eq!(accepted, refused, "each accepted and refused");
}

#[test]
fn histories_of_regions_are_followed_or_refused_as_their_vectors_say() {
    let histories = &file("structures.json")["histories"];
    let charter = Charter::from_bytes(&bytes(histories, "charter")).unwrap();
    assert_eq!(charter.chain_id(), parsed::<Digest>(histories, "chain_id"));
    for (index, vector) in each(histories, "vectors").iter().enumerate() {
        let history: RegionHistory = from_slice(&bytes(vector, "history"), 65_536).unwrap();
        let mut epochs = Epochs::founded(&charter).unwrap();
        let followed = epochs.follow(history, &charter.chain_id());
        assert_eq!(outcome(&followed), text(vector, "result"), "{}", vector["name"]);
        if index == 0 {
            let last = epochs.last().digest();
            assert_eq!(last, parsed::<Digest>(histories, "last_regions_digest"));
        }
    }
}

#[test]
fn ed25519_vectors_hold_alone_and_in_batches() {
    let file = file("keys.json");
    for vector in each(&file, "ed25519_signing") {
        let key = SecretKey::from_seed(bytes(vector, "seed").try_into().unwrap());
        assert_eq!(key.public(), parsed::<PublicKey>(vector, "key"));
        assert_eq!(hex::encode(key.public().kid()), text(vector, "kid"));
        assert_eq!(
            key.sign(&bytes(vector, "message")),
            parsed::<Signature>(vector, "signature")
        );
    }
    for vector in each(&file, "ed25519_keys") {
        let key = PublicKey::from_bytes(&bytes(vector, "key").try_into().unwrap());
        assert_eq!(outcome(&key), text(vector, "result"), "{vector}");
    }
    for vector in each(&file, "ed25519_verify") {
        let item = BatchItem {
            key: parsed(vector, "key"),
            message: bytes(vector, "message"),
            signature: parsed(vector, "signature"),
        };
        let valid = vector["valid"].as_bool().unwrap();
        assert_eq!(item.verify(), valid, "{vector}");
        assert_eq!(verify_batch(&[item], [7; 32]), valid, "{vector}");
    }
    for vector in each(&file, "keyrings") {
        let input = bytes(vector, "hex");
        let keyring = from_slice::<Keyring>(&input, 1_024);
        assert_eq!(outcome(&keyring), text(vector, "result"), "{vector}");
        assert!(keyring.is_err() || to_vec(&keyring.unwrap()) == input);
    }
}

#[test]
fn seal_key_vectors_hold() {
    let file = file("keys.json");
    for vector in each(&file, "seal_signing") {
        let key = SealSecretKey::from_seed(bytes(vector, "seed").try_into().unwrap()).unwrap();
        assert_eq!(key.public(), parsed::<SealPublicKey>(vector, "key"));
        assert_eq!(
            key.prove_possession(),
            parsed::<ProofOfPossession>(vector, "possession")
        );
        assert_eq!(
            key.sign(&bytes(vector, "message")),
            parsed::<SealShare>(vector, "share")
        );
    }
    for vector in each(&file, "seal_keys") {
        let key = SealPublicKey::from_bytes(&bytes(vector, "key").try_into().unwrap());
        assert_eq!(outcome(&key), text(vector, "result"), "{vector}");
    }
    for vector in each(&file, "possession") {
        let holds = parsed::<ProofOfPossession>(vector, "possession").verify(&parsed(vector, "key"));
        assert_eq!(json!(holds), vector["valid"], "{vector}");
    }
    for vector in each(&file, "shares") {
        let (key, share): (SealPublicKey, SealShare) = (parsed(vector, "key"), parsed(vector, "share"));
        let message = bytes(vector, "message");
        assert_eq!(json!(verify_share(&key, &message, &share)), vector["valid"], "{vector}");
        assert_eq!(
            json!(verify_shares(&message, &[(&key, &share)])),
            vector["valid"],
            "{vector}"
        );
    }
    for vector in each(&file, "aggregates") {
        let keys: Vec<SealPublicKey> = parsed(vector, "keys");
        let keys: Vec<&SealPublicKey> = keys.iter().collect();
        let signature: SealSignature = parsed(vector, "signature");
        let holds = verify_aggregate(&keys, &bytes(vector, "message"), &signature);
        assert_eq!(json!(holds), vector["valid"], "{vector}");
    }
}

#[test]
fn tree_vectors_hold() {
    let file = file("trees.json");
    let leaves: Vec<Digest> = parsed(&file, "leaf_hashes");
    for (data, leaf) in each(&file, "leaves").iter().zip(&leaves) {
        assert_eq!(leaf_hash(&hex::decode(data.as_str().unwrap()).unwrap()), *leaf);
    }
    for vector in each(&file, "roots") {
        let size = usize::try_from(number(vector, "size")).unwrap();
        assert_eq!(root(&leaves[..size]), parsed::<Digest>(vector, "root"));
    }
    for vector in each(&file, "inclusion") {
        let path: Vec<Digest> = parsed(vector, "path");
        let (index, size) = (number(vector, "index"), number(vector, "size"));
        let verified = verify_inclusion(parsed(vector, "leaf"), index, size, &path, &parsed(vector, "root"));
        assert_eq!(outcome(&verified), text(vector, "result"), "{vector}");
    }
    for vector in each(&file, "consistency") {
        let path: Vec<Digest> = parsed(vector, "path");
        let (old, new) = (number(vector, "old_size"), number(vector, "new_size"));
        let verified = verify_consistency(
            old,
            &parsed(vector, "old_root"),
            new,
            &parsed(vector, "new_root"),
            &path,
        );
        assert_eq!(outcome(&verified), text(vector, "result"), "{vector}");
    }
}

/// The places of runs of [first, count, step].
fn places(runs: &Value) -> BTreeSet<u16> {
    let runs: Vec<(u16, u16, u16)> = serde_json::from_value(runs.clone()).unwrap();
    let run = |(first, count, step): (u16, u16, u16)| (0..count).map(move |index| first + index * step);
    runs.into_iter().flat_map(run).collect()
}

#[test]
fn chunk_vectors_hold_and_there_is_one_of_each_mode() {
    let file = file("status.json");
    let mut modes = BTreeSet::new();
    for vector in each(&file, "chunks") {
        let input = bytes(vector, "hex");
        let chunk = Chunk::decode(&input);
        assert_eq!(outcome(&chunk), text(vector, "result"), "{vector}");
        let Ok(chunk) = chunk else { continue };
        assert_eq!(chunk.encode(), input);
        assert_eq!(u64::from(input[0]), number(vector, "mode"), "{vector}");
        let members: BTreeSet<u16> = chunk.places().collect();
        assert_eq!(members, places(&vector["places"]), "{vector}");
        assert!(members.iter().all(|place| *place < CHUNK_NUMBERS));
        modes.insert(if input[0] < 0x10 { input[0] } else { input[0] & 0xf0 });
    }
    assert_eq!(modes, BTreeSet::from([0x00, 0x01, 0x02, 0x10, 0x20]));
}

#[test]
fn series_status_vectors_hold() {
    let file = file("status.json");
    for vector in each(&file, "series") {
        let input = bytes(vector, "hex");
        let status = from_slice::<SeriesStatus>(&input, 65_536);
        assert_eq!(outcome(&status), text(vector, "result"), "{vector}");
        let Ok(status) = status else { continue };
        let id = SeriesId(u32::try_from(number(vector, "series")).unwrap());
        let mut made = SeriesStatus::issued_up_to(number(vector, "next"));
        for (code, first, count) in parsed::<Vec<(u64, u64, u64)>>(vector, "sets") {
            made.insert(StatusKind::from_code(code).unwrap(), first, count);
        }
        assert_eq!((status.to_bytes(), made.to_bytes()), (input.clone(), input));
        assert_eq!(status.leaf_bytes(id), bytes(vector, "leaf_bytes"));
        assert_eq!(
            leaf_hash(&bytes(vector, "leaf_bytes")),
            parsed::<Digest>(vector, "leaf")
        );
    }
}
