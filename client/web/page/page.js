// The page: whose data, what is presented, what the engine says. No rule of verifying is here.

import * as engine from "./engine.js";
import * as keeping from "./keeping.js";
import { article } from "./report.js";
import { preferred, put, text } from "./texts.js";

// What the engine reads at most, and most reports that are shown at once.
const MAX_BUNDLE_BYTES = 512 * 1024 * 1024;
const MAX_FILE_BYTES = 16 * 1024 * 1024;
const MAX_REPORTS = 50;
const MS_PER_DAY = 86_400_000;
// How long ago a holder may have signed.
const MAX_PRESENTED_MS = 300_000;
const NODE_BUNDLE = "../v1/bundle";

const byId = (id) => document.getElementById(id);

let language = preferred();
/** What the engine holds, as it tells it. */
let data;
/** Who is trusted, and the bundle that is kept: an entry of `keeping`. */
let trusted;
/** A bundle that a person has not confirmed yet. */
let offered;
/** What was presented, newest first: `{ name, bytes, isText, verified }`. */
let presented = [];

const say = (key) => text(key, language);

function notice(words) {
  byId("notice").replaceChildren(words ?? "");
  byId("notice").hidden = !words;
}

// --- Whose data ---------------------------------------------------------------------------------------------------------

function showData() {
  byId("data-told").textContent = data ? data.told[language] : say(trusted ? "dataLoading" : "dataNone");
  byId("data").classList.toggle("old", Boolean(data) && data.age_ms > policy().max_age_ms);
  byId("data-clock").hidden = !data?.clock;
  byId("data-clock").textContent = data?.clock?.[language] ?? "";
  byId("data-words").hidden = !data;
  byId("data-fingerprint").textContent = data?.fingerprint.join(" ") ?? "";
  byId("forget").hidden = !trusted;
  byId("present").hidden = !data;
  byId("policy").hidden = !data;
  byId("trust").hidden = !offered;
  byId("data").hidden = Boolean(offered);
  showRegions();
}

function showRegions() {
  const options = (data?.regions ?? []).map(({ region, labels }) => {
    const label = labels.find((one) => one.language === language) ?? labels[0];
    return new Option(label ? `${label.text} (${region})` : region, region);
  });
  byId("region").replaceChildren(new Option(say("noRegion"), ""), ...options);
  byId("region").value = localStorage.getItem("region") ?? "";
  if (byId("region").selectedIndex < 0) byId("region").value = "";
}

/** A bundle from anywhere: taken if it continues what is held, shown for confirmation where nobody is trusted yet. */
async function offer(bundle) {
  if (trusted) return settle(await engine.update(bundle, null));
  const answer = await engine.look(bundle);
  if (answer.refused) return notice(answer.refused.words[language]);
  offered = { bundle, told: answer.bundle };
  byId("trust-chain").textContent = answer.bundle.chain;
  byId("trust-words").replaceChildren(
    ...answer.bundle.fingerprint.map((word) => Object.assign(document.createElement("li"), { textContent: word })),
  );
  byId("checkpoint-field").hidden = true;
  byId("checkpoint").value = "";
  notice();
  showData();
  byId("trust-title").focus();
  return undefined;
}

/** Keeps what the engine took, or says why it did not. */
async function settle(answer) {
  if (answer.refused) return notice(answer.refused.words[language]);
  data = answer.bundle;
  trusted = { chainId: data.chain_id, height: data.height, bundle: engine.toKeep() };
  await keeping.keep(trusted);
  notice();
  showData();
  return judgeAll();
}

async function confirmTrust() {
  const { bundle, told } = offered;
  const answer = await engine.start(bundle, told.chain_id, byId("checkpoint").value.trim() || null);
  if (answer.refused) {
    // The charter is too old to begin with: the person has to bring a block as well.
    if (answer.refused.reason === "checkpoint-needed") byId("checkpoint-field").hidden = false;
    return notice(answer.refused.words[language]);
  }
  offered = undefined;
  // Asks the browser not to clear the bundle away when space is scarce; it may say no.
  navigator.storage?.persist?.();
  await settle(answer);
  return byId("files").focus();
}

function declineTrust() {
  offered = undefined;
  notice(say("trustRefused"));
  showData();
}

async function forgetTrust() {
  if (!confirm(say("forgetSure"))) return;
  await keeping.forget();
  await engine.letGo();
  trusted = data = offered = undefined;
  presented = [];
  showReports();
  showData();
}

