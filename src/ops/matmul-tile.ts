// Matrix products on GPUs without matrix units, and everywhere in f32: tiles of out in registers, steps of k in workgroup memory.

import type { Device } from "../gpu/device.ts";
import { foldedGrid, type Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { type MatmulPlan, type MatmulTensors, segmented } from "./matmul-plan.ts";

/** Rows and columns of out that one workgroup makes, by the kernel's TILE. */
const tileSizes = [
  { m: 16, n: 16 },
  { m: 128, n: 32 },
  { m: 64, n: 64 },
  { m: 128, n: 128 },
] as const;

type Tile = 0 | 1 | 2 | 3;

/** Workgroups that fill a large GPU; products with fewer tiles are split along k. */
const enoughWorkgroups = 256;
/** Steps of k below which a split does not pay. */
const fewestSteps = 256;
/** Elements of the workspace that partial products of split sums take, once a device, on adapters with such bindings. */
export function workspaceElements(maxBindingBytes: number): number {
  return Math.min(4 << 20, Math.floor(maxBindingBytes / 4));
}

const workspaces = new WeakMap<Device, Tensor>();

// Partial products of split sums; one a device, made on first use.
function workspace(device: Device): Tensor {
  let tensor = workspaces.get(device);
  if (!tensor) {
    tensor = device.tensor("workspace", "partial products", "f32", [
      workspaceElements(device.maxBindingBytes),
    ]);
    workspaces.set(device, tensor);
  }
  return tensor;
}

/** The product of any operands: f32 or f16, any alignment, the LoRA delta included. `tile` is the kernel's TILE. */
export function matmulTile(
  stream: Stream,
  tensors: MatmulTensors,
  plan: MatmulPlan,
  tile: Tile = chooseTile(stream.device, plan.m, plan.n),
): void {
  const { a, b, out, extraA = a, extraB = b, segments } = tensors;
  const { mode, m, n, k, accumulate, outOffset, outStride } = plan;
  const { device } = stream;
  const grid = [Math.ceil(n / tileSizes[tile].n), Math.ceil(m / tileSizes[tile].m)] as const;
  const splits = out.dtype === "f32" && !segments ? chooseSplits(device, grid[0] * grid[1], plan) : 1;
  const parts = splits > 1;
  const kernel = device.kernels.get("matmul_tile", {
    A: a.dtype,
    B: b.dtype,
    O: out.dtype,
    A_ROWS: mode === "tn" ? 0 : 1,
    B_ROWS: mode === "nt" ? 0 : 1,
    TILE: tile,
    SEGMENTED: segmented(tensors, plan),
  });
  const { aOffset, aStride, bOffset, bStride, extraK, alpha, segment } = plan;
  stream.dispatch(
    kernel,
    { a, b, out: parts ? workspace(device) : out, extraA, extraB, segments: segments ?? a },
    {
      ...{ m, n, k, aOffset, aStride, bOffset, bStride, extraK, alpha, segment },
      outOffset: parts ? 0 : outOffset,
      outStride: parts ? n : outStride,
      accumulate: accumulate && !parts ? 1 : 0,
      chunk: Math.ceil(k / splits),
      splitStride: m * n,
    },
    [...grid, splits],
  );
  if (parts)
    stream.dispatch(
      device.kernels.get("matmul_sum"),
      { parts: workspace(device), out },
      { m, n, splits, outOffset, outStride, accumulate: accumulate ? 1 : 0 },
      foldedGrid(Math.ceil((m * n) / 64)),
    );
}

// CPU adapters compile and run the smallest tile soonest. On GPUs the large one wins where it makes enough workgroups.
function chooseTile(device: Device, m: number, n: number): Tile {
  if (device.facts.software) return 0;
  if (n <= 32) return 1;
  return Math.ceil(m / 128) * Math.ceil(n / 128) >= 96 ? 3 : 2;
}

function chooseSplits(device: Device, tiles: number, { m, n, k }: MatmulPlan): number {
  const useful = Math.min(Math.ceil(enoughWorkgroups / tiles), Math.floor(k / fewestSteps));
  return Math.max(1, Math.min(useful, Math.floor(workspaceElements(device.maxBindingBytes) / (m * n))));
}
