// Plain f64 rotary embedding, half-split pairing; the inverse is also the gradient.

/** cos and sin of every position's angles, [positions, headDim / 2]. */
export function ropeTables(
  positions: number,
  headDim: number,
  theta: number,
): { cos: Float64Array; sin: Float64Array } {
  const half = headDim / 2;
  const angle = (_: unknown, i: number) => Math.floor(i / half) * theta ** ((-2 * (i % half)) / headDim);
  const angles = Float64Array.from({ length: positions * half }, angle);
  return { cos: angles.map(Math.cos), sin: angles.map(Math.sin) };
}

/** x [tokens, heads, headDim] with each pair (d, d + headDim / 2) rotated by +1 or -1 times its angle. */
export function rope(
  x: ArrayLike<number>,
  positions: ArrayLike<number>,
  tables: { cos: ArrayLike<number>; sin: ArrayLike<number> },
  s: { tokens: number; heads: number; headDim: number },
  direction: 1 | -1,
): Float64Array {
  const half = s.headDim / 2;
  const y = new Float64Array(s.tokens * s.heads * s.headDim);
  for (let t = 0; t < s.tokens; t++)
    for (let h = 0; h < s.heads; h++)
      for (let d = 0; d < half; d++) {
        const at = (t * s.heads + h) * s.headDim + d;
        const cos = tables.cos[positions[t]! * half + d]!;
        const sin = tables.sin[positions[t]! * half + d]! * direction;
        y[at] = x[at]! * cos - x[at + half]! * sin;
        y[at + half] = x[at + half]! * cos + x[at]! * sin;
      }
  return y;
}
