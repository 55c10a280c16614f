import { expect, test } from "bun:test";
import { readModelConfig } from "../../src/formats/config.ts";
import { resolveTargets } from "../../src/formats/peft-adapter.ts";
import { plainLora } from "../../src/formats/peft-config.ts";
import { initLora } from "../../src/train/lora-init.ts";

const config = plainLora({
  r: 4,
  alpha: 8,
  targetModules: ["q_proj", "v_proj", "down_proj", "o_proj"],
});

// First four values of A after torch.manual_seed(42); get_peft_model(...) on tiny-qwen2: torch 2.15.0, peft 0.21.2.
const golden: Record<string, number[]> = {
  "0.self_attn.q_proj": [
    0.038905590772628784, -0.09535901248455048, -0.0790930837392807, -0.10392281413078308,
  ],
  "0.mlp.down_proj": [-0.01988537609577179, 0.007114891894161701, -0.02116025984287262, -0.07740569859743118],
  "1.mlp.down_proj": [
    -0.022411545738577843, 0.021419212222099304, -0.035670917481184006, -0.004017041530460119,
  ],
};

test("a fresh adapter has the values that PEFT draws from the same seed", () => {
  const model = readModelConfig("test/golden/numeric/models/tiny-qwen2/config.json");
  const tensors = initLora(resolveTargets(config, model), 42);
  for (const [module, values] of Object.entries(golden)) {
    const name = `base_model.model.model.layers.${module}`;
    expect([...tensors.get(`${name}.lora_A.weight`)!.data.slice(0, 4)]).toEqual(values);
    expect(tensors.get(`${name}.lora_B.weight`)!.data.every((x) => x === 0)).toBe(true);
  }
});

test("values lie within 1 / sqrt(in), fill that range, and depend on the seed", () => {
  const model = readModelConfig("test/golden/numeric/models/tiny-qwen2/config.json");
  const targets = resolveTargets(config, model);
  const [a] = initLora(targets, 1).values();
  const [b] = initLora(targets, 2).values();
  const largest = Math.max(...a!.data.map(Math.abs));
  expect(largest).toBeLessThanOrEqual(1 / 8);
  expect(largest).toBeGreaterThan(0.98 / 8);
  expect(a!.data).not.toEqual(b!.data);
});
