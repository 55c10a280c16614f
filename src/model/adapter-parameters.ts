// LoRA weights and their gradients, all in a few flat buffers, so that clipping and AdamW are one pass over memory.
// A [R, in] and B [out, R], f32, row-major: PEFT's own bytes. Hu et al. 2021.

import { adapterTensorName, type LoraTarget } from "../formats/peft-adapter.ts";
import type { Device } from "../gpu/device.ts";
import { Stream } from "../gpu/stream.ts";
import { type Tensor, viewAlignment } from "../gpu/tensor.ts";
import type { ParameterBlock, ParameterRange } from "./parameter-block.ts";

/** Where one LoRA matrix lies. */
export interface ParameterSlot {
  /** Key in adapter_model.safetensors. */
  readonly name: string;
  readonly kind: "lora_A" | "lora_B";
  readonly target: LoraTarget;
  readonly shape: readonly [number, number];
  /** Index of its flat buffer, and its first element there. */
  readonly flat: number;
  readonly start: number;
}

/** The layout of all matrices over flat buffers of at most `maxBindingBytes`. */
export interface ParameterLayout {
  readonly slots: readonly ParameterSlot[];
  /** Elements of each flat buffer. */
  readonly sizes: readonly number[];
  readonly ranges: readonly (readonly ParameterRange[])[];
}

const alignment = viewAlignment / 4;

/** Places all A, then all B, each from an aligned element on. */
export function layoutParameters(targets: readonly LoraTarget[], maxBindingBytes: number): ParameterLayout {
  const limit = Math.floor(maxBindingBytes / 4 / alignment) * alignment;
  const slots: ParameterSlot[] = [];
  const sizes: number[] = [];
  const ranges: ParameterRange[][] = [];
  for (const kind of ["lora_A", "lora_B"] as const) {
    for (const target of targets) {
      const shape =
        kind === "lora_A"
          ? ([target.r, target.inFeatures] as const)
          : ([target.outFeatures, target.r] as const);
      const count = Math.ceil((shape[0] * shape[1]) / alignment) * alignment;
      if (sizes.length === 0 || sizes.at(-1)! + count > limit) {
        sizes.push(0);
        ranges.push([]);
      }
      const flat = sizes.length - 1;
      const start = sizes[flat]!;
      slots.push({
        name: adapterTensorName(target.module, kind === "lora_A" ? "A" : "B"),
        kind,
        target,
        shape,
        flat,
        start,
      });
      sizes[flat] = start + count;
      const last = ranges[flat]!.at(-1);
      if (last?.kind === kind)
        ranges[flat]![ranges[flat]!.length - 1] = { ...last, count: last.count + count };
      else ranges[flat]!.push({ kind, start, count });
    }
  }
  return { slots, sizes, ranges };
}

/** One LoRA pair as the model uses it. */
export interface LoraPair {
  readonly target: LoraTarget;
  readonly a: Tensor;
  readonly b: Tensor;
  /** Gradients; absent when the adapter is not trained. */
  readonly da?: Tensor;
  readonly db?: Tensor;
}

/** First and second moments of one matrix. */
export interface Moments {
  readonly m: Float32Array;
  readonly v: Float32Array;
}

/** The LoRA weights of one adapter on the device. */
export class AdapterParameters {
  readonly layout: ParameterLayout;
  /** Flat weights, f32. */
  readonly weights: readonly Tensor[];
  /** Flat gradients, f32; empty when the adapter is not trained. */
  readonly gradients: readonly Tensor[];
  /** AdamW's moments of each flat buffer; empty when the adapter is not trained. */
  readonly moments: readonly { readonly m: Tensor; readonly v: Tensor }[];
  private readonly pairs = new Map<string, LoraPair>();

