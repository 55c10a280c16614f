import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openBase } from "../../../src/formats/base-weights.ts";
import { resolveGroups } from "../../../src/train/full/groups.ts";

const models = join(import.meta.dir, "../../golden/numeric/models");

function names(model: string, groups: readonly string[], load4bit = false): string[] {
  using base = openBase(join(models, model));
  return resolveGroups("--full", groups, base, load4bit).tensors.map(({ name }) => name);
}

describe("groups of parameters", () => {
  test("stand for weights and biases of the layers, in the order of the model", () => {
    expect(names("tiny-qwen2", ["attention", "layers:1"])).toEqual(
      [
        "q_proj.weight",
        "q_proj.bias",
        "k_proj.weight",
        "k_proj.bias",
        "v_proj.weight",
        "v_proj.bias",
        "o_proj.weight",
      ].map((name) => `model.layers.1.self_attn.${name}`),
    );
    expect(names("tiny-llama", ["mlp"]).length).toBe(6);
    expect(names("tiny-qwen3", ["norms"]).filter((name) => /[qk]_norm/.test(name)).length).toBe(6);
  });

  test("a range alone is all of its layers, and narrows down what is named beside it", () => {
    expect(names("tiny-llama", ["layers:0-0"]).length).toBe(9);
    expect(names("tiny-llama", ["layers:0-1"]).length).toBe(18);
    expect(names("tiny-llama", ["norms"])).toContain("model.norm.weight");
    expect(names("tiny-llama", ["norms", "layers:1", "lm_head"])).toEqual([
      "model.layers.1.input_layernorm.weight",
      "model.layers.1.post_attention_layernorm.weight",
      "lm_head.weight",
    ]);
    expect(names("tiny-llama", ["layers:1", "embeddings"]).length).toBe(10);
  });

  test("a tied head is the embedding, once", () => {
    expect(names("tiny-qwen2", ["lm_head"])).toEqual(["model.embed_tokens.weight"]);
    expect(names("tiny-qwen2", ["lm_head", "embeddings"])).toEqual(["model.embed_tokens.weight"]);
    expect(names("tiny-llama", ["all"]).length).toBe(21);
  });

  test("lora is among them and has no weights of the base", () => {
    using base = openBase(join(models, "tiny-llama"));
    expect(resolveGroups("--full", ["lora"], base, false)).toEqual({ tensors: [], adapter: true });
    expect(resolveGroups("--full", ["norms"], base, false).adapter).toBe(false);
  });
});

describe("groups are refused", () => {
  for (const [what, model, groups, complaint, hint] of [
    [
      "with another name",
      "tiny-llama",
      ["atention"],
      'or layers:FROM-TO, got "atention"',
      "did you mean attention?",
    ],
    ["beyond the last layer", "tiny-llama", ["layers:1-2"], "expected layers from 0 to 1, got 2", "2 layers"],
    ["for a range that runs backwards", "tiny-llama", ["layers:1-0"], "such as layers:20-31", ""],
    ["for two ranges", "tiny-llama", ["layers:0", "layers:1"], "one range of layers, got layers:1 too", ""],
    ["when all is not all", "tiny-llama", ["all", "norms"], "expected all by itself", "every weight"],
    [
      "when the base has no router",
      "tiny-llama",
      ["router"],
      "a base with experts for router, got llama",
      "",
    ],
    ["when there are none", "tiny-llama", [], "expected a group of parameters, got none", ""],
    [
      "for quantised weights",
      "tiny-mistral-nf4",
      ["attention"],
      "got model.layers.0.self_attn.q_proj.weight quantised as NF4",
      "norms or lora",
    ],
  ] as const)
    test(what, () => {
      try {
        names(model, groups);
      } catch (error) {
        expect((error as Error).message).toContain(complaint);
        expect((error as { hint?: string }).hint ?? "").toContain(hint);
        return;
      }
      throw new Error("expected a refusal");
    });

  test("router and mlp are the two parts of a mixture of experts", () => {
    const routers = [0, 1].map((layer) => `model.layers.${layer}.block_sparse_moe.gate.weight`);
    expect(names("tiny-mixtral", ["router"], true)).toEqual(routers);
    expect(names("tiny-mixtral", ["mlp", "layers:1"]).length).toBe(15);
    expect(() => names("tiny-mixtral", ["mlp"], true)).toThrow("experts.0.w1.weight");
  });

  test("where --load-4bit holds them quantised, but not norms and embeddings", () => {
    expect(() => names("tiny-llama", ["mlp"], true)).toThrow(
      "expected weights that are not held in 4 bits, got model.layers.0.mlp.gate_proj.weight",
    );
    expect(names("tiny-llama", ["norms", "embeddings", "lm_head"], true).length).toBe(7);
    expect(names("tiny-mistral-nf4", ["norms"]).length).toBe(7);
  });
});
