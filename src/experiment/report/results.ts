// The published table and what stands behind it: rates, lifts, archetypes, outcomes, flips, sessions.

import { type MetricName, metricNames } from "../../eval/record.ts";
import { flipName } from "../../eval/report/markdown.ts";
import { comparisonNotes } from "../../eval/report/notes.ts";
import { outcomeClass, outcomeOrder } from "../../eval/report/page.ts";
import { comparisonTable, type Table } from "../../eval/report/table.ts";
import { deltaWords, intervalWords, pWords, rateWords, shareWords } from "../../eval/report/words.ts";
import { type Block, figureBlock, paragraph, type Section, tableBlock } from "./document.ts";
import { byArm, type Lift, type Pooled, type SetFindings, type UnitFindings } from "./findings.ts";
import { archetypeFigure, liftFigure, outcomeFigure, rateFigure } from "./result-figures.ts";

/** Rates of units and of seeds together. */
export function ratesOf(findings: Pick<SetFindings, "units" | "pooled">): Table {
  return {
    titles: ["arm", "scored", ...metricNames],
    rows: byArm(findings).map((row) =>
      "part" in row
        ? [row.part.label, scoredWords(row), ...metricNames.map((metric) => rateCell(row, metric))]
        : [
            row.label,
            `${row.rates.clean.n} pooled`,
            ...metricNames.map(
              (metric) => `${shareWords(row.rates[metric])} ${rateWords(row.rates[metric])}`,
            ),
          ],
    ),
  };
}

/** Differences of units and of seeds together, each with its interval and p. */
export function liftsOf({ lifts, pooled }: Pick<SetFindings, "lifts" | "pooled">): Table {
  return {
    titles: ["lift", "pairs", ...metricNames],
    rows: [
      ...lifts.map(({ comparison }) => [
        `${comparison.arms[1]} less ${comparison.arms[0]}`,
        String(comparison.n),
        ...metricNames.map((name) => {
          const { delta, interval, mcnemar } = comparison.metrics[name];
          if (comparison.n === 0) return "no pair that both scored";
          return `${deltaWords(delta)} ${intervalWords(interval)} p ${pWords(mcnemar.p)}`;
        }),
      ]),
      ...pooled.flatMap(({ label, lift, rates }) =>
        lift === null
          ? []
          : [
              [
                `${label} less ${lift.against}`,
                String(rates.clean.n),
                ...metricNames.map((name) => {
                  const { delta, interval, p } = lift.metrics[name];
                  return `${deltaWords(delta)} ${intervalWords(interval)} p ${pWords(p)}`;
                }),
              ],
            ],
      ),
    ],
  };
}

/** The table of one set with its lifts, notes and figures. */
export function setBlocks(findings: SetFindings, suffix: string): Block[] {
  const { archetypes, lifts, pooled, scenarios, set, units } = findings;
  const what = [
    `Scenario set ${set}: `,
    scenarios === null ? "no eval has begun" : `${scenarios} scenarios`,
    archetypes.length === 0 ? "" : ` of ${archetypes.join(", ")}`,
    ".",
  ].join("");
  const rates = ratesOf(findings);
  const differences = liftsOf(findings);
  return [
    paragraph(what),
    ...tableBlock(rates.titles, rates.rows),
    ...tableBlock(differences.titles, differences.rows),
    { kind: "list", items: notesOf(units, lifts, pooled) },
    ...figureBlock(rateFigure(`rates-${suffix}`, `Rates on ${set}, with 95 % intervals`, findings)),
    ...figureBlock(liftFigure(`lift-${suffix}`, `Differences on ${set}, with 95 % intervals`, findings)),
  ];
}

/** The same by archetype. */
export function archetypeSection(sets: readonly SetFindings[]): Section {
  const rows = sets.flatMap(({ set, archetypes, units }) =>
    archetypes.flatMap((archetype) =>
      units.flatMap(({ part, result }) => {
        const rates = result.by_archetype[archetype];
        if (rates === undefined) return [];
        const cells = metricNames.map((metric) => shareWords(rates[metric]));
        return [[...(sets.length > 1 ? [set] : []), archetype, part.label, ...cells]];
      }),
    ),
  );
  const titles = [...(sets.length > 1 ? ["set"] : []), "archetype", "arm", ...metricNames];
  return {
    title: "By archetype",
    blocks: [
      ...tableBlock(titles, rows, titles.length - metricNames.length),
      ...figureBlock(archetypeFigure("Clean by archetype", sets)),
    ],
  };
}

/** How sessions ended; what the machinery broke is counted apart. */
export function outcomeSection(sets: readonly SetFindings[]): Section {
  const blocks = sets.flatMap(({ set, units }): Block[] => {
    const measured = units.filter(({ episodes }) => episodes.length > 0);
    const seen = new Set(measured.flatMap(({ result }) => Object.keys(result.outcomes)));
    seen.delete("infrastructure_error");
    const known = outcomeOrder.filter((outcome) => seen.has(outcome));
    const names = [...known, ...[...seen].filter((outcome) => !known.includes(outcome)).sort()];
    const titles = ["arm", ...names, "infrastructure errors"];
    const rows = measured.map(({ part, result }) => [
      part.label,
      ...names.map((name) => String(result.outcomes[name] ?? 0)),
      result.errors === 0
        ? "0"
        : `${result.errors} (${Object.entries(result.error_kinds)
            .map(([kind, n]) => `${kind} ${n}`)
            .join(", ")})`,
    ]);
    return [
      ...(sets.length > 1 && rows.length > 0 ? [{ kind: "heading", text: set } as const] : []),
      ...tableBlock(titles, rows),
      ...figureBlock(
        outcomeFigure(
          sets.length > 1 ? `outcomes-${fileWord(set)}` : "outcomes",
          `Outcomes on ${set}`,
          measured,
          names.map((outcome) => ({ label: outcome, key: outcomeClass(outcome) })),
        ),
      ),
    ];
  });
  return { title: "Outcomes", blocks };
}

