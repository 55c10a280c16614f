import { afterAll, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { openBase } from "../../src/formats/base-weights.ts";
import { fingerprintFiles } from "../../src/formats/fingerprint.ts";
import { SafetensorsFile, writeSafetensors } from "../../src/formats/safetensors.ts";
import { copyOf, differing, floats, formats, messageOf, models, scratch, setKey } from "./golden.ts";

const copies: string[] = [];
const damaged = (model: string) => {
  const copy = copyOf(join(model === "tiny-qwen3-sharded" ? formats : models, model));
  copies.push(copy);
  return copy;
};
afterAll(() => {
  for (const copy of copies) rmSync(copy, { recursive: true });
});
const complaint = (directory: string) => messageOf(() => openBase(directory));

describe("weights are read as they are", () => {
  test("rows of f32, bf16 and f16 equal those of the files", () => {
    for (const model of ["tiny-llama", "tiny-llama-bf16", "tiny-qwen2-fp16"]) {
      using base = openBase(join(models, model));
      using file = new SafetensorsFile(join(models, model, "model.safetensors"));
      for (const { name, shape } of base.tensors.values()) {
        const whole = floats(file, name);
        expect(differing(base.readF32(name, 0, shape[0]!), whole)).toBe(0);
        const columns = whole.length / shape[0]!;
        const into = new Float32Array(whole.length).fill(Number.NaN);
        const rows = base.readF32(name, 3, 10, into);
        expect(differing(rows, whole.slice(3 * columns, 10 * columns))).toBe(0);
        expect(into[7 * columns]).toBeNaN();
        const raw = new Uint8Array(10);
        base.readRaw(name, 6, raw);
        expect(Buffer.compare(raw, file.readAll(file.entry(name)).subarray(6, 16))).toBe(0);
      }
    }
  });

  test("the rounded files are the f32 file, rounded", () => {
    using exact = openBase(join(models, "tiny-llama"));
    using rounded = openBase(join(models, "tiny-llama-bf16"));
    const a = exact.readF32("lm_head.weight", 0, 320);
    const b = rounded.readF32("lm_head.weight", 0, 320);
    expect(a.every((x, i) => Math.abs(x - b[i]!) <= Math.abs(x) * 2 ** -8)).toBe(true);
    expect(differing(a, b)).toBeGreaterThan(0);
  });

  test("shards hold what one file holds", () => {
    using one = openBase(join(models, "tiny-qwen3"));
    using two = openBase(join(formats, "tiny-qwen3-sharded"));
    expect([...two.tensors.keys()]).toEqual([...one.tensors.keys()]);
    expect(new Set([...two.tensors.values()].map(({ file }) => file)).size).toBe(2);
    for (const { name, shape } of one.tensors.values())
      expect(differing(one.readF32(name, 0, shape[0]!), two.readF32(name, 0, shape[0]!))).toBe(0);
  });
});

describe("bitsandbytes weights dequantise as bitsandbytes does, bit for bit", () => {
  const pairs: [string, string, string][] = [
    [
      "NF4, double quantisation",
      join(models, "tiny-mistral-nf4"),
      join(formats, "tiny-mistral-nf4.dequantised.safetensors"),
    ],
    ["FP4", join(models, "tiny-llama-fp4"), join(formats, "tiny-llama-fp4.dequantised.safetensors")],
    [
      "bf16 storage, blocks across rows",
      join(formats, "bnb-bf16"),
      join(formats, "bnb-dequantised.safetensors"),
    ],
  ];
  for (const [title, directory, expected] of pairs)
    test(title, () => {
      using base = openBase(directory);
      using file = new SafetensorsFile(expected);
      expect(file.entries.size).toBeGreaterThan(3);
      for (const { name, shape } of file.entries.values()) {
        if (name.startsWith("avx512.")) continue;
        // Where bitsandbytes' CPU kernels disagree, the one that runs on most machines is followed.
        const whole = floats(file, file.entries.has(`avx512.${name}`) ? `avx512.${name}` : name);
        const [rows, columns] = shape as [number, number];
        expect(differing(base.readF32(name, 0, rows), whole)).toBe(0);
        for (const [from, to] of [
          [1, 2],
          [3, 7],
          [rows - 1, rows],
        ] as const)
          expect(differing(base.readF32(name, from, to), whole.slice(from * columns, to * columns))).toBe(0);
      }
    });

  test("rows that are not whole blocks are read by bitsandbytes' AVX-512 rule, which is not the flat one", () => {
    using base = openBase(join(formats, "bnb-bf16"));
    using file = new SafetensorsFile(join(formats, "bnb-dequantised.safetensors"));
    const names = [...base.tensors.keys()].filter((name) => file.entries.has(`avx512.${name}`));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const values = base.readF32(name, 0, base.tensors.get(name)!.shape[0]!);
      expect(differing(values, floats(file, `avx512.${name}`))).toBe(0);
      expect(differing(values, floats(file, name))).toBeGreaterThan(0);
    }
  });

  test("packed rows carry their blocks and where they begin in the first one", () => {
    using base = openBase(join(formats, "bnb-bf16"));
    const rows = base.readQuantised("model.layers.0.mlp.down_proj.weight", 1, 3);
    // 80 columns: row 1 begins at element 80, 16 into block 1; row 2 ends at 240, in block 3.
    expect([rows.skip, rows.absmax.length, rows.packed.length, rows.dtype]).toEqual([
      16,
      3,
      120 - 32,
      "BF16",
    ]);
  });

  test("quantised weights without quantization_config are refused", () => {
    const copy = damaged("tiny-llama-fp4");
    setKey(join(copy, "config.json"), "quantization_config", undefined);
    expect(complaint(copy)).toContain("quantization_config: expected bitsandbytes' settings");
  });

  test("a damaged quantisation state is refused by name", () => {
    const cases: [RegExp, string, (data: Uint8Array) => Uint8Array, string][] = [
      [/quant_state/, "", (d) => replaceText(d, "64", "63"), "blocksize: expected one of 32"],
      [/quant_state/, "", (d) => replaceText(d, '"fp4"', '"fp5"'), "quant_type: expected nf4 or fp4"],
      [/quant_map/, "", (d) => d.fill(0), "expected the 16 values of fp4, got others"],
    ];
    for (const [which, , damage, expected] of cases) {
      const copy = damaged("tiny-llama-fp4");
      const path = join(copy, "model.safetensors");
      using file = new SafetensorsFile(path);
      const victim = [...file.entries.keys()].find((name) => which.test(name))!;
      const tensors = [...file.entries.values()].map((entry) => {
        const data = file.readAll(entry);
        return { ...entry, chunks: [entry.name === victim ? damage(data) : data] };
      });
      writeSafetensors(path, tensors);
      expect(complaint(copy)).toContain(expected);
    }
  });
});

