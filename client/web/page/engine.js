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

/** Checks a bundle against the chain that is trusted, and holds it. */
export async function hold(bundle, chainId) {
  const answer = await ask({ ask: "hold", chain_id: chainId, now_ms: Date.now() }, bundle);
  if (answer.bundle) held = { bundle, chainId };
  return answer;
}

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
    await hold(held.bundle, held.chainId);
    return ask({ ...question, given_up: true });
  }
}
