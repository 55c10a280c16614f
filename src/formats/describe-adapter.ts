// What an adapter consists of, and how large its matrices are: for `inspect adapter`.

import { type Adapter, adapterTensorName } from "./peft-adapter.ts";

/** One adapted module, from the tensors alone. */
export interface AdapterModule {
  readonly module: string;
  readonly r: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** Frobenius norms. B is 0 in an adapter that was never trained. */
  readonly normA: number;
  readonly normB: number;
}

/** Modules of an adapter in the order of the model, and the number of their parameters. */
export function describeAdapter(adapter: Adapter): { modules: readonly AdapterModule[]; parameters: number } {
  const names = [...adapter.tensors.keys()].map(
    (name) => /^base_model\.model\.(.+)\.lora_[AB]\.weight$/.exec(name)![1]!,
  );
  const collator = new Intl.Collator("en", { numeric: true });
  const modules = [...new Set(names)].sort(collator.compare).map((module) => {
    const a = adapter.tensors.get(adapterTensorName(module, "A"));
    const b = adapter.tensors.get(adapterTensorName(module, "B"));
    return {
      module,
      r: a?.shape[0] ?? b?.shape[1] ?? 0,
      inFeatures: a?.shape[1] ?? 0,
      outFeatures: b?.shape[0] ?? 0,
      normA: norm(a?.data),
      normB: norm(b?.data),
    };
  });
  const parameters = [...adapter.tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  return { modules, parameters };
}

function norm(values: Float32Array | undefined): number {
  return Math.sqrt((values ?? new Float32Array(0)).reduce((sum, x) => sum + x * x, 0));
}
