// `scenarios/<set>`: bundles for the eval, each through every gate.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { removeUnfinished, writeFileAtomic } from "../base/atomic.ts";
import { UserError } from "../base/errors.ts";
import { resolveOptions } from "../base/resolve.ts";
import type { Scenario } from "../data/scenario.ts";
import { readScenarios } from "../data/scenario-files.ts";
import { passedAllGates, serialiseScenario } from "../data/scenario-json.ts";
import { chooseScenarios } from "../eval/choose-scenarios.ts";
import { readScenariosOrTasks } from "../eval/harbor/task-folders.ts";
import { author, summaryOf } from "../factory/authoring/author.ts";
import { type AuthorOptions, authorOptions } from "../factory/authoring/author-options.ts";
import { hashSet } from "./hashes.ts";
import type { ResolvedSpec, ScenarioSpec } from "./spec.ts";
import { deciding, type Stage, type StageContext } from "./stage.ts";

/** The stage of one set. */
export function scenarioStage(spec: ResolvedSpec, set: string): Stage {
  const wanted = spec.scenarios[set]!;
  const id = `scenarios/${set}`;
  return {
    id,
    kind: "scenarios",
    set,
    settings:
      wanted.folder === null ? { author: deciding(wanted.author), sandbox: spec.sandbox } : { ...wanted },
    needs: [],
    outside: async () => {
      const { folder } = wanted;
      return folder === null
        ? {}
        : { [folder]: hashSet(chosen(wanted).map(({ contentHash }) => contentHash)) };
    },
    units: (wanted.author?.n as number | undefined) ?? wanted.n ?? 1,
    run: async (context) => {
      const facts = wanted.folder === null ? await write(wanted, id, context) : copy(wanted, id, context);
      return { facts, ...(wanted.folder === null ? { sandbox: await sandboxName(context) } : {}) };
    },
    outputs: async (folder) => hashBundles(join(folder, id)),
    keepsParts: true,
  };
}

/** The bundles of a set that is done. */
export function scenariosOf(folder: string, set: string): Scenario[] {
  return readScenarios(join(folder, "scenarios", set));
}

/** What worlds run in. */
export async function sandboxName({ spec, worlds }: StageContext): Promise<string> {
  return (await worlds(spec.sandbox)).name;
}

async function write(wanted: ScenarioSpec, id: string, { spec, folder, terminal }: StageContext) {
  const options = resolveOptions(
    authorOptions,
    {},
    { ...wanted.author, ...spec.sandbox, out: join(folder, id) },
  );
  // What the file does not name must not come from the environment: the same file makes the same scenarios everywhere.
  const env = wanted.author?.url === undefined ? {} : process.env;
  const { out } = await author(options as AuthorOptions, terminal, env);
  if (out.admitted < out.n)
    terminal.warn(`experiment: ${id}: ${out.admitted} of ${out.n} scenarios were admitted`);
  return summaryOf(out, true);
}

function copy(wanted: ScenarioSpec, id: string, { folder, terminal }: StageContext) {
  const scenarios = chosen(wanted);
  const weak = scenarios.find((scenario) => !passedAllGates(scenario));
  if (weak !== undefined)
    throw new UserError(
      `${wanted.folder}: expected scenarios that passed every gate, got ${weak.id}, which did not`,
      { hint: "author them again with a sandbox and without --gates proof" },
    );
  if (wanted.n !== undefined && scenarios.length < wanted.n)
    terminal.warn(`experiment: ${id}: there are only ${scenarios.length} scenarios; all of them are taken`);
  removeUnfinished(join(folder, id), (name) => name.endsWith(".json"));
  for (const scenario of scenarios)
    writeFileAtomic(join(folder, id, `${scenario.id}.json`), serialiseScenario(scenario));
  return { n: scenarios.length, from: wanted.folder };
}

function chosen({ folder, n, archetypes }: ScenarioSpec): Scenario[] {
  const all = readScenariosOrTasks(folder!);
  const some = all.filter(({ archetype }) => archetypes?.includes(archetype) ?? true);
  if (some.length === 0)
    throw new UserError(
      `${folder}: expected scenarios of ${archetypes?.join(", ")}, got ${all.length} of others`,
    );
  return chooseScenarios(some, n);
}

/** One hash of all bundles of an author's folder; undefined when there are none. */
export function hashBundles(folder: string): Record<string, string> | undefined {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  if (!names.some((name) => /^(?!manifest\.|summary\.)[^.].*\.json$/.test(name))) return undefined;
  return { bundles: hashSet(readScenarios(folder).map(({ contentHash }) => contentHash)) };
}
