// `data/<set>/rows`: what is trained on, in an order that hangs on the seed alone: kept trajectories with replay mixed in, nothing of what
// is held out among them.

import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { removeUnfinished, writeFileAtomic } from "../base/atomic.ts";
import { DataError, UserError } from "../base/errors.ts";
import { Rng } from "../base/rng.ts";
import { readTrajectories } from "../data/read-records.ts";
import { ROLLOUT_FILES } from "../data/rollout-folder.ts";
import type { Scenario } from "../data/scenario.ts";
import { readScenarios } from "../data/scenario-files.ts";
import type { TrajectoryRecord } from "../data/trajectory.ts";
import { hashFiles, sha256 } from "./hashes.ts";
import { HeldOut, type Leak, ofArchetypes } from "./leaks.ts";
import { scenariosOf } from "./scenario-stage.ts";
import { sessionsFolder } from "./session-stage.ts";
import type { DataSpec, ResolvedSpec } from "./spec.ts";
import type { Stage, StageContext } from "./stage.ts";

/** What stands for the replay rows inside the binary. */
const EMBEDDED = "embedded";

/** How many leaking rows the error names before it only counts. */
const NAMED = 10;

/** The stage of one set. */
export function rowStage(spec: ResolvedSpec, set: string): Stage {
  const id = `data/${set}/rows`;
  const data = spec.data[set]!;
  const source = sourceOf(spec, set);
  const scenarios = evaluatedOn(spec, set);
  const { trajectories } = source.data;
  return {
    id,
    kind: "rows",
    set,
    settings: {
      source: source.set,
      without: data.without,
      replay: data.replay,
      seed: data.seed,
      holdout: spec.holdout,
    },
    needs: [
      ...scenarios.map((name) => `scenarios/${name}`),
      ...(trajectories === null ? [`data/${source.set}/sessions`] : []),
    ],
    outside: async ({ machinery }) => ({
      ...(trajectories === null ? {} : { [trajectories]: await hashPath(trajectories) }),
      ...(data.replay === null
        ? {}
        : { [`replay ${data.replay.file}`]: await hashPath(await machinery.replay(data.replay.file)) }),
    }),
    units: 1,
    run: async (context) => ({ facts: await makeRows(spec, set, context) }),
    outputs: async (folder) => hashFiles(join(folder, "data", set), ["rows.jsonl"]),
    keepsParts: false,
  };
}

/** File of the rows of a set. */
export function rowsFile(folder: string, set: string): string {
  return join(folder, "data", set, "rows.jsonl");
}

interface Source {
  readonly set: string;
  readonly data: DataSpec;
}

/** The set whose sessions a set takes: its own, or another's. */
export function sourceOf(spec: ResolvedSpec, set: string): Source {
  const data = spec.data[set]!;
  return data.from === null ? { set, data } : { set: data.from, data: spec.data[data.from]! };
}

/** Scenario sets that arms trained on `set` are evaluated on. */
export function evaluatedOn(spec: ResolvedSpec, set: string): string[] {
  const arms = Object.values(spec.arms).filter(({ data }) => data === set);
  return [...new Set(arms.flatMap(({ scenarios }) => scenarios))].sort();
}

async function makeRows(spec: ResolvedSpec, set: string, context: StageContext) {
  const { folder, machinery, terminal } = context;
  const data = spec.data[set]!;
  const source = sourceOf(spec, set);
  const scenarios = evaluatedOn(spec, set).flatMap((name) => scenariosOf(folder, name));
  const picker = new Picker(data.without, new HeldOut(spec.holdout, scenarios));
  const own = await picker.sessions(source, folder);
  const replay = await picker.replay(data, machinery);
  picker.refuse(`data/${set}`);
  if (own.length === 0)
    throw new UserError(`data/${set}: expected trajectories to train on, got none that are kept`, {
      hint: `${JSON.stringify(picker.leftOut)} were left out`,
    });
  // A row with a verdict carries its own id; others are told apart by where they come from.
  const rows = new Rng(`${data.seed}/rows/${set}`).shuffle([...own, ...replay]);
  const text = rows.map((row) => `${JSON.stringify(rowOf(row))}\n`).join("");
  const facts = {
    rows: rows.length,
    trajectories: own.length,
    replay: replay.length,
    left_out: picker.leftOut,
    archetypes: count(own.map(({ archetype }) => archetype ?? "unknown")),
    checked_against: { holdout: spec.holdout, scenarios: scenarios.length },
    sha256: sha256(text),
  };
  removeUnfinished(join(folder, "data", set), (name) => name.startsWith("rows."));
  writeFileAtomic(rowsFile(folder, set), text);
  writeFileAtomic(join(folder, "data", set, "rows.json"), `${JSON.stringify(facts, null, 1)}\n`);
  for (const [why, n] of Object.entries(picker.leftOut))
    if (why !== "not kept" && why !== "without")
      terminal.note(`experiment: data/${set}: ${n} rows left out: ${why} of what is held out`);
  return facts;
}

