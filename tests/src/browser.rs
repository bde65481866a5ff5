//! A real browser, driven over the DevTools protocol: Chromium without a window, on two pipes (`--remote-debugging-pipe`), so
//! that no port is open and nothing else can drive it.

#![expect(clippy::indexing_slicing, reason = "a member that a JSON value lacks is null")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::{HarnessError, Result};

/// Names another program than `chromium`.
const PROGRAM: &str = "CONCORD_TEST_BROWSER";
/// How long anything in the browser may take.
const WITHIN: Duration = Duration::from_secs(60);

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    to: Option<ChildStdin>,
    from: Receiver<Value>,
    last: u64,
    session: Option<String>,
    /// What the page logged as an error, and what it threw.
    complaints: Vec<String>,
    loaded: u64,
    /// Cookies, caches, databases: removed with the browser.
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts the browser with a new profile and an empty page.
    ///
    /// # Errors
    /// It cannot be started or does not answer.
    pub fn start() -> Result<Self> {
        let profile = tempfile::tempdir().map_err(HarnessError::file("/tmp"))?;
        let program = std::env::var_os(PROGRAM).unwrap_or_else(|| "chromium".into());
        let mut command = Command::new("sh");
        // It reads commands from descriptor 3 and writes to descriptor 4.
        command
            .arg("-c")
            .arg("exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null");
        command.arg(&program).args([
            "--headless=new",
            "--remote-debugging-pipe",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-gpu",
            "--hide-scrollbars",
            "--lang=zh-CN",
            // The tests' machines run as root, where its sandbox does not; it is shown nothing but the tests' own page.
            "--no-sandbox",
        ]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().map_err(HarnessError::file(&program))?;
        let (to, output) = (child.stdin.take(), child.stdout.take());
        let output = output.ok_or_else(|| HarnessError::bytes("the browser", "it has no output"))?;
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let messages = BufReader::new(output).split(0).map_while(std::result::Result::ok);
            for message in messages {
                let sent = serde_json::from_slice(&message).map(|message| sender.send(message));
                if !matches!(sent, Ok(Ok(()))) {
                    break;
                }
            }
        });
        let mut browser = Self {
            child,
            to,
            from,
            last: 0,
            session: None,
            complaints: Vec::new(),
            loaded: 0,
            _profile: profile,
        };
        browser.attach()?;
        Ok(browser)
    }

    fn attach(&mut self) -> Result {
        let target = self.call("Target.createTarget", &json!({"url": "about:blank"}))?;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.call("Target.attachToTarget", &attach)?;
        self.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "DOM", "Network"] {
            self.call(&format!("{domain}.enable"), &json!({}))?;
        }
        self.size(800, 900)
    }

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    /// It refuses, or does not answer in time.
    pub fn call(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.last = self.last.saturating_add(1);
        let id = self.last;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let (Some(session), Value::Object(fields)) = (&self.session, &mut message) {
            fields.insert("sessionId".to_owned(), json!(session));
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let to = self
            .to
            .as_mut()
            .ok_or_else(|| HarnessError::bytes("the browser", "it has no input"))?;
        to.write_all(&bytes).map_err(HarnessError::file("chromium"))?;
        let answer = self.until(method, |browser, message| {
            browser.note(message);
            message["id"] == id
        })?;
        match answer.get("error") {
            Some(error) => Err(HarnessError::bytes(method, error)),
            None => Ok(answer["result"].clone()),
        }
    }

    fn until(&mut self, what: &str, mut wanted: impl FnMut(&mut Self, &Value) -> bool) -> Result<Value> {
        let began = Instant::now();
        loop {
            match self.from.recv_timeout(WITHIN.saturating_sub(began.elapsed())) {
                Ok(message) if wanted(self, &message) => return Ok(message),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    return Err(HarnessError::Late {
                        what: format!("the browser answers {what}"),
                        seconds: WITHIN.as_secs(),
                        last: self.complaints.join("; "),
                    });
                }
                Err(RecvTimeoutError::Disconnected) => return Err(HarnessError::bytes("the browser", "it ended")),
            }
        }
    }

    fn note(&mut self, message: &Value) {
        let params = &message["params"];
        match message["method"].as_str() {
            Some("Page.loadEventFired") => self.loaded = self.loaded.saturating_add(1),
            Some("Runtime.exceptionThrown") => self.complaints.push(params["exceptionDetails"].to_string()),
            Some("Runtime.consoleAPICalled") if params["type"] == "error" => {
                self.complaints.push(params["args"].to_string());
            }
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                let entry = &params["entry"];
                let text = entry["text"].as_str().unwrap_or_default();
                self.complaints
                    .push(format!("{text} ({})", entry["url"].as_str().unwrap_or_default()));
            }
            _ => {}
        }
    }

    /// Opens an address and waits until it is loaded.
    ///
    /// # Errors
    /// It cannot be loaded.
    pub fn open(&mut self, url: &str) -> Result {
        self.load("Page.navigate", &json!({"url": url}))
    }

    /// Loads the page again.
    ///
    /// # Errors
    /// It cannot be loaded.
    pub fn reload(&mut self) -> Result {
        self.load("Page.reload", &json!({}))
    }

    fn load(&mut self, method: &str, params: &Value) -> Result {
        let before = self.loaded;
        let answer = self.call(method, params)?;
        if let Some(why) = answer["errorText"].as_str() {
            return Err(HarnessError::bytes(params.to_string(), why));
        }
        if self.loaded == before {
            self.until("that the page is loaded", |browser, message| {
                browser.note(message);
                browser.loaded > before
            })?;
        }
        Ok(())
    }

    /// The value of an expression in the page, once it has one if it is a promise.
    ///
    /// # Errors
    /// It throws.
    pub fn value(&mut self, expression: &str) -> Result<Value> {
        let params =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let answer = self.call("Runtime.evaluate", &params)?;
        match answer.get("exceptionDetails") {
            Some(thrown) => Err(HarnessError::bytes(expression, thrown)),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// Waits until an expression is true of the page, looking whenever the page changes.
    ///
    /// # Errors
    /// It never is.
    pub fn await_true(&mut self, expression: &str) -> Result {
        let promise = format!(
            "new Promise((resolve) => {{
                const look = () => {{
                    if (!({expression})) return;
                    observer.disconnect();
                    resolve(true);
                }};
                const observer = new MutationObserver(look);
                observer.observe(document, {{ subtree: true, childList: true, attributes: true, characterData: true }});
                look();
            }})"
        );
        self.value(&promise)
            .map(drop)
            .map_err(|why| HarnessError::bytes(format!("until {expression}"), why))
    }

    /// The text of an element as it is shown.
    ///
    /// # Errors
    /// There is none.
    pub fn text(&mut self, selector: &str) -> Result<String> {
        let value = self.value(&format!("document.querySelector({}).innerText", json!(selector)))?;
        value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| HarnessError::bytes(selector, value))
    }

    /// Clicks on an element.
    ///
    /// # Errors
    /// There is none.
    pub fn click(&mut self, selector: &str) -> Result {
        self.value(&format!("document.querySelector({}).click()", json!(selector)))
            .map(drop)
    }

    /// Chooses a file in a file input, as a person does in its dialogue.
    ///
    /// # Errors
    /// There is no such input.
    pub fn choose(&mut self, selector: &str, file: &Path) -> Result {
        let document = self.call("DOM.getDocument", &json!({}))?;
        let node = json!({"nodeId": document["root"]["nodeId"], "selector": selector});
        let node = self.call("DOM.querySelector", &node)?;
        let files = json!({"files": [file], "nodeId": node["nodeId"]});
        self.call("DOM.setFileInputFiles", &files).map(drop)
    }

    /// Gives the page a size, in CSS pixels.
    ///
    /// # Errors
    /// The browser refuses.
    pub fn size(&mut self, width: u32, height: u32) -> Result {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &metrics).map(drop)
    }

    /// Writes a picture of the whole page, as PNG.
    ///
    /// # Errors
    /// The browser refuses, or the disk.
    pub fn picture(&mut self, file: &Path) -> Result {
        let metrics = self.call("Page.getLayoutMetrics", &json!({}))?;
        let size = &metrics["cssContentSize"];
        let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1});
        let params = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let picture = self.call("Page.captureScreenshot", &params)?;
        let bytes = STANDARD.decode(picture["data"].as_str().unwrap_or_default());
        let bytes = bytes.map_err(|why| HarnessError::bytes("a picture", why))?;
        std::fs::write(file, bytes).map_err(HarnessError::file(file))
    }

    /// What the page logged as errors and threw since this was asked last.
    pub fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // At the end of its input it ends by itself; what then still runs is killed with it.
        drop(self.to.take());
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(5) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
