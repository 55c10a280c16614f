// probe-format.json beside an adapter or a model: whether its answers had the form that was asked for. It holds for the weights it was
// made with and for no others.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import { DataError } from "../base/errors.ts";
import { openBase } from "./base-weights.ts";
import { readJsonObject } from "./json-file.ts";

/** Name of the record in the folder. */
export const formatProbeName = "probe-format.json";

/** What a probe found. */
export interface FormatProbeRecord {
  readonly version: 1;
  readonly probe: "format";
  /** Every share reached its threshold. */
  readonly passed: boolean;
  /** What fell short, in words. */
  readonly reasons: readonly string[];
  /** Hash of the weights: of adapter_model.safetensors, or a model's fingerprint. */
  readonly weights: string;
}

/** Writes the record of the weights in `directory`, with whatever else the probe found. */
export function writeFormatProbe(
  directory: string,
  found: Omit<FormatProbeRecord, "version" | "probe" | "weights"> & Readonly<Record<string, unknown>>,
): void {
  put(directory, { version: 1, probe: "format", ...found, weights: weightsHash(directory) });
}

/** The record of the weights in `directory`; undefined when there is none, or it is of other weights.
 *  @throws DataError or UserError for a record that cannot be read */
export function readFormatProbe(directory: string): FormatProbeRecord | undefined {
  const file = join(directory, formatProbeName);
  if (!existsSync(file)) return undefined;
  const record = readJsonObject(file, "the record of a format probe") as Partial<FormatProbeRecord>;
  const { version, passed, reasons, weights } = record;
  const whole = typeof passed === "boolean" && Array.isArray(reasons) && typeof weights === "string";
  if (version !== 1 || !whole)
    throw new DataError({ file }, "expected the record of a format probe, got another shape", {
      hint: "run `sekft probe format` again, or remove the file",
    });
  return weights === weightsHash(directory) ? (record as FormatProbeRecord) : undefined;
}

/** Copies the record of the weights in `from` to `to`, when both have the same. */
export function copyFormatProbe(from: string, to: string): boolean {
  const record = readFormatProbe(from);
  if (record === undefined || record.weights !== weightsHash(to)) return false;
  put(to, record);
  return true;
}

function put(directory: string, record: object): void {
  writeFileAtomic(join(directory, formatProbeName), `${JSON.stringify(record, null, 1)}\n`);
}

/** Ties a record to an adapter's weights, or to a model's. */
function weightsHash(directory: string): string {
  const adapter = join(directory, "adapter_model.safetensors");
  if (existsSync(adapter))
    return `sha256:${createHash("sha256").update(readFileSync(adapter)).digest("hex")}`;
  using base = openBase(directory);
  return base.fingerprint();
}
