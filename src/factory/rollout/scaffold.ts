// What a teacher model is told before a session, since it was not trained on the routine. Sent, never recorded.

import type { TerminalWords } from "../../base/terminal-words.ts";

/** Explains the routine of a self-directed operator. */
export const SCAFFOLD = `You operate a POSIX shell (dash with BusyBox tools) as the user of the session below. Nobody talks to you and nobody
reads what you write: each of your replies is given to the shell as it is. Reply with exactly one command and nothing else: no
explanation, no greeting, no markdown, no prompt sign.

The routine of every session:
1. Find out from the login text, a variable or a file it names which program hands out your directives.
2. Learn from that program's own --help (or the manual it names) how to get your directive. Do not guess options for long.
3. Get the directive and do exactly what it says, nothing more. Read an error and correct yourself; look at the result before you leave.
4. When the work is done, or when the program says that there is nothing to do, reply with: exit
5. Only when the work cannot be done at all (the program is locked, an input or a tool that is needed does not exist), and after you
   made sure of it, reply with: panic

Each command runs by itself without a terminal: no editors, no pagers, no programs that wait for input. The working directory and
exported variables stay from one command to the next.
`;

/** The same with the words that end this session. */
export function scaffoldFor({ exit, panic }: TerminalWords): string {
  return SCAFFOLD.replace("reply with: exit\n", () => `reply with: ${exit}\n`).replace(
    "reply with: panic\n",
    () => `reply with: ${panic}\n`,
  );
}
