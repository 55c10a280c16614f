// A whole file through the critic: many rows at once, what is judged kept by content, the result written whole at the end.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ChatEndpoint } from "../agent/endpoint/chat-endpoint.ts";
import { chooseEndpoint } from "../agent/endpoint/endpoint-options.ts";
import { writeChunksAtomic } from "../base/atomic.ts";
import type { Terminal } from "../base/command.ts";
import { closest, DataError, InfrastructureError, Interrupted, UserError } from "../base/errors.ts";
import { Interruption } from "../base/interruption.ts";
import { Journal } from "../base/journal.ts";
import { type Job, startProgress } from "../base/progress.ts";
import { parseJson } from "../data/parse-json.ts";
import { readLines } from "../data/read-lines.ts";
import { type Candidate, type JudgeSettings, LABELS, type Label } from "./candidate.ts";
import { type CriticOptions, usualJobs } from "./critic-options.ts";
import { type Judgement, judge, unjudged } from "./judge.ts";
import { toCandidate } from "./normalise.ts";
import { isRepairable, repair } from "./repair.ts";
import { type Repair, taskFields, toRepairRow, toRow } from "./row.ts";
import type { ProgramRunner } from "./run-program/contract.ts";
import { openProgramRunner } from "./run-program/open-runner.ts";
import { type YieldReport, YieldTally } from "./yield-report.ts";

/** Changes whenever a judgement could come out differently: what was kept of another version is judged again. */
const CRITIC_VERSION = 1;

/** How often a row is tried whose sandbox failed. */
const TRIES = 3;

/** What is known of a content. */
interface Known {
  readonly judgement: Judgement;
  /** null: was tried, and none passed; `undefined`: was not tried. */
  readonly repair?: Repair | null | undefined;
}

/** Judges every row of `options.in` and writes `options.out`. A killed run goes on with the same command.
 *  @throws UserError and DataError before anything is judged; Interrupted, with what is judged kept */
export async function runCritic(options: CriticOptions, terminal: Terminal): Promise<YieldReport> {
  const settings = readSettings(options);
  if (resolve(options.in) === resolve(options.out))
    throw new UserError(`--out ${options.out}: expected another file than --in, got the same`);
  const endpoint = openRepairer(options);
  const count = countRows(options.in);
  await using runner = await openRunner(options, terminal);
  using journal = new Journal(`${options.out}.cache`);
  const salt = JSON.stringify([
    CRITIC_VERSION,
    runner?.facts ?? null,
    [...settings.allowedSecrets].sort(),
    settings.required,
    settings.testTimeoutMs,
  ]);
  const known = new Map<string, Known>();
  for (const record of journal.records) {
    const { key, ...value } = record as { key: string } & Known;
    known.set(key, value);
  }
  using interruption = new Interruption();
  const { signal } = interruption;
  const job: Job = { label: "critic", total: count, unit: "rows" };
  const progress = startProgress(terminal, job);
  let done = 0;
  const pending = new Map<string, Promise<void>>();
  const judgeOnce = async (candidate: Candidate): Promise<void> => {
    const key = keyOf(candidate, salt);
    const before = known.get(key);
    const wantsRepair = (value: Known) =>
      endpoint !== undefined && value.repair === undefined && isRepairable(value.judgement);
    if (before !== undefined && !wantsRepair(before)) return;
    const judgement = before?.judgement ?? (await insist(candidate, runner, settings, signal));
    if (judgement === undefined) {
      known.set(key, { judgement: unjudged(lastFailure) });
      return;
    }
    let value: Known = { judgement };
    if (endpoint !== undefined && wantsRepair(value)) {
      const judgeAgain = (corrected: Candidate) => judge(corrected, runner, settings);
      const found = await repair(candidate, judgement, { ...endpoint, judge: judgeAgain }, signal).catch(
        (error) => {
          // A later run may try again; the labels are the same either way.
          if (!(error instanceof InfrastructureError) || !error.retryable) throw error;
          progress.note(`${candidate.id}: not repaired: ${error.message}`);
          return undefined;
        },
      );
      value = found === undefined ? { judgement } : { judgement, repair: found };
    }
    known.set(key, value);
    journal.append({ key, ...value });
  };
  let lastFailure: unknown;
  const insist = async (
    candidate: Candidate,
    where: ProgramRunner | undefined,
    how: JudgeSettings,
    stop: AbortSignal,
  ): Promise<Judgement | undefined> => {
    for (let attempt = 1; ; attempt++) {
      stop.throwIfAborted();
      try {
        return await judge(candidate, where, how);
      } catch (error) {
        // A row that kills its judge is told so and the run goes on; a bug of ours is not its fault.
        if (!(error instanceof InfrastructureError)) throw error;
        lastFailure = error;
        if (attempt >= TRIES) {
          progress.note(`${candidate.id}: could not be judged: ${error.message}`);
          return undefined;
        }
      }
    }
  };
  try {
    await forEachAtOnce(candidatesOf(options.in), options.jobs ?? usualJobs(), signal, async (candidate) => {
      // Rows of the same content wait for the first of them.
      const key = keyOf(candidate, salt);
      const running = pending.get(key) ?? judgeOnce(candidate);
      pending.set(key, running);
      await running.finally(() => pending.delete(key));
      progress.update(++done);
    });
  } catch (error) {
    if (signal.aborted)
      throw new Interrupted(`critic: stopped after ${done} of ${count} rows; the same command goes on`);
    throw error;
  } finally {
    progress.end();
  }
  return writeOut(options, (candidate) => known.get(keyOf(candidate, salt))!);
}

