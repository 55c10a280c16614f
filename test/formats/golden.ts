// Where the golden files are, how one is copied to be damaged, and how two arrays are compared bit for bit.

import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { widenBF16, widenF16 } from "../../src/formats/dtype.ts";
import type { SafetensorsFile } from "../../src/formats/safetensors.ts";

const golden = join(import.meta.dir, "..", "golden");
export const models = join(golden, "numeric", "models");
export const adapters = join(golden, "numeric", "lora");
export const formats = join(golden, "formats");

/** A new empty folder. */
export function scratch(): string {
  return mkdtempSync(join(tmpdir(), "sekft-formats-"));
}

/** A copy of a golden directory that a test may damage. */
export function copyOf(directory: string): string {
  const copy = scratch();
  cpSync(directory, copy, { recursive: true });
  return copy;
}

/** Replaces one key of a JSON file; undefined removes it. */
export function setKey(path: string, key: string, value: unknown): void {
  const json = JSON.parse(readFileSync(path, "utf8"));
  json[key] = value;
  writeFileSync(path, JSON.stringify(json));
}

/** Values of a float tensor as f32, or the bytes of a U8 tensor. */
export function floats(file: SafetensorsFile, name: string): Float32Array {
  const entry = file.entry(name);
  const bytes = file.readAll(entry);
  if (entry.dtype === "F32") return new Float32Array(bytes.buffer);
  const values = new Float32Array(bytes.length / 2);
  (entry.dtype === "F16" ? widenF16 : widenBF16)(new Uint16Array(bytes.buffer), values, values.length);
  return values;
}

/** How many elements differ in their bits; -1 for another length. */
export function differing(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return -1;
  const [x, y] = [a, b].map((values) => new Uint32Array(values.buffer, values.byteOffset, values.length));
  let count = 0;
  for (let i = 0; i < a.length; i++) if (x![i] !== y![i]) count++;
  return count;
}

/** The message of what `run` throws. */
export function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("expected an error, got none");
}

/** A safetensors file with any header text; `length` overrides what its first 8 bytes claim. */
export function safetensorsBytes(header: string, dataBytes: number, length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}
