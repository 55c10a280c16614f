import { expect } from "bun:test";
import type { Device } from "../../src/gpu/device.ts";
import { intervals } from "../../src/model/batch.ts";
import { attentionBackward, attentionForward } from "../../src/ops/attention.ts";
import { testDevice } from "../gpu.ts";
import {
  type AttentionShape,
  attentionBackward as backwardReference,
  attentionForward as forwardReference,
} from "../reference/attention.ts";
import { Bench, expectClose, halfUlp, largest, noise, rounded } from "./op-harness.ts";

interface Case extends Omit<AttentionShape, "scale"> {
  readonly lo?: (i: number) => number;
  /** Instead of lo: two sequences, the second from `start` on, that begin with the same `prefix` tokens; under a window. */
  readonly shared?: { readonly start: number; readonly prefix: number; readonly window?: number };
  readonly scale?: number;
}

const causal = () => 0;
const window = (width: number) => (i: number) => Math.max(0, i - width + 1);
const packed = (starts: readonly number[]) => (i: number) => starts.findLast((start) => start <= i)!;

const cases: Record<string, Case> = {
  "one token": { tokens: 1, heads: 1, kvHeads: 1, headDim: 8, lo: causal },
  "one lane more than a tile, head width 8": { tokens: 65, heads: 1, kvHeads: 1, headDim: 8, lo: causal },
  "three heads a group, head width 16": { tokens: 37, heads: 6, kvHeads: 2, headDim: 16, lo: causal },
  "head width 20, which is no multiple of a tile": {
    tokens: 41,
    heads: 4,
    kvHeads: 1,
    headDim: 20,
    lo: causal,
  },
  "head width 24 in a sliding window of 24": {
    tokens: 96,
    heads: 2,
    kvHeads: 2,
    headDim: 24,
    lo: window(24),
  },
  "head width 40, eight heads a group": { tokens: 19, heads: 8, kvHeads: 1, headDim: 40, lo: causal },
  "packed sequences, some of length 1": {
    tokens: 150,
    heads: 4,
    kvHeads: 2,
    headDim: 64,
    lo: packed([0, 1, 2, 40, 41, 73, 137, 149]),
  },
  "several tiles of keys, the largest score anywhere": {
    tokens: 200,
    heads: 2,
    kvHeads: 1,
    headDim: 16,
    lo: causal,
    scale: 1,
  },
  "every token alone": { tokens: 70, heads: 3, kvHeads: 1, headDim: 16, lo: (i) => i },
  "a window within packed sequences": {
    tokens: 130,
    heads: 3,
    kvHeads: 1,
    headDim: 16,
    lo: (i) => Math.max(packed([0, 50, 111])(i), window(9)(i)),
  },
  "a prefix that two continuations share": {
    tokens: 210,
    heads: 4,
    kvHeads: 2,
    headDim: 16,
    shared: { start: 131, prefix: 45 },
  },
  "a long first continuation, of which the second sees nothing": {
    tokens: 250,
    heads: 3,
    kvHeads: 3,
    headDim: 20,
    shared: { start: 220, prefix: 7 },
  },
  "a shared prefix under a sliding window": {
    tokens: 260,
    heads: 3,
    kvHeads: 1,
    headDim: 8,
    shared: { start: 150, prefix: 70, window: 33 },
  },
  "head width 80": { tokens: 67, heads: 2, kvHeads: 1, headDim: 80, lo: causal },
  "head width 128": { tokens: 70, heads: 4, kvHeads: 1, headDim: 128, lo: window(33) },
  "head width 256": { tokens: 35, heads: 1, kvHeads: 1, headDim: 256, lo: causal },
  "scores so large that a softmax without its maximum overflows": {
    tokens: 40,
    heads: 2,
    kvHeads: 1,
    headDim: 16,
    lo: causal,
    scale: 60,
  },
};

/** What the kernels take, and what it must mean. */
function masks({ tokens, lo = causal, shared }: Case) {
  if (!shared) {
    const first = Uint32Array.from({ length: tokens }, (_, i) => lo(i));
    const last = Uint32Array.from(first, (_, j) => first.findLastIndex((from) => from <= j));
    const triples = (values: Uint32Array) => Uint32Array.from([...values].flatMap((value) => [value, 0, 0]));
    return { lo: first, keys: triples(first), queries: triples(last), hidden: () => false };
  }
  const { start, prefix, window = tokens } = shared;
  const position = (i: number) => (i < start ? i : i - start + prefix);
  return {
    lo: new Uint32Array(tokens),
    ...intervals(
      { tokens, starts: Uint32Array.of(0, start, tokens), shared: Uint32Array.of(0, prefix) },
      window,
    ),
    hidden: (i: number, j: number) =>
      (i >= start && j >= prefix && j < start) || position(j) <= position(i) - window,
  };
}

