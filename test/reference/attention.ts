// Plain f64 attention over key intervals (less what is hidden within them) with grouped queries, and its gradients.

/** Sizes as in src/ops/attention.ts. */
export interface AttentionShape {
  readonly tokens: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
}

type Numbers = ArrayLike<number>;

/** Query i does not see key j, although it is in its interval. */
type Hidden = (i: number, j: number) => boolean;

const none: Hidden = () => false;

/** out [N, H, D] and lse [H, N]; key j is seen by query i iff lo[i] <= j <= i and it is not hidden. */
export function attentionForward(
  q: Numbers,
  k: Numbers,
  v: Numbers,
  lo: Numbers,
  s: AttentionShape,
  hidden: Hidden = none,
): { out: Float64Array; lse: Float64Array } {
  const out = new Float64Array(s.tokens * s.heads * s.headDim);
  const lse = new Float64Array(s.heads * s.tokens);
  for (let h = 0; h < s.heads; h++)
    for (let i = 0; i < s.tokens; i++) {
      const scores = scoresOf(q, k, lo[i]!, i, h, s, hidden);
      const top = Math.max(...scores);
      const sum = scores.reduce((total, score) => total + Math.exp(score - top), 0);
      lse[h * s.tokens + i] = top + Math.log(sum);
      scores.forEach((score, n) => {
        const weight = Math.exp(score - top) / sum;
        const key = keyStart(lo[i]! + n, h, s);
        for (let d = 0; d < s.headDim; d++) out[queryStart(i, h, s) + d]! += weight * v[key + d]!;
      });
    }
  return { out, lse };
}

/** dq [N, H, D], dk and dv [N, K, D] from dout [N, H, D]. */
export function attentionBackward(
  q: Numbers,
  k: Numbers,
  v: Numbers,
  lo: Numbers,
  dout: Numbers,
  s: AttentionShape,
  hidden: Hidden = none,
): { dq: Float64Array; dk: Float64Array; dv: Float64Array } {
  const { out, lse } = attentionForward(q, k, v, lo, s, hidden);
  const dq = new Float64Array(out.length);
  const dk = new Float64Array(s.tokens * s.kvHeads * s.headDim);
  const dv = new Float64Array(dk.length);
  for (let h = 0; h < s.heads; h++)
    for (let i = 0; i < s.tokens; i++) {
      const query = queryStart(i, h, s);
      let delta = 0;
      for (let d = 0; d < s.headDim; d++) delta += out[query + d]! * dout[query + d]!;
      scoresOf(q, k, lo[i]!, i, h, s, hidden).forEach((score, n) => {
        const key = keyStart(lo[i]! + n, h, s);
        const weight = Math.exp(score - lse[h * s.tokens + i]!);
        let slope = 0;
        for (let d = 0; d < s.headDim; d++) slope += dout[query + d]! * v[key + d]!;
        slope = weight * (slope - delta) * s.scale;
        for (let d = 0; d < s.headDim; d++) {
          dq[query + d]! += slope * k[key + d]!;
          dk[key + d]! += slope * q[query + d]!;
          dv[key + d]! += weight * dout[query + d]!;
        }
      });
    }
  return { dq, dk, dv };
}

function scoresOf(
  q: Numbers,
  k: Numbers,
  lo: number,
  i: number,
  h: number,
  s: AttentionShape,
  hidden: Hidden,
): number[] {
  const query = queryStart(i, h, s);
  return Array.from({ length: i - lo + 1 }, (_, n) => {
    if (hidden(i, lo + n)) return Number.NEGATIVE_INFINITY;
    const key = keyStart(lo + n, h, s);
    let score = 0;
    for (let d = 0; d < s.headDim; d++) score += q[query + d]! * k[key + d]!;
    return score * s.scale;
  });
}

function queryStart(i: number, h: number, s: AttentionShape): number {
  return (i * s.heads + h) * s.headDim;
}

function keyStart(j: number, h: number, s: AttentionShape): number {
  return (j * s.kvHeads + Math.floor(h / (s.heads / s.kvHeads))) * s.headDim;
}
