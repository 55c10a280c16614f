// report.md: the tables of a run, for an issue, a paper's appendix or a model card.

import type { Comparison, Flip } from "../compare.ts";
import { metricNames } from "../record.ts";
import type { EvalResult } from "../result.ts";
import { resultNotes } from "./notes.ts";
import { archetypeTable, comparisonTable, outcomeTable, ratesTable, type Table } from "./table.ts";
import { markdownText } from "./words.ts";

/** The whole report. */
export function reportMarkdown(result: EvalResult): string {
  const { manifest, arms } = result;
  const parts = [
    "# Behavioural eval",
    `${manifest.scenarios.length} scenarios of ${new Set(manifest.scenarios.map(({ archetype }) => archetype)).size} archetypes, ${manifest.sampling.samples} sample${manifest.sampling.samples === 1 ? "" : "s"} each, ${sandboxWords(result)}.`,
    tableMarkdown(ratesTable(arms)),
    resultNotes(result)
      .map((note) => `- ${markdownText(note)}`)
      .join("\n"),
    ...passMarkdown(result),
    "## By archetype",
    tableMarkdown(archetypeTable(result)),
    "## Outcomes",
    tableMarkdown(outcomeTable(result)),
    ...result.compare.flatMap(comparisonMarkdown),
    "## How it was run",
    tableMarkdown({ titles: ["what", "value"], rows: manifestRows(result) }),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** A pair of arms. */
function comparisonMarkdown(comparison: Comparison): string[] {
  const { arms, n, flips } = comparison;
  return [
    `## ${markdownText(arms[1])} against ${markdownText(arms[0])}`,
    `${n} pairs. diff = second less first, with Newcombe's interval; "by archetype" has the archetype-clustered one; p is McNemar's, exact.`,
    tableMarkdown(comparisonTable(comparison)),
    flips.length === 0
      ? "No scenario is clean in one arm only."
      : tableMarkdown({
          titles: ["flip", "scenario", "archetype", arms[0], arms[1]],
          rows: flips.map((flip) => [
            flip.direction,
            flipName(flip),
            flip.archetype,
            flip.first,
            flip.second,
          ]),
        }),
  ];
}

/** Scenario of a flip, with the sample when it is not the first. */
export function flipName({ scenario_id, sample }: Pick<Flip, "scenario_id" | "sample">): string {
  return sample === 0 ? scenario_id : `${scenario_id}#${sample}`;
}

function passMarkdown({ arms, manifest }: EvalResult): string[] {
  if (manifest.sampling.samples === 1) return [];
  const ks = [...new Set(Object.values(arms).flatMap((arm) => Object.keys(arm.pass_at_k)))];
  const row = (name: string, values: Readonly<Record<string, number>>) => [
    name,
    ...ks.map((k) => values[k]?.toFixed(3) ?? "-"),
  ];
  return [
    "## Several samples",
    tableMarkdown({
      titles: ["clean", ...ks.map((k) => `k = ${k}`)],
      rows: Object.entries(arms).flatMap(([name, arm]) => [
        row(`${name} pass@k`, arm.pass_at_k),
        row(`${name} pass^k`, arm.pass_hat_k),
      ]),
    }),
  ];
}

/** What was used, one fact a row. */
export function manifestRows({ manifest, arms }: EvalResult): string[][] {
  const { sekft, sampling, limits, sandbox } = manifest;
  const pairs = (values: object) =>
    Object.entries(values)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => `${key} ${value}`)
      .join(", ");
  return [
    ["sekft", `${sekft.version} (${sekft.commit})`],
    ["started", manifest.started],
    ["sandbox", `${sandbox.provider} ${sandbox.version}, ${sandbox.image}`],
    ["sampling", pairs(sampling)],
    ["limits", pairs(limits)],
    ...Object.entries(manifest.arms).map(([name, facts]) => [
      `arm ${name}`,
      [
        `${facts.kind} ${facts.model}`,
        facts.base_hash && `base ${facts.base_hash}`,
        facts.adapter_hash && `adapter ${facts.adapter_hash}`,
        facts.chat_template_hash && `chat template ${facts.chat_template_hash}`,
        facts.reported && JSON.stringify(facts.reported),
        stepWords(arms[name]),
      ]
        .filter(Boolean)
        .join(", "),
    ]),
    ...(manifest.prime_hash === null ? [] : [["prime", manifest.prime_hash]]),
  ];
}

function stepWords(arm: EvalResult["arms"][string] | undefined): string {
  if (arm === undefined || arm.n === 0) return "";
  const tokens = arm.tokens.completion.total;
  return `${arm.steps.mean!.toFixed(1)} commands and ${(arm.wall_ms.mean! / 1000).toFixed(1)} s an episode${tokens > 0 ? `, ${tokens} tokens written` : ""}`;
}

/** `in bubblewrap 0.8.0`. */
export function sandboxWords({ manifest }: EvalResult): string {
  return `in ${manifest.sandbox.provider} ${manifest.sandbox.version}`;
}

/** A table; cells of any text. */
export function tableMarkdown({ titles, rows }: Table): string {
  const metrics: readonly string[] = metricNames;
  const line = (cells: readonly string[]) => `| ${cells.map(markdownText).join(" | ")} |`;
  const rule = titles.map((title, i) => (i > 0 && metrics.includes(title) ? "---:" : "---"));
  return [line(titles), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}
