// Questions to the engine (client/web/src/question.rs). It holds the bundle that was taken last, also after it ended and began anew.

const worker = new Worker("engine-worker.js");
const waiting = new Map();
let last = 0;
let held;

worker.onmessage = ({ data: { id, answer, ended } }) => {
  const { resolve, reject } = waiting.get(id);
  waiting.delete(id);
  if (ended === undefined) resolve(answer);
  else reject(new Error(ended));
};
worker.onerror = (event) => {
  for (const { reject } of waiting.values()) reject(new Error(event.message));
  waiting.clear();
};

function ask(question, about = new Uint8Array()) {
  last += 1;
  const id = last;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, question, about });
  });
}

/** Of which federation a bundle says it is, and whether it holds together. */
export const look = (bundle) => ask({ ask: "look", now_ms: Date.now() }, bundle);

/** Opens what was kept of a chain that is trusted. */
export const open = (bundle, chainId) => take({ ask: "open", chain_id: chainId }, bundle, chainId);

/** The first bundle of a chain that a person has just come to trust; `checkpoint` or null. */
export const start = (bundle, chainId, checkpoint) => take({ ask: "start", chain_id: chainId, checkpoint }, bundle, chainId);

/** A newer bundle, or a delta to one, in the place of the one held. */
export async function update(bundle, checkpoint) {
  const answer = await take({ ask: "update", checkpoint }, bundle, held.chainId);
  // What came may have been a delta: what is kept is the whole.
  if (answer.bundle) held.bundle = await ask({ ask: "kept" });
  return answer;
}

async function take(question, bundle, chainId) {
  const answer = await ask({ ...question, now_ms: Date.now() }, bundle);
  if (answer.bundle) held = { bundle, chainId };
  return answer;
}

/** The bytes to keep of what is held. */
export const toKeep = () => held.bundle;

/** Lets the bundle go. */
export async function letGo() {
  held = undefined;
  await ask({ ask: "let-go" });
}

/** What is held, as of now. */
export const data = () => ask({ ask: "data", now_ms: Date.now() });

/** Verifies the bytes of a file, or the text of a code. */
export async function verify(about, isText, policy) {
  const question = { ask: "verify", policy, now_ms: Date.now(), text: isText };
  try {
    return await ask(question, about);
  } catch (ended) {
    console.error(ended);
    // No data make the engine end but pictures that the decoder of codes stumbles over: the report is that no code was found.
    await open(held.bundle, held.chainId);
    return ask({ ...question, given_up: true });
  }
}
