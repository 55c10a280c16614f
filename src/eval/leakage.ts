// Were the scenarios of an eval really held out of an adapter's training?

import { existsSync } from "node:fs";
import { join } from "node:path";
import { readTrajectories } from "../data/read-records.ts";
import type { Scenario } from "../data/scenario.ts";
import { isFields } from "../data/turn-checks.ts";
import { readJsonObject } from "../formats/json-file.ts";

/** What of `scenarios` the adapter in `directory` was trained on, as far as its run's record and the data named there tell.
 *  @returns a sentence for a warning, or undefined when nothing is known or nothing leaks */
export async function findLeakage(
  name: string,
  directory: string,
  scenarios: readonly Scenario[],
): Promise<string | undefined> {
  const trained = await trainedOn(directory);
  if (trained === undefined) return undefined;
  const archetypes = [...new Set(scenarios.map(({ archetype }) => archetype))].filter((one) =>
    trained.archetypes.has(one),
  );
  const same = scenarios.filter(({ id }) => trained.scenarios.has(id)).length;
  if (archetypes.length === 0 && same === 0) return undefined;
  const also = same === 0 ? "" : `, and on ${same} of these very scenarios`;
  return `adapter ${name}: expected archetypes that its training never saw, got ${archetypes.join(", ")}${also}; the numbers are not about held-out tasks`;
}

interface Trained {
  readonly archetypes: ReadonlySet<string>;
  readonly scenarios: ReadonlySet<string>;
}

async function trainedOn(directory: string): Promise<Trained | undefined> {
  // A checkpoint keeps no options of its own; its run does.
  const options = [directory, join(directory, "..")]
    .map((folder) => join(folder, "options.json"))
    .find((file) => existsSync(file));
  const manifest = join(directory, "manifest.json");
  const recorded = existsSync(manifest) ? readJsonObject(manifest, "a run's manifest.json").data : undefined;
  if (isFields(recorded) && Array.isArray(recorded.archetypes))
    return { archetypes: new Set(recorded.archetypes.map(String)), scenarios: new Set() };
  if (options === undefined) return undefined;
  const { data } = readJsonObject(options, "a run's options.json");
  if (typeof data !== "string" || !existsSync(data)) return undefined;
  const archetypes = new Set<string>();
  const scenarios = new Set<string>();
  try {
    for await (const record of readTrajectories(data)) {
      if (record.archetype !== undefined) archetypes.add(record.archetype);
      if (record.scenarioId !== undefined) scenarios.add(record.scenarioId);
    }
  } catch {
    // The data may have changed since; what was read so far still says something.
  }
  return { archetypes, scenarios };
}
