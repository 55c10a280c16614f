// The script that dash reads as its ENV file before a command: it restores the session's state and leaves a trap that tells it.
// Only builtins are used, so that a poisoned PATH, LD_PRELOAD or a full process table cannot get in the way.

import { plainTerminals, type TerminalWords } from "../../base/terminal-words.ts";
import { quote, type ShellState, toBytes } from "./shell-state.ts";

/** Longest command that travels as an argument; one argument may hold 128 KiB. */
const LONGEST_ARGUMENT = 100_000;

/** How one command is started. */
export interface ShellStart {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: Uint8Array;
}

/** The variable whose value tells which word ended the session. */
export function terminalVariable(nonce: string): string {
  return `t${nonce}`;
}

/** Builds argv, environment and stdin of the shell that runs `command`.
 *  File descriptor 6 becomes the output stream, 7 the state stream: digits that scripts hardly use.
 *  `prologue` is run first, e.g. to set limits; `words` end the session. */
export function shellStart(
  command: string,
  state: ShellState,
  nonce: string,
  prologue = "",
  words: TerminalWords = plainTerminals,
): ShellStart {
  const text = command.replaceAll("\0", "");
  const asArgument = Buffer.byteLength(text) <= LONGEST_ARGUMENT;
  const script = [
    "exec 6>&1 7>&2 2>&1 </dev/null",
    "set +i",
    // An interactive shell keeps the last word of each command in `_`.
    "unset ENV _",
    ...(prologue ? [prologue] : []),
    restoreDirectory(state),
    `umask ${state.umask}`,
    `${words.panic}() { ${terminalVariable(nonce)}=panic; case \${1-} in ''|*[!0-9]*) \\exit 1;; *) \\exit "$1";; esac; }`,
    `trap ${quote(dump(nonce))} EXIT`,
    ...restoreEnvironment(state),
    lastLine(state, words, nonce, asArgument ? "" : toBytes(text)),
  ];
  return {
    argv: ["/bin/sh", "-i", "+m", "-c", asArgument ? text : "\\exit"],
    env: { ENV: "/dev/stdin" },
    stdin: Buffer.from(`${script.join("\n")}\n`, "latin1"),
  };
}

/** A directory that is gone is made again, entered and removed, which leaves the shell as it was: in a place without a name. */
function restoreDirectory(state: ShellState): string {
  const directory = quote(state.directory);
  const remake = `/bin/mkdir ${directory} && cd ${directory} && /bin/rmdir ${directory}`;
  return `cd ${directory} 2>/dev/null || { { ${remake}; } 2>/dev/null || cd /; }`;
}

/** What the word for `exit` stands for: a word that is no alias itself must not meet the one for `exit`. */
export function exitHook(nonce: string, words: TerminalWords): string {
  return `${terminalVariable(nonce)}=exit ${words.exit === "exit" ? "" : "\\"}exit`;
}

/** What `exit` stands for where another word ends the session: a program that is not there. No function may be called as a special
 *  builtin is, so the name has a blank behind it, which the output filter takes off; an empty assignment marks the alias as ours. */
export function absentExit(nonce: string): string {
  return `${terminalVariable(nonce)}= 'exit '`;
}

function restoreAliases(state: ShellState, words: TerminalWords, nonce: string): string[] {
  const own: [string, string][] = [[words.exit, exitHook(nonce, words)]];
  if (words.exit !== "exit") own.push(["exit", absentExit(nonce)]);
  const aliases = new Map([...own, ...state.aliases]);
  return [...aliases].map(([name, value]) => `alias ${quote(`${name}=${value}`)}`);
}

const POISONOUS = /^(PATH|IFS|ENV|LD_.*)$/;

function restoreEnvironment(state: ShellState): string[] {
  const entries = [...state.environment].filter(([name]) => name !== "PWD");
  const harmless = entries.filter(([name]) => !POISONOUS.test(name));
  const poisonous = entries.filter(([name]) => POISONOUS.test(name));
  const oldPwd = state.environment.has("OLDPWD") ? [] : ["unset OLDPWD"];
  const exports = [...harmless, ...poisonous].map(([name, value]) =>
    value === null ? `export ${name}` : `export ${name}=${quote(value)}`,
  );
  return [...oldPwd, ...exports];
}

/** One line, for `set -v` echoes every line that is read after it, and aliases change every line that is read after them; the group hides itself from `set -x`; `&& :` keeps `set -e`
 *  from acting on the status of the command before. */
function lastLine(state: ShellState, words: TerminalWords, nonce: string, evaluated: string): string {
  const options = state.options.map((name) => `-o ${name}`).join(" ");
  const status = `{ (exit ${state.status}) && :; } 2>/dev/null`;
  const parts = [
    ...restoreAliases(state, words, nonce),
    options && `set ${options}`,
    status,
    evaluated && `eval ${quote(evaluated)}`,
  ];
  return parts.filter(Boolean).join("; ");
}

/** The trap: options first, for it must change them; then all else; then the end of both streams; then an end to all children.
 *  Words are escaped against aliases, functions of the same names are removed. */
function dump(nonce: string): string {
  const variable = terminalVariable(nonce);
  const mark = (section: string) => `\\printf "%s\\n" "${nonce} ${section}"`;
  const sections = [
    mark("umask"),
    "\\umask",
    mark("aliases"),
    "\\alias",
    mark("environment"),
    "\\export -p",
    mark("directory"),
    "\\pwd",
    `\\printf "%s\\n" "${nonce} end $s${nonce} \${${variable}-none}"`,
  ];
  return [
    `{ s${nonce}=$?`,
    `\\unset -f printf set umask alias export pwd kill unset`,
    `{ ${mark("options")}; \\set +o; } >&7`,
    `\\set +eux +o noglob`,
    `{ ${sections.join("; ")}; } >&7`,
    `\\printf %s:%s ${nonce} end >&6`,
    `\\kill -9 -1; } 2>/dev/null`,
  ].join("; ");
}
