// probe-format.json beside an adapter: whether its answers had the form that was asked for. It holds for the weights it was
// made with and for no others.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import { DataError } from "../base/errors.ts";
import { readJsonObject } from "./json-file.ts";

/** Name of the record in an adapter's folder. */
export const formatProbeName = "probe-format.json";

/** What a probe found of an adapter. */
export interface FormatProbeRecord {
  readonly version: 1;
  readonly probe: "format";
  /** Every share reached its threshold. */
  readonly passed: boolean;
  /** What fell short, in words. */
  readonly reasons: readonly string[];
  /** Of adapter_model.safetensors, `sha256:` and hex. */
  readonly adapter_sha256: string;
}

/** Hash that ties a record to an adapter's weights. */
function adapterHash(directory: string): string {
  const bytes = readFileSync(join(directory, "adapter_model.safetensors"));
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Writes the record of the adapter in `directory`, with whatever else the probe found. */
export function writeFormatProbe(
  directory: string,
  found: Omit<FormatProbeRecord, "version" | "probe" | "adapter_sha256"> & Readonly<Record<string, unknown>>,
): void {
  const record = { version: 1, probe: "format", ...found, adapter_sha256: adapterHash(directory) };
  writeFileAtomic(join(directory, formatProbeName), `${JSON.stringify(record, null, 1)}\n`);
}

/** The record of the adapter in `directory`; undefined when there is none, or it is of other weights.
 *  @throws DataError or UserError for a record that cannot be read */
export function readFormatProbe(directory: string): FormatProbeRecord | undefined {
  const file = join(directory, formatProbeName);
  if (!existsSync(file)) return undefined;
  const record = readJsonObject(file, "the record of a format probe") as Partial<FormatProbeRecord>;
  const { version, passed, reasons, adapter_sha256 } = record;
  const whole = typeof passed === "boolean" && Array.isArray(reasons) && typeof adapter_sha256 === "string";
  if (version !== 1 || !whole)
    throw new DataError({ file }, "expected the record of a format probe, got another shape", {
      hint: "run `sekft probe format --adapter` again, or remove the file",
    });
  return adapter_sha256 === adapterHash(directory) ? (record as FormatProbeRecord) : undefined;
}

/** Copies the record of the adapter in `from` beside the one in `to`, when both have the same weights. */
export function copyFormatProbe(from: string, to: string): boolean {
  const record = readFormatProbe(from);
  if (record === undefined || record.adapter_sha256 !== adapterHash(to)) return false;
  writeFileAtomic(join(to, formatProbeName), `${JSON.stringify(record, null, 1)}\n`);
  return true;
}
