import { expect, setDefaultTimeout } from "bun:test";
import { codeValues, quantise } from "../../src/formats/nf4.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { gemv, gemv4bit } from "../../src/ops/gemv.ts";
import { matmul } from "../../src/ops/matmul.ts";
import { planned } from "../../src/ops/matmul-plan.ts";
import {
  moeCombine,
  moeRoute,
  moeRouteBackward,
  moeWeighRows,
  moeWeightBackward,
  type Routing,
  type RoutingSizes,
} from "../../src/ops/moe.ts";
import { dequantise4bit } from "../../src/ops/quant.ts";
import { testDevice } from "../gpu.ts";
import { matmulReference } from "../reference/matmul.ts";
import { route, routeBackward, sorted } from "../reference/moe.ts";
import { Bench, expectClose, halfUlp, largest, noise, rounded } from "./op-harness.ts";

setDefaultTimeout(120_000);

const shapes: readonly RoutingSizes[] = [
  { tokens: 1, experts: 8, topk: 2 },
  { tokens: 7, experts: 3, topk: 3 },
  { tokens: 131, experts: 8, topk: 2 },
  { tokens: 64, experts: 5, topk: 1 },
  { tokens: 33, experts: 70, topk: 6 },
];

function routing(bench: Bench, { tokens, experts, topk }: RoutingSizes): Routing {
  const entries = tokens * topk;
  return {
    chosen: bench.words(new Uint32Array(entries)),
    weights: bench.output(entries),
    rows: bench.words(new Uint32Array(entries)),
    places: bench.words(new Uint32Array(entries)),
    segments: bench.words(new Uint32Array(2 * experts)),
  };
}

