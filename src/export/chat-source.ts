// The chat template of an adapter or its base as the exports need it: text, variables, what closes a turn, and whether other
// programs put the bos token in front by themselves.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ChatTemplate } from "../data/chat/chat-template.ts";
import { loadChatFormat } from "../data/chat/load-chat-format.ts";
import { readTokenizerDirectory, type TokenizerSource } from "../data/chat/tokenizer-directory.ts";
import { readTokenizerGguf } from "../data/chat/tokenizer-gguf.ts";
import { readGgufMetadata } from "../formats/gguf-header.ts";
import { isObject } from "../formats/json-file.ts";

/** What a tokenizer home says about conversations. */
export interface ChatSource {
  /** Named in messages. */
  readonly file: string;
  readonly bosToken: string | undefined;
  /** What ends an assistant turn, and the tokenizer's own end token. */
  readonly stops: readonly string[];
  /** The template at a moment of time, for templates that write the date. */
  readonly templateAt: (now: Date) => ChatTemplate;
}

/** Reads the chat template of a directory or GGUF file.
 *  @throws UserError or DataError when there is none. */
export function readChatSource(home: string): ChatSource {
  const format = loadChatFormat(home);
  const source = isDirectory(home) ? readTokenizerDirectory(home) : readTokenizerGguf(home);
  const stops = [format.endOfTurn?.text, format.eosToken].filter((text) => text !== undefined && text !== "");
  return {
    file: source.templateFile,
    bosToken: format.bosToken,
    stops: [...new Set(stops as string[])],
    templateAt: (now) => new ChatTemplate(format.template.source, source.variables, source.templateFile, now),
  };
}

/** True when llama.cpp, and so Ollama, will put the bos token in front of every prompt of this base: what its GGUF file says, or
 *  what a conversion will make of tokenizer_config.json and the post-processor of tokenizer.json. */
export function runtimeAddsBos(home: string): boolean {
  if (isDirectory(home)) return directoryAddsBos(home, readTokenizerDirectory(home));
  const metadata = readGgufMetadata(home);
  const said = metadata.get("tokenizer.ggml.add_bos_token");
  if (typeof said === "boolean") return said;
  // llama.cpp's defaults (llama-vocab.cpp): yes for sentencepiece vocabularies and Llama 3's.
  const pre = metadata.get("tokenizer.ggml.pre");
  return (
    metadata.get("tokenizer.ggml.model") === "llama" ||
    pre === "llama3" ||
    pre === "llama-v3" ||
    pre === "llama-bpe"
  );
}

function directoryAddsBos(home: string, { json, variables }: TokenizerSource): boolean {
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(join(home, "tokenizer_config.json"), "utf8"));
  } catch {
    config = {};
  }
  if (isObject(config) && typeof config.add_bos_token === "boolean") return config.add_bos_token;
  const bos = variables.bos_token;
  const processor = (json as unknown as Record<string, unknown>).post_processor;
  return bos !== undefined && isObject(processor) && JSON.stringify(processor).includes(JSON.stringify(bos));
}

function isDirectory(path: string): boolean {
  return statSync(path).isDirectory();
}
