// Unified diffs as text: what `diff -u` and `git diff` write, read into files and hunks with the place of every line.

/** One line of a hunk. */
export interface HunkLine {
  readonly op: " " | "-" | "+";
  /** With its line feed, unless the file ends without one. */
  readonly text: string;
}

/** One hunk. */
export interface Hunk {
  readonly oldStart: number;
  readonly oldCount: number;
  readonly newStart: number;
  readonly newCount: number;
  readonly lines: readonly HunkLine[];
  /** Line of its header in the patch, from 1. */
  readonly line: number;
  /** Lines behind the hunk that look like its own and that its counts leave out. */
  readonly stray: number;
}

/** What a patch does with one file. */
export interface FilePatch {
  /** null: the file is made. Without the first folder (`a/`). */
  readonly oldPath: string | null;
  /** null: the file is removed. Without the first folder (`b/`). */
  readonly newPath: string | null;
  readonly change: "edit" | "create" | "delete" | "rename" | "copy";
  readonly hunks: readonly Hunk[];
  /** Its header lines end in carriage returns. */
  readonly crlf: boolean;
  /** Line of its header in the patch, from 1. */
  readonly line: number;
}

/** Why a text is no patch. */
export interface PatchFault {
  /** `none`: no header in it; `header`: a header that cannot be; `hunk`: a hunk whose lines do not fit its counts. */
  readonly kind: "none" | "header" | "hunk";
  readonly line: number;
  readonly message: string;
}

export type ParsedPatch =
  | { readonly files: readonly FilePatch[]; readonly fault?: undefined }
  | { readonly fault: PatchFault };

const hunkHeader = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

class Fault extends Error {
  constructor(readonly fault: PatchFault) {
    super(fault.message);
  }
}

function stop(kind: PatchFault["kind"], line: number, message: string): never {
  throw new Fault({ kind, line, message });
}

/** Whose grammar a patch is read by. */
export type Grammar = "git" | "gnu";

/** Reads a patch. Words before, between and behind file patches are passed over, a hunk has exactly the lines that its header counts.
 *  GNU patch also passes over words between names and hunks, leaves hunks
 *  behind other words alone, and takes up to two empty lines as lost at the end of the text. */
export function parsePatch(text: string, grammar: Grammar = "git"): ParsedPatch {
  const lines = text.split(/(?<=\n)/);
  if (grammar === "gnu") mend(lines);
  try {
    const files: FilePatch[] = [];
    for (let at = 0; at < lines.length; ) {
      const read = isGitHeader(lines, at) ? readGit(lines, at) : readPlain(lines, at);
      if (read === undefined) {
        if (hunkHeader.test(lines[at]!)) stop("header", at + 1, "a hunk without the names of its files");
        at++;
        continue;
      }
      files.push(read.file);
      at = read.next;
    }
    return files.length === 0 ? { fault: { kind: "none", line: 1, message: "no file header" } } : { files };
  } catch (error) {
    if (error instanceof Fault) return { fault: error.fault };
    throw error;
  }
}

/** Leaves out what stands between names and their first hunk, and hunks behind words that are none; makes up for lines that a text
 *  lost at its end. */
function mend(lines: string[]): void {
  for (let at = 0; at + 1 < lines.length; at++) {
    const names = lines[at]!.startsWith("--- ") && lines[at + 1]!.startsWith("+++ ");
    const end = names ? at + 2 : endOfHunk(lines, at);
    if (end === undefined) continue;
    const found = lines.findIndex((line, i) => i >= end && /^(--- |diff --git )/.test(line));
    const header = found < 0 ? lines.length : found;
    const hunk = lines.findIndex((line, i) => i >= end && line.startsWith("@@ -"));
    if (hunk > end && hunk < header) lines.splice(end, (names ? hunk : header) - end);
  }
  const last = lines.findLastIndex((line) => hunkHeader.test(line));
  if (last < 0) return;
  const [, , oldCount = "1", , newCount = "1"] = hunkHeader.exec(lines[last]!)!;
  const own = lines.slice(last + 1);
  if (own.some((line) => line.startsWith("\\"))) return;
  const missing = Number(oldCount) - own.filter((line) => /^[ \n-]/.test(line)).length;
  if (missing !== Number(newCount) - own.filter((line) => /^[ \n+]/.test(line)).length) return;
  if (missing > 0 && missing < 3) lines.push(...Array.from({ length: missing }, () => " \n"));
}

