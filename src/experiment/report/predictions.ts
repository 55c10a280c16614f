// The method's three predictions, where the experiment has them, and primed arms: what could have come out otherwise, and what did.

import { type MetricName, metricNames } from "../../eval/record.ts";
import { isObject, type JsonObject } from "../../formats/json-file.ts";
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
    const shown = onlyArms(sets, (name) => own.includes(name) || beside.includes(name));
    // The arms beside them stand there to be looked at; their own lifts are told elsewhere.
    return {
      own,
      shown: shown.map((set) => ({
        ...set,
        lifts: set.lifts.filter(({ second }) => own.includes(second.part.arm)),
        pooled: set.pooled.map((one) => (own.includes(one.arm) ? one : { ...one, lift: null })),
      })),
    };
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
    .map((base) => ({ base, found: inherited(terminals[base]) }))
    .sort(
      (a, b) => (b.found?.order ?? Number.NEGATIVE_INFINITY) - (a.found?.order ?? Number.NEGATIVE_INFINITY),
    );
  const rows = ranked.map(({ base, found }) => {
    const units = sets.flatMap((set) =>
      set.units.filter(({ part, result }) => {
        const arm = record.spec.arms[part.arm]!;
        const plain = arm.data !== null && arm.loop === undefined && (arm.prediction ?? null) === null;
        return arm.base === base && plain && result.n > 0;
      }),
    );
    const share = (metric: MetricName) => {
      const rates = units.map(({ result }) => result[metric]);
      const sum = (of: "x" | "n") => rates.reduce((all, rate) => all + rate[of], 0);
      return units.length === 0 ? "no trained arm was measured" : `${sum("x")}/${sum("n")}`;
    };
    return [base, ...(found?.cells ?? inheritedTitles.map(() => "not measured")), ...metricNames.map(share)];
  });
  return [
    { kind: "heading", text: "Bases ranked by their inherited terminal" },
    paragraph(
      "The method predicts that a base which gives the terminal more weight where sessions end, before any training, learns to end them better. ln P is of the whole terminal with its end of turn; the lift is ln P where sessions end less ln P elsewhere in them. Beside it the results of the base's trained arms, all seeds.",
    ),
    ...tableBlock(["base", ...inheritedTitles, ...metricNames], rows),
    ...(rows.length < 2 ? [paragraph("One base only: there is no order to hold against the results.")] : []),
  ];
}

const inheritedTitles = ["ln P", "lift", "first token's ln P", "sessions"];

/** What `sekft inspect terminals --json` says of the base itself. */
function inherited(
  found: JsonObject | undefined,
): { readonly order: number; readonly cells: readonly string[] } | undefined {
  const arms = Array.isArray(found?.arms) ? found.arms.filter(isObject) : [];
  const arm = arms.find(({ adapter }) => (adapter ?? null) === null);
  const order = at(arm, ["final", "logp", "value"]);
  if (typeof order !== "number") return undefined;
  const estimate = (path: readonly string[]) => {
    const [value, low, high] = ["value", "low", "high"].map((end) => at(arm, [...path, end]));
    if (typeof value !== "number") return "not said";
    const interval =
      typeof low === "number" && typeof high === "number" ? ` [${low.toFixed(2)}, ${high.toFixed(2)}]` : "";
    return `${value.toFixed(2)}${interval}`;
  };
  return {
    order,
    cells: [
      estimate(["final", "logp"]),
      estimate(["lift"]),
      estimate(["final", "first_logp"]),
      String(at(found, ["data", "sessions"]) ?? "not said"),
    ],
  };
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);
}
