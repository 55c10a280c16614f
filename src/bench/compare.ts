// Two results of one benchmark, problem by problem.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DataError, fileProblem, UserError } from "../base/errors.ts";
import { parseJson } from "../data/parse-json.ts";
import { isFields } from "../data/turn-checks.ts";
import { fewestDiscordant, mcnemar } from "../eval/statistics/mcnemar.ts";
import { newcombePaired } from "../eval/statistics/newcombe.ts";
import type { BenchComparison, BenchResult } from "./result.ts";

/** Whether each problem was passed. */
export type Passes = Readonly<Record<string, boolean>>;

/** Passes of the first answers. */
export function passesOf({ entries }: Pick<BenchResult, "entries">): Passes {
  return Object.fromEntries(entries.map(({ task_id, passed }) => [task_id, passed]));
}

/** Compares problem by problem. */
export function comparePasses(
  against: { readonly name: string; readonly passes: Passes },
  passes: Passes,
  differences: readonly string[],
): BenchComparison {
  const shared = Object.keys(passes).filter((id) => id in against.passes);
  const gained = shared.filter((id) => passes[id] && !against.passes[id]);
  const lost = shared.filter((id) => !passes[id] && against.passes[id]);
  const both = shared.filter((id) => passes[id] && against.passes[id]).length;
  const n = shared.length;
  const { p, midP } = mcnemar(lost.length, gained.length);
  return {
    against: against.name,
    n,
    lost,
    gained,
    delta: n === 0 ? null : (gained.length - lost.length) / n,
    interval: newcombePaired({
      both,
      first: lost.length,
      second: gained.length,
      neither: n - both - gained.length - lost.length,
    }),
    p,
    mid_p: midP,
    needs_discordant: fewestDiscordant(),
    differences,
  };
}

/** Reads an earlier result: its file, or the folder that holds `<benchmark>.json`.
 *  @throws UserError when it is not there; DataError when it is of another benchmark or no result */
export function readResult(path: string, benchmark: string): BenchResult {
  const folder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const file = folder ? join(path, `${benchmark}.json`) : path;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new UserError(`--against ${file}: expected a result of ${benchmark}, got ${fileProblem(cause)}`, {
      cause,
    });
  }
  const value = parseJson(text, { file }, "file");
  if (!isFields(value) || !Array.isArray(value.entries) || typeof value.benchmark !== "string")
    throw new DataError({ file }, "expected a result that `sekft bench` wrote");
  if (value.benchmark !== benchmark)
    throw new DataError({ file }, `expected a result of ${benchmark}, found one of ${value.benchmark}`);
  return value as unknown as BenchResult;
}

/** What makes two results hard to compare, in words. */
export function differencesBetween(
  first: Pick<BenchResult, "problems" | "prompt_style" | "settings">,
  second: Pick<BenchResult, "problems" | "prompt_style" | "settings">,
): string[] {
  return [
    ...(first.problems.hash === second.problems.hash ? [] : ["other problems"]),
    ...(first.prompt_style === second.prompt_style ? [] : ["another way of asking"]),
    ...Object.keys(second.settings)
      .filter((name) => !Bun.deepEquals(first.settings?.[name], second.settings[name]))
      .map((name) => `another ${name}`),
  ];
}
