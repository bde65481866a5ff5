//! A ledger for commands: the real rules and blocks of `concord_spec::world`, answered over HTTP as a node does.
//! What a whole node adds (consensus, pool, disk) is tested in `tests/`.

#![allow(dead_code, reason = "each test uses a part")]

use crate::program::Desk;
use concord_spec::bundle::{Checkpoint, Selection};
use concord_spec::charter::signed::SignedCharter;
use concord_spec::codec::{self, Writer};
use concord_spec::epochs::RegionHistory;
use concord_spec::key::SecretKey;
use concord_spec::key::pem::{self, KeyKind, Protection};
use concord_spec::ledger::{BlockContext, CheckEach, SectionName};
use concord_spec::record::{RecordId, SignedRecord};
use concord_spec::world::World;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// A served ledger. Every record handed in gets a block of its own.
pub(crate) struct Served {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    world: Mutex<World>,
    grown: Condvar,
    /// What a plain web server has, by path.
    files: Mutex<HashMap<String, Vec<u8>>>,
    /// Whether it answers what changed since a block.
    deltas: AtomicBool,
}

impl Served {
    pub(crate) fn new(world: World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            grown: Condvar::new(),
            files: Mutex::default(),
            deltas: AtomicBool::new(true),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || answer(stream.unwrap(), &shared));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts a file where any web server could have it; its address.
    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) -> String {
        self.shared.files.lock().unwrap().insert(format!("/{name}"), bytes);
        format!("{}/{name}", self.url())
    }

    /// From now on it gives whole bundles only.
    pub(crate) fn gives_no_deltas(&self) {
        self.shared.deltas.store(false, Ordering::Relaxed);
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap()
    }

    /// Puts records into a block, and tells who listens.
    pub(crate) fn append(&self, records: Vec<SignedRecord>) {
        self.append_with(records, |_| ());
    }

    /// The same, and changes what it serves before anybody hears of it.
    pub(crate) fn append_with(&self, records: Vec<SignedRecord>, change: impl FnOnce(&mut World)) {
        let mut world = self.world();
        world.append(records).unwrap();
        change(&mut world);
        drop(world);
        self.shared.grown.notify_all();
    }
}

/// Writes a key file, not encrypted.
pub(crate) fn key_file(desk: &Desk, name: &str, key: &SecretKey) {
    let text = pem::encode(KeyKind::Ed25519, &key.seed(), Protection::Unencrypted).unwrap();
    desk.write(name, text.as_bytes());
}

