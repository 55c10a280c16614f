// How adapters were trained: curves, and what each run came to.

import { formatCount, formatDuration, formatNumber } from "../../base/format.ts";
import type { Point } from "../../export/run-record.ts";
import { isObject, type JsonObject } from "../../formats/json-file.ts";
import { type Block, figureBlock, paragraph, type Section, tableBlock } from "./document.ts";
import { type Curve, lineChart } from "./line-chart.ts";
import type { LogEntry, Recorded, TrainingPart } from "./recorded.ts";

/** Curves, ends of the loss, tokens, time, and what differs between the options of arms. */
export function trainingSection({ trainings }: Recorded): Section {
  const curve = (key: string, options: { readonly suffix?: string; readonly dots?: boolean } = {}): Curve[] =>
    trainings.map((part, colour) => ({
      label: `${part.label}${options.suffix ?? ""}`,
      colour: colour + 1,
      points: points(part.log, key),
      ...(options.dots && { dots: true }),
    }));
  const blocks: Block[] = [
    ...tableBlock(
      [
        "run",
        "steps",
        "epochs",
        "sequences",
        "tokens",
        "trained tokens",
        "first loss",
        "last loss",
        "lowest loss",
        "training time",
        "tokens a second",
      ],
      trainings.map(trainingRow),
    ),
    ...figureBlock(
      lineChart("loss", "Training loss by step", [
        ...curve("loss"),
        ...curve("eval_loss", { suffix: ", validation", dots: true }),
      ]),
    ),
    ...figureBlock(lineChart("learning-rate", "Learning rate by step", curve("learning_rate"))),
    ...figureBlock(lineChart("grad-norm", "Gradient norm by step", curve("grad_norm"))),
  ];
  const options = optionRows(trainings);
  return {
    title: "Training",
    blocks:
      trainings.length === 0
        ? [paragraph("No arm of this experiment is trained.")]
        : [
            ...blocks,
            ...(options.rows.length === 0
              ? []
              : [{ kind: "heading", text: "Options in which the runs differ" } as const]),
            ...tableBlock(options.titles, options.rows, options.titles.length),
          ],
  };
}

function trainingRow(part: TrainingPart): string[] {
  const { label, stage, log, manifest } = part;
  const data = isObject(manifest?.data) ? manifest.data : undefined;
  const why = stage === undefined && log.length === 0 ? "not begun" : "not recorded";
  const losses = points(log, "loss").map(({ value }) => value);
  const last = log.at(-1);
  const total = typeof manifest?.totalSteps === "number" ? manifest.totalSteps : null;
  const count = (value: unknown) => (typeof value === "number" ? formatCount(value) : why);
  const number = (value: number | undefined) => (value === undefined ? why : formatNumber(value, 4));
  const seen = points(log, "tokens").at(-1)?.value;
  const epochs = last?.epoch;
  const seconds = stage?.seconds;
  return [
    label,
    total === null ? why : `${last?.step ?? 0} of ${total}`,
    typeof epochs === "number" ? formatNumber(epochs) : why,
    count(data?.sequences),
    count(data?.tokens),
    count(data?.labels),
    number(losses[0]),
    number(losses.at(-1)),
    number(losses.length === 0 ? undefined : losses.reduce((a, b) => Math.min(a, b))),
    seconds === undefined ? why : formatDuration(seconds),
    // Of all epochs, over the time of all tries, loading and checkpoints included.
    seen !== undefined && seconds ? formatNumber(seen / seconds) : why,
  ];
}

/** Options that are not alike in all runs, seed and folders aside. */
function optionRows(trainings: readonly TrainingPart[]): {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
} {
  const runs = trainings.filter(
    (part): part is TrainingPart & { options: JsonObject } => part.options !== undefined,
  );
  const names = [...new Set(runs.flatMap(({ options }) => Object.keys(options)))].sort();
  const text = (value: unknown) => (value === undefined ? "default" : JSON.stringify(value));
  const differing = names.filter(
    (name) =>
      !["seed", "output_dir", "out", "data", "base", "config"].includes(name) &&
      new Set(runs.map(({ options }) => text(options[name]))).size > 1,
  );
  return {
    titles: ["option", ...runs.map(({ label }) => label)],
    rows: differing.map((name) => [name, ...runs.map(({ options }) => text(options[name]))]),
  };
}

function points(log: readonly LogEntry[], key: string): Point[] {
  return log.flatMap(({ step, [key]: value }) =>
    typeof value === "number" && Number.isFinite(value) ? [{ step, value }] : [],
  );
}
