// The base inside the binary: a Llama of 2.4 million parameters that knows the shell and has never seen a self-directed session.
// base/README.md says how it was made and what it saw.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import { fileProblem, UserError } from "../base/errors.ts";
import config from "./base/config.json" with { type: "file" };
import generationConfig from "./base/generation_config.json" with { type: "file" };
import weights from "./base/model.safetensors" with { type: "file" };
import replay from "./base/replay.jsonl" with { type: "file" };
import tokenizer from "./base/tokenizer.json" with { type: "file" };
import tokenizerConfig from "./base/tokenizer_config.json" with { type: "file" };

// Imported as files, which TypeScript takes for what is in them.
const carried: Readonly<Record<string, unknown>> = {
  "config.json": config,
  "generation_config.json": generationConfig,
  "model.safetensors": weights,
  "replay.jsonl": replay,
  "tokenizer.json": tokenizer,
  "tokenizer_config.json": tokenizerConfig,
};

/** The folder of the embedded base, as transformers' `from_pretrained` reads it. Other code reads models from folders, so its files
 *  are laid out in the cache ($XDG_CACHE_HOME/sekft, or ~/.cache/sekft) once; the folder's name holds their hash, and a file that
 *  is missing or damaged is written again.
 *  @throws UserError where the cache cannot be written */
export function embeddedBase(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const files = Object.entries(carried).map(
    ([name, path]) => [name, new Uint8Array(readFileSync(String(path)))] as const,
  );
  const hash = createHash("sha256");
  for (const [name, bytes] of files) hash.update(`${name} ${bytes.length}\n`).update(bytes);
  const cache = environment.XDG_CACHE_HOME || join(environment.HOME || homedir(), ".cache");
  const folder = join(cache, "sekft", `embedded-base-${hash.digest("hex").slice(0, 12)}`);
  try {
    mkdirSync(folder, { recursive: true });
    for (const [name, bytes] of files)
      if (!isSame(join(folder, name), bytes)) writeFileAtomic(join(folder, name), bytes);
  } catch (cause) {
    throw new UserError(`the embedded base: expected to lay it out in ${folder}, got ${fileProblem(cause)}`, {
      hint: "set XDG_CACHE_HOME to a folder that can be written",
      cause,
    });
  }
  return folder;
}

/** Sessions of the base's own training text without work of the kinds that the quickstart holds out, as rows to train on: mixed into an
 *  adapter's data they keep it from forgetting. The words that ended a piece of work there are masked.
 *  @throws UserError where the cache cannot be written */
export function replayFile(environment?: Readonly<Record<string, string | undefined>>): string {
  return join(embeddedBase(environment), "replay.jsonl");
}

function isSame(path: string, bytes: Uint8Array): boolean {
  try {
    return readFileSync(path).equals(bytes);
  } catch {
    return false;
  }
}
