// Reads what the trap of the prelude wrote. The text passed through a shell that the operator owned: anything that is not exactly
// as expected makes it unusable, and nothing of it is ever run.

import { KEPT_OPTIONS, type ShellState } from "./shell-state.ts";

/** The state after a command, and the word that ended the session, if one did. */
export interface StateDump {
  readonly state: ShellState;
  readonly terminal: "exit" | "panic" | null;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Reads a dump, one byte a character; null when it is missing, cut short or not what the trap writes. */
export function readDump(text: string, nonce: string): StateDump | null {
  const start = text.indexOf(`${nonce} options\n`);
  if (start < 0) return null;
  const sections = splitSections(text.slice(start), nonce);
  if (sections === null) return null;
  const environment = readExports(sections.environment);
  const aliases = readAliases(sections.aliases, nonce);
  const umask = /^([0-7]{3,4})\n$/.exec(sections.umask)?.[1];
  const end = /^(\d{1,10}) (none|exit|panic)$/.exec(sections.end);
  const directory = sections.directory.replace(/\n$/, "");
  if (!environment || !aliases || !umask || !end || !directory.startsWith("/")) return null;
  const options = KEPT_OPTIONS.filter((name) => sections.options.includes(`set -o ${name}\n`));
  environment.delete("PWD");
  return {
    state: { directory, environment, umask, options, aliases, status: Number(end[1]) & 255 },
    terminal: end[2] === "none" ? null : (end[2] as "exit" | "panic"),
  };
}

const SECTIONS = ["options", "umask", "aliases", "environment", "directory"] as const;

function splitSections(
  text: string,
  nonce: string,
): Record<(typeof SECTIONS)[number] | "end", string> | null {
  const found: Record<string, string> = {};
  let at = 0;
  for (const [i, name] of SECTIONS.entries()) {
    const head = `${nonce} ${name}\n`;
    if (!text.startsWith(head, at)) return null;
    const from = at + head.length;
    const next = SECTIONS[i + 1] === undefined ? `${nonce} end ` : `${nonce} ${SECTIONS[i + 1]}\n`;
    const to = text.indexOf(next, from);
    if (to < 0 || text[to - 1] !== "\n") return null;
    found[name] = text.slice(from, to);
    at = to;
  }
  const end = text.indexOf("\n", at);
  if (end < 0) return null;
  found.end = text.slice(at + `${nonce} end `.length, end);
  return found as ReturnType<typeof splitSections>;
}

function readExports(text: string): Map<string, string | null> | null {
  const variables = new Map<string, string | null>();
  let at = 0;
  while (at < text.length) {
    if (!text.startsWith("export ", at)) return null;
    const head = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(at + 7, at + 7 + 4096));
    if (!head) return null;
    const after = at + 7 + head[0].length;
    if (text[after] === "\n") {
      variables.set(head[0], null);
      at = after + 1;
      continue;
    }
    if (text[after] !== "=") return null;
    const word = readWord(text, after + 1);
    if (!word) return null;
    variables.set(head[0], word.value);
    at = word.next;
  }
  return variables;
}

/** `alias` prints `name='value'` a line; the one for `exit` is the harness' own unless it was replaced. */
function readAliases(text: string, nonce: string): Map<string, string> | null {
  const aliases = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    const equals = text.indexOf("=", at);
    if (equals < 0) return null;
    const name = text.slice(at, equals);
    const word = readWord(text, equals + 1);
    if (!word) return null;
    if (!word.value.includes(nonce)) aliases.set(name, word.value);
    at = word.next;
  }
  return aliases;
}

/** A word of '...' and "..." pieces up to a newline, as dash quotes it. */
function readWord(text: string, from: number): { value: string; next: number } | null {
  let value = "";
  let at = from;
  while (text[at] === "'" || text[at] === '"') {
    const close = text.indexOf(text[at]!, at + 1);
    if (close < 0) return null;
    value += text.slice(at + 1, close);
    at = close + 1;
  }
  return text[at] === "\n" ? { value, next: at + 1 } : null;
}

/** True for a name that a shell can export. */
export function isVariableName(name: string): boolean {
  return NAME.test(name);
}
