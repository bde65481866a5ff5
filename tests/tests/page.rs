//! The verifier page in a real browser: first visit, nodes stopped, reload, and every verdict in both languages (issue: offline
//! for months, claim 7).
//!
//! It needs Chromium and the page: `apt-get install chromium`, `client/web/build`, and then
//! `cargo test --release --workspace --test page -- --ignored`. The pictures are written to `CONCORD_TEST_PICTURES`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use concord_code::render::{Code, PixelsPerModule};
use concord_code::scan;
use concord_spec::bundle::{BundleError, Checkpoint, TrustBundle, TrustedState};
use concord_spec::certificate::{Certificate, credential_code_text};
use concord_spec::content::Relation;
use concord_spec::id::{Height, Number, UnixMillis};
use concord_spec::presentation::Nonce;
use concord_spec::record::{Action, NumberRange, SetStatus, StatusChange, Successor};
use concord_spec::status::{Reason, StatusKind};
use concord_spec::verify::{AskedOfHolder, DEFAULT_PRESENTED_MS, Language, Policy, SealsSeen, Verdict};
use concord_tests::browser::Browser;
use concord_tests::certify::{certificate, certify, sign_dated};
use concord_tests::governance::bundle;
use concord_tests::office::{now_ms, record};
use concord_tests::programs::programs;
use concord_tests::wait::{Seen, until};
use concord_tests::{Book, Cluster, HarnessError, Office, Options, Result, Submitted, claim};
use serde_json::json;

const WITHIN: Duration = Duration::from_secs(60);

/// Where `client/web/build` puts the page: beside the programs.
fn page() -> Result<PathBuf> {
    let named = std::env::var_os("CONCORD_PAGE").map(PathBuf::from);
    let dir = match named {
        Some(dir) => dir,
        None => programs()?.concordd.with_file_name("verify"),
    };
    claim(dir.join("index.html").exists(), || {
        format!("the page is in {}: run client/web/build", dir.display())
    })?;
    Ok(dir)
}

/// Where the pictures go: `CONCORD_TEST_PICTURES`, or a directory of the build.
fn pictures() -> Result<PathBuf> {
    let named = std::env::var_os("CONCORD_TEST_PICTURES").map(PathBuf::from);
    let dir = named.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("page"));
    fs::create_dir_all(&dir).map_err(HarnessError::file(&dir))?;
    Ok(dir)
}

/// What a person has in hand: a file, or the text of a code, and what it is worth.
struct Shown {
    name: &'static str,
    what: Vec<u8>,
    verdict: Verdict,
    /// It is typed in, not chosen as a file.
    typed: bool,
}

impl Shown {
    fn file(name: &'static str, what: Vec<u8>, verdict: Verdict) -> Self {
        Self {
            name,
            what,
            verdict,
            typed: false,
        }
    }
}

/// A federation with an office, and a directory for what is shown.
struct Scene {
    cluster: Cluster,
    office: Office,
    book: Book,
    dir: PathBuf,
}

impl Scene {
    fn start() -> Result<Self> {
        let options = Options {
            environment: vec![("CONCORD_PAGE".to_owned(), page()?.display().to_string())],
            ..Options::default()
        };
        let cluster = Cluster::start(options)?;
        let mut office = Office::register(&cluster, 0, 1, 1)?;
        let book = office.open_series(cluster.api(0)?, "page")?;
        let dir = cluster.dir().join("shown");
        fs::create_dir_all(&dir).map_err(HarnessError::file(&dir))?;
        Ok(Self {
            cluster,
            office,
            book,
            dir,
        })
    }

    fn certify(&mut self) -> Result<Certificate> {
        certify(self.cluster.api(0)?, self.cluster.charter(), &mut self.book)
    }