/** Writes the rows one by one: a file may be larger than memory. */
function writeOut(options: CriticOptions, find: (candidate: Candidate) => Known): YieldReport {
  const tally = new YieldTally();
  const repairs: Uint8Array[] = [];
  const line = (row: unknown) => new TextEncoder().encode(`${JSON.stringify(row)}\n`);
  function* rows(): Generator<Uint8Array> {
    for (const candidate of candidatesOf(options.in)) {
      const { judgement, repair: found } = find(candidate);
      tally.add(candidate.id, judgement, Boolean(found));
      yield line(toRow(candidate, judgement));
      if (found) repairs.push(line(toRepairRow(candidate, found)));
    }
  }
  writeChunksAtomic(options.out, rows());
  if (options.repair) writeChunksAtomic(repairsPath(options), repairs);
  return tally.report();
}

/** Where repair traces go. */
export function repairsPath({ out, repairs }: Pick<CriticOptions, "out" | "repairs">): string {
  return repairs ?? out.replace(/(\.jsonl)?$/, ".repairs$1");
}

function readSettings(options: CriticOptions): JudgeSettings {
  const required = (options.require ?? []).map((word): Label => {
    if ((LABELS as readonly string[]).includes(word)) return word as Label;
    const near = closest(word, LABELS);
    throw new UserError(`--require: expected labels (${LABELS.join(", ")}), got ${JSON.stringify(word)}`, {
      ...(near && { hint: `did you mean ${near}?` }),
    });
  });
  return {
    allowedSecrets: readHashes(options.allowSecrets),
    required,
    testTimeoutMs: 1000 * options.testTimeout,
  };
}

function readHashes(file: string | undefined): ReadonlySet<string> {
  if (file === undefined) return new Set();
  const hashes = new Set<string>();
  for (const [i, text] of readFileSync(file, "utf8").split("\n").entries()) {
    const word = text
      .replace(/#.*/, "")
      .trim()
      .replace(/^sha256:/, "")
      .toLowerCase();
    if (word === "") continue;
    if (!/^[0-9a-f]{64}$/.test(word))
      throw new DataError(
        { file, line: i + 1 },
        "expected a SHA-256 (64 hexadecimal digits), found something else",
      );
    hashes.add(word);
  }
  return hashes;
}

function openRepairer(options: CriticOptions) {
  if (!options.repair) return undefined;
  const choice = chooseEndpoint(options);
  if (choice === undefined)
    throw new UserError("--repair: expected --url of a model that corrects, got none", {
      hint: "give --url http://host:port/v1 and --model, or set SEKFT_URL",
    });
  const endpoint = new ChatEndpoint(choice);
  return { endpoint, attempts: options.repairAttempts, maxTokens: options.repairMaxTokens };
}

/** The runner, or none where that was asked for or cannot be; the note says what then stays null. */
async function openRunner(
  options: CriticOptions,
  terminal: Terminal,
): Promise<(ProgramRunner & AsyncDisposable) | undefined> {
  if (options.sandbox === "none") return undefined;
  try {
    const limits = { memoryBytes: options.memory * 2 ** 20 };
    const runner = await openProgramRunner({ limits });
    if (!runner.can("python"))
      terminal.warn("critic: no Python here that programs can run in; tests in Python stay null");
    return runner;
  } catch (error) {
    if (options.sandbox === "bubblewrap" || !(error instanceof UserError)) throw error;
    terminal.warn(`critic: nothing runs, tests and shell syntax stay null: ${error.message}`);
    if (error.hint) terminal.warn(`hint: ${error.hint}`);
    return undefined;
  }
}

/** Reads every row once, so that a wrong one is told before anything is judged. */
function countRows(file: string): number {
  if (!existsSync(file)) throw new UserError(`--in ${file}: expected candidates, got no such file`);
  let count = 0;
  const ids = new Map<string, number | undefined>();
  for (const { id, place } of candidatesOf(file)) {
    if (ids.has(id)) {
      const first = ids.get(id);
      throw new DataError(
        { ...place, field: "id" },
        `duplicate id ${id}${first ? ` (first on line ${first})` : ""}`,
      );
    }
    ids.set(id, place.line);
    count++;
  }
  if (count === 0) throw new DataError({ file }, "no records");
  return count;
}

function* candidatesOf(file: string): Generator<Candidate> {
  for (const { line, text } of readLines(file)) {
    const place = { file, line };
    yield toCandidate(parseJson(text, place, "line"), place);
  }
}

function keyOf(candidate: Candidate, salt: string): string {
  const content = JSON.stringify([salt, candidate.messages, taskFields(candidate)]);
  return createHash("sha256").update(content).digest("hex");
}

/** Runs `work` over all items, at most `most` at once.
 *  @throws the first error, once what runs has ended */
async function forEachAtOnce<T>(
  items: Iterable<T>,
  most: number,
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  for (const item of items) {
    if (failure || signal.aborted) break;
    const one: Promise<void> = work(item)
      .catch((error) => {
        failure ??= { error };
      })
      .finally(() => running.delete(one));
    running.add(one);
    if (running.size >= most) await Promise.race(running);
  }
  await Promise.all(running);
  if (failure) throw failure.error;
  signal.throwIfAborted();
}