  constructor(
    private readonly device: Device,
    targets: readonly LoraTarget[],
    train: boolean,
    /** Makes the planned buffer of a label. */
    take: (label: string) => Tensor,
  ) {
    this.layout = layoutParameters(targets, device.maxBindingBytes);
    const flats = (label: string) => this.layout.sizes.map((_, i) => take(`${label}.${i}`));
    this.weights = flats("lora");
    this.gradients = train ? flats("lora.grad") : [];
    this.moments = train ? flats("adam.m").map((m, i) => ({ m, v: take(`adam.v.${i}`) })) : [];
    const views = new Map<string, Tensor>();
    for (const slot of this.layout.slots) {
      views.set(slot.name, this.weights[slot.flat]!.view(slot.start, slot.shape, slot.name));
      const gradient = this.gradients[slot.flat]?.view(slot.start, slot.shape, `grad.${slot.name}`);
      if (gradient) views.set(`grad.${slot.name}`, gradient);
    }
    for (const target of targets) {
      const a = adapterTensorName(target.module, "A");
      const b = adapterTensorName(target.module, "B");
      this.pairs.set(target.module, {
        target,
        a: views.get(a)!,
        b: views.get(b)!,
        da: views.get(`grad.${a}`),
        db: views.get(`grad.${b}`),
      });
    }
  }

  /** The pair on a module, if it is adapted. */
  pair(module: string): LoraPair | undefined {
    return this.pairs.get(module);
  }

  /** What AdamW updates; nothing when the adapter is not trained. */
  get blocks(): readonly ParameterBlock[] {
    return this.moments.map((moments, i) => ({
      p: this.weights[i]!,
      g: this.gradients[i]!,
      ...moments,
      ranges: this.layout.ranges[i]!,
    }));
  }

  /** AdamW's moments by PEFT key. */
  async readMoments(): Promise<Map<string, Moments>> {
    const flats: Moments[] = [];
    for (const { m, v } of this.moments)
      flats.push({ m: await this.device.read(m), v: await this.device.read(v) });
    return new Map(
      this.layout.slots.map(({ name, flat, start, shape }) => {
        const end = start + shape[0] * shape[1];
        const { m, v } = flats[flat]!;
        return [name, { m: m.slice(start, end), v: v.slice(start, end) }];
      }),
    );
  }

  /** Puts saved moments back, bit for bit. */
  writeMoments(moments: ReadonlyMap<string, Moments>): void {
    for (const { name, flat, start, shape } of this.layout.slots) {
      const saved = moments.get(name);
      if (saved?.m.length !== shape[0] * shape[1] || saved.v.length !== saved.m.length)
        throw new Error(`adapter: expected ${shape[0] * shape[1]} moments for ${name}`);
      const { m, v } = this.moments[flat]!;
      this.device.write(m, saved.m, start);
      this.device.write(v, saved.v, start);
    }
  }

  /** Sets the moments to zero. */
  clearMoments(): void {
    const stream = new Stream(this.device);
    for (const { m, v } of this.moments) {
      stream.clear(m);
      stream.clear(v);
    }
    stream.submit();
  }

  /** Writes weights by PEFT key; every matrix must be given. */
  write(values: ReadonlyMap<string, Float32Array>): void {
    for (const { name, flat, start, shape } of this.layout.slots) {
      const value = values.get(name);
      if (value?.length !== shape[0] * shape[1])
        throw new Error(
          `adapter: expected ${shape[0] * shape[1]} values for ${name}, got ${value?.length ?? "none"}`,
        );
      this.device.write(this.weights[flat]!, value, start);
    }
  }

  /** Reads weights back by PEFT key. */
  readWeights(): Promise<Map<string, Float32Array>> {
    return this.readAll(this.weights);
  }

  /** Reads gradients back by PEFT key. */
  readGradients(): Promise<Map<string, Float32Array>> {
    return this.readAll(this.gradients);
  }

  private async readAll(flats: readonly Tensor[]): Promise<Map<string, Float32Array>> {
    const values: Float32Array[] = [];
    for (const flat of flats) values.push(await this.device.read(flat));
    return new Map(
      this.layout.slots.map(({ name, flat, start, shape }) => [
        name,
        values[flat]!.slice(start, start + shape[0] * shape[1]),
      ]),
    );
  }
}
