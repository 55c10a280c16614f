// What a set of pairs is made of: a preference method learns whatever is lopsided in it.

import { endingOf, plainTerminals, type TerminalWords } from "../../base/terminal-words.ts";
import type { PairSet, PreferencePair } from "./make-pairs.ts";

/** Smallest, median and largest of some lengths. */
interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Counts for the report and the manifest. */
export interface Balance {
  readonly pairs: number;
  readonly scenarios: number;
  readonly by_archetype: Readonly<Record<string, number>>;
  readonly by_rejected_outcome: Readonly<Record<string, number>>;
  /** Characters. */
  readonly lengths: { readonly prompt: Spread; readonly chosen: Spread; readonly rejected: Spread };
  /** Pairs whose chosen command is longer, or shorter: a method that learns only length learns nothing. */
  readonly chosen_longer: number;
  readonly chosen_shorter: number;
  /** Pairs whose chosen, or rejected, command is `exit` or `panic`. */
  readonly chosen_terminal: number;
  readonly rejected_terminal: number;
  readonly left_out: PairSet["leftOut"];
  readonly ignored: PairSet["ignored"];
  readonly unpaired_scenarios: { readonly only_kept: number; readonly only_rejected: number };
}

/** Counts `set`, whose endings are called `words`. */
export function balanceOf(set: PairSet, words: TerminalWords = plainTerminals): Balance {
  const { pairs } = set;
  const isTerminal = (messages: PreferencePair["chosen"]) =>
    endingOf(messages[0]!.content, words) !== undefined;
  const difference = ({ chosen, rejected }: PreferencePair) => size(chosen) - size(rejected);
  return {
    pairs: pairs.length,
    scenarios: new Set(pairs.map(({ scenario_id }) => scenario_id)).size,
    by_archetype: tally(pairs.map(({ archetype }) => archetype)),
    by_rejected_outcome: tally(pairs.map(({ rejected_outcome }) => rejected_outcome)),
    lengths: {
      prompt: spread(pairs.map(({ prompt }) => size(prompt))),
      chosen: spread(pairs.map(({ chosen }) => size(chosen))),
      rejected: spread(pairs.map(({ rejected }) => size(rejected))),
    },
    chosen_longer: pairs.filter((pair) => difference(pair) > 0).length,
    chosen_shorter: pairs.filter((pair) => difference(pair) < 0).length,
    chosen_terminal: pairs.filter(({ chosen }) => isTerminal(chosen)).length,
    rejected_terminal: pairs.filter(({ rejected }) => isTerminal(rejected)).length,
    left_out: set.leftOut,
    ignored: set.ignored,
    unpaired_scenarios: {
      only_kept: set.scenarios.only_kept,
      only_rejected: set.scenarios.only_rejected,
    },
  };
}

/** The report as lines for a person. */
export function balanceLines(balance: Balance): string[] {
  const { lengths } = balance;
  const counts = (record: Readonly<Record<string, number>>) =>
    Object.entries(record)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ");
  const width = ({ min, median, max }: Spread) => `${min} to ${max}, median ${median}`;
  const left = counts(balance.left_out);
  const ignored = counts(balance.ignored);
  const unpaired = counts(balance.unpaired_scenarios);
  return [
    `pairs: ${balance.pairs} of ${balance.scenarios} scenarios`,
    `by archetype: ${counts(balance.by_archetype)}`,
    `by rejected outcome: ${counts(balance.by_rejected_outcome)}`,
    `characters: prompt ${width(lengths.prompt)}; chosen ${width(lengths.chosen)}; rejected ${width(lengths.rejected)}`,
    `chosen command longer ${balance.chosen_longer}, shorter ${balance.chosen_shorter}; ends the session: chosen ${balance.chosen_terminal}, rejected ${balance.rejected_terminal}`,
    ...(left === "" ? [] : [`left out: ${left}`]),
    ...(ignored === "" ? [] : [`rows not used: ${ignored}`]),
    ...(unpaired === "" ? [] : [`scenarios without a pair: ${unpaired}`]),
  ];
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function size(messages: readonly { readonly content: string }[]): number {
  return messages.reduce((sum, { content }) => sum + content.length, 0);
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { min: sorted[0] ?? 0, median: sorted[Math.floor(sorted.length / 2)] ?? 0, max: sorted.at(-1) ?? 0 };
}
