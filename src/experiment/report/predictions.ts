// The method's three predictions, where the experiment has them, and primed arms: what could have come out otherwise, and what did.

import { formatNumber } from "../../base/format.ts";
import { metricNames } from "../../eval/record.ts";
import { shareWords } from "../../eval/report/words.ts";
import type { JsonObject } from "../../formats/json-file.ts";
import { isObject } from "../../formats/json-file.ts";
import type { ArmSpec } from "../spec.ts";
import { type Block, figureBlock, paragraph, type Section, tableBlock } from "./document.ts";
import type { SetFindings } from "./findings.ts";
import type { Recorded } from "./recorded.ts";
import { rateFigure } from "./result-figures.ts";
import { fileWord, liftsOf, ratesOf } from "./results.ts";

/** Findings of some arms only. */
export function onlyArms(
  sets: readonly SetFindings[],
  wanted: (arm: string) => boolean,
): readonly SetFindings[] {
  return sets
    .map((set) => ({
      ...set,
      units: set.units.filter(({ part }) => wanted(part.arm)),
      lifts: set.lifts.filter(({ second }) => wanted(second.part.arm)),
      pooled: set.pooled.filter(({ arm }) => wanted(arm)),
    }))
    .filter(({ units }) => units.length > 0);
}

/** Three parts, of those that the experiment has; and arms that were shown an earlier session. */
export function predictionSection(recorded: Recorded, sets: readonly SetFindings[]): Section {
  const { arms, predictions } = recorded.record.spec;
  const asked = new Set<string>(predictions ?? []);
  const of = (wanted: (arm: ArmSpec) => boolean) => {
    const own = Object.keys(arms).filter((name) => wanted(arms[name]!));
    const beside = own.flatMap((name) => arms[name]!.compareWith ?? []);
    return { own, shown: onlyArms(sets, (name) => own.includes(name) || beside.includes(name)) };
  };
  const further = of(({ prediction }) => prediction === "further_archetypes");
  const token = of((arm) => arm.prediction === "terminal_token");
  const primed = of(({ prime }) => prime !== null);
  return {
    title: "Predictions",
    blocks: [
      ...(further.own.length === 0
        ? []
        : sideBySide(
            "Kinds of work left out of training as well",
            "The method predicts that operating does not hang on the archetypes that are held out: an adapter trained without further ones operates on them too.",
            "further",
            further.shown,
          )),
      ...(token.own.length === 0
        ? []
        : sideBySide(
            "The terminal token renamed and reweighted",
            "The method predicts that ending a session hangs on the inherited weight of the word that ends it: under another word, in data, sandbox and eval alike, or with another weight in the loss, terminate changes and the rest does not.",
            "terminals",
            token.shown,
          )),
      ...(asked.has("terminal_ranking") || Object.keys(recorded.terminals).length > 0
        ? rankingBlocks(recorded, sets)
        : []),
      ...(primed.own.length === 0
        ? []
        : sideBySide(
            "Primed arms",
            "These arms saw an earlier session before every one of theirs, the method that training replaces.",
            "primed",
            primed.shown,
          )),
    ],
  };
}

function sideBySide(title: string, claim: string, name: string, sets: readonly SetFindings[]): Block[] {
  return [
    { kind: "heading", text: title },
    paragraph(claim),
    ...sets.flatMap((set): Block[] => {
      const rates = ratesOf(set);
      const lifts = liftsOf(set);
      return [
        ...tableBlock(rates.titles, rates.rows),
        ...tableBlock(lifts.titles, lifts.rows),
        ...figureBlock(
          rateFigure(
            `${name}-${fileWord(set.set)}`,
            `${title}: rates on ${set.set}, with 95 % intervals`,
            set,
          ),
        ),
      ];
    }),
  ];
}

/** Bases by the log-probability that they give the terminal before any training, beside what training made of them. */
function rankingBlocks({ record, terminals }: Recorded, sets: readonly SetFindings[]): Block[] {
  const ranked = Object.keys(record.spec.bases)
    .map((base) => ({
      base,
      ...(terminals[base] ? logProbability(terminals[base]) : { mean: null, at: null }),
    }))
    .sort((a, b) => (b.mean ?? Number.NEGATIVE_INFINITY) - (a.mean ?? Number.NEGATIVE_INFINITY));
  const rows = ranked.map(({ base, mean, at }) => {
    const units = sets.flatMap((set) =>
      set.units.filter(({ part, result }) => {
        const arm = record.spec.arms[part.arm]!;
        return arm.base === base && arm.data !== null && arm.prediction === null && result.n > 0;
      }),
    );
    const share = (metric: (typeof metricNames)[number]) =>
      units.length === 0
        ? "no trained arm was measured"
        : shareWords({
            x: units.reduce((sum, { result }) => sum + result[metric].x, 0),
            n: units.reduce((sum, { result }) => sum + result[metric].n, 0),
            rate: null,
            low: null,
            high: null,
          });
    return [
      base,
      mean === null ? "not measured" : formatNumber(mean, 4),
      at === null ? "not said" : String(at),
      ...metricNames.map(share),
    ];
  });
  const blocks: Block[] = [
    { kind: "heading", text: "Bases ranked by their inherited terminal" },
    paragraph(
      "The method predicts that a base which already gives the terminal more weight where a session ends learns to end sessions better. Bases stand in the order of that log-probability before any training, with the results of their trained arms.",
    ),
    ...tableBlock(["base", "mean log-probability", "decision points", ...metricNames], rows),
  ];
  if (rows.length < 2)
    blocks.push(paragraph("One base only: there is no order to hold against the results."));
  return blocks;
}

/** Mean log-probability of the terminal, and over how many decision points, as `sekft inspect terminals --json` tells them. */
function logProbability(found: JsonObject): { readonly mean: number | null; readonly at: number | null } {
  const numbers: [string, number][] = [];
  const collect = (value: unknown, path: string): void => {
    if (typeof value === "number") numbers.push([path, value]);
    else if (isObject(value))
      for (const [key, inner] of Object.entries(value)) collect(inner, `${path}.${key}`);
  };
  collect(found, "");
  const first = (pattern: RegExp) => numbers.find(([path]) => pattern.test(path))?.[1] ?? null;
  return {
    mean: first(/\.(exit\.)?(mean_)?log_?prob(ability)?(_mean|\.mean)?$/) ?? first(/log_?prob/),
    at: first(/\.(n|points|decision_points|positions)$/),
  };
}
