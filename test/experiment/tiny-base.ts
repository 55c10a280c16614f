// A base for experiments in tests: the tiny Llama of the numeric goldens with a tokenizer of single bytes, so that it can read sessions.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const golden = join(import.meta.dir, "../golden/numeric/models/tiny-llama");
const specials = ["<unk>", "<s>", "</s>", "<|user|>", "<|assistant|>", "<|end|>"];

/** Puts it into `folder`. */
export function tinyBase(folder: string): string {
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(golden, "model.safetensors"), join(folder, "model.safetensors"));
  const config = JSON.parse(readFileSync(join(golden, "config.json"), "utf8"));
  const write = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value));
  write("config.json", {
    ...config,
    max_position_embeddings: 4096,
    eos_token_id: specials.indexOf("<|end|>"),
  });
  write("tokenizer.json", tokenizer());
  write("tokenizer_config.json", {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: "<s>",
    eos_token: "<|end|>",
    chat_template:
      "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}" +
      "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
  });
  return folder;
}

function tokenizer() {
  const vocab = Object.fromEntries([...specials, ...byteLetters()].map((token, id) => [token, id]));
  return {
    version: "1.0",
    added_tokens: specials.map((content, id) => ({
      id,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
    model: {
      type: "BPE",
      vocab,
      merges: [],
      dropout: null,
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
    },
  };
}

/** The letter that stands for each byte (Radford et al. 2019, `bytes_to_unicode`). */
function byteLetters(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    (byte > 32 && byte < 127) || (byte > 160 && byte !== 173)
      ? String.fromCharCode(byte)
      : String.fromCharCode(next++),
  );
}
