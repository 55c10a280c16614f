// checkpoint-<step>/: a PEFT adapter and AdamW's moments of it, the base's own weights that are trained (full/trained-files.ts),
// transformers' trainer_state.json, and training_state.json with everything else. A folder of that name is whole: it is written under another name, synced, and renamed.

import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { diskError, syncFolder, writeFileAtomic } from "../base/atomic.ts";
import { DataError, show } from "../base/errors.ts";
import { readJsonObject } from "../formats/json-file.ts";
import { type Adapter, readAdapter, writeAdapter } from "../formats/peft-adapter.ts";
import { SafetensorsFile, writeSafetensors } from "../formats/safetensors.ts";
import type { Moments } from "../model/adapter-parameters.ts";
import type { Progress } from "./progress.ts";

/** A log file and how much of it belongs to a checkpoint. */
export interface LogPosition {
  /** Under the run folder. */
  readonly path: string;
  readonly bytes: number;
}

/** Everything that a run needs to go on. */
export interface Checkpoint {
  /** undefined: no adapter is trained. */
  readonly adapter: Adapter | undefined;
  /** Of the adapter's matrices. */
  readonly moments: ReadonlyMap<string, Moments>;
  readonly progress: Progress;
  readonly logs: readonly LogPosition[];
}

const stateName = "training_state.json";
const momentsName = "optimizer.safetensors";
const stateFormat = 1;

/** Path of the checkpoint of a step. */
export function checkpointPath(folder: string, step: number): string {
  return join(folder, `checkpoint-${step}`);
}

/** Writes `checkpoint-<step>`, in place of one of that name.
 *  @param more writes what else belongs to it into the folder that it is given
 *  @throws UserError when the disk is full; what was there before stays. */
export async function saveCheckpoint(
  folder: string,
  checkpoint: Checkpoint,
  trainerState: string,
  more?: (draft: string) => Promise<void>,
): Promise<string> {
  const { progress, adapter, moments, logs } = checkpoint;
  const final = checkpointPath(folder, progress.step);
  const draft = join(folder, `.checkpoint-${progress.step}.part`);
  try {
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft, { recursive: true });
    if (adapter) {
      writeAdapter(draft, adapter);
      writeMoments(join(draft, momentsName), adapter, moments);
    }
    await more?.(draft);
    writeFileAtomic(join(draft, "trainer_state.json"), trainerState);
    const files = Object.fromEntries(
      readdirSync(draft)
        .sort()
        .map((name) => [name, fileHash(join(draft, name))]),
    );
    writeFileAtomic(
      join(draft, stateName),
      `${JSON.stringify({ format: stateFormat, progress, logs, files }, null, 2)}\n`,
    );
    syncFolder(draft);
    const replaced = join(folder, `.checkpoint-${progress.step}.replaced`);
    if (existsSync(final)) renameSync(final, replaced);
    renameSync(draft, final);
    syncFolder(folder);
    rmSync(replaced, { recursive: true, force: true });
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw diskError(final, error);
  }
  return final;
}