    fn dated(&mut self, from: &str, until: Option<&str>) -> Result<Certificate> {
        let signed = sign_dated(self.cluster.charter(), &mut self.book, from, until)?;
        let api = self.cluster.api(0)?;
        let submitted = api.submit(signed.record.bytes())?;
        claim(matches!(submitted, Submitted::Accepted(_)), || format!("{submitted:?}"))?;
        certificate(api, signed)
    }

    /// A certificate whose status is then set.
    fn set(&mut self, kind: StatusKind) -> Result<Certificate> {
        let certificate = self.certify()?;
        let id = certificate.credential.credential().id;
        let successor = match kind {
            StatusKind::Superseded => Some(Successor {
                first: self.certify()?.credential.credential().id,
                relation: Relation::Renews,
            }),
            StatusKind::Revoked | StatusKind::Annulled | StatusKind::Suspended | StatusKind::Annotated => None,
        };
        let change = SetStatus {
            series: id.series,
            ranges: vec![NumberRange {
                first: Number(id.number.0),
                count: 1,
            }],
            change: StatusChange::Set(kind),
            reason: Reason::Unspecified,
            effective: None,
            detail: None,
            successor,
        };
        let change = self.office.pen().record(Action::SetStatus(change));
        record(self.cluster.api(0)?, &change)?;
        Ok(certificate)
    }

    /// What the bundle of the first visit knows.
    fn known(&mut self) -> Result<Vec<Shown>> {
        let valid = self.certify()?;
        let bytes = valid.to_bytes();
        let code = Code::draw(&valid.code_text()).map_err(|why| HarnessError::bytes("a code", why))?;
        let code = code.png(PixelsPerModule::default());
        let code = code.map_err(|why| HarnessError::bytes("a picture", why))?;
        let mut altered = bytes.clone();
        // A letter of the holder's name: the signature no longer holds.
        let name = bytes.windows(6).position(|window| window == "李明".as_bytes());
        if let Some(byte) = name.and_then(|at| altered.get_mut(at.saturating_add(2))) {
            *byte ^= 1;
        }
        let small = credential_code_text(&valid.credential).into_bytes();
        Ok(vec![
            Shown::file("valid.concord", bytes, Verdict::Valid),
            Shown::file("code.png", code, Verdict::Valid),
            Shown {
                typed: true,
                ..Shown::file("small code", small, Verdict::NotShownRecorded)
            },
            Shown::file(
                "expired.concord",
                self.dated("2026-01-01", Some("2026-02-01"))?.to_bytes(),
                Verdict::Expired,
            ),
            Shown::file(
                "not-yet.concord",
                self.dated("2999-01-01", None)?.to_bytes(),
                Verdict::NotYetValid,
            ),
            Shown::file(
                "suspended.concord",
                self.set(StatusKind::Suspended)?.to_bytes(),
                Verdict::Suspended,
            ),
            Shown::file(
                "superseded.concord",
                self.set(StatusKind::Superseded)?.to_bytes(),
                Verdict::Superseded,
            ),
            Shown::file(
                "revoked.concord",
                self.set(StatusKind::Revoked)?.to_bytes(),
                Verdict::Revoked,
            ),
            Shown::file(
                "annulled.concord",
                self.set(StatusKind::Annulled)?.to_bytes(),
                Verdict::Annulled,
            ),
            Shown::file("altered.concord", altered, Verdict::NotGenuine),
            Shown::file(
                "advertisement.txt",
                b"HTTPS://EXAMPLE.ORG/".to_vec(),
                Verdict::Unreadable,
            ),
            Shown {
                typed: true,
                ..Shown::file("later code", b"CC2:BB8".to_vec(), Verdict::NeedsNewerSoftware)
            },
        ])
    }

    /// What came after the first visit.
    fn newer(&mut self) -> Result<Vec<Shown>> {
        let newer = self.certify()?.to_bytes();
        self.book = self.office.open_series(self.cluster.api(0)?, "opened later")?;
        let unknown = self.certify()?.to_bytes();
        Ok(vec![
            Shown::file("newer.concord", newer, Verdict::ValidOnDataFrom),
            Shown::file("new-series.concord", unknown, Verdict::Unknown),
        ])
    }
}

