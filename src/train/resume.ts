// Finds what --resume goes on from.

import { dirname, resolve } from "node:path";
import type { Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import {
  type Checkpoint,
  checkpointPath,
  checkpointSteps,
  lastCheckpoint,
  readCheckpoint,
  removeCheckpoint,
} from "./checkpoint.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import type { TrainOptions } from "./options.ts";

/** A run that was begun before. */
export interface EarlierRun {
  readonly manifest: Manifest;
  /** undefined: it had not come to its first checkpoint, and starts over. */
  readonly checkpoint: Checkpoint | undefined;
}

/** Reads the run in a folder: its manifest, and the checkpoint that was asked for or the newest that is whole.
 *  @throws UserError or DataError when the manifest or the checkpoint asked for cannot be read. */
export function findEarlierRun(folder: string, options: TrainOptions, terminal: Terminal): EarlierRun {
  const manifest = readManifest(folder);
  const asked = options.resumeFromCheckpoint;
  if (asked !== undefined) {
    if (dirname(resolve(asked)) !== resolve(folder))
      throw new UserError(
        `--resume-from-checkpoint ${asked}: expected a checkpoint in ${folder}, got another folder`,
        {
          hint: "to start a new run from an adapter use --init-adapter",
        },
      );
    return { manifest, checkpoint: readCheckpoint(asked) };
  }
  const checkpoint = lastCheckpoint(folder, (path, why) =>
    terminal.warn(`${path} is not usable and is passed over: ${why}`),
  );
  if (!checkpoint) terminal.note(`resume: ${folder} has no checkpoint yet; the run starts over`);
  return { manifest, checkpoint };
}

/** Removes checkpoints of later steps, so that none outlives the logs it was written with. */
export function removeLaterCheckpoints(folder: string, step: number): void {
  for (const later of checkpointSteps(folder))
    if (later > step) removeCheckpoint(checkpointPath(folder, later));
}
