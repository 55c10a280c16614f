import { expect, setDefaultTimeout } from "bun:test";
import { argmax } from "../../src/ops/argmax.ts";
import { attentionPaged, pagedStride, pageTokens, partElements, ropePaged } from "../../src/ops/paged.ts";
import { testDevice } from "../gpu.ts";
import { attentionForward } from "../reference/attention.ts";
import { Bench, expectClose, halfUlp, noise, rounded } from "./op-harness.ts";

setDefaultTimeout(120_000);

interface Shape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly window?: number;
  /** Keys of each sequence; its last `queries` tokens ask. */
  readonly lengths: readonly number[];
  readonly queries?: number;
}

const shapes: Record<string, Shape> = {
  "one key": { heads: 1, kvHeads: 1, headDim: 8, lengths: [1] },
  "sequences of several lengths, three heads a group": {
    heads: 6,
    kvHeads: 2,
    headDim: 16,
    lengths: [1, 16, 17, 40],
  },
  "head width 10, which is no whole vector": { heads: 2, kvHeads: 1, headDim: 10, lengths: [33, 5] },
  "five heads a group, head width 24, a window of 24": {
    heads: 5,
    kvHeads: 1,
    headDim: 24,
    window: 24,
    lengths: [23, 24, 25, 100],
  },
  "head width 64, several queries of a prompt": {
    heads: 3,
    kvHeads: 3,
    headDim: 64,
    lengths: [70, 9],
    queries: 9,
  },
  "head width 256": { heads: 2, kvHeads: 1, headDim: 256, lengths: [20] },
  "a context in several parts": { heads: 4, kvHeads: 2, headDim: 32, lengths: [1200, 3, 513] },
  "several parts, most of them before the window": {
    heads: 2,
    kvHeads: 1,
    headDim: 16,
    window: 100,
    lengths: [1300],
  },
};

