// A whole experiment: does what is missing, stage by stage, and writes down what it did.

import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { removeUnfinished } from "../base/atomic.ts";
import type { Terminal } from "../base/command.ts";
import { Interrupted } from "../base/errors.ts";
import { lockFolder } from "../base/folder-lock.ts";
import { Interruption } from "../base/interruption.ts";
import { version } from "../base/version.ts";
import { canonicalJson } from "../data/content-hash.ts";
import type { SandboxProvider } from "../sandbox/contract.ts";
import { timeLeft } from "./estimate.ts";
import { openRecord, writeRecord } from "./folder.ts";
import { hashValue } from "./hashes.ts";
import { checkInputs, checkOutputs, hasParts, inputsOf, placeOf } from "./inputs.ts";
import type { Machinery } from "./machinery.ts";
import { planStages } from "./plan-stages.ts";
import type { ExperimentRecord, StageRecord } from "./record.ts";
import type { GivenOptions, ResolvedSpec } from "./spec.ts";
import type { Stage, StageContext } from "./stage.ts";

/** Who wants to know how far it is. */
export interface ExperimentHooks {
  /** Called once when everything that is there already was found to fit, before anything is done. */
  onReady?(): void;
  /** Called when a stage begins (`begun`) and when it ends; stages that were done before are told as `done` once. */
  onStage?(stage: StageRecord): void;
}

/** A stage and how far it is. */
export interface PlannedStage {
  readonly stage: Stage;
  readonly state: "to do" | "begun" | "done";
}

/** Runs what is missing of an experiment in `folder`.
 *  @throws UserError when the folder is another's, or a done stage rests on something that has changed; Interrupted after Ctrl-C: the
 *  same call goes on */
export async function runExperiment(
  spec: ResolvedSpec,
  folder: string,
  machinery: Machinery,
  terminal: Terminal,
  hooks: ExperimentHooks = {},
): Promise<ExperimentRecord> {
  const stages = planStages(spec);
  openRecord(folder);
  mkdirSync(folder, { recursive: true });
  using _lock = lockFolder(folder);
  removeUnfinished(folder, (name) => /^(experiment|quickstart)\./.test(name));
  using interruption = new Interruption();
  await using worlds = new Worlds(machinery, terminal);
  const context: StageContext = {
    spec,
    folder,
    machinery,
    terminal,
    signal: interruption.signal,
    worlds: (given) => worlds.open(given),
  };
  const run = new Run(stages, context, openRecord(folder)?.stages ?? [], hooks);
  await run.takeOver();
  hooks.onReady?.();
  // Awaited here: the lock, the signals and the worlds are held until the last stage is done.
  return await run.finish();
}

/** The stages of an experiment in `folder` and how far each is; changes nothing.
 *  @throws UserError, DataError as {@link runExperiment} does before it begins */
export async function planExperiment(
  spec: ResolvedSpec,
  folder: string,
  machinery: Machinery,
  terminal: Terminal,
): Promise<PlannedStage[]> {
  const stages = planStages(spec);
  const worlds = () => Promise.reject(new Error("a plan opened a world"));
  const { signal } = new AbortController();
  const context = { spec, folder, machinery, terminal, signal, worlds };
  const run = new Run(stages, context, openRecord(folder)?.stages ?? [], {});
  await run.takeOver();
  return stages.map((stage) => ({ stage, state: run.stateOf(stage) }));
}

/** Worlds that stages share, opened when the first one asks. */
class Worlds implements AsyncDisposable {
  private readonly opened = new Map<string, Promise<SandboxProvider>>();

  constructor(
    private readonly machinery: Machinery,
    private readonly terminal: Terminal,
  ) {}

  open(given: GivenOptions): Promise<SandboxProvider> {
    const key = canonicalJson(given);
    const known = this.opened.get(key) ?? this.machinery.openSandbox(given, this.terminal);
    this.opened.set(key, known);
    return known;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const provider of this.opened.values())
      await provider.then(
        (one) => one[Symbol.asyncDispose](),
        () => undefined,
      );
  }
}

class Run {
  private readonly records: Map<string, StageRecord>;
  private readonly made = new Map<string, Readonly<Record<string, string>>>();

  constructor(
    private readonly stages: readonly Stage[],
    private readonly context: StageContext,
    earlier: readonly StageRecord[],
    private readonly hooks: ExperimentHooks,
  ) {
    const known = new Set(stages.map(({ id }) => id));
    this.records = new Map(earlier.filter(({ id }) => known.has(id)).map((record) => [record.id, record]));
  }

  stateOf({ id }: Stage): PlannedStage["state"] {
    if (this.made.has(id)) return "done";
    return this.records.has(id) ? "begun" : "to do";
  }

