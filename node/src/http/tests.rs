use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use concord_spec::bundle::TrustBundle;
use concord_spec::charter::signed::SignedCharter;
use concord_spec::codec::Writer;
use concord_spec::ledger::{SectionName, document_root};
use concord_spec::receipt::Receipt;
use concord_spec::record::{Action, SignedRecord};
use libp2p::identity::Keypair;
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::network::{self, AllowList, NetworkConfig};
use crate::pool::tests::{Ledger, open, roomy};

/// A node's API on a ledger with an open series, and no peers.
struct Bench {
    ledger: Arc<Ledger>,
    api: Arc<Api>,
    _dir: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let (dir, ledger) = (tempfile::tempdir().unwrap(), Ledger::new());
        let metrics = Metrics::register(engine_registry());
        let config = NetworkConfig {
            keypair: Keypair::generate_ed25519(),
            listen: "/ip4/127.0.0.1/tcp/0".parse().unwrap(),
            chain: ledger.state().chain_id().0,
            name: "110000".to_owned(),
            software: "test".to_owned(),
            height: 0,
            peers: AllowList::default(),
        };
        let network = network::spawn(
            config,
            None,
            Arc::new(|_| None),
            &mut prometheus_client::registry::Registry::default(),
        )
        .await
        .unwrap();
        let stop = CancellationToken::new();
        let view = Arc::clone(&ledger) as Arc<dyn ChainView>;
        let api = Api {
            region: RegionId::new("110000").unwrap(),
            charter: SignedCharter::new(ledger.state().charter().clone()).unwrap().to_bytes(),
            role: Role::Region,
            chain: Arc::clone(&ledger) as Arc<dyn ChainView>,
            pool: Arc::new(open(dir.path(), &ledger, roomy())),
            network: network.handle,
            meters: metrics.http.clone(),
            bundles: Bundles::start(view, metrics.http.clone(), stop.clone()),
            metrics,
            history: Mutex::default(),
            page: None,
            stop,
        };
        Self {
            ledger,
            api: Arc::new(api),
            _dir: dir,
        }
    }

    async fn ask(&self, routes: Routes, request: Request) -> (StatusCode, axum::http::HeaderMap, Vec<u8>) {
        let response = router(routes, Arc::clone(&self.api)).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        (
            parts.status,
            parts.headers,
            to_bytes(body, 1 << 24).await.unwrap().to_vec(),
        )
    }

    async fn get(&self, path: &str) -> (StatusCode, Vec<u8>) {
        let (status, _, body) = self.ask(public(), request("GET", path, Vec::new())).await;
        (status, body)
    }

    /// The bundle of the last block, which is built in the background: waits until the builder tells of it.
    async fn bundle(&self, query: &str) -> (axum::http::HeaderMap, Vec<u8>) {
        self.api.bundles.reaches(self.ledger.state().tip().height).await;
        let asked = request("GET", &format!("/v1/bundle?{query}"), Vec::new());
        let (status, headers, body) = self.ask(public(), asked).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        (headers, body)
    }

    async fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert!(
            status.is_success(),
            "{path}: {status} {}",
            String::from_utf8_lossy(&body)
        );
        serde_json::from_slice(&body).unwrap()
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> (StatusCode, Value) {
        let (status, headers, body) = self.ask(public(), request("POST", path, body)).await;
        if !status.is_success() {
            assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        }
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn submit(&self, record: &SignedRecord) -> (StatusCode, Value) {
        self.post("/v1/records", record.bytes().to_vec()).await
    }
}

fn engine_registry() -> &'static arc_malachitebft_app_channel::app::metrics::SharedRegistry {
    arc_malachitebft_app_channel::app::metrics::SharedRegistry::global()
}

fn request(method: &str, path: &str, body: Vec<u8>) -> Request {
    axum::http::Request::builder()
        .method(method)
        .uri(path)
        .body(Body::from(body))
        .unwrap()
}

fn state_of(answer: &Value) -> &str {
    answer["state"].as_str().unwrap()
}

