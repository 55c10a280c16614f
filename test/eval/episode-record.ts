// Records of episodes for tests: what matters to a test is given, the rest is ordinary.

import type { EpisodeRecord } from "../../src/eval/record.ts";

/** An episode of `arm` in scenario `id`, of two commands and without trouble, that reached and left nothing. */
export function episodeRecord(arm: string, id: string, more: Partial<EpisodeRecord>): EpisodeRecord {
  return {
    scenario_id: id,
    scenario_hash: `sha256:${id}`,
    archetype: id.split("-")[0]!,
    arm,
    sample: 0,
    model: arm,
    outcome: "overrun",
    verified: null,
    terminal: null,
    operated: false,
    discovered: false,
    steps: 2,
    turns: [],
    limits_hit: [],
    tokens: { prompt: 10, completion: 2 },
    wall_ms: 5,
    error: null,
    attempts: [],
    step_log: [],
    ...more,
  };
}
