// What a window can run: the benchmarks, the format probe and the eval, each with the figures that rules may name.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Terminal } from "../base/command.ts";
import { closest, UserError } from "../base/errors.ts";
import type { OptionTable } from "../base/options.ts";
import { resolveOptions } from "../base/resolve.ts";
import type { YamlValue } from "../base/yaml-file.ts";
import { benchOptions } from "../bench/bench-options.ts";
import { History } from "../bench/history.ts";
import { kindFigures } from "../bench/judge/index.ts";
import { type BenchMachinery, runBench } from "../bench/run-bench.ts";
import { namedBenchmarks, readProblems } from "../bench/suites/index.ts";
import { chooseScenarios } from "../eval/choose-scenarios.ts";
import { evalOptions } from "../eval/eval-options.ts";
import { type DescribedArm, evaluate } from "../eval/evaluate.ts";
import { readScenariosOrTasks } from "../eval/harbor/task-folders.ts";
import { readPrime } from "../eval/prime.ts";
import { metricNames } from "../eval/record.ts";
import { writeFormatProbe } from "../formats/format-probe.ts";
import { FORMAT_FIGURES, probeFormat, thresholdsOf } from "../probe/format/probe-format.ts";
import { readPrompts } from "../probe/format/prompt-set.ts";
import { formatProbeOptions } from "../probe/probe-options.ts";
import type { SuiteMetrics } from "../train/gates/read-rules.ts";
import type { Figures } from "../train/gates/rules.ts";
import type { WindowSubject } from "../train/gates/windows.ts";
import { resolveProblems } from "./resolve-inputs.ts";

/** Tokens and answers at once that a suite needs of a model. */
export interface SuiteSizes {
  readonly jobs: number;
  readonly ctxBudget: number;
  readonly maxTokens: number;
}

/** What a suite runs on. */
export interface SuiteRun {
  readonly subject: WindowSubject;
  readonly arm: DescribedArm;
  readonly machinery: BenchMachinery;
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
}

/** A suite, its files read and its settings checked. */
export interface WindowSuite extends SuiteMetrics {
  readonly sizes: SuiteSizes;
  run(on: SuiteRun): Promise<Figures>;
}

const benchmarks = namedBenchmarks("all");
const suiteNames = [...benchmarks, "format", "shell"];

/** Reads one entry of `suites`.
 *  @throws DataError for an unknown suite or option, with the nearest; UserError, DataError of the files that it names */
export async function readSuite(name: string, value: YamlValue, terminal: Terminal): Promise<WindowSuite> {
  if (name === "format") return await formatSuite(value);
  if (name === "shell") return await shellSuite(value);
  const benchmark = benchmarks.find((one) => one === name);
  if (benchmark !== undefined) return await benchSuite(benchmark, value, terminal);
  const near = closest(name, suiteNames);
  throw value.wrong(
    `expected one of ${suiteNames.join(", ")}, got ${name}`,
    near === undefined ? undefined : `did you mean ${near}?`,
  );
}

async function benchSuite(
  name: (typeof benchmarks)[number],
  value: YamlValue,
  terminal: Terminal,
): Promise<WindowSuite> {
  const table = without(benchOptions, ["benchmark", "completions", "against", "out", "label"]);
  const asked = value.options(table, `of the suite ${name}`);
  const problems = asked.problems as string | undefined;
  const set = await readProblems(name, problems && (await resolveProblems(problems, terminal)));
  const options = resolveOptions(benchOptions, { benchmark: name }, asked);
  const kinds = new Set(set.problems.map(({ kind }) => kind));
  return {
    name,
    metrics: ["pass_at_1", ...new Set([...kinds].flatMap((kind) => kindFigures[kind].map(rateName)))],
    sizes: options,
    async run({ subject: { step, folder }, arm, machinery, signal, terminal }) {
      using history = new History(dirname(folder));
      const label = `step ${step}`;
      const subject = {
        label,
        model: arm.model,
        facts: async () => ({ ...(await arm.facts()) }),
        here: true,
      };
      const own = { ...options, out: folder };
      // A run that goes on begins before the window: its weights are made anew, and so are its answers.
      const on = { subject, machinery, history, signal, resumable: false };
      const result = await runBench(name, set, own, on, terminal);
      const { pass_at_1, figures } = result;
      return { pass_at_1, ...rates(figures) };
    },
  };
}

async function formatSuite(value: YamlValue): Promise<WindowSuite> {
  const table = without(formatProbeOptions, ["out", "label"]);
  const options = resolveOptions(formatProbeOptions, {}, value.options(table, "of the suite format"));
  const thresholds = thresholdsOf(options.threshold, options.least);
  const set = await readPrompts(options.prompts);
  return {
    name: "format",
    metrics: ["passed", "pass_rate", ...FORMAT_FIGURES.map(rateName)],
    sizes: options,
    async run({ subject: { step, checkpoint, model }, arm, signal }) {
      const { jobs, maxTokens } = options;
      const found = await probeFormat(arm.model, set, { jobs, maxTokens, thresholds, signal });
      // Beside the weights, where a server looks before it serves them.
      const facts = { label: `step ${step}`, ...(await arm.facts()) };
      const record = { ...found, model: facts, settings: { max_tokens: maxTokens } };
      const adapter = existsSync(join(checkpoint, "adapter_model.safetensors")) ? checkpoint : undefined;
      for (const place of [adapter, model]) if (place !== undefined) writeFormatProbe(place, record);
      return { passed: found.passed ? 1 : 0, pass_rate: found.rate.rate, ...rates(found.figures) };
    },
  };
}

async function shellSuite(value: YamlValue): Promise<WindowSuite> {
  const table = without(evalOptions, ["out"]);
  const options = resolveOptions(evalOptions, {}, value.options(table, "of the suite shell"));
  const all = readScenariosOrTasks(options.scenarios);
  const unproven = all.find(({ proven }) => proven === false);
  if (unproven)
    throw new UserError(
      `${options.scenarios}: expected proven scenarios, got ${unproven.id} (proven: false)`,
    );
  const { archetypes } = options;
  const missing = archetypes?.find((name) => !all.some(({ archetype }) => archetype === name));
  if (missing !== undefined) throw value.wrong(`expected archetypes of ${options.scenarios}, got ${missing}`);
  const wanted = all.filter(({ archetype }) => archetypes?.includes(archetype) ?? true);
  const scenarios = chooseScenarios(wanted, options.n);
  const prime = options.prime === undefined ? undefined : await readPrime(options.prime);
  return {
    name: "shell",
    metrics: metricNames.map(rateName),
    sizes: options,
    async run({ subject: { folder }, arm, machinery, terminal }) {
      const provider = await machinery.worlds();
      const run = { arms: [arm], scenarios, provider, prime };
      const { result } = await evaluate({ ...options, out: join(folder, "shell") }, run, terminal);
      const counted = result.arms[arm.name]!;
      return rates(Object.fromEntries(metricNames.map((name) => [name, counted[name]])));
    },
  };
}

const rateName = (figure: string) => `${figure}_rate`;

function rates(figures: Readonly<Record<string, { readonly rate: number | null }>>): Figures {
  return Object.fromEntries(Object.entries(figures).map(([name, { rate }]) => [rateName(name), rate]));
}

function without<T extends OptionTable>(table: T, keys: readonly (keyof T)[]): OptionTable {
  return Object.fromEntries(Object.entries(table).filter(([key]) => !keys.includes(key)));
}
