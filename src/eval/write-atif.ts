// `sekft export atif`: one ATIF file an episode, from an eval's log or from any trajectories.

import { mkdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import { UserError } from "../base/errors.ts";
import { version } from "../base/version.ts";
import { readTrajectories } from "../data/read-records.ts";
import { type AtifSource, toAtif } from "./atif.ts";
import { episodesName, readEpisodes } from "./episode-log.ts";
import { manifestName } from "./manifest.ts";

/** Writes the files into `out`.
 *  @param path folder or episodes.jsonl of an eval, or trajectories in any shape that training reads
 *  @returns how many were written
 *  @throws UserError, DataError */
export async function writeAtif(path: string, out: string): Promise<number> {
  mkdirSync(out, { recursive: true });
  const taken = new Set<string>();
  for await (const source of readSources(path)) {
    const name = `${source.id.replace(/[^\w.-]+/g, "_")}.json`;
    if (taken.has(name))
      throw new UserError(`${path}: expected episodes of different names, got ${source.id} twice`);
    taken.add(name);
    writeFileAtomic(join(out, name), `${JSON.stringify(toAtif(source, version().version), null, 1)}\n`);
  }
  return taken.size;
}

async function* readSources(path: string): AsyncGenerator<AtifSource> {
  const folder = evalFolder(path);
  if (folder === undefined) {
    for await (const { id, turns, place: _, shape: __, keep, ...about } of readTrajectories(path))
      yield { id, model: "unknown", turns, about: { keep, ...about } };
    return;
  }
  for (const { turns, step_log, model, ...about } of readEpisodes(folder))
    yield {
      id: `${about.scenario_id}.${about.arm}.s${about.sample}`,
      model,
      turns,
      steps: step_log ?? [],
      about,
    };
}

/** The folder of the eval that `path` means; undefined for anything else. */
function evalFolder(path: string): string | undefined {
  const isFile = (file: string) => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
  const folder = basename(path) === episodesName ? dirname(path) : path;
  return isFile(join(folder, episodesName)) && isFile(join(folder, manifestName)) ? folder : undefined;
}