  /** Holds everything that is there already against what it would be made of now, and takes it over where it fits. */
  async takeOver(): Promise<void> {
    const { folder } = this.context;
    for (const stage of this.stages) {
      const before = this.records.get(stage.id);
      if (before === undefined) continue;
      const outputs = before.state === "done" ? await stage.outputs(folder) : undefined;
      if (before.state === "done" && outputs === undefined) {
        // Somebody took it away, which is how one asks for it again.
        this.records.delete(stage.id);
        continue;
      }
      if (before.state !== "done" && !(stage.keepsParts && hasParts(stage, folder))) continue;
      // What it builds on is made anew, and only then can be compared.
      if (!stage.needs.every((id) => this.made.has(id))) continue;
      checkInputs(stage, before, await inputsOf(stage, this.made, this.context), this.remedy(stage));
      if (before.state !== "done") continue;
      checkOutputs(stage, before, outputs!, folder, this.remedy(stage));
      this.made.set(stage.id, before.outputs);
    }
  }

  async finish(): Promise<ExperimentRecord> {
    const { terminal } = this.context;
    if (this.made.size > 0)
      terminal.note(`experiment: ${this.made.size} of ${this.stages.length} stages are done already`);
    for (const [i, stage] of this.stages.entries()) {
      if (this.made.has(stage.id)) this.hooks.onStage?.(this.records.get(stage.id)!);
      else await this.do(stage, `[${i + 1}/${this.stages.length}] ${stage.id}`);
    }
    return this.write();
  }

  private async do(stage: Stage, title: string): Promise<void> {
    const { context } = this;
    this.stopIfAsked(title);
    const inputs = await inputsOf(stage, this.made, context);
    const before = this.records.get(stage.id);
    if (
      before !== undefined &&
      (stage.keepsParts || before.state === "done") &&
      hasParts(stage, context.folder)
    )
      checkInputs(stage, before, inputs, this.remedy(stage));
    const left = timeLeft(this.stages, this.records);
    context.terminal.note(left === undefined ? title : `${title}  ${left}`);
    const began = performance.now();
    const { id, kind, arm, seed, set, base, settings } = stage;
    const record = (state: StageRecord["state"], more: Partial<StageRecord> = {}): StageRecord => ({
      id,
      kind,
      ...(arm === undefined ? {} : { arm }),
      ...(seed === undefined ? {} : { seed }),
      ...(set === undefined ? {} : { set }),
      ...(base === undefined ? {} : { base }),
      state,
      settings,
      inputs,
      outputs: {},
      seconds: Math.round((before?.seconds ?? 0) * 10 + (performance.now() - began) / 100) / 10,
      sekft: thisSekft(),
      machine: { host_cpus: availableParallelism() },
      facts: {},
      ...more,
    });
    this.put(record("begun"));
    try {
      const { facts, device, sandbox } = await stage.run(context);
      const outputs = await stage.outputs(context.folder);
      if (outputs === undefined) throw new Error(`${id}: it ended without having made anything`);
      const machine = {
        host_cpus: availableParallelism(),
        ...(device === undefined ? {} : { device }),
        ...(sandbox === undefined ? {} : { sandbox }),
      };
      this.made.set(id, outputs);
      this.put(record("done", { outputs, machine, facts }));
    } catch (error) {
      const stopped = error instanceof Interrupted || context.signal.aborted;
      this.putQuietly(record(stopped ? "begun" : "failed"));
      if (!stopped) throw error;
      throw interrupted(title, error);
    }
  }

  /** How to have a stage made again, with everything that builds on it. */
  private remedy(stage: Stage): string {
    const { folder } = this.context;
    const again = new Set([stage.id]);
    for (const { id, needs } of this.stages) if (needs.some((one) => again.has(one))) again.add(id);
    const places = this.stages
      .filter((one) => again.has(one.id) && hasParts(one, folder))
      .map((one) => placeOf(one, folder));
    return `remove ${places.join(", ")} to have ${places.length === 1 ? "it" : "them"} made again`;
  }

  private stopIfAsked(title: string): void {
    if (this.context.signal.aborted) throw interrupted(title);
  }

  private put(record: StageRecord): void {
    this.records.set(record.id, record);
    this.write();
    this.hooks.onStage?.(record);
  }

  /** The error that is on its way matters more than one of writing it down. */
  private putQuietly(record: StageRecord): void {
    try {
      this.put(record);
    } catch {
      this.context.terminal.warn(`experiment: how ${record.id} ended could not be written down`);
    }
  }

  private write(): ExperimentRecord {
    const { spec, folder } = this.context;
    const record: ExperimentRecord = {
      version: 1,
      name: spec.name,
      spec,
      spec_sha256: hashValue(spec),
      sekft: thisSekft(),
      stages: this.stages.flatMap(({ id }) => this.records.get(id) ?? []),
    };
    writeRecord(folder, record);
    return record;
  }
}

function thisSekft(): string {
  const { version: number, commit } = version();
  return `${number} (${commit})`;
}

function interrupted(title: string, cause?: unknown): Interrupted {
  return new Interrupted(`experiment: stopped in ${title}; what is done is kept`, {
    hint: "the same command goes on from here",
    ...(cause === undefined ? {} : { cause }),
  });
}
