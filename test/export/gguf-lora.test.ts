import { afterAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gguf } from "@huggingface/gguf";
import { exportGgufLora } from "../../src/export/gguf-lora.ts";
import type { GgufOutType } from "../../src/formats/gguf-writer.ts";
import { SafetensorsFile } from "../../src/formats/safetensors.ts";

const golden = join(import.meta.dir, "../golden");
const adapters = join(golden, "numeric/lora");
const models = join(golden, "numeric/models");
const folder = mkdtempSync(join(tmpdir(), "sekft-gguf-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What another reader of the format finds in a file. */
async function read(path: string) {
  const { metadata, tensorInfos, tensorDataOffset } = await gguf(path, { allowLocalFile: true });
  const bytes = readFileSync(path);
  const sizes: Record<number, (count: number) => number> = {
    0: (n) => n * 4,
    1: (n) => n * 2,
    8: (n) => (n / 32) * 34,
  };
  const tensors = new Map(
    tensorInfos.map(({ name, shape, dtype, offset }) => {
      const ne = shape.map(Number);
      const at = Number(tensorDataOffset) + Number(offset);
      const size = sizes[dtype]!(ne.reduce((product, n) => product * n, 1));
      return [name, { ne, dtype, data: bytes.subarray(at, at + size).toString("hex") }];
    }),
  );
  const names = ["general.architecture", "general.type", "adapter.type", "adapter.lora.alpha"] as const;
  const values = metadata as unknown as Record<string, unknown>;
  return { metadata: Object.fromEntries(names.map((name) => [name, values[name]])), tensors };
}

function write(
  adapter: string,
  base: string | undefined,
  outType: GgufOutType = "F32",
  out = join(folder, `${adapter}.${outType}.gguf`),
) {
  exportGgufLora(join(adapters, adapter), out, {
    base: base && join(models, base),
    outType,
    force: true,
  });
  return out;
}

describe("a GGUF LoRA", () => {
  for (const [adapter, base] of [
    ["llama-qkvo", "tiny-llama"],
    ["llama-rslora", "tiny-llama"],
    ["mistral-all", "tiny-mistral"],
    ["mistral-pattern", "tiny-mistral"],
    ["qwen2-all", "tiny-qwen2"],
    ["mixtral-qkvo", "tiny-mixtral"],
  ] as const)
    test(`has the metadata and tensors that llama.cpp wants of ${adapter}`, async () => {
      const ours = await read(write(adapter, base));
      const theirs = await read(join(golden, "gguf", `${adapter}.lora.gguf`));
      expect(ours.metadata).toEqual(theirs.metadata);
      expect([...ours.tensors.keys()].sort()).toEqual([...theirs.tensors.keys()].sort());
      for (const [name, tensor] of theirs.tensors)
        expect({ name, ...ours.tensors.get(name) }).toEqual({ name, ...tensor });
    });

  test("is quantised to gguf-py's bytes, in F16 where a row is no whole block", async () => {
    const { tensors } = await read(write("llama-qkvo", "tiny-llama", "Q8_0"));
    using theirs = new SafetensorsFile(join(golden, "gguf/llama-qkvo.q8_0.safetensors"));
    for (const entry of theirs.entries.values())
      expect({ name: entry.name, data: tensors.get(entry.name)?.data }).toEqual({
        name: entry.name,
        data: Buffer.from(theirs.readAll(entry)).toString("hex"),
      });
    expect(new Set([...tensors.values()].map(({ dtype }) => dtype as number))).toEqual(new Set([1, 8]));
  });

  test("rounds to F16", async () => {
    const half = await read(write("qwen2-all", "tiny-qwen2", "F16"));
    const full = await read(join(golden, "gguf/qwen2-all.lora.gguf"));
    for (const [name, { data }] of full.tensors) {
      const values = new Float32Array(new Uint8Array(Buffer.from(data, "hex")).buffer);
      expect(half.tensors.get(name)!.data).toBe(
        Buffer.from(Float16Array.from(values).buffer).toString("hex"),
      );
    }
  });

  test("takes the shape of a GGUF base too", async () => {
    const out = join(folder, "from-gguf.gguf");
    exportGgufLora(join(adapters, "llama-qkvo"), out, {
      base: join(golden, "formats/tiny-llama.gguf"),
      outType: "F32",
      force: false,
    });
    expect(await read(out)).toEqual(await read(join(golden, "gguf/llama-qkvo.lora.gguf")));
  });

  test("says that llama.cpp has no sliding window", () => {
    const done = exportGgufLora(join(adapters, "mistral-all"), join(folder, "window.gguf"), {
      base: join(models, "tiny-mistral"),
      outType: "F32",
      force: false,
    });
    expect(done.notes.join()).toContain("last 24 tokens");
  });

  test("of alpha 0 adds nothing, where llama.cpp would take 0 for no scaling", async () => {
    const zero = join(folder, "zero");
    cpSync(join(adapters, "llama-qkvo"), zero, { recursive: true });
    const config = join(zero, "adapter_config.json");
    writeFileSync(config, readFileSync(config, "utf8").replace(/"lora_alpha": [\d.]+/, '"lora_alpha": 0'));
    const out = join(folder, "zero.gguf");
    exportGgufLora(zero, out, { base: join(models, "tiny-llama"), outType: "F32", force: false });
    const { metadata, tensors } = await read(out);
    expect(metadata["adapter.lora.alpha"]).toBe(4);
    expect(tensors.get("blk.0.attn_v.weight.lora_b")!.data).toMatch(/^(000000(00|80))*$/);
  });
});

describe("a GGUF LoRA is refused", () => {
  test("onto a file that exists, which stays", () => {
    const out = join(folder, "there.gguf");
    writeFileSync(out, "mine");
    const attempt = (force: boolean) =>
      exportGgufLora(join(adapters, "llama-qkvo"), out, {
        base: join(models, "tiny-llama"),
        outType: "F32",
        force,
      });
    expect(() => attempt(false)).toThrow(/expected a new file/);
    expect(readFileSync(out, "utf8")).toBe("mine");
    attempt(true);
    expect(readFileSync(out).subarray(0, 4).toString()).toBe("GGUF");
  });

  test("for a base of an architecture without a mapping, by its name", () => {
    const odd = join(folder, "odd");
    mkdirSync(odd);
    writeFileSync(join(odd, "config.json"), JSON.stringify({ model_type: "gpt_neox", hidden_size: 64 }));
    expect(() =>
      exportGgufLora(join(adapters, "llama-qkvo"), join(folder, "odd.gguf"), {
        base: odd,
        outType: "F32",
        force: false,
      }),
    ).toThrow(/gpt_neox/);
  });

  test("without a base, or with another one", () => {
    expect(() => write("qwen2-all", undefined, "F32", join(folder, "x.gguf"))).toThrow(/--base/);
    expect(() => write("qwen2-all", "tiny-llama", "F32", join(folder, "x.gguf"))).toThrow(/expected/);
    expect(() => write("qwen2-all", "nothing", "F32", join(folder, "x.gguf"))).toThrow(/got nothing there/);
  });
});
