// The tokenizer and chat template in a GGUF file's metadata, as the tokenizer.json that they came from.
// Sources: ggml docs/gguf.md; llama.cpp src/llama-vocab.cpp (pre-tokenizers); transformers' GGUF converters.

import { DataError, show } from "../../base/errors.ts";
import { readGgufMetadata } from "../../formats/gguf-header.ts";
import type { AddedTokenJson, BpeJson, StageJson, TokenizerJson } from "../tokenizer/tokenizer-json.ts";
import type { TokenizerSource } from "./tokenizer-directory.ts";

/** Kinds of `tokenizer.ggml.token_type`. */
const CONTROL = 3;
const USER_DEFINED = 4;

const LLAMA3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const QWEN2 = LLAMA3.replace("\\p{N}{1,3}", "\\p{N}");

const byteLevel = (useRegex: boolean): StageJson => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: false,
  use_regex: useRegex,
});
const sequence = (...pretokenizers: StageJson[]): StageJson => ({ type: "Sequence", pretokenizers });
const splitBy = (Regex: string): StageJson => ({
  type: "Split",
  pattern: { Regex },
  behavior: "Isolated",
  invert: false,
});

/** By `tokenizer.ggml.pre`: pre-tokenizer, and what else the name implies. */
const PRE: Readonly<
  Record<
    string,
    { readonly stage: StageJson; readonly normalizer?: StageJson; readonly ignoreMerges?: boolean }
  >
> = {
  smollm: { stage: sequence({ type: "Digits", individual_digits: true }, byteLevel(true)) },
  "llama-bpe": { stage: sequence(splitBy(LLAMA3), byteLevel(false)), ignoreMerges: true },
  "llama-v3": { stage: sequence(splitBy(LLAMA3), byteLevel(false)), ignoreMerges: true },
  llama3: { stage: sequence(splitBy(LLAMA3), byteLevel(false)), ignoreMerges: true },
  qwen2: { stage: sequence(splitBy(QWEN2), byteLevel(false)), normalizer: { type: "NFC" } },
  "gpt-2": { stage: byteLevel(true) },
};

/** Builds the tokenizer of a GGUF file.
 *  @throws DataError naming the metadata key that is missing or not supported. */
export function readTokenizerGguf(file: string): TokenizerSource {
  const metadata = readGgufMetadata(file);
  const tokens = list(metadata, "tokenizer.ggml.tokens", "string", file) as string[];
  const types = (metadata.get("tokenizer.ggml.token_type") as number[] | undefined) ?? [];
  const added = tokens.flatMap((content, id): AddedTokenJson[] =>
    types[id] === CONTROL || types[id] === USER_DEFINED
      ? [
          {
            id,
            content,
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: false,
            special: types[id] === CONTROL,
          },
        ]
      : [],
  );
  const model = metadata.get("tokenizer.ggml.model");
  const json =
    model === "gpt2"
      ? byteLevelJson(metadata, tokens, added, file)
      : model === "llama"
        ? sentencePieceJson(metadata, tokens, added, file)
        : undefined;
  if (json === undefined)
    throw new DataError(
      { file, field: "tokenizer.ggml.model" },
      `expected gpt2 or llama, got ${show(model)}`,
      {
        hint: "use the base's Hugging Face directory instead",
      },
    );
  const variables: Record<string, string> = {};
  for (const [key, name] of [
    ["bos", "bos_token"],
    ["eos", "eos_token"],
    ["unknown", "unk_token"],
    ["padding", "pad_token"],
  ] as const) {
    const id = metadata.get(`tokenizer.ggml.${key}_token_id`);
    const text = typeof id === "number" ? tokens[id] : undefined;
    if (text !== undefined) variables[name] = text;
  }
  const template = metadata.get("tokenizer.chat_template");
  if (template !== undefined && typeof template !== "string")
    throw new DataError(
      { file, field: "tokenizer.chat_template" },
      `expected a string, got ${show(template)}`,
    );
  return {
    json,
    file,
    template,
    templateFile: file,
    variables,
    files: () =>
      new Map([
        ["tokenizer.json", JSON.stringify(json)],
        [
          "tokenizer_config.json",
          `${JSON.stringify({ ...variables, tokenizer_class: "PreTrainedTokenizerFast", clean_up_tokenization_spaces: false, ...(template === undefined ? {} : { chat_template: template }) }, undefined, 2)}\n`,
        ],
      ]),
  };
}

