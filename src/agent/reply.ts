// From what a model wrote to what the shell is given: markup that no shell line has is taken off, the rest is left alone.

import { isCommandWord, judgeLine, judgeLines, type LineKind } from "./prose.ts";

/** A reply as the harness reads it. */
export interface ReadReply {
  /** What is run; empty when there is nothing to run. */
  readonly command: string;
  /** `some`: words stood beside a command; `only`: there was nothing but words. */
  readonly prose: "none" | "some" | "only";
  /** True when some line begins like a command. */
  readonly plausible: boolean;
}

/** How to read. */
export interface ReadingOptions {
  /** Programs of this world, e.g. the provider's name. */
  readonly known?: Iterable<string>;
  /** Also takes sentences off that stand beside a command: for trajectories that are to be trained on. An eval runs them. */
  readonly stripProse?: boolean;
}

/** Reads one reply. Think blocks, a chat template's leftovers, code fences, one pair of backquotes around everything and a copied
 *  prompt (`$ `, `user@host:dir$ `) are taken off. A reply that is nothing but words keeps them: the shell will say what it thinks. */
export function readReply(text: string, options: ReadingOptions = {}): ReadReply {
  const known = new Set(options.known ?? []);
  const cleaned = withoutMarkers(
    withoutThoughts(text.toWellFormed().replaceAll("\0", "").replace(/\r\n?/g, "\n")),
  );
  const fenced = fromFences(cleaned, known);
  const body = withoutPrompts(withoutBackquotes(fenced?.command ?? cleaned)).replace(/^\s*\n|^[ \t]+/, "");
  let command = trimEnd(body);
  const lines = judgeLines(command, known).filter(({ line }) => line.trim() !== "");
  const count = (kind: LineKind) => lines.filter((line) => line.kind === kind).length;
  const wordy = count("prose") > 0;
  const plausible = lines.some(({ line, kind }) => kind === "command" && isCommandWord(line, known));
  if (wordy && count("command") === 0 && !fenced?.inside) return { command, prose: "only", plausible };
  if (wordy && options.stripProse)
    command = trimEnd(
      judgeLines(command, known)
        .filter(({ kind }) => kind !== "prose")
        .map(({ line }) => line)
        .join("\n")
        .replace(/^\n+/, ""),
    );
  const beside = fenced?.words === true;
  return { command, prose: wordy || beside ? "some" : "none", plausible };
}

/** Takes `<think>...</think>` off; one that never ends hides everything behind it. */
function withoutThoughts(text: string): string {
  const closed = text.replace(/<(think|thinking|reasoning)>[\s\S]*?<\/\1>/gi, "");
  return closed.replace(/^[\s\S]*?<\/think>/i, "").replace(/<(?:think|thinking|reasoning)>[\s\S]*$/i, "");
}

/** Takes off end-of-turn tokens that an endpoint leaves in the text, and everything behind the first one. */
function withoutMarkers(text: string): string {
  const role = text.replace(/^\s*<\|(?:im_start|start_header_id)\|>assistant(?:<\|end_header_id\|>)?\n*/, "");
  return role.replace(
    /(?:<\|(?:im_end|im_start|endoftext|end_of_text|eot_id|eom_id|end|user|assistant)\|>|<end_of_turn>)[\s\S]*$|<\/s>\s*$/,
    "",
  );
}

interface Fenced {
  readonly command: string;
  /** Words stood outside of the fences. */
  readonly words: boolean;
  /** The fences held something. */
  readonly inside: boolean;
}

const shellFences = /^(?:|sh|bash|shell|dash|zsh|console|terminal|shell-session|posix|cmd|command)$/i;

/** The content of the code fences of a reply, those of a shell if there are any; undefined when it has no fences, or when they belong
 *  to a here-document. */
function fromFences(text: string, known: ReadonlySet<string>): Fenced | undefined {
  const blocks: { language: string; lines: string[] }[] = [];
  const outside: string[] = [];
  let block: { language: string; lines: string[]; mark: string } | undefined;
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    const fence = /^\s*(```+|~~~+)\s*([\w+-]*)\s*(.*?)\s*$/.exec(line);
    if (block !== undefined) {
      if (fence !== null && fence[2] === "" && fence[3] === "" && fence[1]!.startsWith(block.mark)) {
        blocks.push(block);
        block = undefined;
      } else block.lines.push(line);
      continue;
    }
    if (fence === null) {
      outside.push(line);
      continue;
    }
    // A fence below a here-document that is still open is its content.
    if (/<<-?\s*['"\\]?\w/.test(outside.join("\n"))) return undefined;
    const single = /^(.*?)`{3,}$/.exec(`${fence[2]}${fence[3] === "" ? "" : ` ${fence[3]}`}`);
    if (single !== null)
      blocks.push({ language: "", lines: [single[1]!.replace(/^(?:sh|bash|shell) /, "")] });
    else if (fence[3] === "") block = { language: fence[2]!, lines: [], mark: fence[1]! };
    else outside.push(i === 0 ? `${fence[2]} ${fence[3]}` : line);
  }
  if (block !== undefined) blocks.push(block);
  if (blocks.length === 0) return undefined;
  const shells = blocks.filter(({ language }) => shellFences.test(language));
  const chosen = shells.length > 0 ? shells : blocks;
  const content = chosen.map(({ lines: inner }) => inner.join("\n")).filter((inner) => inner.trim() !== "");
  const rest = outside.filter((line) => line.trim() !== "");
  const commands = rest.filter((line) => judgeLine(line, known) === "command");
  if (rest.length > 0 && commands.length === rest.length)
    // Nothing outside but commands: only the marks of the fences are taken off.
    return {
      command: lines.filter((line) => !/^\s*(?:```|~~~)/.test(line)).join("\n"),
      words: false,
      inside: content.length > 0,
    };
  if (content.length === 0) return { command: rest.join("\n"), words: false, inside: false };
  return { command: content.join("\n"), words: rest.length > 0, inside: true };
}

/** `` `ls -l` `` as a whole is markup. */
function withoutBackquotes(text: string): string {
  const match = /^\s*(`+)([^`]+)\1\s*$/.exec(text);
  return match === null ? text : match[2]!.trim();
}

/** Takes a copied prompt off every line that has one. */
function withoutPrompts(text: string): string {
  return text.replace(/^[ \t]*(?:[\w.-]+@[\w.-]+:[^\n$#]*\$ ?|\$ +|\$(?=\n|$))/gm, "");
}

/** Without trailing blanks, unless the last one is escaped. */
function trimEnd(text: string): string {
  const trimmed = text.trimEnd();
  return /(?:^|[^\\])(?:\\\\)*\\$/.test(trimmed) && trimmed.length < text.length
    ? text.slice(0, trimmed.length + 1)
    : trimmed;
}
