// A conversation at a terminal: a prompt with history, answers as they come, Ctrl-C for the answer under way and then for the end.

import { createInterface } from "node:readline/promises";
import type { Terminal } from "../base/command.ts";
import { SekftError } from "../base/errors.ts";
import type { Turn } from "../data/normalize.ts";
import type { Engine, GenerateOptions } from "./engine.ts";
import { answerNote, readAnswer } from "./report-answer.ts";

/** What a conversation needs. */
export interface Conversation {
  readonly engine: Engine;
  readonly adapter: string | undefined;
  readonly options: GenerateOptions;
  /** Turns before the first question. */
  readonly opening: readonly Turn[];
  /** Ids of a conversation that the assistant is to continue. */
  readonly promptIds: (turns: readonly Turn[]) => readonly number[];
  /** Writes text of an answer, without a line end. */
  readonly write: (text: string) => void;
}

/** Asks and answers until the input ends. `/reset` forgets the conversation, `/exit` ends it. */
export async function converse(conversation: Conversation, terminal: Terminal): Promise<void> {
  const { engine, opening, write } = conversation;
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: "> " });
  let turns = [...opening];
  let current: AbortController | undefined;
  const interrupt = () => {
    if (current) current.abort();
    else lines.close();
  };
  lines.on("SIGINT", interrupt);
  process.on("SIGINT", interrupt);
  terminal.note("/reset forgets the conversation, /exit ends it; Ctrl-C stops an answer");
  try {
    lines.prompt();
    for await (const line of lines) {
      const question = line.trim();
      if (question === "/exit" || question === "/quit") break;
      if (question === "/reset") {
        turns = [...opening];
        terminal.note("the conversation is forgotten");
      } else if (question !== "") {
        current = new AbortController();
        const asked: Turn[] = [...turns, { role: "user", content: line }];
        try {
          const answer = await answerTo(conversation, asked, current.signal);
          write("\n");
          terminal.note(answerNote(answer, engine.contextTokens));
          turns = [...asked, { role: "assistant", content: answer.text }];
        } catch (error) {
          // What cannot be answered is said; the conversation goes on without it.
          if (!(error instanceof SekftError) || error.exitCode !== 2) throw error;
          terminal.warn(error.message);
          terminal.note(error.hint ?? "/reset starts again");
        }
        current = undefined;
      }
      lines.prompt();
    }
  } finally {
    process.off("SIGINT", interrupt);
    lines.close();
  }
}

function answerTo(conversation: Conversation, turns: readonly Turn[], signal: AbortSignal) {
  const { engine, adapter, options, promptIds, write } = conversation;
  const answer = engine.generate({ promptIds: promptIds(turns), adapter, options, signal });
  return readAnswer(answer, write);
}
