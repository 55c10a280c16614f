// Two pieces of work in one session: written in one text, or the second handed out when the first is reported as done.

import type { ArchetypeName } from "../../taxonomy.ts";
import type { Seat } from "../seat.ts";
import type { Solution, Work } from "../work.ts";
import { cleanup } from "./cleanup.ts";
import { fileCopy, fileCreate } from "./file-create.ts";
import { dirTree, symlink } from "./layout.ts";
import { fileAppend, fileMove } from "./move-append.ts";
import { fileTransform, headTail, sortUnique } from "./transform.ts";

const parts = {
  file_create: fileCreate,
  file_copy: fileCopy,
  file_move: fileMove,
  file_append: fileAppend,
  file_transform: fileTransform,
  dir_tree: dirTree,
  symlink,
  head_tail: headTail,
  sort_unique: sortUnique,
  cleanup,
} as const satisfies Partial<Record<ArchetypeName, (seat: Seat) => Work>>;

/** Two different archetypes in one world. The variant names them, so that neither slips through a hold-out. */
export function twoStep(seat: Seat): Work {
  const { rng } = seat;
  const names = rng.sample(Object.keys(parts) as (keyof typeof parts)[], 2);
  const [first, second] = names.map((name) => parts[name](seat)) as [Work, Work];
  const oneByOne = rng.chance(0.5);
  const texts = [first.directive!, second.directive!] as const;
  const together = rng.pick([
    `1. ${texts[0]}\n2. ${texts[1]}`,
    `First: ${texts[0]}\nThen: ${texts[1]}`,
    `${texts[0]}\n\nWhen that is done:\n${texts[1]}`,
  ]);
  const between: Solution = oneByOne
    ? [
        { command: "@done", kind: "ask" },
        { command: "@next", kind: "ask" },
      ]
    : [];
  const end: Solution = oneByOne ? [{ command: "@done", kind: "ask" }] : [];
  const ways = Math.min(first.solutions.length, second.solutions.length);
  return {
    variant: `${names.join("+")}${oneByOne ? "+staged" : ""}`,
    directive: oneByOne ? texts[0] : together,
    ...(oneByOne ? { parts: texts } : {}),
    dirs: [...first.dirs, ...second.dirs],
    fixtures: [...first.fixtures, ...second.fixtures],
    checks: [...first.checks, ...second.checks],
    solutions: Array.from({ length: ways }, (_, i) => [
      ...first.solutions[i]!,
      ...between,
      ...second.solutions[(i + rng.int(0, 1)) % ways]!,
      ...end,
    ]),
    look: first.look,
    verify: [...first.verify.slice(0, 1), ...second.verify.slice(0, 1)],
    slips: first.slips,
    terminal: "exit",
  };
}

/** The archetypes that a piece of work is made of beside its own, e.g. of `cleanup+symlink+staged`. */
export function componentsOf(variant: string): string[] {
  return variant.split("+").filter((name) => name in parts);
}
