import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openBase } from "../../src/formats/base-weights.ts";
import { parseModelConfig } from "../../src/formats/config.ts";
import { roundTo } from "../../src/formats/dtype.ts";
import { blockTypeOf } from "../../src/formats/gguf-blocks.ts";
import { readGgufMetadata } from "../../src/formats/gguf-header.ts";
import { SafetensorsFile } from "../../src/formats/safetensors.ts";
import { differing, floats, formats, messageOf, models, scratch } from "./golden.ts";

describe("blocks dequantise as the Python package gguf does, bit for bit", () => {
  const file = new SafetensorsFile(join(formats, "gguf-blocks.safetensors"));
  const ids = { F16: 1, Q4_0: 2, Q4_1: 3, Q5_0: 6, Q5_1: 7, Q8_0: 8, Q4_K: 12, Q5_K: 13, Q6_K: 14, BF16: 30 };
  for (const [name, id] of Object.entries(ids))
    test(name, () => {
      const type = blockTypeOf(id, "t", "f");
      expect(String(type.name)).toBe(name);
      const expected = floats(file, `${name}.values`);
      const values = new Float32Array(expected.length);
      type.dequantise(file.readAll(file.entry(`${name}.blocks`)), expected.length / type.elements, values);
      expect(differing(values, expected)).toBe(0);
    });
});

describe("a GGUF base equals the directory it was made from", () => {
  for (const name of ["tiny-llama", "tiny-llama3", "tiny-qwen2", "tiny-qwen3"])
    test(name, () => {
      using gguf = openBase(join(formats, `${name}.gguf`));
      using directory = openBase(join(models, name));
      const { raw: _, dtype: __, bosTokenId: ___, eosTokenIds: ____, ...config } = gguf.config;
      expect(directory.config).toMatchObject(config);
      expect([...gguf.tensors.keys()]).toEqual([...directory.tensors.keys()]);
      for (const { name: tensor, shape, type } of gguf.tensors.values()) {
        const expected = directory.readF32(tensor, 0, shape[0]!);
        if (type === "F16") roundTo("F16", expected);
        expect(differing(gguf.readF32(tensor, 0, shape[0]!), expected)).toBe(0);
        const columns = expected.length / shape[0]!;
        // Rows that begin and end inside a head.
        expect(differing(gguf.readF32(tensor, 5, 21), expected.slice(5 * columns, 21 * columns))).toBe(0);
      }
    });

  test("only rows that lie in Hugging Face order can be read raw", () => {
    using gguf = openBase(join(formats, "tiny-llama.gguf"));
    expect(gguf.storedInOrder("model.layers.0.self_attn.q_proj.weight")).toBe(false);
    expect(() => gguf.readRaw("model.layers.0.self_attn.q_proj.weight", 0, new Uint8Array(4))).toThrow(
      "permuted",
    );
    const raw = new Float32Array(64);
    gguf.readRaw("model.layers.0.self_attn.v_proj.weight", 256, new Uint8Array(raw.buffer));
    expect(differing(raw, gguf.readF32("model.layers.0.self_attn.v_proj.weight", 1, 2))).toBe(0);
  });

  test("metadata is there for the tokenizer", () => {
    const metadata = readGgufMetadata(join(formats, "tiny-llama.gguf"));
    const tokens = metadata.get("tokenizer.ggml.tokens") as string[];
    expect([tokens.length, tokens[1], tokens[258], metadata.get("tokenizer.ggml.eos_token_id")]).toEqual([
      320,
      "<s>",
      "<0xFF>",
      2,
    ]);
  });
});

