// What a reader must know to read the numbers right.

import type { Comparison } from "../compare.ts";
import type { EvalResult } from "../result.ts";
import { deltaWords, pWords } from "./words.ts";

/** Sentences under the table of a run. */
export function resultNotes({ arms, compare, manifest }: EvalResult): string[] {
  const notes = ["Shares with Wilson's 95 % interval; clean = the right ending and the checker passed."];
  const broken = Object.entries(arms).filter(([, { errors }]) => errors > 0);
  if (broken.length > 0)
    notes.push(
      `Not scored, because the machinery failed: ${broken.map(([name, { errors, error_kinds }]) => `${name} ${errors} (${Object.keys(error_kinds).join(", ")})`).join("; ")}. The same command runs them again.`,
    );
  const { temperature, samples } = manifest.sampling;
  if (samples > 1)
    notes.push(
      "Samples of one scenario are not independent, and intervals and p values count them as if they were; those by archetype do not.",
    );
  if (samples > 1 && temperature === 0)
    notes.push(
      "Samples are greedy: they differ only where the server is not deterministic. --temperature draws.",
    );
  else if (samples === 1)
    notes.push(
      "One sample of each scenario: the intervals are about the choice of scenarios, not about luck in sampling.",
    );
  // What holds for every pair of arms is said once.
  return [...new Set([...notes, ...compare.flatMap(comparisonNotes)])];
}

/** Sentences about a pair of arms. */
export function comparisonNotes(comparison: Comparison): string[] {
  const { arms, n, excluded, metrics, archetypes, needs_discordant: needed } = comparison;
  const notes: string[] = [];
  const pair = `${arms[0]} and ${arms[1]}`;
  if (n === 0) return [`${pair} have no pair of episodes that were both scored.`];
  const { clean } = metrics;
  notes.push(
    `${arms[1]} against ${arms[0]}: clean ${deltaWords(clean.delta)} over ${n} pairs, ${clean.c} gained and ${clean.b} lost, McNemar p ${pWords(clean.mcnemar.p)} (mid-p ${pWords(clean.mcnemar.mid_p)}, Holm over five metrics ${pWords(clean.mcnemar.holm_p)}).`,
  );
  notes.push(
    `p <= 0.05 needs at least ${needed} pairs that differ, all in one direction; ${
      clean.mde === null
        ? "with so few pairs no difference is found reliably"
        : `a difference of ${clean.mde.toFixed(2)} is found in four runs of five`
    }.`,
  );
  if (excluded.infrastructure > 0)
    notes.push(`${excluded.infrastructure} pairs were left out, because the machinery broke one side.`);
  if (excluded.unpaired > 0)
    notes.push(`${excluded.unpaired} episodes have no partner with the same scenario, content and sample.`);
  if (archetypes < 2)
    notes.push("One archetype only: nothing is said about others, and no interval by archetype exists.");
  else if (archetypes < 6)
    notes.push(
      `${archetypes} archetypes: the intervals by archetype are wide and rough, and flipping archetypes cannot give a p below ${pWords(2 / 2 ** archetypes)}.`,
    );
  return notes;
}
