// README.md of an adapter: the Hub's YAML header and what really happened in the run, from the run's own files.
// Header: https://huggingface.co/docs/hub/model-cards

import { basename, dirname, join } from "node:path";
import { stringify } from "yaml";
import { writeFileAtomic } from "../base/atomic.ts";
import { formatCount, formatNumber, formatShare } from "../base/format.ts";
import { describeAdapter } from "../formats/describe-adapter.ts";
import { repoOfPath } from "../formats/hub-path.ts";
import { isObject, type JsonObject } from "../formats/json-file.ts";
import { showLayers } from "../formats/layer-list.ts";
import { type Adapter, readAdapter } from "../formats/peft-adapter.ts";
import { lossCurve } from "./loss-curve.ts";
import { checkOutputFile } from "./output-path.ts";
import { type EvalArm, evalMetrics, type RunRecord, readRunRecord } from "./run-record.ts";

/** Settings of a card. */
export interface CardOptions {
  /** result.json of an eval. */
  readonly evalResult?: string | undefined;
  /** Arms of an eval that was counted already, in place of a result.json. */
  readonly arms?: readonly EvalArm[];
  readonly license?: string | undefined;
  /** Names of data sets on the Hub. */
  readonly datasets: readonly string[];
  readonly force: boolean;
}

/** What was written. */
export interface CardFiles {
  readonly path: string;
  readonly picture: string | undefined;
  readonly notes: readonly string[];
}

/** `loss-curve.svg` beside a README.md; beside another card with its name in front. */
function pictureOf(card: string): string {
  const stem = basename(card).replace(/\.[^.]+$/, "");
  return stem === "README" ? "loss-curve.svg" : `${stem}-loss-curve.svg`;
}

/** Writes the model card, and the loss curve beside it.
 *  @throws UserError or DataError for a folder without an adapter, a damaged file, or a card that exists. */
export function exportCard(adapterPath: string, out: string, options: CardOptions): CardFiles {
  checkOutputFile(out, options.force);
  const adapter = readAdapter(adapterPath);
  const read = readRunRecord(adapterPath, options.evalResult);
  const run = options.arms === undefined ? read : { ...read, arms: options.arms };
  const svg = lossCurve(run.trainLoss, run.evalLoss);
  const picture = svg === undefined ? undefined : join(dirname(out), pictureOf(out));
  if (picture !== undefined) checkOutputFile(picture, options.force);
  const card = cardText(adapter, run, options, picture && basename(picture));
  if (picture !== undefined) writeFileAtomic(picture, svg!);
  writeFileAtomic(out, card);
  const notes = run.missing.map((name) => `${adapterPath} has no ${name}: the card says nothing of it`);
  if (hubName(adapter.config.baseModel) === undefined)
    notes.push(
      "the adapter names its base by a path, so the header has no base_model: add the Hub's name of the base",
    );
  return { path: out, picture, notes };
}

function cardText(
  adapter: Adapter,
  run: RunRecord,
  options: CardOptions,
  picture: string | undefined,
): string {
  const { config } = adapter;
  const base = hubName(config.baseModel);
  const header = {
    ...(base !== undefined && { base_model: base, base_model_relation: "adapter" }),
    library_name: "peft",
    pipeline_tag: "text-generation",
    ...(options.license !== undefined && { license: options.license }),
    ...(options.datasets.length > 0 && { datasets: options.datasets }),
    tags: [
      ...(base === undefined ? [] : [`base_model:adapter:${base}`]),
      "lora",
      "sft",
      "sekft",
      "transformers",
    ],
  };
  const name = nameOf(config.baseModel);
  const sections = [
    `---\n${stringify(header)}---`,
    `# LoRA adapter${name === undefined ? "" : ` of ${name}`}`,
    factsTable(adapter, run),
    useSection(base ?? name ?? "BASE"),
    ...(picture !== undefined || run.progress !== undefined ? [trainingSection(run, picture)] : []),
    ...(run.manifest === undefined ? [] : [dataSection(run.manifest)]),
    ...(run.arms.length === 0 ? [] : [evalSection(run)]),
    ...(run.options === undefined ? [] : [optionsSection(run.options)]),
  ];
  return `${sections.join("\n\n")}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [row(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(row)].join("\n");
}

/** Text that stays in its cell and is no markup. */
function cell(text: string): string {
  return text
    .replace(/[\r\n]+/g, " ")
    .replaceAll("|", "\\|")
    .replaceAll("<", "&lt;");
}

function factsTable(adapter: Adapter, { manifest }: RunRecord): string {
  const { r, alpha, dropout, useRslora, targetModules, layersToTransform, baseModel } = adapter.config;
  const { modules, parameters } = describeAdapter(adapter);
  const targets = typeof targetModules === "string" ? targetModules : targetModules.join(", ");
  const rows = [
    ["base", publicValue(baseModel ?? "not said")],
    ["LoRA", `r ${r}, alpha ${alpha}${useRslora ? ", rank-stabilised" : ""}, dropout ${dropout}`],
    ["target modules", targets],
    ...(layersToTransform === undefined ? [] : [["layers", showLayers(layersToTransform)]]),
    ["parameters", `${formatCount(parameters)} in ${modules.length} modules`],
    ...(manifest === undefined ? [] : manifestRows(manifest)),
  ];
  return table(["", ""], rows);
}

function manifestRows(manifest: JsonObject): string[][] {
  const { base, device, sekft, started, tier } = manifest;
  const rows: [string, unknown][] = [
    ["base fingerprint", isObject(base) ? base.fingerprint : undefined],
    ["chat template", manifest.template],
    ["kernels", isObject(device) ? `${String(tier)} on ${String(device.name)}` : tier],
    ["trained", started],
    ["made with", isObject(sekft) ? `sekft ${String(sekft.version)} (${String(sekft.commit)})` : undefined],
  ];
  return rows.flatMap(([name, value]) => (typeof value === "string" && value !== "" ? [[name, value]] : []));
}

function useSection(base: string): string {
  return `## Use

\`\`\`python
from peft import PeftModel
from transformers import AutoModelForCausalLM

model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(${JSON.stringify(base)}), "THIS_FOLDER")
\`\`\``;
}