describe("rope factors of a GGUF file become llama3 settings with the same frequencies", () => {
  const original = readFileSync(join(formats, "tiny-llama3.gguf"));
  const path = join(scratch(), "rope.gguf");
  /** Writes the file with the factors that other settings give for this model's 8 frequencies. */
  function withSettings(low: number, high: number, context: number, factor: number): number[] {
    const at = findTensor(original, "rope_freqs.weight");
    const bytes = Buffer.from(original);
    const factors = Array.from({ length: 8 }, (_, i) => {
      const wave = 2 * Math.PI * 500000 ** (i / 8);
      if (wave < context / high) return 1;
      if (wave > context / low) return factor;
      const smooth = (context / wave - low) / (high - low);
      return 1 / ((1 - smooth) / factor + smooth);
    });
    for (const [i, x] of factors.entries()) bytes.writeFloatLE(x, at + 4 * i);
    writeFileSync(path, bytes);
    return factors;
  }
  for (const [low, high, context, factor] of [
    [1, 4, 64, 8],
    [1, 4, 8192, 32],
    [2, 9, 8192, 8],
    [1, 50, 3000, 5],
  ] as const)
    test(`factor ${factor}, ${low} to ${high}, ${context} tokens`, () => {
      const expected = withSettings(low, high, context, factor);
      using base = openBase(path);
      const found = base.config.ropeScaling;
      if (found?.type !== "llama3") throw new Error("expected llama3 scaling");
      const { lowFreqFactor, highFreqFactor, originalMaxPosition } = found;
      expected.forEach((want, i) => {
        const wave = 2 * Math.PI * 500000 ** (i / 8);
        const smooth = (originalMaxPosition / wave - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
        const got =
          wave < originalMaxPosition / highFreqFactor
            ? 1
            : wave > originalMaxPosition / lowFreqFactor
              ? found.factor
              : 1 / ((1 - smooth) / found.factor + smooth);
        expect(Math.abs(got / want - 1)).toBeLessThan(1e-5);
      });
    });
  test("others are refused", () => {
    const at = findTensor(original, "rope_freqs.weight");
    const bytes = Buffer.from(original);
    for (let i = 0; i < 8; i++) bytes.writeFloatLE(1 + ((i * 5) % 8), at + 4 * i);
    writeFileSync(path, bytes);
    expect(messageOf(() => openBase(path))).toContain(
      "rope_freqs.weight: expected the factors of llama3 rope scaling",
    );
  });
});

/** Where the data of a tensor begins: its info is name, 1 dimension, type, offset; the data follows the header at 32. */
function findTensor(bytes: Buffer, name: string): number {
  const info = bytes.indexOf(name) + name.length;
  const offset = Number(bytes.readBigUInt64LE(info + 4 + 8 + 4));
  const last = bytes.lastIndexOf("output_norm.weight") + "output_norm.weight".length + 4 + 8 + 4 + 8;
  return Math.ceil(last / 32) * 32 + offset;
}

describe("a damaged GGUF file is refused in one line", () => {
  const original = readFileSync(join(formats, "tiny-qwen2.gguf"));
  const path = join(scratch(), "bad.gguf");
  const at = (text: string) => original.indexOf(text) + text.length;
  const change = (edit: (bytes: Buffer) => Buffer | undefined) => {
    const bytes = Buffer.from(original);
    writeFileSync(path, edit(bytes) ?? bytes);
    return messageOf(() => openBase(path));
  };
  const norm = at("output_norm.weight");
  const cases: [string, (bytes: Buffer) => Buffer | undefined, string][] = [
    [
      "another magic",
      (b) => b.fill("GGML", 0, 4) && undefined,
      `expected a GGUF file (starting with "GGUF"), got "GGML"`,
    ],
    ["an unknown version", (b) => void b.writeUInt32LE(9, 4), "expected GGUF version 2 or 3, got 9"],
    [
      "more tensors than the file can hold",
      (b) => void b.writeBigUInt64LE(1n << 40n, 8),
      "the number of tensors: expected what a file of",
    ],
    [
      "a string longer than the file",
      (b) => void b.writeBigUInt64LE(1n << 50n, 24),
      "the length of a metadata key: expected what a file of",
    ],
    ["a cut header", (b) => b.subarray(0, 3000), "expected"],
    ["cut data", (b) => b.subarray(0, b.length - 100), "(the data is cut off)"],
    ["trailing bytes", (b) => Buffer.concat([b, Buffer.alloc(64)]), "got 64 bytes more"],
    [
      "an unknown architecture",
      (b) => void b.write("gemm3", at("general.architecture") + 12),
      `general.architecture: expected one of llama, qwen2, qwen3, got "gemm3"`,
    ],
    [
      "an unknown quantisation",
      (b) => void b.writeUInt32LE(10, norm + 12),
      "output_norm.weight: expected one of the types F32, F16, Q4_0",
    ],
    ["an overlap", (b) => void b.writeBigUInt64LE(0n, norm + 16), "(an overlap)"],
    [
      "a name that is no text",
      (b) => void b.writeUInt8(10, at("general.file_typ") - 3),
      "expected a metadata key of printable text",
    ],
    [
      "another width",
      (b) => void b.writeUInt32LE(96, at("qwen2.embedding_length") + 4),
      "qwen2.rope.dimension_count: expected 24 (every dimension is rotated), got 16",
    ],
    [
      "an absurd layer count",
      (b) => void b.writeUInt32LE(0x7fffffff, at("qwen2.block_count") + 4),
      "expected a whole number from 1 to 4096",
    ],
  ];
  for (const [name, edit, expected] of cases)
    test(name, () => {
      const message = change(edit);
      expect(message).toContain(expected);
      expect(message).toStartWith(path);
      expect(message).not.toContain("\n");
    });

  test("Q2_K is named", () => {
    expect(change((b) => void b.writeUInt32LE(10, norm + 12))).toEndWith("got Q2_K");
  });
});

test("GGUF's config passes the same checks as config.json", () => {
  using base = openBase(join(formats, "tiny-llama3.gguf"));
  expect(parseModelConfig(base.config.raw, "c.json")).toEqual(base.config);
});
