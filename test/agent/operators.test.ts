// Operators in real worlds, for each archetype: what the harness says of them, and that it says what the corpus says.

import { afterAll, describe, expect, setDefaultTimeout } from "bun:test";
import { defaultEpisodeLimits as limits, type Model, type Reply } from "../../src/agent/contract.ts";
import { type EpisodeRequest, runEpisode } from "../../src/agent/episode.ts";
import { toTrajectoryRecord } from "../../src/agent/record.ts";
import { InfrastructureError } from "../../src/base/errors.ts";
import type { Turn } from "../../src/data/normalize.ts";
import type { Scenario } from "../../src/data/scenario.ts";
import type { Outcome } from "../../src/data/trajectory.ts";
import { openBubblewrap } from "../../src/sandbox/bubblewrap/provider.ts";
import { need } from "../setup.ts";
import { type CorpusTrajectory, scenarioOf, scenarios, trajectories } from "./recorded-world.ts";
import { referenceModel, scriptedModel } from "./scripted-model.ts";

setDefaultTimeout(60_000);

const provider = await openBubblewrap()
  .facts()
  .then(
    () => openBubblewrap(),
    () => undefined,
  );
const worldTest = need("bubblewrap", provider !== undefined);
afterAll(() => provider?.[Symbol.asyncDispose]());

const settings = { temperature: 0, topP: 1, seed: 0 };
const run = (scenario: Scenario, model: Model, more: Partial<EpisodeRequest> = {}) =>
  runEpisode({ scenario, provider: provider!, model, limits, settings, ...more });

const answer = (content: string): Reply => ({
  content,
  finish: "stop",
  promptTokens: undefined,
  completionTokens: undefined,
});
const forever = (reply: (n: number) => string): (() => Model) => {
  return () => {
    let n = 0;
    return { name: "forever", generate: async () => answer(reply(n++)) };
  };
};

const archetypes = [...new Set([...scenarios.values()].map(({ archetype }) => archetype))];
/** Doing nothing is right where there is nothing to do. */
const idle = (scenario: Scenario) => scenario.expectedTerminal === "panic" || scenario.directive === null;

interface Operator {
  readonly model: (scenario: Scenario) => Model;
  readonly outcome: (scenario: Scenario) => Outcome;
  readonly more?: Partial<EpisodeRequest>;
}

const operators: Record<string, Operator> = {
  "replays the reference": {
    model: referenceModel,
    outcome: ({ expectedTerminal }) => (expectedTerminal === "exit" ? "success" : "correct_panic"),
  },
  "exits at once": {
    model: () => scriptedModel(["exit"]),
    outcome: (scenario) => {
      if (scenario.expectedTerminal === "panic") return "wrong_terminal";
      return idle(scenario) ? "success" : "premature_exit";
    },
  },
  "panics at once": {
    model: () => scriptedModel(["panic"]),
    outcome: ({ expectedTerminal }) => (expectedTerminal === "panic" ? "correct_panic" : "wrong_terminal"),
  },
  "talks prose": {
    model: forever(() => "Sure! I'd start by looking at the files, and then I would read the directive."),
    outcome: () => "prose_drift",
  },
  "answers with rubbish": { model: forever((n) => `}{ qx${n} %% zzk`), outcome: () => "incomplete" },
  "says nothing": { model: forever(() => ""), outcome: () => "incomplete" },
  "never ends": {
    model: forever((n) => `echo ${n}`),
    outcome: () => "budget_overrun",
    more: { limits: { ...limits, maxSteps: 6 } },
  },
  "replays the reference but does not leave": {
    model: ({ referenceSolution }) => {
      const replies = referenceSolution.slice(0, -1);
      return forever((n) => replies[n] ?? `echo ${n}`)();
    },
    outcome: () => "budget_overrun",
    more: { limits: { ...limits, maxSteps: 12 } },
  },
  dies: {
    model: ({ referenceSolution }) =>
      scriptedModel([
        referenceSolution[0]!,
        () => {
          throw new InfrastructureError("api_error", "connection reset");
        },
      ]),
    outcome: () => "infrastructure_error",
  },
  "is slow": {
    model: (scenario) => {
      const model = referenceModel(scenario);
      return { ...model, generate: (...ask) => Bun.sleep(5).then(() => model.generate(...ask)) };
    },
    outcome: ({ expectedTerminal }) => (expectedTerminal === "exit" ? "success" : "correct_panic"),
  },
};

