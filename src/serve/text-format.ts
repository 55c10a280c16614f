// What a base can do with text: tokenizer and chat template, tokenizer only, or nothing but ids.

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type ChatFormat, promptIds } from "../data/chat/chat-format.ts";
import { loadChatFormat } from "../data/chat/load-chat-format.ts";
import { readTokenizerDirectory } from "../data/chat/tokenizer-directory.ts";
import { readTokenizerGguf } from "../data/chat/tokenizer-gguf.ts";
import type { Turn } from "../data/normalize.ts";
import { Tokenizer } from "../data/tokenizer/tokenizer.ts";
import type { StageJson, TokenizerJson } from "../data/tokenizer/tokenizer-json.ts";
import { readGgufMetadata } from "../formats/gguf-header.ts";

/** A base's way with text. */
export interface TextFormat {
  readonly tokenizer: Tokenizer | undefined;
  /** undefined without a chat template. */
  readonly chat: ChatFormat | undefined;
  /** Ids that the tokenizer's post-processor puts before a text that no template has written. */
  readonly textPrefix: readonly number[];
}

/** Reads a base's tokenizer files; none at all are no failure.
 *  @throws UserError or DataError for files that are there and wrong. */
export function loadTextFormat(base: string, templateFile?: string): TextFormat {
  const isFile = statSync(base, { throwIfNoEntry: false })?.isFile() ?? false;
  const present = isFile
    ? readGgufMetadata(base).has("tokenizer.ggml.tokens")
    : existsSync(join(base, "tokenizer.json"));
  if (!present) return { tokenizer: undefined, chat: undefined, textPrefix: [] };
  const source = isFile ? readTokenizerGguf(base) : readTokenizerDirectory(base);
  const textPrefix = prefixOf(source.json);
  if (source.template === undefined && templateFile === undefined)
    return { tokenizer: new Tokenizer(source.json, source.file), chat: undefined, textPrefix };
  const chat = loadChatFormat(base, templateFile);
  return { tokenizer: chat.tokenizer, chat, textPrefix };
}

/** Ids of a conversation that the assistant is to continue: by default exactly what training puts before an answer.
 *  @throws RefusedError when the turns or the template refuse. */
export function conversationIds(turns: readonly Turn[], chat: ChatFormat, normalize: boolean): Int32Array {
  if (normalize) return promptIds(turns, chat);
  return chat.tokenizer.encode(chat.template.render(turns, true)).ids;
}

/** The special tokens in front of `$A` in a TemplateProcessing stage (tokenizers, `processors::template`). */
function prefixOf({ post_processor: stage }: Pick<TokenizerJson, "post_processor">): number[] {
  if (stage?.type === "Sequence")
    return (stage.processors as StageJson[]).flatMap((inner) => prefixOf({ post_processor: inner }));
  if (stage?.type !== "TemplateProcessing") return [];
  const single = stage.single as { SpecialToken?: { id: string }; Sequence?: unknown }[];
  const tokens = stage.special_tokens as Record<string, { ids: number[] }>;
  const before = single.slice(
    0,
    single.findIndex((piece) => piece.Sequence !== undefined),
  );
  return before.flatMap((piece) => tokens[piece.SpecialToken?.id ?? ""]?.ids ?? []);
}
