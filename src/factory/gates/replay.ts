// Runs a list of commands in a fresh world, as an operator would type them, and has the end judged.

import type { CommandResult } from "../../sandbox/contract.ts";
import { type GateContext, inWorld } from "./gate.ts";
import { type JudgedState, readJudged, tellingChecker } from "./world-state.ts";

/** One command and what came of it. */
export type ReplayedStep = Pick<CommandResult, "output" | "status" | "timedOut" | "terminal"> & {
  readonly command: string;
};

/** A whole session. */
export interface Replay extends JudgedState {
  readonly steps: readonly ReplayedStep[];
}

/** Runs `commands` until one ends the session or takes too long, then runs the checker. */
export function replay(context: GateContext, commands: readonly string[]): Promise<Replay> {
  return inWorld(context, async (box) => {
    const steps: ReplayedStep[] = [];
    for (const command of commands) {
      context.signal?.throwIfAborted();
      const { output, status, timedOut, terminal } = await box.run(command);
      steps.push({ command, output, status, timedOut, terminal });
      if (terminal !== null || timedOut) break;
    }
    return { steps, ...readJudged(await box.check(tellingChecker(context.scenario.checker))) };
  });
}
