// The folder of an experiment: whose it is, and experiment.json in it.

import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import { DataError, UserError } from "../base/errors.ts";
import { isFields } from "../data/turn-checks.ts";
import { readJsonObject } from "../formats/json-file.ts";
import { type ExperimentRecord, recordName } from "./record.ts";

/** The record in `folder`; undefined for a folder in which no experiment was begun.
 *  @throws UserError when the folder is something else's, DataError when the record is damaged */
export function openRecord(folder: string): ExperimentRecord | undefined {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (!stat.isDirectory()) throw new UserError(`--out ${folder}: expected a folder, got a file`);
  if (existsSync(join(folder, recordName))) return readRecord(folder);
  // What may be there before the first stage: the file itself, a log beside it, a lock.
  const others = readdirSync(folder).filter((name) => !/^(\.lock|experiment\.|quickstart\.)/.test(name));
  if (others.length > 0)
    throw new UserError(
      `--out ${folder}: expected an empty folder or one of an experiment, got one with ${others[0]}`,
      { hint: "choose another folder; nothing was changed" },
    );
  return undefined;
}

/** The record in `folder`.
 *  @throws UserError when there is none, DataError when it is damaged */
export function readRecord(folder: string): ExperimentRecord {
  const file = join(folder, recordName);
  if (!existsSync(file))
    throw new UserError(`${folder}: expected the folder of an experiment, got one without ${recordName}`, {
      hint: "sekft experiment run FILE --out DIR makes one",
    });
  const hint = `put back a copy of it, or move ${folder} away and run the experiment again`;
  let record: Readonly<Record<string, unknown>>;
  try {
    record = readJsonObject(file, "an experiment's record");
  } catch (error) {
    if (error instanceof DataError) throw new DataError(error.place, error.complaint, { hint, cause: error });
    throw error;
  }
  const { version, spec, stages } = record;
  if (version !== 1)
    throw new DataError(
      { file, field: "version" },
      `expected 1, got ${JSON.stringify(version) ?? "nothing"}`,
      {
        hint: "the folder was written by another version of sekft: use that one",
      },
    );
  if (!isFields(spec) || !isFields(spec.arms))
    throw new DataError({ file, field: "spec" }, "expected an experiment", { hint });
  const damaged = Array.isArray(stages)
    ? stages.findIndex((stage) => !isFields(stage) || typeof stage.id !== "string" || !isFields(stage.inputs))
    : 0;
  if (damaged >= 0 && (!Array.isArray(stages) || stages.length > 0))
    throw new DataError({ file, field: `stages[${damaged}]` }, "expected a stage", { hint });
  return record as unknown as ExperimentRecord;
}

/** Writes the record. */
export function writeRecord(folder: string, record: ExperimentRecord): void {
  writeFileAtomic(join(folder, recordName), `${JSON.stringify(record, null, 1)}\n`);
}
