import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SafetensorsFile, writeSafetensors } from "../../src/formats/safetensors.ts";
import { adapters, formats, messageOf, models, safetensorsBytes, scratch } from "./golden.ts";

const folder = scratch();

function rewritten(path: string): Buffer {
  using file = new SafetensorsFile(path);
  const copy = join(folder, "copy.safetensors");
  const tensors = [...file.entries.values()].map((entry) => {
    const data = file.readAll(entry);
    // Two chunks, so that streaming is exercised.
    const half = entry.bytes >> 1;
    return { ...entry, chunks: [data.subarray(0, half), data.subarray(half)] };
  });
  writeSafetensors(copy, tensors.reverse(), file.metadata);
  return readFileSync(copy);
}

describe("what is written equals what the Python package writes, byte for byte", () => {
  const paths = [
    join(models, "tiny-mistral-nf4", "model.safetensors"),
    join(models, "tiny-qwen2-fp16", "model.safetensors"),
    join(adapters, "mistral-pattern", "adapter_model.safetensors"),
    join(formats, "nf4.safetensors"),
  ];
  for (const path of paths)
    test(path.split("/").slice(-2).join("/"), () =>
      expect(rewritten(path).equals(readFileSync(path))).toBe(true),
    );
});

test("a write that fails in the middle leaves the old file and no other", () => {
  const path = join(folder, "kept.safetensors");
  writeFileSync(path, "old");
  const tensor = { name: "a", dtype: "F32", shape: [2], chunks: [new Uint8Array(4)] };
  expect(() => writeSafetensors(path, [tensor])).toThrow("4 bytes too few");
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(existsSync(`${path}.part-${process.pid}`)).toBe(false);
});

describe("a header is not believed", () => {
  const ok = `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`;
  const one = (fields: string) => `{"a":{${fields}}}`;
  const two = (a: string, b: string) =>
    `{"a":{"dtype":"F32","shape":[1],"data_offsets":${a}},"b":{"dtype":"F32","shape":[1],"data_offsets":${b}}}`;
  const cases: [string, Uint8Array, string][] = [
    ["a file of 5 bytes", new Uint8Array(5), "expected a safetensors file of at least 8 bytes, got 5"],
    [
      "a header longer than the file",
      safetensorsBytes(ok, 8, 1000n),
      "expected a header that fits the file of 70 bytes, got a header length of 1000",
    ],
    [
      "a pointer that Git LFS left",
      new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"),
      "expected a safetensors file, got a pointer to one in Git LFS",
    ],
    ["a header length of 2^63", safetensorsBytes(ok, 8, 1n << 63n), "expected a header that fits the file"],
    ["no JSON", safetensorsBytes("PK\u0003\u0004zip file", 0), "expected a JSON header, got"],
    ["JSON cut off", safetensorsBytes(ok.slice(0, -9), 0), ":1: expected JSON, got"],
    [
      "data cut off",
      safetensorsBytes(ok, 7),
      "a: expected the file to have 70 bytes or more, got 69 (the tensor's data is cut off)",
    ],
    [
      "trailing bytes",
      safetensorsBytes(ok, 11),
      "expected the file to end at byte 70 after a, got 3 bytes more",
    ],
    [
      "an unknown type",
      safetensorsBytes(one(`"dtype":"F33","shape":[2],"data_offsets":[0,8]`), 8),
      "a: dtype: expected one of BOOL",
    ],
    [
      "a type from the prototype",
      safetensorsBytes(one(`"dtype":"constructor","shape":[2],"data_offsets":[0,8]`), 8),
      "a: dtype: expected one of BOOL",
    ],
    [
      "a size that is not type times shape",
      safetensorsBytes(one(`"dtype":"F16","shape":[2],"data_offsets":[0,8]`), 8),
      "a: expected 4 bytes for F16 [2], got 8 in data_offsets",
    ],
    [
      "a negative dimension",
      safetensorsBytes(one(`"dtype":"F32","shape":[-2],"data_offsets":[0,8]`), 8),
      "a: shape: expected a list of whole numbers",
    ],
    [
      "offsets that go back",
      safetensorsBytes(one(`"dtype":"F32","shape":[0],"data_offsets":[8,0]`), 8),
      "a: data_offsets: expected [begin, end]",
    ],
    ["an overlap", safetensorsBytes(two("[0,4]", "[0,4]"), 4), "(an overlap)"],
    [
      "a gap",
      safetensorsBytes(two("[0,4]", "[8,12]"), 12),
      "b: expected data right after a at 4, got 8 (a gap)",
    ],
    [
      "a name that occurs twice",
      safetensorsBytes(
        `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`,
        4,
      ),
      "expected every tensor name once, got 2 tensors with 1 names",
    ],
    [
      "a name of two lines",
      safetensorsBytes(`{"a\\nb":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4),
      `expected a tensor name of printable text, got "a\\nb"`,
    ],
    [
      "metadata that is no text",
      safetensorsBytes(`{"__metadata__":{"x":1}}`, 0),
      "__metadata__: expected an object of strings",
    ],
  ];
  for (const [name, bytes, complaint] of cases)
    test(name, () => {
      const path = join(folder, "bad.safetensors");
      writeFileSync(path, bytes);
      const message = messageOf(() => new SafetensorsFile(path));
      expect(message).toStartWith(path);
      expect(message).toContain(complaint);
    });

  test("escaped quotes in metadata are no second tensor", () => {
    const path = join(folder, "quotes.safetensors");
    writeFileSync(path, safetensorsBytes(`{"__metadata__":{"note":"\\"data_offsets\\":"},${ok.slice(1)}`, 8));
    using file = new SafetensorsFile(path);
    expect([...file.entries.keys()]).toEqual(["a"]);
  });
});
