// Matrix products by matrix units: f16 operands, sums in f32. Large, aligned products only; the rest goes to register tiles.

import type { AdapterFacts } from "../gpu/facts.ts";
import type { Grid, Stream } from "../gpu/stream.ts";
import { type MatmulPlan, type MatmulTensors, segmented } from "./matmul-plan.ts";

/** Lanes that the kernel lays its work out for. */
const lanes = 32;

/** True when the kernel takes this product on this adapter: quads of elements throughout, and enough work to fill a tile. */
export function suitsMatrixUnits(facts: AdapterFacts, plan: MatmulPlan): boolean {
  const { mode, m, n, k, extraK, alpha, aOffset, aStride, bOffset, bStride, outOffset, outStride } = plan;
  const quads = [n, k, extraK, aOffset, aStride, bOffset, bStride, outOffset, outStride];
  if (mode === "tn") quads.push(m);
  const large = m >= 64 && n >= 64 && k >= 32;
  return (
    large &&
    facts.subgroupMax <= lanes &&
    quads.every((size) => size % 4 === 0) &&
    (extraK === 0 || alpha === 1)
  );
}

/** The product by kernel `name`, of which tests have a twin without matrix units. */
export function matmulMatrix(
  stream: Stream,
  tensors: MatmulTensors,
  plan: MatmulPlan,
  name = "matmul_matrix",
): void {
  const { a, b, out, extraA = a, extraB = b, segments } = tensors;
  const { mode, m, n, k, aOffset, aStride, bOffset, bStride, outOffset, outStride, extraK, alpha } = plan;
  const { kernels, facts } = stream.device;
  const kernel = kernels.get(name, {
    A: a.dtype,
    B: b.dtype,
    O: out.dtype,
    A_ROWS: mode === "tn" ? 0 : 1,
    B_ROWS: mode === "nt" ? 0 : 1,
    SEGMENTED: segmented(tensors, plan),
    STEPS: facts.maxWorkgroupBytes >= 28 << 10 ? 32 : 16,
  });
  const accumulate = plan.accumulate ? 1 : 0;
  const places = { aOffset, aStride, bOffset, bStride, outOffset, outStride };
  const grid: Grid = [Math.ceil(n / 128), Math.ceil(m / 128)];
  stream.dispatch(
    kernel,
    { a, b, out, extraA, extraB, segments: segments ?? a },
    { m, n, k, ...places, extraK, accumulate, alpha, segment: plan.segment },
    grid,
  );
}
