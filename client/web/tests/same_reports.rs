//! The page's WebAssembly says, byte for byte, what the same code says that is compiled for this machine, on all vectors of
//! `spec/vectors/certificates.json`; and both say what is written there.
//!
//! They need the page: `client/web/build && cargo test --release -p concord-web -- --ignored`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use concord_code::render::{Code, PixelsPerModule};
use concord_web::Engine;
use serde_json::{Value, json};
use std::path::PathBuf;
use wasmi::{Instance, Linker, Memory, Module, Store, TypedFunc};

const NOW_MS: u64 = 1_790_000_000_000;

/// The engine in WebAssembly.
struct Wasm {
    store: Store<()>,
    memory: Memory,
    room: TypedFunc<u32, u32>,
    ask: TypedFunc<u32, u32>,
    answer: TypedFunc<(), u32>,
}

/// Where `client/web/build` puts it: `<target>/release/verify`, beside `<target>/release/deps` with this test.
fn built() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let page = std::env::var_os("CONCORD_PAGE").map(PathBuf::from);
    page.unwrap_or_else(|| test.ancestors().nth(2).unwrap().join("verify"))
        .join("concord.wasm")
}

impl Wasm {
    fn load() -> Self {
        let path = built();
        let bytes =
            std::fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}; run client/web/build", path.display()));
        let engine = wasmi::Engine::default();
        let module = Module::new(&engine, &bytes[..]).unwrap();
        assert_eq!(
            module.imports().count(),
            0,
            "it reaches for nothing: no clock, no randomness, no page"
        );
        let mut store = Store::new(&engine, ());
        let instance: Instance = Linker::new(&engine).instantiate_and_start(&mut store, &module).unwrap();
        Self {
            memory: instance.get_memory(&store, "memory").unwrap(),
            room: instance.get_typed_func(&store, "room").unwrap(),
            ask: instance.get_typed_func(&store, "ask").unwrap(),
            answer: instance.get_typed_func(&store, "answer").unwrap(),
            store,
        }
    }

    fn answer(&mut self, json: &[u8], about: &[u8]) -> Vec<u8> {
        let length = u32::try_from(json.len() + about.len()).unwrap();
        let room = self.room.call(&mut self.store, length).unwrap();
        let question = [json, about].concat();
        self.memory
            .write(&mut self.store, usize::try_from(room).unwrap(), &question)
            .unwrap();
        let json = u32::try_from(json.len()).unwrap();
        let length = self.ask.call(&mut self.store, json).unwrap();
        let at = self.answer.call(&mut self.store, ()).unwrap();
        let mut answer = vec![0; usize::try_from(length).unwrap()];
        self.memory
            .read(&self.store, usize::try_from(at).unwrap(), &mut answer)
            .unwrap();
        answer
    }
}

/// Both, asked the same.
struct Both {
    native: Engine,
    wasm: Wasm,
}

impl Both {
    fn new() -> Self {
        Self {
            native: Engine::new(),
            wasm: Wasm::load(),
        }
    }

    fn ask(&mut self, question: &Value, about: &[u8]) -> String {
        let question = question.to_string();
        let native = self.native.answer(question.as_bytes(), about);
        let wasm = self.wasm.answer(question.as_bytes(), about);
        assert_eq!(native, wasm, "{question}");
        String::from_utf8(native).unwrap()
    }

    fn kept(&mut self) -> Vec<u8> {
        let question = br#"{"ask":"kept"}"#;
        let native = self.native.answer(question, &[]);
        assert_eq!(native, self.wasm.answer(question, &[]));
        native
    }

    fn told(&mut self, question: &Value, about: &[u8]) -> Value {
        serde_json::from_str(&self.ask(question, about)).unwrap()
    }

    fn hold(&mut self, bundle: &Value) -> Value {
        assert!(self.ask(&json!({"ask": "let-go"}), &[]).starts_with("{\"let-go\""));
        let question = json!({"ask": "open", "chain_id": bundle["chain_id"], "now_ms": NOW_MS});
        serde_json::from_str(&self.ask(&question, &bytes(bundle, "bundle"))).unwrap()
    }
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../spec/vectors/certificates.json")).unwrap()
}

fn bytes(value: &Value, name: &str) -> Vec<u8> {
    hex::decode(value[name].as_str().unwrap()).unwrap()
}

fn policy(vector: &Value) -> Value {
    json!({
        "own_region": vector["own_region"],
        "max_age_ms": vector["max_age_ms"],
        "purpose": vector["purpose"],
        "recorded_required": vector["recorded_required"].as_bool().unwrap_or(true),
        "asked": vector["asked"],
    })
}

fn presented(vector: &Value) -> &'static str {
    let members = ["certificate", "credential", "with_status"];
    let found = members.into_iter().find(|member| vector[*member].is_string());
    found.unwrap()
}

