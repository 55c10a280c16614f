// What the scores of sessions add up to. Points of one session are not independent: intervals resample whole sessions.

import { Rng } from "../../base/rng.ts";
import type { Terminal } from "../../data/trajectory.ts";
import type { Score } from "./score.ts";

/** Resamples of an interval. */
const DRAWS = 2000;

/** A number with its interval of 95 %; null over nothing. */
export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Sessions. */
  readonly n: number;
}

/** The terminal over points of one kind. */
export interface PointSummary {
  readonly points: number;
  /** Tokens of the terminal with its end of turn, on average. */
  readonly tokens: number | null;
  /** ln P of all of it: comparable between tokenizers. */
  readonly logp: Estimate;
  readonly logp_median: number | null;
  readonly logp_per_token: Estimate;
  readonly first_logp: Estimate;
  readonly first_rank_median: number | null;
  /** Share of points at which its first token is the likeliest, and at which greedy decoding would write all of it. */
  readonly first_argmax: Estimate;
  readonly greedy: Estimate;
}

/** One session's scores. */
export interface SessionScores {
  readonly id: string;
  readonly archetype: string | null;
  readonly terminal: Terminal;
  readonly final: Score;
  readonly controls: readonly Score[];
}

/** Everything of one base or adapter. */
export interface TerminalSummary {
  /** Where the session ends. */
  readonly final: PointSummary;
  /** At earlier decisions of the same sessions. */
  readonly control: PointSummary;
  /** ln of how many times likelier the terminal is where it belongs: final minus the mean of the session's controls. */
  readonly lift: Estimate;
  readonly first_token_lift: Estimate;
}

/** Sums up, with intervals that are the same in every run. */
export function summarise(sessions: readonly SessionScores[]): TerminalSummary {
  const controlled = sessions.filter(({ controls }) => controls.length > 0);
  const lift = (of: (score: Score) => number) =>
    estimate(controlled.map(({ final, controls }) => of(final) - mean(controls.map(of))!));
  return {
    final: pointSummary(sessions.map(({ final }) => [final])),
    control: pointSummary(controlled.map(({ controls }) => controls)),
    lift: lift(({ logp }) => logp),
    first_token_lift: lift(({ firstLogp }) => firstLogp),
  };
}

function pointSummary(clusters: readonly (readonly Score[])[]): PointSummary {
  const all = clusters.flat();
  const share = (of: (score: Score) => number) => estimate(clusters.map((scores) => mean(scores.map(of))!));
  return {
    points: all.length,
    tokens: mean(all.map(({ tokens }) => tokens)),
    logp: share(({ logp }) => logp),
    logp_median: median(all.map(({ logp }) => logp)),
    logp_per_token: share(({ logp, tokens }) => logp / tokens),
    first_logp: share(({ firstLogp }) => firstLogp),
    first_rank_median: median(all.map(({ firstRank }) => firstRank)),
    first_argmax: share(({ firstRank }) => Number(firstRank === 1)),
    greedy: share(({ greedy }) => Number(greedy)),
  };
}

/** Mean over sessions, with the percentile bootstrap's interval (Efron & Tibshirani 1993, 13.3); none for a single session. */
export function estimate(values: readonly number[]): Estimate {
  const n = values.length;
  const value = mean(values);
  if (n < 2) return { value, low: null, high: null, n };
  const rng = new Rng(`terminals/${n}`);
  const draws = Array.from({ length: DRAWS }, () => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[rng.int(0, n - 1)]!;
    return sum / n;
  }).sort((a, b) => a - b);
  return { value, low: draws[Math.floor(0.025 * DRAWS)]!, high: draws[Math.ceil(0.975 * DRAWS) - 1]!, n };
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  return (sorted[Math.floor(half)]! + sorted[Math.ceil(half)]!) / 2;
}
