// What the folder of an experiment holds, read for a report: whatever is whole is taken, whatever is damaged is named, nothing is written.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { DataError, fileProblem, SekftError, show, UserError } from "../../base/errors.ts";
import { parseJson } from "../../data/parse-json.ts";
import { type Manifest, readManifest } from "../../eval/manifest.ts";
import { checkRecord, type EpisodeRecord, keyText } from "../../eval/record.ts";
import { isObject, type JsonObject, readJsonObject } from "../../formats/json-file.ts";
import { type ExperimentRecord, recordName, type StageRecord } from "../record.ts";

/** Damaged lines of one file that are named before they are only counted. */
const LISTED = 5;

/** A model that was or will be measured: an arm, and its training seed where it has one. */
export interface Unit {
  readonly arm: string;
  readonly seed: number | null;
  /** `base`, `adapter`, `adapter seed 2`. */
  readonly label: string;
}

/** The eval of a unit. */
export interface EvalPart extends Unit {
  readonly stage: StageRecord | undefined;
  readonly manifest: Manifest | undefined;
  readonly episodes: readonly EpisodeRecord[];
}

/** One entry of a training log. */
export type LogEntry = Readonly<Record<string, unknown>> & { readonly step: number };

/** The training of a unit. */
export interface TrainingPart extends Unit {
  readonly stage: StageRecord | undefined;
  readonly folder: string;
  readonly log: readonly LogEntry[];
  readonly manifest: JsonObject | undefined;
  readonly options: JsonObject | undefined;
}

/** A data set. */
export interface DataPart {
  readonly set: string;
  /** rows.json; summary.json of the sessions and of a teacher's scenarios. */
  readonly rows: JsonObject | undefined;
  readonly sessions: JsonObject | undefined;
  readonly authored: JsonObject | undefined;
}

/** Everything that is recorded. */
export interface Recorded {
  readonly folder: string;
  readonly record: ExperimentRecord;
  readonly evals: readonly EvalPart[];
  readonly trainings: readonly TrainingPart[];
  readonly data: readonly DataPart[];
  /** terminals/<base>.json by base. */
  readonly terminals: Readonly<Record<string, JsonObject>>;
  /** Scenario set of an episode, among those of its arm. */
  setOf(arm: string, scenario: string): string;
  /** What is damaged, with file and place below the experiment's folder. */
  readonly damage: readonly string[];
}

/** Reads the folder of an experiment, finished or not.
 *  @throws UserError or DataError where experiment.json is missing or damaged */
export function readRecorded(folder: string): Recorded {
  const record = readRecord(folder);
  const reader = new Reader(folder);
  const units = unitsOf(record);
  const stage = (id: string) => record.stages.find((one) => one.id === id);
  const trained = units.filter(({ seed }) => seed !== null);
  return {
    folder,
    record,
    evals: units.map((unit) => {
      const id = placeOf("eval", unit);
      return {
        ...unit,
        stage: stage(id),
        manifest: reader.manifest(id),
        episodes: reader.episodes(id).map((episode) => ({ ...episode, arm: unit.label })),
      };
    }),
    trainings: trained.map((unit) => {
      const id = placeOf("models", unit);
      return {
        ...unit,
        stage: stage(id),
        folder: join(folder, id),
        log: reader.lines(`${id}/log.jsonl`, toEntry),
        manifest: reader.object(`${id}/manifest.json`, "the manifest of a training run"),
        options: reader.object(`${id}/options.json`, "the options of a training run"),
      };
    }),
    data: Object.keys(record.spec.data).map((set) => ({
      set,
      rows: reader.object(`data/${set}/rows.json`, "facts about rows"),
      sessions: reader.object(`data/${set}/sessions/summary.json`, "the summary of a rollout"),
      authored: reader.object(`data/${set}/authored/summary.json`, "the summary of an authoring run"),
    })),
    terminals: reader.terminals(),
    setOf: (arm, scenario) => {
      const sets = record.spec.arms[arm]?.scenarios ?? [];
      const holds = (set: string) => existsSync(join(folder, "scenarios", set, `${scenario}.json`));
      return (sets.length > 1 ? sets.find(holds) : undefined) ?? sets[0] ?? "scenarios";
    },
    damage: reader.damage,
  };
}

/** Place of a unit's stage below the experiment's folder. */
function placeOf(kind: "eval" | "models", { arm, seed }: Pick<Unit, "arm" | "seed">): string {
  return seed === null ? `${kind}/${arm}` : `${kind}/${arm}/seed-${seed}`;
}

function unitsOf({ spec }: ExperimentRecord): Unit[] {
  return Object.entries(spec.arms).flatMap(([arm, { data, seeds }]): Unit[] =>
    data === null
      ? [{ arm, seed: null, label: arm }]
      : seeds.map((seed) => ({ arm, seed, label: seeds.length === 1 ? arm : `${arm} seed ${seed}` })),
  );
}

