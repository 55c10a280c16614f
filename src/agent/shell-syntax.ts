// Reads shell text as far as an onlooker needs: which words stand where a command's name stands, and whether the text is complete.
// Nothing is ever run from here; the shell in the world has the last word.

/** What a text holds. */
export interface ShellText {
  /** Words of each simple command, quotes removed, variables left as `$NAME`; those in `$(...)`, backquotes and pipes too. */
  readonly commands: readonly (readonly string[])[];
  /** A quote, a here-document, a parenthesis or a trailing backslash waits for more. */
  readonly open: boolean;
}

/** Reads `text` by the shell's rules of quoting. POSIX.1-2024, Shell Command Language, 2.2 and 2.3. */
export function readShell(text: string): ShellText {
  const reader = new Reader(text);
  reader.list(undefined);
  return { commands: reader.commands, open: reader.open };
}

class Reader {
  readonly commands: string[][] = [];
  open = false;
  private at = 0;
  private readonly documents: { word: string; dashed: boolean }[] = [];

  constructor(private readonly text: string) {}

  /** Reads commands until `close` or the end; true when `close` was found. */
  list(close: string | undefined): boolean {
    let words: string[] = [];
    let word: string | undefined;
    let target = false;
    const endWord = () => {
      if (word !== undefined && !target) words.push(word);
      if (word !== undefined) target = false;
      word = undefined;
    };
    const endCommand = () => {
      endWord();
      target = false;
      if (words.length > 0) this.commands.push(words);
      words = [];
    };
    while (this.at < this.text.length) {
      const c = this.text[this.at]!;
      if (c === close) {
        endCommand();
        this.at++;
        return true;
      }
      this.at++;
      if (c === " " || c === "\t") endWord();
      else if (c === "\\" && this.text[this.at] === "\n") this.joinLines();
      else if (c === "\n") {
        endCommand();
        this.skipDocuments();
      } else if (c === "#" && word === undefined) {
        while (this.at < this.text.length && this.text[this.at] !== "\n") this.at++;
      } else if (";&|()".includes(c)) {
        endCommand();
        if (c === "(") this.open ||= !this.list(")");
      } else if (c === "<" || c === ">") {
        if (word !== undefined && /^\d$/.test(word)) word = undefined;
        endWord();
        target = !this.redirection(c);
      } else word = (word ?? "") + this.piece(c);
    }
    endCommand();
    this.open ||= this.documents.length > 0;
    return false;
  }

  /** A backslash before a line's end; at the very end another line is to come. */
  private joinLines(): void {
    this.at++;
    if (this.at >= this.text.length) this.open = true;
  }

  /** What stands for one character or quotation of a word. */
  private piece(c: string): string {
    if (c === "\\") {
      const next = this.text[this.at];
      if (next === undefined) this.open = true;
      else if (next === "\n") this.joinLines();
      else this.at++;
      return next === undefined || next === "\n" ? "" : next;
    }
    if (c === "'") return this.single();
    if (c === '"') return this.double();
    if (c === "`") return this.substitution("`");
    if (c === "$" && this.text[this.at] === "(") {
      this.at++;
      return this.substitution(")");
    }
    return c;
  }

  private single(): string {
    let end = this.text.indexOf("'", this.at);
    if (end < 0) {
      this.open = true;
      end = this.text.length;
    }
    const inner = this.text.slice(this.at, end);
    this.at = end + 1;
    // A dollar between single quotes names no variable.
    return inner.replaceAll("$", "\ue000");
  }

  private double(): string {
    let inner = "";
    while (this.at < this.text.length) {
      const c = this.text[this.at++]!;
      if (c === '"') return inner;
      inner += c === "\\" || c === "`" || c === "$" ? this.piece(c) : c;
    }
    this.open = true;
    return inner;
  }

  private substitution(close: string): string {
    const closed = this.list(close);
    this.open ||= !closed;
    return "\ue001";
  }

  /** Reads the operator; true when it was a here-document, whose word is taken here. */
  private redirection(first: string): boolean {
    const rest = /^(?:<-?|>|&|\|)?/.exec(this.text.slice(this.at, this.at + 3))![0];
    this.at += rest.length;
    if (first !== "<" || !rest.startsWith("<")) return false;
    const match = /^[ \t]*((?:[^\s;&|<>()'"\\]|'[^'\n]*'|"[^"\n]*"|\\.)+)/.exec(this.text.slice(this.at));
    if (!match) return true;
    this.at += match[0].length;
    this.documents.push({ word: match[1]!.replace(/['"\\]/g, ""), dashed: rest === "<-" });
    return true;
  }

  private skipDocuments(): void {
    for (let document = this.documents[0]; document !== undefined; document = this.documents[0]) {
      for (;;) {
        if (this.at >= this.text.length) return;
        let end = this.text.indexOf("\n", this.at);
        if (end < 0) end = this.text.length;
        const line = this.text.slice(this.at, end);
        this.at = Math.min(end + 1, this.text.length);
        if ((document.dashed ? line.replace(/^\t+/, "") : line) === document.word) break;
      }
      this.documents.shift();
    }
  }
}
