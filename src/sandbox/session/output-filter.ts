// Stands between a shell's output and its record: finds the end marker, and takes out what only the harness put there
// (`alias`, `trap`, `type exit` and `set -x` would show the hook on `exit`).

import { plainTerminals, type TerminalWords } from "../../base/terminal-words.ts";
import { absentExit, exitHook, terminalVariable } from "./prelude.ts";

/** A line longer than this is passed on in pieces. */
const LONGEST_LINE = 65_536;

/** Passes bytes on to `sink`, up to the end marker. */
export class OutputFilter {
  readonly #nonce: Buffer;
  readonly #marker: Buffer;
  #held: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(
    readonly nonce: string,
    readonly sink: (bytes: Uint8Array) => void,
    readonly words: TerminalWords = plainTerminals,
  ) {
    this.#nonce = Buffer.from(nonce, "latin1");
    this.#marker = Buffer.from(endMarker(nonce), "latin1");
  }

  /** The end marker came: nothing after it belongs to the command. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Takes a chunk; it may be reused afterwards. */
  write(chunk: Uint8Array): void {
    if (this.#ended) return;
    const all = this.#held.byteLength === 0 ? Buffer.from(chunk) : Buffer.concat([this.#held, chunk]);
    const end = all.indexOf(this.#marker);
    if (end >= 0) {
      this.#ended = true;
      this.#held = all.subarray(0, end);
      this.flush();
      return;
    }
    // What follows the last newline waits, for it may become a line of the harness.
    let cut = all.lastIndexOf(10) + 1;
    if (all.byteLength - cut > LONGEST_LINE) cut = all.byteLength - 2 * this.#marker.byteLength;
    this.#pass(all.subarray(0, cut));
    this.#held = all.subarray(cut);
  }

  /** Passes on what was held back, at the end of the stream. */
  flush(): void {
    this.#pass(this.#held);
    this.#held = Buffer.alloc(0);
  }

  #pass(bytes: Buffer): void {
    if (bytes.byteLength === 0) return;
    const renamed = this.words.exit !== "exit";
    if (!bytes.includes(this.#nonce) && !(renamed && bytes.includes(ABSENT))) {
      this.sink(bytes);
      return;
    }
    const lines = bytes.toString("latin1").split(/(?<=\n)/);
    const kept = lines.map((line) => natural(line, this.nonce, this.words)).join("");
    if (kept) this.sink(Buffer.from(kept, "latin1"));
  }
}

/** What the trap writes after the last output. The trap's own text does not hold it. */
export function endMarker(nonce: string): string {
  return `${nonce}:end`;
}

/** How the shell complains of the program that stands in for `exit` where it ends nothing. */
const ABSENT = ": exit : not found";

/** The line as a shell without the hook would print it; empty when it would not print any. */
function natural(line: string, nonce: string, words: TerminalWords): string {
  const told = words.exit === "exit" ? line : line.replace(ABSENT, ": exit: not found");
  if (!told.includes(nonce)) return told;
  const variable = terminalVariable(nonce);
  const hook = exitHook(nonce, words);
  const { exit } = words;
  const plain = told
    .replace(`${exit} is an alias for ${hook}`, `${exit} is a special shell builtin`)
    .replace(`alias ${exit}='${hook}'`, exit)
    .replace(`exit is an alias for ${absentExit(nonce)}`, "exit: not found")
    .replace(new RegExp(`^(\\++ )${variable}=exit exit`), `$1${exit}`)
    .replace(new RegExp(`^(\\++ )${variable}= exit (?=[ \n]|$)`), "$1exit");
  return plain.includes(nonce) ? "" : plain;
}
