// Scenario bundles as JSON: the file's own layout, and the canonical text whose hash names the content.

import { hashContent } from "./content-hash.ts";
import type { Scenario } from "./scenario.ts";
import type { Fields } from "./turn-checks.ts";

/** The bundle's fields as they stand in its file, in the contract's order, `content_hash` left out. */
function bundleFields(scenario: Omit<Scenario, "contentHash">): Fields {
  return {
    version: 1,
    id: scenario.id,
    archetype: scenario.archetype,
    axes: scenario.axes,
    user: scenario.user,
    host: scenario.host,
    system: scenario.system,
    dirs: scenario.dirs,
    fixtures: scenario.fixtures.map(({ path, content, mode }) => ({
      path,
      content,
      ...(mode === undefined ? {} : { mode }),
    })),
    env: scenario.env,
    provider: scenario.provider,
    announcement: scenario.announcement,
    directive: scenario.directive,
    checker: scenario.checker,
    expected_terminal: scenario.expectedTerminal,
    reference_solution: scenario.referenceSolution,
    ...(scenario.proven === undefined ? {} : { proven: scenario.proven }),
  };
}

/** The content hash that this scenario has to carry. */
export function hashScenario(scenario: Omit<Scenario, "contentHash">): string {
  return hashContent(bundleFields(scenario));
}

/** Axis that names the gates of a bundle that did not go through all of them. */
const GATES_AXIS = "gates";

/** The same scenario with its proof noted, under a hash that fits.
 *  @param gates what was asked: bundles that did not go through `all` gates say so among their axes */
export function markProven(scenario: Scenario, proven: boolean, gates = "all"): Scenario {
  const { axes, ...rest } = withoutProof(scenario);
  const marked = { ...rest, axes: gates === "all" ? axes : { ...axes, [GATES_AXIS]: gates }, proven };
  return { ...marked, contentHash: hashScenario(marked) };
}

/** The content of a bundle without what was noted about its proof. */
export function withoutProof(scenario: Scenario): Omit<Scenario, "contentHash" | "proven"> {
  const { proven: _, contentHash: __, axes, ...content } = scenario;
  const { [GATES_AXIS]: ___, ...own } = axes;
  return { ...content, axes: own };
}

/** Whether a bundle went through every gate, as far as it says. */
export function passedAllGates({ proven, axes }: Scenario): boolean {
  return proven !== false && axes[GATES_AXIS] === undefined;
}

/** A bundle as an object for JSON, e.g. inside a record of rejection. */
export function scenarioFields(scenario: Scenario): Fields {
  return { ...bundleFields(scenario), content_hash: scenario.contentHash };
}

/** A bundle's file: JSON with an indent of one, non-ASCII unescaped, a line feed at the end. */
export function serialiseScenario(scenario: Scenario): string {
  return `${JSON.stringify(scenarioFields(scenario), null, 1)}\n`;
}
