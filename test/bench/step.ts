// One LoRA training step (forward, backward, clipping, AdamW) of a shape with random weights, one JSON line a figure, as the
// peers print. All labels trained, no dropout, LoRA on q, k, v, o: what their step does.
// bun test/bench/step.ts [--shape bench-small] [--tokens 256] [--rank 16] [--steps 5] [--tier auto] [--trace yes] [--cold yes]

import { shapeOf } from "../../src/doctor/named-shapes.ts";
import { RandomBase } from "../../src/doctor/random-base.ts";
import { stepFlop } from "../../src/doctor/work.ts";
import { resolveTargets } from "../../src/formats/peft-adapter.ts";
import { plainLora } from "../../src/formats/peft-config.ts";
import { Device } from "../../src/gpu/device.ts";
import { Trace } from "../../src/gpu/trace.ts";
import type { Batch } from "../../src/model/batch.ts";
import { CausalLM } from "../../src/model/causal-lm.ts";
import { initLora } from "../../src/train/lora-init.ts";
import { AdamW } from "../../src/train/optimiser.ts";
import { emit, flag, meter, type Reading, round, spread } from "./meter.ts";

const name = flag("shape", "bench-small");
const tokens = Number(flag("tokens", "256"));
const steps = Number(flag("steps", "5"));
const r = Number(flag("rank", "16"));
const traced = flag("trace", "") === "yes";

const config = shapeOf(name);
const targets = resolveTargets(
  plainLora({
    r,
    alpha: 2 * r,
    targetModules: ["q_proj", "k_proj", "v_proj", "o_proj"],
  }),
  config,
);
const load = meter();
const device = await Device.open({ software: true, tier: flag("tier", "auto") as "auto", trace: traced });
const trace = traced ? new Trace(device) : undefined;
const model = await CausalLM.load(device, {
  base: new RandomBase(name, config, false),
  targets,
  train: true,
  maxTokens: tokens,
  ...(trace && { trace }),
});
const settings = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, loraPlusRatio: 1, maxNorm: 1 };
const optimiser = new AdamW(device, model.adapter!, settings);
model.adapter!.write(new Map([...initLora(targets, 1)].map(([key, { data }]) => [key, data])));
optimiser.clearGradients();
await device.settle();
const loaded = load();

const id = (_: unknown, i: number) => (i * 7919 + 13) % config.vocab;
const batch: Batch = {
  tokens,
  ids: Uint32Array.from({ length: tokens }, id),
  positions: Uint32Array.from({ length: tokens }, (_, i) => i),
  starts: Uint32Array.of(0, tokens),
  rows: Uint32Array.from({ length: tokens }, (_, i) => i),
  targets: Uint32Array.from({ length: tokens }, (_, i) => id(undefined, i + 1)),
  weights: new Float32Array(tokens).fill(1),
};

const readings: Reading[] = [];
const losses: number[] = [];
let first: Reading | undefined;
for (let step = 0; step < steps + 2; step++) {
  const reading = meter();
  model.step(batch, { gradientScale: 1 / tokens });
  const [values] = await Promise.all([model.takeLosses(), optimiser.step(1e-3, 1)]);
  losses.push(values.reduce((sum, value) => sum + value, 0) / values.length);
  first ??= reading();
  if (step > 1) readings.push(reading());
  // The first two steps compile and warm up; their kernels' times would drown the others'.
  if (step === 1) trace?.totals.clear();
}
const flop = stepFlop({ config, targets, tokens, labels: tokens });
const offMain = spread(readings.map((reading) => reading.offMain));
const wall = spread(readings.map(({ ms }) => ms));
emit({
  // With MESA_SHADER_CACHE_DISABLE=true the first step compiles everything: then that is the figure.
  what: `${flag("cold", "") === "yes" ? "cold" : "train"}_step_${name.replaceAll("-", "_")}_lora`,
  tier: device.tier,
  device: device.facts.name,
  config: { shape: name, tokens, rank: r },
  gflop: round(flop / 1e9),
  ms: wall,
  off_main_cpu_ms: offMain,
  cpu_ms: spread(readings.map(({ cpu }) => cpu)),
  gflops: {
    median: round(flop / wall.median / 1e6),
    by_off_main_cpu: round(flop / offMain.median / 1e6),
  },
  tokens_per_s: round((tokens / wall.median) * 1000),
  load_ms: round(loaded.ms),
  first_step_ms: round(first!.ms),
  first_step_off_main_cpu_ms: round(first!.offMain),
  first_step_cpu_ms: round(first!.cpu),
  pipelines: device.kernels.pipelineCount,
  loss: [losses[0], losses.at(-1)],
  device_mb: round(device.allocatedBytes / 1e6),
  rss_mb: round(process.memoryUsage().rss / 1e6),
});
if (trace) {
  await trace.settle();
  const sorted = [...trace.totals].sort(([, a], [, b]) => b.ns - a.ns);
  const all = sorted.reduce((sum, [, { ns }]) => sum + ns, 0);
  for (const [kernel, { ns, count }] of sorted)
    emit({
      what: "kernel",
      kernel,
      ms_a_step: round(ns / steps / 1e6),
      share: round(ns / all),
      dispatches_a_step: count / steps,
    });
}
process.exit(0);