#[tokio::test]
async fn a_record_goes_from_202_to_a_receipt_that_verifies() {
    let bench = Bench::new().await;
    let record = bench.ledger.issue(0, 4);
    let (status, answer) = bench.submit(&record).await;
    assert_eq!((status, state_of(&answer)), (StatusCode::ACCEPTED, "pending"));
    let (status, answer) = bench.submit(&record).await;
    assert_eq!((status, state_of(&answer)), (StatusCode::OK, "pending"));
    let path = format!("/v1/records/{}", record.id());
    assert_eq!(bench.get(&format!("{path}/receipt")).await.0, StatusCode::CONFLICT);
    let asked = format!("{path}?wait_ms=30000");
    let (waited, ()) = tokio::join!(bench.json(&asked), async {
        bench.ledger.commit_waiting(&bench.api.pool)
    });
    assert_eq!(
        (state_of(&waited), waited["height"].as_u64(), waited["index"].as_u64()),
        ("recorded", Some(4), Some(0))
    );
    let (status, receipt) = bench.get(&format!("{path}/receipt")).await;
    assert_eq!(status, StatusCode::OK);
    let receipt = Receipt::from_bytes(&receipt).unwrap();
    let Action::Issue(issue) = &record.payload().action else {
        unreachable!()
    };
    let state = bench.ledger.state();
    receipt
        .verify(&state.chain_id(), &issue.root, state.region_set())
        .unwrap();
    let block = bench.json("/v1/blocks/4").await;
    assert_eq!(block["records"][0]["id"], record.id().to_string());
    assert_eq!(
        (
            block["records"][0]["action"].as_str(),
            block["records"][0]["count"].as_u64()
        ),
        (Some("issue"), Some(4))
    );
    assert_eq!(block["seal"]["signers"].as_array().unwrap().len(), 4);
    assert_eq!(block["state_root"], bench.json("/v1/status").await["state_root"]);
    assert_eq!(bench.get("/v1/blocks/4/raw").await.0, StatusCode::OK);
    assert_eq!(bench.get("/v1/blocks/5").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_batch_is_answered_record_by_record() {
    let bench = Bench::new().await;
    let (good, gap) = (bench.ledger.issue(0, 1), bench.ledger.issue(5, 1));
    let mut writer = Writer::new();
    writer.array(3);
    [good.bytes(), gap.bytes(), b"no record"]
        .iter()
        .for_each(|record| writer.bytes(record));
    let (status, answers) = bench.post("/v1/records/batch", writer.into_vec()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (state_of(&answers[0]), answers[0]["id"].as_str()),
        ("pending", Some(good.id().to_string().as_str()))
    );
    assert_eq!(
        (answers[1]["code"].as_str(), answers[1]["id"].as_str()),
        (Some("NUMBER_GAP"), Some(gap.id().to_string().as_str()))
    );
    assert_eq!(
        (answers[2]["code"].as_str(), answers[2].get("id")),
        (Some("MALFORMED"), None)
    );
    let (status, problem) = bench.post("/v1/records/batch", b"\x82\x40".to_vec()).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (StatusCode::BAD_REQUEST, Some("MALFORMED"))
    );
}

#[tokio::test]
async fn every_error_is_a_problem_with_a_code() {
    let bench = Bench::new().await;
    let unknown = concord_spec::digest::Digest([7; 32]);
    let cases = [
        (format!("/v1/records/{unknown}"), "UNKNOWN_RECORD"),
        (format!("/v1/records/{unknown}/receipt"), "UNKNOWN_RECORD"),
        ("/v1/records/xyz".to_owned(), "NOT_FOUND"),
        (format!("/v1/records/{unknown}?wait_ms=x"), "MALFORMED"),
        ("/v1/series/9".to_owned(), "UNKNOWN_SERIES"),
        ("/v1/types/110000.x/1".to_owned(), "UNKNOWN_TYPE"),
        ("/v1/offices/110000/X".to_owned(), "UNKNOWN_OFFICE"),
        ("/v2".to_owned(), "NOT_FOUND"),
    ];
    for (path, code) in cases {
        let (status, headers, body) = bench.ask(public(), request("GET", &path, Vec::new())).await;
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json", "{path}");
        assert_eq!(
            (problem["code"].as_str(), problem["status"].as_u64()),
            (Some(code), Some(u64::from(status.as_u16()))),
            "{path}"
        );
    }
    let (status, problem) = bench.post("/v1/records", vec![0; 1 << 17]).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, Some("BODY_TOO_LARGE"))
    );
    let (status, problem) = bench.post("/v1/status", Vec::new()).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (StatusCode::METHOD_NOT_ALLOWED, Some("METHOD_NOT_ALLOWED"))
    );
    bench.api.pool.stop();
    let (_, headers, body) = bench.ask(public(), request("POST", "/v1/records", vec![0])).await;
    assert!(
        headers.contains_key(header::RETRY_AFTER),
        "{}",
        String::from_utf8_lossy(&body)
    );
}

