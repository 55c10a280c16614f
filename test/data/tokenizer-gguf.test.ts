// Tokenizers from GGUF metadata: files written here from golden tokenizers must give the goldens' ids again.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadChatFormat } from "../../src/data/chat/load-chat-format.ts";
import { goldenRows, goldenText, temporaryFolder, tokenizerDirectory } from "./golden-text.ts";

const folder = temporaryFolder();
const strings = JSON.parse(goldenText("encode/strings.json")) as string[];

type Value = string | number | boolean | readonly string[] | readonly number[];

/** A GGUF file (version 3) of metadata only; numbers are written as u32, lists of numbers as f32 or i32. */
function writeGguf(name: string, metadata: Readonly<Record<string, Value>>): string {
  const parts: Buffer[] = [];
  const u32 = (n: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(n);
    parts.push(bytes);
  };
  const u64 = (n: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(n));
    parts.push(bytes);
  };
  const text = (value: string) => {
    const bytes = Buffer.from(value);
    u64(bytes.length);
    parts.push(bytes);
  };
  parts.push(Buffer.from("GGUF"));
  u32(3);
  u64(0);
  u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    text(key);
    if (typeof value === "string") {
      u32(8);
      text(value);
    } else if (typeof value === "number") {
      u32(4);
      u32(value);
    } else if (typeof value === "boolean") {
      u32(7);
      parts.push(Buffer.from([value ? 1 : 0]));
    } else {
      const strings = typeof value[0] === "string";
      const float = !strings && (value as number[]).some((n) => n < 0);
      u32(9);
      u32(strings ? 8 : float ? 6 : 5);
      u64(value.length);
      if (strings) for (const item of value as string[]) text(item);
      else parts.push(Buffer.from((float ? Float32Array : Int32Array).from(value as number[]).buffer));
    }
  }
  const file = join(folder, `${name}.gguf`);
  writeFileSync(file, Buffer.concat(parts));
  return file;
}

interface Files {
  readonly added_tokens: { id: number; content: string; special: boolean }[];
  readonly model: { vocab: Record<string, number>; merges: (string | [string, string])[] };
}

function metadataOf(name: string): { tokens: string[]; types: number[]; merges: string[]; template: string } {
  const directory = tokenizerDirectory(name);
  const json = JSON.parse(readFileSync(join(directory, "tokenizer.json"), "utf8")) as Files;
  const config = JSON.parse(readFileSync(join(directory, "tokenizer_config.json"), "utf8")) as {
    chat_template: string;
  };
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(json.model.vocab)) tokens[id] = token;
  const types: number[] = tokens.map((token) => (/^<0x[0-9A-F]{2}>$/.test(token) ? 6 : 1));
  for (const { id, content, special } of json.added_tokens) {
    tokens[id] = content;
    types[id] = special ? 3 : 4;
  }
  for (let id = 0; id < tokens.length; id++) {
    tokens[id] ??= `<unused ${id}>`;
    types[id] ??= 5;
  }
  const merges = json.model.merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" ")));
  return { tokens, types, merges, template: config.chat_template };
}

function expectGoldens(file: string, name: string): void {
  const { tokenizer } = loadChatFormat(file);
  for (const { i, ids, decoded } of goldenRows<{ i: number; ids: number[]; decoded: string }>(
    `encode/${name}.jsonl`,
  )) {
    expect({ i, ids: [...tokenizer.encode(strings[i]!).ids] }).toEqual({ i, ids });
    expect({ i, decoded: tokenizer.decode(ids) }).toEqual({ i, decoded });
  }
}

describe("byte-level", () => {
  test.each([
    ["smollm2-135m-instruct", "smollm"],
    ["llama-3-instruct", "llama-bpe"],
    ["qwen2.5-instruct", "qwen2"],
  ])("%s (pre-tokenizer %s) gives the goldens' ids", (name, pre) => {
    const { tokens, types, merges, template } = metadataOf(name);
    const file = writeGguf(pre, {
      "tokenizer.ggml.model": "gpt2",
      "tokenizer.ggml.pre": pre,
      "tokenizer.ggml.tokens": tokens,
      "tokenizer.ggml.token_type": types,
      "tokenizer.ggml.merges": merges,
      "tokenizer.ggml.bos_token_id": 1,
      "tokenizer.ggml.eos_token_id": 2,
      "tokenizer.chat_template": template,
    });
    expectGoldens(file, name);
  });
});

