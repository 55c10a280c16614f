// How a provider explains itself: all in --help, or over topics and a manual file that one has to follow.

import type { Fixture } from "../../data/scenario.ts";
import type { Shape } from "./provider-shapes.ts";
import type { Seat } from "./seat.ts";

/** Pages of help and the commands that read them. */
export interface Documentation {
  /** The usage line that errors and --help show, without `usage: `. */
  readonly usage: string;
  /** Second line of a usage error. */
  readonly hint: string;
  /** Branches of `case "$1"` that print help. */
  readonly cases: readonly string[];
  readonly fixtures: readonly Fixture[];
  readonly help: readonly (readonly string[])[];
}

const page = (lines: readonly string[]): string => `cat <<'END_OF_HELP'\n${lines.join("\n")}\nEND_OF_HELP`;

/** Documents a shape over `depth` pages: --help, then a topic or a manual file, then both. */
export function documentation(
  seat: Seat,
  program: { readonly name: string; readonly run: string; readonly noun: string; readonly depth: number },
  shape: Pick<Shape, "usage" | "vague" | "details">,
): Documentation {
  const { name, run, noun, depth } = program;
  const hint = `try: ${run} --help`;
  if (depth === 1) {
    const lines = [`usage: ${shape.usage}`, ...(seat.rng.chance(0.4) ? [""] : []), ...shape.details];
    return {
      usage: shape.usage,
      hint,
      cases: [`-h|--help|help)\n${page(lines)}\n;;`],
      fixtures: [],
      help: [[`${run} --help`], [`${run} -h`], [`${run} help`]],
    };
  }
  const topic = seat.rng.pick([`${noun}s`, "usage", "start", "work", "seats"]);
  const manual = seat.rng.pick([
    `/usr/local/share/doc/${name}.txt`,
    `/usr/local/share/man/${name}.1.txt`,
    `/etc/${name}/manual`,
    `/opt/doc/${name}`,
  ]);
  const throughTopic = depth === 3 || seat.rng.chance(0.5);
  const throughManual = depth === 3 || !throughTopic;
  const usage = throughTopic ? `${shape.vague} | ${name} help TOPIC` : shape.vague;
  const full = [`usage: ${shape.usage}`, ...shape.details];
  const toManual = [
    `How you get your ${noun} is written in ${manual}.`,
    `The manual is ${manual}: it says how to get your ${noun}.`,
    `Manual: ${manual}`,
  ];
  const front = [
    `usage: ${usage}`,
    ...(throughTopic
      ? [
          `topics of '${run} help TOPIC':`,
          `  ${topic.padEnd(12)} how to get your ${noun}`,
          "  version      which version this is",
        ]
      : [seat.rng.pick(toManual)]),
  ];
  const topics = [
    `${topic})\n${page(throughManual ? [seat.rng.pick(toManual)] : full)}\n;;`,
    `version) echo '${name} ${seat.rng.int(0, 4)}.${seat.rng.int(0, 9)}' ;;`,
    `*) echo "${name}: no help on '$2'" >&2\nexit 1 ;;`,
  ];
  const cases = throughTopic
    ? [
        `-h|--help)\n${page(front)}\n;;`,
        `help) case "$2" in\n"")\n${page(front)}\n;;\n${topics.join("\n")}\nesac ;;`,
      ]
    : [`-h|--help|help)\n${page(front)}\n;;`];
  const follow = [
    ...(throughTopic ? [`${run} help ${topic}`] : []),
    ...(throughManual ? [`cat ${manual}`] : []),
  ];
  return {
    usage,
    hint,
    cases,
    fixtures: throughManual
      ? [{ path: manual, content: `${[`${name.toUpperCase()}`, "", ...full].join("\n")}\n` }]
      : [],
    help: [
      [`${run} --help`, ...follow],
      [`${run} -h`, ...follow],
      ...(throughTopic ? [[`${run} help`, ...follow]] : []),
    ],
  };
}