describe("an operator in a world", () => {
  for (const [what, operator] of Object.entries(operators))
    worldTest(`that ${what} is labelled so for each archetype`, async () => {
      for (const archetype of archetypes) {
        const scenario = scenarioOf(archetype);
        const episode = await run(scenario, operator.model(scenario), operator.more);
        expect({ archetype, outcome: episode.outcome, error: episode.error?.kind }).toEqual({
          archetype,
          outcome: operator.outcome(scenario),
          error: what === "dies" ? "api_error" : undefined,
        });
        if (what.includes("reference"))
          expect({ archetype, operated: episode.operated, discovered: episode.discovered }).toEqual({
            archetype,
            operated: true,
            discovered: true,
          });
        if (/at once|prose|rubbish|nothing/.test(what)) {
          expect(episode.operated || episode.discovered).toBe(false);
          expect(episode.verified).toBe(idle(scenario));
        }
      }
    });

  worldTest("leaves by whatever really ends its shell, and by nothing else", async () => {
    const scenario = scenarioOf("empty_queue");
    const ways: [command: string, terminal: string | null][] = [
      ["(exit 3); echo exit; x=$(exit)", null],
      ["f() { exit; }; f", "exit"],
      ["ls && exit 0", "exit"],
      ["kill -9 $$", null],
      ["panic because of this", "panic"],
      ["echo panic | cat", null],
    ];
    for (const [command, terminal] of ways) {
      const episode = await run(scenario, forever(() => command)(), { limits: { ...limits, maxSteps: 1 } });
      expect({ command, terminal: episode.terminal }).toEqual({
        command,
        terminal: terminal as "exit" | null,
      });
    }
  });
});

/** Directories list in the order of the file system: those outputs are compared as sets of lines. */
const unordered = (turns: readonly Turn[]) =>
  turns.map(({ role, content }, i) => {
    const command = turns[i - 1]?.role === "assistant" ? turns[i - 1]!.content : "";
    return {
      role,
      content: /^(?:find|grep -r)/.test(command) ? content.split("\n").sort().join("\n") : content,
    };
  });

describe("a replay", () => {
  worldTest("gives the corpus's records again, turn by turn", async () => {
    // Enough of them for every archetype and every way of recovering.
    const rows = trajectories.filter((_, i) => i % 6 === 0);
    const replay = async (row: CorpusTrajectory) => {
      const commands = row.turns.flatMap(({ role, content }) => (role === "assistant" ? [content] : []));
      const scenario = scenarios.get(row.scenario_id)!;
      const episode = await run(scenario, scriptedModel(commands, "reference"));
      const record = toTrajectoryRecord(episode, row.sample, true);
      expect({ ...record, turns: unordered(record.turns) } as object).toEqual({
        ...row,
        turns: unordered(row.turns),
      });
      expect({ id: row.id, seen: [episode.operated, episode.discovered] }).toEqual({
        id: row.id,
        seen: [true, true],
      });
    };
    const queue = rows.values();
    const worker = async () => {
      for (const row of queue) await replay(row);
    };
    await Promise.all([worker(), worker()]);
  });

  worldTest("of a reference on a world it was not made for fails the checker", async () => {
    const [one, other] = [...scenarios.values()].filter(
      ({ archetype }) => archetype === "file_create",
    ) as Scenario[];
    const episode = await run(one!, referenceModel(other!));
    expect(episode).toMatchObject({ outcome: "premature_exit", verified: false });
  });
});