test("SentencePiece: merges come back from scores, and the chat format with them", () => {
  const name = "mistral-7b-instruct-v0.2-2023";
  const { tokens, types, merges, template } = metadataOf(name);
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const scores = tokens.map(() => -1e6);
  for (const [rank, merge] of [...merges.entries()].reverse())
    scores[ids.get(merge.replace(" ", ""))!] = -rank;
  const file = writeGguf("llama", {
    "tokenizer.ggml.model": "llama",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.scores": scores,
    "tokenizer.ggml.token_type": types,
    "tokenizer.ggml.bos_token_id": 1,
    "tokenizer.ggml.eos_token_id": 2,
    "tokenizer.ggml.unknown_token_id": 0,
    "tokenizer.chat_template": template,
  });
  expectGoldens(file, name);
  const format = loadChatFormat(file);
  expect([format.bosToken, format.eosToken, format.endOfTurn]).toEqual([
    "<s>",
    "</s>",
    { text: "</s>", id: 2 },
  ]);
});

test("the files for an adapter directory are those of the metadata, and load again to the same ids", () => {
  const { tokens, types, merges, template } = metadataOf("smollm2-135m-instruct");
  const metadata = {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.token_type": types,
    "tokenizer.ggml.merges": merges,
    "tokenizer.ggml.eos_token_id": 2,
    "tokenizer.chat_template": template,
  };
  const adapter = temporaryFolder();
  for (const [file, content] of loadChatFormat(writeGguf("again", metadata)).files())
    writeFileSync(join(adapter, file), content);
  expectGoldens(adapter, "smollm2-135m-instruct");
  expect(existsSync(join(adapter, "tokenizer_config.json"))).toBe(true);
});

test("what is not supported or missing is named by its key", () => {
  const base = { "tokenizer.ggml.tokens": ["a"], "tokenizer.chat_template": "x" };
  const load = (metadata: Record<string, Value>) => () => loadChatFormat(writeGguf("bad", metadata));
  expect(load({ ...base, "tokenizer.ggml.model": "bert" })).toThrow(
    'bad.gguf: tokenizer.ggml.model: expected gpt2 or llama, got "bert"',
  );
  expect(load({ ...base, "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "tekken" })).toThrow(
    "tokenizer.ggml.pre: expected one of smollm",
  );
  expect(load({ ...base, "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm" })).toThrow(
    "tokenizer.ggml.merges: expected a list of strings",
  );
  expect(load({ ...base, "tokenizer.ggml.model": "llama" })).toThrow(
    "tokenizer.ggml.scores: expected a list of numbers",
  );
});

test("a base without a tokenizer or a template is named", () => {
  expect(() => loadChatFormat(join(folder, "none"))).toThrow("expected a base (a directory or a GGUF file)");
  expect(() => loadChatFormat(folder)).toThrow(
    "tokenizer.json: expected the base's tokenizer, got no such file",
  );
  const bare = temporaryFolder();
  writeFileSync(
    join(bare, "tokenizer.json"),
    readFileSync(join(tokenizerDirectory("smollm2-135m-instruct"), "tokenizer.json")),
  );
  expect(() => loadChatFormat(bare)).toThrow("tokenizer_config.json: expected a chat_template, got none");
  writeFileSync(
    join(bare, "chat_template.jinja"),
    "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}",
  );
  expect(loadChatFormat(bare).endOfTurn).toEqual({ text: "<|im_end|>", id: 2 });
  writeFileSync(join(bare, "tokenizer.json"), '{"model": {"vocab": {}}}');
  expect(() => loadChatFormat(bare)).toThrow("tokenizer.json: model.merges: expected a list");
});
