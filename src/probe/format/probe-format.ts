// One format probe of one model: every prompt once, greedily, and what share of the answers can be used as they are.

import type { Model } from "../../agent/contract.ts";
import { closest, UserError } from "../../base/errors.ts";
import { inParallel } from "../../bench/score.ts";
import { type Rate, wilson } from "../../eval/statistics/wilson.ts";
import { type FormVerdict, judgeForm } from "./judge-form.ts";
import { FORMS, type Form, type FormPrompt } from "./prompt.ts";
import type { PromptSet } from "./prompt-set.ts";

/** What is counted: each form over its own prompts, `stop` over all. */
export const FORMAT_FIGURES = [...FORMS, "stop"] as const;
export type FormatFigure = (typeof FORMAT_FIGURES)[number];

/** Least share of each figure. */
export type Thresholds = Readonly<Record<FormatFigure, number>>;

/** One answer. */
export interface FormatEntry {
  readonly id: string;
  readonly kind: Form;
  /** Form and end are right. */
  readonly passed: boolean;
  readonly form: boolean;
  readonly ended: boolean;
  readonly reason: string | null;
  readonly answer: string;
}

/** What the probe found. */
export interface FormatProbe {
  /** Every figure reached its threshold. */
  readonly passed: boolean;
  /** Those that fell short, in words. */
  readonly reasons: readonly string[];
  readonly n: number;
  /** Answers whose form and end are right. */
  readonly rate: Rate;
  readonly figures: Readonly<Record<FormatFigure, Rate>>;
  readonly thresholds: Thresholds;
  readonly prompts: { readonly file: string | null; readonly hash: string };
  readonly entries: readonly FormatEntry[];
}

/** Longest part of an answer that a result keeps, characters. */
const KEPT = 2000;

/** `0.8` for all, and what `KIND=SHARE` says otherwise.
 *  @throws UserError */
export function thresholdsOf(threshold: number, least: readonly string[] = []): Thresholds {
  const all: Record<string, number> = Object.fromEntries(FORMAT_FIGURES.map((name) => [name, threshold]));
  for (const entry of least) {
    const [, kind, share] = /^([^=]*)=(.*)$/.exec(entry) ?? [];
    const value = Number(share);
    if (kind === undefined || share === "" || !(value >= 0 && value <= 1))
      throw new UserError(`--least: expected KIND=SHARE with a share from 0 to 1, got ${entry}`);
    if (!(kind in all)) {
      const near = closest(kind, FORMAT_FIGURES);
      throw new UserError(`--least: expected one of ${FORMAT_FIGURES.join(", ")}, got ${kind}`, {
        ...(near && { hint: `did you mean ${near}?` }),
      });
    }
    all[kind] = value;
  }
  return all as Thresholds;
}

/** Asks every prompt once.
 *  @throws InfrastructureError of the model; Interrupted when `signal` is given up */
export async function probeFormat(
  model: Model,
  set: PromptSet,
  run: {
    readonly jobs: number;
    readonly maxTokens: number;
    readonly thresholds: Thresholds;
    readonly signal: AbortSignal;
    readonly onAnswer?: () => void;
  },
): Promise<FormatProbe> {
  const settings = { temperature: 0, topP: 1, seed: 0, maxTokens: run.maxTokens };
  const found = new Map<string, FormatEntry>();
  await inParallel(set.prompts, run.jobs, run.signal, async (prompt) => {
    const reply = await model.generate([{ role: "user", content: prompt.prompt }], settings, run.signal);
    found.set(prompt.id, entryOf(prompt, reply.content, await judgeForm(prompt, reply)));
    run.onAnswer?.();
  });
  const entries = set.prompts.map(({ id }) => found.get(id)!);
  const share = (list: readonly FormatEntry[], right: (entry: FormatEntry) => boolean) =>
    wilson(list.filter(right).length, list.length);
  const figures = Object.fromEntries(
    FORMAT_FIGURES.map((name) => [
      name,
      name === "stop"
        ? share(entries, ({ ended }) => ended)
        : share(
            entries.filter(({ kind }) => kind === name),
            ({ form }) => form,
          ),
    ]),
  ) as Record<FormatFigure, Rate>;
  const reasons = FORMAT_FIGURES.flatMap((name) => {
    const { x, n, rate } = figures[name];
    const least = run.thresholds[name];
    return rate === null || rate >= least ? [] : [`${name} ${x}/${n}, expected at least ${least}`];
  });
  return {
    passed: reasons.length === 0,
    reasons,
    n: entries.length,
    rate: share(entries, ({ passed }) => passed),
    figures,
    thresholds: run.thresholds,
    prompts: { file: set.file, hash: set.hash },
    entries,
  };
}

function entryOf(
  { id, kind }: FormPrompt,
  answer: string,
  { form, ended, reason }: FormVerdict,
): FormatEntry {
  return { id, kind, passed: form && ended, form, ended, reason, answer: answer.slice(0, KEPT) };
}