/** The line behind the hunk that starts at `at`; undefined where none does or where it is broken. */
function endOfHunk(lines: readonly string[], at: number): number | undefined {
  if (!hunkHeader.test(lines[at]!)) return undefined;
  try {
    return readHunk(lines, at).next;
  } catch {
    return undefined;
  }
}

const isGitHeader = (lines: readonly string[], at: number) => lines[at]!.startsWith("diff --git ");

interface Read {
  readonly file: FilePatch;
  readonly next: number;
}

/** `---`, `+++` and at least one hunk. */
function readPlain(lines: readonly string[], at: number): Read | undefined {
  const [one, two, three] = [lines[at], lines[at + 1], lines[at + 2]];
  if (!one?.startsWith("--- ") || !two?.startsWith("+++ ") || three === undefined || !hunkHeader.test(three))
    return undefined;
  const oldPath = headerPath(one, at + 1);
  const newPath = headerPath(two, at + 2);
  if (oldPath === null && newPath === null) stop("header", at + 1, "both files are /dev/null");
  const { hunks, next } = readHunks(lines, at + 2);
  const change = oldPath === null ? "create" : newPath === null ? "delete" : "edit";
  return { file: { oldPath, newPath, change, hunks, crlf: one.endsWith("\r\n"), line: at + 1 }, next };
}

/** `diff --git`, its extended headers, and hunks if there are any. */
function readGit(lines: readonly string[], start: number): Read {
  let at = start + 1;
  let change: FilePatch["change"] = "edit";
  let [oldPath, newPath] = gitNames(lines[start]!);
  let told = false;
  for (; at < lines.length; at++) {
    const line = lines[at]!.replace(/\r?\n$/, "");
    const [, word, rest] =
      /^(old mode|new mode|deleted file mode|new file mode|rename from|rename to|copy from|copy to|similarity index|dissimilarity index|index|GIT binary patch|Binary files)(.*)$/.exec(
        line,
      ) ?? [];
    if (word === undefined) break;
    told = true;
    const name = rest!.slice(1);
    if (word === "GIT binary patch" || word === "Binary files")
      stop("header", at + 1, "a binary patch, which is not supported");
    if (word === "new file mode") change = "create";
    else if (word === "deleted file mode") change = "delete";
    else if (word.startsWith("rename")) change = "rename";
    else if (word.startsWith("copy")) change = "copy";
    if (word === "rename from" || word === "copy from") oldPath = unquote(name);
    if (word === "rename to" || word === "copy to") newPath = unquote(name);
    if ((word === "old mode" || word.endsWith("file mode")) && !/^ ?[0-7]{6}/.test(rest!))
      stop("header", at + 1, `a mode that is none: ${name}`);
  }
  let hunks: readonly Hunk[] = [];
  if (lines[at]?.startsWith("--- ") && lines[at + 1]?.startsWith("+++ ")) {
    const before = headerPath(lines[at]!, at + 1);
    const after = headerPath(lines[at + 1]!, at + 2);
    if (change === "create" ? before !== null : before === null)
      stop("header", at + 1, "the old name does not fit the header above it");
    if (change === "delete" ? after !== null : after === null)
      stop("header", at + 2, "the new name does not fit the header above it");
    const differs =
      (before !== null && oldPath !== undefined && before !== oldPath) ||
      (after !== null && newPath !== undefined && after !== newPath);
    if (differs) stop("header", at + 1, "names that differ from those of the header above them");
    oldPath = before ?? oldPath;
    newPath = after ?? newPath;
    at += 2;
    ({ hunks, next: at } = readHunks(lines, at));
    if (hunks.length === 0) stop("header", start + 1, "no hunk behind the names");
  } else if (!told) stop("header", start + 1, "a git header that says nothing");
  if (oldPath === undefined || newPath === undefined)
    stop("header", start + 1, "names that cannot be told apart");
  return {
    file: {
      oldPath: change === "create" ? null : oldPath,
      newPath: change === "delete" ? null : newPath,
      change,
      hunks,
      crlf: lines[start]!.endsWith("\r\n"),
      line: start + 1,
    },
    next: at,
  };
}

/** The names of `diff --git a/x b/x`; they can only be told apart where they are one. */
function gitNames(line: string): [string | undefined, string | undefined] {
  const rest = line.slice("diff --git ".length).replace(/\r?\n$/, "");
  const quoted = /^("(?:[^"\\]|\\.)*") (.*)$|^(\S+) ("(?:[^"\\]|\\.)*")$/.exec(rest);
  if (quoted) {
    const one = strip(unquote(quoted[1] ?? quoted[3]!));
    const two = strip(unquote(quoted[2] ?? quoted[4]!));
    return one === two ? [one, two] : [undefined, undefined];
  }
  for (let at = rest.indexOf(" "); at >= 0; at = rest.indexOf(" ", at + 1)) {
    const one = strip(rest.slice(0, at));
    if (one !== undefined && one === strip(rest.slice(at + 1))) return [one, one];
  }
  return [undefined, undefined];
}

