// `loops/<arm>/seed-<s>/.../sessions`: a tuned student in the scenarios that it was trained on.

import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { resolveOptions } from "../base/resolve.ts";
import { readTrajectories } from "../data/read-records.ts";
import type { Scenario } from "../data/scenario.ts";
import { chooseScenarios } from "../eval/choose-scenarios.ts";
import { type EvalOptions, evalOptions } from "../eval/eval-options.ts";
import { modelOperators } from "../factory/rollout/operators.ts";
import { type RolloutOptions, rolloutOptions } from "../factory/rollout/options.ts";
import { rollout } from "../factory/rollout/rollout.ts";
import { bundlesOf, rowsFile, sourceOf } from "./row-stage.ts";
import { hashSessions } from "./session-stage.ts";
import type { GivenOptions, LoopSpec, ResolvedSpec } from "./spec.ts";
import { holdingOptions, studentTable } from "./spec-options.ts";
import { deciding, type Stage, type StageContext, type StageResult } from "./stage.ts";

/** One round of a student. */
export interface Student {
  readonly arm: string;
  readonly seed: number;
  /** Place of its sessions. */
  readonly id: string;
  /** Place of its adapter, a stage. */
  readonly adapter: string;
  /** Counted from 0; each draws anew. */
  readonly round: number;
}

/** The stage of one round. */
export function studentStage(spec: ResolvedSpec, student: Student): Stage {
  const { arm: name, seed, id, adapter, round } = student;
  const arm = spec.arms[name]!;
  const given = optionsOf(spec, arm.loop!, round);
  return {
    id,
    kind: "student",
    arm: name,
    seed,
    base: arm.base,
    set: arm.data!,
    settings: { rollout: deciding(given), held: held(spec), sandbox: spec.sandbox },
    needs: [`data/${arm.data}/rows`, adapter],
    outside: async ({ machinery }) => ({
      [`base ${arm.base}`]: await machinery.fingerprint(await machinery.base(spec.bases[arm.base]!)),
    }),
    units: ((given.limit as number | undefined) ?? scenariosExpected(spec, arm.data!)) * samplesOf(given),
    run: (context) => play(spec, student, given, context),
    outputs: async (folder) => hashSessions(join(folder, id)),
    keepsParts: true,
  };
}

/** The student's options: limits of an episode are the eval's where the arm says nothing. */
function optionsOf(spec: ResolvedSpec, { rollout: own }: LoopSpec, round: number): GivenOptions {
  const limits = Object.entries(spec.eval).filter(
    ([name]) => name in studentTable && !["samples", "temperature", "topP", "seed"].includes(name),
  );
  return {
    ...Object.fromEntries(limits),
    ...own,
    seed: ((own.seed as number | undefined) ?? rolloutOptions.seed.default) + round,
  };
}

async function play(
  spec: ResolvedSpec,
  { arm: name, id, adapter }: Student,
  given: GivenOptions,
  { folder, machinery, terminal, worlds }: StageContext,
): Promise<StageResult> {
  const arm = spec.arms[name]!;
  const out = join(folder, id);
  const provider = await worlds(spec.sandbox);
  const options = resolveOptions(
    rolloutOptions,
    {},
    { ...given, scaffold: false, holdout: spec.holdout, out },
  ) as RolloutOptions;
  const scenarios = await playable(spec, arm.data!, options, folder);
  const { jobs, ctxBudget, maxTokens } = options;
  const asEval = { ...spec.eval, jobs, ctxBudget, maxTokens, scenarios: out, out };
  await using model = await machinery.openModel(
    {
      name,
      base: await machinery.base(spec.bases[arm.base]!),
      adapter: join(folder, adapter),
      options: {
        ...resolveOptions(holdingOptions, {}, held(spec)),
        ...(resolveOptions(evalOptions, {}, asEval) as EvalOptions),
      },
    },
    terminal,
  );
  const supply = { first: async (count: number) => scenarios.slice(0, count), size: scenarios.length };
  const operators = modelOperators(model.arm.model, options);
  const summary = await rollout(options, supply, provider, terminal, operators);
  // A sample that is missing would be missing from every later stage too.
  if (summary.failures > 0)
    throw new UserError(
      `${id}: expected every session to end, got ${summary.failures} that the machinery broke`,
      {
        hint: "the same command tries them again",
      },
    );
  return {
    facts: { ...summary, scenarios: scenarios.length },
    sandbox: provider.name,
    ...(model.device === undefined ? {} : { device: model.device }),
  };
}

/** The scenarios of a set's rows, or --limit of them spread over their archetypes: nothing held out is among them. */
async function playable(
  spec: ResolvedSpec,
  set: string,
  { archetypes, limit }: RolloutOptions,
  folder: string,
): Promise<Scenario[]> {
  const bundles = bundlesOf(folder, sourceOf(spec, set).set);
  const found = new Map<string, Scenario>();
  for await (const { scenarioId } of readTrajectories(rowsFile(folder, set))) {
    const bundle = bundles.get(scenarioId ?? "");
    if (bundle !== undefined && (archetypes?.includes(bundle.archetype) ?? true))
      found.set(bundle.id, bundle);
  }
  const scenarios = chooseScenarios([...found.values()], limit);
  if (scenarios.length === 0)
    throw new UserError(
      `data/${set}: expected scenarios for a student to play, got none of the archetypes asked for`,
    );
  return scenarios;
}

/** How evals hold the base. */
function held(spec: ResolvedSpec): GivenOptions {
  return Object.fromEntries(Object.entries(spec.eval).filter(([name]) => name in holdingOptions));
}

function samplesOf(given: GivenOptions): number {
  return (given.samples as number | undefined) ?? rolloutOptions.samples.default;
}

function scenariosExpected(spec: ResolvedSpec, set: string): number {
  const { author } = sourceOf(spec, set).data;
  return Math.ceil(((author?.n as number | undefined) ?? 1) / samplesOf(author ?? {}));
}
