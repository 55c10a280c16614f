import { describe, expect } from "bun:test";
import { AdapterParameters, layoutParameters } from "../../src/model/adapter-parameters.ts";
import { AdamW, type AdamWSettings } from "../../src/train/optimiser.ts";
import { testDevice } from "../gpu.ts";

const { device, gpuTest } = await testDevice();

const target = (name: "q_proj" | "v_proj", outFeatures: number) => ({
  module: `model.layers.0.self_attn.${name}`,
  layer: 0,
  name,
  r: 3,
  alpha: 6,
  scale: 2,
  inFeatures: 20,
  outFeatures,
});
const targets = [target("q_proj", 20), target("v_proj", 7)];

const settings: AdamWSettings = {
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0.1,
  loraPlusRatio: 4,
  maxNorm: 0.5,
};

/** An adapter whose A and B lie in flat buffers of their own, as those of a large model do. */
function make(change: Partial<AdamWSettings> = {}) {
  // Too small for two matrices in one buffer.
  const small = Object.assign(Object.create(device), { maxBindingBytes: 512 }) as typeof device;
  const { sizes } = layoutParameters(targets, small.maxBindingBytes);
  expect(sizes.length).toBeGreaterThan(1);
  const take = (label: string) =>
    device.tensor("test", label, "f32", [sizes[Number(label.split(".").at(-1))]!]);
  const parameters = new AdapterParameters(small, targets, true, take);
  const updater = new AdamW(device, parameters, { ...settings, ...change });
  const { slots } = parameters.layout;
  const fill = (wave: number) =>
    new Map(slots.map(({ name, shape }, s) => [name, wavy(shape[0] * shape[1], wave + s)]));
  const putGradients = (values: ReadonlyMap<string, Float32Array>, scale = 1) => {
    for (const { name, flat, start } of slots)
      device.write(
        parameters.gradients[flat]!,
        values.get(name)!.map((x) => x * scale),
        start,
      );
  };
  parameters.write(fill(1));
  updater.clearGradients();
  return { parameters, updater, fill, putGradients };
}

function wavy(count: number, wave: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(0.7 * i * wave + wave) / (1 + wave));
}

/** torch.optim.AdamW after clip_grad_norm_, in f64; B at its own rate. */
function reference(
  weights: Map<string, Float32Array>,
  gradients: readonly Map<string, Float32Array>[],
  rates: readonly number[],
) {
  const p = new Map([...weights].map(([name, values]) => [name, Float64Array.from(values)]));
  const m = new Map([...p].map(([name, values]) => [name, new Float64Array(values.length)]));
  const v = new Map([...p].map(([name, values]) => [name, new Float64Array(values.length)]));
  const norms: number[] = [];
  gradients.forEach((gradient, k) => {
    let square = 0;
    for (const values of gradient.values()) for (const x of values) square += x * x;
    const norm = Math.sqrt(square);
    norms.push(norm);
    const clip = Math.min(1, settings.maxNorm / (norm + 1e-6));
    for (const [name, values] of p) {
      const rate = rates[k]! * (name.includes("lora_B") ? settings.loraPlusRatio : 1);
      const [first, second] = [m.get(name)!, v.get(name)!];
      for (let i = 0; i < values.length; i++) {
        const g = gradient.get(name)![i]! * clip;
        first[i] = 0.9 * first[i]! + (1 - 0.9) * g;
        second[i] = 0.999 * second[i]! + (1 - 0.999) * g * g;
        const root = Math.sqrt(second[i]! / (1 - 0.999 ** (k + 1))) + 1e-8;
        values[i] = values[i]! * (1 - rate * settings.weightDecay);
        values[i] = values[i]! - (rate * (first[i]! / (1 - 0.9 ** (k + 1)))) / root;
      }
    }
  });
  return { p, norms };
}

describe("AdamW over flat buffers", () => {
  gpuTest("updates as torch does, with clipping, decay and LoRA+, whatever the loss scale", async () => {
    for (const scale of [1, 65536]) {
      const { parameters, updater, fill, putGradients } = make();
      const gradients = [2, 0.3, 5].map(fill);
      const rates = [1e-2, 2e-2, 5e-3];
      const wanted = reference(fill(1), gradients, rates);
      for (const [k, gradient] of gradients.entries()) {
        putGradients(gradient, scale);
        const { norm, finite } = await updater.step(rates[k]!, scale);
        expect(finite).toBe(true);
        expect(Math.abs(norm / wanted.norms[k]! - 1)).toBeLessThan(1e-6);
      }
      for (const [name, values] of await parameters.readWeights())
        values.forEach((x, i) => {
          expect(Math.abs(x - wanted.p.get(name)![i]!)).toBeLessThan(2e-6);
        });
      for (const values of (await parameters.readGradients()).values())
        expect(values.every((x) => x === 0)).toBe(true);
    }
  });

  gpuTest("changes nothing when one gradient is not finite, and goes on after it", async () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const { parameters, updater, fill, putGradients } = make();
      putGradients(fill(2));
      await updater.step(1e-2, 1);
      const [weights, moments] = [await parameters.readWeights(), await parameters.readMoments()];
      const broken = fill(3);
      broken.get(parameters.layout.slots.at(-1)!.name)![20] = bad;
      putGradients(broken);
      expect((await updater.step(1e-2, 1)).finite).toBe(false);
      expect(updater.updates).toBe(1);
      expect(await parameters.readWeights()).toEqual(weights);
      expect(await parameters.readMoments()).toEqual(moments);
      putGradients(fill(3));
      expect((await updater.step(1e-2, 1)).finite).toBe(true);
      expect(updater.updates).toBe(2);
    }
  });

  gpuTest("goes on from saved moments bit for bit", async () => {
    const straight = make();
    for (const wave of [2, 3]) {
      straight.putGradients(straight.fill(wave));
      await straight.updater.step(1e-2, 1);
    }
    const first = make();
    first.putGradients(first.fill(2));
    await first.updater.step(1e-2, 1);
    const second = make();
    second.parameters.write(await first.parameters.readWeights());
    second.parameters.writeMoments(await first.parameters.readMoments());
    second.updater.updates = first.updater.updates;
    second.putGradients(second.fill(3));
    await second.updater.step(1e-2, 1);
    expect(await second.parameters.readWeights()).toEqual(await straight.parameters.readWeights());
    expect(await second.parameters.readMoments()).toEqual(await straight.parameters.readMoments());
  });
});
