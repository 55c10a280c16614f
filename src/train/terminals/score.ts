// Log-probabilities of terminals on a loaded model: several points in a batch, none of which sees another.

import { makeBatch } from "../../model/batch.ts";
import type { CausalLM } from "../../model/causal-lm.ts";
import { type DecisionPoint, labelled } from "./decision-points.ts";

/** The terminal at one point. */
export interface Score {
  /** ln P of its word and its end-of-turn token, after what stands before. */
  readonly logp: number;
  /** Tokens of that. */
  readonly tokens: number;
  /** ln P of its first token. */
  readonly firstLogp: number;
  /** Place of its first token among all, 1 = the likeliest. */
  readonly firstRank: number;
  /** Each of its tokens is the likeliest: greedy decoding would end the session here. */
  readonly greedy: boolean;
}

/** Points that go through the model together. */
export interface PointBatch {
  readonly points: readonly DecisionPoint[];
  readonly tokens: number;
  /** Labelled rows. */
  readonly rows: number;
}

/** Rows of logits that are read back at once. */
const MOST_ROWS = 64;

/** Cuts points into batches of at most `capacity` tokens, in order; a longer point is a batch of its own. */
export function pointBatches(points: readonly DecisionPoint[], capacity: number): PointBatch[] {
  const batches: { points: DecisionPoint[]; tokens: number; rows: number }[] = [];
  for (const point of points) {
    const tokens = point.inputIds.length;
    const rows = tokens - point.first;
    const last = batches.at(-1);
    if (last && last.tokens + tokens <= capacity && last.rows + rows <= MOST_ROWS) {
      last.points.push(point);
      last.tokens += tokens;
      last.rows += rows;
    } else batches.push({ points: [point], tokens, rows });
  }
  return batches;
}

/** Scores the points of a batch, in order.
 *  @throws GpuError when the device fails */
export async function scorePoints(
  model: Pick<CausalLM, "labelledLogits" | "config">,
  { points }: PointBatch,
): Promise<Score[]> {
  const { vocab } = model.config;
  const batch = makeBatch(points.map(labelled), vocab);
  const logits = await model.labelledLogits(batch);
  let row = 0;
  return points.map(({ inputIds, first }) => {
    const scores = Array.from(inputIds.subarray(first), (id) => {
      const at = row++ * vocab;
      return scoreToken(logits.subarray(at, at + vocab), id);
    });
    return {
      logp: scores.reduce((sum, { logp }) => sum + logp, 0),
      tokens: scores.length,
      firstLogp: scores[0]!.logp,
      firstRank: scores[0]!.rank,
      greedy: scores.every(({ rank }) => rank === 1),
    };
  });
}

/** ln of the softmax at `id`, and how many logits are larger, plus one. Sums in double precision. */
export function scoreToken(logits: Float32Array, id: number): { logp: number; rank: number } {
  const own = logits[id]!;
  let most = Number.NEGATIVE_INFINITY;
  let larger = 0;
  for (const value of logits) {
    if (value > most) most = value;
    if (value > own) larger++;
  }
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - most);
  return { logp: own - most - Math.log(sum), rank: larger + 1 };
}
