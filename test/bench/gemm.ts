// Matrix products through src/ops, one JSON line a figure, as the peers' scripts print. By the CPU time of all threads but the
// main one, on which npm webgpu polls: with LP_NUM_THREADS=1 it repeats within about 5 % on a busy machine.
// bun test/bench/gemm.ts [--tier software] [--reps 5] [--only square|small|lora|quant]
import { Device } from "../../src/gpu/device.ts";
import { Stream } from "../../src/gpu/stream.ts";
import { matmul } from "../../src/ops/matmul.ts";
import type { Matmul } from "../../src/ops/matmul-plan.ts";
import { dequantise4bit } from "../../src/ops/quant.ts";
import { emit, flag, meter, round, spread } from "./meter.ts";

const only = flag("only", "");
const reps = Number(flag("reps", "5"));
const tier = flag("tier", "auto") as "auto";
const device = await Device.open({ software: true, tier });

interface Figure {
  readonly what: string;
  readonly products: readonly Matmul[];
}

async function measure({ what, products }: Figure): Promise<{ lp: number; gflop: number }> {
  const length = (pick: (s: Matmul) => number) => Math.max(...products.map(pick));
  const tensor = (label: string, count: number) => {
    const t = device.tensor("bench", label, "f32", [count]);
    device.write(
      t,
      Float32Array.from({ length: count }, (_, i) => ((i * 2654435761) % 1000) / 1000 - 0.5),
    );
    return t;
  };
  const t = {
    a: tensor(
      "a",
      length((s) => s.m * s.k),
    ),
    b: tensor(
      "b",
      length((s) => s.n * s.k),
    ),
    out: tensor(
      "out",
      length((s) => s.m * s.n),
    ),
  };
  const gflop = products.reduce((sum, s) => sum + 2 * s.m * s.n * s.k, 0) / 1e9;
  const times = Math.max(1, Math.min(400, Math.round(1 / gflop)));
  const readings: number[] = [];
  let first = 0;
  for (let rep = -1; rep < reps; rep++) {
    const read = meter();
    const stream = new Stream(device);
    for (let i = 0; i < (rep < 0 ? 1 : times); i++)
      for (const product of products) matmul(stream, t, product);
    stream.submit();
    await device.settle();
    const { offMain } = read();
    if (rep < 0) first = offMain;
    else readings.push(offMain / times);
  }
  for (const each of Object.values(t)) device.free(each);
  await device.settle();
  const { median: lp, min } = spread(readings);
  emit({
    peer: "sekft",
    what,
    tier: device.tier,
    device: device.facts.name,
    off_main_cpu_ms: round(lp),
    first_off_main_cpu_ms: round(first),
    gflops: { by_off_main_cpu: round((gflop / lp) * 1000), best: round((gflop / min) * 1000) },
  });
  return { lp, gflop };
}

const modes = ["nt", "nn", "tn"] as const;
if (!only || only === "square")
  for (const n of [512, 1024])
    for (const mode of modes)
      await measure({ what: `gemm_${mode}_${n}`, products: [{ mode, m: n, n, k: n }] });

// The linear layers of bench-small (6 layers, C 384, F 1024, T 256, kv 128, vocab 4096) and how often a step runs each.
const linear = [
  [384, 384, 12],
  [128, 384, 12],
  [1024, 384, 12],
  [384, 1024, 6],
  [4096, 384, 1],
] as const;
if (!only || only === "small")
  for (const mode of ["nt", "nn"] as const) {
    let lp = 0;
    let gflop = 0;
    for (const [outputs, inputs, times] of linear) {
      const [n, k] = mode === "nt" ? [outputs, inputs] : [inputs, outputs];
      const figure = await measure({
        what: `small_${mode}_256x${n}x${k}`,
        products: [{ mode, m: 256, n, k }],
      });
      lp += figure.lp * times;
      gflop += figure.gflop * times;
    }
    emit({
      peer: "sekft",
      what: `small_${mode}_all`,
      off_main_cpu_ms: round(lp),
      gflops: { by_off_main_cpu: round((gflop / lp) * 1000) },
    });
  }
if (!only || only === "lora")
  for (const c of [384, 1024, 4096])
    for (const [mode, m, n, k] of [
      ["nt", 256, 16, c],
      ["nt", 256, c, 16],
      ["nn", 256, 16, c],
      ["nn", 256, c, 16],
      ["tn", 16, c, 256],
      ["tn", c, 16, 256],
    ] as const)
      await measure({ what: `lora_${mode}_${m}x${n}x${k}`, products: [{ mode, m, n, k }] });
if (!only || only === "quant") {
  const count = 4096 * 1024;
  const t = {
    packed: device.tensor("bench", "packed", "u32", [count / 8]),
    absmax: device.tensor("bench", "absmax", "f32", [count / 64]),
    table: device.tensor("bench", "table", "f32", [16]),
    out: device.tensor("bench", "out", "f32", [count]),
  };
  const readings: number[] = [];
  for (let rep = -1; rep < reps; rep++) {
    const read = meter();
    const stream = new Stream(device);
    for (let i = 0; i < 10; i++) dequantise4bit(stream, t, { count, block: 64 });
    stream.submit();
    await device.settle();
    if (rep >= 0) readings.push(read().offMain / 10);
  }
  const { median: lp } = spread(readings);
  emit({
    peer: "sekft",
    what: "dequantise_4bit_4M",
    tier: device.tier,
    off_main_cpu_ms: lp,
    giga_weights_per_s: round(count / lp / 1e6),
  });
}
process.exit(0);
