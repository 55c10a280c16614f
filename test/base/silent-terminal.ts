// A terminal that swallows everything, for code that only wants to be given one.
import type { Terminal } from "../../src/base/command.ts";

export const silent: Terminal = {
  out: () => undefined,
  note: () => undefined,
  warn: () => undefined,
  interactive: false,
  color: false,
  json: false,
  quiet: true,
  columns: 80,
};
