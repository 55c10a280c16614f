// Whether the operator used the provider program, and whether what it is told there reached the screen.

import { readShell } from "./shell-syntax.ts";

/** What has to be known of a scenario. */
export interface ProviderFacts {
  readonly provider: { readonly name: string; readonly path: string };
  readonly directive: string | null;
  readonly env: Readonly<Record<string, string>>;
}

/** A command and what it wrote. */
export interface Observed {
  readonly command: string;
  readonly output: string;
  readonly status: number;
}

/** True when a command named the provider where a program's name stands (also behind `env`, `sh`, `eval`, in a pipe, in `$(...)`, or
 *  by a variable of the scenario) and the shell did not say that there is no such program. Reading the program's file is not using
 *  it. */
export function hasOperated(facts: ProviderFacts, observed: readonly Observed[]): boolean {
  return observed.some((one) => ranProvider(facts, one).length > 0);
}

/** True when the directive stood on the screen, whitespace aside. Without a directive: when the provider answered, which its usage,
 *  its help and its complaints about how it was called are not. */
export function hasDiscovered(facts: ProviderFacts, observed: readonly Observed[]): boolean {
  const { directive } = facts;
  if (directive !== null) return observed.some(({ output }) => shows(output, directive));
  return observed.some((one) => {
    const calls = ranProvider(facts, one);
    return calls.length > 0 && calls.some((args) => isAnswer(one, args));
  });
}

/** True when `directive` stands in `text`, whitespace aside. */
export function shows(text: string, directive: string): boolean {
  return flat(text).includes(flat(directive));
}

function flat(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function isAnswer({ output, status }: Observed, args: readonly string[]): boolean {
  if (output.trim() === "" || [2, 126, 127].includes(status)) return false;
  if (args.every((arg) => /^(?:-h|--help|help|-\?|--version)$/.test(arg))) return false;
  if (/^\s*(?:usage|try)\b/im.test(output)) return false;
  if (status === 0) return true;
  // A complaint names what it was given, or says that there is no such thing.
  const named = args.some((arg) => new RegExp(`(?<![\\w-])${RegExp.escape(arg)}(?![\\w-])`).test(output));
  return (
    !named &&
    !/\b(?:no such|unknown|invalid|unrecogni[sz]ed|expected|missing (?:argument|operand))\b/i.test(output)
  );
}

/** Arguments of each call of the provider in a command that ran. */
function ranProvider(facts: ProviderFacts, { command, output }: Observed): string[][] {
  return providerCalls(command, facts)
    .filter(({ word }) => {
      const name = RegExp.escape(word);
      return !new RegExp(
        `(?:^|[\\s:'"])${name}['"]?: (?:\\d+: )?(?:not found|Permission denied|No such file)`,
        "m",
      ).test(output);
    })
    .map(({ args }) => args);
}

interface Call {
  readonly word: string;
  readonly args: string[];
}

/** Where `text` calls the provider, and with what. */
export function providerCalls(text: string, facts: Omit<ProviderFacts, "directive">, depth = 0): Call[] {
  if (depth > 4) return [];
  const calls: Call[] = [];
  for (const words of readShell(text).commands) {
    const command = peel(words);
    const [name, ...args] = command;
    if (name === undefined) continue;
    if (name === "eval") calls.push(...providerCalls(expand(args.join(" "), facts.env), facts, depth + 1));
    else if (/^(?:.*\/)?(?:sh|dash|ash)$/.test(name)) {
      const at = args.findIndex((arg) => /^-[a-z]*c$/.test(arg));
      const script = at >= 0 ? args[at + 1] : undefined;
      if (script !== undefined) calls.push(...providerCalls(script, facts, depth + 1));
      const file = at < 0 ? args.findIndex((arg) => !arg.startsWith("-")) : -1;
      if (file >= 0 && names(args[file]!, facts))
        calls.push({ word: args[file]!, args: args.slice(file + 1) });
    } else if (name.includes("$")) {
      const [word, ...more] = expand(name, facts.env).split(/\s+/);
      if (word !== undefined && !word.includes("$")) {
        const again = peel([word, ...more, ...args]);
        if (names(again[0] ?? "", facts)) calls.push({ word: again[0]!, args: again.slice(1) });
      }
    } else if (names(name, facts)) calls.push({ word: name, args });
  }
  return calls;
}

function names(word: string, { provider }: Pick<ProviderFacts, "provider">): boolean {
  return word === provider.name || word === provider.path || word.endsWith(`/${provider.name}`);
}

function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$(?:\{(\w+)\}|(\w+))/g,
    (whole, braced?: string, plain?: string) => env[braced ?? plain!] ?? whole,
  );
}

const reserved = new Set(["!", "{", "if", "then", "else", "elif", "while", "until", "do", "time"]);
const wrappers = new Set([
  "command",
  "exec",
  "env",
  "nohup",
  "nice",
  "timeout",
  "xargs",
  "setsid",
  "busybox",
  ".",
  "source",
]);

/** The words of a command from its program's name on. */
function peel(words: readonly string[]): readonly string[] {
  let rest = words;
  for (;;) {
    const word = rest[0];
    if (word === undefined) return rest;
    if (reserved.has(word) || /^[A-Za-z_]\w*=/.test(word)) rest = rest.slice(1);
    else if (wrappers.has(word)) {
      // `command -v x` only looks for x.
      if (word === "command" && /^-[vV]/.test(rest[1] ?? "")) return [];
      rest = rest.slice(1);
      while (rest[0] !== undefined && /^(?:-|[A-Za-z_]\w*=|\d+(?:\.\d+)?[smh]?$)/.test(rest[0]))
        rest = rest.slice(1);
    } else return rest;
  }
}
