// Windows of a run: at some steps the suites measure the checkpoint, and the rules say whether training goes on. Everything stands in
// gates.jsonl: a suite that ended at a step is not run again, and what was decided follows from its figures alone.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../base/atomic.ts";
import { Journal } from "../../base/journal.ts";
import type { BaseModel } from "../../model/base-model.ts";
import type { SuiteMetrics } from "./read-rules.ts";
import { type Figures, judge, type Rule, type Verdict, type Window } from "./rules.ts";

/** The model as it is in a window, until disposed of. */
export interface OpenWindow extends AsyncDisposable {
  /** Runs one suite.
   *  @throws Interrupted when `signal` is given up */
  run(suite: string, signal: AbortSignal): Promise<Figures>;
}

/** What is measured. */
export interface WindowSubject {
  /** Loaded, with the weights of the step. */
  readonly base: BaseModel;
  /** Checkpoint of the step: a PEFT directory where an adapter is trained. */
  readonly checkpoint: string;
  /** The model of the step, where weights of the base are trained. */
  readonly model: string | undefined;
  readonly step: number;
  /** Where the suites may write. */
  readonly folder: string;
}

/** The windows of a run: when they are, and who measures; the trainer knows no suite. */
export interface WindowSettings {
  /** Steps between two windows. */
  readonly every: number;
  /** One more after the last step. */
  readonly atEnd: boolean;
  readonly suites: readonly SuiteMetrics[];
  readonly rules: readonly Rule[];
  open(subject: WindowSubject): Promise<OpenWindow>;
}

/** What was decided at a step. */
export interface Decision {
  readonly step: number;
  readonly decision: "stop" | "go on";
  /** Of the rules that stop it. */
  readonly reasons: readonly string[];
  readonly rules: readonly Verdict[];
}

interface SuiteRecord {
  readonly kind: "suite";
  readonly step: number;
  readonly suite: string;
  readonly figures: Figures;
  readonly seconds: number;
}

type GateRecord = SuiteRecord | ({ readonly kind: "decision" } & Decision);

/** Name of the record in the run folder. */
export const gatesName = "gates.jsonl";
/** Folder under the run folder where suites write. */
export const windowsName = "windows";

/** True when a window follows the update `step` of `totalSteps`. A rule about a step is asked at that step. */
export function isWindow(
  { every, atEnd, rules }: Pick<WindowSettings, "every" | "atEnd" | "rules">,
  step: number,
  totalSteps: number,
): boolean {
  if (step === 0) return false;
  const asked = rules.some((rule) => rule.kind === "needs" && rule.afterStep === step);
  return step % every === 0 || asked || (atEnd && step === totalSteps);
}

/** The open record of a run's windows. */
export class Windows implements Disposable {
  private readonly journal: Journal;
  private readonly records: GateRecord[];

  /** @param step where the run goes on; records of later steps are dropped, as later checkpoints are.
   *  @throws UserError or DataError for a record that cannot be read or written */
  constructor(
    private readonly out: string,
    private readonly settings: WindowSettings,
    step: number,
  ) {
    const path = join(out, gatesName);
    if (existsSync(path)) dropLater(path, step);
    this.journal = new Journal(path);
    this.records = [...(this.journal.records as readonly GateRecord[])];
  }

  /** Runs the suites that have not ended at this step, decides, and writes both down.
   *  @throws what a suite throws; figures of the suites before it are kept */
  async decide(subject: Omit<WindowSubject, "folder">, signal: AbortSignal): Promise<Decision> {
    const { step } = subject;
    const missing = this.settings.suites.filter(({ name }) => !this.figures(step).has(name));
    if (missing.length > 0) {
      const folder = join(this.out, windowsName, `step-${step}`);
      mkdirSync(folder, { recursive: true });
      await using open = await this.settings.open({ ...subject, folder });
      for (const { name: suite } of missing) {
        const began = performance.now();
        const figures = await open.run(suite, signal);
        const seconds = (performance.now() - began) / 1000;
        this.write({ kind: "suite", step, suite, figures, seconds });
      }
    }
    const decision = this.decisionAt(step);
    const before = this.records.findLast((one) => one.kind === "decision" && one.step === step);
    const record = { kind: "decision" as const, ...decision };
    if (JSON.stringify(before) !== JSON.stringify(record)) this.write(record);
    return decision;
  }

  private decisionAt(step: number): Decision {
    const windows = this.windowsUpTo(step);
    const rules = this.settings.rules.map((rule) => judge(rule, windows));
    const stops = rules.filter(({ stop }) => stop);
    return {
      step,
      decision: stops.length > 0 ? "stop" : "go on",
      reasons: stops.map(({ rule, why }) => `${rule}: ${why}`),
      rules,
    };
  }

  private windowsUpTo(step: number): Window[] {
    const steps = new Set(this.records.flatMap((one) => (one.step <= step ? [one.step] : [])));
    return [...steps]
      .sort((a, b) => a - b)
      .map((at) => ({ step: at, figures: Object.fromEntries(this.figures(at)) }));
  }

  /** What each suite measured at a step. */
  figures(step: number): Map<string, Figures> {
    return new Map(
      this.records.flatMap((one) =>
        one.kind === "suite" && one.step === step ? [[one.suite, one.figures] as const] : [],
      ),
    );
  }

  private write(record: GateRecord): void {
    this.journal.append(record);
    this.records.push(record);
  }

  [Symbol.dispose](): void {
    this.journal[Symbol.dispose]();
  }
}

function dropLater(path: string, step: number): void {
  const records = readGates(path);
  const kept = records.filter((record) => record.step <= step);
  if (kept.length < records.length)
    writeFileAtomic(path, kept.map((record) => `${JSON.stringify(record)}\n`).join(""));
}

function readGates(path: string): readonly GateRecord[] {
  using journal = new Journal(path);
  return journal.records as readonly GateRecord[];
}
