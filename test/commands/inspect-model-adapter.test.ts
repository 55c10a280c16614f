import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Terminal } from "../../src/base/command.ts";
import { inspectAdapter } from "../../src/commands/inspect-adapter.ts";
import { inspectModel } from "../../src/commands/inspect-model.ts";

const golden = join(import.meta.dir, "..", "golden");
const models = join(golden, "numeric", "models");
const adapters = join(golden, "numeric", "lora");

function terminal(json: boolean): Terminal & { readonly lines: string[] } {
  const lines: string[] = [];
  const ignore = () => {};
  const out = (line: string) => void lines.push(line);
  return {
    out,
    note: ignore,
    warn: ignore,
    interactive: false,
    color: false,
    json,
    quiet: false,
    columns: 120,
    lines,
  };
}

async function model(base: string | undefined, json: boolean, check = false): Promise<string[]> {
  const shown = terminal(json);
  await inspectModel.run({ base, check, fingerprint: check }, shown);
  return shown.lines;
}

async function adapter(name: string, base: string | undefined): Promise<Record<string, unknown>> {
  const shown = terminal(true);
  await inspectAdapter.run({ adapter: join(adapters, name), base: base && join(models, base) }, shown);
  return JSON.parse(shown.lines.join("\n"));
}

describe("inspect model", () => {
  test("tells a program what the files hold", async () => {
    const [line, ...rest] = await model(join(models, "tiny-mistral-nf4"), true, true);
    expect(rest).toEqual([]);
    const told = JSON.parse(line!);
    expect(told.config).toMatchObject({
      modelType: "mistral",
      layers: 3,
      quantization: { quantType: "nf4", doubleQuant: true },
    });
    // 512 x 128, twice: the embedding and the head are stored unquantised.
    expect(told.classes.embedding).toEqual({ tensors: 1, parameters: 65536, bytes: 262144, types: ["F32"] });
    expect(told.classes.mlp.types).toEqual(["NF4"]);
    const declared = told.tensors.reduce(
      (sum: number, { shape }: { shape: number[] }) => sum + shape.reduce((a, b) => a * b),
      0,
    );
    expect(told.total.parameters).toBe(declared);
    expect(told.fingerprint).toStartWith("sha256:");
    expect(told.check.bytes).toBe(told.total.bytes);
  });

  test("shows a person architecture, sizes and what is missing", async () => {
    const text = (await model(join(models, "tiny-llama3"), false)).join("\n");
    for (const part of [
      "llama: 2 layers, hidden 64, 4 heads of 16, 2 kv heads, ffn 192, vocab 300",
      "theta 500000, llama3 scaling 8 from 64 tokens, 512 positions",
      "tied embeddings",
      "tokenizer     none",
      "chat template none",
    ])
      expect(text).toContain(part);
    expect((await model(join(models, "tiny-mistral"), false)).join("\n")).toContain(
      "window of 24 tokens in 3 of 3 layers",
    );
    const gguf = (await model(join(golden, "formats", "tiny-llama.gguf"), false)).join("\n");
    expect(gguf).toContain("tokenizer.ggml (llama)");
  });

  test("asks for a base", () => {
    return expect(model(undefined, false)).rejects.toThrow(
      "inspect model: expected --base DIR or FILE, got nothing",
    );
  });
});

describe("inspect adapter", () => {
  test("lists PEFT's scale for each module of a fitting base", async () => {
    const told = await adapter("mistral-pattern", "tiny-mistral");
    const { scaling } = JSON.parse(readFileSync(join(adapters, "mistral-pattern.json"), "utf8"));
    const modules = told.modules as {
      module: string;
      scale: number;
      r: number;
      normA: number;
      normB: number;
    }[];
    expect(Object.fromEntries(modules.map(({ module, scale }) => [module, scale]))).toEqual(scaling);
    expect(modules.every(({ normA, normB }) => normA > 0 && normB > 0)).toBe(true);
    expect(told.fits).toBe(true);
  });

  test("without a base, a scale set by patterns is not guessed", async () => {
    const scaled = ({ modules }: Record<string, unknown>) =>
      (modules as { scale?: number }[]).map(({ scale }) => scale);
    expect(scaled(await adapter("mistral-pattern", undefined))).toEqual(Array(21).fill(undefined));
    expect(scaled(await adapter("llama-rslora", undefined))).toEqual(Array(8).fill(4));
  });

  test("refuses another base, naming the first tensor", () => {
    return expect(adapter("mistral-all", "tiny-llama")).rejects.toThrow(
      "layers.0.self_attn.q_proj.lora_A.weight: expected shape [4,64]",
    );
  });

  test("asks for an adapter", () => {
    return expect(
      inspectAdapter.run({ adapter: undefined, base: undefined }, terminal(false)),
    ).rejects.toThrow("expected --adapter DIR");
  });
});