#[tokio::test]
async fn the_directory_shows_what_is_on_the_ledger() {
    let bench = Bench::new().await;
    let series = bench.json("/v1/series/1").await;
    assert_eq!(
        (
            series["region"].as_str(),
            series["next"].as_u64(),
            series["version"].as_u64()
        ),
        (Some("110000"), Some(0), Some(1))
    );
    let key = series["key"].as_str().unwrap();
    assert_eq!(
        bench
            .json(&format!("/v1/series?key={key}&region=110000"))
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        bench.json("/v1/series?region=120000").await.as_array().unwrap().len(),
        0
    );
    assert_eq!(bench.json("/v1/series/1/numbers/0").await["standing"], "not-issued");
    let office = &bench.json("/v1/offices").await[0];
    let path = format!("/v1/offices/110000/{}", office["code"].as_str().unwrap());
    assert_eq!(bench.json(&path).await["keyring"]["threshold"], 2);
    assert_eq!(bench.json("/v1/catalogue").await[0]["id"], "110000.drivers-licence");
    assert_eq!(bench.get("/v1/types/110000.drivers-licence/1").await.0, StatusCode::OK);
    let (_, charter) = bench.get("/v1/charter").await;
    let charter = SignedCharter::from_bytes(&charter).unwrap().into_charter();
    assert_eq!(charter.chain_id(), bench.ledger.state().chain_id());
    let status = bench.json("/v1/status").await;
    assert_eq!(
        (status["height"].as_u64(), status["peers"].as_array().unwrap().len()),
        (Some(3), 3)
    );
}

#[tokio::test]
async fn the_federation_tells_regions_terms_proposals_and_scheduled_changes() {
    use concord_spec::charter::Parameters;
    use concord_spec::record::{Change, Vote};
    let bench = Bench::new().await;
    let parameters = Parameters { heartbeat_ms: 2_000 };
    let change = Change::SetParameters(parameters);
    let proposal = bench
        .ledger
        .world()
        .by_region_at(1, Action::Propose(Box::new(change)))
        .unwrap();
    bench.ledger.commit(&bench.api.pool, vec![proposal.clone()]);
    let federation = bench.json("/v1/federation").await;
    let open = &federation["proposals"][0];
    assert_eq!(open["id"], proposal.id().to_string());
    assert_eq!(
        (&open["change"]["change"], &open["change"]["heartbeat_ms"]),
        (&"set-parameters".into(), &2_000.into())
    );
    assert_eq!(
        (open["approvals"].as_array().unwrap().len(), open["quorum"].as_u64()),
        (1, Some(3))
    );
    let region = &federation["regions"][0];
    assert_eq!(
        (&region["standing"], &region["in_force"]),
        (&"member".into(), &true.into())
    );
    assert_eq!(region["terms"][0]["from"], 1);
    let path = format!("/v1/regions/{}", region["region"].as_str().unwrap());
    assert_eq!(&bench.json(&path).await, region);
    assert_eq!(bench.get("/v1/regions/nowhere").await.0, StatusCode::NOT_FOUND);

    let votes: Vec<_> = [0, 2]
        .into_iter()
        .map(|index| {
            let vote = Vote {
                proposal: proposal.id(),
                approve: true,
            };
            bench.ledger.world().by_region_at(index, Action::Vote(vote)).unwrap()
        })
        .collect();
    bench.ledger.commit(&bench.api.pool, votes);
    let federation = bench.json("/v1/federation").await;
    assert_eq!(federation["proposals"].as_array().unwrap().len(), 0);
    let passed = federation["height"].as_u64().unwrap();
    assert_eq!(federation["scheduled"][0]["at"], passed + 2);
    bench.ledger.commit(&bench.api.pool, Vec::new());
    assert_eq!(bench.json("/v1/federation").await["heartbeat_ms"], 2_000);
}

