// A sandbox that plays a recorded trajectory back, and one whose shell is a function: for tests that are not about containers.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Turn } from "../../src/data/normalize.ts";
import { checkScenario, type Scenario } from "../../src/data/scenario.ts";
import {
  type CommandResult,
  defaultLimits,
  type Sandbox,
  type SandboxProvider,
  type Verdict,
} from "../../src/sandbox/contract.ts";

const corpus = join(import.meta.dir, "../golden/corpus");

/** A row of the golden corpus as it stands in the file. */
export interface CorpusTrajectory {
  readonly id: string;
  readonly scenario_id: string;
  readonly sample: number;
  readonly model: string;
  readonly turns: readonly Turn[];
  readonly [field: string]: unknown;
}

function rows(file: string): unknown[] {
  return gunzipSync(readFileSync(join(corpus, file)))
    .toString("utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** The bundles of the golden corpus by id. */
export const scenarios: ReadonlyMap<string, Scenario> = new Map(
  rows("scenarios.jsonl.gz").map((row, i) => {
    const scenario = checkScenario(row, { file: "scenarios.jsonl.gz", line: i + 1 });
    return [scenario.id, scenario];
  }),
);

/** The trajectories of the golden corpus. */
export const trajectories = rows("trajectories.jsonl.gz") as CorpusTrajectory[];

/** The first bundle of an archetype. */
export function scenarioOf(archetype: string): Scenario {
  return [...scenarios.values()].find((one) => one.archetype === archetype)!;
}

/** What a function says a command did. */
export interface Played {
  readonly output?: string;
  readonly status?: number;
  readonly terminal?: CommandResult["terminal"];
  readonly timedOut?: boolean;
  /** Directory shown by the prompts that follow. */
  readonly directory?: string;
}

/** A world whose shell is `shell`; `exit` and `panic` end it. */
export function playedProvider(
  shell: (command: string) => Played | Promise<Played>,
  verdict: boolean | (() => Verdict) = true,
): SandboxProvider & { readonly log: { opened: number; closed: number; checked: number } } {
  const log = { opened: 0, closed: 0, checked: 0 };
  return {
    log,
    name: "bubblewrap",
    limits: defaultLimits,
    facts: async () => ({ provider: "bubblewrap", version: "played", image: "none", properties: {} }),
    clean: async () => [],
    [Symbol.asyncDispose]: async () => undefined,
    async open() {
      log.opened++;
      let directory = "~";
      const sandbox: Sandbox = {
        provider: "bubblewrap",
        environment: {},
        get shownDirectory() {
          return directory;
        },
        async run(command) {
          const word = command === "exit" || command === "panic" ? command : undefined;
          const played: Played = word ? { terminal: { word, status: 0 } } : await shell(command);
          directory = played.directory ?? directory;
          const output = played.output ?? "";
          return {
            output,
            outputBytes: Buffer.byteLength(output),
            outputSha256: createHash("sha256").update(output).digest("hex"),
            truncated: false,
            status: played.status ?? 0,
            timedOut: played.timedOut ?? false,
            stateLost: false,
            terminal: played.terminal ?? null,
            durationMs: 1,
          };
        },
        async check() {
          log.checked++;
          return typeof verdict === "function"
            ? verdict()
            : { passed: verdict, status: verdict ? 0 : 1, output: "", timedOut: false };
        },
        async close() {
          log.closed++;
        },
        [Symbol.asyncDispose]: async () => undefined,
      };
      return sandbox;
    },
  };
}

/** A world that answers the commands of a recorded trajectory as recorded. */
export function recordedProvider(turns: readonly Turn[]): SandboxProvider {
  let at = turns.findIndex(({ role }) => role === "assistant");
  return playedProvider(() => {
    const next = turns[++at];
    const output = next?.role === "user" && !isPrompt(next) ? next.content : "";
    if (output !== "") at++;
    const directory = /^\S+@\w+:(.*)\$ $/.exec(turns[at]?.content ?? "")?.[1];
    at++;
    return { output, ...(directory !== undefined && { directory }) };
  });
}

function isPrompt({ content }: Turn): boolean {
  return /^\w+@\w+:[^\n]*\$ $/.test(content);
}
