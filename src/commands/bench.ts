// `sekft bench`: code, JSON, edits and shell jobs, answered by a model or read from a file, judged by running them.

import type { Terminal } from "../base/command.ts";
import { defineCommand } from "../base/command.ts";
import { Interrupted, UserError } from "../base/errors.ts";
import type { Options } from "../base/options.ts";
import { benchOptions } from "../bench/bench-options.ts";
import type { BenchMachinery, Subject } from "../bench/run-bench.ts";
import type { ProgramRunner } from "../critic/run-program/contract.ts";
import type { SandboxProvider } from "../sandbox/contract.ts";
import { type SandboxOptions, sandboxOptions } from "../sandbox/sandbox-options.ts";
import { armOptions } from "./eval-arms.ts";

const table = { ...benchOptions, ...armOptions, ...sandboxOptions } as const;

export const bench = defineCommand({
  name: "bench",
  summary: "Measures a model on code, JSON, edits and shell jobs, by running what it writes",
  description:
    "smoke: eight small problems of every kind. humaneval, mbpp: functions and their tests. json: schemas and function calls. diff: " +
    "unified diffs, applied. devops: shell jobs, judged by the state they leave. The reference of every problem runs first: one that " +
    "fails is left out by name, and its time sets the limit. Writes <benchmark>.json to --out, and history.jsonl, history.md and " +
    "history.svg across checkpoints. Without --problems the small samples that ship are used; they are no published benchmark. A run that was stopped or killed goes on with the same command.",
  options: table,
  operand: "benchmark",
  examples: [
    {
      line: "sekft bench smoke --base ./SmolLM2-135M-Instruct --adapter ./ckpt --out ./results",
      does: "eight problems, compared with the last other checkpoint in ./results",
    },
    {
      line: "sekft bench humaneval --problems HumanEval.jsonl.gz --completions samples.jsonl --out ./results",
      does: "scores answers made elsewhere",
    },
    {
      line: "sekft bench mbpp --problems google-research-datasets/mbpp/sanitized --url http://127.0.0.1:8080/v1 --samples 10 --temperature 0.8",
      does: "pass@1 and pass@10 of a model that a server holds",
    },
  ],
  async run(options, terminal) {
    const { namedBenchmarks, readProblems } = await import("../bench/suites/index.ts");
    const names = namedBenchmarks(options.benchmark);
    const { completions, problems } = options;
    if (names.length > 1 && (completions ?? problems) !== undefined)
      throw new UserError(
        `--${completions === undefined ? "problems" : "completions"}: expected one benchmark with it, got all`,
      );
    if (completions !== undefined && (options.base ?? options.url ?? options.resident) !== undefined)
      throw new UserError("--completions: expected no model beside it, got --base, --url or --resident");
    const { resolveProblems } = await import("./resolve-inputs.ts");
    const path = problems && (await resolveProblems(problems, terminal));
    const sets = [];
    for (const name of names) sets.push({ name, set: await readProblems(name, path) });
    if (path !== undefined) {
      const [{ set }] = sets as [(typeof sets)[number]];
      terminal.note(`bench: ${set.problems.length} problems of ${set.file}`);
    }
    const { mkdirSync } = await import("node:fs");
    const { removeUnfinished } = await import("../base/atomic.ts");
    const { lockFolder } = await import("../base/folder-lock.ts");
    const { Interruption } = await import("../base/interruption.ts");
    const { removeDrawn } = await import("../bench/drawn-answers.ts");
    const { History } = await import("../bench/history.ts");
    const { runBench } = await import("../bench/run-bench.ts");
    const { resultLines } = await import("../bench/words.ts");
    await using machinery = openMachinery(options, terminal);
    await using subject = await openSubject(options, terminal);
    mkdirSync(options.out, { recursive: true });
    using _lock = lockFolder(options.out);
    removeUnfinished(options.out, (file) =>
      ["history", ...names].some((name) => file.startsWith(`${name}.`)),
    );
    using history = new History(options.out);
    using interruption = new Interruption();
    const { signal } = interruption;
    const results = [];
    for (const { name, set } of sets) {
      try {
        const run = { subject, machinery, history, signal, resumable: true };
        results.push(await runBench(name, set, options, run, terminal));
      } catch (error) {
        if (!signal.aborted) throw error;
        throw new Interrupted(
          `bench ${name}: stopped; ${results.length} of ${names.length} benchmarks are written; the same command goes on`,
          {
            cause: error,
          },
        );
      }
    }
    if (completions === undefined) removeDrawn(options.out, names);
    if (terminal.json) return terminal.out(JSON.stringify({ out: options.out, results }));
    for (const line of resultLines(results, terminal.columns)) terminal.out(line);
    terminal.out(`${options.out}/history.md has all checkpoints`);
  },
});

/** Who answers: a model, or a file. */
async function openSubject(
  options: Options<typeof table>,
  terminal: Terminal,
): Promise<Subject & AsyncDisposable> {
  const { completions, label } = options;
  if (completions !== undefined) {
    const { basename } = await import("node:path");
    return {
      label: label ?? basename(completions),
      model: undefined,
      facts: async () => ({ kind: "completions", model: completions }),
      here: false,
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  const { openOneModel } = await import("./one-model.ts");
  const hint = "run bench once for each; --out keeps the history of all of them";
  return openOneModel(options, { who: "bench", label, jobs: options.jobs, sizes: options, hint }, terminal);
}

/** Sandboxes, opened when the first problem needs one. */
export function openMachinery(options: SandboxOptions, terminal: Terminal): BenchMachinery & AsyncDisposable {
  let runner: Promise<ProgramRunner> | undefined;
  let worlds: Promise<SandboxProvider> | undefined;
  const open = {
    runner: async () => (await import("../critic/run-program/open-runner.ts")).openProgramRunner(),
    worlds: async () => {
      const { openProvider } = await import("../sandbox/open-provider.ts");
      return await openProvider(options, (line) => terminal.note(line));
    },
  };
  return {
    runner: () => (runner ??= open.runner()),
    worlds: () => (worlds ??= open.worlds()),
    async facts() {
      return {
        programs: runner === undefined ? null : (await runner).facts,
        worlds: worlds === undefined ? null : await (await worlds).facts(),
      };
    },
    async [Symbol.asyncDispose]() {
      for (const one of [runner, worlds]) await (await one?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}
