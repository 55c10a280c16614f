// One benchmark of one model or one file of completions, from problems to the files in the results folder.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Model } from "../agent/contract.ts";
import { writeFileAtomic } from "../base/atomic.ts";
import type { Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import { startProgress } from "../base/progress.ts";
import { version } from "../base/version.ts";
import { type Answer, readCompletions } from "./answer.ts";
import type { BenchOptions } from "./bench-options.ts";
import { comparePasses, differencesBetween, passesOf, readResult } from "./compare.ts";
import { drawAnswers, longestPrompt } from "./draw-answers.ts";
import { DrawnAnswers, type DrawnSettings, drawnPath } from "./drawn-answers.ts";
import type { History } from "./history.ts";
import { historyRow } from "./history-row.ts";
import type { Machinery } from "./judge/judgement.ts";
import type { ProblemSet } from "./problem.ts";
import { type BenchResult, benchResult, resultWarnings } from "./result.ts";
import { openBench, scoreAnswers } from "./score.ts";
import type { BenchmarkName } from "./suites/index.ts";

/** Who answers. */
export interface Subject {
  readonly label: string;
  /** undefined: the answers are in a file. */
  readonly model: Model | undefined;
  /** What the result says of it. */
  facts(): Promise<Readonly<Record<string, unknown>>>;
  /** Prompts are counted exactly, and longer ones than `ctxBudget` cannot be answered. */
  readonly here: boolean;
}

/** Where answers are judged, and what the result says of it. */
export interface BenchMachinery extends Machinery {
  facts(): Promise<Readonly<Record<string, unknown>>>;
}

/** Runs one benchmark and writes `<benchmark>.json`, `<benchmark>.completions.jsonl` and the history.
 *  @param run.resumable answers are kept as they are drawn, and those of a run that was killed are not drawn again; what was kept is
 *  the caller's to remove (`removeDrawn`), once it needs no part of its run any more
 *  @throws UserError, DataError, InfrastructureError; Interrupted when `signal` is given up */
export async function runBench(
  name: BenchmarkName,
  set: ProblemSet,
  options: BenchOptions,
  run: {
    readonly subject: Subject;
    readonly machinery: BenchMachinery;
    readonly history: History;
    readonly signal: AbortSignal;
    readonly resumable: boolean;
  },
  terminal: Terminal,
): Promise<BenchResult> {
  const { subject, machinery, history, signal } = run;
  const { jobs, out, completions } = options;
  const { problems } = set;
  const facts = await subject.facts();
  using drawn =
    run.resumable && completions === undefined
      ? new DrawnAnswers(
          drawnPath(out, name),
          drawnSettings(set, options, { label: subject.label, ...facts }),
        )
      : undefined;
  if (drawn?.finished && existsSync(join(out, `${name}.json`))) {
    terminal.note(`${name}: written before this run was stopped`);
    return readResult(out, name);
  }
  const started = drawn?.started ?? new Date().toISOString();
  // What is wrong with a file is told before anything runs.
  const given =
    completions === undefined
      ? undefined
      : readCompletions(
          completions,
          problems.map(({ id }) => id),
        );
  const earlier = options.against === undefined ? undefined : readResult(options.against, name);
  const tried = startProgress(terminal, {
    label: `${name}: references`,
    total: problems.length,
    unit: "problems",
  });
  let references = 0;
  const bench = await openBench(problems, {
    machinery,
    jobs,
    signal,
    onReference: () => tried.update(++references),
  }).finally(() => tried.end());
  const answers = given ?? (await draw(name, set, options, { subject, signal, drawn }, terminal));
  // What took long to draw is kept whatever becomes of judging it.
  if (given === undefined)
    writeFileAtomic(join(out, `${name}.completions.jsonl`), answers.map(completionLine).join(""));
  const bar = startProgress(terminal, { label: `${name}: judged`, total: answers.length, unit: "answers" });
  let [judged, passed] = [0, 0];
  const scores = await scoreAnswers(problems, answers, bench, {
    jobs,
    signal,
    onAnswer(judgement) {
      if (judgement.passed) passed++;
      bar.update(++judged, `passed ${passed}`);
    },
  }).finally(() => bar.end());
  const bare = benchResult(scores, {
    benchmark: name,
    set,
    model: { label: subject.label, ...(await subject.facts()) },
    started,
    sekft: version(),
    promptStyle: given === undefined ? set.promptStyle : "completions made elsewhere",
    settings: given === undefined ? samplingOf(options) : {},
    machinery: await machinery.facts(),
  });
  const result = { ...bare, comparisons: comparisonsOf(bare, subject.label, earlier, history) };
  writeFileAtomic(join(out, `${name}.json`), `${JSON.stringify(result, null, 1)}\n`);
  history.add(historyRow(subject.label, result));
  drawn?.finish();
  for (const warning of resultWarnings(result)) terminal.warn(warning);
  return result;
}

async function draw(
  name: BenchmarkName,
  { problems }: ProblemSet,
  options: BenchOptions,
  run: {
    readonly subject: Subject;
    readonly signal: AbortSignal;
    readonly drawn: DrawnAnswers | undefined;
  },
  terminal: Terminal,
): Promise<Answer[]> {
  const { subject, signal, drawn } = run;
  const model = subject.model!;
  const longest = subject.here ? await longestPrompt(problems, model) : undefined;
  if (longest !== undefined && longest > options.ctxBudget)
    throw new UserError(
      `--ctx-budget: expected at least ${longest} for the prompts of ${name}, got ${options.ctxBudget}`,
    );
  const { jobs } = options;
  const total = problems.length * options.samples;
  const bar = startProgress(terminal, { label: `${name}: drawn`, total, unit: "answers" });
  const known = drawn?.answers ?? [];
  if (known.length > 0)
    terminal.note(`${name}: ${known.length} of ${total} answers were drawn before this run was stopped`);
  let done = known.length;
  return await drawAnswers(problems, model, options, {
    jobs,
    signal,
    known,
    onAnswer(answer) {
      drawn?.add(answer);
      bar.update(++done);
    },
  }).finally(() => bar.end());
}

/** What another answer would come of, by the names that an error gives it. */
function drawnSettings(
  set: ProblemSet,
  { samples, temperature, topP, seed, maxTokens }: BenchOptions,
  facts: Readonly<Record<string, unknown>>,
): DrawnSettings {
  const fact = (name: string) => (typeof facts[name] === "string" ? facts[name] : null);
  return {
    problems: set.hash,
    "prompt style": set.promptStyle,
    samples,
    temperature,
    "top-p": topP,
    seed,
    "max-tokens": maxTokens,
    label: fact("label"),
    // A folder may have moved; its content is what counts.
    ...(facts.kind === "endpoint" && { model: fact("model") }),
    base: fact("base_hash"),
    adapter: fact("adapter_hash"),
    "chat template": fact("chat_template_hash"),
  };
}

const samplingOf = ({ samples, temperature, topP, seed, maxTokens }: BenchOptions) => ({
  samples,
  temperature,
  top_p: topP,
  seed,
  max_tokens: maxTokens,
});

/** HumanEval's sample format; what was drawn can be scored again. */
function completionLine({ taskId, text }: Answer): string {
  return `${JSON.stringify({ task_id: taskId, completion: text })}\n`;
}

function comparisonsOf(
  result: BenchResult,
  label: string,
  earlier: BenchResult | undefined,
  history: History,
): BenchResult["comparisons"] {
  const passes = passesOf(result);
  if (earlier !== undefined) {
    const named = { name: String(earlier.model.label ?? "earlier"), passes: passesOf(earlier) };
    return [comparePasses(named, passes, differencesBetween(earlier, result))];
  }
  const row = history.before(result.benchmark, label, result.problems.hash);
  if (row === undefined) return [];
  const unlike = differencesBetween({ ...row, problems: { file: null, hash: row.problems_hash } }, result);
  return [comparePasses({ name: row.label, passes: row.passes }, passes, unlike)];
}
