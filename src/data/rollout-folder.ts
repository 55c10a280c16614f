// Names in a folder that `sekft rollout` writes; whoever reads it as training data looks at one of them only.

/** What `kind` says in the manifest of such a folder. */
export const ROLLOUT_KIND = "rollout";

/** Its files. */
export const ROLLOUT_FILES = {
  /** Every finished sample, one record a line: the data. */
  trajectories: "trajectories.jsonl",
  /** Each sample's commands with sizes, hashes and times. */
  episodes: "episodes.jsonl",
  /** Samples that the machinery failed; tried again by the next run. */
  failures: "failures.jsonl",
  manifest: "manifest.json",
  summary: "summary.json",
  scenarios: "scenarios",
} as const;
