// Matrix products on CPU adapters: a fast kernel for aligned operands, and one for everything else.

import { foldedGrid, type Grid, type Stream } from "../gpu/stream.ts";
import { type MatmulPlan, type MatmulTensors, segmented } from "./matmul-plan.ts";
import { matmulTile } from "./matmul-tile.ts";

type Operands = Pick<MatmulTensors, "a" | "b" | "out" | "segments">;

/** Steps of k at once, so that what a row of tiles reads again stays in the core's cache: 20 GFLOP/s at k = 4096, not 15. */
const panelSteps = 1024;

/** out = alpha a b (+ out), all f32, on an adapter with one subgroup size. The extra product is the caller's. */
export function matmulSoftware(stream: Stream, tensors: Operands, plan: MatmulPlan): void {
  const { a, b, out, segments } = tensors;
  const { mode, m, n, k, aOffset, aStride, bOffset, bStride, outOffset, outStride, alpha, segment } = plan;
  const { kernels, facts } = stream.device;
  const accumulate = plan.accumulate ? 1 : 0;
  const place = { m, n, k, aOffset, bOffset, outOffset, outStride, accumulate, alpha };
  if (!segments && facts.subgroupMin === 8 && mode !== "tn" && isAligned(plan) && fillsTiles(m, n)) {
    const [y, z = 1] = foldedGrid(Math.ceil(m / 32));
    const kernel = kernels.get("matmul_software_aligned", { B_ROWS: mode === "nn" ? 1 : 0 });
    const grid: Grid = [Math.ceil(n / 32), y, z];
    for (let first = 0; first === 0 || first < k; first += panelSteps) {
      const panel = {
        k: Math.min(panelSteps, k - first),
        aOffset: aOffset + first,
        bOffset: bOffset + first * (mode === "nn" ? bStride : 1),
        accumulate: first > 0 ? 1 : accumulate,
      };
      stream.dispatch(kernel, { a, b, out }, { ...place, ...panel, aStride, bStride }, grid);
    }
    return;
  }
  const lanes = facts.subgroupMin;
  if (lanes !== 4 && lanes !== 8 && lanes !== 16) {
    matmulTile(stream, tensors, { ...plan, extraK: 0 });
    return;
  }
  const [y, z = 1] = foldedGrid(Math.ceil(m / 8));
  const strides = {
    aRow: mode === "tn" ? 1 : aStride,
    aStep: mode === "tn" ? aStride : 1,
    bStep: mode === "nt" ? 1 : bStride,
    bColumn: mode === "nt" ? bStride : 1,
  };
  const kernel = kernels.get("matmul_software", { LANES: lanes, SEGMENTED: segmented(tensors, plan) });
  stream.dispatch(kernel, { a, b, out, segments: segments ?? a }, { ...place, ...strides, segment }, [
    Math.ceil(n / (2 * lanes)),
    y,
    z,
  ]);
}

function isAligned(plan: MatmulPlan): boolean {
  const { n, k, aOffset, aStride, bOffset, bStride, outOffset, outStride } = plan;
  return [n, k, aOffset, aStride, bOffset, bStride, outOffset, outStride].every((size) => size % 4 === 0);
}

// Measured on lavapipe: 22 GFLOP/s in whole tiles of 32 x 32, 14 in tiles of 8 x 16; so a half-empty tile is not worth it.
function fillsTiles(m: number, n: number): boolean {
  const whole = (size: number, tile: number) => Math.ceil(size / tile) * tile;
  return whole(m, 32) * whole(n, 32) * 14 <= whole(m, 8) * whole(n, 16) * 22;
}
