// What the untouched world, doing nothing and the reference solution come to, each in worlds of their own.

import {
  answer,
  excerpt,
  failed,
  type GateContext,
  type GateResult,
  inWorld,
  isIdle,
  passed,
} from "./gate.ts";
import { type Replay, replay } from "./replay.ts";
import { stateDifference } from "./world-state.ts";

/** Fresh worlds in which the reference has to pass. */
const REFERENCE_RUNS = 3;

/** Nothing was run: the checker must fail, or pass when leaving things alone is right. */
export function initialStateGate(context: GateContext): Promise<GateResult> {
  return untouched("initial_state", context, []);
}

/** The operator leaves at once, as the scenario's own ending has it. */
export function noOpGate(context: GateContext): Promise<GateResult> {
  return untouched("no_op", context, ["exit"]);
}

function untouched(
  gate: "initial_state" | "no_op",
  context: GateContext,
  commands: string[],
): Promise<GateResult> {
  return answer(gate, async () => {
    const verdict = await inWorld(context, async (box) => {
      for (const command of commands) await box.run(command);
      return box.check(context.scenario.checker);
    });
    const idle = isIdle(context.scenario);
    const evidence = { status: verdict.status, output: excerpt(verdict.output) };
    const what = gate === "no_op" ? "doing nothing" : "the untouched world";
    if (verdict.timedOut) return failed(gate, "checker: it does not come to an end", evidence);
    if (/Read-only file system/i.test(verdict.output))
      return failed(gate, `checker: it writes; a checker only looks (${excerpt(verdict.output)})`, evidence);
    if (/Syntax error/.test(verdict.output))
      return failed(gate, `checker: it is no sh script (${excerpt(verdict.output)})`, evidence);
    if (verdict.passed === idle)
      return passed(gate, `${what} ${idle ? "passes" : "fails"} the checker, as it must`, evidence);
    return failed(
      gate,
      idle ? `${what} fails the checker, although there is nothing to do` : `${what} passes the checker`,
      evidence,
    );
  });
}

/** The reference's sessions, if it passed in each; the paths that came out differently are those that time or chance decide. */
export interface ReferenceRuns {
  readonly result: GateResult;
  readonly runs: readonly Replay[];
  readonly varying: ReadonlySet<string>;
}

/** Plays the reference solution in so many fresh worlds. */
export async function referenceGate(context: GateContext, worlds = REFERENCE_RUNS): Promise<ReferenceRuns> {
  const runs: Replay[] = [];
  const result = await answer("reference", async () => {
    const { scenario } = context;
    for (let run = 1; run <= worlds; run++) {
      const one = await replay(context, scenario.referenceSolution);
      runs.push(one);
      const no = (reason: string) =>
        failed("reference", reason, {
          run,
          steps: one.steps.map(({ command, status, output }) => ({
            command,
            status,
            output: excerpt(output),
          })),
          checker: { status: one.status, output: excerpt(one.output) },
        });
      const last = one.steps.at(-1)!;
      if (last.timedOut)
        return no(
          `reference_solution[${one.steps.length - 1}]: ${JSON.stringify(excerpt(last.command, 80))} does not come to an end`,
        );
      if (one.steps.length < scenario.referenceSolution.length)
        return no(
          `reference_solution[${one.steps.length - 1}]: ${JSON.stringify(excerpt(last.command, 80))} ends the session`,
        );
      if (last.terminal?.word !== scenario.expectedTerminal)
        return no(`reference_solution: it does not end the session by ${scenario.expectedTerminal}`);
      if (one.timedOut) return no("checker: it does not come to an end");
      if (/Read-only file system/i.test(one.output))
        return no(`checker: it writes; a checker only looks (${excerpt(one.output)})`);
      if (!one.passed)
        return no(
          run === 1
            ? `the reference solution fails the checker (status ${one.status}${one.output.trim() ? `: ${excerpt(one.output)}` : ""})`
            : `the reference solution passes in one world and fails in another (run ${run} of ${worlds}): it is flaky`,
        );
    }
    return passed(
      "reference",
      `the reference solution passes in ${worlds === 1 ? "a fresh world" : `${worlds} fresh worlds`}`,
      {
        statuses: runs[0]!.steps.map(({ status }) => status),
      },
    );
  });
  const varying = new Set(runs.slice(1).flatMap((run) => stateDifference(runs[0]!.state, run.state)));
  return { result, runs, varying };
}
