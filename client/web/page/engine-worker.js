// Runs the engine apart from the page, so that a large picture does not hold it up. One question after the other.

let loading;

async function load() {
  const response = await fetch("concord.wasm");
  if (!response.ok) throw new Error(`concord.wasm: ${response.status}`);
  const { instance } = await WebAssembly.instantiate(await response.arrayBuffer());
  return instance.exports;
}

function ask(engine, question, about) {
  const json = new TextEncoder().encode(JSON.stringify(question));
  const room = engine.room(json.length + about.length) >>> 0;
  if (room === 0) throw new Error("out of memory");
  // Views end when memory grows: they are made after each call, and used at once.
  const written = new Uint8Array(engine.memory.buffer, room);
  written.set(json);
  written.set(about, json.length);
  const length = engine.ask(json.length) >>> 0;
  const answer = new Uint8Array(engine.memory.buffer, engine.answer() >>> 0, length);
  if (question.ask === "kept") return answer.slice();
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(answer));
}

onmessage = async ({ data: { id, question, about } }) => {
  try {
    loading ??= load();
    const engine = await loading;
    postMessage({ id, answer: ask(engine, question, about) });
  } catch (error) {
    // A trap leaves an engine that must not be asked again; the next question makes a new one, which holds nothing.
    loading = undefined;
    postMessage({ id, ended: String(error) });
  }
};