/// Presents it and waits for its report.
fn present(browser: &mut Browser, dir: &Path, shown: &Shown) -> Result {
    browser.value("document.querySelector('#reports').replaceChildren()")?;
    if shown.typed {
        let text = String::from_utf8_lossy(&shown.what);
        browser.value(&format!("document.querySelector('#code').value = {}", json!(text)))?;
        browser.click("#code-form button")?;
    } else {
        let file = dir.join(shown.name);
        fs::write(&file, &shown.what).map_err(HarnessError::file(&file))?;
        browser.choose("#files", &file)?;
    }
    browser.await_true("document.querySelector('#reports .verdict')")
}

/// In both languages the page shows what the program says of the same by the same data, and writes a picture of it.
fn both_languages(
    browser: &mut Browser,
    shown: &Shown,
    state: &TrustedState,
    policy: &Policy,
    pictures: &Path,
) -> Result {
    let scanned = if shown.typed {
        scan::scan_text(&String::from_utf8_lossy(&shown.what))
    } else {
        scan::scan_bytes(&shown.what)
    };
    let report = scan::report(&scanned, state, policy, UnixMillis(now_ms()), &mut SealsSeen::new());
    claim(report.verdict == shown.verdict, || {
        format!("{} is {}: {report:?}", shown.name, shown.verdict.word())
    })?;
    for language in Language::ALL {
        let tag = language.tag();
        browser.click(&format!("[data-language={tag}]"))?;
        browser.await_true(&format!("document.documentElement.lang.startsWith('{tag}')"))?;
        let words = report.words(language);
        let text = browser.text("#reports")?;
        let checks = words
            .checks
            .iter()
            .flat_map(|check| [&check.name, &check.word, &check.text]);
        let lines = words.subject.iter().flat_map(|line| [&line.name, &line.value]);
        for said in [&words.verdict, &words.meaning].into_iter().chain(checks).chain(lines) {
            claim(text.contains(said.as_str()), || {
                format!("{said:?} is in the report on {}:\n{text}", shown.name)
            })?;
        }
        let colour = browser.value("document.querySelector('#reports article').className")?;
        let expected = json!(report.colour);
        claim(
            colour == format!("report {}", expected.as_str().unwrap_or_default()),
            || format!("{expected} is shown as {colour}"),
        )?;
        let name = shown.verdict.word().to_lowercase().replace(' ', "-");
        browser.picture(&pictures.join(format!("{name}-{tag}.png")))?;
    }
    Ok(())
}

fn held_height(browser: &mut Browser) -> Result<String> {
    browser.text("#data-told")
}

/// A person looks at the words of the charter's fingerprint, trusts them, and the page says when it is ready to be without the network.
fn first_visit(scene: &Scene, pictures: &Path) -> Result<Browser> {
    let mut browser = Browser::start()?;
    let url = format!("{}/verify/", scene.cluster.api(0)?.base());
    browser.open(&url)?;
    browser.await_true("!document.querySelector('#trust').hidden")?;
    let words = scene.cluster.charter().fingerprint().to_string();
    let listed = browser.text("#trust-words")?;
    claim(listed.split_whitespace().collect::<Vec<_>>().join(" ") == words, || {
        format!("the words of the charter's fingerprint are shown: {words}; seen: {listed}")
    })?;
    let nothing_yet = browser.value("document.querySelector('#present').hidden")?;
    claim(nothing_yet == true, || {
        "nothing is verified before a person trusts the federation".to_owned()
    })?;
    for language in ["zh", "en"] {
        browser.click(&format!("[data-language={language}]"))?;
        browser.picture(&pictures.join(format!("first-visit-{language}.png")))?;
    }
    browser.click("#trust-yes")?;
    browser.await_true("!document.querySelector('#present').hidden")?;
    browser.await_true("document.querySelector('#offline').dataset.state === 'offlineReady'")?;
    browser.picture(&pictures.join("ready-en.png"))?;
    let complaints = browser.complaints();
    claim(complaints.is_empty(), || {
        format!("the page logs no error: {complaints:?}")
    })?;
    Ok(browser)
}

