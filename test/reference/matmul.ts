// out = alpha a b + extraA extraB + out in f64, by the definition. Also gives, for each element, |a||b|: the scale of the
// rounding error that f32 sums may have (Higham 2002, section 3.1).

/** Operands as plain arrays; sizes, strides and offsets in elements, all given. */
export interface MatmulCase {
  readonly mode: "nt" | "nn" | "tn";
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly alpha: number;
  readonly accumulate: boolean;
  readonly aOffset: number;
  readonly aStride: number;
  readonly bOffset: number;
  readonly bStride: number;
  readonly outOffset: number;
  readonly outStride: number;
  readonly extraK: number;
}

/** The product over a copy of `out`, and the norm product of each element at the same places. */
export function matmulReference(
  operands: {
    a: ArrayLike<number>;
    b: ArrayLike<number>;
    out: ArrayLike<number>;
    extraA: ArrayLike<number>;
    extraB: ArrayLike<number>;
  },
  c: MatmulCase,
): { out: Float64Array; scale: Float64Array } {
  const out = Float64Array.from(operands.out);
  const scale = new Float64Array(out.length);
  for (let i = 0; i < c.m; i++)
    for (let j = 0; j < c.n; j++) {
      let sum = 0;
      let aa = 0;
      let bb = 0;
      for (let k = 0; k < c.k; k++) {
        const a =
          operands.a[c.aOffset + (c.mode === "tn" ? k * c.aStride + i : i * c.aStride + k)]! * c.alpha;
        const b = operands.b[c.bOffset + (c.mode === "nt" ? j * c.bStride + k : k * c.bStride + j)]!;
        sum += a * b;
        aa += a * a;
        bb += b * b;
      }
      for (let k = 0; k < c.extraK; k++) {
        const a = operands.extraA[i * c.extraK + k]!;
        const b = operands.extraB[c.mode === "nt" ? j * c.extraK + k : k * c.n + j]!;
        sum += a * b;
        aa += a * a;
        bb += b * b;
      }
      const at = c.outOffset + i * c.outStride + j;
      const before = c.accumulate ? out[at]! : 0;
      out[at] = before + sum;
      scale[at] = Math.abs(before) + Math.sqrt(aa * bb);
    }
  return { out, scale };
}