function writeMoments(path: string, adapter: Adapter, moments: ReadonlyMap<string, Moments>): void {
  const tensors = [...adapter.tensors].flatMap(([name, { shape }]) => {
    const { m, v } = moments.get(name)!;
    return [
      { name: `exp_avg.${name}`, data: m },
      { name: `exp_avg_sq.${name}`, data: v },
    ].map(({ name: key, data }) => ({
      name: key,
      dtype: "F32",
      shape,
      chunks: [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
    }));
  });
  writeSafetensors(path, tensors);
}

/** Reads a checkpoint and checks it against the hashes it was written with.
 *  @throws DataError or UserError naming the file that is missing, cut off or changed. */
export function readCheckpoint(path: string): Checkpoint {
  const file = join(path, stateName);
  const state = readJsonObject(file, "a checkpoint's training_state.json") as {
    format?: unknown;
    progress?: Progress;
    logs?: readonly LogPosition[];
    files?: Readonly<Record<string, string>>;
  };
  if (state.format !== stateFormat || !state.progress || !state.logs || !state.files)
    throw new DataError({ file, field: "format" }, `expected ${stateFormat}, got ${show(state.format)}`);
  for (const [name, hash] of Object.entries(state.files)) {
    const found = existsSync(join(path, name)) ? fileHash(join(path, name)) : "no such file";
    if (found !== hash)
      throw new DataError({ file: join(path, name) }, `expected the content ${hash}, got ${found}`, {
        hint: "the checkpoint was changed or damaged; resume from another one with --resume-from-checkpoint",
      });
  }
  const adapter = state.files[momentsName] === undefined ? undefined : readAdapter(path);
  return {
    adapter,
    moments: adapter ? readMoments(join(path, momentsName), adapter) : new Map(),
    // Checkpoints of earlier versions have no metrics.
    progress: { ...state.progress, metricsSinceLog: state.progress.metricsSinceLog ?? {} },
    logs: state.logs,
  };
}

function readMoments(path: string, adapter: Adapter): Map<string, Moments> {
  using file = new SafetensorsFile(path);
  const read = (name: string) => new Float32Array(file.readAll(file.entry(name)).buffer as ArrayBuffer);
  return new Map(
    [...adapter.tensors.keys()].map((name) => [
      name,
      { m: read(`exp_avg.${name}`), v: read(`exp_avg_sq.${name}`) },
    ]),
  );
}

/** Steps that have a checkpoint in the folder, ascending. */
export function checkpointSteps(folder: string): number[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => /^checkpoint-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** The newest checkpoint that can be read. `onInvalid` hears of each newer one that cannot. */
export function lastCheckpoint(
  folder: string,
  onInvalid: (path: string, why: string) => void,
): Checkpoint | undefined {
  restoreReplaced(folder);
  for (const step of checkpointSteps(folder).reverse()) {
    const path = checkpointPath(folder, step);
    try {
      return readCheckpoint(path);
    } catch (error) {
      onInvalid(path, (error as Error).message);
    }
  }
  return undefined;
}

/** A process that was killed while it put a checkpoint in place of another: the other one counts. */
function restoreReplaced(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const step = /^\.checkpoint-(\d+)\.replaced$/.exec(name)?.[1];
    if (step === undefined) continue;
    const path = checkpointPath(folder, Number(step));
    if (!existsSync(path)) renameSync(join(folder, name), path);
  }
}

/** Removes a checkpoint so that a half-removed one is never taken for a whole one. */
export function removeCheckpoint(path: string): void {
  if (!existsSync(path)) return;
  const doomed = path.replace(/checkpoint-(\d+)$/, ".checkpoint-$1.old");
  rmSync(doomed, { recursive: true, force: true });
  renameSync(path, doomed);
  rmSync(doomed, { recursive: true, force: true });
}

/** Keeps the newest `limit` checkpoints, and the one of step `best` always. 0: keeps all. */
export function rotateCheckpoints(folder: string, limit: number, best: number | null): void {
  if (limit <= 0) return;
  const steps = checkpointSteps(folder);
  const kept = new Set([steps.at(-1), ...(best === null ? [] : [best])]);
  let excess = steps.length - Math.max(limit, steps.filter((step) => kept.has(step)).length);
  for (const step of steps) {
    if (excess <= 0) return;
    if (kept.has(step)) continue;
    removeCheckpoint(checkpointPath(folder, step));
    excess--;
  }
}

/** Removes what a killed process left half written or half removed. */
export function removeLeftovers(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder))
    if (/^\.checkpoint-\d+\.(part|old|replaced)$|\.part-\d+$/.test(name))
      rmSync(join(folder, name), { recursive: true, force: true });
}

function fileHash(path: string): string {
  const hash = createHash("sha256");
  const piece = new Uint8Array(4 << 20);
  const file = openSync(path, "r");
  try {
    for (let bytes = readSync(file, piece); bytes > 0; bytes = readSync(file, piece))
      hash.update(piece.subarray(0, bytes));
  } finally {
    closeSync(file);
  }
  return `sha256:${hash.digest("hex")}`;
}
