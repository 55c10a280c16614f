import { describe, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseModelConfig, readModelConfig } from "../../src/formats/config.ts";
import {
  checkAdapterFits,
  readAdapter,
  resolveTargets,
  writeAdapter,
} from "../../src/formats/peft-adapter.ts";
import { loraConfigText, readLoraConfig } from "../../src/formats/peft-config.ts";
import { SafetensorsFile, writeSafetensors } from "../../src/formats/safetensors.ts";
import {
  adapters,
  copyOf,
  differing,
  floats,
  formats,
  messageOf,
  models,
  scratch,
  setKey,
} from "./golden.ts";

const bases: Record<string, string> = {
  "llama-qkvo": "tiny-llama",
  "llama-rslora": "tiny-llama",
  "mistral-all": "tiny-mistral",
  "mistral-pattern": "tiny-mistral",
  "qwen2-all": "tiny-qwen2",
  "qwen3-qv": "tiny-qwen3",
};
const modelOf = (base: string) => readModelConfig(join(models, base, "config.json"));

describe("adapters that PEFT saved", () => {
  for (const [name, base] of Object.entries(bases)) {
    test(`${name} is read, fits ${base}, and has PEFT's scales`, () => {
      const adapter = readAdapter(join(adapters, name));
      using file = new SafetensorsFile(join(adapters, name, "adapter_model.safetensors"));
      expect([...adapter.tensors.keys()].sort()).toEqual([...file.entries.keys()].sort());
      for (const [tensor, { data }] of adapter.tensors) expect(differing(data, floats(file, tensor))).toBe(0);
      const targets = checkAdapterFits(adapter, name, modelOf(base));
      const scaling = JSON.parse(readFileSync(join(adapters, `${name}.json`), "utf8")).scaling;
      expect(Object.fromEntries(targets.map(({ module, scale }) => [module, scale]))).toEqual(scaling);
    });

    test(`${name} written again is the same, byte for byte`, () => {
      const copy = scratch();
      writeAdapter(copy, readAdapter(join(adapters, name)));
      for (const file of ["adapter_config.json", "adapter_model.safetensors"])
        expect(readFileSync(join(copy, file)).equals(readFileSync(join(adapters, name, file)))).toBe(true);
      rmSync(copy, { recursive: true });
    });
  }

  test("half-precision tensors are widened", () => {
    const copy = copyOf(join(adapters, "llama-qkvo"));
    const path = join(copy, "adapter_model.safetensors");
    const { tensors } = readAdapter(copy);
    const half = [...tensors].map(([name, { shape, data }]) => {
      const chunks = [new Uint8Array(Float16Array.from(data).buffer)];
      return { name, dtype: "F16", shape, chunks };
    });
    writeSafetensors(path, half, { format: "pt" });
    for (const [name, { data }] of readAdapter(copy).tensors)
      expect(differing(data, Float32Array.from(Float16Array.from(tensors.get(name)!.data)))).toBe(0);
    rmSync(copy, { recursive: true });
  });
});

interface Case {
  readonly given: Record<string, unknown>;
  readonly saved: Record<string, unknown>;
  readonly modules: [string, number, number][];
}
const cases: Case[] = JSON.parse(readFileSync(join(formats, "targets.json"), "utf8"));
const model = parseModelConfig(
  {
    model_type: "llama",
    vocab_size: 40,
    hidden_size: 48,
    intermediate_size: 80,
    num_hidden_layers: 3,
    num_attention_heads: 3,
    num_key_value_heads: 1,
  },
  "c",
);

describe("modules, ranks and scales are those that PEFT chooses", () => {
  const path = join(scratch(), "adapter_config.json");
  for (const { given, saved, modules } of cases)
    test(JSON.stringify(given), () => {
      writeFileSync(path, JSON.stringify({ peft_type: "LORA", ...given }));
      const found = resolveTargets(readLoraConfig(path), model);
      expect(found.map(({ module, r, scale }) => [module, r, scale])).toEqual(modules);
      // What PEFT made of it when saving, e.g. the names that all-linear stands for.
      writeFileSync(path, JSON.stringify(saved));
      const again = readLoraConfig(path);
      expect(resolveTargets(again, model).map(({ module }) => module)).toEqual(
        modules.map(([module]) => module),
      );
      expect(Object.keys(JSON.parse(loraConfigText(again)))).toEqual(Object.keys(saved));
    });

  test("all-linear is written as the names it stands for", () => {
    const copy = scratch();
    const { config, tensors } = readAdapter(join(adapters, "mistral-all"));
    writeAdapter(copy, { config: { ...config, targetModules: "all-linear" }, tensors });
    const written = readFileSync(join(copy, "adapter_config.json"), "utf8");
    expect(written).toBe(readFileSync(join(adapters, "mistral-all", "adapter_config.json"), "utf8"));
    rmSync(copy, { recursive: true });
  });

  test("what cannot be adapted is refused", () => {
    const lora = { ...readLoraConfig(join(adapters, "llama-qkvo", "adapter_config.json")) };
    const refusal = (targetModules: readonly string[] | string) =>
      messageOf(() => resolveTargets({ ...lora, targetModules }, model));
    expect(refusal(["nothing"])).toBe(
      `target_modules: expected modules of the base, got ["nothing"], which match none`,
    );
    expect(refusal(["q_proj", "lm_head"])).toBe(
      "target_modules: expected linear layers of the blocks, got lm_head",
    );
    expect(refusal(["embed_tokens"])).toContain("got model.embed_tokens");
    expect(refusal(".*norm")).toContain("got model.layers.0.input_layernorm");
    expect(refusal("(q_proj")).toBe(`target_modules: expected a regular expression, got "(q_proj"`);
  });
});

