// Dynamic loss scaling for gradients that pass through f16: torch.amp.GradScaler, state for state. Micikevicius et al. 2018.

/** What a checkpoint keeps. */
export interface LossScaleState {
  readonly scale: number;
  readonly growthTracker: number;
}

/** How the scale moves; GradScaler's defaults. */
export interface LossScaleOptions {
  readonly initialScale?: number;
  readonly growthFactor?: number;
  readonly backoffFactor?: number;
  /** Good steps in a row before the scale grows. */
  readonly growthInterval?: number;
}

/** The factor that losses are multiplied with before backward, and gradients divided by after it. */
export class LossScale {
  private current: LossScaleState;
  private readonly options: Required<LossScaleOptions>;

  /** @param dynamic false: the scale is 1 for ever, for gradients that never leave f32. */
  constructor(
    private readonly dynamic: boolean,
    options: LossScaleOptions = {},
  ) {
    this.options = {
      initialScale: 65536,
      growthFactor: 2,
      backoffFactor: 0.5,
      growthInterval: 2000,
      ...options,
    };
    this.current = { scale: dynamic ? this.options.initialScale : 1, growthTracker: 0 };
  }

  get scale(): number {
    return this.current.scale;
  }

  get state(): LossScaleState {
    return this.current;
  }

  restore(state: LossScaleState): void {
    this.current = state;
  }

  /** After each update: whether all gradients were finite. */
  update(finite: boolean): void {
    if (!this.dynamic) return;
    const { scale, growthTracker } = this.current;
    if (!finite) this.current = { scale: scale * this.options.backoffFactor, growthTracker: 0 };
    else if (growthTracker + 1 === this.options.growthInterval)
      this.current = { scale: scale * this.options.growthFactor, growthTracker: 0 };
    else this.current = { scale, growthTracker: growthTracker + 1 };
  }
}
