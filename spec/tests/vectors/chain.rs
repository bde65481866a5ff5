//! Records, blocks, certificates.

use super::{bytes, each, file, number, outcome, parsed, text};
use concord_spec::block::{Block, Header, Rest};
use concord_spec::bundle::TrustBundle;
use concord_spec::catalogue::label;
use concord_spec::certificate::{Certificate, credential_code_text};
use concord_spec::charter::Charter;
use concord_spec::codec::{from_slice, to_vec};
use concord_spec::credential::SignedCredential;
use concord_spec::digest::{Digest, Tag};
use concord_spec::id::{Height, UnixMillis};
use concord_spec::ledger::{BlockContext, CheckEach, LedgerState, Limits, Rejection};
use concord_spec::record::{Action, Change, Payload, SignedRecord};
use concord_spec::seal::Seal;
use concord_spec::status_proof::WithStatus;
use concord_spec::verify::{Ground, Policy, Presented, Verdict, verify};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn genesis(file: &Value) -> LedgerState {
    let charter = bytes(file, "charter");
    let state = LedgerState::genesis(Charter::from_bytes(&charter).unwrap()).unwrap();
    assert_eq!(to_vec(state.charter()), charter);
    assert_eq!(state.chain_id(), parsed::<Digest>(file, "chain_id"));
    assert_eq!(state.chain_id(), Tag::Charter.digest(&[&charter]));
    state
}

/// The result of decoding a record and applying it to a state.
fn applied(state: &LedgerState, at: &BlockContext, vector: &Value) -> Result<Digest, Rejection> {
    let record = SignedRecord::from_bytes(&bytes(vector, "record")).map_err(Rejection::Malformed)?;
    assert_eq!(record.bytes(), bytes(vector, "record"));
    let payload = to_vec(record.payload());
    assert_eq!(record.id(), parsed::<Digest>(vector, "id"));
    assert_eq!(record.id(), Tag::Record.digest(&[&payload]));
    assert_eq!(record.payload().action.kind(), number(vector, "action"));
    assert_eq!(from_slice::<Payload>(&payload, 65_536).as_ref(), Ok(record.payload()));
    state.clone().apply(&record, at, &CheckEach)?;
    // The roots are those after a block, so a block of this record alone is made and judged.
    let proposer = state.region_set().members()[0].region.clone();
    let draft = state.draft(at.time, &proposer, [Arc::new(record)], Limits::default(), &CheckEach);
    Ok(state.advance(&draft.block, &CheckEach).unwrap().root())
}

/// A state with the height of its next block and the time at which records are applied.
fn replayed(setup: &Value) -> (LedgerState, BlockContext) {
    let mut state = genesis(setup);
    for block in parsed::<Vec<String>>(setup, "blocks") {
        let block = Block::from_bytes(&hex::decode(block).unwrap()).unwrap();
        state = state.advance(&block, &CheckEach).unwrap();
    }
    assert_eq!(state.root(), parsed::<Digest>(setup, "state_root"));
    let at = BlockContext {
        height: Height(number(setup, "height")),
        time: UnixMillis(number(setup, "time")),
    };
    assert_eq!(at.height, state.next_height());
    (state, at)
}

/// Codes that no vector of a sane size can show; `spec/vectors/README.md` says where they are tested.
const WITHOUT_VECTOR: [&str; 2] = ["NUMBERS_EXHAUSTED", "TOO_MANY_DECLARATIONS"];

#[test]
fn records_are_applied_or_rejected_as_their_vectors_say() {
    let file = file("records.json");
    let states = file["states"].as_object().unwrap();
    let states: BTreeMap<&str, _> = states
        .iter()
        .map(|(name, setup)| (name.as_str(), replayed(setup)))
        .collect();
    let (mut codes, mut actions, mut changes) = (BTreeSet::from(WITHOUT_VECTOR), BTreeSet::new(), BTreeSet::new());
    for vector in each(&file, "vectors") {
        let (state, mut at) = states[text(vector, "state")].clone();
        if let Some(time) = vector["time"].as_u64() {
            at.time = UnixMillis(time);
        }
        let result = applied(&state, &at, vector);
        let code = result.as_ref().map_or_else(Rejection::code, |_| "accept");
        assert_eq!(code, text(vector, "result"), "{}: {result:?}", vector["name"]);
        if let Err(Rejection::Malformed(error)) = &result {
            let (found, expected) = (outcome::<(), _>(&Err(error)), text(vector, "codec"));
            assert_eq!(found, expected, "{}", vector["name"]);
        }
        if let Ok(root) = result {
            assert_eq!(root, parsed::<Digest>(vector, "state_root"), "{}", vector["name"]);
            actions.insert(number(vector, "action"));
            let record = SignedRecord::from_bytes(&bytes(vector, "record")).unwrap();
            if let Action::Propose(change) = &record.payload().action {
                changes.insert(change.name());
            }
        } else {
            codes.insert(code);
        }
    }
    assert_eq!(
        actions,
        Action::KINDS.iter().map(|(kind, _)| *kind).collect(),
        "each action"
    );
    assert_eq!(
        changes,
        Change::KINDS.iter().map(|(_, name)| *name).collect(),
        "each change"
    );
    assert_eq!(codes, Rejection::CODES.iter().copied().collect(), "each code");
}

