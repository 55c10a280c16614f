// From an experiment to its stages, in the order in which they run: what others build on first, and what is soonest done before what is long.

import { UserError } from "../base/errors.ts";
import { evalStage } from "./eval-stage.ts";
import { loopStages } from "./loop-stages.ts";
import { modelStage } from "./model-stage.ts";
import { rowStage } from "./row-stage.ts";
import { scenarioStage } from "./scenario-stage.ts";
import { sessionStages } from "./session-stage.ts";
import type { ResolvedSpec } from "./spec.ts";
import type { Stage } from "./stage.ts";
import { terminalStage } from "./terminal-stage.ts";

/** All stages of an experiment; what no arm uses is not made. */
export function planStages(spec: ResolvedSpec): Stage[] {
  const arms = Object.entries(spec.arms);
  const ranking = spec.predictions.includes("terminal_ranking");
  const trained = unique(arms.flatMap(([, { data }]) => (data === null ? [] : [data])));
  const ranked = trained[0] ?? Object.keys(spec.data)[0];
  if (ranking && ranked === undefined)
    throw new UserError(
      "terminal_ranking: expected sessions with real endings to rank bases on, got no data set",
      {
        hint: "data: { main: { author: { n: 100 } } }",
      },
    );
  const sets = ranking ? unique([...trained, ranked!]) : trained;
  const sources = unique(sets.map((set) => spec.data[set]!.from ?? set));
  const scenarios = unique(arms.flatMap(([, arm]) => arm.scenarios));
  const measured = arms.flatMap(([name, { seeds, data }]) =>
    data === null ? [evalStage(spec, name, undefined)] : seeds.map((seed) => evalStage(spec, name, seed)),
  );
  return [
    ...scenarios.map((set) => scenarioStage(spec, set)),
    ...sources.flatMap((set) => sessionStages(spec, set)),
    ...sets.map((set) => rowStage(spec, set)),
    ...(ranking ? Object.keys(spec.bases).map((base) => terminalStage(spec, base, ranked!)) : []),
    ...measured.filter(({ seed }) => seed === undefined),
    ...arms.flatMap(([name, { seeds, loop }]) =>
      loop === undefined ? seeds.map((seed) => modelStage(spec, name, seed)) : [],
    ),
    ...arms.flatMap(([name, { seeds, loop }]) =>
      loop === undefined ? [] : seeds.flatMap((seed) => loopStages(spec, name, seed)),
    ),
    ...measured.filter(({ seed }) => seed !== undefined),
  ];
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
