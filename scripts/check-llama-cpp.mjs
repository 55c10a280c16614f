// Asks llama.cpp itself whether an exported GGUF LoRA gives PEFT's greedy tokens. Not part of the tests: its package weighs
// 700 MB installed. In a folder of its own:
//   npm i --ignore-scripts node-llama-cpp@3.22.1
//   cp <this file> . && node check-llama-cpp.mjs BASE.gguf LORA.gguf GOLDEN.json NAME
// GOLDEN.json has `NAME.prompt_ids` and `NAME.adapter_greedy_ids`, as PEFT gave them. Exit code 1 when a token differs.

import { readFileSync } from "node:fs";
import { getLlama } from "node-llama-cpp";

const [base, lora, golden, name] = process.argv.slice(2);
if (name === undefined) {
  console.error("usage: node check-llama-cpp.mjs BASE.gguf LORA.gguf GOLDEN.json NAME");
  process.exit(2);
}
const { prompt_ids: prompt, adapter_greedy_ids: wanted } = JSON.parse(readFileSync(golden, "utf8"))[name];
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const model = await llama.loadModel({ modelPath: base, useMmap: false });
// llama.cpp's f16 KV cache alone would cost 7e-3 on the logits.
const context = await model.createContext({
  contextSize: prompt.length + wanted.length,
  batchSize: 128,
  flashAttention: false,
  lora,
  experimentalKvCacheKeyType: "F32",
  experimentalKvCacheValueType: "F32",
});
const sequence = context.getSequence();
const got = [];
let feed = prompt;
while (got.length < wanted.length) {
  const last = feed.length - 1;
  const result = await sequence.controlledEvaluate(
    feed.map((id, i) => (i === last ? [id, { generateNext: { logits: true } }] : id)),
  );
  const logits = result.at(-1).next.logits;
  let best = 0;
  for (const [id, value] of logits) if (value > logits.get(best)) best = id;
  got.push(best);
  feed = [best];
}
await context.dispose();
await llama.dispose();
const equal = got.filter((id, i) => id === wanted[i]).length;
console.log(`${name}: ${equal} of ${wanted.length} greedy tokens equal PEFT's`);
process.exit(equal === wanted.length ? 0 : 1);