for (const tier of ["software", "f32", "f16"] as const) {
  const { device, gpuTest } = await testDevice({ tier });
  const dtype = tier === "f16" ? "f16" : "f32";
  const words = async (tensor: Tensor, count: number) =>
    Array.from((await device.readWords(tensor)).subarray(0, count));

  for (const shape of shapes)
    gpuTest(`${tier}: ${shape.tokens} tokens over ${shape.topk} of ${shape.experts} experts`, async () => {
      await using bench = new Bench(device);
      const { tokens, experts, topk } = shape;
      const logits = noise(1, tokens * experts, 4);
      // Equal logits: the lower index comes first.
      logits.fill(9, Math.max(0, experts - 3), experts);
      const r = routing(bench, shape);
      bench.run((stream) => moeRoute(stream, { ...r, logits: bench.input(logits) }, shape));
      const expected = route(logits, shape);
      const entries = tokens * topk;
      expect(await words(r.chosen, entries)).toEqual(expected.chosen);
      expectClose("weights", await bench.read(r.weights), expected.weights, { absolute: 1e-6 });
      const order = sorted(expected.chosen, shape);
      expect(await words(r.rows, entries)).toEqual(order.rows);
      expect(await words(r.places, entries)).toEqual(order.places);
      expect(await words(r.segments, 2 * experts)).toEqual(order.segments);
    });

  gpuTest(
    `${tier}: logits that are not numbers give weights that are not, and experts that exist`,
    async () => {
      const shape = { tokens: 3, experts: 4, topk: 2 };
      await using bench = new Bench(device);
      const r = routing(bench, shape);
      const logits = bench.input(new Float32Array(12).fill(Number.NaN));
      bench.run((stream) => moeRoute(stream, { ...r, logits }, shape));
      expect(await words(r.chosen, 6)).toEqual([0, 1, 0, 1, 0, 1]);
      expect((await bench.read(r.weights)).every(Number.isNaN)).toBe(true);
      expect(await words(r.segments, 8)).toEqual([0, 3, 3, 3, 6, 0, 6, 0]);
    },
  );

  gpuTest(`${tier}: rows come back to their tokens, weighted or not, in place or beside it`, async () => {
    const shape = { tokens: 37, experts: 5, topk: 2 };
    const columns = 19;
    const logits = noise(2, shape.tokens * shape.experts);
    const y = noise(3, shape.tokens * shape.topk * columns);
    const before = noise(4, shape.tokens * columns);
    const { chosen, weights } = route(logits, shape);
    const { places } = sorted(chosen, shape);
    for (const [weighted, accumulate] of [
      [true, true],
      [false, false],
    ] as const) {
      await using bench = new Bench(device);
      const r = routing(bench, shape);
      const out = bench.inOut(before);
      bench.run((stream) => {
        moeRoute(stream, { ...r, logits: bench.input(logits) }, shape);
        const sizes = { tokens: shape.tokens, columns, topk: shape.topk, weighted, accumulate };
        moeCombine(stream, { ...r, y: bench.input(y), out }, sizes);
      });
      const expected = Float64Array.from(before, (v, i) => {
        let sum = accumulate ? v : 0;
        for (let j = 0; j < shape.topk; j++) {
          const entry = Math.floor(i / columns) * shape.topk + j;
          sum += (weighted ? weights[entry]! : 1) * y[places[entry]! * columns + (i % columns)]!;
        }
        return sum;
      });
      expectClose("out", await bench.read(out), expected, { absolute: 1e-6 });
    }
  });

  gpuTest(`${tier}: the router's gradient is the slope of the chosen experts' softmax`, async () => {
    const shape = { tokens: 41, experts: 6, topk: 3 };
    const columns = 83;
    const entries = shape.tokens * shape.topk;
    const logits = noise(5, shape.tokens * shape.experts);
    const h = rounded(noise(6, entries * columns), dtype);
    const dh = noise(7, entries * columns);
    const routed = route(logits, shape);
    const { places } = sorted(routed.chosen, shape);
    await using bench = new Bench(device);
    const r = routing(bench, shape);
    const [inner, dweights] = [bench.inOut(dh), bench.output(entries)];
    const dlogits = bench.output(shape.tokens * shape.experts);
    bench.run((stream) => {
      moeRoute(stream, { ...r, logits: bench.input(logits) }, shape);
      const t = { ...r, h: bench.input(h, dtype), dh: inner, dweights };
      moeWeightBackward(stream, t, { entries, columns });
      moeRouteBackward(stream, { ...r, dweights, dlogits }, shape);
    });
    const again = bench.inOut(dh);
    bench.run((stream) => moeWeighRows(stream, { ...r, x: again }, { entries, columns }));
    const weighted = Float64Array.from(dh);
    const slopes = places.map((place, entry) => {
      let sum = 0;
      for (let c = 0; c < columns; c++) {
        sum += dh[place * columns + c]! * h[place * columns + c]!;
        weighted[place * columns + c]! *= routed.weights[entry]!;
      }
      return sum;
    });
    expectClose("dweights", await bench.read(dweights), slopes, { absolute: 1e-5 });
    expectClose("dh", await bench.read(inner), weighted, { absolute: 1e-6 });
    expectClose("rows", await bench.read(again), weighted, { absolute: 1e-6 });
    expectClose("dlogits", await bench.read(dlogits), routeBackward(routed, slopes, shape), {
      absolute: 1e-5,
    });
  });

  for (const mode of ["nt", "nn", "tn"] as const)
    gpuTest(`${tier}: products ${mode} keep to the rows of their segment, empty ones included`, async () => {
      const [m, n, k] = [29, 37, 68];
      const [stored, stride] = [64, 41];
      const a = rounded(noise(8, stored * k), dtype);
      const b = rounded(noise(9, n * k), dtype);
      const before = noise(10, stored * stride);
      const spans = [
        [5, 17],
        [22, 0],
        [22, 29],
        [51, 1],
      ] as const;
      for (const accumulate of [false, true])
        for (const [segment, [first, rows]] of spans.entries()) {
          await using bench = new Bench(device);
          const out = bench.inOut(before);
          const t = { a: bench.input(a, dtype), b: bench.input(b, dtype), out };
          const segments = bench.words(spans.flat());
          const layout = { outStride: stride, alpha: 0.5, accumulate };
          bench.run((stream) =>
            matmul(stream, { ...t, segments }, { mode, m, n, k, outOffset: 3, segment, ...layout }),
          );
          const operands = { a, b, out: before, extraA: [], extraB: [] };
          const reference =
            mode === "tn"
              ? { m, n, k: rows, aOffset: first * m, bOffset: first * n, outOffset: 3 }
              : { m: rows, n, k, aOffset: first * k, outOffset: 3 + first * stride };
          const expected = matmulReference(operands, planned({ mode, ...reference, ...layout })).out;
          expectClose("out", await bench.read(out), expected, { absolute: 2e-5 });
        }
    });

  gpuTest(`${tier}: a few rows of a segment by plain and by 4-bit weights`, async () => {
    const [n, k, block] = [35, 128, 64];
    const m = tier === "software" ? 1 : 6;
    const x = rounded(noise(11, 9 * k), dtype);
    const weights = noise(12, n * k, 0.2);
    const { packed, absmax } = quantise(weights, "nf4", block);
    for (const [first, rows] of [
      [4, Math.min(m, 5)],
      [8, 0],
      [8, 1],
    ] as const) {
      await using bench = new Bench(device);
      const codes = new Uint32Array(packed.buffer.slice(0));
      const four = {
        packed: bench.words(codes),
        absmax: bench.input(absmax),
        table: bench.input(codeValues.nf4),
        block,
        roundTo: "F32" as const,
      };
      const segments = bench.words([0, 0, first, rows]);
      const out = bench.inOut(noise(13, 9 * (n + 2)));
      const outFour = bench.inOut(noise(13, 9 * (n + 2)));
      const plain = bench.output(n * k, dtype);
      const t = { x: bench.input(x, dtype), segments };
      const sizes = { m, n, k, outStride: n + 2, segment: 1 };
      bench.run((stream) => {
        dequantise4bit(stream, { ...four, out: plain }, { count: n * k, block });
        gemv(stream, { ...t, w: plain, out }, sizes);
        gemv4bit(stream, { ...t, out: outFour }, four, sizes);
      });
      const w = await bench.read(plain);
      const operands = { a: x, b: w, out: noise(13, 9 * (n + 2)), extraA: [], extraB: [] };
      const place = { aOffset: first * k, outOffset: first * (n + 2), outStride: n + 2 };
      const expected = matmulReference(operands, planned({ mode: "nt", m: rows, n, k, ...place })).out;
      const slack = dtype === "f16" ? halfUlp * largest(expected) * Math.sqrt(k) : 0;
      expectClose("plain", await bench.read(out), expected, { absolute: 1e-5 });
      expectClose("4-bit", await bench.read(outFour), expected, { absolute: 1e-5 + slack });
    }
  });

  gpuTest(`${tier}: a segment without rows leaves its weights packed`, async () => {
    const { packed, absmax } = quantise(noise(14, 128), "nf4", 64);
    await using bench = new Bench(device);
    const t = {
      packed: bench.words(new Uint32Array(packed.buffer.slice(0))),
      absmax: bench.input(absmax),
      table: bench.input(codeValues.nf4),
      segments: bench.words([0, 0, 0, 1]),
    };
    const outs = [0, 1].map(() => bench.inOut(new Float32Array(128).fill(7), dtype));
    bench.run((stream) => {
      for (const [segment, out] of outs.entries())
        dequantise4bit(stream, { ...t, out }, { count: 128, block: 64, segment });
    });
    expect((await bench.read(outs[0]!)).every((value) => value === 7)).toBe(true);
    expect((await bench.read(outs[1]!)).some((value) => value === 7)).toBe(false);
  });

  gpuTest(`${tier}: refuses segments where a product cannot take them`, async () => {
    await using bench = new Bench(device);
    const [a, segments] = [bench.input(noise(1, 64)), bench.words([0, 1])];
    const out = bench.output(64);
    const t = { a, b: bench.input(noise(2, 64)), out };
    bench.run((stream) => {
      const sizes = { m: 8, n: 8, k: 8 };
      const extra = { ...t, segments, extraA: t.a, extraB: t.b };
      expect(() => matmul(stream, extra, { mode: "nt", ...sizes, extraK: 4 })).toThrow("no extra product");
      expect(() => matmul(stream, { ...t, segments }, { mode: "nt", ...sizes, segment: 40 })).toThrow(
        "segments",
      );
    });
  });
}