/** An answer of the node that served this page; nothing where there is none. */
async function asked(query) {
  try {
    const headers = data ? { "If-None-Match": `"${data.point.split(":")[1]}"` } : {};
    return await fetch(NODE_BUNDLE + query, { headers, cache: "no-store" });
  } catch {
    return undefined;
  }
}

/** The newest bundle of the node: what changed since the one held, or else the whole. `aloud`: a person waits for what comes of it. */
async function fetchNewer(aloud) {
  const point = data && encodeURIComponent(data.point);
  let response = await asked(data ? `?since=${point}` : "");
  if (data && response?.status === 404) response = await asked(`?extends=${point}`);
  // The node has the same block, or an earlier one, or a block that is not of the history held.
  if (response?.status === 304 || response?.status === 409) {
    const problem = response.status === 409 ? await response.json() : {};
    if (problem.code === "OTHER_HISTORY") notice(say("otherHistory"));
    else if (aloud) notice(say("noNewer"));
    return;
  }
  if (!response?.ok) {
    if (aloud || !data) notice(say(data ? "noNode" : "noNodeAtAll"));
    return;
  }
  if (Number(response.headers.get("Content-Length")) > MAX_BUNDLE_BYTES) {
    notice(say("tooLarge"));
    return;
  }
  await offer(new Uint8Array(await response.arrayBuffer()));
  if (aloud && byId("notice").hidden && !offered) notice(say("taken"));
}

async function openBundleFile(file) {
  if (file.size > MAX_BUNDLE_BYTES) return notice(say("tooLarge"));
  return offer(new Uint8Array(await file.arrayBuffer()));
}

// --- What is presented --------------------------------------------------------------------------------------------------

function policy() {
  return {
    own_region: byId("region").value || null,
    max_age_ms: Math.max(0, Math.trunc(Number(byId("age").value) || 0)) * MS_PER_DAY,
    purpose: byId("purpose").value.trim() || null,
    recorded_required: byId("recorded").checked,
    asked: askedOfHolder(),
  };
}

/** What the holder is to have signed: the nonce that is shown, within five minutes. */
function askedOfHolder() {
  const nonce = byId("nonce").value;
  return nonce ? { nonce, max_age_ms: MAX_PRESENTED_MS } : null;
}

/** A nonce is for one presentation: ticking draws a new one. */
function drawNonce() {
  const asks = byId("ask-holder").checked;
  const bytes = asks ? [...crypto.getRandomValues(new Uint8Array(16))] : [];
  byId("nonce").value = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  byId("nonce-field").hidden = !asks;
}

async function judge(item) {
  const answer = await engine.verify(item.bytes, item.isText, policy());
  if (answer.refused) notice(answer.refused.words[language]);
  else item.verified = answer.verified;
}

async function judgeAll() {
  for (const item of presented) await judge(item);
  showReports();
  await refreshAge();
}

/** Verifies what was presented now; it takes the place of what was presented before. */
async function present(items, mayFocus) {
  notice();
  presented = items;
  await judgeAll();
  const [first] = presented;
  if (!first?.verified) return;
  const told = first.verified.words[language];
  byId("announcement").textContent = `${told.verdict}。${told.meaning}`;
  const verdict = byId("reports").querySelector(".verdict");
  if (mayFocus) verdict?.focus({ preventScroll: true });
  byId("results").scrollIntoView({ block: "start" });
}

async function presentFiles(files) {
  const items = [];
  for (const file of Array.from(files).slice(0, MAX_REPORTS)) {
    // One byte past the bound is enough for the engine to say that it is too much.
    const bytes = new Uint8Array(await file.slice(0, MAX_FILE_BYTES + 1).arrayBuffer());
    items.push({ name: file.name, bytes, isText: false });
  }
  if (items.length > 0) await present(items, true);
}

async function presentCode(event) {
  event.preventDefault();
  const field = byId("code");
  const bytes = new TextEncoder().encode(field.value);
  await present([{ name: undefined, bytes, isText: true }], false);
  // Ready for the next scan.
  field.value = "";
  field.focus({ preventScroll: true });
}

function showReports() {
  const shown = presented.filter((item) => item.verified);
  byId("reports").replaceChildren(
    ...shown.map((item) => article(item.name ?? say("typedCode"), item.verified, language)),
  );
  byId("results").hidden = shown.length === 0;
}