#[tokio::test]
async fn a_bundle_after_a_change_of_regions_shows_the_handover() {
    use concord_spec::record::Change;
    let bench = Bench::new().await;
    let before = bench.ledger.state().region_set().digest();
    let leaves = bench.ledger.state().federation().regions[3].region.clone();
    let sealed = bench.json("/v1/blocks/1").await["seal"].clone();
    bench
        .ledger
        .change(&bench.api.pool, Change::SuspendRegion(leaves.clone()), &[0, 1, 2]);
    for _ in 0..3 {
        bench.ledger.commit(&bench.api.pool, Vec::new());
    }
    let state = bench.ledger.state();
    assert_ne!(state.region_set().digest(), before);
    for _ in 0..2 {
        // The second time from memory.
        let (_, body) = bench.bundle("").await;
        TrustBundle::open(&body, &state.chain_id()).unwrap();
        bench.ledger.commit(&bench.api.pool, Vec::new());
    }
    let (_, history) = bench.get("/v1/region-history").await;
    let history: concord_spec::epochs::RegionHistory = concord_spec::codec::from_slice(&history, 1 << 20).unwrap();
    assert_eq!(history.changes.len(), 1);
    let region = bench.json(&format!("/v1/regions/{leaves}")).await;
    assert_eq!(
        (&region["standing"], &region["in_force"]),
        (&"suspended".into(), &false.into())
    );
    // Who sealed a block is told by the regions of its own height.
    assert_eq!(bench.json("/v1/blocks/1").await["seal"], sealed);
    assert!(!sealed["signers"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_status_proof_leads_from_a_number_to_the_seal_of_the_last_block() {
    use concord_spec::status::Standing;
    use concord_spec::status_proof::StatusProof;
    let bench = Bench::new().await;
    let issue = bench.ledger.issue(0, 16);
    bench.ledger.commit(&bench.api.pool, vec![issue]);
    let (status, body) = bench.get("/v1/series/1/numbers/7/proof").await;
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    let proof = StatusProof::from_bytes(&body).unwrap();
    let state = bench.ledger.state();
    assert_eq!(
        (proof.head.height, proof.standing()),
        (state.tip().height, Standing::InForce)
    );
    proof.verify(&state.chain_id(), state.region_set()).unwrap();
    for (path, code) in [
        ("/v1/series/1/numbers/16/proof", "NOT_ISSUED"),
        ("/v1/series/9/numbers/0/proof", "UNKNOWN_SERIES"),
    ] {
        let (status, body) = bench.get(path).await;
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &code.into()));
    }
}

#[tokio::test]
async fn a_renewal_shows_every_earlier_block_through_the_last_one() {
    use concord_spec::id::Height;
    use concord_spec::renewal::Renewal;
    let bench = Bench::new().await;
    for _ in 0..300 {
        bench.ledger.commit(&bench.api.pool, Vec::new());
    }
    let state = bench.ledger.state();
    let last = state.tip().height;
    for height in [1, 2, 255, 256, 257, last.0 - 1] {
        let (status, body) = bench.get(&format!("/v1/blocks/{height}/renewal")).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        let renewal = Renewal::from_bytes(&body).unwrap();
        let block = bench.ledger.world().checkpoint(Height(height)).unwrap();
        renewal.shows(block.height, &block.hash).unwrap();
        let seal = renewal
            .seal
            .verify(&state.chain_id(), last, &renewal.header.hash(), state.region_set());
        assert_eq!((seal, renewal.header.height), (Ok(()), last));
    }
    for (height, status, code) in [
        (last.0, StatusCode::CONFLICT, "NO_LATER_BLOCK"),
        (last.0 + 1, StatusCode::NOT_FOUND, "UNKNOWN_BLOCK"),
        (0, StatusCode::NOT_FOUND, "UNKNOWN_BLOCK"),
    ] {
        let (found, body) = bench.get(&format!("/v1/blocks/{height}/renewal")).await;
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((found, &problem["code"]), (status, &code.into()));
    }
}

#[tokio::test]
async fn recognitions_are_listed_by_who_whose_and_what() {
    use concord_spec::digest::Digest;
    use concord_spec::id::{TypeId, TypeVersion, UnixMillis};
    use concord_spec::recognition::{Level, Source, Terms};
    use concord_spec::record::Withdraw;
    let bench = Bench::new().await;
    let terms = Terms {
        source: Source::Region(RegionId::new("110000").unwrap()),
        kind: TypeId::new("110000.drivers-licence").unwrap(),
        min_version: TypeVersion(1),
        local_type: None,
        values: Vec::new(),
        level: Level::Conditional,
        issued_from: None,
        issued_until: None,
        presented_from: None,
        presented_until: None,
        max_age_days: Some(30),
        purposes: Vec::new(),
        basis: Digest([3; 32]),
    };
    let recognise = Action::Recognise(Box::new(terms));
    let declared = bench.ledger.world().by_region_at(1, recognise).unwrap();
    bench.ledger.commit(&bench.api.pool, vec![declared]);
    let all = bench.json("/v1/recognition").await;
    assert_eq!(
        (&all[0]["number"], &all[0]["level"], &all[0]["max_age_days"]),
        (&1.into(), &"conditional".into(), &30.into())
    );
    let count = async |query: &str| {
        let listed = bench.json(&format!("/v1/recognition?{query}")).await;
        listed.as_array().unwrap().len()
    };
    assert_eq!(
        count("source=110000&type=110000.drivers-licence&in_force=true").await,
        1
    );
    assert_eq!(count("recogniser=110000").await, 0);
    assert_eq!(count("source=310000").await, 0);
    let withdraw = Action::Withdraw(Withdraw {
        number: 1,
        issued_until: None,
        presented_until: Some(UnixMillis(4_000_000_000_000)),
    });
    let withdrawn = bench.ledger.world().by_region_at(1, withdraw).unwrap();
    bench.ledger.commit(&bench.api.pool, vec![withdrawn]);
    assert_eq!((count("in_force=true").await, count("in_force=false").await), (0, 1));
}

#[tokio::test]
async fn events_of_a_series_tell_its_records_before_their_block() {
    use futures::StreamExt as _;
    let bench = Bench::new().await;
    let ask = |path: &str| router(public(), Arc::clone(&bench.api)).oneshot(request("GET", path, Vec::new()));
    let (own, other) = (
        ask("/v1/events?series=1").await.unwrap(),
        ask("/v1/events?series=2").await.unwrap(),
    );
    let record = bench.ledger.issue(0, 4);
    bench.ledger.commit(&bench.api.pool, vec![record.clone()]);
    let heard = async |response: Response| {
        let mut body = response.into_body().into_data_stream();
        let mut text = String::new();
        while !text.contains("event: block") {
            text.push_str(std::str::from_utf8(&body.next().await.unwrap().unwrap()).unwrap());
        }
        text
    };
    let text = heard(own).await;
    assert!(text.starts_with("event: record"), "{text}");
    assert!(
        text.contains(&record.id().to_string()) && text.contains("\"height\":4"),
        "{text}"
    );
    assert!(!heard(other).await.contains("event: record"));
}

#[tokio::test]
async fn every_section_that_is_a_document_is_served_as_it_is_sealed() {
    let bench = Bench::new().await;
    let roots = bench.ledger.state().section_roots();
    assert!(roots.len() > 4);
    for section in roots {
        let (status, document) = bench.get(&format!("/v1/sections/{}", section.name)).await;
        if let SectionName::Status(..) = section.name {
            assert_eq!(status, StatusCode::NOT_FOUND);
            continue;
        }
        assert_eq!(status, StatusCode::OK, "{}", section.name);
        assert_eq!(document_root(&document), section.root, "{}", section.name);
    }
    assert_eq!(bench.get("/v1/sections/nonsense").await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        bench.get("/v1/sections/directory/999999").await.0,
        StatusCode::NOT_FOUND
    );
}

/// Asks for a bundle with the ETag of one that is there.
fn if_not(path: &str, etag: &HeaderValue) -> Request {
    let mut request = request("GET", path, Vec::new());
    request.headers_mut().insert(header::IF_NONE_MATCH, etag.clone());
    request
}

#[tokio::test]
async fn a_bundle_opens_and_is_sent_once() {
    let bench = Bench::new().await;
    let (headers, body) = bench.bundle("").await;
    assert_eq!(headers[header::CONTENT_TYPE], "application/vnd.concord.bundle");
    let trusted = TrustBundle::open(&body, &bench.ledger.state().chain_id()).unwrap();
    assert_eq!(trusted.height(), bench.ledger.state().tip().height);
    let again = if_not("/v1/bundle", &headers[header::ETAG]);
    let (status, _, body) = bench.ask(public(), again).await;
    assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
    bench.ledger.commit(&bench.api.pool, vec![bench.ledger.issue(0, 1)]);
    let (newer, _) = bench.bundle("").await;
    assert_ne!(newer[header::ETAG], headers[header::ETAG]);
}

#[tokio::test]
async fn a_device_gets_what_changed_since_its_bundle_or_the_whole_with_a_proof() {
    use concord_spec::bundle::{Held, Kind, Packed, Terms};
    let bench = Bench::new().await;
    let chain = bench.ledger.state().chain_id();
    let (_, body) = bench.bundle("types=110000.drivers-licence&regions=110000").await;
    let held = Held::open(&body, &chain).unwrap();
    assert!(!held.state().selection().is_all());
    bench.ledger.commit(&bench.api.pool, vec![bench.ledger.issue(0, 9)]);
    bench.ledger.commit(&bench.api.pool, Vec::new());
    let terms = Terms {
        checkpoint: None,
        go_back: false,
        now: bench.ledger.state().tip().time,
    };
    let selected = "&types=110000.drivers-licence&regions=110000";
    let (_, delta) = bench.bundle(&format!("since={}{selected}", held.point())).await;
    assert_eq!(Packed::open(&delta).unwrap().0, Kind::Delta);
    let continued = held.update(&delta, &terms).unwrap();
    assert_eq!(continued.point().height, bench.ledger.state().tip().height);
    let (_, whole) = bench.bundle(&format!("extends={}{selected}", held.point())).await;
    let replaced = held.update(&whole, &terms).unwrap();
    assert_eq!(replaced.to_bytes(), continued.to_bytes());
    // Who has the newest is told so, whatever it asks for.
    let etag = HeaderValue::from_str(&format!("\"{}\"", continued.point().hash)).unwrap();
    let path = format!("/v1/bundle?since={}", held.point());
    let (status, _, _) = bench.ask(public(), if_not(&path, &etag)).await;
    assert_eq!(status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn what_cannot_be_continued_is_refused_with_its_reason() {
    let bench = Bench::new().await;
    bench.bundle("").await;
    let (state, zero) = (bench.ledger.state(), "0".repeat(64));
    let tip = state.tip().height;
    let cases = [
        (
            format!("since={tip}:{}", state.tip().hash),
            StatusCode::CONFLICT,
            "AHEAD",
        ),
        (format!("since=9999:{zero}"), StatusCode::CONFLICT, "AHEAD"),
        (format!("since=1:{zero}"), StatusCode::CONFLICT, "OTHER_HISTORY"),
        (format!("extends=1:{zero}"), StatusCode::CONFLICT, "OTHER_HISTORY"),
        (format!("since=0:{zero}"), StatusCode::CONFLICT, "OTHER_HISTORY"),
        ("since=1".to_owned(), StatusCode::BAD_REQUEST, "MALFORMED"),
        ("types=A%20B".to_owned(), StatusCode::BAD_REQUEST, "MALFORMED"),
        ("sicne=1".to_owned(), StatusCode::BAD_REQUEST, "MALFORMED"),
    ];
    for (query, status, code) in cases {
        let (found, body) = bench.get(&format!("/v1/bundle?{query}")).await;
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (found, problem["code"].as_str()),
            (status, Some(code)),
            "{query}: {problem}"
        );
    }
}

#[tokio::test]
async fn a_node_without_peers_is_alive_and_not_ready() {
    let bench = Bench::new().await;
    let (status, _, _) = bench.ask(admin(), request("GET", "/healthz", Vec::new())).await;
    assert_eq!(status, StatusCode::OK);
    let (status, _, body) = bench.ask(admin(), request("GET", "/readyz", Vec::new())).await;
    let report: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (status, report["ready"].as_bool(), report["quorum"].as_u64()),
        (StatusCode::SERVICE_UNAVAILABLE, Some(false), Some(3))
    );
    let (_, _, text) = bench.ask(admin(), request("GET", "/metrics", Vec::new())).await;
    let text = String::from_utf8(text).unwrap();
    for name in [
        "concord_pool_records",
        "concord_http_requests_total",
        "concord_chain_height",
    ] {
        assert!(text.contains(name), "{name} is not in\n{text}");
    }
}

#[tokio::test]
async fn the_description_has_every_route() {
    let described: BTreeSet<String> = openapi::description().paths.paths.keys().cloned().collect();
    let routed: BTreeSet<String> = public()
        .into_iter()
        .chain(admin())
        .map(|(path, _)| path.to_owned())
        .collect();
    assert_eq!(described, routed);
    let bench = Bench::new().await;
    assert_eq!(
        bench.json("/v1/openapi.json").await["openapi"]
            .as_str()
            .unwrap()
            .split('.')
            .next(),
        Some("3")
    );
}

#[tokio::test]
async fn a_stopping_server_lets_go_of_who_listens() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let bench = Bench::new().await;
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let parts = Parts {
        role: Role::Region,
        region: bench.api.region.clone(),
        charter: bench.api.charter.clone(),
        chain: Arc::clone(&bench.api.chain),
        pool: Arc::clone(&bench.api.pool),
        network: bench.api.network.clone(),
        page: None,
        metrics: bench.api.metrics.clone(),
        api: any,
        admin: any,
    };
    let server = start(parts).await.unwrap();
    let mut listener = tokio::net::TcpStream::connect(server.api()).await.unwrap();
    listener
        .write_all(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut said = Vec::new();
    while !said.windows(4).any(|end| end == b"\r\n\r\n") {
        assert!(listener.read_buf(&mut said).await.unwrap() > 0);
    }
    bench.ledger.commit(&bench.api.pool, Vec::new());
    while !String::from_utf8_lossy(&said).contains("event: block") {
        assert!(listener.read_buf(&mut said).await.unwrap() > 0);
    }
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < STOP_TIME, "it waited for a listener");
    while listener.read_buf(&mut said).await.unwrap() > 0 {}
}

