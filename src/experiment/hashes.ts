// Hashes of files and of what a stage depends on. Nothing that differs from run to run (times, order of work) goes in.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { canonicalJson } from "../data/content-hash.ts";

/** SHA-256 of a text or of bytes, as hex. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** SHA-256 of a value as JSON, whatever the order of its keys. */
export function hashValue(value: unknown): string {
  return sha256(canonicalJson(value));
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
