// What an author hands over: a scenario, and what one may do in it when one knows it.

import type { Scenario } from "../../data/scenario.ts";
import type { Terminal } from "../../data/trajectory.ts";
import type { Solution } from "./work.ts";

/** What an operator who knows the scenario may do; never part of a bundle, made again from the seed. Each list of lists
 *  holds alternatives, the first of which is the reference's. */
export interface Plan {
  /** Ways to read the announcement; an empty way when the login text says all. */
  readonly discover: readonly (readonly string[])[];
  /** Ways to read how the provider is used. */
  readonly help: readonly (readonly string[])[];
  /** Ways to get the directive (of several, the first). */
  readonly fetch: readonly (readonly string[])[];
  /** Guesses at the provider that give an error and teach its usage; nothing changes. */
  readonly wrong: readonly string[];
  /** Harmless looks at the world before the work. */
  readonly look: readonly string[];
  /** Commands of the work that fail and change nothing: a typing error, a path misremembered. */
  readonly slips: readonly string[];
  /** Ways to do the work: from the directive to just before the terminal, looks and verifications included, everything
   *  that the provider wants to hear included. */
  readonly solutions: readonly Solution[];
  /** Looks at the result. */
  readonly verify: readonly string[];
  readonly terminal: Terminal;
}

/** A scenario, and for the built-in author what an operator may do in it. */
export interface AuthoredScenario {
  readonly scenario: Scenario;
  /** Absent when the author is a model: then the reference solution is all one knows. */
  readonly plan?: Plan;
}
