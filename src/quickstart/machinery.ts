// What a quickstart borrows beside what an experiment does: a look at the device before anything is begun.

import type { Terminal } from "../base/command.ts";
import type { Machinery } from "../experiment/machinery.ts";
import type { Recipe } from "./recipe.ts";

/** A device and what the recipe would be on it. */
export interface Appraisal {
  /** As the driver calls it. */
  readonly name: string;
  /** A CPU that answers as a GPU. */
  readonly software: boolean;
  /** Of a training step, measured on random weights of the base's shape. */
  readonly tokensPerSecond: number;
  /** Parameters of the base and of the adapter. */
  readonly parameters: number;
  readonly trained: number;
  /** Device memory of the training. */
  readonly bytes: number;
}

/** What a quickstart borrows. */
export interface QuickstartMachinery extends Machinery {
  /** Times a few steps and holds the memory plan against the device. Loads no weights.
   *  @throws UserError when the base is none or does not fit; GpuError without a device */
  appraise(base: string, recipe: Recipe): Promise<Appraisal>;
  /** Name of the sandbox that `wanted` comes to here; a line about the choice goes to `terminal`.
   *  @throws UserError when there is none, with what to install */
  chooseSandbox(wanted: string, terminal: Terminal): Promise<string>;
}