function trainingSection({ progress, trainLoss, evalLoss }: RunRecord, picture: string | undefined): string {
  const ends = (name: string, points: readonly { readonly value: number }[]) =>
    points.length === 0
      ? []
      : [
          [
            name,
            formatNumber(points[0]!.value, 4),
            formatNumber(points.at(-1)!.value, 4),
            formatNumber(Math.min(...points.map(({ value }) => value)), 4),
          ],
        ];
  const losses = [...ends("training loss", trainLoss), ...ends("validation loss", evalLoss)];
  const parts = ["## Training"];
  if (progress !== undefined)
    parts.push(
      `${formatCount(progress.step)} of ${formatCount(progress.total)} steps, ${formatNumber(progress.epoch)} epochs.`,
    );
  if (picture !== undefined) parts.push(`![Loss by step](${picture})`);
  if (losses.length > 0) parts.push(table(["", "first", "last", "lowest"], losses));
  return parts.join("\n\n");
}

function dataSection({ data, evalData }: JsonObject): string {
  const rows = [
    ["training", data],
    ["validation", evalData],
  ].flatMap(([name, facts]) =>
    isObject(facts)
      ? [
          [
            String(name),
            publicValue(facts.path),
            count(facts.sequences),
            count(facts.tokens),
            `${count(facts.labels)} (${formatShare(Number(facts.labels), Number(facts.tokens))})`,
            String(facts.sha256 ?? ""),
          ],
        ]
      : [],
  );
  return `## Data\n\n${table(["", "from", "sequences", "tokens", "trained tokens", "hash"], rows)}`;
}

function evalSection({ arms }: RunRecord): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)}`;
  const metrics = evalMetrics.filter((metric) => arms.some((arm) => arm.metrics[metric] !== undefined));
  const rows = arms.map(({ name, n, metrics: rates }) => [
    name,
    String(n),
    ...metrics.map((metric) => {
      const rate = rates[metric];
      return rate === undefined
        ? "-"
        : `${rate.x}/${rate.n} (${formatShare(rate.x, rate.n)}, ${percent(rate.low)} to ${percent(rate.high)})`;
    }),
  ]);
  return `## Evaluation\n\nHeld-out scenarios; rates with 95 % Wilson intervals.\n\n${table(["", "n", ...metrics], rows)}`;
}

function optionsSection(options: JsonObject): string {
  const rows = Object.entries(options)
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => [name, publicValue(value)]);
  return `## Options\n\n<details><summary>every option of the run</summary>\n\n${table(["option", "value"], rows)}\n\n</details>`;
}

function count(value: unknown): string {
  return typeof value === "number" ? formatCount(value) : "-";
}

/** A value as it may be published: of a path on somebody's machine only the last part. */
function publicValue(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value) ?? "";
  return /^([/~.]|[A-Za-z]:[\\/])/.test(value) ? (value.split(/[\\/]/).findLast(Boolean) ?? value) : value;
}

/** The name of a base on the Hub, when the adapter gives one. A path in the Hub's cache says it too. */
function hubName(baseModel: string | undefined): string | undefined {
  const cached = baseModel && repoOfPath(baseModel);
  if (cached) return cached;
  return baseModel !== undefined && /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(baseModel) ? baseModel : undefined;
}

function nameOf(baseModel: string | undefined): string | undefined {
  return hubName(baseModel) ?? (baseModel === undefined ? undefined : basename(baseModel));
}