#[test]
#[ignore = "needs Chromium and the page: client/web/build"]
fn after_one_visit_the_page_reaches_every_verdict_in_both_languages_with_all_nodes_stopped() -> Result {
    let pictures = pictures()?;
    let mut scene = Scene::start()?;
    let early = scene.cluster.api(0)?.get("/v1/bundle")?.body;
    let mut shown = scene.known()?;
    let height = scene.cluster.height()?;
    scene.cluster.await_height(height, WITHIN)?;
    bundle(&scene.cluster, 0, Height(height))?;

    let mut browser = first_visit(&scene, &pictures)?;
    let state = bundle(&scene.cluster, 0, Height(height))?;
    let held = scene.cluster.api(0)?.get("/v1/bundle")?.body;
    shown.extend(scene.newer()?);
    let newest = continued(&scene.cluster, &held)?;
    for index in 0..scene.cluster.nodes().len() {
        scene.cluster.node_mut(index)?.terminate()?;
    }
    browser.reload()?;
    browser.await_true("!document.querySelector('#present').hidden")?;
    let unreachable = browser.value("fetch('../v1/status').then(() => false, () => true)")?;
    claim(unreachable == true, || "no node can be reached".to_owned())?;

    for one in &shown {
        present(&mut browser, &scene.dir, one)?;
        both_languages(&mut browser, one, &state, &Policy::default(), &pictures)?;
    }
    let foreign = scene.cluster.node(1)?.region().clone();
    let abroad = Shown::file(
        "valid.concord",
        shown.first().map(|one| one.what.clone()).unwrap_or_default(),
        Verdict::NotRecognised,
    );
    let choose = format!(
        "{{ const region = document.querySelector('#region'); region.value = '{foreign}'; region.dispatchEvent(new Event('change')); }}"
    );
    browser.value(&choose)?;
    present(&mut browser, &scene.dir, &abroad)?;
    let policy = Policy {
        own_region: Some(foreign),
        ..Policy::default()
    };
    both_languages(&mut browser, &abroad, &state, &policy, &pictures)?;
    let unproved = without_its_holder(&mut browser, &scene, &shown, &state, &pictures)?;
    let reached = shown.iter().map(|one| one.verdict).chain([abroad.verdict, unproved]);
    let reached: Vec<Verdict> = reached.collect();
    for verdict in Verdict::ALL {
        claim(reached.contains(&verdict), || format!("{} is reached", verdict.word()))?;
    }

    refused_bundles(&mut browser, &scene, &early, &newest)?;
    browser.size(390, 844)?;
    browser.value("document.querySelector('#region').value = ''; document.querySelector('#region').dispatchEvent(new Event('change'))")?;
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.call("Emulation.setEmulatedMedia", &dark)?;
    if let Some(valid) = shown.first() {
        present(&mut browser, &scene.dir, valid)?;
    }
    browser.picture(&pictures.join("narrow-and-dark.png"))?;
    println!("pictures are in {}", pictures.display());
    scene.cluster.finish()
}

