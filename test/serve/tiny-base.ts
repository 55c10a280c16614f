// A tiny base that can talk: the goldens' random Llama with a tokenizer of single bytes and ChatML.

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { characterBytes } from "../../src/data/tokenizer/byte-level.ts";

const numeric = join(import.meta.dir, "..", "golden", "numeric");

/** An adapter for the tiny base. */
export const tinyAdapter = join(numeric, "lora", "llama-qkvo");
/** Another one. */
export const otherAdapter = join(numeric, "lora", "llama-rslora");
/** One for another base. */
export const foreignAdapter = join(numeric, "lora", "mistral-all");
/** The base without tokenizer files. */
export const bareBase = join(numeric, "models", "tiny-llama");

/** A folder of its own that is gone when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sekft-serve-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const special = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"];

/** ChatML without a default system turn. */
const template =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/** Makes the base in `folder`. */
export function makeTalkingBase(folder: string): string {
  const base = join(folder, "tiny");
  mkdirSync(base, { recursive: true });
  cpSync(bareBase, base, { recursive: true });
  const vocab = Object.fromEntries(
    [...special, ...[...characterBytes].sort(([, a], [, b]) => a - b).map(([character]) => character)].map(
      (token, id) => [token, id],
    ),
  );
  const tokenizer = {
    version: "1.0",
    added_tokens: special.map((content, id) => ({ id, content, special: true, normalized: false })),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: false },
    post_processor: null,
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab, merges: [] },
  };
  writeFileSync(join(base, "tokenizer.json"), JSON.stringify(tokenizer));
  writeFileSync(
    join(base, "tokenizer_config.json"),
    JSON.stringify({ bos_token: "<s>", eos_token: "</s>", chat_template: template }),
  );
  return base;
}
