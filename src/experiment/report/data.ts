// What was trained on: how many sessions were made and kept, why others were not, what the rows hold, and that nothing held out is among them.

import { formatCount, formatShare } from "../../base/format.ts";
import { isObject, type JsonObject } from "../../formats/json-file.ts";
import { type Block, figureBlock, paragraph, publicText, type Section, tableBlock } from "./document.ts";
import type { DataPart, Recorded } from "./recorded.ts";
import { fileWord } from "./results.ts";
import { rowChart } from "./row-chart.ts";

/** One part a data set. */
export function dataSection(recorded: Recorded): Section {
  const { data, record } = recorded;
  return {
    title: "Data",
    blocks:
      data.length === 0
        ? [paragraph("No arm of this experiment is trained, so there is no data.")]
        : [
            paragraph(
              record.spec.holdout?.length > 0
                ? `Held out of every data set: ${record.spec.holdout.join(", ")}.`
                : "The experiment's file holds no archetype out.",
            ),
            ...data.flatMap((part) => setBlocks(recorded, part)),
          ],
  };
}

function setBlocks({ record }: Recorded, part: DataPart): Block[] {
  const { set, sessions, authored, rows } = part;
  const source = record.spec.data[set]!;
  const stage = record.stages.find(({ id }) => id === `data/${set}/sessions`);
  return [
    { kind: "heading", text: `Data set ${set}` },
    ...(source.trajectories !== null && source.trajectories !== undefined
      ? [paragraph(`Trajectories that were there already: ${publicText(source.trajectories)}.`)]
      : source.from !== null && source.from !== undefined
        ? [paragraph(`Sessions of data set ${source.from}, chosen anew.`)]
        : sessions === undefined
          ? [
              paragraph(
                stage === undefined ? "Its sessions are not begun." : "Its sessions have no summary yet.",
              ),
            ]
          : []),
    ...(authored === undefined ? [] : authoredBlocks(authored)),
    ...(sessions === undefined ? [] : sessionBlocks(set, sessions, stage?.facts ?? {})),
    ...(rows === undefined ? [paragraph("Its rows are not made yet.")] : rowBlocks(rows)),
  ];
}

function authoredBlocks({ tried, admitted, rejected_by_gate: gates }: JsonObject): Block[] {
  return [
    paragraph(
      `Scenarios of a teacher: ${shown(admitted)} of ${shown(tried)} admitted. Rejected by gate: ${countsOf(gates) || "none"}.`,
    ),
  ];
}

function sessionBlocks(set: string, summary: JsonObject, facts: JsonObject): Block[] {
  const { finished, kept, reasons, archetypes, failures, failure_kinds: kinds } = summary;
  const cells = Object.entries(isObject(archetypes) ? archetypes : {}).flatMap(([name, cell]) =>
    isObject(cell) && typeof cell.finished === "number" && typeof cell.kept === "number"
      ? [{ name, finished: cell.finished, kept: cell.kept }]
      : [],
  );
  const made = Object.entries(facts).filter(([name]) => /^scenarios_/.test(name));
  return [
    {
      kind: "list",
      items: [
        ...made.map(
          ([name, value]) =>
            `${name.replaceAll("_", " ")}: ${isObject(value) ? countsOf(value) || "none" : shown(value)}`,
        ),
        `sessions finished: ${shown(finished)}; kept: ${shown(kept)} (${share(kept, finished)})`,
        `not kept, by reason: ${countsOf(reasons) || "none"}`,
        `missing because the machinery failed: ${shown(failures)}${countsOf(kinds) && ` (${countsOf(kinds)})`}`,
      ],
    },
    ...tableBlock(
      ["archetype", "finished", "kept", "share"],
      cells.map((cell) => [
        cell.name,
        formatCount(cell.finished),
        formatCount(cell.kept),
        formatShare(cell.kept, cell.finished),
      ]),
    ),
    ...figureBlock(
      rowChart({
        name: `yield-${fileWord(set)}`,
        title: `Sessions of ${set} that were kept, by archetype`,
        from: 0,
        groups: [
          {
            head: null,
            rows: cells.map((cell) => ({
              name: cell.name,
              value: `${cell.kept}/${cell.finished}`,
              marks:
                cell.finished === 0
                  ? []
                  : [
                      {
                        kind: "bar",
                        from: 0,
                        to: cell.kept / cell.finished,
                        look: "f1",
                        label: `${cell.name}: ${cell.kept} of ${cell.finished}`,
                      },
                    ],
            })),
          },
        ],
      }),
    ),
  ];
}

function rowBlocks(rows: JsonObject): Block[] {
  const { archetypes, checked_against: checked, left_out: left } = rows;
  const holdout = isObject(checked) && Array.isArray(checked.holdout) ? checked.holdout.map(String) : null;
  const against = isObject(checked) ? shown(checked.scenarios) : "not said";
  return [
    {
      kind: "list",
      items: [
        `rows that training saw: ${shown(rows.rows)}: ${shown(rows.trajectories)} trajectories and ${shown(rows.replay)} of replay`,
        `trajectories by archetype: ${countsOf(archetypes) || "not said"}`,
        `left out: ${countsOf(left) || "none"}`,
        `SHA-256 of the rows: ${shown(rows.sha256)}`,
        holdout === null
          ? "check of the holdout: not recorded"
          : `check of the holdout: passed; no row ${holdout.length === 0 ? "" : `is of ${holdout.join(", ")}, `}calls a provider of the ${against} scenarios of the eval, or is nearly one of them; replay included`,
      ],
    },
  ];
}

/** `a 3, b 1`, most first. */
export function countsOf(counts: unknown): string {
  if (!isObject(counts)) return "";
  return Object.entries(counts)
    .filter((entry): entry is [string, number] => typeof entry[1] === "number")
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([name, n]) => `${name} ${formatCount(n)}`)
    .join(", ");
}

function shown(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? formatCount(value) : String(value);
  return value === undefined || value === null ? "not recorded" : publicText(value);
}

function share(part: unknown, whole: unknown): string {
  return typeof part === "number" && typeof whole === "number" ? formatShare(part, whole) : "not recorded";
}