/// A verifier who asks the holder to sign is not shown green by a certificate alone; each tick draws another nonce.
fn without_its_holder(
    browser: &mut Browser,
    scene: &Scene,
    shown: &[Shown],
    state: &TrustedState,
    pictures: &Path,
) -> Result<Verdict> {
    let valid = shown.first().map(|one| one.what.clone()).unwrap_or_default();
    let asked = Shown::file("valid.concord", valid, Verdict::HolderNotShown);
    let tick = |ticked: bool| {
        format!(
            "{{ for (const [id, property, value] of [['region', 'value', ''], ['ask-holder', 'checked', {ticked}]]) {{ \
             const field = document.getElementById(id); field[property] = value; field.dispatchEvent(new Event('change')); }} }}"
        )
    };
    let drawn = |browser: &mut Browser| -> Result<String> {
        browser.value(&tick(true))?;
        let nonce = browser.value("document.querySelector('#nonce').value")?;
        Ok(nonce.as_str().unwrap_or_default().to_owned())
    };
    let (first, nonce) = (drawn(browser)?, drawn(browser)?);
    claim(first != nonce && nonce.len() == 32, || {
        format!("{first} and {nonce} are two nonces")
    })?;
    present(browser, &scene.dir, &asked)?;
    let nonce = nonce
        .parse::<Nonce>()
        .map_err(|why| HarnessError::bytes("a nonce", why))?;
    let policy = Policy {
        asked: Some(AskedOfHolder {
            nonce,
            audience: None,
            max_age_ms: DEFAULT_PRESENTED_MS,
        }),
        ..Policy::default()
    };
    both_languages(browser, &asked, state, &policy, pictures)?;
    browser.value(&tick(false))?;
    Ok(asked.verdict)
}

/// The newest bundle, which shows that it continues the one that is held: what a file for this device must do.
fn continued(cluster: &Cluster, held: &[u8]) -> Result<Vec<u8>> {
    let unreadable = |why: BundleError| HarnessError::bytes("a bundle", why);
    let held = TrustBundle::from_bytes(held).map_err(unreadable)?.header;
    let at = Checkpoint {
        height: held.height,
        hash: held.hash(),
    };
    until(
        "the node serves a bundle that is newer than the one held",
        WITHIN,
        || {
            let newest = cluster.api(0)?.get(&format!("/v1/bundle?extends={at}"))?.body;
            let height = TrustBundle::from_bytes(&newest).map_err(unreadable)?.header.height;
            Ok(if height > held.height {
                Seen::Yes(newest)
            } else {
                Seen::NotYet(format!("height {height}"))
            })
        },
    )
}

/// What is older, damaged or of nobody is refused with the old bundle in use; a newer one from a file takes its place.
fn refused_bundles(browser: &mut Browser, scene: &Scene, early: &[u8], newest: &[u8]) -> Result {
    let held = held_height(browser)?;
    let mut flipped = newest.to_vec();
    let middle = flipped.len() / 2;
    if let Some(byte) = flipped.get_mut(middle) {
        *byte ^= 1;
    }
    let cut = newest.get(..middle).unwrap_or_default().to_vec();
    for (name, bytes) in [
        ("early.bundle", early.to_vec()),
        ("flipped.bundle", flipped),
        ("cut.bundle", cut),
    ] {
        browser.value("document.querySelector('#notice').hidden = true")?;
        let file = scene.dir.join(name);
        fs::write(&file, &bytes).map_err(HarnessError::file(&file))?;
        browser.choose("#bundle", &file)?;
        browser.await_true("!document.querySelector('#notice').hidden")?;
        let now = held_height(browser)?;
        let height = |told: &str| told.split(',').next().map(str::to_owned);
        claim(height(&now) == height(&held), || {
            format!("{name} is refused: {held} became {now}")
        })?;
    }
    let file = scene.dir.join("newest.bundle");
    fs::write(&file, newest).map_err(HarnessError::file(&file))?;
    browser.choose("#bundle", &file)?;
    let state = TrustBundle::open(newest, &scene.cluster.charter().chain_id());
    let state = state.map_err(|why| HarnessError::bytes("a bundle", why))?;
    let height = state.height();
    browser.await_true(&format!(
        "document.querySelector('#data-told').textContent.includes('height {height},')"
    ))?;
    browser.reload()?;
    browser.await_true(&format!(
        "document.querySelector('#data-told').textContent.includes('height {height},')"
    ))
}