function list(
  metadata: ReadonlyMap<string, unknown>,
  key: string,
  of: "string" | "number",
  file: string,
): unknown[] {
  const value = metadata.get(key);
  if (!Array.isArray(value) || value.some((item) => typeof item !== of))
    throw new DataError(
      { file, field: key },
      `expected a list of ${of}s, got ${Array.isArray(value) ? "other values in it" : show(value)}`,
    );
  return value;
}

function vocabularyOf(tokens: readonly string[]): Record<string, number> {
  const vocabulary: Record<string, number> = Object.create(null) as Record<string, number>;
  for (const [id, token] of tokens.entries()) vocabulary[token] ??= id;
  return vocabulary;
}

function byteLevelJson(
  metadata: ReadonlyMap<string, unknown>,
  tokens: string[],
  added: AddedTokenJson[],
  file: string,
): TokenizerJson {
  const name = metadata.get("tokenizer.ggml.pre") ?? "gpt-2";
  const pre = PRE[String(name)];
  if (pre === undefined)
    throw new DataError(
      { file, field: "tokenizer.ggml.pre" },
      `expected one of ${Object.keys(PRE).join(", ")}, got ${show(name)}`,
      {
        hint: "use the base's Hugging Face directory instead",
      },
    );
  const merges = list(metadata, "tokenizer.ggml.merges", "string", file) as string[];
  const model: BpeJson = {
    type: "BPE",
    unk_token: null,
    byte_fallback: false,
    fuse_unk: false,
    ignore_merges: pre.ignoreMerges === true,
    vocab: vocabularyOf(tokens),
    // GGUF writes a merge as "left right"; neither half holds a blank in the byte alphabet.
    merges: merges.map(
      (merge) => [merge.slice(0, merge.indexOf(" ")), merge.slice(merge.indexOf(" ") + 1)] as const,
    ),
  };
  return {
    added_tokens: added,
    normalizer: pre.normalizer ?? null,
    pre_tokenizer: pre.stage,
    post_processor: null,
    decoder: byteLevel(true),
    model,
  };
}

/** SentencePiece BPE has scores instead of merges: every pair of pieces that makes a piece is a merge, best score first. */
function sentencePieceJson(
  metadata: ReadonlyMap<string, unknown>,
  tokens: string[],
  added: AddedTokenJson[],
  file: string,
): TokenizerJson {
  const scores = list(metadata, "tokenizer.ggml.scores", "number", file) as number[];
  const vocab = vocabularyOf(tokens);
  const special = new Set(added.map((token) => token.content));
  const merges: { left: number; right: number; pair: readonly [string, string]; score: number }[] = [];
  for (const [id, token] of tokens.entries()) {
    if (special.has(token) || token.length < 2) continue;
    for (let cut = 1; cut < token.length; cut++) {
      const left = vocab[token.slice(0, cut)];
      const right = vocab[token.slice(cut)];
      if (left !== undefined && right !== undefined)
        merges.push({ left, right, pair: [token.slice(0, cut), token.slice(cut)], score: scores[id]! });
    }
  }
  merges.sort((a, b) => b.score - a.score || a.left - b.left || a.right - b.right);
  const unknown = metadata.get("tokenizer.ggml.unknown_token_id");
  const prefix = metadata.get("tokenizer.ggml.add_space_prefix") !== false;
  const replace = { type: "Replace", pattern: { String: " " }, content: "▁" };
  return {
    added_tokens: added,
    // As llama.cpp and transformers read such files: a `▁` before the text after every special token.
    normalizer: {
      type: "Sequence",
      normalizers: prefix ? [{ type: "Prepend", prepend: "▁" }, replace] : [replace],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...(prefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: "BPE",
      unk_token: typeof unknown === "number" ? (tokens[unknown] ?? null) : null,
      byte_fallback: true,
      fuse_unk: true,
      ignore_merges: false,
      vocab,
      merges: merges.map(({ pair }) => pair),
    },
  };
}
