// A trained model as a Hugging Face directory that transformers loads by itself: the base with what a checkpoint trained of it,
// config.json, tokenizer files. It holds no optimiser; the checkpoint does.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { diskError, syncFolder, writeFileAtomic } from "../../base/atomic.ts";
import type { BaseWeights } from "../../formats/base-weights.ts";
import {
  dtypeNames,
  ownTypes,
  planShards,
  writeShards,
  writtenConfig,
} from "../../formats/model-directory.ts";
import { SafetensorsFile } from "../../formats/safetensors.ts";
import { type ChangeRows, tensorToWrite, WeightBuffers } from "../../formats/weight-chunks.ts";
import { weightsPath } from "./trained-files.ts";

/** transformers' own `max_shard_size`. */
const shardBytes = 5e9;

/** What a model is written from. */
export interface ModelSource {
  readonly base: BaseWeights;
  /** Folder with the trained weights. */
  readonly checkpoint: string;
  /** float32, float16 or bfloat16; the base's own types when left out. */
  readonly dtype: string | undefined;
  /** Tokenizer files and chat template by name. */
  readonly tokenizerFiles: ReadonlyMap<string, string>;
}

/** Path of the model that a stage or a window leaves at a step. */
export function modelPath(folder: string, step: number): string {
  return join(folder, `model-${step}`);
}

/** Writes the model to `out`, in place of what is there. The folder appears when it is whole.
 *  @throws UserError when the disk is full, DataError when a value does not fit the type */
export function writeModel(out: string, { base, checkpoint, dtype, tokenizerFiles }: ModelSource): void {
  const types = ownTypes(base);
  const asked = dtype === undefined ? undefined : dtypeNames[dtype];
  const draft = join(dirname(out), `.${out.slice(dirname(out).length + 1)}.part`);
  using trained = new SafetensorsFile(weightsPath(checkpoint));
  const buffers = new WeightBuffers(base);
  const tensors = [...base.tensors.keys()].map((name) =>
    tensorToWrite(base, buffers, name, asked ?? types.typeOf(name), rowsOf(trained, name)),
  );
  try {
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft, { recursive: true });
    writeShards(draft, planShards(tensors, shardBytes));
    for (const [name, text] of tokenizerFiles) writeFileAtomic(join(draft, name), text);
    const generation = join(base.path, "generation_config.json");
    if (base.kind === "hf" && existsSync(generation))
      writeFileAtomic(join(draft, "generation_config.json"), readFileSync(generation));
    const config = writtenConfig(base, asked ?? types.main);
    writeFileAtomic(join(draft, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
    syncFolder(draft);
    rmSync(out, { recursive: true, force: true });
    renameSync(draft, out);
    syncFolder(dirname(out));
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw diskError(out, error);
  }
}

/** Puts the rows of a trained tensor in place of the base's; undefined for one that was not trained. */
function rowsOf(trained: SafetensorsFile, name: string): ChangeRows | undefined {
  const entry = trained.entries.get(name);
  if (!entry) return undefined;
  const rowBytes = entry.bytes / entry.shape[0]!;
  return (from, to, values) => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, (to - from) * rowBytes);
    trained.read(entry, from * rowBytes, bytes);
  };
}

const modelFolder = /^\.?model-(\d+)(\.part)?$/;

/** True for the folders that {@link modelPath} names, drafts included. */
export function isModelFolder(name: string): boolean {
  return modelFolder.test(name) || name === ".model.part";
}

/** Removes the models of later steps, and drafts, so that none outlives the run that made it. */
export function removeLaterModels(folder: string, step: number): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const match = modelFolder.exec(name);
    if (name === ".model.part" || (match && (match[2] !== undefined || Number(match[1]) > step)))
      rmSync(join(folder, name), { recursive: true, force: true });
  }
}
