// The tiles that only GPUs choose, run on whatever adapter there is: their indices are those that a GPU would use.

import { setDefaultTimeout } from "bun:test";
import { type MatmulTensors, planned } from "../../src/ops/matmul-plan.ts";
import { matmulTile } from "../../src/ops/matmul-tile.ts";
import { testDevice } from "../gpu.ts";
import { expectProduct } from "./matmul-cases.ts";

// Software drivers compile a kernel for seconds where the machine is busy.
setDefaultTimeout(120_000);

const { device, gpuTest } = await testDevice({ tier: "f32" });

for (const [tile, mode, sizes] of [
  [1, "tn", [130, 33, 70]],
  [2, "nt", [65, 70, 37]],
  [3, "nn", [131, 140, 19]],
] as const)
  gpuTest(`makes tiles of kind ${tile}, whole and ragged`, async () => {
    const [m, n, k] = sizes;
    const multiply = (
      stream: Parameters<typeof matmulTile>[0],
      tensors: MatmulTensors,
      product: Parameters<typeof planned>[0],
    ) => matmulTile(stream, tensors, planned(product), tile);
    const extraK = mode === "tn" ? 0 : 9;
    await expectProduct(device, { mode, m, n, k, extraK, alpha: 0.7, pad: 3, offset: 1 }, multiply);
    await expectProduct(device, { mode, m: 1, n: 1, k: 600, accumulate: true }, multiply);
  });
