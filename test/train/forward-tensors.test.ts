import { describe, expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { SafetensorsFile } from "../../src/formats/safetensors.ts";
import { computeForward, saveForward } from "../../src/train/forward-tensors.ts";
import fullGradients from "../golden/full/gradients.json";
import { testDevice } from "../gpu.ts";
import { numeric, scratchFolder } from "./tiny-run.ts";

const { gpuTest } = await testDevice();
const { scratch } = scratchFolder();

const bounds = { logits: 2e-4, hidden: 2e-4, loss: 2e-6, grads: 5e-5 };

function floats(file: SafetensorsFile, name: string): Float32Array {
  const bytes = file.readAll(file.entry(name));
  return new Float32Array(bytes.buffer as ArrayBuffer);
}

/** Ids and labels of both sequences, as --ids takes them. */
function idsOf(model: string): string {
  using file = new SafetensorsFile(join(numeric, "forward", `${model}.safetensors`));
  const words = (name: string) => [...new Int32Array(file.readAll(file.entry(name)).buffer as ArrayBuffer)];
  const path = join(scratch, `${model}.json`);
  const rows = [0, 1].map((i) => ({ input_ids: words(`${i}.input_ids`), labels: words(`${i}.labels`) }));
  writeFileSync(path, JSON.stringify(rows));
  return path;
}

function worst(got: Float32Array, wanted: Float32Array): number {
  expect(got.length).toBe(wanted.length);
  return wanted.reduce((most, x, i) => Math.max(most, Math.abs(x - got[i]!)), 0);
}

const request = { load4bit: false, tier: "auto", requireGpu: false, hidden: false, grads: false };

describe("inspect forward", () => {
  gpuTest("saves logits, hidden states and losses under the names of the fixtures", async () => {
    const base = join(numeric, "models", "tiny-qwen3");
    const out = join(scratch, "out.safetensors");
    const result = await computeForward(
      { ...request, base, ids: idsOf("tiny-qwen3"), hidden: true },
      () => undefined,
    );
    saveForward(out, result);
    using ours = new SafetensorsFile(out);
    using golden = new SafetensorsFile(join(numeric, "forward", "tiny-qwen3.safetensors"));
    for (const name of ["0.logits", "1.logits", "1.hidden.0", "1.hidden.1", "1.hidden.2", "1.hidden.3"]) {
      expect(ours.entry(name).shape).toEqual(golden.entry(name).shape);
      expect(ours.entry(name).dtype).toBe("F32");
      expect(worst(floats(ours, name), floats(golden, name))).toBeLessThan(
        name.includes("hidden") ? bounds.hidden : bounds.logits,
      );
    }
    expect([...ours.entries.keys()].filter((name) => name.includes("hidden.4"))).toEqual([]);
    const info = await Bun.file(join(numeric, "forward", "tiny-qwen3.json")).json();
    const wanted = [...info.sequences.map((s: { loss_mean: number }) => s.loss_mean), info.padded_loss_mean];
    for (const [i, name] of ["0.loss", "1.loss", "loss"].entries()) {
      expect(ours.entry(name).shape).toEqual([1]);
      expect(Math.abs(floats(ours, name)[0]! / wanted[i] - 1)).toBeLessThan(bounds.loss);
    }
  });

  for (const [name, model] of [
    ["mistral-pattern", "tiny-mistral"],
    ["llama-rslora", "tiny-llama"],
  ] as const)
    gpuTest(`gives ${name}'s logits and the gradient of each of its tensors`, async () => {
      const adapter = join(numeric, "lora", name);
      const base = join(numeric, "models", model);
      const { tensors } = await computeForward(
        { ...request, base, ids: idsOf(model), adapter, grads: true },
        () => undefined,
      );
      using logits = new SafetensorsFile(`${adapter}.safetensors`);
      expect(worst(tensors.get("1.logits")!.data, floats(logits, "1.logits"))).toBeLessThan(bounds.logits);
      using grads = new SafetensorsFile(`${adapter}.grads.safetensors`);
      for (const { name: key, shape } of grads.entries.values()) {
        const got = tensors.get(`grad.${key}`)!;
        expect(got.shape).toEqual(shape);
        const wanted = floats(grads, key);
        const most = wanted.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
        expect(worst(got.data, wanted) / most).toBeLessThan(bounds.grads);
      }
    });

  gpuTest("gives the gradients of groups of the base's own weights", async () => {
    const base = join(numeric, "models", "tiny-llama");
    const wanted = fullGradients.models["tiny-llama"];
    const asked = { ...request, base, ids: idsOf("tiny-llama"), grads: true };
    const { tensors, loss } = await computeForward({ ...asked, full: ["norms", "lm_head"] }, () => undefined);
    expect(Math.abs(loss / wanted.loss - 1)).toBeLessThan(bounds.loss);
    const names = [...tensors.keys()].filter((name) => name.startsWith("grad."));
    expect(names.length).toBe(6);
    for (const name of names) {
      const { step, values, largest } = wanted.tensors[name.slice(5) as keyof typeof wanted.tensors];
      const { data } = tensors.get(name)!;
      const picked = Float32Array.from(values, (_, i) => data[i * step]!);
      expect(worst(picked, Float32Array.from(values)) / largest).toBeLessThan(bounds.grads);
    }
    await expect(
      computeForward({ ...asked, grads: false, full: ["norms"] }, () => undefined),
    ).rejects.toThrow("--full: expected --grads, got nothing");
  });

  gpuTest("asks for an adapter before it gives gradients", async () => {
    const base = join(numeric, "models", "tiny-llama");
    await expect(
      computeForward({ ...request, base, ids: idsOf("tiny-llama"), grads: true }, () => undefined),
    ).rejects.toThrow("--grads: expected --adapter or --full, got neither");
  });
});
