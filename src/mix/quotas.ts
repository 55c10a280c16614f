// How many units of each source make the shares exact, and which source is too small for it.

import { DataError } from "../base/errors.ts";
import { formatCount, formatNumber } from "../base/format.ts";
import type { MixSpec, SourceSpec } from "./spec.ts";

/** What a source has to give. */
export interface Supply {
  readonly spec: SourceSpec;
  /** Units of its rows that are left when everything was taken out. */
  readonly units: number;
  readonly rows: number;
}

/** What each source is to give. */
export interface Quotas {
  /** Units of each source, in their order; they add up to the total. */
  readonly units: readonly number[];
  /** The source that kept the total from being larger, where none was asked for. */
  readonly limitedBy: string | undefined;
}

/** Units by source. Without a total, the largest that every source can fill.
 *  @throws DataError for a source that is empty or too small for its share */
export function quotasFor(supplies: readonly Supply[], { total, by, place }: MixSpec): Quotas {
  const mixed = supplies.filter(({ spec }) => spec.share > 0);
  for (const { spec, rows } of mixed)
    if (rows === 0)
      throw new DataError(spec.place, "expected rows for the mix, got none that are left", {
        hint: "the lines above say what was taken out: not kept, refused, contaminated, repeated, held out",
      });
  const limits = mixed.map(({ spec, units }) =>
    Math.min(spec.cap ?? Infinity, Math.floor(units * spec.oversample)),
  );
  const possible = mixed.map(({ spec }, i) => limits[i]! / spec.share);
  const least = possible.reduce((min, one, i) => (one < possible[min]! ? i : min), 0);
  // A limit of 3 at a share of 0.3 is a total of 10, and not of 9.999.
  const most = Math.floor(possible[least]! + 1e-6);
  const wanted = total ?? most;
  if (wanted < 1) throw new DataError(place, `expected room for a mix, got a total of ${most} ${by}`);
  const units = largestRemainder(
    supplies.map(({ spec }) => spec.share),
    wanted,
  );
  for (const [i, { spec, units: has, rows }] of mixed.entries()) {
    const need = units[supplies.indexOf(mixed[i]!)]!;
    if (need <= limits[i]!) continue;
    const bound =
      spec.cap !== undefined && spec.cap <= has * spec.oversample
        ? `its cap is ${formatCount(spec.cap)}`
        : `it has ${formatCount(has)}${by === "rows" ? "" : ` in ${formatCount(rows)} rows`}${spec.oversample > 1 ? `, ${formatNumber(spec.oversample)} times` : ""}`;
    const times = need / has;
    throw new DataError(
      spec.place,
      `expected ${formatCount(need)} ${by} for ${percent(spec.share)} of ${formatCount(wanted)}, got fewer: ${bound}`,
      {
        hint: `total: ${most} is the most that all sources fill; or oversample: ${(Math.ceil(times * 100) / 100).toString()} here, or a smaller share`,
      },
    );
  }
  return { units, limitedBy: total === undefined ? mixed[least]!.spec.name : undefined };
}

/** Whole numbers that add up to `total`, each next to its share of it (Hamilton's method). */
export function largestRemainder(shares: readonly number[], total: number): number[] {
  const exact = shares.map((share) => share * total);
  // 0.45 * 100 is 45.00000000000001 and 0.29 * 100 is 28.999999999999996.
  const whole = exact.map((one) => Math.floor(one + 1e-9 * Math.max(1, one)));
  const left = total - whole.reduce((sum, one) => sum + one, 0);
  const order = exact
    .map((one, i) => ({ i, rest: one - whole[i]! }))
    .sort((a, b) => b.rest - a.rest || a.i - b.i);
  for (const { i } of order.slice(0, Math.max(0, left))) whole[i]!++;
  return whole;
}

function percent(share: number): string {
  return `${formatNumber(100 * share, 4).replace(/\.?0+$/, "")} %`;
}
