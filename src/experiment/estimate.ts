// How long what is left will take, as far as stages of the same kind that are done tell.

import { formatDuration } from "../base/format.ts";
import type { StageRecord } from "./record.ts";
import type { Stage } from "./stage.ts";

/** Kinds that take no time worth telling. */
const QUICK: readonly string[] = ["rows", "pairs", "terminals"];

/** `about 12m left`, `at least 3m left (nothing known yet of: model)`, or undefined when nothing is known. */
export function timeLeft(
  stages: readonly Stage[],
  records: ReadonlyMap<string, StageRecord>,
): string | undefined {
  const rates = new Map<string, { seconds: number; units: number }>();
  for (const { id, kind, units } of stages) {
    const record = records.get(id);
    if (record?.state !== "done") continue;
    const rate = rates.get(kind) ?? { seconds: 0, units: 0 };
    rates.set(kind, { seconds: rate.seconds + record.seconds, units: rate.units + units });
  }
  let seconds = 0;
  const unknown = new Set<string>();
  for (const { id, kind, units } of stages) {
    const record = records.get(id);
    if (record?.state === "done" || QUICK.includes(kind)) continue;
    const rate = rates.get(kind);
    if (rate === undefined) unknown.add(kind);
    // What was done of it in an earlier run need not be done again.
    else seconds += Math.max(0, (units * rate.seconds) / rate.units - (record?.seconds ?? 0));
  }
  if (seconds === 0) return undefined;
  const time = formatDuration(seconds);
  return unknown.size === 0
    ? `about ${time} left`
    : `at least ${time} left, without ${[...unknown].join(" and ")}`;
}