async function check(device: Device, dtype: "f32" | "f16", c: Case): Promise<void> {
  const s = { ...c, scale: c.scale ?? 1 / Math.sqrt(c.headDim) };
  const queries = s.tokens * s.heads * s.headDim;
  const keys = s.tokens * s.kvHeads * s.headDim;
  const { lo, keys: seen, queries: seenBy, hidden } = masks(c);
  const q = rounded(noise(1, queries, 2), dtype);
  const k = rounded(noise(2, keys, 2), dtype);
  const v = rounded(noise(3, keys), dtype);
  const dout = rounded(noise(4, queries), "f32");
  const expected = forwardReference(q, k, v, lo, s, hidden);
  const slopes = backwardReference(q, k, v, lo, dout, s, hidden);

  await using bench = new Bench(device);
  const inputs = {
    q: bench.input(q, dtype),
    k: bench.input(k, dtype),
    v: bench.input(v, dtype),
    keys: bench.words(seen),
  };
  const out = bench.output(queries, dtype);
  const lse = bench.output(s.heads * s.tokens);
  const delta = bench.output(s.heads * s.tokens);
  const [dq, dk, dv] = [bench.output(queries), bench.output(keys), bench.output(keys)];
  bench.run((stream) => {
    attentionForward(stream, { ...inputs, out, lse }, s);
    attentionBackward(
      stream,
      { ...inputs, out, dout: bench.input(dout), lse, delta, queries: bench.words(seenBy), dq, dk, dv },
      s,
    );
  });
  // The scores' own rounding is multiplied by the scale and, in the gradients, by what they meet.
  const unit = 2e-6 * Math.max(1, s.scale * 4);
  expectClose("out", await bench.read(out), expected.out, {
    absolute: unit,
    relative: dtype === "f16" ? halfUlp : 0,
  });
  expectClose("lse", await bench.read(lse), expected.lse, { absolute: unit, relative: 2e-6 });
  // delta comes from the rounded output.
  const loose = dtype === "f16" ? 2e-3 * Math.max(1, s.scale / 10) : unit * 2;
  expectClose("dq", await bench.read(dq), slopes.dq, { absolute: loose * largest(slopes.dq) + 1e-6 });
  expectClose("dk", await bench.read(dk), slopes.dk, { absolute: loose * largest(slopes.dk) + 1e-6 });
  expectClose("dv", await bench.read(dv), slopes.dv, { absolute: unit * 2 * largest(slopes.dv) });
  await bench.read(delta);
}

// A software adapter needs seconds to compile the kernels for GPUs, for each head width: there, these stand for all.
const compiledInSoftware: Record<string, readonly number[]> = { f32: [8, 16], f16: [20, 24] };

for (const [tier, dtype] of [
  ["software", "f32"],
  ["f32", "f32"],
  ["f16", "f16"],
] as const) {
  const { device, gpuTest } = await testDevice({ tier });
  for (const [name, c] of Object.entries(cases))
    if (tier === "software" || wants(device, tier, c.headDim))
      gpuTest(`attention, ${tier} kernels: ${name}`, () => check(device, dtype, c), 600000);
}

const { device, gpuTest } = await testDevice();

gpuTest("attention refuses shapes that do not fit, by name", async () => {
  await using bench = new Bench(device);
  const [q, k, v, out, lse] = Array.from({ length: 5 }, () => bench.output(16));
  const t = { q: q!, k: k!, v: v!, out: out!, lse: lse!, keys: bench.words([0, 0, 0]) };
  const s = { tokens: 1, heads: 3, kvHeads: 2, headDim: 8, scale: 1 };
  const attempt = (sizes: typeof s, tensors = t) =>
    bench.run((stream) => attentionForward(stream, tensors, sizes));
  expect(() => attempt(s)).toThrow("heads must be a multiple of kvHeads, got 3 and 2");
  expect(() => attempt({ ...s, heads: 2, headDim: 512 })).toThrow("headDim must be at most 256, got 512");
  expect(() => attempt({ ...s, heads: 8, kvHeads: 8 })).toThrow("q must have at least 64 elements, got 40");
  expect(() => attempt({ ...s, heads: 2 }, { ...t, out: q! })).toThrow("q and out must not share memory");
});

/** On a software adapter, only some head widths of the kernels for GPUs; without any adapter all, to be named as skipped. */
function wants(device: Device, tier: string, headDim: number): boolean {
  if (process.env.SEKFT_ALL_HEAD_WIDTHS) return true;
  let software = false;
  try {
    software = device.facts.software;
  } catch {
    return true;
  }
  return !software || compiledInSoftware[tier]!.includes(headDim);
}
