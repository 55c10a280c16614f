// The arithmetic of charts.

type Point = readonly [x: number, y: number];

/** Least and greatest. */
export function extent(values: readonly number[]): [number, number] {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return least > greatest ? [0, 1] : [least, greatest];
}

/** Multiples of 1, 2 or 5 times a power of ten from `low` to `high`, about `count` of them. */
export function roundTicks(low: number, high: number, count: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough)!;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
    ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** Exponential moving average in both directions, so that a slope is neither late nor early; each without the pull towards zero at
 *  its start (Kingma & Ba 2015, section 3). */
export function smoothed(points: readonly Point[], keep: number): Point[] {
  const forward = averaged(
    points.map(([, y]) => y),
    keep,
  );
  const backward = averaged(points.map(([, y]) => y).reverse(), keep).reverse();
  return points.map(([x], i): Point => [x, (forward[i]! + backward[i]!) / 2]);
}

function averaged(values: readonly number[], keep: number): number[] {
  let mean = 0;
  let weight = 0;
  return values.map((value) => {
    mean = keep * mean + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
    return mean / weight;
  });
}

/** At most about two points a pixel: the least and the greatest of each stretch, so that no spike is lost. */
export function thinned(points: readonly Point[], pixels: number): readonly Point[] {
  const stretches = Math.max(1, Math.floor(pixels));
  if (points.length <= 2 * stretches) return points;
  const kept: Point[] = [];
  for (let i = 0; i < stretches; i++) {
    const own = points.slice(
      Math.floor((i * points.length) / stretches),
      Math.floor(((i + 1) * points.length) / stretches),
    );
    const least = own.reduce((a, b) => (b[1] < a[1] ? b : a));
    const greatest = own.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(least[0] < greatest[0] ? [least, greatest] : [greatest, least]));
  }
  return kept;
}
