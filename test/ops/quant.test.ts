import { expect, setDefaultTimeout } from "bun:test";
import { join } from "node:path";
import { roundTo as roundFloats } from "../../src/formats/dtype.ts";
import { SafetensorsFile } from "../../src/formats/safetensors.ts";
import type { Device } from "../../src/gpu/device.ts";
import { Stream } from "../../src/gpu/stream.ts";
import { dequantise4bit } from "../../src/ops/quant.ts";
import { floats } from "../formats/golden.ts";
import { testDevice } from "../gpu.ts";

// Software drivers compile a kernel for seconds where the machine is busy.
setDefaultTimeout(120_000);

const { device, gpuTest } = await testDevice();
const file = new SafetensorsFile(join(import.meta.dir, "../golden/formats/nf4.safetensors"));
const guard = 12345;

// Runs the op over NaN, with guards behind, and gives what it wrote; `selects` swaps the way of looking codes up.
async function dequantised(
  bytes: Uint8Array,
  absmax: Float32Array,
  table: Float32Array,
  dtype: "f32" | "f16",
  count: number,
  block: number,
  selects = device.facts.software,
  roundTo: "F32" | "BF16" | "F16" = "F32",
): Promise<Float32Array> {
  const words = new Uint32Array(Math.ceil(count / 8));
  new Uint8Array(words.buffer).set(bytes.subarray(0, Math.ceil(count / 2)));
  const tensors = {
    packed: device.tensor("test", "packed", "u32", [Math.max(1, words.length)]),
    absmax: device.tensor("test", "absmax", "f32", [absmax.length]),
    table: device.tensor("test", "table", "f32", [16]),
    out: device.tensor("test", "out", dtype, [count + 9]),
  };
  device.write(tensors.packed, words);
  device.write(tensors.absmax, absmax);
  device.write(tensors.table, table);
  const before = new Float32Array(count + 9).fill(Number.NaN, 0, count).fill(guard, count);
  device.write(tensors.out, dtype === "f16" ? new Float16Array(before) : before);
  const facts = { ...device.facts, software: selects };
  const stream = new Stream(Object.create(device, { facts: { value: facts } }) as Device);
  dequantise4bit(stream, tensors, { count, block, roundTo });
  stream.submit();
  const got = await device.read(tensors.out);
  for (const tensor of Object.values(tensors)) device.free(tensor);
  expect([...got.subarray(count)]).toEqual(
    Array(9).fill(dtype === "f16" ? Math.fround(new Float16Array([guard])[0]!) : guard),
  );
  return got.subarray(0, count);
}

const cases = [...file.entries.keys()].flatMap((key) => /^(.+)\.packed$/.exec(key)?.[1] ?? []);
for (const selects of [true, false])
  for (const dtype of ["f32", "f16"] as const)
    gpuTest(
      `gives bitsandbytes' ${dtype} values of all its codes, ${selects ? "by selects" : "by a table"}`,
      async () => {
        expect(cases.length).toBeGreaterThan(10);
        for (const name of cases) {
          const table = floats(file, name.startsWith("fp4") ? "table.fp4" : "table.nf4");
          const expected = floats(file, `${name}.dequantised_${dtype}`);
          const packed = file.readAll(file.entry(`${name}.packed`));
          const absmax = floats(file, `${name}.absmax`);
          const got = await dequantised(packed, absmax, table, dtype, expected.length, 64, selects);
          const worst = got.findIndex((value, i) => value !== expected[i]);
          expect(worst < 0 ? "" : `${name}[${worst}] = ${got[worst]}, expected ${expected[worst]}`).toBe("");
        }
      },
    );

for (const roundTo of ["BF16", "F16"] as const)
  gpuTest(`rounds as a checkpoint that was quantised from ${roundTo} does`, async () => {
    const count = 4096;
    const bytes = Uint8Array.from({ length: count / 2 }, (_, i) => (i * 151 + 77) & 255);
    const absmax = Float32Array.from({ length: count / 64 }, (_, i) => 0.013 + i * 0.0717);
    const table = floats(file, "table.nf4");
    const got = await dequantised(bytes, absmax, table, "f32", count, 64, undefined, roundTo);
    const expected = await dequantised(bytes, absmax, table, "f32", count, 64);
    // The CPU reader's own rounding, pinned against torch elsewhere.
    roundFloats(roundTo, expected);
    expect(got).toEqual(expected);
  });

gpuTest("takes any count and block, and any 16 values", async () => {
  const table = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i + 1));
  for (const count of [1, 2, 3, 4, 5, 7, 8, 9, 511, 512, 513, 4099])
    for (const block of [8, 24, 64, 4096]) {
      const bytes = Uint8Array.from({ length: Math.ceil(count / 2) }, (_, i) => (i * 151 + 77) & 255);
      const absmax = Float32Array.from({ length: Math.ceil(count / block) }, (_, i) => 0.3 + i * 0.7);
      const got = await dequantised(bytes, absmax, table, "f32", count, block);
      const expected = Float32Array.from({ length: count }, (_, i) => {
        const code = i % 2 === 0 ? bytes[i >> 1]! >> 4 : bytes[i >> 1]! & 15;
        return table[code]! * absmax[Math.floor(i / block)]!;
      });
      expect(got).toEqual(expected);
    }
});

gpuTest("refuses blocks that would share a word", () => {
  const t = device.tensor("test", "t", "f32", [64]);
  const packed = device.tensor("test", "packed", "u32", [8]);
  const run = (block: number) =>
    dequantise4bit(new Stream(device), { packed, absmax: t, table: t, out: t }, { count: 64, block });
  expect(() => run(12)).toThrow("block must be a multiple of 8, got 12");
  expect(() => run(4)).toThrow("block");
});