/** Takes rows in, counts what it leaves out, and remembers what it has to refuse. */
export class Picker {
  readonly leftOut: Record<string, number> = {};
  private readonly leaks: { readonly record: TrajectoryRecord; readonly leak: Leak }[] = [];

  constructor(
    private readonly without: readonly string[],
    private readonly heldOut: HeldOut,
  ) {}

  /** Kept trajectories in the order of their ids. What this program drew by itself and that happens to be like something held out is left out;
   *  what somebody gave is refused. */
  async sessions({ set, data }: Source, folder: string): Promise<TrajectoryRecord[]> {
    const drawn = data.trajectories === null;
    const path = data.trajectories ?? sessionsFolder(folder, set);
    const bundles = drawn ? bundlesOf(folder, set) : new Map<string, Scenario>();
    const rows: TrajectoryRecord[] = [];
    for await (const record of readTrajectories(path))
      if (!record.keep) this.leave("not kept");
      else if (this.takes(record, bundles.get(record.scenarioId ?? ""), drawn)) rows.push(record);
    return drawn ? rows.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)) : rows;
  }

  /** Sessions that this program drew in scenarios that are known, in the order of their ids. */
  async drawn(
    path: string,
    bundles: ReadonlyMap<string, Scenario>,
    which: "all" | "kept",
  ): Promise<TrajectoryRecord[]> {
    const rows: TrajectoryRecord[] = [];
    for await (const record of readTrajectories(path))
      if (which === "kept" && !record.keep) this.leave("not kept");
      else if (this.takes(record, bundles.get(record.scenarioId ?? ""), true)) rows.push(record);
    return rows.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  }

  async replay(
    { replay, seed }: DataSpec,
    machinery: StageContext["machinery"],
  ): Promise<TrajectoryRecord[]> {
    if (replay === null) return [];
    const path = await machinery.replay(replay.file);
    const rows: TrajectoryRecord[] = [];
    for await (const record of readTrajectories(path))
      if (this.takes(record, undefined, replay.file === EMBEDDED)) rows.push(record);
    if (replay.n === undefined) return rows;
    if (rows.length < replay.n)
      throw new UserError(`${path}: expected ${replay.n} replay rows, got ${rows.length}`, {
        hint: "ask for fewer, or leave n out to take all",
      });
    return new Rng(`${seed}/replay`).sample(rows, replay.n);
  }

  /** @throws DataError naming rows that were given and leak */
  refuse(what: string): void {
    const [first] = this.leaks;
    if (first === undefined) return;
    const named = this.leaks.slice(0, NAMED).map(({ record: { id, place }, leak }) => {
      const at = place.line === undefined ? place.file : `${place.file}:${place.line}`;
      return `${at} ${id} (${leak.why})`;
    });
    const more = this.leaks.length > NAMED ? ` and ${this.leaks.length - NAMED} more` : "";
    throw new DataError(
      first.record.place,
      `expected no row of ${what} that gives away what is held out, found ${this.leaks.length}: ${named.join("; ")}${more}`,
      { hint: "take these rows out of the data, or hold something else out" },
    );
  }

  private takes(record: TrajectoryRecord, bundle: Scenario | undefined, drawn: boolean): boolean {
    if (ofArchetypes(record, bundle, this.without) !== undefined) return this.leave("without");
    const leak = this.heldOut.find(record, bundle);
    if (leak === undefined) return true;
    if (drawn) return this.leave(leak.kind);
    this.leaks.push({ record, leak });
    return false;
  }

  private leave(why: string): false {
    this.leftOut[why] = (this.leftOut[why] ?? 0) + 1;
    return false;
  }
}

/** Scenarios of sessions, by id: those that the rollout wrote, or a teacher's. */
export function bundlesOf(folder: string, set: string): Map<string, Scenario> {
  const places = [
    join(sessionsFolder(folder, set), ROLLOUT_FILES.scenarios),
    join(folder, "data", set, "authored"),
  ];
  const found = places.filter((place) => existsSync(place)).flatMap((place) => readScenarios(place));
  return new Map(found.map((scenario) => [scenario.id, scenario]));
}

/** A row as it stands in rows.jsonl. */
export function rowOf(record: TrajectoryRecord): Record<string, unknown> {
  const { id, turns, archetype } = record;
  const common = { id, ...(archetype === undefined ? {} : { archetype }), turns };
  if (record.shape !== "trajectory") return common;
  const { scenarioId, outcome, verified, terminal, keep } = record;
  return { version: 1, ...common, scenario_id: scenarioId, outcome, verified, terminal, keep };
}

function count(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

async function hashPath(path: string): Promise<string> {
  if (!existsSync(path)) throw new UserError(`${path}: expected trajectories, got nothing there`);
  const files = statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
    : [path];
  const hash = createHash("sha256");
  for (const file of files) for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
