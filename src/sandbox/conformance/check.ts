// What a conformance check is, and how the checks of a group are written.

import type { TerminalWords } from "../../base/terminal-words.ts";
import { type Expected, expectResult } from "./expectations.ts";
import type { Stage } from "./stage.ts";

/** One property that every sandbox must have. */
export interface Check {
  /** `group/name`, unique. */
  readonly id: string;
  readonly group: string;
  /** What holds, as a sentence. */
  readonly title: string;
  /** Where the demand comes from: another project's check, or the trap that was met. */
  readonly why: string;
  /** Resolves when it holds. @throws Mismatch when not, Skipped when the provider says that it cannot. */
  run(stage: Stage): Promise<void>;
}

/** One command and what it must do. */
export type Step = readonly [command: string, expected: Expected];

/** A command that ends the session with the word and the status. */
export const ends = (
  command: string,
  word: "exit" | "panic",
  status: number,
  output: string | RegExp = "",
): Step => [command, { output, status, terminal: { word, status } }];

/** A command after which the session goes on, with the status. */
export const goesOn = (command: string, status: number, output: string | RegExp = ""): Step => [
  command,
  { output, status },
];

/** Makes the checks of one group. */
export function inGroup(group: string) {
  return {
    /** A check in code. */
    check: (name: string, title: string, why: string, run: Check["run"]): Check => ({
      id: `${group}/${name}`,
      group,
      title,
      why,
      run,
    }),
    /** Commands one after another in a world that others use too: they leave session and files as they found them. */
    steps: (name: string, title: string, why: string, ...steps: readonly Step[]): Check => ({
      id: `${group}/${name}`,
      group,
      title,
      why,
      run: async (stage) => runSteps(stage, steps, await stage.shared()),
    }),
    /** Commands one after another in a world of their own whose endings are called otherwise. */
    renamed: (
      terminals: TerminalWords,
      name: string,
      title: string,
      why: string,
      ...steps: readonly Step[]
    ): Check => ({
      id: `${group}/${name}`,
      group,
      title,
      why,
      run: async (stage) => runSteps(stage, steps, await stage.open({}, terminals)),
    }),
    /** Commands one after another in a world of their own. */
    session: (name: string, title: string, why: string, ...steps: readonly Step[]): Check => ({
      id: `${group}/${name}`,
      group,
      title,
      why,
      run: async (stage) => runSteps(stage, steps, await stage.open()),
    }),
  };
}

async function runSteps(
  stage: Stage,
  steps: readonly Step[],
  sandbox: Awaited<ReturnType<Stage["open"]>>,
): Promise<void> {
  for (const [command, expected] of steps) expectResult(command, await stage.run(sandbox, command), expected);
}