function readRecord(folder: string): ExperimentRecord {
  const file = join(folder, recordName);
  if (!existsSync(file))
    throw new UserError(`${folder}: expected the folder of an experiment, got one without ${recordName}`, {
      hint: "sekft experiment run FILE.yaml --out DIR makes one",
    });
  const value = readJsonObject(file, "the record of an experiment");
  const complain = (field: string, expected: string, got: unknown) =>
    new DataError({ file, field }, `expected ${expected}, got ${show(got)}`);
  if (value.version !== 1) throw complain("version", "1", value.version);
  if (!isObject(value.spec)) throw complain("spec", "an object", value.spec);
  for (const part of ["arms", "data", "bases", "scenarios"])
    if (!isObject(value.spec[part])) throw complain(`spec.${part}`, "an object", value.spec[part]);
  for (const [name, arm] of Object.entries(value.spec.arms as JsonObject))
    if (!isObject(arm) || !Array.isArray(arm.seeds) || !Array.isArray(arm.scenarios))
      throw complain(`spec.arms.${name}`, "an arm with seeds and scenarios", arm);
  if (!Array.isArray(value.stages)) throw complain("stages", "a list", value.stages);
  for (const [i, stage] of value.stages.entries())
    if (!isObject(stage) || typeof stage.id !== "string" || typeof stage.state !== "string")
      throw complain(`stages[${i}]`, "a stage with id and state", stage);
  return value as unknown as ExperimentRecord;
}

/** Reads files and remembers what was wrong with them. */
class Reader {
  readonly damage: string[] = [];

  constructor(private readonly folder: string) {}

  object(path: string, what: string): JsonObject | undefined {
    const file = join(this.folder, path);
    if (!existsSync(file)) return undefined;
    return this.trying(() => readJsonObject(file, what));
  }

  manifest(id: string): Manifest | undefined {
    const folder = join(this.folder, id);
    if (!existsSync(join(folder, "manifest.json"))) return undefined;
    return this.trying(() => readManifest(folder));
  }

  episodes(id: string): EpisodeRecord[] {
    const seen = new Set<string>();
    return this.lines(`${id}/episodes.jsonl`, (value, place) => {
      const record = checkRecord(value, place);
      const key = keyText(record);
      if (seen.has(key))
        throw new DataError(
          place,
          `${record.scenario_id}, sample ${record.sample}, a second time; the first counts`,
        );
      seen.add(key);
      return record;
    });
  }

  /** The whole lines of a file that pass `check`; a last line without its end is being written, or was cut short by a kill. */
  lines<T>(path: string, check: (value: unknown, place: { file: string; line: number }) => T): T[] {
    const file = join(this.folder, path);
    if (!existsSync(file)) return [];
    let bytes: Buffer;
    try {
      bytes = readFileSync(file);
    } catch (error) {
      this.damage.push(`${path}: expected to read it, got ${fileProblem(error)}`);
      return [];
    }
    const whole = bytes.lastIndexOf(0x0a) + 1;
    const texts = bytes.toString("utf8", 0, whole).split("\n").slice(0, -1);
    let bad = 0;
    const records = texts.flatMap((text, i): T[] => {
      if (text.trim() === "") return [];
      const place = { file: path, line: i + 1 };
      try {
        return [check(parseJson(text, place, "line"), place)];
      } catch (error) {
        if (!(error instanceof SekftError)) throw error;
        if (bad++ < LISTED) this.damage.push(error.message);
        return [];
      }
    });
    if (bad > LISTED) this.damage.push(`${path}: ${bad - LISTED} more damaged lines`);
    if (whole < bytes.length)
      this.damage.push(
        `${path}: the last ${bytes.length - whole} bytes are no whole line and were not counted`,
      );
    return records;
  }

  terminals(): Record<string, JsonObject> {
    const folder = join(this.folder, "terminals");
    if (!existsSync(folder)) return {};
    const names = readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .sort();
    return Object.fromEntries(
      names.flatMap((name) => {
        const value = this.object(`terminals/${name}`, "what inspect terminals found");
        return value === undefined ? [] : [[name.slice(0, -".json".length), value]];
      }),
    );
  }

  private trying<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SekftError)) throw error;
      this.damage.push(this.withoutFolder(error.message));
      return undefined;
    }
  }

  // A report may be published: it says nothing of where the folder lies.
  private withoutFolder(message: string): string {
    const inside = message.replaceAll(`${this.folder}/`, "");
    return inside.replaceAll(relative(".", this.folder), ".");
  }
}

function toEntry(value: unknown, place: { file: string; line: number }): LogEntry {
  if (!isObject(value) || typeof value.step !== "number")
    throw new DataError(place, `expected an entry of a training log, got ${show(value)}`);
  return value as LogEntry;
}
