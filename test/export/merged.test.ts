import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportMerged, type MergeOptions, parseSize } from "../../src/export/merged-directory.ts";
import { openBase } from "../../src/formats/base-weights.ts";
import { widenBF16, widenF16 } from "../../src/formats/dtype.ts";
import { SafetensorsFile } from "../../src/formats/safetensors.ts";

const golden = join(import.meta.dir, "../golden");
const model = (name: string) => join(golden, "numeric/models", name);
const lora = (name: string) => join(golden, "numeric/lora", name);
const folder = mkdtempSync(join(tmpdir(), "sekft-merged-"));
afterAll(() => rmSync(folder, { recursive: true }));
const plain: MergeOptions = { maxShardBytes: 5e9, dequantize: false, force: false };

function readGolden(name: string): Map<string, { dtype: string; values: Float32Array }> {
  using file = new SafetensorsFile(join(golden, "merged", name));
  return new Map(
    [...file.entries.values()].map((entry) => {
      const buffer = file.readAll(entry).buffer as ArrayBuffer;
      const values = entry.dtype === "F32" ? new Float32Array(buffer) : new Float32Array(entry.bytes / 2);
      if (entry.dtype === "F16") widenF16(new Uint16Array(buffer), values, values.length);
      if (entry.dtype === "BF16") widenBF16(new Uint16Array(buffer), values, values.length);
      return [entry.name, { dtype: entry.dtype, values }];
    }),
  );
}

function compare(out: string, name: string, tolerance: number): void {
  using merged = openBase(out);
  for (const [tensor, { dtype, values }] of readGolden(name)) {
    const entry = merged.tensors.get(tensor)!;
    expect({ tensor, dtype: entry.type as string }).toEqual({ tensor, dtype });
    const ours = merged.readF32(tensor, 0, entry.shape[0]!);
    expect(ours.length).toBe(values.length);
    const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    // Half precision: only where a sum lies next to the middle of two values may another one of them be chosen.
    const ulp = { F32: 0, F16: 2 ** -10, BF16: 2 ** -7 }[dtype]!;
    let others = 0;
    let worst = 0;
    for (const [i, x] of values.entries()) {
      const off = Math.abs(ours[i]! - x);
      if (off > 0) others++;
      worst = Math.max(worst, off - ulp * Math.abs(x));
    }
    if (ulp > 0) expect(others / values.length).toBeLessThan(1e-3);
    expect({ tensor, close: worst <= tolerance * largest }).toEqual({ tensor, close: true });
  }
}

describe("merged weights", () => {
  test("equal PEFT's merge_and_unload in float32, also in shards and with rank and alpha patterns", () => {
    const one = join(folder, "one");
    exportMerged(lora("llama-qkvo"), model("tiny-llama"), one, plain);
    compare(one, "llama-qkvo.merged.safetensors", 3e-7);
    const many = join(folder, "many");
    const done = exportMerged(lora("mistral-pattern"), model("tiny-mistral"), many, {
      ...plain,
      maxShardBytes: 400_000,
    });
    expect(done.shards).toBeGreaterThan(3);
    compare(many, "mistral-pattern.tiny-mistral.safetensors", 3e-7);
  });

  test("equal PEFT's in the base's bfloat16 and float16, but for ties of the rounding", () => {
    exportMerged(lora("llama-qkvo"), model("tiny-llama-bf16"), join(folder, "bf16"), plain);
    compare(join(folder, "bf16"), "llama-qkvo.tiny-llama-bf16.safetensors", 0);
    exportMerged(lora("qwen2-all"), model("tiny-qwen2-fp16"), join(folder, "fp16"), plain);
    compare(join(folder, "fp16"), "qwen2-all.tiny-qwen2-fp16.safetensors", 0);
  });

  test("leave every other weight as it is stored", () => {
    const out = join(folder, "others");
    exportMerged(lora("qwen2-all"), model("tiny-qwen2-fp16"), out, plain);
    using before = openBase(model("tiny-qwen2-fp16"));
    using after = openBase(out);
    expect([...after.tensors.keys()]).toEqual([...before.tensors.keys()]);
    let compared = 0;
    for (const { name, bytes } of before.tensors.values()) {
      if (/_proj\.weight$/.test(name)) continue;
      const [was, is] = [new Uint8Array(bytes), new Uint8Array(bytes)];
      before.readRaw(name, 0, was);
      after.readRaw(name, 0, is);
      expect({ name, same: Buffer.from(was).equals(is) }).toEqual({ name, same: true });
      compared++;
    }
    expect(compared).toBe(12);
  });

  test("keep each shard under the limit, and index them as transformers does", () => {
    const out = join(folder, "limit");
    exportMerged(lora("llama-qkvo"), model("tiny-llama"), out, { ...plain, maxShardBytes: 90_000 });
    const files = readdirSync(out).filter((name) => name.endsWith(".safetensors"));
    const index = JSON.parse(readFileSync(join(out, "model.safetensors.index.json"), "utf8"));
    expect(new Set(Object.values(index.weight_map))).toEqual(new Set(files));
    let total = 0;
    for (const name of files) {
      using file = new SafetensorsFile(join(out, name));
      expect(file.metadata).toEqual({ format: "pt" });
      const bytes = [...file.entries.values()].reduce((sum, entry) => sum + entry.bytes, 0);
      expect(bytes <= 90_000 || file.entries.size === 1).toBe(true);
      total += bytes;
    }
    expect(index.metadata.total_size).toBe(total);
    expect(files).toContain(`model-00001-of-${String(files.length).padStart(5, "0")}.safetensors`);
  });

  test("of a GGUF base are a Hugging Face directory with the same values", () => {
    const out = join(folder, "from-gguf");
    exportMerged(lora("llama-qkvo"), join(golden, "formats/tiny-llama.gguf"), out, plain);
    compare(out, "llama-qkvo.merged.safetensors", 3e-7);
    const config = JSON.parse(readFileSync(join(out, "config.json"), "utf8"));
    expect(config).toMatchObject({
      architectures: ["LlamaForCausalLM"],
      model_type: "llama",
      dtype: "float32",
    });
  });

  test("take another type when asked, and name it in the config's own key style", () => {
    const out = join(folder, "asked");
    exportMerged(lora("mistral-all"), model("tiny-mistral"), out, { ...plain, dtype: "bfloat16" });
    using merged = openBase(out);
    expect(new Set([...merged.tensors.values()].map(({ type }) => type as string))).toEqual(
      new Set(["BF16"]),
    );
    expect(JSON.parse(readFileSync(join(out, "config.json"), "utf8"))).toMatchObject({
      torch_dtype: "bfloat16",
    });
  });
});

