// Runs one matrix product with poison wherever no data may be read or written, and compares every element with f64.
import { expect } from "bun:test";
import type { Device } from "../../src/gpu/device.ts";
import { Stream } from "../../src/gpu/stream.ts";
import { matmul } from "../../src/ops/matmul.ts";
import type { Matmul } from "../../src/ops/matmul-plan.ts";
import { matmulReference } from "../reference/matmul.ts";

/** A product and how to lay it out: `pad` columns between rows, `offset` elements before the first. */
export interface ProductCase extends Matmul {
  readonly pad?: number;
  readonly offset?: number;
  readonly aType?: "f32" | "f16";
  readonly bType?: "f32" | "f16";
  readonly outType?: "f32" | "f16";
  /** Makes all operands numbers that f16 holds, whatever their type: what a kernel that multiplies in f16 is given. */
  readonly halves?: boolean;
}

/** Numbers in (-1, 1), the same for the same seed. */
function numbers(count: number, seed: number): Float32Array {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const rounded = (values: Float32Array, type: "f32" | "f16") =>
  type === "f16" ? Float32Array.from(new Float16Array(values)) : values;

// A matrix of `rows` x `columns` at a stride and an offset, with NaN around it, `behind` elements after it.
function poisoned(rows: number, columns: number, stride: number, offset: number, values: Float32Array) {
  const all = new Float32Array(offset + rows * stride + 64).fill(Number.NaN);
  for (let i = 0; i < rows; i++)
    all.set(values.subarray(i * columns, (i + 1) * columns), offset + i * stride);
  return all;
}

/** Runs a case on the device and expects every element within the bound of kernels.md, and nothing else touched. */
export async function expectProduct(device: Device, c: ProductCase, multiply = matmul): Promise<void> {
  const { mode, m, n, k, pad = 0, offset = 0, extraK = 0, alpha = 1, accumulate = false } = c;
  const { aType = "f32", bType = "f32", outType = "f32", halves = false } = c;
  const [aRows, aColumns] = mode === "tn" ? [k, m] : [m, k];
  const [bRows, bColumns] = mode === "nt" ? [n, k] : [k, n];
  const layout = {
    aOffset: offset,
    aStride: aColumns + pad,
    bOffset: 2 * offset,
    bStride: bColumns + pad,
    outOffset: 3 * offset,
    outStride: n + pad,
  };
  const matrix = (type: "f32" | "f16", values: Float32Array) => ({
    type,
    values: rounded(values, halves ? "f16" : type),
  });
  const a = matrix(
    aType,
    poisoned(aRows, aColumns, layout.aStride, layout.aOffset, numbers(aRows * aColumns, 1)),
  );
  const b = matrix(
    bType,
    poisoned(bRows, bColumns, layout.bStride, layout.bOffset, numbers(bRows * bColumns, 2)),
  );
  const before = matrix(
    outType,
    poisoned(
      m,
      n,
      layout.outStride,
      layout.outOffset,
      accumulate ? numbers(m * n, 3) : new Float32Array(m * n).fill(Number.NaN),
    ),
  );
  const extraA = matrix("f32", poisoned(m, extraK, extraK, 0, numbers(m * extraK, 4)));
  const extraB = matrix("f32", poisoned(n, extraK, extraK, 0, numbers(n * extraK, 5)));
  const upload = (label: string, { type, values }: ReturnType<typeof matrix>) => {
    const tensor = device.tensor("test", label, type, [values.length]);
    device.write(tensor, type === "f16" ? new Float16Array(values) : values);
    return tensor;
  };
  const tensors = {
    a: upload("a", a),
    b: upload("b", b),
    out: upload("out", before),
    extraA: upload("extraA", extraA),
    extraB: upload("extraB", extraB),
  };
  const stream = new Stream(device);
  multiply(stream, tensors, { mode, m, n, k, alpha, accumulate, extraK, ...layout });
  stream.submit();
  const got = await device.read(tensors.out);
  for (const tensor of Object.values(tensors)) device.free(tensor);

  const { out, scale } = matmulReference(
    { a: a.values, b: b.values, out: before.values, extraA: extraA.values, extraB: extraB.values },
    { mode, m, n, k, alpha, accumulate, extraK, ...layout },
  );
  let worst = { excess: 0, text: "" };
  let touched = "";
  let squaredError = 0;
  let squared = 0;
  for (let at = 0; at < got.length; at++) {
    const i = Math.floor((at - layout.outOffset) / layout.outStride);
    const j = at - layout.outOffset - i * layout.outStride;
    if (i < 0 || i >= m || j >= n) {
      if (!Number.isNaN(got[at])) touched ||= `wrote ${got[at]} at ${at}, outside the ${m}x${n} result`;
      continue;
    }
    const error = Math.abs(got[at]! - out[at]!);
    squaredError += error ** 2;
    squared += out[at]! ** 2;
    const bound =
      1e-30 +
      8 * 2 ** -24 * Math.sqrt(k + extraK) * scale[at]! +
      (outType === "f16" ? 2 ** -10 * Math.abs(out[at]!) + 2 ** -24 : 0);
    const excess = error / bound;
    if (!(excess <= worst.excess))
      worst = {
        excess: Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess,
        text: `out[${i},${j}] = ${got[at]}, expected ${out[at]}`,
      };
  }
  const what = `${JSON.stringify(c)}: `;
  expect(what + touched).toBe(what);
  expect(worst.excess <= 1 ? "" : `${what}${worst.text}, ${worst.excess} times the bound`).toBe("");
  const gate = outType === "f16" ? 1e-6 : 1e-10;
  expect(squaredError <= gate * squared || squared === 0 ? "" : `${what}NMSE ${squaredError / squared}`).toBe(
    "",
  );
}
