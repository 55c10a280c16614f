// Mistakes of a kind that models make, put into a routine on purpose: rejected samples for preference pairs.

import type { Rng } from "../../base/rng.ts";
import type { Plan } from "../author/plan.ts";
import type { Solution } from "../author/work.ts";

/** `premature_exit`: leaves with the work half done. `wrong_terminal`: gives up on what is done, or leaves what is impossible as if
 *  it were done. `skipped_step`: leaves one command out. `prose`: talks instead of acting. */
const FAULTS = ["premature_exit", "wrong_terminal", "skipped_step", "prose"] as const;
export type Fault = (typeof FAULTS)[number];

/** A fault that makes a difference in this plan. */
export function chooseFault(rng: Rng, plan: Plan): Fault {
  const acts = plan.solutions.some((solution) => solution.some(({ kind }) => kind === "act"));
  const possible = FAULTS.filter((fault) => acts || !["premature_exit", "skipped_step"].includes(fault));
  return rng.pick(possible);
}

/** The work with the fault in it. */
export function spoil(solution: Solution, fault: Fault, rng: Rng): Solution {
  const acts = solution.flatMap(({ kind }, i) => (kind === "act" ? [i] : []));
  if (acts.length === 0) return solution;
  if (fault === "premature_exit") return solution.slice(0, rng.pick(acts));
  if (fault !== "skipped_step") return solution;
  const skipped = rng.pick(acts);
  return solution.filter((_, i) => i !== skipped);
}

/** What an operator says who talks instead of acting: `count` replies. */
export function talk(rng: Rng, count: number): string[] {
  return rng.sample(
    [
      "I will now look at the directory to see what is there.",
      "Let me check the files first and then decide what to do.",
      "The task is to do what the directive says, so I should start with that.",
      "Sure, I can help with that. First we need to understand the request.",
      "It seems that everything is ready, so the next step is to make the change.",
      "I have read the instructions and I will follow them step by step.",
    ],
    count,
  );
}
