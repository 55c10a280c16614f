// A whole eval: the folder is taken, what is missing is run, and everything is counted and written.

import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { episodeLimits } from "../agent/episode-options.ts";
import { finishedName, removeUnfinished, writeFileAtomic } from "../base/atomic.ts";
import type { Terminal } from "../base/command.ts";
import { InfrastructureError, Interrupted, UserError } from "../base/errors.ts";
import { lockFolder, lockName } from "../base/folder-lock.ts";
import { Interruption } from "../base/interruption.ts";
import { startProgress } from "../base/progress.ts";
import { parseTerminals } from "../base/terminal-words.ts";
import type { Turn } from "../data/normalize.ts";
import { renameTurns } from "../data/rename-terminals.ts";
import type { Scenario } from "../data/scenario.ts";
import type { SandboxProvider } from "../sandbox/contract.ts";
import { EpisodeLog, episodesName } from "./episode-log.ts";
import type { EvalOptions } from "./eval-options.ts";
import {
  type ArmFacts,
  describeRun,
  type Manifest,
  manifestDifferences,
  manifestName,
  settingsHash,
  settleManifest,
} from "./manifest.ts";
import { type EpisodeRecord, isBroken, metricOf } from "./record.ts";
import { type EvalResult, evalResult } from "./result.ts";
import { type Arm, runEval } from "./run-eval.ts";
import { RESULT_FILES, writeResults } from "./write-results.ts";

/** A model with what the manifest says of it. */
export interface DescribedArm extends Arm {
  /** Asked before the run and after it: a server names its model only in answers. */
  facts(): Promise<ArmFacts>;
}

/** Runs or goes on, and writes the results.
 *  @returns the folder and what stands in its result.json
 *  @throws UserError before anything is written when the folder is another's or was begun with other settings; Interrupted after
 *  Ctrl-C or SIGTERM, InfrastructureError when not one episode could be scored: what ended is on the disk. */
export async function evaluate(
  options: EvalOptions,
  run: {
    readonly arms: readonly DescribedArm[];
    readonly scenarios: readonly Scenario[];
    readonly provider: SandboxProvider;
    readonly prime: readonly Turn[] | undefined;
  },
  terminal: Terminal,
): Promise<{ readonly folder: string; readonly result: EvalResult }> {
  const { arms, scenarios, provider } = run;
  const terminals = parseTerminals(options.terminals);
  const prime = run.prime && renameTurns(run.prime, terminals);
  const limits = episodeLimits(options);
  const { temperature, topP, seed, samples } = options;
  const sampling = { temperature, top_p: topP, seed, samples };
  const armFacts = async () =>
    Object.fromEntries(await Promise.all(arms.map(async (arm) => [arm.name, await arm.facts()] as const)));
  const now = describeRun({
    arms: await armFacts(),
    scenarios,
    sampling,
    limits,
    sandbox: await provider.facts(),
    sandboxLimits: provider.limits,
    prime,
    terminals,
  });
  const folder = options.out ?? `eval-${settingsHash(now).slice("sha256:".length, "sha256:".length + 8)}`;
  checkFolder(folder);
  mkdirSync(folder, { recursive: true });
  using _lock = lockFolder(folder);
  const manifest = settleManifest(folder, now);
  const own: readonly string[] = [manifestName, episodesName, ...Object.values(RESULT_FILES)];
  removeUnfinished(folder, (name) => own.includes(name));
  for (const { what, first, second } of manifestDifferences(manifest, now))
    terminal.warn(`eval: the run in ${folder} was begun with ${what} ${first}, now it is ${second}`);
  using log = new EpisodeLog(folder);
  const total = arms.length * scenarios.length * samples;
  if (log.done.length > 0) terminal.note(`eval: ${log.done.length} of ${total} episodes are done already`);
  const tally = new Tally(arms, log.done);
  const progress = startProgress(terminal, {
    label: "eval",
    total,
    unit: "episodes",
    start: log.done.length,
  });
  using interruption = new Interruption();
  let records: EpisodeRecord[];
  try {
    records = await runEval({
      arms,
      scenarios,
      provider,
      sampling,
      limits,
      prime,
      terminals,
      jobs: options.jobs,
      retries: { attempts: options.retries + 1, backoff: [500, 2000, 8000] },
      log,
      signal: interruption.signal,
      onEpisode(record) {
        if (record.error) progress.note(`${record.scenario_id}, ${record.arm}: ${record.error.message}`);
        progress.update(tally.add(record), tally.words());
      },
    });
  } catch (error) {
    if (interruption.signal.aborted)
      throw new Interrupted(
        `eval: stopped with ${tally.done} of ${total} episodes; the same command goes on`,
        {
          cause: error,
        },
      );
    throw error;
  } finally {
    progress.end();
  }
  const settled: Manifest = { ...manifest, arms: await armFacts() };
  writeFileAtomic(join(folder, manifestName), `${JSON.stringify(settled, null, 1)}\n`);
  const result = evalResult(records, settled);
  writeResults(folder, result, records);
  const broken = records.filter(isBroken);
  if (broken.length === records.length)
    throw new InfrastructureError(
      "sandbox_dead",
      `eval: expected an episode that could be scored, got ${broken.length} that the machinery broke: ${broken[0]!.error?.message ?? "no reason known"}`,
      { hint: `${join(folder, episodesName)} has each one; the same command tries them again` },
    );
  return { folder, result };
}

/** Running counts for the progress line. */
class Tally {
  done = 0;
  private readonly clean = new Map<string, { x: number; n: number }>();

  constructor(arms: readonly Arm[], records: readonly EpisodeRecord[]) {
    for (const { name } of arms) this.clean.set(name, { x: 0, n: 0 });
    for (const record of records) this.add(record);
  }

  add(record: EpisodeRecord): number {
    const count = this.clean.get(record.arm);
    if (count && !isBroken(record)) {
      count.n++;
      if (metricOf.clean(record)) count.x++;
    }
    return ++this.done;
  }

  /** `clean: base 0/5, ckpt 4/5`. */
  words(): string {
    return `clean: ${[...this.clean].map(([name, { x, n }]) => `${name} ${x}/${n}`).join(", ")}`;
  }
}

function checkFolder(folder: string): void {
  if (!existsSync(folder)) return;
  let names: string[];
  try {
    // A run that was killed while it wrote its first file has left half of the manifest.
    names = readdirSync(folder)
      .filter((name) => name !== lockName)
      .map(finishedName);
  } catch {
    throw new UserError(`--out ${folder}: expected a folder, got a file`);
  }
  if (names.length > 0 && !names.includes(manifestName))
    throw new UserError(`--out ${folder}: expected an empty folder or one of an eval, got another`);
}
