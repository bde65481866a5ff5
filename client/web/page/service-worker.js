// Keeps the page on the device, all files of one version together. Bundles are not its business: the page keeps them itself.

// Both are filled in by client/web/build.
const VERSION = "";
const FILES = [];

const PREFIX = "concord-verify-";
const CACHE = PREFIX + VERSION;
const place = (file) => new URL(file, self.registration.scope).href;

async function fetched(file, digest) {
  const response = await fetch(place(file), { cache: "no-store" });
  if (!response.ok) throw new Error(`${file}: ${response.status}`);
  const found = await crypto.subtle.digest("SHA-256", await response.clone().arrayBuffer());
  const hex = Array.from(new Uint8Array(found), (byte) => byte.toString(16).padStart(2, "0")).join("");
  // A server that changes to another version meanwhile must not leave a page of two.
  if (hex !== digest) throw new Error(`${file} is of another version`);
  return response;
}

self.addEventListener("install", (event) => {
  const install = async () => {
    const responses = await Promise.all(FILES.map(([file, digest]) => fetched(file, digest)));
    const cache = await caches.open(CACHE);
    await Promise.all(responses.map((response, index) => cache.put(place(FILES[index][0]), response)));
  };
  event.waitUntil(install());
});

self.addEventListener("activate", (event) => {
  const activate = async () => {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(activate());
});

self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(self.registration.scope)) return;
  const url = request.mode === "navigate" ? place("index.html") : request.url;
  const answer = async () => {
    const cache = await caches.open(CACHE);
    return (await cache.match(url, { ignoreSearch: true })) ?? fetch(request);
  };
  event.respondWith(answer());
});
