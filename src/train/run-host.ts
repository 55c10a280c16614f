// What a run borrows when the base is loaded already and others use it too: the resident server lends it.

import { UserError } from "../base/errors.ts";
import { paddedBytes } from "../gpu/tensor.ts";
import type { BaseModel } from "../model/base-model.ts";
import { weightBuffers } from "../model/memory-plan.ts";
import { quantBlockOf } from "../model/plan-input.ts";
import type { TrainOptions } from "./options.ts";
import type { LogEntry } from "./trainer-state.ts";

/** Runs one piece of a run's work on the device; a micro-batch, an update, a look at the losses are one each. */
export type Share = <V>(work: () => V | Promise<V>) => Promise<V>;

/** The lender of a base. */
export interface RunHost {
  /** Stays loaded when the run is over. */
  readonly base: BaseModel;
  /** Waits until the device is free for `work`; others go on when it is done. */
  readonly share: Share;
  /** Asked before each micro-batch: the run is to save and stop. */
  interrupted(): boolean;
  /** Each new entry of the log history. */
  onLog(entry: LogEntry): void;
}

/** The device has no other user. */
export const alone: Share = async (work) => work();

/** Refuses options that a base which is loaded already cannot meet.
 *  @throws UserError */
export function checkHost(options: TrainOptions, { base }: RunHost): void {
  if (options.load4bit !== base.load4bit)
    throw new UserError(
      `--load-4bit: expected the precision that the base is held in (${base.load4bit ? "4 bits" : "its own"}), got the other`,
      { hint: `${base.load4bit ? "add" : "leave out"} --load-4bit, as the resident base was started` },
    );
  const { tier, facts } = base.device;
  if (options.tier !== "auto" && options.tier !== tier)
    throw new UserError(`--tier: expected ${tier}, which the base is loaded for, got ${options.tier}`);
  if (options.requireGpu && facts.software)
    throw new UserError(`device: expected a GPU, got the software adapter ${facts.name}`);
}

/** Bytes that a loaded base holds on the device. */
export function weightBytes({ source, load4bit, device }: BaseModel): number {
  const { tier, maxBindingBytes } = device;
  const quantBlock = (module: string) => quantBlockOf(source, module, load4bit);
  return weightBuffers({ config: source.config, tier, quantBlock, maxBindingBytes }).reduce(
    (sum, { dtype, shape }) => sum + paddedBytes(dtype, shape),
    0,
  );
}
