// What stays on the device: one trust bundle, with the chain that a person trusts. Heights never go back.

const NAME = "concord";
const STORE = "trust";
const KEY = "bundle";

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function inTransaction(mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode, { durability: "strict" });
      let result;
      transaction.oncomplete = () => resolve(result);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
      work(transaction.objectStore(STORE), (value) => (result = value));
    });
  } finally {
    database.close();
  }
}

/** What is kept: `{ chainId, height, bundle }`, or nothing. */
export function kept() {
  return inTransaction("readonly", (store, give) => {
    store.get(KEY).onsuccess = (event) => give(event.target.result);
  });
}

/**
 * Keeps a bundle that was checked, all of it or nothing. Another window may have kept a newer one meanwhile: that one stays.
 */
export function keep(entry) {
  return inTransaction("readwrite", (store) => {
    store.get(KEY).onsuccess = (event) => {
      const old = event.target.result;
      const newer = old && old.chainId === entry.chainId && old.height > entry.height;
      if (!newer) store.put(entry, KEY);
    };
  });
}

/** Forgets bundle and trust. */
export function forget() {
  return inTransaction("readwrite", (store) => store.delete(KEY));
}
