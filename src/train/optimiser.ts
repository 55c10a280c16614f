// AdamW over whatever is trained, LoRA or the base's own weights, all of it on the device: norm, clipping and update are recorded in one submission, and
// 16 bytes come back. Loshchilov & Hutter 2019, as torch.optim.AdamW; LoRA+ by Hayou et al. 2024.

import type { Device } from "../gpu/device.ts";
import { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Trainee } from "../model/parameter-block.ts";
import { adamw, gradNorm, gradNormPartials } from "../ops/adamw.ts";

/** Settings that stay the same through a run. */
export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Of matrices; norms and biases do not decay, as in transformers. */
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

/** The optimiser and its state on the device. */
export class AdamW {
  /** Updates applied so far; skipped ones do not count. */
  updates = 0;
  private partials: Tensor;
  private readonly norm: Tensor;
  private readonly stream: Stream;

  constructor(
    private readonly device: Device,
    private readonly trainee: Trainee,
    private readonly settings: AdamWSettings,
  ) {
    this.partials = this.makePartials();
    this.norm = device.tensor("optimiser state", "norm", "f32", [4]);
    this.stream = new Stream(device);
  }

  /** Begins anew, for other blocks: no update was applied to them yet. Their moments are the caller's to clear. */
  restart(): void {
    this.device.free(this.partials);
    this.partials = this.makePartials();
    this.updates = 0;
  }

  private makePartials(): Tensor {
    const size = gradNormPartials(this.trainee.blocks.length);
    return this.device.tensor("optimiser state", "norm.partials", "f32", [size]);
  }

  /** Sets all gradients to zero; before the first window, and after one that was given up. */
  clearGradients(): void {
    for (const { g } of this.trainee.blocks) this.stream.clear(g);
    this.stream.submit();
  }

  /** One update from the gradients that are there, divided by `lossScale`, which are zero afterwards. Waits. */
  async step(learningRate: number, lossScale: number): Promise<UpdateResult> {
    const { beta1, beta2, eps, weightDecay, loraPlusRatio, maxNorm } = this.settings;
    const { blocks } = this.trainee;
    gradNorm(
      this.stream,
      { gradients: blocks.map(({ g }) => g), partials: this.partials, result: this.norm },
      { maxNorm, inverseScale: 1 / lossScale },
    );
    const t = this.updates + 1;
    const correction1 = 1 - beta1 ** t;
    const correction2 = 1 - beta2 ** t;
    for (const { p, g, m, v, ranges } of blocks)
      for (const { kind, start, count } of ranges)
        adamw(
          this.stream,
          { p, g, m, v, norm: this.norm },
          {
            start,
            count,
            learningRate: kind === "lora_B" ? learningRate * loraPlusRatio : learningRate,
            beta1,
            beta2,
            eps,
            weightDecay: kind === "vector" ? 0 : weightDecay,
            correction1,
            correction2,
          },
        );
    this.trainee.updated?.(this.stream);
    this.clearGradients();
    const [norm, , finite] = await this.device.read(this.norm);
    if (finite !== 0) this.updates = t;
    return { norm: norm!, finite: finite !== 0 };
  }

  /** Gives back what is the optimiser's own; the moments are the trainee's. */
  [Symbol.dispose](): void {
    this.device.free(this.partials);
    this.device.free(this.norm);
  }
}
