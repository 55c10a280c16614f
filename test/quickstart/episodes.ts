// Records of episodes for the tests of this folder: what matters to a test is given, the rest is ordinary.

import type { EpisodeRecord } from "../../src/eval/record.ts";
import { episodeRecord } from "../eval/episode-record.ts";

/** An episode of `arm` in scenario `id`. */
export function episode(arm: string, id: string, more: Partial<EpisodeRecord> = {}): EpisodeRecord {
  return episodeRecord(arm, id, {
    steps: 14,
    turns: [
      { role: "system", content: "orientation" },
      { role: "user", content: "login\n" },
      { role: "user", content: "a@sek:~$ " },
      { role: "assistant", content: "ls" },
    ],
    tokens: { prompt: 1, completion: 1 },
    wall_ms: 1,
    ...more,
  });
}

/** What makes an episode clean. */
export const clean: Partial<EpisodeRecord> = {
  outcome: "success",
  verified: true,
  terminal: "exit",
  operated: true,
  discovered: true,
  steps: 7,
};