for (const tier of ["software", "f32", "f16"] as const) {
  const { device, gpuTest } = await testDevice({ tier });
  const dtype = tier === "f16" ? "f16" : "f32";

  for (const [name, shape] of Object.entries(shapes))
    gpuTest(`${tier}: keys from pages in any order, ${name}`, async () => {
      const { heads, kvHeads, headDim, window, lengths, queries = 1 } = shape;
      const rowPages = Math.max(...lengths.map((length) => Math.ceil(length / pageTokens))) + 1;
      const pages = lengths.length * rowPages + 1;
      const stride = pagedStride(headDim);
      // Pages of the sequences lie anywhere; what no key has is NaN.
      const table = lengths.flatMap((_, s) =>
        Array.from({ length: rowPages }, (_, i) => 1 + (((i * lengths.length + s) * 7) % (pages - 1))),
      );
      const spread = gcd(7, pages - 1) === 1 ? table : table.map((_, i) => i + 1);
      const pool = { k: new Float64Array(pages * pageTokens * kvHeads * stride), v: new Float64Array(0) };
      pool.k.fill(Number.NaN);
      pool.v = pool.k.slice();
      const rows: number[] = [];
      const q: number[] = [];
      const expected: number[] = [];
      const scale = 1 / Math.sqrt(headDim);
      lengths.forEach((tokens, s) => {
        const sizes = { tokens, heads, kvHeads, headDim, scale };
        const [k, v] = [1, 2].map((i) => rounded(noise(10 * s + i, tokens * kvHeads * headDim), dtype)) as [
          Float64Array,
          Float64Array,
        ];
        const ownQ = rounded(noise(10 * s + 3, tokens * heads * headDim, 2), dtype);
        const asks = (t: number) => t >= tokens - queries;
        // Those that do not ask see themselves only, which costs the reference nothing.
        const lo = Array.from({ length: tokens }, (_, i) =>
          asks(i) ? Math.max(0, window ? i - window + 1 : 0) : i,
        );
        const { out } = attentionForward(ownQ, k, v, lo, sizes);
        for (let t = 0; t < tokens; t++)
          for (let h = 0; h < kvHeads; h++)
            for (let d = 0; d < stride; d++) {
              const page = spread[s * rowPages + Math.floor(t / pageTokens)]!;
              const at = ((page * pageTokens + (t % pageTokens)) * kvHeads + h) * stride + d;
              const from = (t * kvHeads + h) * headDim + d;
              pool.k[at] = d < headDim ? k[from]! : 0;
              pool.v[at] = d < headDim ? v[from]! : 0;
            }
        for (let t = Math.max(0, tokens - queries); t < tokens; t++) {
          rows.push(t, s);
          q.push(...ownQ.subarray(t * heads * headDim, (t + 1) * heads * headDim));
          expected.push(...out.subarray(t * heads * headDim, (t + 1) * heads * headDim));
        }
      });
      const tokens = rows.length / 2;
      const sizes = { tokens, heads, kvHeads, headDim, rowPages, keys: Math.max(...lengths) };
      for (const split of [true, false]) {
        await using bench = new Bench(device);
        const out = bench.output(q.length, dtype);
        const t = {
          q: bench.input(q, dtype),
          kPages: bench.input(pool.k, dtype),
          vPages: bench.input(pool.v, dtype),
          rows: bench.words(rows),
          table: bench.words(spread),
          out,
          parts: bench.output(split ? partElements(sizes) : 0),
        };
        bench.run((stream) => attentionPaged(stream, t, { ...sizes, window, scale }));
        expectClose("out", await bench.read(out), expected, {
          absolute: 3e-6,
          relative: dtype === "f16" ? halfUlp : 3e-6,
        });
      }
    });

  gpuTest(`${tier}: queries and keys are turned by their position, values are not`, async () => {
    const [tokens, heads, kvHeads, headDim, rowPages] = [3, 2, 1, 10, 2];
    const [q, k, v] = [1, 2, 3].map((seed, i) => noise(seed, tokens * (i ? kvHeads : heads) * headDim)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const half = headDim / 2;
    const angle = (position: number, d: number) => position * 10 ** -d;
    const angles = Array.from({ length: 40 * half }, (_, i) => angle(Math.floor(i / half), i % half)).flatMap(
      (a) => [Math.cos(a), Math.sin(a)],
    );
    const rows = [17, 1, 4, 0, 0, 1];
    const table = [3, 4, 1, 2];
    const size = 5 * pageTokens * kvHeads * 12;
    await using bench = new Bench(device);
    const [rotated, kPages, vPages] = [
      bench.output(tokens * heads * headDim, dtype),
      bench.inOut(new Float64Array(size), dtype),
      bench.inOut(new Float64Array(size), dtype),
    ];
    const t = {
      q: bench.input(q),
      k: bench.input(k),
      v: bench.input(v),
      rows: bench.words(rows),
      table: bench.words(table),
      angles: bench.input(angles),
      rotated,
      kPages,
      vPages,
    };
    bench.run((stream) => ropePaged(stream, t, { tokens, heads, kvHeads, headDim, rowPages }));
    const turned = (x: Float32Array, head: number, position: number) =>
      Array.from({ length: headDim }, (_, d) => {
        const a = angle(position, d % half);
        const [first, second] = [x[head * headDim + (d % half)]!, x[head * headDim + (d % half) + half]!];
        return d < half
          ? first * Math.cos(a) - second * Math.sin(a)
          : second * Math.cos(a) + first * Math.sin(a);
      });
    const wanted = { rotated: [] as number[], k: new Float64Array(size), v: new Float64Array(size) };
    for (let token = 0; token < tokens; token++) {
      const [position, slot] = [rows[2 * token]!, rows[2 * token + 1]!];
      for (let h = 0; h < heads; h++) wanted.rotated.push(...turned(q, token * heads + h, position));
      const page = table[slot * rowPages + Math.floor(position / pageTokens)]!;
      const at = (page * pageTokens + (position % pageTokens)) * 12;
      wanted.k.set(turned(k, token, position), at);
      wanted.v.set(v.subarray(token * headDim, (token + 1) * headDim), at);
    }
    const tolerance = { absolute: 2e-6, relative: dtype === "f16" ? halfUlp : 0 };
    expectClose("rotated", await bench.read(rotated), wanted.rotated, tolerance);
    expectClose("k", await bench.read(kPages), wanted.k, tolerance);
    expectClose("v", await bench.read(vPages), wanted.v, tolerance);
  });

  gpuTest(`${tier}: the likeliest token, the lowest of equals, and the next step's input`, async () => {
    const [vocab, stride, rows] = [1000, 1024, 4];
    const logits = noise(4, rows * stride, 5);
    const best = [999, 0, 77, 500];
    best.forEach((id, row) => {
      logits[row * stride + id] = 9;
    });
    logits[2 * stride + 300] = 9;
    // Behind the vocabulary nothing counts.
    logits[1 * stride + 1010] = 50;
    logits[3 * stride + 4] = Number.NaN;
    await using bench = new Bench(device);
    const t = {
      logits: bench.input(logits),
      result: bench.words(new Array<number>(16).fill(7)),
      ids: bench.words([1, 2, 3, 4]),
      positions: bench.words([10, 0, 20, 1, 30, 2, 40, 3]),
    };
    bench.run((stream) => argmax(stream, t, { first: 1, rows: 3, vocab, stride, at: 4, advance: true }));
    const result = await device.readWords(t.result);
    const bits = new Float32Array(result.buffer, 0, result.length);
    expect([...result.subarray(0, 8)]).toEqual(new Array(8).fill(7));
    expect([result[8], result[10], result[12]]).toEqual([0, 77, 500]);
    for (const [i, row] of [1, 2].entries()) {
      const line = Array.from(logits.subarray(row * stride, row * stride + vocab));
      const sum = line.reduce((total, x) => total + Math.exp(x - 9), 0);
      expect(Math.abs(bits[9 + 2 * i]! + Math.log(sum))).toBeLessThan(1e-5);
    }
    expect(bits[13]).toBeNaN();
    expect([...(await device.readWords(t.ids)).subarray(0, 4)]).toEqual([1, 0, 77, 500]);
    const positions = [...(await device.readWords(t.positions)).subarray(0, 8)];
    expect(positions).toEqual([10, 0, 21, 1, 31, 2, 41, 3]);
  });
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
