import type { Terminal } from "../../src/base/command.ts";

/** A terminal that remembers what it was told. */
export function listener(): Terminal & { readonly lines: string[] } {
  const lines: string[] = [];
  const add = (line: string) => void lines.push(line);
  return {
    out: add,
    note: add,
    warn: add,
    lines,
    interactive: false,
    color: false,
    json: false,
    quiet: false,
    columns: 80,
  };
}
