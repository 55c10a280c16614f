// What an episode is called, from the facts alone.

import type { Outcome, Terminal } from "../data/trajectory.ts";

/** How many useless replies in a row end an episode. */
export const PATIENCE = 3;

/** The facts that decide. */
export interface Ending {
  /** The machinery failed. */
  readonly broken: boolean;
  /** The word that ended the session; null when nothing did. */
  readonly terminal: Terminal | null;
  readonly expected: Terminal;
  /** The checker's verdict on the final state. */
  readonly passed: boolean;
  /** A limit ended the episode. */
  readonly overrun: boolean;
  /** For each reply whether it held words where a command belongs. */
  readonly prose: readonly boolean[];
  /** The last {@link PATIENCE} replies were nothing but words. */
  readonly talked: boolean;
}

/** An episode that ended with the expected word and a passing checker is clean, whatever was said on the way; of the others,
 *  one that was half talk drifted into prose, and the rest is named after how it ended. */
export function decideOutcome(ending: Ending): Outcome {
  const { terminal, expected, passed, prose } = ending;
  if (ending.broken) return "infrastructure_error";
  if (terminal === expected && passed) return expected === "exit" ? "success" : "correct_panic";
  if (ending.talked || (prose.length > 0 && 2 * prose.filter(Boolean).length >= prose.length))
    return "prose_drift";
  if (terminal !== null) return terminal === expected ? "premature_exit" : "wrong_terminal";
  return ending.overrun ? "budget_overrun" : "incomplete";
}

/** True for the two outcomes that are as the scenario wants them. */
export function isClean(outcome: Outcome): boolean {
  return outcome === "success" || outcome === "correct_panic";
}
