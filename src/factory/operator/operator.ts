// The built-in operator: a model without a model. It knows the scenario's solution and acts like somebody who does not.

import type { Model } from "../../agent/contract.ts";
import { Rng } from "../../base/rng.ts";
import { endingOf, plainTerminals, type TerminalWords } from "../../base/terminal-words.ts";
import type { Turn } from "../../data/normalize.ts";
import type { Scenario } from "../../data/scenario.ts";
import { recallPlan } from "../author/author.ts";
import type { Plan } from "../author/plan.ts";
import { chooseFault, type Fault } from "./faults.ts";
import { planOfReference } from "./reference-plan.ts";
import { operate, type Routine } from "./routine.ts";

/** How it behaves. */
export interface OperatorSettings {
  readonly seed: number;
  readonly sample: number;
  /** How much exploration, 0 to 1. */
  readonly detours: number;
  /** No look between directive and work that the work does not need. */
  readonly trim?: boolean;
  /** Always the same way to the directive. */
  readonly oneRoutine?: boolean;
  /** Share of the samples with a mistake, 0 to 1; these carry it in their model's name. */
  readonly faults: number;
  /** The words that end the session. */
  readonly terminals?: TerminalWords;
}

/** What records call it. */
export const OPERATOR_NAME = "builtin";

/** An operator for one session: the same scenario, seed and sample give the same commands wherever the world answers the same. Of a
 *  scenario of the built-in author it knows what that author knew, of another one the reference solution. */
export function builtinOperator(scenario: Scenario, settings: OperatorSettings): Model {
  const { seed, detours, trim = false, oneRoutine = false, terminals = plainTerminals } = settings;
  const known = recallPlan(scenario) ?? planOfReference(scenario);
  const fault = faultOf(scenario, known, settings, settings.sample);
  // A session with a mistake is another sample's session up to the mistake: a pair of both is about nothing else.
  const sample = fault === undefined ? settings.sample : twinOf(scenario, known, settings);
  const rng = new Rng(`${seed}/operator/${scenario.id}/${sample}/routine`);
  const turn = sample + new Rng(`${seed}/operator/${scenario.id}`).int(0, known.solutions.length);
  const routine = operate(scenario, known, { rng, detours, trim, oneRoutine, turn, fault });
  return {
    name: fault === undefined ? OPERATOR_NAME : `${OPERATOR_NAME}+${fault}`,
    generate: async (turns) => ({
      content: renamed(next(routine, lastOutput(turns)) ?? known.terminal, terminals),
      finish: "stop",
      promptTokens: undefined,
      completionTokens: undefined,
    }),
  };
}

function faultOf(
  scenario: Scenario,
  plan: Plan,
  settings: OperatorSettings,
  sample: number,
): Fault | undefined {
  const rng = new Rng(`${settings.seed}/operator/${scenario.id}/${sample}/faults`);
  return rng.chance(settings.faults) ? chooseFault(rng, plan) : undefined;
}

/** The nearest sample before this one without a mistake, else the sample itself. */
function twinOf(scenario: Scenario, plan: Plan, settings: OperatorSettings): number {
  for (let sample = settings.sample - 1; sample >= 0; sample--)
    if (faultOf(scenario, plan, settings, sample) === undefined) return sample;
  return settings.sample;
}

function next(routine: Routine, output: string): string | undefined {
  const { value, done } = routine.next(output);
  return done ? undefined : (value as string);
}

/** An ending by the name that it has here. */
function renamed(command: string, terminals: TerminalWords): string {
  const ending = endingOf(command);
  return ending === undefined ? command : terminals[ending];
}

/** What the last command showed: the user turns behind it without the prompt that waits. */
function lastOutput(turns: readonly Turn[]): string {
  const last = turns.findLastIndex(({ role }) => role === "assistant");
  if (last < 0) return "";
  return turns
    .slice(last + 1, -1)
    .map(({ content }) => content)
    .join("");
}