describe("a 4-bit base", () => {
  const nf4 = model("tiny-mistral-nf4");

  test("is refused with the reason, and nothing is written", () => {
    const out = join(folder, "nf4-refused");
    expect(() => exportMerged(lora("mistral-all"), nf4, out, plain)).toThrow(/quantised as NF4/);
    expect(existsSync(out)).toBe(false);
  });

  test("is merged dequantised when asked, without its quantization_config", () => {
    const out = join(folder, "nf4");
    exportMerged(lora("mistral-all"), nf4, out, { ...plain, dequantize: true });
    using merged = openBase(out);
    using base = openBase(nf4);
    expect(merged.config.quantization).toBeUndefined();
    // B A of this adapter against the difference, which both come from other code.
    const name = "model.layers.1.mlp.down_proj.weight";
    using adapter = new SafetensorsFile(join(lora("mistral-all"), "adapter_model.safetensors"));
    const matrix = (which: string) =>
      new Float32Array(
        adapter.readAll(adapter.entry(`base_model.model.model.layers.1.mlp.down_proj.lora_${which}.weight`))
          .buffer,
      );
    const [a, b] = [matrix("A"), matrix("B")];
    const [was, is] = [base.readF32(name, 0, 128), merged.readF32(name, 0, 128)];
    for (const [row, column] of [
      [0, 0],
      [127, 383],
      [50, 200],
    ] as const) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += b[row * 4 + k]! * a[k * 384 + column]!;
      expect(is[row * 384 + column]! - was[row * 384 + column]!).toBeCloseTo(2 * sum, 6);
    }
  });
});

describe("merging is refused", () => {
  test("into a folder with files, which stay; and replaces only weights with force", () => {
    const out = join(folder, "full");
    exportMerged(lora("llama-qkvo"), model("tiny-llama"), out, { ...plain, maxShardBytes: 90_000 });
    writeFileSync(join(out, "notes.txt"), "mine");
    expect(() => exportMerged(lora("llama-qkvo"), model("tiny-llama"), out, plain)).toThrow(/new or empty/);
    exportMerged(lora("llama-qkvo"), model("tiny-llama"), out, { ...plain, force: true });
    expect(readdirSync(out).sort()).toEqual([
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "notes.txt",
    ]);
  });

  test("for a base that is not there, one of another shape, and the base's own folder", () => {
    const attempt = (base: string, out = join(folder, "no")) =>
      exportMerged(lora("llama-qkvo"), base, out, { ...plain, force: true });
    expect(() => attempt(model("nothing"))).toThrow(/got nothing there/);
    expect(() => attempt(model("tiny-mistral"))).toThrow(/expected/);
    expect(() => attempt(model("tiny-llama"), model("tiny-llama"))).toThrow(/folder of its own/);
    expect(existsSync(join(folder, "no"))).toBe(false);
  });

  test("for sizes that are none", () => {
    expect([parseSize("5GB"), parseSize("2GiB"), parseSize("300mb"), parseSize("1234")]).toEqual([
      5e9,
      2 ** 31,
      3e8,
      1234,
    ]);
    for (const size of ["", "0", "five", "5XB", "-1GB"])
      expect(() => parseSize(size)).toThrow(/--max-shard-size/);
  });
});
