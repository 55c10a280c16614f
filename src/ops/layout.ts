// How threads are laid over rows and elements, by kind of adapter.

import type { Device } from "../gpu/device.ts";
import { foldedGrid, type Grid } from "../gpu/stream.ts";

const elementThreads = 64;

/** Workgroups for one thread an element. */
export function elementGrid(count: number): Grid {
  return foldedGrid(Math.ceil(count / elementThreads));
}

/** How many threads share a row of `columns`, and how many rows share a workgroup: LANES and ROWS of kernels/lib/reduce.wgsl.
 *  On a CPU adapter a load costs the same whether lanes read one row or many, and a barrier is dear: one thread a row. */
export function rowLayout(device: Device, columns: number): { LANES: number; ROWS: number } {
  if (device.tier === "software") return { LANES: 1, ROWS: device.facts.subgroupMin };
  if (columns <= 128) return { LANES: 16, ROWS: 4 };
  return columns <= 1024 ? { LANES: 64, ROWS: 1 } : { LANES: 256, ROWS: 1 };
}

/** Workgroups for `rows` rows in that layout. */
export function rowGrid(rows: number, layout: { ROWS: number }): Grid {
  return foldedGrid(Math.ceil(rows / layout.ROWS));
}
