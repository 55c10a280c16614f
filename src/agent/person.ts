// A person as the operator: lines from a keyboard or a pipe, in the place of a model's replies.

import { createInterface } from "node:readline/promises";
import { plainTerminals, type TerminalWords } from "../base/terminal-words.ts";
import type { Model } from "./contract.ts";
import { readShell } from "./shell-syntax.ts";

/** Where a person types and what the prompts are written to. */
export interface Seat {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Lines are edited, with a history; otherwise they are read as they come and shown behind the prompt. */
  readonly interactive: boolean;
  /** Called when Ctrl-C is pressed on an empty line for the second time. */
  readonly onLeave: () => void;
  /** The words that end the session. */
  readonly terminals?: TerminalWords | undefined;
}

/** A person's replies. Blank lines are not counted; a quote or a here-document that is open goes on over the next lines; the end of
 *  the input is `exit`, as in a shell, by whatever name. */
export function personModel(seat: Seat): Model & Disposable {
  const { input, output, interactive, terminals: words = plainTerminals } = seat;
  const lines = createInterface({
    input,
    ...(interactive && { output }),
    terminal: interactive,
    historySize: 1000,
  });
  const source = lines[Symbol.asyncIterator]();
  let pending: string[] = [];
  let prompt = "";
  let asked = 0;
  lines.on("SIGINT", () => {
    const written = (lines as unknown as { line: string }).line !== "" || pending.length > 0;
    asked = written ? 0 : asked + 1;
    if (asked > 1) return seat.onLeave();
    pending = [];
    lines.write(null, { ctrl: true, name: "e" });
    lines.write(null, { ctrl: true, name: "u" });
    output.write(
      written ? "^C\n" : `\n(Ctrl-C again leaves; ${words.exit}, ${words.panic} or Ctrl-D end the session)\n`,
    );
    lines.setPrompt(prompt);
    lines.prompt();
  });

  const line = async (text: string): Promise<string | undefined> => {
    if (interactive) {
      lines.setPrompt(text);
      lines.prompt();
    } else output.write(text);
    const next = await source.next();
    asked = 0;
    if (!interactive) output.write(`${next.done ? words.exit : next.value}\n`);
    else if (next.done) output.write(`${words.exit}\n`);
    return next.done ? undefined : next.value;
  };

  return {
    name: "person",
    async generate(turns) {
      prompt = turns.at(-1)?.content ?? "$ ";
      pending = [];
      for (;;) {
        const next = await line(pending.length === 0 ? prompt : "> ");
        if (next === undefined) pending = [words.exit];
        else pending.push(next);
        const content = pending.join("\n");
        if (content.trim() === "") pending = [];
        else if (next === undefined || !readShell(`${content}\n`).open)
          return { content, finish: "stop", promptTokens: undefined, completionTokens: undefined };
      }
    },
    [Symbol.dispose]: () => lines.close(),
  };
}
