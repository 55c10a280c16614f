// A share x of n with Wilson's score interval, which stays inside [0, 1] and keeps its width at 0 of n and n of n.

/** Two-sided 95 % point of the normal distribution. */
export const z95 = 1.959963984540054;

/** A share with its interval; over nothing there is no share: null. */
export interface Rate {
  readonly x: number;
  readonly n: number;
  readonly rate: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** `x` of `n` with Wilson's 95 % interval (E. B. Wilson, JASA 22, 1927, without continuity correction). */
export function wilson(x: number, n: number, z = z95): Rate {
  if (n === 0) return { x, n, rate: null, low: null, high: null };
  const rate = x / n;
  const square = z * z;
  const middle = (rate + square / (2 * n)) / (1 + square / n);
  const half = (z / (1 + square / n)) * Math.sqrt((rate * (1 - rate)) / n + square / (4 * n * n));
  // At the ends the formula is exact in real numbers only; rounding must not leave a hair's breadth.
  return { x, n, rate, low: x === 0 ? 0 : middle - half, high: x === n ? 1 : middle + half };
}
