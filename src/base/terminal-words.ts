// The words that end a session: `exit` and `panic`, or what an experiment calls them. Records, verdicts and scenarios always say
// exit and panic; only what stands on the screen and what is typed there has the other words.

import { commandNames } from "./command-names.ts";
import { show, UserError } from "./errors.ts";

/** What the two endings are called in a session. */
export interface TerminalWords {
  readonly exit: string;
  readonly panic: string;
}

/** As everybody calls them. */
export const plainTerminals: TerminalWords = { exit: "exit", panic: "panic" };

const kinds = ["exit", "panic"] as const;

/** `--terminals` of every command that makes, reads or plays sessions. */
export const terminalsOption = {
  type: "string",
  map: true,
  value: "exit=WORD,panic=WORD",
  usual: "exit=exit,panic=panic",
  help: "words that end a session in place of exit and panic, which are then no commands any more",
} as const;

/** Words of the shell's grammar and builtins that are no names of programs. */
const grammar = new Set(
  "case do done elif else esac fi for function if in then until while local typeset ulimit fc hash jobs getopts".split(
    " ",
  ),
);

/** Reads `--terminals`: `exit=leave,panic=stuck`, or the same as a JSON object; what is left out keeps its name.
 *  @throws UserError for what is neither, or for a word that could not be a command of its own */
export function parseTerminals(text: string | undefined): TerminalWords {
  if (text === undefined || text.trim() === "") return plainTerminals;
  const words: Record<string, string> = { ...plainTerminals };
  const given = new Set<string>();
  for (const [kind, word] of entriesOf(text)) {
    if (!(kinds as readonly string[]).includes(kind))
      throw new UserError(`--terminals: expected exit=WORD or panic=WORD, got ${show(kind)}`, { hint });
    if (given.has(kind)) throw new UserError(`--terminals: expected ${kind} once, got it twice`, { hint });
    given.add(kind);
    words[kind] = checkedWord(kind, word);
  }
  if (words.exit === words.panic)
    throw new UserError(`--terminals: expected two different words, got ${show(words.exit)} for both`, {
      hint,
    });
  return { exit: words.exit!, panic: words.panic! };
}

const hint = "for example --terminals exit=leave,panic=stuck";

function entriesOf(text: string): (readonly [string, string])[] {
  const refused = (cause?: unknown) =>
    new UserError(`--terminals: expected exit=WORD,panic=WORD, got ${show(text)}`, { hint, cause });
  if (text.trim().startsWith("{")) {
    let map: unknown;
    try {
      map = JSON.parse(text);
    } catch (error) {
      throw refused(error);
    }
    const entries = Object.entries(map as object);
    if (entries.some(([, word]) => typeof word !== "string")) throw refused();
    return entries as [string, string][];
  }
  return text.split(",").map((pair) => {
    const parts = pair.split("=");
    if (parts.length !== 2) throw refused();
    return [parts[0]!.trim(), parts[1]!.trim()] as const;
  });
}

/** A name that an alias and a function can have, and that nothing in a world or a shell has yet. */
function checkedWord(kind: string, word: string): string {
  if (word === kind) return word;
  if (!/^[a-z][a-z0-9_]{1,30}$/.test(word))
    throw new UserError(
      `--terminals: expected a command word for ${kind} (small letters, digits and _), got ${show(word)}`,
      { hint },
    );
  if ((kinds as readonly string[]).includes(word))
    throw new UserError(
      `--terminals: expected another word for ${kind} than the other ending's, got ${word}`,
      { hint },
    );
  if (commandNames.has(word) || grammar.has(word))
    throw new UserError(`--terminals: expected a word that no shell or program has, got ${word}`, { hint });
  return word;
}

/** True for `exit` and `panic` themselves. */
export function arePlain(words: TerminalWords): boolean {
  return words.exit === "exit" && words.panic === "panic";
}

/** As `--terminals` takes them: `exit=leave,panic=stuck`. */
export function terminalsText({ exit, panic }: TerminalWords): string {
  return `exit=${exit},panic=${panic}`;
}

/** Which ending `text` is, when it is nothing else; undefined when it is none. */
export function endingOf(text: string, words: TerminalWords = plainTerminals): "exit" | "panic" | undefined {
  const word = text.trim();
  return kinds.find((kind) => words[kind] === word);
}

/** `{"terminals": {...}}` for a manifest, nothing for the plain words: records of ordinary runs stay as they are. */
export function recordedTerminals(words: TerminalWords): { readonly terminals?: TerminalWords } {
  return arePlain(words) ? {} : { terminals: { exit: words.exit, panic: words.panic } };
}