function replaceText(data: Uint8Array, from: string, to: string): Uint8Array {
  return new TextEncoder().encode(new TextDecoder().decode(data).replace(from, to));
}

/** Writes the model's tensors again after `change`. */
function rewrite(
  directory: string,
  change: (tensors: Map<string, { dtype: string; shape: number[]; data: Uint8Array }>) => void,
): void {
  const path = join(directory, "model.safetensors");
  using file = new SafetensorsFile(path);
  const tensors = new Map(
    [...file.entries.values()].map(({ name, dtype, shape }) => [
      name,
      { dtype, shape: [...shape], data: file.readAll(file.entry(name)) },
    ]),
  );
  change(tensors);
  writeSafetensors(
    path,
    [...tensors].map(([name, { dtype, shape, data }]) => ({ name, dtype, shape, chunks: [data] })),
  );
}

describe("tied embeddings", () => {
  test("a stored head that equals the embedding stays tied, another one is read", () => {
    const copy = damaged("tiny-qwen2");
    rewrite(copy, (tensors) =>
      tensors.set("lm_head.weight", structuredClone(tensors.get("model.embed_tokens.weight")!)),
    );
    using tied = openBase(copy);
    expect(tied.config.tieWordEmbeddings).toBe(true);
    rewrite(copy, (tensors) => tensors.get("lm_head.weight")!.data.fill(1, 0, 1));
    using untied = openBase(copy);
    expect(untied.config.tieWordEmbeddings).toBe(false);
    expect(untied.tensors.has("lm_head.weight")).toBe(true);
  });

  test("a lone head serves as the embedding", () => {
    const copy = damaged("tiny-qwen2");
    using before = openBase(join(models, "tiny-qwen2"));
    rewrite(copy, (tensors) => {
      tensors.set("lm_head.weight", tensors.get("model.embed_tokens.weight")!);
      tensors.delete("model.embed_tokens.weight");
    });
    using after = openBase(copy);
    const name = "model.embed_tokens.weight";
    expect(differing(after.readF32(name, 0, 9), before.readF32(name, 0, 9))).toBe(0);
  });
});

