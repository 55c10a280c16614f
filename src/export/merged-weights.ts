// What a merge adds to a weight: scale x B A, row by row.

import { type Adapter, adapterTensorName, type LoraTarget } from "../formats/peft-adapter.ts";
import type { ChangeRows } from "../formats/weight-chunks.ts";

/** Adds rows of scale x B A; sums in f64, each result rounded to f32 before it is added, as PEFT's `get_delta_weight` is. */
export function deltaAdder(adapter: Adapter, target: LoraTarget): ChangeRows {
  const a = adapter.tensors.get(adapterTensorName(target.module, "A"))!.data;
  const b = adapter.tensors.get(adapterTensorName(target.module, "B"))!.data;
  const { r, inFeatures: columns } = target;
  const scale = target.scale;
  const sums = new Float64Array(columns);
  return (from, to, values) => {
    for (let row = from; row < to; row++) {
      sums.fill(0);
      for (let k = 0; k < r; k++) {
        const factor = b[row * r + k]!;
        const at = k * columns;
        for (let j = 0; j < columns; j++) sums[j]! += factor * a[at + j]!;
      }
      const at = (row - from) * columns;
      for (let j = 0; j < columns; j++) values[at + j]! += Math.fround(sums[j]! * scale);
    }
  };
}
