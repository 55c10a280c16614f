// Hashes of files and of what a stage depends on. Nothing that differs from run to run (times, order of work) goes in.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** SHA-256 of a text or of bytes, as hex. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** SHA-256 of a value as JSON, whatever the order of its keys. */
export function hashValue(value: unknown): string {
  return sha256(canonical(value));
}

/** SHA-256 of files below `folder`, by name; undefined when one of them is missing. */
export function hashFiles(folder: string, names: readonly string[]): Record<string, string> | undefined {
  const files = names.map((name) => [name, join(folder, name)] as const);
  if (!files.every(([, file]) => existsSync(file))) return undefined;
  return Object.fromEntries(files.map(([name, file]) => [name, sha256(readFileSync(file))]));
}

/** SHA-256 over values, whatever their order. */
export function hashSet(values: readonly unknown[]): string {
  return sha256(values.map(hashValue).sort().join("\n"));
}

/** JSON with keys in order; values that are not there count as not written. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