describe("a damaged directory is refused in one line that names the place", () => {
  const shard = "model-00002-of-00002.safetensors";
  const index = "model.safetensors.index.json";
  const cases: [string, string, (directory: string) => void, string][] = [
    [
      "a missing shard",
      "tiny-qwen3-sharded",
      (d) => rmSync(join(d, shard)),
      `${shard}: expected this shard (${index} names it), got no such file`,
    ],
    [
      "a half-downloaded shard",
      "tiny-qwen3-sharded",
      (d) => truncateSync(join(d, shard), 9000),
      "the tensor's data is cut off",
    ],
    [
      "a shard of another model",
      "tiny-qwen3-sharded",
      (d) => writeFileSync(join(d, shard), readFileSync(join(models, "tiny-llama", "model.safetensors"))),
      `expected the tensor in ${shard}, got none`,
    ],
    [
      "trailing bytes",
      "tiny-llama",
      (d) => appendFileSync(join(d, "model.safetensors"), "x"),
      "got 1 bytes more",
    ],
    [
      "an index that leaves the directory",
      "tiny-qwen3-sharded",
      (d) => setIndex(d, "../evil.safetensors"),
      "expected the name of a file in the same directory, got",
    ],
    [
      "an index with an absolute path",
      "tiny-qwen3-sharded",
      (d) => setIndex(d, "/etc/passwd"),
      "expected the name of a file in the same directory, got",
    ],
    [
      "an index with a folder in it",
      "tiny-qwen3-sharded",
      (d) => setIndex(d, `sub/${shard}`),
      "expected the name of a file in the same directory, got",
    ],
    [
      "an index with a Windows path",
      "tiny-qwen3-sharded",
      (d) => setIndex(d, "..\\evil.safetensors"),
      "expected the name of a file in the same directory, got",
    ],
    ["a shard that is a link out", "tiny-qwen3-sharded", (d) => linkOut(d, shard), "expected shards inside"],
    [
      "an index that is cut off",
      "tiny-qwen3-sharded",
      (d) => truncateSync(join(d, index), 300),
      ": expected JSON, got",
    ],
    [
      "no weights",
      "tiny-llama",
      (d) => rmSync(join(d, "model.safetensors")),
      `expected model.safetensors or ${index}, got neither`,
    ],
    [
      "no config",
      "tiny-llama",
      (d) => rmSync(join(d, "config.json")),
      "config.json: expected a model's config.json, got no such file",
    ],
    [
      "a config of other shapes",
      "tiny-llama",
      (d) => setKey(join(d, "config.json"), "intermediate_size", 177),
      "model.layers.0.mlp.gate_proj.weight: expected shape [177,64] as config.json says, got [176,64]",
    ],
    [
      "a config with more layers",
      "tiny-llama",
      (d) => setKey(join(d, "config.json"), "num_hidden_layers", 3),
      "model.layers.2.input_layernorm.weight: expected a tensor of shape [64], got none",
    ],
    [
      "a weight of another type",
      "tiny-llama",
      (d) =>
        rewrite(d, (t) =>
          t.set("model.norm.weight", { dtype: "I32", shape: [64], data: new Uint8Array(256) }),
        ),
      "model.norm.weight: expected F32, F16, BF16 or bitsandbytes' 4 bits, got I32",
    ],
  ];
  for (const [name, model, damage, expected] of cases)
    test(name, () => {
      const copy = damaged(model);
      damage(copy);
      const message = complaint(copy);
      expect(message).toContain(expected);
      expect(message).toContain(copy);
      expect(message).not.toContain("\n");
    });

  function setIndex(directory: string, name: string): void {
    const path = join(directory, index);
    const json = JSON.parse(readFileSync(path, "utf8"));
    json.weight_map["model.norm.weight"] = name;
    writeFileSync(path, JSON.stringify(json));
  }

  function linkOut(directory: string, name: string): void {
    const elsewhere = join(scratch(), name);
    renameSync(join(directory, name), elsewhere);
    symlinkSync(elsewhere, join(directory, name));
  }

  test("the Hub's cache, where snapshots link to blobs, is read", () => {
    const cache = scratch();
    const snapshot = join(cache, "snapshots", "abc");
    mkdirSync(snapshot, { recursive: true });
    mkdirSync(join(cache, "blobs"));
    for (const name of ["config.json", index, "model-00001-of-00002.safetensors", shard]) {
      writeFileSync(
        join(cache, "blobs", `hash-${name}`),
        readFileSync(join(formats, "tiny-qwen3-sharded", name)),
      );
      symlinkSync(join("..", "..", "blobs", `hash-${name}`), join(snapshot, name));
    }
    using base = openBase(snapshot);
    expect(base.tensors.size).toBe(36);
    rmSync(cache, { recursive: true });
  });

  test("a path with nothing there", () => {
    expect(complaint("/nowhere/at all")).toBe(
      "/nowhere/at all: expected a model directory or a .gguf file, got nothing there",
    );
  });
});