// --- The page itself ----------------------------------------------------------------------------------------------------

async function speak(chosen) {
  language = chosen;
  put(language);
  document.title = `Concord 互认 · ${say("title")}`;
  showData();
  showReports();
  showOffline();
  notice();
}

let offline = "offlineLater";

function showOffline(state = offline) {
  offline = state;
  byId("offline").textContent = say(offline);
  byId("offline").dataset.state = offline;
}

function offerNewVersion(waiting) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = say("reload");
  button.addEventListener("click", () => waiting.postMessage("take over"));
  notice();
  byId("notice").append(say("newVersion"), " ", button);
  byId("notice").hidden = false;
}

async function keepPage() {
  if (!("serviceWorker" in navigator)) return showOffline("offlineNever");
  const controlled = Boolean(navigator.serviceWorker.controller);
  if (controlled) showOffline("offlineReady");
  navigator.serviceWorker.addEventListener("controllerchange", () => controlled && location.reload());
  try {
    const registration = await navigator.serviceWorker.register("service-worker.js", { updateViaCache: "none" });
    if (registration.waiting && controlled) offerNewVersion(registration.waiting);
    registration.addEventListener("updatefound", () => {
      const worker = registration.installing;
      worker.addEventListener("statechange", () => {
        if (worker.state === "installed" && controlled) offerNewVersion(worker);
        if (worker.state === "redundant" && !registration.active) showOffline("offlineFailed");
      });
    });
    await navigator.serviceWorker.ready;
  } catch (error) {
    console.error(error);
    // Without the network the registration cannot be renewed; the page that is kept goes on.
    if (!controlled) showOffline("offlineFailed");
    return undefined;
  }
  return showOffline("offlineReady");
}

function rememberPolicy() {
  localStorage.setItem("region", byId("region").value);
  localStorage.setItem("purpose", byId("purpose").value);
  localStorage.setItem("age", byId("age").value);
  localStorage.setItem("recorded", String(byId("recorded").checked));
  showData();
  return judgeAll();
}

function listen() {
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => {
      localStorage.setItem("language", button.dataset.language);
      speak(button.dataset.language);
    });
  }
  byId("trust-yes").addEventListener("click", confirmTrust);
  byId("trust-no").addEventListener("click", declineTrust);
  byId("forget").addEventListener("click", forgetTrust);
  byId("newer").addEventListener("click", () => fetchNewer(true));
  byId("code-form").addEventListener("submit", presentCode);
  for (const [id, open] of [["files", presentFiles], ["bundle", ([file]) => file && openBundleFile(file)]]) {
    byId(id).addEventListener("change", async ({ target }) => {
      const files = Array.from(target.files);
      // So that the same file can be chosen again.
      target.value = "";
      await open(files);
    });
  }
  const drop = byId("drop");
  addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  addEventListener("dragleave", () => drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const files = Array.from(event.dataTransfer.files);
    const bundle = files.find((file) => file.name.endsWith(".bundle"));
    if (bundle) openBundleFile(bundle);
    else if (data) presentFiles(files);
  });
  byId("ask-holder").addEventListener("change", drawNonce);
  for (const id of ["region", "purpose", "age", "recorded", "ask-holder"]) byId(id).addEventListener("change", rememberPolicy);
  // Ages grow while the page stands open.
  addEventListener("visibilitychange", refreshAge);
  setInterval(refreshAge, 60_000);
}

async function refreshAge() {
  if (document.hidden || !data) return;
  const answer = await engine.data();
  if (answer.bundle) data = answer.bundle;
  byId("data-told").textContent = data.told[language];
}

async function begin() {
  byId("purpose").value = localStorage.getItem("purpose") ?? "";
  byId("age").value = localStorage.getItem("age") ?? "30";
  byId("recorded").checked = localStorage.getItem("recorded") !== "false";
  await speak(language);
  listen();
  keepPage();
  trusted = await keeping.kept();
  if (trusted) {
    showData();
    const answer = await engine.open(trusted.bundle, trusted.chainId);
    if (answer.bundle) data = answer.bundle;
    else notice(answer.refused.words[language]);
    showData();
  }
  await fetchNewer(false);
}

begin().catch((error) => {
  console.error(error);
  notice(say("engineFailed"));
});