#[tokio::test]
async fn the_page_comes_with_what_keeps_it_to_itself_and_a_tag_and_compressed_if_asked() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("index.html", "<p>"),
        ("concord.wasm", "engine"),
        ("concord.wasm.gz", "zip"),
    ] {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let mut bench = Bench::new().await;
    Arc::get_mut(&mut bench.api).unwrap().page = Some(Page::read(dir.path()).unwrap());
    let ask = |path: &str, header: (header::HeaderName, &str)| {
        let mut request = request("GET", path, Vec::new());
        request.headers_mut().insert(header.0, header.1.parse().unwrap());
        bench.ask(page::routes(), request)
    };
    let (status, headers, body) = ask("/verify/", (header::ACCEPT_ENCODING, "gzip, br")).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &b"<p>"[..]));
    assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'") && !policy.contains("http"));
    assert!(!headers.contains_key(header::CONTENT_ENCODING));

    let known = headers[header::ETAG].to_str().unwrap();
    let (status, _, body) = ask("/verify/index.html", (header::IF_NONE_MATCH, known)).await;
    assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
    let (_, headers, body) = ask("/verify/concord.wasm", (header::ACCEPT_ENCODING, "gzip;q=1.0, br")).await;
    assert_eq!(
        (&headers[header::CONTENT_ENCODING], &body[..]),
        (&HeaderValue::from_static("gzip"), &b"zip"[..])
    );
    let (_, headers, body) = ask("/verify/concord.wasm", (header::ACCEPT_ENCODING, "br")).await;
    assert_eq!(
        (headers.get(header::CONTENT_ENCODING), &body[..]),
        (None, &b"engine"[..])
    );

    for path in ["/verify/none.js", "/verify/concord.wasm.gz", "/verify/..%2Findex.html"] {
        let (status, _, _) = ask(path, (header::ACCEPT, "*/*")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_node_without_a_page_says_how_to_get_one() {
    let bench = Bench::new().await;
    let (status, _, body) = bench.ask(page::routes(), request("GET", "/verify/", Vec::new())).await;
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::NOT_FOUND, &Value::from("NO_PAGE"))
    );
    assert!(problem["detail"].as_str().unwrap().contains("client/web/build"));
}