describe("a setting that is not plain LoRA is refused by its name", () => {
  const changes: [string, unknown][] = [
    ["peft_type", "LOHA"],
    ["task_type", "SEQ_CLS"],
    ["bias", "all"],
    ["fan_in_fan_out", true],
    ["use_dora", true],
    ["lora_bias", true],
    ["modules_to_save", ["lm_head"]],
    ["init_lora_weights", "pissa"],
    ["layer_replication", [[0, 1]]],
    ["trainable_token_indices", [3]],
    ["target_parameters", ["x"]],
    ["r", 0],
    ["r", "8"],
    ["lora_alpha", null],
    ["lora_dropout", 1],
    ["target_modules", [3]],
    ["rank_pattern", { q_proj: 0.5 }],
    ["layers_to_transform", ["1"]],
  ];
  for (const [key, value] of changes)
    test(`${key} ${JSON.stringify(value)}`, () => {
      const copy = copyOf(join(adapters, "llama-qkvo"));
      setKey(join(copy, "adapter_config.json"), key, value);
      if (value === null) expect(readAdapter(copy).config.alpha).toBe(8);
      else
        expect(messageOf(() => readAdapter(copy))).toStartWith(
          `${join(copy, "adapter_config.json")}: ${key}: expected `,
        );
      rmSync(copy, { recursive: true });
    });
});

describe("an adapter of another base is refused, naming the first tensor", () => {
  const fit = (name: string, base: string) =>
    messageOf(() => checkAdapterFits(readAdapter(join(adapters, name)), "dir", modelOf(base)));
  const prefix = "dir/adapter_model.safetensors: base_model.model.model.layers";
  test("of other widths", () => {
    expect(fit("mistral-all", "tiny-llama")).toBe(
      `${prefix}.0.self_attn.q_proj.lora_A.weight: expected shape [4,64] for this base and rank, got [4,128]`,
    );
  });
  test("of fewer layers", () => {
    expect(fit("llama-qkvo", "tiny-qwen3")).toContain("expected shape");
    const { config, tensors } = readAdapter(join(adapters, "llama-qkvo"));
    const deeper = { ...modelOf("tiny-llama"), layers: 3 };
    expect(messageOf(() => checkAdapterFits({ config, tensors }, "dir", deeper))).toBe(
      `${prefix}.2.self_attn.q_proj.lora_A.weight: expected a tensor of shape [4,64], got none`,
    );
    const shallower = { ...modelOf("tiny-llama"), layers: 1 };
    expect(messageOf(() => checkAdapterFits({ config, tensors }, "dir", shallower))).toContain(
      "expected no such tensor for this base and these target_modules, got one",
    );
  });
});

describe("a damaged adapter", () => {
  test("without weights, or with a pickle", () => {
    const copy = copyOf(join(adapters, "llama-qkvo"));
    rmSync(join(copy, "adapter_model.safetensors"));
    expect(messageOf(() => readAdapter(copy))).toContain(
      "adapter_model.safetensors: expected the adapter's weights, got no such file",
    );
    rmSync(copy, { recursive: true });
  });

  test("with NaN, another type, or a foreign tensor names the tensor", () => {
    const copy = copyOf(join(adapters, "llama-qkvo"));
    const path = join(copy, "adapter_model.safetensors");
    const name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
    const write = (tensor: string, dtype: string, data: Uint8Array) =>
      writeSafetensors(path, [{ name: tensor, dtype, shape: [1, 1], chunks: [data] }]);
    write(name, "F32", new Uint8Array(Float32Array.of(Number.NaN).buffer));
    expect(messageOf(() => readAdapter(copy))).toBe(
      `${path}: ${name}: expected finite weights, got NaN or infinity`,
    );
    write(name, "I32", new Uint8Array(4));
    expect(messageOf(() => readAdapter(copy))).toBe(`${path}: ${name}: expected F32, F16 or BF16, got I32`);
    write(name.replace("lora_A.weight", "lora_magnitude_vector"), "F32", new Uint8Array(4));
    expect(messageOf(() => readAdapter(copy))).toContain(
      "lora_magnitude_vector: expected only tensors named",
    );
    rmSync(copy, { recursive: true });
  });
});