function strip(path: string): string | undefined {
  const slash = path.indexOf("/");
  return slash < 0 ? undefined : path.slice(slash + 1);
}

/** The name behind `---` or `+++`: up to a tab, quoted or not, without its first folder. null for /dev/null. */
function headerPath(line: string, place: number): string | null {
  const rest = line.slice(4).replace(/\r?\n$/, "");
  const name = rest.startsWith('"') ? unquote(rest) : rest.replace(/\t.*$/, "").replace(/\s+$/, "");
  if (name === "/dev/null") return null;
  const stripped = strip(name);
  if (stripped === undefined || stripped === "")
    stop("header", place, `expected a name like a/file, got ${name || "none"}`);
  if (stripped.startsWith("/") || stripped.split("/").includes(".."))
    stop("header", place, `a name that leads out of the folder: ${name}`);
  return stripped;
}

const escapes: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, a: 7, b: 8, f: 12, v: 11 };

/** Git quotes names in C's manner, bytes in octal. */
function unquote(name: string): string {
  const inner = /^"((?:[^"\\]|\\.)*)"/.exec(name)?.[1];
  if (inner === undefined) return name;
  const bytes: number[] = [];
  for (const [piece, octal, letter] of inner.matchAll(/\\([0-7]{3})|\\(.)|[^\\]+/gu)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else if (letter !== undefined) bytes.push(escapes[letter] ?? letter.charCodeAt(0));
    else bytes.push(...new TextEncoder().encode(piece));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

function readHunks(lines: readonly string[], start: number): { hunks: Hunk[]; next: number } {
  const hunks: Hunk[] = [];
  let at = start;
  while (at < lines.length && lines[at]!.startsWith("@@ -")) {
    const { hunk, next } = readHunk(lines, at);
    hunks.push(hunk);
    at = next;
  }
  return { hunks, next: at };
}

function readHunk(lines: readonly string[], start: number): { hunk: Hunk; next: number } {
  const match = hunkHeader.exec(lines[start]!);
  if (!match) stop("hunk", start + 1, "a hunk header that cannot be read");
  const [oldStart, oldCount, newStart, newCount] = [match[1], match[2] ?? "1", match[3], match[4] ?? "1"].map(
    Number,
  ) as [number, number, number, number];
  let [oldLeft, newLeft] = [oldCount, newCount];
  const own: HunkLine[] = [];
  let at = start + 1;
  while (oldLeft > 0 || newLeft > 0) {
    const line = lines[at];
    if (line === undefined || line === "") stop("hunk", at, "the patch ends inside a hunk");
    const op = line[0] === "\n" ? " " : line[0]!;
    if (op === "\\") {
      noNewline(own, at + 1);
      at++;
      continue;
    }
    if (op !== " " && op !== "-" && op !== "+")
      stop("hunk", at + 1, `a line that is neither context nor change: ${JSON.stringify(line.slice(0, 40))}`);
    if (op !== "+") oldLeft--;
    if (op !== "-") newLeft--;
    if (oldLeft < 0 || newLeft < 0) stop("hunk", at + 1, "more lines than the hunk's header counts");
    own.push({ op, text: line[0] === "\n" ? line : line.slice(1) });
    at++;
  }
  if (lines[at]?.startsWith("\\ ")) {
    noNewline(own, at + 1);
    at++;
  }
  if (!own.some(({ op }) => op !== " ")) stop("hunk", start + 1, "a hunk that changes nothing");
  let stray = 0;
  // A last line that an editor left empty is no part of a patch.
  while (/^[ +-]/.test(lines[at + stray] ?? "") && !/^(--- |\+\+\+ |-- ?\n)/.test(lines[at + stray]!))
    stray++;
  return { hunk: { oldStart, oldCount, newStart, newCount, lines: own, line: start + 1, stray }, next: at };
}

/** `\ No newline at end of file` is about the line above it. */
function noNewline(own: HunkLine[], place: number): void {
  const last = own.pop();
  if (last === undefined) stop("hunk", place, "a missing newline before any line");
  own.push({ ...last, text: last.text.replace(/\n$/, "") });
}
