// Learning rate schedules, value for value those of transformers 5.23 `optimization.py`.

import { closest, show, UserError } from "../base/errors.ts";

/** Schedules by transformers' `lr_scheduler_type`. */
export const schedules = [
  "linear",
  "cosine",
  "constant",
  "constant_with_warmup",
  "cosine_with_restarts",
  "cosine_with_min_lr",
  "polynomial",
  "inverse_sqrt",
  "warmup_stable_decay",
] as const;
export type ScheduleType = (typeof schedules)[number];

/** What a schedule is made from. */
export interface ScheduleInput {
  readonly type: ScheduleType;
  /** Peak rate. */
  readonly learningRate: number;
  /** Updates of the whole run. */
  readonly totalSteps: number;
  readonly warmupSteps: number;
  /** transformers' `lr_scheduler_kwargs`. */
  readonly settings?: Readonly<Record<string, number | string>>;
}

/** Rate of an update, given how many updates came before it. */
export type Schedule = (completed: number) => number;

type Factor = (completed: number) => number;

const knownSettings: Readonly<Record<ScheduleType, readonly string[]>> = {
  linear: [],
  cosine: ["num_cycles"],
  constant: [],
  constant_with_warmup: [],
  cosine_with_restarts: ["num_cycles"],
  cosine_with_min_lr: ["num_cycles", "min_lr", "min_lr_rate"],
  polynomial: ["lr_end", "power"],
  inverse_sqrt: ["timescale"],
  warmup_stable_decay: [
    "num_decay_steps",
    "num_stable_steps",
    "warmup_type",
    "decay_type",
    "min_lr_ratio",
    "num_cycles",
  ],
};

/** Makes the schedule. With warmup the first update uses rate 0.
 *  @throws UserError for a setting that the schedule does not have or that makes no sense. */
export function makeSchedule(input: ScheduleInput): Schedule {
  const { type, learningRate, warmupSteps, settings = {} } = input;
  for (const key of Object.keys(settings)) {
    if (knownSettings[type].includes(key)) continue;
    const near = closest(key, knownSettings[type]);
    throw new UserError(
      `--lr-scheduler-kwargs: expected ${knownSettings[type].join(", ") || "none"} for ${type}, got ${show(key)}`,
      near ? { hint: `did you mean ${near}?` } : {},
    );
  }
  const number = (key: string, fallback: number): number => {
    const value = settings[key] ?? fallback;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw new UserError(`--lr-scheduler-kwargs: expected a number for ${key}, got ${show(value)}`);
  };
  const after = decay(input, number);
  const warm = type === "warmup_stable_decay" ? warmupStableDecay(input, number) : undefined;
  return (completed) => {
    if (warm) return learningRate * warm(completed);
    if (type !== "constant" && completed < warmupSteps)
      return learningRate * (completed / Math.max(1, warmupSteps));
    return learningRate * after(completed);
  };
}

function decay(input: ScheduleInput, number: (key: string, fallback: number) => number): Factor {
  const { type, learningRate, totalSteps, warmupSteps, settings = {} } = input;
  const span = Math.max(1, totalSteps - warmupSteps);
  const progress = (k: number) => (k - warmupSteps) / span;
  switch (type) {
    case "linear":
      return (k) => Math.max(0, (totalSteps - k) / span);
    case "cosine": {
      const cycles = number("num_cycles", 0.5);
      return (k) => Math.max(0, halfCosine(cycles * 2 * progress(k)));
    }
    case "cosine_with_restarts": {
      const cycles = number("num_cycles", 1);
      return (k) => (progress(k) >= 1 ? 0 : Math.max(0, halfCosine((cycles * progress(k)) % 1)));
    }
    case "cosine_with_min_lr": {
      if ((settings.min_lr === undefined) === (settings.min_lr_rate === undefined))
        throw new UserError(
          `--lr-scheduler-kwargs: expected either min_lr or min_lr_rate for ${type}, got ${show(settings)}`,
          { hint: "for example --lr-scheduler-kwargs min_lr_rate=0.1" },
        );
      const cycles = number("num_cycles", 0.5);
      const floor =
        settings.min_lr === undefined ? number("min_lr_rate", 0) : number("min_lr", 0) / learningRate;
      return (k) => Math.max(0, halfCosine(cycles * 2 * progress(k)) * (1 - floor) + floor);
    }
    case "polynomial": {
      const end = number("lr_end", 1e-7);
      const power = number("power", 1);
      if (learningRate <= end)
        throw new UserError(`--learning-rate: expected more than lr_end ${end}, got ${learningRate}`);
      // transformers divides by zero when all steps are warmup; no update of a run gets there.
      const steps = totalSteps - warmupSteps;
      return (k) =>
        k > totalSteps || steps === 0
          ? end / learningRate
          : ((learningRate - end) * (1 - (k - warmupSteps) / steps) ** power + end) / learningRate;
    }
    case "inverse_sqrt": {
      const timescale = number("timescale", warmupSteps || 10_000);
      return (k) => 1 / Math.sqrt((k + timescale - warmupSteps) / timescale);
    }
    default:
      return () => 1;
  }
}

function halfCosine(turns: number): number {
  return 0.5 * (1 + Math.cos(Math.PI * turns));
}

const shapes = ["linear", "cosine", "1-sqrt"] as const;

function warmupStableDecay(
  { totalSteps, warmupSteps, settings = {} }: ScheduleInput,
  number: (key: string, fallback: number) => number,
): Factor {
  const shape = (key: string, fallback: (typeof shapes)[number]) => {
    const value = settings[key] ?? fallback;
    const found = shapes.find((known) => known === value);
    if (found) return found;
    throw new UserError(
      `--lr-scheduler-kwargs: expected ${shapes.join(", ")} for ${key}, got ${show(value)}`,
    );
  };
  const rise = shape("warmup_type", "linear");
  const fall = shape("decay_type", "cosine");
  // transformers has no default here; a tenth of the run is what the schedule's paper uses (Hu et al. 2024, MiniCPM).
  const decaySteps = number("num_decay_steps", Math.ceil(totalSteps / 10));
  const stableSteps = number("num_stable_steps", totalSteps - warmupSteps - decaySteps);
  const floor = number("min_lr_ratio", 0);
  const cycles = number("num_cycles", 0.5);
  const rising = {
    linear: (p: number) => p,
    cosine: (p: number) => 0.5 * (1 - Math.cos(Math.PI * p)),
    "1-sqrt": (p: number) => 1 - Math.sqrt(1 - p),
  }[rise];
  const falling = {
    linear: (p: number) => 1 - p,
    cosine: (p: number) => halfCosine(cycles * 2 * p),
    "1-sqrt": (p: number) => 1 - Math.sqrt(p),
  }[fall];
  const scaled = (factor: number) => Math.max(0, factor * (1 - floor) + floor);
  return (k) => {
    if (k < warmupSteps) return scaled(rising(k / Math.max(1, warmupSteps)));
    const past = k - warmupSteps - stableSteps;
    if (past < 0) return 1;
    return past < decaySteps ? scaled(falling(past / Math.max(1, decaySteps))) : floor;
  };
}
