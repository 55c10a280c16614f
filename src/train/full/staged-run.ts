// The stages of a run while it goes on: which one it is in, its learning rate, and what happens between two of them.

import { existsSync } from "node:fs";
import type { Terminal } from "../../base/command.ts";
import type { BaseWeights } from "../../formats/base-weights.ts";
import type { CausalLM } from "../../model/causal-lm.ts";
import { checkpointPath } from "../checkpoint.ts";
import type { AdamW } from "../optimiser.ts";
import type { Progress } from "../progress.ts";
import type { Schedule } from "../schedule.ts";
import { modelPath, writeModel } from "./model-output.ts";
import { type Stage, stageAfter } from "./stages.ts";
import { loadTrained } from "./trained-files.ts";

/** What a staged run is made of. */
export interface StagedParts {
  readonly out: string;
  readonly stages: readonly Stage[];
  /** One a stage. */
  readonly schedules: readonly Schedule[];
  readonly model: CausalLM;
  readonly updater: AdamW;
  readonly progress: Progress;
  readonly base: BaseWeights;
  readonly modelDtype: string | undefined;
  readonly tokenizerFiles: () => ReadonlyMap<string, string>;
  readonly terminal: Terminal;
}

/** The stages of a run; one when it has none. */
export class StagedRun {
  private current = 0;

  constructor(private readonly parts: StagedParts) {}

  /** Rate of the next update, by how many the stage had before it. */
  readonly schedule: Schedule = (completed) => this.parts.schedules[this.current]!(completed);

  /** True when a stage ends with the update `step`, so that a checkpoint is due. */
  endsAt(step: number): boolean {
    return this.parts.stages.some(({ until }) => until === step);
  }

  /** Puts the model back where a checkpoint of `progress` left it.
   *  @throws DataError when the checkpoint does not hold what the stages train */
  async resume(): Promise<void> {
    const { out, stages, model, updater, progress } = this.parts;
    if (!model.trained) return;
    this.current = stageAfter(stages, progress.step - 1);
    model.enterStage(this.current);
    updater.restart();
    updater.updates = progress.updates;
    await loadTrained(checkpointPath(out, progress.step), model.device, model.trained);
    model.refreshWeights();
  }

  /** Before an update: leaves a stage that has ended, with its model on the disk, and enters the next. */
  settle(): void {
    const { stages, model, updater, progress, terminal } = this.parts;
    const next = stageAfter(stages, progress.step);
    if (next === this.current) return;
    this.keepModel();
    this.current = next;
    model.enterStage(next);
    model.adapter?.clearMoments();
    updater.restart();
    updater.clearGradients();
    progress.scheduled = 0;
    progress.updates = 0;
    const { groups, learningRate } = stages[next]!;
    terminal.note(
      `stage ${next + 1} from step ${progress.step + 1}: ${groups.join(", ")} at ${learningRate}`,
    );
  }

  /** Writes the model of the checkpoint that `progress` is at, unless it is there. */
  keepModel(): void {
    const { out, progress } = this.parts;
    const path = modelPath(out, progress.step);
    if (!existsSync(path)) this.writeModel(path, progress.step);
  }

  /** Writes the model of a step that has a checkpoint.
   *  @throws UserError when the disk is full */
  writeModel(path: string, step: number): void {
    const { out, base, modelDtype: dtype, tokenizerFiles } = this.parts;
    const checkpoint = checkpointPath(out, step);
    writeModel(path, { base, checkpoint, dtype, tokenizerFiles: tokenizerFiles() });
  }
}
