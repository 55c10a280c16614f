// A whole experiment: does what is missing, stage by stage, and writes down what it did.

import type { Terminal } from "../base/command.ts";
import type { Machinery } from "./machinery.ts";
import type { ExperimentRecord, StageRecord } from "./record.ts";
import type { ResolvedSpec } from "./spec.ts";

/** Who wants to know how far it is. */
export interface ExperimentHooks {
  /** Called when a stage begins (`begun`) and when it ends; stages that were done before are told as `done` once. */
  onStage?(stage: StageRecord): void;
}

/** Runs what is missing of an experiment in `folder`.
 *  @throws UserError when the folder is another's, or a done stage rests on something that has changed; Interrupted after Ctrl-C: the
 *  same call goes on */
export async function runExperiment(
  _spec: ResolvedSpec,
  _folder: string,
  _machinery: Machinery,
  _terminal: Terminal,
  _hooks: ExperimentHooks = {},
): Promise<ExperimentRecord> {
  throw new Error("not there yet");
}
