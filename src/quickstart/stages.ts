// The stages of a quickstart, as a person is told of them.

import { formatCount, formatDuration } from "../base/format.ts";
import type { StageRecord } from "../experiment/record.ts";
import { names } from "./experiment-text.ts";
import { evaluation, heldOut, type Recipe } from "./recipe.ts";
import type { Settings } from "./settings.ts";

/** One stage. */
export interface Stage {
  /** Counted from 1. */
  readonly number: number;
  readonly name: string;
  /** What happens in it. */
  readonly does: string;
  /** What the estimate says. */
  readonly seconds: number;
}

/** All stages in the order in which the experiment runs them. */
export function stagesOf({ budget, asked, device, sandbox }: Settings, recipe: Recipe): readonly Stage[] {
  const { sessions, replay, steps, seconds } = budget;
  const list: readonly Omit<Stage, "number">[] = [
    {
      name: "scenarios",
      does: `${asked.n} of ${heldOut.join(" and ")}`,
      seconds: seconds.scenarios,
    },
    {
      name: "sessions",
      does: `${formatCount(sessions)} of ${recipe.archetypes.length} kinds of work, run in ${sandbox}`,
      seconds: seconds.sessions,
    },
    {
      name: `eval ${names.base}`,
      does: `${asked.n} sessions of at most ${evaluation.maxCommands} commands`,
      seconds: seconds.eval,
    },
    {
      name: "training",
      does: `${formatCount(steps)} steps of LoRA over ${formatCount(sessions + replay)} rows on ${deviceWords(device)}`,
      seconds: seconds.training,
    },
    { name: `eval ${names.adapter}`, does: "the same with the adapter", seconds: seconds.eval },
  ];
  return list.map((stage, i) => ({ ...stage, number: i + 1 }));
}

/** `the CPU`, or what the driver calls the GPU. */
export function deviceWords({ software, name }: Pick<Settings["device"], "software" | "name">): string {
  return software ? "the CPU" : name;
}

/** Which stage a step of the experiment belongs to; undefined for those that take no time. */
export function stageOf({ id }: Pick<StageRecord, "id">, stages: readonly Stage[]): Stage | undefined {
  const [kind, set, part] = id.split("/");
  const name =
    kind === "data" && part === "sessions"
      ? "sessions"
      : kind === "models"
        ? "training"
        : kind === "eval"
          ? `eval ${set}`
          : kind;
  return stages.find((stage) => stage.name === name);
}

/** `[4/5] training      ` and whatever follows. */
export function stageLine(stage: Stage, stages: readonly Stage[], text: string): string {
  const longest = Math.max(...stages.map(({ name }) => name.length));
  return `[${stage.number}/${stages.length}] ${stage.name.padEnd(longest)}  ${text}`;
}

/** `2m`, `20 s`: no more exact than an estimate is. */
export function aboutWords(seconds: number): string {
  if (seconds < 60) return `${Math.max(5, Math.round(seconds / 5) * 5)} s`;
  return formatDuration(60 * Math.round(seconds / 60)).replace(" 00s", "");
}
