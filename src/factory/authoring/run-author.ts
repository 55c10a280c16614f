// Fills a folder with scenarios: asks an author for candidates, has the gates judge them, keeps both sorts, and can go on
// after a kill. The outcome depends on the settings alone.

import type { Scenario } from "../../data/scenario.ts";
import { markProven, scenarioFields } from "../../data/scenario-json.ts";
import { type Author, isRefusal } from "../author/author.ts";
import type { Judgement } from "../gates/judge.ts";
import type { NearDuplicates } from "../gates/near-duplicates.ts";
import type { AuthorFolder, AuthorRecord } from "./author-folder.ts";
import { inOrder } from "./ordered.ts";

/** Rounds in which archetypes that are short of scenarios get new candidates. */
const ROUNDS = 8;

/** One run. */
export interface AuthorRun {
  readonly folder: AuthorFolder;
  readonly author: Author;
  /** Scenarios wanted. */
  readonly n: number;
  /** Candidates judged at once. */
  readonly jobs: number;
  /** What is in the set already; what is admitted joins it. */
  readonly known: NearDuplicates;
  /** Whether gates run what they judge: written into each bundle. */
  readonly proven: boolean;
  /** Which gates those are. */
  readonly gates: string;
  readonly judge: (
    scenario: Scenario,
    plan: readonly (readonly string[])[],
    signal: AbortSignal,
  ) => Promise<Judgement>;
  readonly onProgress?: (tally: AuthorTally) => void;
  readonly signal?: AbortSignal;
}

/** What a run came to. */
export interface AuthorTally {
  /** Scenarios wanted. */
  readonly n: number;
  readonly tried: number;
  readonly admitted: number;
  /** Candidates refused, by gate. */
  readonly byGate: Readonly<Record<string, number>>;
  readonly byArchetype: Readonly<
    Record<
      string,
      { readonly tried: number; readonly admitted: number; readonly byGate: Readonly<Record<string, number>> }
    >
  >;
}

interface Candidate {
  readonly archetype: string;
  readonly index: number;
}

type Judged =
  | { readonly scenario: Scenario; readonly gate: undefined }
  | {
      readonly scenario: Scenario | undefined;
      readonly gate: string;
      readonly reason: string;
      readonly reject: Record<string, unknown>;
    };

/** Runs until `n` scenarios are admitted or the rounds are used up. */
export async function runAuthor(run: AuthorRun): Promise<AuthorTally> {
  const { folder, author, n } = run;
  const records: AuthorRecord[] = [];
  const earlier = [...folder.records];
  const next = new Map(author.archetypes.map((name) => [name, 0]));
  const tally = () => tallyOf(records, author.archetypes, n);
  const note = (record: AuthorRecord) => {
    records.push(record);
    run.onProgress?.(tally());
  };
  for (let round = 0; round < ROUNDS; round++) {
    const candidates = missing(records, author.archetypes, n, next);
    if (candidates.length === 0) break;
    const known = candidates.filter((_, i) => i < earlier.length);
    for (const candidate of known) note(await recall(run, candidate, earlier.shift()!));
    const fresh = candidates.slice(known.length);
    for await (const { item, result } of inOrder(
      fresh,
      run.jobs,
      (one, signal) => consider(run, one, signal),
      run.signal,
    ))
      note(settle(run, item, result));
  }
  return tally();
}

/** The next candidates: as many of each archetype as it lacks, in turns. */
function missing(
  records: readonly AuthorRecord[],
  archetypes: readonly string[],
  n: number,
  next: Map<string, number>,
): Candidate[] {
  const lacking = archetypes.map((archetype, i) => {
    const wanted = Math.floor(n / archetypes.length) + (i < n % archetypes.length ? 1 : 0);
    return wanted - records.filter((one) => one.archetype === archetype && one.gate === null).length;
  });
  const candidates: Candidate[] = [];
  for (let turn = 0; turn < Math.max(...lacking); turn++)
    for (const [i, archetype] of archetypes.entries()) {
      if (turn >= lacking[i]!) continue;
      const index = next.get(archetype)!;
      next.set(archetype, index + 1);
      candidates.push({ archetype, index });
    }
  return candidates;
}

/** Takes over what an earlier run decided. */
async function recall(run: AuthorRun, candidate: Candidate, record: AuthorRecord): Promise<AuthorRecord> {
  if (record.gate !== null) return record;
  let scenario = run.folder.kept(record.id);
  if (scenario === undefined) {
    const again = await run.author.next(candidate.archetype, candidate.index, run.signal);
    if (isRefusal(again)) return { ...record, gate: again.gate, reason: again.reason };
    scenario = markProven(again.scenario, run.proven, run.gates);
    run.folder.restore(scenario);
  }
  run.known.add(scenario);
  return record;
}

async function consider(
  run: AuthorRun,
  { archetype, index }: Candidate,
  signal: AbortSignal,
): Promise<Judged> {
  const made = await run.author.next(archetype, index, signal);
  if (isRefusal(made)) {
    const { gate, reason, draft } = made;
    return { scenario: undefined, gate, reason, reject: { scenario: draft ?? null, gate, reason } };
  }
  const { scenario, plan } = made;
  const attempts = plan?.solutions.map((solution) => solution.map(({ command }) => command)) ?? [];
  const judgement = await run.judge(scenario, attempts, signal);
  const refused = judgement.results.find(({ passed }) => !passed);
  if (refused === undefined) return { scenario, gate: undefined };
  const { gate, reason, evidence } = refused;
  return { scenario, gate, reason, reject: { scenario: scenarioFields(scenario), gate, reason, evidence } };
}

/** Compares with the set, which must happen in order, and writes down what came of it. */
function settle(run: AuthorRun, { archetype, index }: Candidate, judged: Judged): AuthorRecord {
  const id = judged.scenario?.id ?? `${archetype}-${String(index).padStart(3, "0")}`;
  const refuse = (gate: string, reason: string, reject: Record<string, unknown>) => {
    const record = { archetype, index, id, gate, reason };
    run.folder.reject(reject, record);
    return record;
  };
  if (judged.gate !== undefined) return refuse(judged.gate, judged.reason, judged.reject);
  const near = run.known.gate(judged.scenario);
  if (!near.passed) {
    const { gate, reason, evidence } = near;
    return refuse(gate, reason, { scenario: scenarioFields(judged.scenario), gate, reason, evidence });
  }
  const scenario = markProven(judged.scenario, run.proven, run.gates);
  run.known.add(scenario);
  const record = { archetype, index, id, gate: null, reason: null };
  run.folder.admit(scenario, record);
  return record;
}

function tallyOf(records: readonly AuthorRecord[], archetypes: readonly string[], n: number): AuthorTally {
  const gates = (some: readonly AuthorRecord[]) => {
    const count: Record<string, number> = {};
    for (const { gate } of some) if (gate !== null) count[gate] = (count[gate] ?? 0) + 1;
    return count;
  };
  const admitted = (some: readonly AuthorRecord[]) => some.filter(({ gate }) => gate === null).length;
  return {
    n,
    tried: records.length,
    admitted: admitted(records),
    byGate: gates(records),
    byArchetype: Object.fromEntries(
      archetypes.map((name) => {
        const own = records.filter(({ archetype }) => archetype === name);
        return [name, { tried: own.length, admitted: admitted(own), byGate: gates(own) }];
      }),
    ),
  };
}
