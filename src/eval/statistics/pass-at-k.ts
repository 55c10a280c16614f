// What k tries at a scenario are worth, estimated without bias from n tries of which c passed.

/** Probability that at least one of k samples drawn without replacement passes: 1 - C(n-c, k) / C(n, k), as a product
 *  (Chen et al., arXiv:2107.03374). Null when n < k. */
export function passAtK(n: number, c: number, k: number): number | null {
  if (n < k) return null;
  // With fewer failures than k one factor is 0: no draw misses.
  let none = 1;
  for (let i = n - c + 1; i <= n; i++) none *= 1 - k / i;
  return 1 - none;
}

/** Probability that all of k samples drawn without replacement pass: C(c, k) / C(n, k) (Yao et al., arXiv:2406.12045).
 *  Null when n < k. */
export function passToTheK(n: number, c: number, k: number): number | null {
  if (n < k) return null;
  let all = 1;
  for (let i = 0; i < k; i++) all *= Math.max(0, c - i) / (n - i);
  return all;
}
