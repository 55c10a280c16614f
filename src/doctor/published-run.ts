// The run that users compare their machine by: how many tokens it has, and how long that takes at a measured rate.

/** The published run: 1003 trajectories, 3 epochs, one sequence a micro-batch, 8 micro-batches an update. */
export const publishedRun = {
  trajectories: 1003,
  epochs: 3,
  /** Of an executed shell session, as tokenised by SmolLM2: 1000 of them have 1.03 M tokens. */
  tokensPerTrajectory: 1030,
  /** Share of the tokens that is trained: commands, not screens. */
  labelShare: 1 / 6,
} as const;

/** Labelled rows among `tokens` of such a run. */
export function publishedLabels(tokens: number): number {
  return Math.max(1, Math.round(tokens * publishedRun.labelShare));
}

/** Seconds of the published run. */
export function publishedSeconds(tokensPerSecond: number): number {
  const { trajectories, epochs, tokensPerTrajectory } = publishedRun;
  return (trajectories * epochs * tokensPerTrajectory) / tokensPerSecond;
}
