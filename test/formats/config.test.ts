import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseModelConfig, readModelConfig } from "../../src/formats/config.ts";
import { expectedTensors } from "../../src/formats/tensor-names.ts";
import { formats, messageOf, models, scratch } from "./golden.ts";

interface Case {
  readonly name: string;
  readonly raw: Record<string, unknown>;
  readonly shapes: Record<string, number[]>;
  readonly windows: (number | null)[];
  readonly rope: Record<string, unknown>;
  readonly eps: number;
  readonly eos: number[];
  readonly bos: number | null;
  readonly tied: boolean;
  readonly positions: number;
}
const cases: Case[] = JSON.parse(readFileSync(join(formats, "configs.json"), "utf8"));

describe("a config means what transformers makes of it", () => {
  for (const { name, raw, ...wanted } of cases)
    test(name, () => {
      const config = parseModelConfig(raw, "config.json");
      const expected = Object.entries(wanted.shapes).filter(
        ([key]) => key !== "lm_head.weight" || !wanted.tied,
      );
      expect(Object.fromEntries(expectedTensors(config))).toEqual(Object.fromEntries(expected));
      expect(config.slidingWindow.map((window) => window ?? null)).toEqual(wanted.windows);
      expect(config.ropeTheta).toBe(wanted.rope.rope_theta as number);
      expect(config.ropeScaling?.type ?? "default").toBe(wanted.rope.rope_type as string);
      if (config.ropeScaling !== undefined)
        expect(config.ropeScaling.factor).toBe(wanted.rope.factor as number);
      if (config.ropeScaling?.type === "llama3")
        expect([
          config.ropeScaling.lowFreqFactor,
          config.ropeScaling.highFreqFactor,
          config.ropeScaling.originalMaxPosition,
        ]).toEqual([
          wanted.rope.low_freq_factor,
          wanted.rope.high_freq_factor,
          wanted.rope.original_max_position_embeddings,
        ] as number[]);
      expect(config.rmsNormEps).toBe(wanted.eps);
      expect(config.eosTokenIds).toEqual(wanted.eos);
      expect(config.bosTokenId ?? null).toBe(wanted.bos);
      expect(config.tieWordEmbeddings).toBe(wanted.tied);
      expect(config.maxPositionEmbeddings).toBe(wanted.positions);
    });
});

const plain = JSON.parse(readFileSync(join(models, "tiny-llama", "config.json"), "utf8"));
const refusal = (change: Record<string, unknown>) =>
  messageOf(() => parseModelConfig({ ...plain, ...change }, "c.json"));

describe("what would change the maths is refused by its name", () => {
  const changes: [string, unknown, string?][] = [
    ["hidden_act", "gelu"],
    ["partial_rotary_factor", 0.5],
    ["attn_logit_softcapping", 50],
    ["final_logit_softcapping", 30],
    ["num_local_experts", 8],
    ["num_experts", 64],
    ["pretraining_tp", 2],
    ["attention_dropout", 0.1],
    ["rope_scaling", { rope_type: "yarn", factor: 4 }, "rope_scaling.rope_type"],
    ["rope_scaling", { type: "dynamic", factor: 4 }, "rope_scaling.rope_type"],
    [
      "rope_parameters",
      { rope_type: "default", rope_theta: 1e4, partial_rotary_factor: 0.5 },
      "rope_parameters.partial_rotary_factor",
    ],
    ["quantization_config", { quant_method: "gptq", bits: 4 }, "quantization_config.quant_method"],
    [
      "quantization_config",
      { quant_method: "bitsandbytes", load_in_8bit: true },
      "quantization_config.load_in_4bit",
    ],
    ["vision_config", { hidden_size: 3 }],
    ["per_layer_config", { 0: {} }],
  ];
  for (const [key, value, named = key] of changes)
    test(`${key} ${JSON.stringify(value)}`, () => {
      expect(refusal({ [key]: value })).toStartWith(`c.json: ${named}: expected `);
    });

  test("an unknown architecture lists those that are supported", () => {
    expect(refusal({ model_type: "gemma3" })).toBe(
      `c.json: model_type: expected one of llama, mistral, qwen2, qwen3, mixtral, got "gemma3"`,
    );
  });

  test("a missing or mistyped field is named", () => {
    expect(refusal({ hidden_size: undefined })).toBe(
      "c.json: hidden_size: expected a positive whole number, got nothing",
    );
    expect(refusal({ num_hidden_layers: "2" })).toContain(
      `num_hidden_layers: expected a whole number from 1 to 4096, got "2"`,
    );
    expect(refusal({ num_key_value_heads: 3 })).toContain("num_key_value_heads: expected a divisor");
    expect(refusal({ tie_word_embeddings: "yes" })).toContain("tie_word_embeddings: expected true or false");
    expect(refusal({ eos_token_id: "</s>" })).toContain("eos_token_id: expected a token id");
  });

  test("a sliding layer without a window is refused", () => {
    const raw = {
      ...plain,
      model_type: "qwen2",
      layer_types: ["sliding_attention", "full_attention"],
      use_sliding_window: false,
    };
    expect(messageOf(() => parseModelConfig(raw, "c.json"))).toContain(
      "layer_types[0]: expected a sliding_window",
    );
  });
});

describe("a config file that is no JSON names the line", () => {
  const path = join(scratch(), "config.json");
  test("cut off", () => {
    writeFileSync(path, '{\n "model_type": "llama",\n "hidden_size": 6');
    expect(messageOf(() => readModelConfig(path))).toStartWith(`${path}:3: expected JSON, got `);
  });
  test("with a stray word", () => {
    writeFileSync(path, '{\n "model_type": "llama",\n "hidden_size": nope,\n "x": 1\n}');
    expect(messageOf(() => readModelConfig(path))).toStartWith(`${path}:3: expected JSON, got `);
  });
  test("with bytes that are not UTF-8", () => {
    writeFileSync(path, Uint8Array.of(0x7b, 0xff, 0x7d));
    expect(messageOf(() => readModelConfig(path))).toBe(`${path}: expected UTF-8 text, got other bytes`);
  });
  test("missing", () => {
    expect(messageOf(() => readModelConfig(`${path}.none`))).toBe(
      `${path}.none: expected a model's config.json, got no such file`,
    );
  });
});
