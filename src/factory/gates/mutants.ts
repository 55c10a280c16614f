// The gate of mutants: without any one step of the work the checker must fail, or it does not look at what was asked for.

import { answer, excerpt, failed, type GateContext, type GateResult, isIdle, passed } from "./gate.ts";
import { replay } from "./replay.ts";
import { topLevelParts, withoutPart } from "./shell-text.ts";
import { callsProvider, checkerChanges } from "./structure.ts";
import type { ReferenceRuns } from "./world-gates.ts";
import { stateDifference, type WorldState } from "./world-state.ts";

/** A solution with something left out. */
interface Mutant {
  /** What was left out. */
  readonly dropped: string;
  readonly commands: readonly string[];
}

/** Every solution that lacks one step, or one part of a step that `&&`, `;` or a line end separates. Calls of the provider
 *  are kept: they are how one learns what to do. */
export function mutantsOf(
  commands: readonly string[],
  provider: { readonly name: string; readonly path: string },
): Mutant[] {
  return commands.slice(0, -1).flatMap((command, i) => {
    if (callsProvider(command, provider)) return [];
    const replaced = (by: readonly string[]) => [...commands.slice(0, i), ...by, ...commands.slice(i + 1)];
    const parts = topLevelParts(command);
    return [
      { dropped: command, commands: replaced([]) },
      ...(parts.length < 2
        ? []
        : parts.map(({ text }, drop) => ({
            dropped: text.trim(),
            commands: replaced([withoutPart(parts, drop)]),
          }))),
    ];
  });
}

/** Plays every mutant. One that leaves the world exactly as the reference does lacks a mere look and proves nothing; any
 *  other must fail. */
export function mutantsGate(context: GateContext, { runs, varying }: ReferenceRuns): Promise<GateResult> {
  return answer("mutants", async () => {
    const { scenario } = context;
    const wanted = runs[0]!.state;
    const all = mutantsOf(scenario.referenceSolution, scenario.provider);
    const looks = await provenLooks(context, wanted, varying);
    const tried = [...looks].map((command) => ({ dropped: excerpt(command), came: "changes nothing" }));
    for (const { dropped, commands } of all) {
      if (looks.has(dropped)) continue;
      const one = await replay(context, commands);
      const differs = stateDifference(wanted, one.state, varying);
      const came = !one.passed ? "fails" : differs.length === 0 ? "changes nothing" : "passes";
      tried.push({ dropped: excerpt(dropped), came });
      if (came === "passes")
        return failed(
          "mutants",
          `without ${JSON.stringify(excerpt(dropped, 100))} the checker still passes, although ${excerpt(differs[0]!, 80)} is different: it must check what that step does, or the step must go`,
          { tried, differs: differs.slice(0, 8) },
        );
    }
    const needed = tried.filter(({ came }) => came === "fails").length;
    if (needed === 0 && !isIdle(scenario))
      return failed("mutants", "no step of the reference solution is needed to pass the checker", { tried });
    return passed("mutants", `${needed} of ${tried.length} mutants fail, the others change nothing`, {
      tried,
    });
  });
}

/** Steps that only look, shown by one session without all of them that ends in the same world and passes; empty when it does
 *  not, and each has to be tried by itself. */
async function provenLooks(
  context: GateContext,
  wanted: WorldState,
  varying: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const { referenceSolution, provider } = context.scenario;
  const looks = new Set(
    referenceSolution
      .slice(0, -1)
      .filter(
        (command) =>
          !callsProvider(command, provider) &&
          checkerChanges(command).length === 0 &&
          !/\b(cd|export|set|umask|alias)\b/.test(command),
      ),
  );
  if (looks.size === 0) return looks;
  const without = await replay(
    context,
    referenceSolution.filter((command) => !looks.has(command)),
  );
  return without.passed && stateDifference(wanted, without.state, varying).length === 0 ? looks : new Set();
}