#[test]
fn the_chain_of_blocks_follows_from_its_charter() {
    let file = file("blocks.json");
    let mut state = genesis(&file);
    assert_eq!(state.region_set().digest(), parsed::<Digest>(&file, "regions_digest"));
    for vector in each(&file, "chain") {
        let block = Block::from_bytes(&bytes(vector, "block")).unwrap();
        assert_eq!(to_vec(&block), bytes(vector, "block"));
        assert_eq!(
            from_slice::<Header>(&bytes(vector, "header"), 256).unwrap(),
            block.header
        );
        assert_eq!(from_slice::<Rest>(&bytes(vector, "rest"), 512).unwrap(), block.rest);
        assert_eq!(
            (block.header.height.0, block.header.time.0),
            (number(vector, "height"), number(vector, "time"))
        );
        assert_eq!(block.hash(), parsed::<Digest>(vector, "hash"));
        assert_eq!(block.hash(), Tag::Block.digest(&[&bytes(vector, "header")]));
        assert_eq!(block.rest.digest(), parsed::<Digest>(vector, "rest_digest"));
        let ids: Vec<Digest> = block.records.iter().map(|record| record.id()).collect();
        assert_eq!(ids, parsed::<Vec<Digest>>(vector, "records"));
        let roots = [
            block.header.records_root,
            block.rest.bodies_root,
            block.rest.state_root,
            block.rest.history_root,
        ];
        let members = ["records_root", "bodies_root", "state_root", "history_root"];
        assert_eq!(roots, members.map(|member| parsed::<Digest>(vector, member)));
        state = state.advance(&block, &CheckEach).unwrap();
        assert_eq!(state.root(), block.rest.state_root);
        let seal: Seal = from_slice(&bytes(vector, "seal"), 256).unwrap();
        assert_eq!(to_vec(&seal), bytes(vector, "seal"));
        seal.verify(
            &state.chain_id(),
            block.header.height,
            &block.hash(),
            state.region_set(),
        )
        .unwrap();
    }
    let tip = state.tip().clone();
    for vector in each(&file, "following") {
        let block = Block::from_bytes(&bytes(vector, "block")).unwrap();
        assert_eq!(
            outcome(&state.advance(&block, &CheckEach)),
            text(vector, "result"),
            "{}",
            vector["name"]
        );
    }
    for vector in each(&file, "seals") {
        let seal: Seal = from_slice(&bytes(vector, "seal"), 256).unwrap();
        let verified = seal.verify(&state.chain_id(), tip.height, &tip.hash, state.region_set());
        assert_eq!(outcome(&verified), text(vector, "result"), "{}", vector["name"]);
    }
}

#[test]
fn charters_and_blocks_that_do_not_hold_together_are_refused() {
    let file = file("blocks.json");
    for vector in each(&file, "charters") {
        let charter = Charter::from_bytes(&bytes(vector, "charter"));
        assert_eq!(outcome(&charter), text(vector, "result"), "{}", vector["name"]);
    }
    for vector in each(&file, "decoding") {
        let block = Block::from_bytes(&bytes(vector, "block"));
        assert_eq!(outcome(&block), text(vector, "result"), "{}", vector["name"]);
    }
}

