// Which safetensors files make up a Hugging Face directory: one file, or shards named by an index that is not trusted.

import { existsSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, sep } from "node:path";
import { DataError, show, UserError } from "../base/errors.ts";
import { isObject, isPrintableName, readJsonObject } from "./json-file.ts";
import { SafetensorsFile } from "./safetensors.ts";

const singleName = "model.safetensors";
const indexName = "model.safetensors.index.json";

/** Opens every file of the model; on an error none stays open.
 *  @throws UserError or DataError for a missing, half-downloaded or contradictory shard, or one outside the directory. */
export function openShards(directory: string): SafetensorsFile[] {
  const single = join(directory, singleName);
  if (existsSync(single)) return [new SafetensorsFile(single)];
  const indexPath = join(directory, indexName);
  if (!existsSync(indexPath)) throw noWeights(directory);
  const weightMap = readWeightMap(indexPath);
  const shards = new Map<string, SafetensorsFile>();
  try {
    for (const name of new Set(weightMap.values())) shards.set(name, openShard(directory, name, indexPath));
    for (const [tensor, name] of weightMap)
      if (!shards.get(name)!.entries.has(tensor))
        throw new DataError(
          { file: indexPath, field: `weight_map.${tensor}` },
          `expected the tensor in ${name}, got none`,
        );
    checkNoTwins(shards.values());
  } catch (error) {
    for (const shard of shards.values()) shard.close();
    throw error;
  }
  return [...shards.values()];
}

function noWeights(directory: string): UserError {
  const names = readdirSync(directory);
  const gguf = names.find((name) => name.endsWith(".gguf"));
  const pickled = names.find((name) => /^pytorch_model.*\.bin$/.test(name));
  const hint =
    gguf !== undefined
      ? `to use the GGUF file, name it: ${join(directory, gguf)}`
      : pickled !== undefined
        ? `${pickled} is a pickle, which is not read; save the model with safe_serialization=True`
        : "download the model's .safetensors files";
  return new UserError(`${directory}: expected ${singleName} or ${indexName}, got neither`, { hint });
}

function readWeightMap(indexPath: string): Map<string, string> {
  const weightMap = readJsonObject(indexPath, "an index of shards").weight_map;
  if (!isObject(weightMap) || Object.keys(weightMap).length === 0)
    throw new DataError(
      { file: indexPath, field: "weight_map" },
      `expected tensor names, got ${show(weightMap)}`,
    );
  const entries = Object.entries(weightMap);
  const odd = entries.find(([tensor]) => !isPrintableName(tensor));
  if (odd !== undefined)
    throw new DataError(
      { file: indexPath, field: "weight_map" },
      `expected tensor names of printable text, got ${show(odd[0])}`,
    );
  for (const [tensor, name] of entries)
    if (
      typeof name !== "string" ||
      name === "" ||
      isAbsolute(name) ||
      basename(name) !== name ||
      /[\\\0]|^\.\.?$/.test(name)
    )
      throw new DataError(
        { file: indexPath, field: `weight_map.${tensor}` },
        `expected the name of a file in the same directory, got ${show(name)}`,
      );
  return new Map(entries as [string, string][]);
}

function openShard(directory: string, name: string, indexPath: string): SafetensorsFile {
  const path = join(directory, name);
  if (!existsSync(path))
    throw new UserError(`${path}: expected this shard (${basename(indexPath)} names it), got no such file`, {
      hint: "the model is half-downloaded; download it again",
    });
  const home = realpathSync(directory);
  const real = realpathSync(path);
  // The Hub's cache keeps snapshots/<revision>/<file> as links to blobs/<hash> of the same model; other ways out are refused.
  const blobs = basename(dirname(home)) === "snapshots" ? join(dirname(dirname(home)), "blobs") : undefined;
  if (!real.startsWith(home + sep) && dirname(real) !== blobs)
    throw new DataError(
      { file: indexPath, field: "weight_map" },
      `expected shards inside ${directory}, got a link to ${real}`,
      {
        hint: "copy the file into the directory",
      },
    );
  return new SafetensorsFile(path);
}

function checkNoTwins(shards: Iterable<SafetensorsFile>): void {
  const seen = new Map<string, string>();
  for (const shard of shards)
    for (const name of shard.entries.keys()) {
      const other = seen.get(name);
      if (other !== undefined)
        throw new DataError(
          { file: shard.path, field: name },
          `expected each tensor in one shard, got it in ${other} too`,
        );
      seen.set(name, shard.path);
    }
}