describe("weights that are not numbers", () => {
  test("are found when asked for, with tensor and place", () => {
    const copy = damaged("tiny-llama-bf16");
    const name = "model.layers.1.mlp.up_proj.weight";
    for (const [bits, shown] of [
      [0x7fc0, "NaN"],
      [0xff80, "-Infinity"],
    ] as const) {
      rewrite(copy, (tensors) =>
        new DataView(tensors.get(name)!.data.buffer).setUint16(2 * (5 * 64 + 63), bits, true),
      );
      using base = openBase(copy);
      expect(() => base.readF32(name, 0, 176)).not.toThrow();
      expect(() => base.readF32(name, 0, 5, undefined, { checkFinite: true })).not.toThrow();
      const raw = new Uint8Array(176 * 64 * 2);
      expect(() => base.readRaw(name, 0, raw.subarray(0, 5 * 64 * 2), { checkFinite: true })).not.toThrow();
      expect(messageOf(() => base.readRaw(name, 0, raw, { checkFinite: true }))).toEndWith(
        `got ${shown} at [5, 63]`,
      );
      expect(messageOf(() => base.readF32(name, 2, 176, undefined, { checkFinite: true }))).toBe(
        `${join(copy, "model.safetensors")}: ${name}: expected finite weights, got ${shown} at [5, 63]`,
      );
    }
  });
});

describe("the fingerprint", () => {
  test("is the same for a copy and another for any changed byte or config", () => {
    const copy = damaged("tiny-llama");
    const print = (directory: string) => {
      using base = openBase(directory);
      return base.fingerprint();
    };
    const original = print(join(models, "tiny-llama"));
    expect(original).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(print(copy)).toBe(original);
    const weights = join(copy, "model.safetensors");
    const bytes = readFileSync(weights);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(weights, bytes);
    const changed = print(copy);
    expect(changed).not.toBe(original);
    setKey(join(copy, "config.json"), "rms_norm_eps", 1e-6);
    expect(print(copy)).not.toBe(changed);
  });

  test("of files over 2 GiB covers every header byte and 16 pieces of each tensor", () => {
    const tensors = [
      { offset: 1000, bytes: 3 * 2 ** 30 },
      { offset: 1000 + 3 * 2 ** 30, bytes: 10 },
    ];
    const print = (changedAt: number) => {
      let read = 0;
      const hash = fingerprintFiles("config", [
        {
          name: "a",
          bytes: 1010 + 3 * 2 ** 30,
          headerBytes: 1000,
          tensors,
          read(offset, into) {
            into.fill(7);
            if (changedAt >= offset && changedAt < offset + into.length) into[changedAt - offset] = 8;
            read += into.length;
          },
        },
      ]);
      expect(read).toBe(1000 + 16 * 4096 + 10);
      return hash;
    };
    const original = print(-1);
    for (const at of [0, 999, 1000, 1000 + 3 * 2 ** 30 - 1, 1000 + 3 * 2 ** 30, 1009 + 3 * 2 ** 30])
      expect(print(at)).not.toBe(original);
  });
});
