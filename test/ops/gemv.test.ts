import { expect, setDefaultTimeout } from "bun:test";
import { codeValues, quantise } from "../../src/formats/nf4.ts";
import { Stream } from "../../src/gpu/stream.ts";
import { gemv, gemv4bit, suitsGemv } from "../../src/ops/gemv.ts";
import { testDevice } from "../gpu.ts";
import { Bench, expectClose, halfUlp, largest, noise, rounded } from "./op-harness.ts";

setDefaultTimeout(120_000);

/** out[b, c] = start + alpha sum_k x[b, k] w[c, k] in f64, at rows of `stride`. */
function reference(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  start: Float64Array,
  s: { m: number; n: number; k: number; alpha: number; xOffset: number; outOffset: number; stride: number },
): Float64Array {
  const out = start.slice();
  for (let b = 0; b < s.m; b++)
    for (let c = 0; c < s.n; c++) {
      let sum = 0;
      for (let k = 0; k < s.k; k++) sum += x[s.xOffset + b * s.k + k]! * w[c * s.k + k]!;
      out[s.outOffset + b * s.stride + c]! += s.alpha * sum;
    }
  return out;
}

const shapes = [
  [1, 4],
  [3, 8],
  [5, 36],
  [64, 64],
  [67, 576],
  [130, 1040],
] as const;

for (const tier of ["software", "f32", "f16"] as const) {
  const { device, gpuTest } = await testDevice({ tier });
  const dtype = tier === "f16" ? "f16" : "f32";
  const batches = tier === "software" ? [1] : [1, 3, 8];

  for (const [n, k] of shapes)
    gpuTest(`${tier}: [${n}, ${k}] times ${batches.join(", ")} rows, in place and beside it`, async () => {
      for (const m of batches)
        for (const accumulate of [false, true]) {
          const s = { m, n, k, alpha: -0.75, xOffset: 8, outOffset: 3, stride: n + 5 };
          const size = s.outOffset + (m - 1) * s.stride + n;
          await using bench = new Bench(device);
          const [x, w] = [rounded(noise(1, 8 + m * k), dtype), rounded(noise(2, n * k), dtype)];
          const before = rounded(noise(3, size), "f32");
          const start = accumulate ? before : before.map((v, i) => (written(i, s) ? 0 : v));
          const out = bench.inOut(before);
          const t = { x: bench.input(x, dtype), w: bench.input(w, dtype), out };
          bench.run((stream) => gemv(stream, t, { ...s, accumulate, outStride: s.stride }));
          const expected = reference(x, w, start, s);
          expectClose("out", await bench.read(out), expected, {
            absolute: 4e-7 * largest(expected) * Math.sqrt(k),
          });
        }
    });

  for (const [n, k, block] of [
    [3, 8, 64],
    [67, 576, 64],
    [9, 1088, 32],
  ] as const)
    gpuTest(`${tier}: 4-bit [${n}, ${k}] in blocks of ${block}, and their roundings`, async () => {
      for (const m of batches)
        for (const [roundTo, slack] of [
          ["F32", 0],
          ["F16", 2 ** -11],
          ["BF16", 2 ** -8],
        ] as const) {
          const weights = noise(5, n * k, 0.2);
          const { packed, absmax } = quantise(weights, "nf4", block);
          await using bench = new Bench(device);
          const words = new Uint32Array(Math.ceil(packed.length / 4));
          new Uint8Array(words.buffer).set(packed);
          const plain = Float64Array.from({ length: n * k }, (_, i) => {
            const code = (packed[i >> 1]! >> (i % 2 ? 0 : 4)) & 15;
            return roundedTo(roundTo, Math.fround(codeValues.nf4[code]! * absmax[Math.floor(i / block)]!));
          });
          const x = rounded(noise(6, m * k), dtype);
          const out = bench.output(m * n);
          const weight = {
            packed: bench.words(words),
            absmax: bench.input(absmax),
            table: bench.input(codeValues.nf4),
            block,
            roundTo,
          };
          bench.run((stream) => gemv4bit(stream, { x: bench.input(x, dtype), out }, weight, { m, n, k }));
          const s = { m, n, k, alpha: 1, xOffset: 0, outOffset: 0, stride: n };
          const expected = reference(x, plain, new Float64Array(m * n), s);
          const absolute = (4e-7 + slack * 1e-3) * largest(expected) * Math.sqrt(k);
          expectClose(roundTo, await bench.read(out), expected, { absolute });
        }
    });

  if (dtype === "f16")
    gpuTest("f16: out in half precision is clamped to its range", async () => {
      await using bench = new Bench(device);
      const out = bench.output(2, "f16");
      const t = {
        x: bench.input([300, 300, 300, 300], "f16"),
        w: bench.input([300, 300, 0, 0, 0.25, 0, 0, 0], "f16"),
        out,
      };
      bench.run((stream) => gemv(stream, t, { m: 1, n: 2, k: 4 }));
      expectClose("out", await bench.read(out), [65504, 75], { absolute: 0, relative: halfUlp });
    });

  gpuTest(`${tier}: what it does not take is said`, () => {
    const stream = new Stream(device);
    expect(suitsGemv(stream, { m: 1, n: 5, k: 6 })).toBe(false);
    expect(suitsGemv(stream, { m: 1, n: 5, k: 12 }, true)).toBe(false);
    expect(suitsGemv(stream, { m: 9, n: 5, k: 8 })).toBe(false);
    expect(suitsGemv(stream, { m: 1, n: 5, k: 8, xOffset: 2 })).toBe(false);
  });
}

function written(i: number, s: { m: number; n: number; outOffset: number; stride: number }): boolean {
  const at = i - s.outOffset;
  return at >= 0 && at % s.stride < s.n && at / s.stride < s.m;
}

function roundedTo(type: "F32" | "F16" | "BF16", value: number): number {
  if (type === "F16") return new Float16Array([value])[0]!;
  if (type === "F32") return value;
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const even = (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(Uint32Array.of(even).buffer)[0]!;
}
