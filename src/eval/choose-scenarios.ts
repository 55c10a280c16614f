// Which scenarios an eval of n takes: the same ones every time, spread evenly over the archetypes.

import type { Scenario } from "../data/scenario.ts";

/** `n` scenarios (all when undefined, or when there are not so many), by rounds over the archetypes in alphabetical order, within each by id. */
export function chooseScenarios(scenarios: readonly Scenario[], n: number | undefined): Scenario[] {
  const archetypes = new Map<string, Scenario[]>();
  for (const scenario of [...scenarios].sort((a, b) => compareText(a.id, b.id)))
    archetypes.set(scenario.archetype, [...(archetypes.get(scenario.archetype) ?? []), scenario]);
  const groups = [...archetypes].sort(([a], [b]) => compareText(a, b)).map(([, group]) => group);
  const rounds = Math.max(0, ...groups.map((group) => group.length));
  const chosen = Array.from({ length: rounds }, (_, round) =>
    groups.flatMap((group) => group[round] ?? []),
  ).flat();
  return chosen.slice(0, n ?? chosen.length);
}

// Not localeCompare: the order must not depend on the machine.
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
