// Plain text as TRL tokenises it: the tokenizer's own special tokens around it, the end of text behind each completion.

import type { ChatFormat } from "../chat/chat-format.ts";
import { MASKED } from "../encode-trajectory.ts";

/** Ids and labels of both sides; the completion begins where the ids of the prompt alone end to be those of both.
 *  Source: TRL's dpo_trainer.py `tokenize_fn`. */
export function encodePlain(
  {
    prompt,
    chosen,
    rejected,
  }: { readonly prompt: string; readonly chosen: string; readonly rejected: string },
  format: ChatFormat,
): { inputIds: Int32Array; labels: Int32Array }[] {
  const { before, after } = surroundings(format);
  const end = format.eosToken ?? "";
  const ids = (text: string) => [...before, ...format.tokenizer.encode(text).ids, ...after];
  const sides = [chosen, rejected].map((text) => ids(prompt + (text.endsWith(end) ? text : text + end)));
  const alone = ids(prompt);
  const shared = Math.min(...sides.map((side) => commonLength(alone, side)));
  return sides.map((side) => ({
    inputIds: Int32Array.from(side),
    labels: Int32Array.from(side, (id, i) => (i < shared ? MASKED : id)),
  }));
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const first = a.findIndex((id, i) => id !== b[i]);
  return first < 0 ? a.length : first;
}

/** Ids that tokenizer.json's post-processor puts around one text. */
function surroundings(format: ChatFormat): { before: number[]; after: number[] } {
  const text = format.files().get("tokenizer.json");
  const root = text === undefined ? undefined : (JSON.parse(text) as { post_processor?: Processor | null });
  const all = root?.post_processor ? [root.post_processor, ...(root.post_processor.processors ?? [])] : [];
  const template = all.find(({ type }) => type === "TemplateProcessing")?.single ?? [];
  const sequence = template.findIndex((piece) => piece.Sequence !== undefined);
  const idsOf = (pieces: typeof template) =>
    pieces.flatMap(({ SpecialToken: token }) => {
      const id = token && format.tokenizer.idOf(token.id);
      return id === undefined ? [] : [id];
    });
  if (sequence < 0) return { before: [], after: [] };
  return { before: idsOf(template.slice(0, sequence)), after: idsOf(template.slice(sequence + 1)) };
}

interface Processor {
  readonly type: string;
  readonly processors?: readonly Processor[];
  readonly single?: readonly {
    readonly SpecialToken?: { readonly id: string };
    readonly Sequence?: unknown;
  }[];
}
