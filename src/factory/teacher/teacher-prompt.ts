// The words in which a teacher model is asked for a scenario, and for a better one.

import { createHash } from "node:crypto";
import { Rng } from "../../base/rng.ts";
import type { GateResult } from "../gates/gate.ts";
import {
  announcementKinds,
  archetypes,
  type LevelName,
  levels,
  nouns,
  plainWords,
  providerShapes,
  syllables,
  userNames,
} from "../taxonomy.ts";
import { bundleSchema } from "./bundle-schema.ts";

const ORIENTATION = `You write scenarios in which an operator lands in a POSIX shell without any task in sight. The operator finds where tasks are
announced, learns a provider program from its own --help, gets one text (the directive) from it, does the work and leaves: with
exit when it is done, with panic when it cannot be done.

Answer with one JSON object and nothing else. Its JSON schema:
${JSON.stringify(bundleSchema)}

The world
- /bin/sh is dash, all other programs are BusyBox applets. No network, no root. The operator's number is 1000 and it owns
  /home /srv /opt /etc /tmp /var /usr/local; all paths lie below these. PATH is /usr/local/bin:/bin.
- The provider is a sh script that begins with #!/bin/sh. --help prints a line "usage: NAME ..." and everything that is needed to
  use it, with status 0, and never the directive. Wrong use prints the usage line to stderr with status 2. The right use prints
  the directive, exactly as in the field directive.
- The announcement tells where the provider is and nothing about the work. motd: the login text is also the fixture /etc/motd.
  banner: only the login text. env: the login text names a variable of env, which holds the provider's name. file: the login text
  names a fixture, which names the provider.
- No word of the directive and no file that it asks for appears in the login text, env, fixtures that announce, or help.

The checker
- Runs afterwards as root with / as directory and PATH=/bin, cannot write anything, never sees the session. Absolute paths only.
- Must fail on the untouched world, and when any one step of the work is left out, when files are only touched, emptied, deleted,
  made directories or filled with the directive's own text. It checks content, not existence, and that everything else was left
  alone. Everything that it checks is said in the directive.
- When there is nothing to do, or nothing can be done: passes on the untouched world and fails once files are deleted or made.

The reference solution
- One command a line of the list: read the announcement, --help, get the directive, do the work, look at the result, leave.
- Every step either only looks or is needed. It ends by itself, passes in every fresh world, and depends on no clock or chance.
- A scenario that ends in panic has a real obstacle, which one of its commands runs into (status not 0).`;

/** SHA-256 of everything in the prompt that is the same for all scenarios. */
export const promptSha256 = createHash("sha256").update(ORIENTATION).digest("hex");

/** What every conversation begins with. */
export function orientation(): string {
  return ORIENTATION;
}

/** The axes of one scenario, drawn from the taxonomy. */
export interface TeacherAxes {
  readonly archetype: string;
  readonly user: string;
  readonly axes: Readonly<Record<string, string>>;
  /** Words to build names from, so that no two scenarios look the same. */
  readonly words: readonly string[];
  readonly providerName: string;
}

/** Draws the axes of scenario number `index`; the same seed gives the same. */
export function drawAxes(
  seed: number,
  archetype: string,
  index: number,
  levelName: LevelName = "full",
): TeacherAxes {
  const level = levels[levelName];
  const rng = new Rng(`${seed}/teacher/${archetype}/${index}`);
  return {
    archetype,
    user: rng.pick(userNames),
    axes: {
      provider_shape: rng.pick<string>(level.shapes),
      announcement: rng.pick(announcementKinds),
      doc_depth: String(rng.pick([...new Set<number>(level.docDepths)])),
      difficulty: String(rng.pick<number>(level.difficulties)),
      noun: rng.pick(nouns),
    },
    words: rng.shuffle(plainWords).slice(0, 6),
    providerName: rng.sample(syllables, 2).join(""),
  };
}

/** The request for one scenario. */
export function request({ archetype, user, axes, words, providerName }: TeacherAxes): string {
  const kind = archetypes.find(({ name }) => name === archetype);
  const shape = providerShapes[axes.provider_shape as keyof typeof providerShapes];
  const ends = kind?.terminals.join(" or ") ?? "exit";
  return [
    `Write a scenario of the kind ${archetype}${kind ? `: ${kind.summary}` : ""}. It ends in ${ends}.`,
    `Login name: ${user}. Name of the provider program: ${providerName}. It calls its texts ${axes.noun}s; how it is asked: ${shape}.`,
    `Announcement: ${axes.announcement}. Pages of help that have to be read: ${axes.doc_depth}. Difficulty: ${axes.difficulty} of 3.`,
    `Build names of files and directories from words such as ${words.join(", ")}.`,
  ].join("\n");
}

/** Asks for a better one: what exactly was wrong, with what was seen. */
export function complaint(result: Pick<GateResult, "gate" | "reason" | "evidence">): string {
  const evidence = JSON.stringify(result.evidence);
  return [
    `That scenario was refused by the gate ${result.gate}: ${result.reason}`,
    ...(evidence === "{}" ? [] : [`What was seen: ${evidence.slice(0, 3000)}`]),
    "Correct it and answer with the whole JSON object again.",
  ].join("\n");
}
