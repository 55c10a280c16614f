// Which looks a session keeps between the directive and the work. A small model that learns to look first learns to look and leave,
// so pure looks go; but nobody may know what was never on the screen, so looks that the work rests on stay.

import type { Rng } from "../../base/rng.ts";
import type { Plan } from "../author/plan.ts";
import type { Solution, Step } from "../author/work.ts";
import { isLook, programOf } from "./command-shape.ts";

/** Share of the sessions that keep their looks at full exploration. */
const KEPT = 0.15;

/** The work as it is done: pure looks before the first act are left out nearly always, one is put in where the work could not be known
 *  without.
 *  @param screen everything that was shown so far
 *  @param detours how much exploration there is; at 0 no look stays that is not needed */
export function trim(work: Solution, plan: Plan, screen: string, rng: Rng, detours: number): Solution {
  const firstAct = work.findIndex(({ command, kind }) => kind === "act" && programOf(command) !== "cd");
  // Where nothing can be done, looking is the work.
  if (firstAct < 0) return work;
  const keep = rng.chance(KEPT * detours);
  const needed = missingKnowledge(work, screen);
  if (needed === undefined) return work.filter(({ command }, i) => i >= firstAct || keep || !isLook(command));
  if (work.slice(0, firstAct).some(({ command }) => isLook(command))) return work;
  const look = plan.look.find((command) => needed.test(command));
  return look === undefined ? work : [{ command: look, kind: "look" } as Step, ...work];
}

/** Looks of the kind that shows what the acts rest on and the screen does not say; undefined when nothing is missing. */
function missingKnowledge(work: Solution, screen: string): RegExp | undefined {
  const content = /^(?:cat|head|tail|grep|sed|awk|wc|env|echo|ps)\b/;
  for (const { command, kind } of work) {
    if (kind !== "act") continue;
    if (/(?:-f ?|-k ?|\$)\d/.test(command) && !/\b(?:column|field) \d|[A-Z]{3,} [A-Z]{3,}/.test(screen))
      return content;
    if (/^(?:echo|printf)\b/.test(command) && writtenWords(command).some((word) => !screen.includes(word)))
      return content;
    const names = command.match(/(?<![\w$.-])[\w-]+\.[A-Za-z]\w{0,5}(?![\w.])/g) ?? [];
    if (names.some((name) => !screen.includes(name))) return /^(?:ls|find|cat)\b/;
  }
  return undefined;
}

/** Words and numbers that an `echo` or `printf` writes. */
function writtenWords(command: string): string[] {
  const [text = ""] = command.split(">");
  return text.replace(/^(?:echo|printf)|%\w|\\\w/g, " ").match(/[A-Za-z0-9]{2,}|\b\d\b/g) ?? [];
}