/** Each pair in full, and the scenarios that are clean in one arm only, by name. */
export function comparisonSection(sets: readonly SetFindings[]): Section {
  const blocks = sets.flatMap(({ set, lifts }) =>
    lifts.flatMap(({ comparison }): Block[] => {
      const { arms, flips } = comparison;
      const table = comparisonTable(comparison);
      const listed = (direction: "gained" | "lost") => {
        const own = flips.filter((flip) => flip.direction === direction);
        return `${direction} ${own.length}${own.length === 0 ? "" : `: ${own.map((flip) => `${flipName(flip)} (${flip.first} -> ${flip.second})`).join(", ")}`}`;
      };
      return [
        { kind: "heading", text: `${arms[1]} against ${arms[0]}${sets.length > 1 ? ` on ${set}` : ""}` },
        ...tableBlock(table.titles, table.rows),
        { kind: "list", items: [listed("gained"), listed("lost")] },
      ];
    }),
  );
  const legend = paragraph(
    "lost, gained: pairs that only the first or only the second arm has. 95 %: Newcombe's paired interval. by archetype: the same clustered by archetype; a dash where there is one archetype or all of them differ alike. p: McNemar's, exact; Holm over the five metrics.",
  );
  return { title: "Comparisons and flips", blocks: blocks.length === 0 ? [] : [legend, ...blocks] };
}

/** One session of each arm for the first scenario that flipped; the others are in the page. */
export function sessionSection(sets: readonly SetFindings[]): Section {
  const title = "Sessions side by side";
  const pairs = sets.flatMap(({ set, lifts, units }) =>
    lifts.flatMap((lift) => lift.comparison.flips.map((flip) => ({ set, lift, units, flip }))),
  );
  const [first] = pairs;
  if (first === undefined) {
    const lift = sets.flatMap(({ lifts }) => lifts)[0];
    const shown = lift?.first.episodes[0];
    if (lift === undefined || shown === undefined) return { title, blocks: [] };
    return {
      title,
      blocks: [
        paragraph("No scenario is clean in one arm only; this is the first of both."),
        { kind: "sessions", anchor: "t0", first: true, sessions: sidesOf([lift.first, lift.second], shown) },
      ],
    };
  }
  const keys = new Map<string, (typeof pairs)[number]>();
  for (const pair of pairs) {
    const key = JSON.stringify([pair.set, pair.flip.scenario_id, pair.flip.sample]);
    if (!keys.has(key)) keys.set(key, pair);
  }
  const others = [...keys.values()].slice(1);
  return {
    title,
    blocks: [
      paragraph(`${flipName(first.flip)} (${first.flip.archetype}): ${first.flip.direction}.`),
      {
        kind: "sessions",
        anchor: "t0",
        first: true,
        sessions: sidesOf([first.lift.first, first.lift.second], first.flip),
      },
      ...(others.length === 0
        ? []
        : ([
            {
              kind: "links",
              items: others.map(({ flip }, i) => ({ anchor: `t${i + 1}`, text: flipName(flip) })),
            },
          ] as const)),
      ...others.map(
        ({ flip, units }, i): Block => ({
          kind: "sessions",
          anchor: `t${i + 1}`,
          first: false,
          sessions: sidesOf(units, flip),
        }),
      ),
    ],
  };
}

/** Text that may be a part of a file's name. */
export function fileWord(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]+/g, "-");
}

function sidesOf(
  units: readonly UnitFindings[],
  { scenario_id, sample }: { readonly scenario_id: string; readonly sample: number },
) {
  return units.flatMap(({ episodes }) =>
    episodes.filter((episode) => episode.scenario_id === scenario_id && episode.sample === sample),
  );
}

function scoredWords({ expected, lacking, result }: UnitFindings): string {
  const broken = result.errors === 0 ? "" : `, ${result.errors} broken by the machinery`;
  if (lacking === null) return `${result.n}${broken}`;
  return expected === null ? lacking : `${result.n} (${lacking})${broken}`;
}

function rateCell({ lacking, result }: UnitFindings, metric: MetricName): string {
  const rate = result[metric];
  return rate.n === 0 ? (lacking ?? "no episode was scored") : `${shareWords(rate)} ${rateWords(rate)}`;
}

function notesOf(
  units: readonly UnitFindings[],
  lifts: readonly Lift[],
  pooled: readonly Pooled[],
): string[] {
  const greedy = units.some(({ part }) => part.manifest?.sampling.temperature === 0);
  return [
    "Shares with Wilson's 95 % interval. clean = the right ending and the checker passed. A lift is a difference over pairs of the same scenario, with Newcombe's interval and McNemar's exact p.",
    ...(pooled.length === 0
      ? []
      : [
          "Seeds together: errors are clustered by scenario, which all seeds share; rates have Wilson's interval at the effective sample size, differences Student's t over scenarios, p flips whole scenarios.",
        ]),
    ...(greedy
      ? ["Greedy decoding: the intervals are about the choice of scenarios, not about luck in sampling."]
      : []),
    ...new Set(lifts.flatMap(({ comparison }) => comparisonNotes(comparison))),
  ];
}
