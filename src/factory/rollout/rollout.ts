// A rollout from options to a folder of trajectories: checks what can be checked, goes on where an earlier run stopped, runs what is
// missing, says what came of it.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { EpisodeLimits } from "../../agent/contract.ts";
import { episodeLimits } from "../../agent/episode-options.ts";
import { defaultRetries } from "../../agent/retries.ts";
import { removeUnfinished, writeFileAtomic } from "../../base/atomic.ts";
import type { Terminal } from "../../base/command.ts";
import { InfrastructureError, Interrupted } from "../../base/errors.ts";
import { lockFolder } from "../../base/folder-lock.ts";
import { Interruption } from "../../base/interruption.ts";
import { startProgress } from "../../base/progress.ts";
import { arePlain, parseTerminals, type TerminalWords, terminalsText } from "../../base/terminal-words.ts";
import { ROLLOUT_FILES } from "../../data/rollout-folder.ts";
import type { Scenario } from "../../data/scenario.ts";
import type { SandboxProvider } from "../../sandbox/contract.ts";
import { RolloutFolder } from "./folder.ts";
import { checkUnchanged, type ManifestParts, readManifest, writeManifest } from "./manifest.ts";
import { chooseOperators, type Operators } from "./operators.ts";
import type { RolloutOptions } from "./options.ts";
import { type Job, roll, sampleId } from "./roll.ts";
import { type RolloutSummary, Tally } from "./summary.ts";
import type { Supply } from "./supply.ts";

/** Runs all samples of all scenarios of `supply`, or as many as it takes to keep --n.
 *  @param given who operates, in place of what the options name
 *  @throws UserError before anything is written, when the folder is another's or was begun with other settings; Interrupted after
 *  Ctrl-C or SIGTERM and InfrastructureError when the machinery gives up: finished samples are on the disk. */
export async function rollout(
  options: RolloutOptions,
  supply: Supply,
  provider: SandboxProvider,
  terminal: Terminal,
  given?: Operators,
): Promise<RolloutSummary> {
  const { out } = options;
  const terminals = parseTerminals(options.terminals);
  const operators = given ?? (await chooseOperators(options));
  if (operators.kind === "builtin")
    terminal.note("operator: no endpoint given, the built-in operator follows the known solutions");
  const limits = episodeLimits(options);
  const settings = {
    ...operators.settings,
    seed: options.seed,
    sandbox: provider.name,
    ...limitFields(limits),
    ...(arePlain(terminals) ? {} : { terminals: terminalsText(terminals) }),
    ...(options.workWeight === 1 ? {} : { work_weight: options.workWeight }),
  };
  readManifest(out);
  const facts = await provider.facts();
  const endpoint = await operators.describe();
  mkdirSync(out, { recursive: true });
  using _lock = lockFolder(out);
  const earlier = readManifest(out);
  const describe = (scenarios: readonly Scenario[]) => {
    const parts: ManifestParts = {
      settings,
      scenarios,
      samples: options.samples,
      endpoint,
      sandbox: facts,
      limits: provider.limits,
    };
    if (earlier) checkUnchanged(out, earlier, parts);
    writeManifest(out, parts, earlier);
  };
  describe([]);
  removeUnfinished(out, (name) => Object.values<string>(ROLLOUT_FILES).includes(name));
  using folder = new RolloutFolder(out);
  const tally = new Tally();
  for (const record of folder.finished) tally.add(record);
  if (folder.tornBytes > 0)
    terminal.note(`cut off ${folder.tornBytes} bytes that a kill had left half-written`);
  if (tally.finished > 0) terminal.note(`going on: ${tally.status()}`);
  using interruption = new Interruption();
  const run = { options, supply, provider, operators, limits, terminals, folder, tally, terminal, describe };
  try {
    await rollRounds(run, interruption.signal);
  } catch (error) {
    if (interruption.signal.aborted)
      throw new Interrupted(`rollout: stopped with ${tally.status()}; the same command goes on`);
    throw error;
  } finally {
    writeSummary(out, tally, supply, options);
  }
  const summary = writeSummary(out, tally, supply, options);
  if (summary.finished === 0 && summary.failures > 0)
    throw new InfrastructureError(
      "sandbox_dead",
      `rollout: expected finished samples, got ${summary.failures} failures and nothing else`,
      {
        hint: `${join(out, ROLLOUT_FILES.failures)} says why; the same command tries them again`,
      },
    );
  if (options.n !== undefined && summary.kept < options.n)
    terminal.warn(
      `rollout: expected ${options.n} kept trajectories, got ${summary.kept}: every sample was run (more --samples or --scenarios give more)`,
    );
  if (summary.failures > 0)
    terminal.warn(
      `rollout: ${summary.failures} samples are missing because the machinery failed (${join(out, ROLLOUT_FILES.failures)}); the same command tries them again`,
    );
  return summary;
}

