// The order in which a run sees its rows: torch's random permutation from a seed, or as they come.

import { Mt19937 } from "./mt19937.ts";

/** `torch.randperm(n, generator=manual_seed(seed))` on the CPU: Fisher-Yates by remainder (aten/native TensorFactories). */
export function randperm(n: number, seed: number): Int32Array {
  const random = new Mt19937(seed);
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < n - 1; i++) {
    const j = i + (random.next() % (n - i));
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}

/** Row indices of one epoch (from 0). `shuffle` is accelerate's SeedableRandomSampler: a new permutation from seed + epoch. */
export function epochOrder(
  rows: number,
  epoch: number,
  options: { readonly order: "shuffle" | "sequential"; readonly seed: number },
): Int32Array {
  return options.order === "shuffle"
    ? randperm(rows, options.seed + epoch)
    : Int32Array.from({ length: rows }, (_, i) => i);
}
