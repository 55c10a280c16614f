// AdamW over the flat LoRA buffers, all of it on the device: norm, clipping and update are recorded in one submission, and
// 16 bytes come back. Loshchilov & Hutter 2019, as torch.optim.AdamW; LoRA+ by Hayou et al. 2024.

import type { Device } from "../gpu/device.ts";
import { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { AdapterParameters } from "../model/adapter-parameters.ts";
import { adamw, gradNorm, gradNormPartials } from "../ops/adamw.ts";

/** Settings that stay the same through a run. */
export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** Rate of B over the rate of A; 1 for plain LoRA. */
  readonly loraPlusRatio: number;
  /** Largest gradient norm; 0 or less: no clipping. */
  readonly maxNorm: number;
}

/** What one update did. */
export interface UpdateResult {
  /** L2 norm of all gradients, before clipping. */
  readonly norm: number;
  /** False: a gradient was NaN or infinite, and nothing was changed. */
  readonly finite: boolean;
}

/** First and second moments of one matrix. */
export interface Moments {
  readonly m: Float32Array;
  readonly v: Float32Array;
}

/** The optimiser and its state on the device. */
export class AdamW {
  /** Updates applied so far; skipped ones do not count. */
  updates = 0;
  private readonly partials: Tensor;
  private readonly norm: Tensor;
  private readonly stream: Stream;

  constructor(
    private readonly device: Device,
    private readonly parameters: AdapterParameters,
    private readonly settings: AdamWSettings,
  ) {
    const state = (label: string, size: number) => device.tensor("optimiser state", label, "f32", [size]);
    this.partials = state("norm.partials", gradNormPartials(parameters.gradients.length));
    this.norm = state("norm", 4);
    this.stream = new Stream(device);
  }

  /** Sets all gradients to zero; before the first window, and after one that was given up. */
  clearGradients(): void {
    for (const gradient of this.parameters.gradients) this.stream.clear(gradient);
    this.stream.submit();
  }

  /** One update from the gradients that are there, divided by `lossScale`, which are zero afterwards. Waits. */
  async step(learningRate: number, lossScale: number): Promise<UpdateResult> {
    const { beta1, beta2, eps, weightDecay, loraPlusRatio, maxNorm } = this.settings;
    const { weights, gradients, moments, layout } = this.parameters;
    gradNorm(
      this.stream,
      { gradients, partials: this.partials, result: this.norm },
      { maxNorm, inverseScale: 1 / lossScale },
    );
    const t = this.updates + 1;
    const correction1 = 1 - beta1 ** t;
    const correction2 = 1 - beta2 ** t;
    layout.ranges.forEach((ranges, i) => {
      for (const { kind, start, count } of ranges)
        adamw(
          this.stream,
          { p: weights[i]!, g: gradients[i]!, ...moments[i]!, norm: this.norm },
          {
            start,
            count,
            learningRate: kind === "lora_B" ? learningRate * loraPlusRatio : learningRate,
            beta1,
            beta2,
            eps,
            weightDecay,
            correction1,
            correction2,
          },
        );
    });
    this.clearGradients();
    const [norm, , finite] = await this.device.read(this.norm);
    if (finite !== 0) this.updates = t;
    return { norm: norm!, finite: finite !== 0 };
  }

  /** Gives back what is the optimiser's own; the moments are the parameters'. */
  [Symbol.dispose](): void {
    this.device.free(this.partials);
    this.device.free(this.norm);
  }

  /** The moments by PEFT key. */
  async readMoments(): Promise<Map<string, Moments>> {
    const flats: Moments[] = [];
    for (const { m, v } of this.parameters.moments)
      flats.push({ m: await this.device.read(m), v: await this.device.read(v) });
    return new Map(
      this.parameters.layout.slots.map(({ name, flat, start, shape }) => {
        const end = start + shape[0] * shape[1];
        const { m, v } = flats[flat]!;
        return [name, { m: m.slice(start, end), v: v.slice(start, end) }];
      }),
    );
  }

  /** Puts saved moments back, bit for bit. */
  writeMoments(moments: ReadonlyMap<string, Moments>, updates: number): void {
    for (const { name, flat, start, shape } of this.parameters.layout.slots) {
      const saved = moments.get(name);
      if (saved?.m.length !== shape[0] * shape[1] || saved.v.length !== saved.m.length)
        throw new Error(`optimiser: expected ${shape[0] * shape[1]} moments for ${name}`);
      const { m, v } = this.parameters.moments[flat]!;
      this.device.write(m, saved.m, start);
      this.device.write(v, saved.v, start);
    }
    this.updates = updates;
  }
}
