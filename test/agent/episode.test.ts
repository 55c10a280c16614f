// One session, against the corpus's own records and against operators that misbehave.

import { describe, expect, test } from "bun:test";
import { defaultEpisodeLimits as limits } from "../../src/agent/contract.ts";
import { runEpisode } from "../../src/agent/episode.ts";
import { toTrajectoryRecord } from "../../src/agent/record.ts";
import { scriptedModel } from "../../src/agent/scripted.ts";
import { recordedProvider, scenarios, trajectories } from "./recorded-world.ts";

const settings = { temperature: 0, topP: 1, seed: 0 };

describe("a session", () => {
  test("leaves the record of the corpus, field for field, when its commands and outputs are the same", async () => {
    for (const row of trajectories) {
      const scenario = scenarios.get(row.scenario_id)!;
      const commands = row.turns.filter(({ role }) => role === "assistant").map(({ content }) => content);
      const model = scriptedModel(commands, "reference");
      const episode = await runEpisode({
        scenario,
        provider: recordedProvider(row.turns),
        model,
        limits,
        settings,
      });
      expect(JSON.stringify(toTrajectoryRecord(episode, row.sample, true))).toBe(JSON.stringify(row));
      expect({ id: row.id, operated: episode.operated, discovered: episode.discovered }).toEqual({
        id: row.id,
        operated: true,
        discovered: true,
      });
    }
  });
});