interface Run {
  readonly options: RolloutOptions;
  readonly supply: Supply;
  readonly provider: SandboxProvider;
  readonly operators: Operators;
  readonly limits: EpisodeLimits;
  readonly terminals: TerminalWords;
  readonly folder: RolloutFolder;
  readonly tally: Tally;
  readonly terminal: Terminal;
  readonly describe: (scenarios: readonly Scenario[]) => void;
}

/** Runs what the scenarios give; when that is not enough and more can be made, more are made. */
async function rollRounds(run: Run, signal: AbortSignal): Promise<void> {
  const { options, supply, tally, folder, operators } = run;
  const { n: goal, samples, jobs: width } = options;
  const done = new Set(folder.finished.map(({ id }) => id));
  let wanted = supply.size ?? Math.ceil((goal ?? 1) / samples);
  for (;;) {
    if (goal !== undefined && tally.kept >= goal) return;
    const scenarios = await supply.first(wanted, signal);
    run.describe(scenarios);
    const jobs = scenarios
      .flatMap((scenario) => Array.from({ length: samples }, (_, sample): Job => ({ scenario, sample })))
      .filter((job) => !done.has(sampleId(job)));
    const total = goal ?? jobs.length + tally.finished;
    const count = () => (goal === undefined ? tally.finished : tally.kept);
    const progress = startProgress(run.terminal, {
      label: "rollout",
      total,
      unit: goal === undefined ? "samples" : "kept",
      start: count(),
    });
    try {
      await roll(jobs, {
        folder,
        tally,
        provider: run.provider,
        operator: operators.model,
        scaffold: operators.scaffold,
        limits: run.limits,
        terminals: run.terminals,
        workWeight: options.workWeight,
        sampling: operators.sampling,
        retries: { ...defaultRetries, attempts: options.retries + 1 },
        width,
        goal,
        signal,
        onDone: (line) => {
          if (line !== undefined) progress.note(line);
          progress.update(count(), tally.status());
        },
      });
    } finally {
      progress.end();
    }
    for (const job of jobs) done.add(sampleId(job));
    if (signal.aborted) throw new Interrupted("rollout: stopped");
    if (goal === undefined || supply.size !== undefined || tally.kept >= goal) return;
    // What failed this time may fail again: a few more than the yield so far asks for.
    const kept = tally.keptAmong(scenarios);
    const share = Math.max(0.1, kept / Math.max(1, wanted * samples));
    wanted += Math.max(1, Math.ceil((goal - kept) / (share * samples)));
  }
}

function writeSummary(
  out: string,
  tally: Tally,
  supply: Supply,
  { samples, n }: RolloutOptions,
): RolloutSummary {
  const all = supply.size === undefined ? null : supply.size * samples;
  const summary = tally.summary(all, n ?? null);
  writeFileAtomic(join(out, ROLLOUT_FILES.summary), `${JSON.stringify(summary, null, 1)}\n`);
  return summary;
}

function limitFields(limits: EpisodeLimits) {
  return {
    max_steps: limits.maxSteps,
    ctx_budget: limits.ctxBudget,
    max_tokens: limits.maxTokens,
    wall_seconds: limits.wallSeconds,
    output_tokens: limits.outputTokens ?? null,
    consecutive_errors: limits.consecutiveErrors,
  };
}