/// What a person would present: the text of the code that carries these bytes.
fn code(vector: &Value) -> String {
    let prefix = match presented(vector) {
        "certificate" => "CC1:",
        "credential" => "CC0:",
        _ => "CC3:",
    };
    format!("{prefix}{}", base45::encode(bytes(vector, presented(vector))))
}

#[test]
#[ignore = "needs the page: client/web/build"]
fn native_and_webassembly_give_the_bytes_of_every_report_in_the_vectors() {
    let (vectors, mut both) = (vectors(), Both::new());
    let all = vectors["vectors"].as_array().unwrap();
    let mut reports = 0;
    for (name, bundle) in vectors["bundles"].as_object().unwrap() {
        assert!(both.hold(bundle)["bundle"].is_object(), "bundle {name} holds");
        for vector in all.iter().filter(|vector| vector["bundle"] == *name) {
            let question = json!({"ask": "verify", "policy": policy(vector), "now_ms": vector["now"], "text": true});
            let answer = both.ask(&question, code(vector).as_bytes());
            let report = vector["report"].as_str().unwrap();
            let exact = answer.starts_with(&format!("{{\"verified\":{{\"report\":{report},\"words\":"));
            // A code cannot carry nothing: that it holds nothing is said before anything is decoded.
            let nothing = bytes(vector, presented(vector)).is_empty();
            assert!(exact || nothing, "{}: {answer}", vector["name"]);
            reports += 1;
        }
    }
    assert_eq!(reports, all.len(), "each vector once");
    println!("{reports} reports, byte for byte the same");
}

#[test]
#[ignore = "needs the page: client/web/build"]
fn native_and_webassembly_refuse_the_same_bundles_in_the_same_words() {
    let (vectors, mut both) = (vectors(), Both::new());
    for bundle in vectors["refused_bundles"].as_array().unwrap() {
        let answer = both.hold(bundle);
        let accepted = bundle["result"] == "accept";
        assert_eq!(answer["bundle"].is_object(), accepted, "{}: {answer}", bundle["name"]);
        assert_eq!(answer["refused"].is_object(), !accepted, "{}: {answer}", bundle["name"]);
    }
}

#[test]
#[ignore = "needs the page: client/web/build"]
fn native_and_webassembly_take_the_same_bundles_in_the_place_of_what_is_held() {
    let vectors: Value = serde_json::from_str(include_str!("../../../spec/vectors/bundles.json")).unwrap();
    let mut both = Both::new();
    let mut updates = 0;
    for update in vectors["updates"].as_array().unwrap() {
        // The page never goes back to a lower height.
        if update["go_back"] == true {
            continue;
        }
        both.told(&json!({"ask": "let-go"}), &[]);
        let held = update["held"].as_str();
        if let Some(held) = held {
            let open = json!({"ask": "open", "chain_id": vectors["chain_id"], "now_ms": update["now"]});
            assert!(
                both.told(&open, &bytes(&vectors["files"], held))["bundle"].is_object(),
                "{held}"
            );
        }
        let mut question = json!({"ask": "update", "checkpoint": update["checkpoint"], "now_ms": update["now"]});
        if held.is_none() {
            question["ask"] = json!("start");
            question["chain_id"] = vectors["chain_id"].clone();
        }
        let before = both.kept();
        let answer = both.told(&question, &bytes(&vectors["files"], update["file"].as_str().unwrap()));
        let taken = vectors["files"][update["result"].as_str().unwrap()].is_string();
        assert_eq!(answer["bundle"].is_object(), taken, "{}: {answer}", update["name"]);
        assert!(
            taken || both.kept() == before,
            "{}: what was held is held",
            update["name"]
        );
        updates += 1;
    }
    println!("{updates} updates, byte for byte the same");
}

#[test]
#[ignore = "needs the page: client/web/build"]
fn native_and_webassembly_read_the_same_from_a_picture() {
    let (vectors, mut both) = (vectors(), Both::new());
    let vector = &vectors["vectors"][0];
    both.hold(&vectors["bundles"][vector["bundle"].as_str().unwrap()]);
    let picture = Code::draw(&code(vector))
        .unwrap()
        .png(PixelsPerModule::default())
        .unwrap();
    let question = json!({"ask": "verify", "policy": policy(vector), "now_ms": vector["now"]});
    let answer: Value = serde_json::from_str(&both.ask(&question, &picture)).unwrap();
    assert_eq!(answer["verified"]["report"]["verdict"], "VALID", "{answer}");
    let cut = &picture[..picture.len() / 2];
    let answer: Value = serde_json::from_str(&both.ask(&question, cut)).unwrap();
    assert_eq!(answer["verified"]["report"]["verdict"], "UNREADABLE", "{answer}");
}
