// Where the stages of a loop are.

/** Folder of an arm's loop under one seed. */
export function loopId(arm: string, seed: number): string {
  return `loops/${arm}/seed-${seed}`;
}

/** Folder of one round of it, counted from 1. */
export function roundId(arm: string, seed: number, round: number): string {
  return `${loopId(arm, seed)}/round-${round}`;
}