/// Where a vector gives more than bytes: what a genuine certificate is made of, and the text of its code.
fn check_details(vector: &Value, presented: &Presented<'_>) {
    match presented {
        Presented::Certificate(bytes) if vector["code"].is_string() => {
            let certificate = Certificate::from_bytes(bytes).unwrap();
            assert_eq!(certificate.to_bytes(), *bytes);
            assert_eq!(certificate.code_text(), text(vector, "code"));
            assert_eq!(certificate.credential.leaf(), parsed::<Digest>(vector, "leaf"));
            let root = certificate.batch_root().unwrap();
            assert_eq!(root, parsed::<Digest>(vector, "batch_root"));
            let hash = certificate.receipt.block_hash(&root).unwrap();
            assert_eq!(hash, parsed::<Digest>(vector, "block_hash"));
        }
        Presented::Credential(bytes) if vector["code"].is_string() => {
            let credential = SignedCredential::from_bytes(bytes).unwrap();
            assert_eq!(credential.bytes(), *bytes);
            assert_eq!(credential_code_text(&credential), text(vector, "code"));
        }
        Presented::WithStatus(bytes) if vector["code"].is_string() => {
            let both = WithStatus::from_bytes(bytes).unwrap();
            assert_eq!(both.to_bytes(), *bytes);
            assert_eq!(both.code_text(), text(vector, "code"));
        }
        Presented::Certificate(_) | Presented::Credential(_) | Presented::WithStatus(_) => {}
    }
}

fn policy(vector: &Value) -> Policy {
    Policy {
        own_region: vector["own_region"].as_str().map(|region| region.parse().unwrap()),
        max_age_ms: vector["max_age_ms"].as_u64(),
        purpose: vector["purpose"].as_str().map(str::to_owned),
        recorded_required: vector["recorded_required"].as_bool().unwrap_or(true),
        asked: serde_json::from_value(vector["asked"].clone()).unwrap(),
    }
}

#[test]
fn every_certificate_gets_its_verdict() {
    let file = file("certificates.json");
    let bundles: BTreeMap<&str, _> = file["bundles"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, bundle)| {
            let state = TrustBundle::open(&bytes(bundle, "bundle"), &parsed(bundle, "chain_id"));
            (name.as_str(), state.unwrap())
        })
        .collect();
    let mut verdicts = BTreeSet::new();
    for vector in each(&file, "vectors") {
        let members = ["certificate", "credential", "with_status"];
        let member = members.into_iter().find(|member| vector[*member].is_string()).unwrap();
        let input = bytes(vector, member);
        let presented = match member {
            "certificate" => Presented::Certificate(&input),
            "credential" => Presented::Credential(&input),
            _ => Presented::WithStatus(&input),
        };
        let policy = policy(vector);
        let report = verify(
            presented,
            &bundles[text(vector, "bundle")],
            &policy,
            UnixMillis(number(vector, "now")),
        );
        assert_eq!(
            report.verdict.word(),
            text(vector, "verdict"),
            "{}: {report:#?}",
            vector["name"]
        );
        assert_eq!(json!(report.exit), vector["exit"], "{}", vector["name"]);
        assert_eq!(
            report.data_from_ms.map(|time| time.0),
            vector["data_from_ms"].as_u64(),
            "{}",
            vector["name"]
        );
        let recognised = serde_json::to_value(&report.recognised).unwrap();
        assert_eq!(recognised, vector["recognised"], "{}", vector["name"]);
        if let Some(named) = vector["issuer_named"].as_str() {
            let Ground::Signed { office, .. } = &report.checks[1].ground else {
                panic!("{}: {:?}", vector["name"], report.checks[1]);
            };
            assert_eq!(label(office, "zh"), named, "{}", vector["name"]);
        }
        assert_eq!(report.to_json(), text(vector, "report"), "{}", vector["name"]);
        check_details(vector, &presented);
        verdicts.insert(report.verdict.word());
    }
    assert_eq!(verdicts, Verdict::ALL.map(Verdict::word).into(), "each verdict once");
}

#[test]
fn bundles_that_do_not_hold_are_refused() {
    let file = file("certificates.json");
    let mut results = BTreeSet::new();
    for vector in each(&file, "refused_bundles") {
        let opened = TrustBundle::open(&bytes(vector, "bundle"), &parsed(vector, "chain_id"));
        assert_eq!(outcome(&opened), text(vector, "result"), "{}", vector["name"]);
        results.insert(text(vector, "result"));
    }
    assert_eq!(
        results.len(),
        10,
        "accept, and every way in which a state by itself is wrong but a charter's; the others: updates. {results:?}"
    );
}
