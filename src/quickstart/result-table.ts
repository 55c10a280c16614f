// The table of the published experiment: what each metric is in the base, in the adapter, and the difference.

import { type Column, formatTable } from "../base/format.ts";
import type { Comparison } from "../eval/compare.ts";
import { metricNames } from "../eval/record.ts";
import { deltaWords, intervalWords, pWords, rateWords, shareWords } from "../eval/report/words.ts";
import type { Rate } from "../eval/statistics/wilson.ts";

/** Lines of the table in `columns` characters; where it does not fit, shares as numbers go first, then intervals of differences. */
export function tableOf(comparison: Comparison, columns: number): string[] {
  const forms = [wide, narrow, narrowest].map((form) => form(comparison));
  return (
    forms.find((lines) => Math.max(...lines.map((line) => Bun.stringWidth(line))) <= columns) ?? forms[2]!
  );
}

function wide(comparison: Comparison): string[] {
  return lines(comparison, (rate) => `${shareWords(rate)}  ${rateWords(rate)}`, true);
}

function narrow(comparison: Comparison): string[] {
  return lines(comparison, (rate) => `${shareWords(rate)} ${interval(rate)}`, true);
}

function narrowest(comparison: Comparison): string[] {
  return lines(comparison, (rate) => `${shareWords(rate)} ${interval(rate)}`, false);
}

function lines(
  { arms, metrics }: Comparison,
  rateOf: (rate: Rate) => string,
  withInterval: boolean,
): string[] {
  const columns: Column[] = ["", ...arms, "lift", "p"].map((title, i) => ({
    title,
    align: i === 0 ? "left" : "right",
  }));
  const rows = metricNames.map((name) => {
    const { first, second, delta, interval: between, mcnemar } = metrics[name];
    const lift = deltaWords(delta);
    return [
      name,
      rateOf(first),
      rateOf(second),
      withInterval ? `${lift} ${intervalWords(between)}` : lift,
      pWords(mcnemar.p),
    ];
  });
  return formatTable(columns, rows);
}

function interval({ low, high }: Rate): string {
  return intervalWords(low === null || high === null ? null : { low, high });
}
