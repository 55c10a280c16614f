// Base + adapter as one Hugging Face directory that any program loads without PEFT: sharded safetensors, config, tokenizer.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { diskError, syncFolder, writeFileAtomic } from "../base/atomic.ts";
import { UserError } from "../base/errors.ts";
import { formatBytes } from "../base/format.ts";
import { type BaseWeights, openBase } from "../formats/base-weights.ts";
import { isFloatType } from "../formats/dtype.ts";
import {
  dtypeNames,
  ownTypes,
  planShards,
  type WrittenTypes,
  writeShards,
  writtenConfig,
} from "../formats/model-directory.ts";
import { checkAdapterFits, readAdapter } from "../formats/peft-adapter.ts";
import { tensorBytes, tensorToWrite, WeightBuffers } from "../formats/weight-chunks.ts";
import { checkFreeSpace } from "./free-space.ts";
import { deltaAdder } from "./merged-weights.ts";
import { checkOutputFolder } from "./output-path.ts";
import { tokenizerFiles } from "./tokenizer-files.ts";

/** Settings of a merge. */
export interface MergeOptions {
  readonly maxShardBytes: number;
  /** Allows a base that is stored quantised. */
  readonly dequantize: boolean;
  /** float32, float16 or bfloat16; the base's own types when left out. */
  readonly dtype?: string | undefined;
  readonly force: boolean;
  /** Told how many bytes of how many are written. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What was written. */
export interface MergedDirectory {
  readonly path: string;
  readonly shards: number;
  readonly tensors: number;
  readonly merged: number;
  readonly bytes: number;
  readonly dtype: string;
  readonly notes: readonly string[];
}

/** Writes base + adapter to `out`. The folder appears when it is whole; with `force` an earlier export's weights are replaced.
 *  @throws UserError for a quantised base without `dequantize`, a folder that exists, or a full disk; DataError for files that
 *  do not fit together. */
export function exportMerged(
  adapterPath: string,
  basePath: string,
  out: string,
  options: MergeOptions,
): MergedDirectory {
  checkOutputFolder(out, options.force);
  for (const input of [adapterPath, basePath])
    if (existsSync(input) && resolve(input) === resolve(out))
      throw new UserError(`--out ${out}: expected a folder of its own, got the one that is read`);
  using base = openBase(basePath);
  const adapter = readAdapter(adapterPath);
  const found = checkAdapterFits(adapter, adapterPath, base.config);
  const targets = new Map(found.map((target) => [`${target.module}.weight`, target]));
  const { typeOf, main } = outputTypes(base, options);
  const buffers = new WeightBuffers(base);
  const tensors = [...base.tensors.keys()].map((name) => {
    const target = targets.get(name);
    return tensorToWrite(base, buffers, name, typeOf(name), target && deltaAdder(adapter, target));
  });
  const total = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  checkFreeSpace(out, total);
  const shards = planShards(tensors, options.maxShardBytes);
  const config = `${JSON.stringify(writtenConfig(base, main), null, 2)}\n`;
  const tokenizer = tokenizerFiles(adapterPath, basePath);
  const others = new Map<string, string | Uint8Array>([...tokenizer.files, ["config.json", config]]);
  const generation = join(basePath, "generation_config.json");
  if (base.kind === "hf" && existsSync(generation))
    others.set("generation_config.json", readFileSync(generation));
  const stage = `${resolve(out)}.part-${process.pid}`;
  try {
    mkdirSync(stage, { recursive: true });
    writeShards(stage, shards, options.onProgress);
    for (const [name, content] of others) writeFileAtomic(join(stage, name), content);
    putInPlace(stage, out);
  } catch (error) {
    rmSync(stage, { recursive: true, force: true });
    throw diskError(out, error);
  }
  const dtype = Object.keys(dtypeNames).find((name) => dtypeNames[name] === main)!;
  const notes = tokenizer.note === undefined ? [] : [tokenizer.note];
  if (base.ignored.length > 0)
    notes.push(`left out, the model has no use for them: ${base.ignored.join(", ")}`);
  return {
    path: out,
    shards: shards.length,
    tensors: tensors.length,
    merged: targets.size,
    bytes: total,
    dtype,
    notes,
  };
}

/** The type each tensor is written as, and the one that config.json names. */
function outputTypes(base: BaseWeights, options: MergeOptions): WrittenTypes {
  const entries = [...base.tensors.values()];
  const quantised = entries.find(({ type }) => !isFloatType(type));
  if (quantised !== undefined && !options.dequantize)
    throw new UserError(
      `--base ${base.path}: expected weights that an adapter can be added to, got ${quantised.name} quantised as ${quantised.type}`,
      {
        hint: "merge into the unquantised base; or pass --dequantize to merge into the dequantised weights, which keep the rounding of the quantisation",
      },
    );
  if (options.dtype !== undefined) {
    const asked = dtypeNames[options.dtype];
    if (asked === undefined)
      throw new UserError(
        `--dtype: expected ${Object.keys(dtypeNames).join(", ")}, got ${JSON.stringify(options.dtype)}`,
      );
    return { typeOf: () => asked, main: asked };
  }
  return ownTypes(base);
}

/** Moves the staged files to `out`; weights of an earlier export go, other files stay. */
function putInPlace(stage: string, out: string): void {
  if (!existsSync(out) || readdirSync(out).length === 0) {
    rmSync(out, { recursive: true, force: true });
    renameSync(stage, resolve(out));
    syncFolder(dirname(resolve(out)));
    return;
  }
  for (const name of readdirSync(out))
    if (/^model(-\d+-of-\d+)?\.safetensors(\.index\.json)?$/.test(name)) rmSync(join(out, name));
  for (const name of readdirSync(stage)) renameSync(join(stage, name), join(out, name));
  rmSync(stage, { recursive: true });
  syncFolder(out);
}

/** Bytes of `5GB`, `500MB`, `2GiB` or a plain number, with transformers' meaning of the units.
 *  @throws UserError */
export function parseSize(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B?\s*$/i.exec(text);
  const power = match === null ? 0 : "KMGT".indexOf(match[2]!.toUpperCase() || "?") + 1;
  const bytes = match === null ? 0 : Math.floor(Number(match[1]) * (match[3] ? 1024 : 1000) ** power);
  if (bytes < 1)
    throw new UserError(`--max-shard-size: expected a size like 5GB or 500MB, got ${JSON.stringify(text)}`);
  return bytes;
}

/** One line about a merge. */
export function describeMerge(done: MergedDirectory): string {
  const shards = done.shards === 1 ? "1 file" : `${done.shards} shards`;
  return `${done.path}: ${done.tensors} tensors (${done.merged} merged), ${done.dtype}, ${formatBytes(done.bytes)} in ${shards}`;
}
