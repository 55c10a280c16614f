// What the stages say, made one voice: their progress is shown, their notes go to a log file, their results are told at the end.

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Terminal } from "../base/command.ts";

/** Holds every line that the stages said. */
const logName = "quickstart.log";

/** A line that `startProgress` writes where it may draw no bar: `train: 45 %  12/27  ...`. A base is loaded in no time. */
const progressLine = /^(?!load:)\w+: \d+ %/;

/** The terminal that stages are given. Bars draw themselves; of the notes only progress is shown. Warnings are always shown. */
export function stageTerminal(terminal: Terminal, folder: string): Terminal {
  const file = join(folder, logName);
  const log = (line: string) => appendFileSync(file, `${Bun.stripANSI(line)}\n`);
  return {
    ...terminal,
    out: log,
    note(line) {
      log(line);
      if (progressLine.test(line)) terminal.note(`      ${line}`);
    },
    warn(line) {
      log(line);
      terminal.warn(line);
    },
  };
}
