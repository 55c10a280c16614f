// `data/<set>/authored` and `data/<set>/sessions`: scenarios of a teacher, and sessions of an operator in scenarios.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { resolveOptions } from "../base/resolve.ts";
import { ROLLOUT_FILES } from "../data/rollout-folder.ts";
import { author, summaryOf } from "../factory/authoring/author.ts";
import { type AuthorOptions, authorOptions } from "../factory/authoring/author-options.ts";
import { OPERATOR_NAME } from "../factory/operator/operator.ts";
import { openSupply } from "../factory/rollout/open-supply.ts";
import { type RolloutOptions, rolloutOptions } from "../factory/rollout/options.ts";
import { rollout } from "../factory/rollout/rollout.ts";
import { hashSet } from "./hashes.ts";
import { hashBundles, sandboxName } from "./scenario-stage.ts";
import type { GivenOptions, ResolvedSpec } from "./spec.ts";
import { deciding, type Stage } from "./stage.ts";

/** The stages that make the sessions of a data set: one where the built-in author writes, two where a teacher does. */
export function sessionStages(spec: ResolvedSpec, set: string): Stage[] {
  const given = spec.data[set]!.author;
  if (given === null) return [];
  const taught = given.url !== undefined;
  const sessions = sessionStage(spec, set, given, taught);
  return taught ? [authoredStage(spec, set, given), sessions] : [sessions];
}

/** What the sessions of a rollout folder hash to; undefined where there are none. Several run at once and end in any order. */
export function hashSessions(folder: string): Record<string, string> | undefined {
  const file = join(folder, ROLLOUT_FILES.trajectories);
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return { [ROLLOUT_FILES.trajectories]: hashSet(lines.map((line) => JSON.parse(line))) };
}

/** Folder of the sessions of a set. */
export function sessionsFolder(folder: string, set: string): string {
  return join(folder, "data", set, "sessions");
}

function authoredStage(spec: ResolvedSpec, set: string, given: GivenOptions): Stage {
  const id = `data/${set}/authored`;
  const n = Math.ceil(
    (given.n as number) / ((given.samples as number | undefined) ?? rolloutOptions.samples.default),
  );
  const out = (folder: string) => join(folder, id);
  return {
    id,
    kind: "authored",
    set,
    settings: {
      author: deciding(pick(given, authorOptions)),
      n,
      holdout: spec.holdout,
      sandbox: spec.sandbox,
    },
    needs: [],
    units: n,
    async run(context) {
      const { folder, terminal } = context;
      const own = {
        ...pick(given, authorOptions),
        ...spec.sandbox,
        n,
        holdout: spec.holdout,
        out: out(folder),
      };
      const { out: tally } = await author(resolveOptions(authorOptions, {}, own) as AuthorOptions, terminal);
      return { facts: summaryOf(tally, true), sandbox: await sandboxName(context) };
    },
    outputs: async (folder) => hashBundles(out(folder)),
    keepsParts: true,
  };
}

function sessionStage(spec: ResolvedSpec, set: string, given: GivenOptions, taught: boolean): Stage {
  const id = `data/${set}/sessions`;
  return {
    id,
    kind: "sessions",
    set,
    settings: { author: deciding(given), holdout: spec.holdout, sandbox: spec.sandbox },
    needs: taught ? [`data/${set}/authored`] : [],
    units: given.n as number,
    async run(context) {
      const { folder, terminal, worlds } = context;
      const provider = await worlds(spec.sandbox);
      const options = resolveOptions(
        rolloutOptions,
        {},
        {
          // An endpoint of the environment is not what the file asks for.
          ...(taught ? {} : { opModel: OPERATOR_NAME }),
          ...pick(given, rolloutOptions),
          holdout: spec.holdout,
          out: join(folder, id),
          ...(taught ? { scenarios: join(folder, "data", set, "authored") } : {}),
        },
      ) as RolloutOptions;
      using supply = openSupply(options, provider, terminal);
      const summary = await rollout(options, supply, provider, terminal);
      return { facts: { ...summary, ...scenarioYield(folder, id) }, sandbox: provider.name };
    },
    outputs: async (folder) => hashSessions(join(folder, id)),
    keepsParts: true,
  };
}

function pick(given: GivenOptions, table: Readonly<Record<string, unknown>>): GivenOptions {
  return Object.fromEntries(Object.entries(given).filter(([name]) => Object.hasOwn(table, name)));
}

/** How many scenarios were tried and admitted on the way. */
function scenarioYield(folder: string, id: string): Record<string, unknown> {
  const journal = join(folder, id, ROLLOUT_FILES.scenarios, ".author.jsonl");
  if (!existsSync(journal)) return {};
  const records = readFileSync(journal, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { gate: string | null });
  const refused: Record<string, number> = {};
  for (const { gate } of records) if (gate !== null) refused[gate] = (refused[gate] ?? 0) + 1;
  return {
    scenarios_tried: records.length,
    scenarios_admitted: records.filter(({ gate }) => gate === null).length,
    scenarios_rejected_by_gate: refused,
  };
}
