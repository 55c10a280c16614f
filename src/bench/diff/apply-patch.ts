// A patch over a set of files: does it parse, apply to the line, apply with good will; and what the files are then.

import { type FilePatch, type PatchFault, parsePatch } from "./patch-text.ts";
import { type Applied, applyLikeGit, applyLikeGnuPatch } from "./place-hunks.ts";

/** Path -> text. */
export type Files = Readonly<Record<string, string>>;

/** What is to be said of a patch. */
export interface PatchVerdict {
  /** `git apply` can read it. */
  readonly parses: boolean;
  /** Every hunk lies where its header says, its counts are those of its lines, every line of context is right: neither `git apply`
   *  nor GNU patch has anything to say about it. */
  readonly strict: boolean;
  /** `git apply` takes it: right context, at any line. */
  readonly git: boolean;
  /** GNU patch takes it: offsets, and up to two lines of context that do not match. */
  readonly loose: boolean;
  /** The files as the strictest program that takes it leaves them; null where none does. */
  readonly after: Files | null;
  /** The first thing that is wrong, in words; null when strict. */
  readonly reason: string | null;
}

/** Judges `patch` over `before`. Names lose their first folder (`-p1`). */
export function judgePatch(patch: string, before: Files): PatchVerdict {
  const parsed = parsePatch(patch);
  if (parsed.fault !== undefined) {
    const mended = parsePatch(patch, "gnu");
    const after = mended.fault === undefined ? applyAll(mended.files, before, likeGnuPatch).after : null;
    const reason = faultWords(parsed.fault);
    return { parses: false, strict: false, git: false, loose: after !== null, after, reason };
  }
  const git = applyAll(parsed.files, before, likeGit);
  const gnu = applyAll(parsed.files, before, likeGnuPatch);
  const reason = git.reason ?? gnu.reason ?? inexact(git.applied) ?? inexact(gnu.applied);
  const stray = parsed.files.flatMap(({ hunks }) => hunks).find((hunk) => hunk.stray > 0);
  const counts = stray && `line ${stray.line}: a hunk with ${stray.stray} more lines than its header counts`;
  return {
    parses: true,
    strict: (counts ?? reason) === null,
    git: git.reason === null,
    loose: gnu.reason === null,
    after: git.after ?? gnu.after,
    reason: counts ?? reason,
  };
}

const faultWords = ({ line, message }: PatchFault) => `line ${line}: ${message}`;

interface Outcome {
  readonly after: Files | null;
  readonly reason: string | null;
  readonly applied: readonly { readonly file: FilePatch; readonly result: Applied }[];
}

/** What one program does with one file: its new text, null when it is gone; or why not. */
type Program = (
  file: FilePatch,
  files: Map<string, string>,
) => { readonly result: Applied; readonly refused?: string };

const nothing: Applied = { ok: true, hunks: [], text: "" };

function applyAll(patches: readonly FilePatch[], before: Files, program: Program): Outcome {
  const files = new Map(Object.entries(before));
  const applied: { file: FilePatch; result: Applied }[] = [];
  for (const file of patches) {
    const { result, refused } = program(file, files);
    const failed = result.ok ? undefined : file.hunks[result.hunks.length - 1];
    const reason =
      refused ?? (failed && `line ${failed.line}: ${placeOf(file)} has no place where this hunk fits`);
    if (reason !== undefined) return { after: null, reason, applied };
    applied.push({ file, result });
    if (file.change === "rename" || file.change === "delete") files.delete(file.oldPath!);
    if (file.newPath !== null) files.set(file.newPath, result.text);
  }
  return { after: Object.fromEntries(files), reason: null, applied };
}

const placeOf = ({ oldPath, newPath }: FilePatch) => oldPath ?? newPath ?? "a file";

const likeGit: Program = (file, files) => {
  const { oldPath, newPath, change } = file;
  const old = oldPath === null ? "" : files.get(oldPath);
  if (old === undefined)
    return { result: nothing, refused: `line ${file.line}: there is no file ${oldPath}` };
  if (newPath !== null && newPath !== oldPath && files.has(newPath))
    return { result: nothing, refused: `line ${file.line}: ${newPath} is there already` };
  const result = applyLikeGit(old, file.hunks);
  if (result.ok && change === "delete" && result.text !== "")
    return { result, refused: `line ${file.line}: ${oldPath} is to be removed and has more lines` };
  return { result };
};

const likeGnuPatch: Program = (file, files) => {
  const { oldPath, newPath, change } = file;
  const hunks = file.crlf
    ? file.hunks.map((hunk) => ({
        ...hunk,
        lines: hunk.lines.map((line) => ({ ...line, text: line.text.replace(/\r\n$/, "\n") })),
      }))
    : file.hunks;
  const old = oldPath === null ? (files.get(newPath!) ?? "") : files.get(oldPath);
  if (old === undefined)
    return { result: nothing, refused: `line ${file.line}: there is no file ${oldPath}` };
  if (oldPath === null && old !== "")
    return { result: nothing, refused: `line ${file.line}: ${newPath} is there already` };
  const result = applyLikeGnuPatch(old, hunks);
  if (result.ok && change === "delete" && result.text !== "")
    return { result, refused: `line ${file.line}: ${oldPath} is to be removed and has more lines` };
  return { result };
};

function inexact(applied: Outcome["applied"]): string | null {
  for (const { file, result } of applied)
    for (const [i, { offset, fuzz }] of result.hunks.entries()) {
      const at = `line ${file.hunks[i]!.line}: a hunk`;
      if (fuzz > 0) return `${at} that fits only without ${fuzz} lines of its context`;
      if (offset !== 0)
        return `${at} that fits ${Math.abs(offset)} lines ${offset > 0 ? "further down" : "further up"}`;
    }
  return null;
}
