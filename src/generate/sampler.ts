// From a row of logits to a token, on the host: for whatever is not plainly the likeliest token.
// Order of transformers' logits processors: repetition penalty, temperature, top-k, top-p, min-p. Log probabilities are those of
// the model itself, before any of them.

import { GpuError } from "../base/errors.ts";
import { Mt19937 } from "../data/mt19937.ts";
import type { GenerateOptions } from "./options.ts";

/** A token that was chosen. */
export interface Choice {
  readonly id: number;
  /** Natural log of the model's probability. */
  readonly logprob: number;
  /** The likeliest tokens, when they were asked for. */
  readonly top: [id: number, logprob: number][] | undefined;
}

/** What a logit that is not a number means. */
export function notFinite(): GpuError {
  return new GpuError("generate: expected finite logits, got NaN or infinity", {
    hint: "the weights or the adapter do not fit this precision; try --tier f32",
  });
}

/** Chooses the tokens of one answer; its random numbers depend on the seed alone. */
export class Sampler {
  private readonly random: Mt19937;

  constructor(private readonly options: GenerateOptions) {
    this.random = new Mt19937(options.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!);
  }

  /** True when the device can choose: the likeliest token, and nobody asks about others. */
  get isPlain(): boolean {
    const { temperature = 0, repetitionPenalty = 1, logprobs = 0 } = this.options;
    return temperature === 0 && repetitionPenalty === 1 && logprobs === 0;
  }

  /** The next token behind `tokens`.
   *  @throws GpuError when a logit is not a number. */
  choose(logits: Float32Array, tokens: readonly number[]): Choice {
    const { temperature = 0, repetitionPenalty = 1, logprobs = 0 } = this.options;
    const logDenominator = logSumExp(logits);
    if (!Number.isFinite(logDenominator)) throw notFinite();
    const scores = repetitionPenalty === 1 ? logits : penalised(logits, tokens, repetitionPenalty);
    const id = temperature === 0 ? likeliest(scores) : this.sample(scores, temperature);
    const top = logprobs > 0 ? topOf(logits, logprobs, logDenominator) : undefined;
    return { id, logprob: logits[id]! - logDenominator, top };
  }

  private sample(scores: Float32Array, temperature: number): number {
    const { topK = 0, topP = 1, minP = 0 } = this.options;
    const best = scores[likeliest(scores)]!;
    const weight = (id: number) => Math.exp((scores[id]! - best) / temperature);
    let least = -Infinity;
    if (topK > 0 && topK < scores.length) least = scores.toSorted()[scores.length - topK]!;
    let ids: number[] = [];
    for (let id = 0; id < scores.length; id++) if (scores[id]! >= least) ids.push(id);
    let total = ids.reduce((sum, id) => sum + weight(id), 0);
    if (topP < 1) {
      ids = nucleus(ids, scores, weight, topP * total);
      total = ids.reduce((sum, id) => sum + weight(id), 0);
    }
    if (minP > 0) {
      ids = ids.filter((id) => weight(id) >= minP);
      total = ids.reduce((sum, id) => sum + weight(id), 0);
    }
    let left = this.uniform() * total;
    for (const id of ids) {
      left -= weight(id);
      if (left < 0) return id;
    }
    // Rounding may leave a crumb: it is the last token's.
    return ids.at(-1)!;
  }

  /** In [0, 1), 53 bits, as numpy makes it. */
  private uniform(): number {
    const high = this.random.next() >>> 5;
    const low = this.random.next() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }
}

/** The fewest likeliest ids whose weights reach `wanted`. */
function nucleus(
  ids: readonly number[],
  scores: Float32Array,
  weight: (id: number) => number,
  wanted: number,
): number[] {
  const sorted = ids.toSorted((a, b) => scores[b]! - scores[a]! || a - b);
  let sum = 0;
  for (const [i, id] of sorted.entries()) {
    sum += weight(id);
    if (sum >= wanted) return sorted.slice(0, i + 1);
  }
  return sorted;
}

function logSumExp(logits: Float32Array): number {
  let most = -Infinity;
  for (let i = 0; i < logits.length; i++) {
    const value = logits[i]!;
    if (!Number.isFinite(value)) return Number.NaN;
    if (value > most) most = value;
  }
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - most);
  return most + Math.log(sum);
}

/** The lowest id among those with the largest score. */
function likeliest(scores: Float32Array): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return best;
}

function penalised(logits: Float32Array, tokens: readonly number[], penalty: number): Float32Array {
  const scores = logits.slice();
  for (const id of new Set(tokens)) {
    const score = scores[id]!;
    scores[id] = score < 0 ? score * penalty : score / penalty;
  }
  return scores;
}

function topOf(logits: Float32Array, count: number, logDenominator: number): [number, number][] {
  const least = logits.length <= count ? -Infinity : logits.toSorted()[logits.length - count]!;
  const ids: number[] = [];
  for (let id = 0; id < logits.length; id++) if (logits[id]! >= least) ids.push(id);
  ids.sort((a, b) => logits[b]! - logits[a]! || a - b);
  return ids.slice(0, count).map((id) => [id, logits[id]! - logDenominator]);
}
