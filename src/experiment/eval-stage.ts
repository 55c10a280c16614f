// `eval/<arm>` and `eval/<arm>/seed-<s>`: the sessions of one model in the scenarios of its arm.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileProblem, UserError } from "../base/errors.ts";
import { resolveOptions } from "../base/resolve.ts";
import type { Scenario } from "../data/scenario.ts";
import { readEpisodes } from "../eval/episode-log.ts";
import { type EvalOptions, evalOptions } from "../eval/eval-options.ts";
import { evaluate } from "../eval/evaluate.ts";
import type { ArmResult } from "../eval/metrics.ts";
import { readPrime } from "../eval/prime.ts";
import { isBroken } from "../eval/record.ts";
import { hashSet, sha256 } from "./hashes.ts";
import { modelId, terminalsFlag } from "./model-stage.ts";
import { scenariosOf } from "./scenario-stage.ts";
import type { ResolvedSpec } from "./spec.ts";
import { holdingOptions } from "./spec-options.ts";
import { deciding, type Stage, type StageContext, type StageResult } from "./stage.ts";

/** The stage of one arm, for a seed where it is trained. */
export function evalStage(spec: ResolvedSpec, name: string, seed: number | undefined): Stage {
  const arm = spec.arms[name]!;
  const id = evalId(name, seed);
  const { prime } = arm;
  return {
    id,
    kind: "eval",
    arm: name,
    ...(seed === undefined ? {} : { seed }),
    base: arm.base,
    settings: {
      eval: deciding(spec.eval),
      terminals: arm.terminals,
      scenarios: arm.scenarios,
      sandbox: spec.sandbox,
    },
    needs: [
      ...arm.scenarios.map((set) => `scenarios/${set}`),
      ...(seed === undefined ? [] : [modelId(name, seed)]),
    ],
    outside: async ({ machinery }) => ({
      [`base ${arm.base}`]: await machinery.fingerprint(await machinery.base(spec.bases[arm.base]!)),
      ...(prime === null ? {} : { [prime]: sha256(readBytes(prime)) }),
    }),
    units: arm.scenarios.reduce((sum, set) => sum + scenariosExpected(spec, set), 0),
    run: (context) => run(spec, name, seed, id, context),
    outputs: async (folder) => {
      const here = join(folder, id);
      if (!existsSync(join(here, "result.json"))) return undefined;
      // What was typed and shown and how it was judged; how long it took is no result.
      const told = readEpisodes(here).map(({ scenario_id, sample, outcome, verified, turns }) => ({
        scenario_id,
        sample,
        outcome,
        verified,
        turns,
      }));
      return { episodes: hashSet(told) };
    },
    keepsParts: true,
  };
}

/** Name and folder of the stage. */
function evalId(arm: string, seed: number | undefined): string {
  return seed === undefined ? `eval/${arm}` : `eval/${arm}/seed-${seed}`;
}

async function run(
  spec: ResolvedSpec,
  name: string,
  seed: number | undefined,
  id: string,
  context: StageContext,
): Promise<StageResult> {
  const { folder, machinery, terminal, worlds } = context;
  const arm = spec.arms[name]!;
  const scenarios = together(folder, name, arm.scenarios);
  const given = { ...spec.eval, terminals: terminalsFlag(arm.terminals) };
  const own = { ...given, scenarios: join(folder, "scenarios"), out: join(folder, id) };
  const options = resolveOptions(evalOptions, {}, own) as EvalOptions;
  const prime = arm.prime === null ? undefined : await readPrime(arm.prime);
  const provider = await worlds(spec.sandbox);
  await using model = await machinery.openModel(
    {
      name,
      base: await machinery.base(spec.bases[arm.base]!),
      adapter: seed === undefined ? null : join(folder, modelId(name, seed)),
      options: { ...resolveOptions(holdingOptions, {}, given), ...options },
    },
    terminal,
  );
  const { result } = await evaluate(options, { arms: [model.arm], scenarios, provider, prime }, terminal);
  const broken = readEpisodes(join(folder, id)).filter(isBroken).length;
  if (broken > 0)
    throw new UserError(
      `${id}: expected every episode to be scored, got ${broken} that the machinery broke`,
      {
        hint: "the same command tries them again",
      },
    );
  return {
    facts: factsOf(result.arms[name]!),
    sandbox: provider.name,
    ...(model.device === undefined ? {} : { device: model.device }),
  };
}

function factsOf({ n, operate, discover, terminate, verified, clean, outcomes, steps, tokens }: ArmResult) {
  const rates = Object.entries({ operate, discover, terminate, verified, clean });
  return {
    episodes: n,
    ...Object.fromEntries(rates.map(([metric, { x }]) => [metric, x])),
    outcomes,
    commands: steps.total,
    prompt_tokens: tokens.prompt.total,
    completion_tokens: tokens.completion.total,
  };
}

/** The scenarios of several sets, no two of one id. */
function together(folder: string, arm: string, sets: readonly string[]): Scenario[] {
  const first = new Map<string, string>();
  return sets.flatMap((set) =>
    scenariosOf(folder, set).map((scenario) => {
      const other = first.get(scenario.id);
      if (other !== undefined)
        throw new UserError(
          `arms.${arm}: expected scenarios of different names, got ${scenario.id} in ${other} and in ${set}`,
          { hint: "give the sets other archetypes, or measure them in arms of their own (scenarios: [...])" },
        );
      first.set(scenario.id, set);
      return scenario;
    }),
  );
}

function scenariosExpected(spec: ResolvedSpec, set: string): number {
  const { author, n } = spec.scenarios[set]!;
  const samples = (spec.eval.samples as number | undefined) ?? evalOptions.samples.default;
  return ((author?.n as number | undefined) ?? n ?? 1) * samples;
}

function readBytes(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new UserError(`prime ${file}: expected an earlier session, got ${fileProblem(cause)}`, { cause });
  }
}
