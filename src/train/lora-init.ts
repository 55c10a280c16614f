// The start of a fresh adapter: A uniform within 1 / sqrt(in), B zero. Kaiming uniform with a = sqrt(5), as PEFT.
// The values are those of `torch.manual_seed(seed); get_peft_model(...)` on a float32 base with torch's CPU generator:
// per module nn.Linear's own start of A and B is drawn first, then A again (peft 0.21 lora/layer.py `update_layer`).

import { Mt19937 } from "../data/mt19937.ts";
import { type AdapterTensor, adapterTensorName, type LoraTarget } from "../formats/peft-adapter.ts";

/** Fresh LoRA weights by PEFT key; `targets` in the order of the model. */
export function initLora(targets: readonly LoraTarget[], seed: number): Map<string, AdapterTensor> {
  const generator = new Mt19937(seed);
  const tensors = new Map<string, AdapterTensor>();
  for (const { module, r, inFeatures, outFeatures } of targets) {
    for (let skipped = r * inFeatures + outFeatures * r; skipped > 0; skipped--) generator.next();
    const a = new Float32Array(r * inFeatures);
    // torch computes the bound in double and everything after it in float.
    const bound = Math.fround(Math.sqrt(3) * (Math.sqrt(2 / (1 + 5)) / Math.sqrt(inFeatures)));
    const width = Math.fround(bound - -bound);
    for (let i = 0; i < a.length; i++)
      // torch's compiler fuses the product and the sum: one rounding. In double both are exact.
      a[i] = ((generator.next() & 0xffffff) / 0x1000000) * width - bound;
    tensors.set(adapterTensorName(module, "A"), { shape: [r, inFeatures], data: a });
    tensors.set(adapterTensorName(module, "B"), {
      shape: [outFeatures, r],
      data: new Float32Array(outFeatures * r),
    });
  }
  return tensors;
}
