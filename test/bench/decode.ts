// Prefill and decode of one sequence, one JSON line, as the peers print. The base is a GGUF file or a directory; SEKFT_BASE names it.
// bun test/bench/decode.ts [--base B] [--pp 256] [--tg 64] [--reps 5] [--tier auto] [--load-4bit yes] [--batch 1] [--trace yes]
import { join } from "node:path";
import { openBase } from "../../src/formats/base-weights.ts";
import { Engine } from "../../src/generate/engine.ts";
import { Device } from "../../src/gpu/device.ts";
import { BaseModel } from "../../src/model/base-model.ts";
import { emit, flag, meter, type Reading, round, spread } from "./meter.ts";

const smollm2 = join(import.meta.dir, "../../.cache/SmolLM2-135M-Instruct.Q4_1.gguf");
const path = flag("base", process.env.SEKFT_BASE ?? smollm2);
const promptTokens = Number(flag("pp", "256"));
const answerTokens = Number(flag("tg", "64"));
const repeats = Number(flag("reps", "5"));
const batch = Number(flag("batch", "1"));
const load4bit = flag("load-4bit", "") === "yes";

const load = meter();
const device = await Device.open({ software: true, tier: flag("tier", "auto") as "auto" });
const base = await (async () => {
  using weights = openBase(path);
  return await BaseModel.load(device, { base: weights, load4bit });
})();
const engine = await Engine.create(base, { maxSequences: batch, contextTokens: 1024 });
const loaded = load();

const prefill: Reading[] = [];
const decode: Reading[] = [];
for (let repeat = 0; repeat < repeats + 1; repeat++) {
  // Another prompt each time, so that the cache knows none of it.
  const promptIds = Array.from(
    { length: promptTokens },
    (_, i) => 100 + ((i * 7919 + repeat * 104729) % 20000),
  );
  const p = meter();
  await engine.generate({ promptIds, options: { maxTokens: 1, ignoreEos: true } }).finished;
  const first = p();
  const d = meter();
  await Promise.all(
    Array.from({ length: batch }, (_, i) => {
      const options = { maxTokens: answerTokens, ignoreEos: true };
      return engine.generate({ promptIds: [1000 + i], options }).finished;
    }),
  );
  const rest = d();
  // The first round compiles.
  if (repeat > 0) {
    prefill.push(first);
    decode.push(rest);
  }
}
const figures = (readings: readonly Reading[], tokens: number) => {
  const ms = spread(readings.map((reading) => reading.ms));
  return {
    tokens,
    ms,
    off_main_cpu_ms: spread(readings.map(({ offMain }) => offMain)),
    cpu_ms: spread(readings.map(({ cpu }) => cpu)),
    tokens_per_s: round((tokens / ms.median) * 1000),
    best: round((tokens / ms.min) * 1000),
  };
};
emit({
  what: "smollm2_135m",
  base: path.split("/").at(-1),
  tier: device.tier,
  device: device.facts.name,
  load_4bit: load4bit,
  batch,
  prefill: figures(prefill, promptTokens),
  decode: figures(decode, answerTokens * batch),
  load_ms: round(loaded.ms),
  device_mb: round(device.allocatedBytes / 1e6),
  rss_mb: round(process.memoryUsage().rss / 1e6),
});
process.exit(0);
