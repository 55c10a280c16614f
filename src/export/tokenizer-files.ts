// The tokenizer files that go with an export: the adapter's own where it carries them, or else the base's.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { SekftError } from "../base/errors.ts";
import { readTokenizerDirectory } from "../data/chat/tokenizer-directory.ts";
import { readTokenizerGguf } from "../data/chat/tokenizer-gguf.ts";

/** Files that other programs read instead of tokenizer.json, or beside it. */
const older = ["vocab.json", "merges.txt", "added_tokens.json", "tokenizer.model"];

/** Where the tokenizer and chat template of an adapter are: its own directory, or its base. */
export function tokenizerHome(adapter: string, base: string): string {
  return existsSync(join(adapter, "tokenizer.json")) ? adapter : base;
}

/** Name -> content, and what to tell the user when there is none. */
export function tokenizerFiles(
  adapter: string,
  base: string,
): { readonly files: ReadonlyMap<string, string | Uint8Array>; readonly note?: string } {
  const home = tokenizerHome(adapter, base);
  const files = new Map<string, string | Uint8Array>();
  if (statSync(home).isDirectory()) {
    if (!existsSync(join(home, "tokenizer.json")))
      return { files, note: `${home} has no tokenizer.json: the output has no tokenizer either` };
    for (const [name, text] of readTokenizerDirectory(home).files()) files.set(name, text);
    for (const folder of [base, home])
      for (const name of older)
        if (existsSync(join(folder, name))) files.set(name, readFileSync(join(folder, name)));
    return { files };
  }
  try {
    return { files: readTokenizerGguf(home).files() };
  } catch (error) {
    // A vocabulary of a kind that is not read: the weights are still good.
    if (!(error instanceof SekftError)) throw error;
    return { files, note: `the output has no tokenizer: ${error.message}` };
  }
}
