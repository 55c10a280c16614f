// `sekft generate`: one answer, or a conversation at a terminal.

import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { defineCommand } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import { printable } from "../base/terminal.ts";
import type { Turn } from "../data/normalize.ts";
import type { GenerateFlags } from "../generate/generate-options.ts";
import { generateOptions, samplingOf } from "../generate/generate-options.ts";
import type { TextFormat } from "../serve/text-format.ts";

export const generate = defineCommand({
  name: "generate",
  summary: "Answers a prompt, a conversation, or you at a terminal",
  description:
    "Renders messages exactly as training does: the same normalisation, chat template and tokenizer. Without --prompt, --messages or --ids it asks at the terminal and keeps the conversation. --json prints text, ids, log probabilities, finish_reason, usage and speeds.",
  options: generateOptions,
  examples: [
    {
      line: 'sekft generate --base ./SmolLM2-135M-Instruct --adapter ./ckpt --prompt "List the files here."',
      does: "one greedy answer of the adapted base",
    },
    {
      line: "sekft generate --base model.gguf --messages chat.json --temperature 0.7 --top-p 0.9 --seed 1 --json",
      does: "samples the next turn of a conversation, as JSON",
    },
    { line: "sekft generate --base ./SmolLM2-135M-Instruct", does: "a conversation at the terminal" },
  ],
  async run(flags, terminal) {
    const given = [flags.prompt, flags.messages, flags.ids].filter((value) => value !== undefined).length;
    if (given > 1)
      throw new UserError("generate: expected one of --prompt, --messages and --ids, got several");
    if (given === 0 && (!isatty(0) || terminal.json))
      throw new UserError("generate: expected --prompt, --messages or --ids, got none", {
        hint: "without them it asks at a terminal, and standard input is none",
      });
    if (flags.raw && flags.prompt === undefined)
      throw new UserError("--raw: expected --prompt, got none", { hint: "it is about the text of --prompt" });
    const { loadTextFormat } = await import("../serve/text-format.ts");
    const text = loadTextFormat(flags.base, flags.chatTemplate);
    const ask = await questionOf(flags, text);
    const { openEngine, onlyAdapter } = await import("../generate/open-engine.ts");
    const { chat, tokenizer } = text;
    const endTokenIds = chat?.endOfTurn ? [chat.endOfTurn.id] : [];
    using opened = await openEngine(flags, { tokenizer, endTokenIds }, terminal);
    const { engine, device } = opened;
    const adapter = flags.adapter === undefined ? undefined : onlyAdapter;
    const options = samplingOf(flags);
    if (given === 0) {
      const { converse } = await import("../generate/converse.ts");
      const opening = systemTurn(flags);
      await converse({ engine, adapter, options, opening, promptIds: ask, write }, terminal);
      return;
    }
    const { answerJson, answerNote, readAnswer } = await import("../generate/report-answer.ts");
    const streaming = isatty(1) && !terminal.json && tokenizer !== undefined;
    const promptIds = ask([]);
    const answer = await readAnswer(
      engine.generate({ promptIds, adapter, options }),
      streaming ? write : () => undefined,
    );
    if (terminal.json) {
      const about = { base: flags.base, adapter: flags.adapter ?? null, normalize: flags.normalize };
      terminal.out(answerJson(answer, { ...about, tier: device.tier, device: device.facts.name }));
      return;
    }
    if (streaming) write("\n");
    else terminal.out(tokenizer ? answer.text : answer.tokens.map(({ id }) => id).join(" "));
    terminal.note(answerNote(answer, engine.contextTokens));
  },
});

/** Ids of the prompt. What is given on the command line is read at once, so that what is wrong with it is said before anything is
 *  loaded; at a terminal, the turns come later. */
async function questionOf(
  flags: GenerateFlags,
  text: TextFormat,
): Promise<(turns: readonly Turn[]) => readonly number[]> {
  const { readIds, readMessages } = await import("../generate/read-prompt.ts");
  const { conversationIds } = await import("../serve/text-format.ts");
  const fixed = (ids: ArrayLike<number>) => () => Array.from(ids);
  if (flags.ids !== undefined) return fixed(readIds(flags.ids));
  const { chat, tokenizer, textPrefix } = text;
  if (!tokenizer)
    throw new UserError(`${flags.base}: expected tokenizer files, got none`, {
      hint: "a base without them takes --ids FILE",
    });
  if (flags.raw) return fixed([...textPrefix, ...tokenizer.encode(flags.prompt ?? "").ids]);
  if (!chat)
    throw new UserError(`${flags.base}: expected a chat_template, got none`, {
      hint: "give one with --chat-template FILE, or --raw to continue a plain text",
    });
  const ask = (turns: readonly Turn[]) =>
    Array.from(rendered(() => conversationIds(turns, chat, flags.normalize)));
  if (flags.messages !== undefined)
    return fixed(ask([...systemTurn(flags), ...readMessages(flags.messages)]));
  if (flags.prompt !== undefined)
    return fixed(ask([...systemTurn(flags), { role: "user", content: flags.prompt }]));
  return ask;
}

function systemTurn({ system }: GenerateFlags): Turn[] {
  return system === undefined ? [] : [{ role: "system", content: system }];
}

function rendered<V>(render: () => V): V {
  try {
    return render();
  } catch (error) {
    if ((error as Error).name !== "RefusedError") throw error;
    throw new UserError(`generate: the chat template refuses the conversation: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Writes a piece of an answer; control characters are spelled out, as a terminal would obey them. */
function write(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  writeSync(1, text.replace(/(?![\n\t])[\x00-\x1f\x7f-\x9f]/g, printable));
}