/// One request to a connection; the client opens another.
fn answer(mut stream: TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    if reader.read_line(&mut first).unwrap_or(0) == 0 {
        return;
    }
    let (mut length, mut known) = (0_usize, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if let Some(value) = line.strip_prefix("if-none-match:") {
            known = value.trim().to_owned();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if path == "/v1/events" {
        return events(stream, shared);
    }
    let file = shared.files.lock().unwrap().get(path).cloned();
    let (status, kind, body) = match file {
        Some(file) => (200, "application/octet-stream", file),
        None if path == "/v1/bundle" => bundle(&shared.world.lock().unwrap(), shared, query, &known),
        None => respond(method, path, &body, shared),
    };
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // A client that went away is its own affair.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

fn events(mut stream: TcpStream, shared: &Shared) {
    let head = "HTTP/1.1 200 x\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let mut world = shared.world.lock().unwrap();
    if stream.write_all(head.as_bytes()).is_err() {
        return;
    }
    let mut seen = world.state.tip().height;
    loop {
        world = shared
            .grown
            .wait_while(world, |world| world.state.tip().height == seen)
            .unwrap();
        seen = world.state.tip().height;
        let event = format!("event: block\ndata: {}\n\n", json!({"height": seen}));
        if stream.write_all(event.as_bytes()).is_err() {
            return;
        }
    }
}

type Answer = (u16, &'static str, Vec<u8>);

fn object(value: &Value) -> Answer {
    (200, "application/json", value.to_string().into_bytes())
}

fn cbor(bytes: Vec<u8>) -> Answer {
    (200, "application/cbor", bytes)
}

fn problem(status: u16, code: &str, detail: &str) -> Answer {
    let problem = json!({"title": code, "detail": detail, "code": code});
    (status, "application/problem+json", problem.to_string().into_bytes())
}

fn unknown() -> Answer {
    problem(404, "UNKNOWN", "there is no such thing")
}

fn respond(method: &str, path: &str, body: &[u8], shared: &Shared) -> Answer {
    let mut world = shared.world.lock().unwrap();
    let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["status"]) => {
            let (state, tip) = (&world.state, world.state.tip());
            object(&json!({
                "chain": state.charter().chain, "chain_id": state.chain_id(), "region": "110000", "height": tip.height,
                "time_ms": tip.time,
            }))
        }
        ("GET", ["charter"]) => cbor(SignedCharter::new(world.state.charter().clone()).unwrap().to_bytes()),
        ("GET", ["sections", name @ ..]) => {
            let name: Option<SectionName> = name.join("/").parse().ok();
            name.and_then(|name| world.state.document(&name))
                .map_or_else(unknown, cbor)
        }
        ("GET", ["types", id, version]) => {
            let reference = format!("{id}/{version}").parse().unwrap();
            let found = world.state.catalogue().get(&reference).map(codec::to_vec);
            found.map_or_else(unknown, cbor)
        }
        ("GET", ["region-history"]) => {
            let history = RegionHistory {
                height: world.state.tip().height,
                changes: Vec::new(),
            };
            cbor(codec::to_vec(&history))
        }
        ("GET", ["blocks", height, "raw"]) => raw_block(&world, height),
        ("GET", ["series", id]) => series(&world, id),
        ("GET", ["offices", region, code]) => office(&world, &format!("{region}/{code}")),
        ("GET", ["records", id]) => id
            .parse()
            .ok()
            .and_then(|id| recorded(&world, &id))
            .unwrap_or_else(unknown),
        ("POST", ["records"]) => {
            let answer = submit(&mut world, body);
            drop(world);
            shared.grown.notify_all();
            answer
        }
        _ => unknown(),
    }
}

/// As a node answers.
fn bundle(world: &World, shared: &Shared, query: &str, known: &str) -> Answer {
    if known == format!("\"{}\"", world.state.tip().hash) {
        return (304, "application/vnd.concord.bundle", Vec::new());
    }
    let asked: HashMap<&str, &str> = query.split('&').filter_map(|part| part.split_once('=')).collect();
    fn listed<T: std::str::FromStr + Ord>(text: &str) -> BTreeSet<T> {
        let parts = text.split(',').filter(|part| !part.is_empty());
        parts.map(|part| part.parse().ok().unwrap()).collect()
    }
    let types = asked.get("types").map(|text| listed(text));
    let regions = asked.get("regions").map(|text| listed(text));
    let selection = Selection::of(types, regions).unwrap();
    if let Some(since) = asked.get("since") {
        let since: Checkpoint = since.parse().unwrap();
        if !shared.deltas.load(Ordering::Relaxed) {
            return problem(404, "NO_DELTA", "this one gives none; take the full bundle");
        }
        if world.checkpoint(since.height).ok() != Some(since) {
            return problem(409, "OTHER_HISTORY", "the block has another hash here");
        }
        return cbor(world.delta(since.height, &selection).unwrap().to_bytes());
    }
    let mut whole = world.full_bundle().unwrap().select(&selection);
    let extends = asked.get("extends").copied().unwrap_or_default();
    for anchor in extends.split(',').filter(|part| !part.is_empty()) {
        let at: Checkpoint = anchor.parse().unwrap();
        if world.checkpoint(at.height).ok() != Some(at) {
            return problem(409, "OTHER_HISTORY", "the block has another hash here");
        }
        if at.height < world.state.tip().height {
            whole.anchors.push(world.anchor(at.height).unwrap());
        }
    }
    cbor(whole.to_bytes())
}

fn office(world: &World, id: &str) -> Answer {
    let id = id.parse().unwrap();
    world.state.office(&id).map_or_else(unknown, |office| {
        object(&json!({
            "keyring": office.keyring, "labels": office.labels(), "utc_offset_minutes": office.utc_offset_minutes,
        }))
    })
}

fn raw_block(world: &World, height: &str) -> Answer {
    let height: usize = height.parse().unwrap();
    let found = height.checked_sub(1).and_then(|index| world.blocks.get(index));
    found.map_or_else(unknown, |(block, seal)| {
        let mut writer = Writer::new();
        writer.array(2);
        writer.bytes(&codec::to_vec(block));
        writer.bytes(&codec::to_vec(seal));
        cbor(writer.into_vec())
    })
}

fn series(world: &World, id: &str) -> Answer {
    let id = id.parse().unwrap();
    let Some((region, series)) = world.state.series(id) else {
        return unknown();
    };
    let next = world.state.series_status(id).map_or(0, |status| status.next);
    object(&json!({
        "series": id, "region": region, "office": series.office, "type": series.of.id, "version": series.of.version,
        "desk": series.desk, "key": series.key, "next": next, "frozen": series.frozen,
    }))
}

fn recorded(world: &World, id: &RecordId) -> Option<Answer> {
    let blocks = world.blocks.iter();
    let (block, index) = blocks
        .filter_map(|(block, _)| Some((block, block.position(id)?)))
        .next()?;
    let record = &block.records[index];
    let series = match world.state.outcome_of(record) {
        concord_spec::ledger::Outcome::Opened(series) => Some(series),
        concord_spec::ledger::Outcome::Declared(_) | concord_spec::ledger::Outcome::Done => None,
    };
    Some(object(&json!({
        "id": id, "state": "recorded", "height": block.header.height, "index": index, "time_ms": block.header.time,
        "series": series,
    })))
}

fn submit(world: &mut World, body: &[u8]) -> Answer {
    let record = SignedRecord::from_bytes(body).unwrap();
    let id = record.id();
    if let Some(known) = recorded(world, &id) {
        return known;
    }
    let at = BlockContext {
        height: world.state.next_height(),
        time: world.state.tip().time,
    };
    if let Err(rejection) = world.state.clone().apply(&record, &at, &CheckEach) {
        return problem(422, rejection.code(), &rejection.to_string());
    }
    world.append(vec![record]).unwrap();
    recorded(world, &id).unwrap()
}
