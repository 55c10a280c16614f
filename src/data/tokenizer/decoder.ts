// The decoders of a tokenizer.json: token spellings back to text.

import { show, UserError } from "../../base/errors.ts";
import { characterBytes } from "./byte-level.ts";
import { compilePattern } from "./pattern.ts";
import type { PatternJson, StageJson } from "./tokenizer-json.ts";

/** Turns spellings into pieces of text; the text is the pieces joined. */
export type Decoder = (tokens: readonly string[]) => readonly string[];

const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** Builds the decoder; without one, spellings are joined by blanks.
 *  @throws UserError naming a kind that is not supported. */
export function makeDecoder(json: StageJson | null | undefined): Decoder {
  if (json === null || json === undefined) return (tokens) => [tokens.join(" ")];
  switch (json.type) {
    case "Sequence": {
      const stages = (json.decoders as StageJson[]).map(makeDecoder);
      return (tokens) => stages.reduce((now, stage) => stage(now), tokens);
    }
    case "ByteLevel":
      return (tokens) => [lenient.decode(Uint8Array.from(tokens.flatMap(bytesOf)))];
    case "Replace": {
      const pattern = compilePattern(json.pattern as PatternJson);
      const content = String(json.content);
      return (tokens) => tokens.map((token) => token.replace(pattern, () => content));
    }
    case "ByteFallback":
      return byteFallback;
    case "Fuse":
      return (tokens) => [tokens.join("")];
    case "Strip":
      return (tokens) =>
        tokens.map((token) => strip(token, String(json.content), Number(json.start), Number(json.stop)));
    case "Metaspace": {
      const mark = String(json.replacement ?? "▁");
      const prefixed =
        json.prepend_scheme !== undefined ? json.prepend_scheme !== "never" : json.add_prefix_space !== false;
      return (tokens) =>
        tokens.map((token, i) =>
          (i === 0 && prefixed && token.startsWith(mark) ? token.slice(1) : token).replaceAll(mark, " "),
        );
    }
    default:
      throw new UserError(`tokenizer: expected a decoder that sekft knows, got ${show(json.type)}`);
  }
}

function bytesOf(token: string): number[] {
  const bytes = Array.from(token, (c) => characterBytes.get(c));
  // An added token may hold characters outside the byte alphabet: then it stands for its own UTF-8.
  return bytes.includes(undefined) ? [...new TextEncoder().encode(token)] : (bytes as number[]);
}

function byteFallback(tokens: readonly string[]): string[] {
  const out: string[] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length === 0) return;
    try {
      out.push(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes)));
    } catch {
      for (const _ of bytes) out.push("\ufffd");
    }
    bytes = [];
  };
  for (const token of tokens) {
    const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else {
      flush();
      out.push(token);
    }
  }
  flush();
  return out;
}

function strip(token: string, content: string, start: number, stop: number): string {
  let from = 0;
  let to = token.length;
  for (let k = 0; k < start && token.startsWith(content, from) && from < to; k++) from += content.length;
  for (let k = 0; k < stop && to > from && token.slice(0, to).endsWith(content); k++) to -= content.length;
  return token.slice(from, to);
}
