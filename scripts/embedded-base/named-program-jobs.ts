// Work with a program that is not named in the request: the login text, a note or a variable says which one knows the fact.
// The wording is put together anew each time, so that only the sentence tells which of its words is the program.

import type { Job } from "./job.ts";
import { anyWord, capitals, type Draw } from "./names.ts";
import { makeTool, type Tool } from "./usage-jobs.ts";

/** What a person says who leaves the rest to what is on the screen. */
const wishes = [
  (fact: string) => `Show the ${fact}.`,
  (fact: string) => `What is the ${fact}?`,
  (fact: string) => `Get the ${fact}, please.`,
  (fact: string) => `I need the ${fact}.`,
  (fact: string) => `Find out the ${fact}.`,
];

/** F is the fact, X the program. */
const signs =
  "F: X|F - X|F = X|X: F|X (F)|F (X)|[F: X]|F -> X|F by X|X for the F|F program: X|program X, F".split("|");
const sentences = (
  "the F is kept by X|the F is measured by X|the F is known to X|the F belongs to X|you get the F out of X|the F is got with X|" +
  "the program for the F is X|X is where the F is kept|X tells the F|it is X that tells the F|the F of this host is told by X|" +
  "whoever wants the F calls X|call X for the F|X knows the F|the F is counted by X|all that is known of the F is in X|" +
  "the F is what X is for|no program but X tells the F|the F is served by X|the F stands in X"
).split("|");
/** After a sentence that has named the fact. */
const pronouns =
  "it is kept by X|it is told by X|X has it|that is what X is for|it is got out of X|X keeps it|it is measured by X|it is X that knows it".split(
    "|",
  );
const helps = [
  ". It has --help.",
  "; it tells how with --help.",
  "; its --help says how.",
  ", see its --help.",
  ".\n--help says how.",
  "; call it with --help first.",
  ", which tells with --help how.",
  " (see --help)",
  ". Begin with --help.",
];

const capital = (text: string): string => text.replace(/^[a-z]/, (letter) => letter.toUpperCase());

/** Says which program knows the fact, with words around it that are no program. */
export function wording(draw: Draw, { fact, run }: Tool): string {
  const fill = (pattern: string): string => pattern.replace("F", () => fact).replace("X", () => run);
  const word = () => anyWord(draw);
  if (draw.chance(0.25)) {
    const sign = fill(draw.pick(signs));
    return draw.pick([
      sign,
      sign,
      `${word()} | ${word()} | ${sign}`,
      `${word()} ${draw.int(0, 9)}.${draw.int(0, 9)} | ${sign}`,
      `* ${sign}`,
      `${word()}\n${sign}`,
      `${capital(word())} ${word()}. ${sign}.`,
    ]);
  }
  const help = draw.chance(0.5)
    ? draw.pick(helps)
    : draw.pick([".", ".", "", `; ${run} --help says how.`, ` (${run} --help).`]);
  if (draw.chance(0.4)) {
    const lead = draw.pick([
      `Everybody here needs the ${fact}.`,
      `This host has a ${fact}.`,
      `About the ${fact}`,
      `${capital(word())} asks for the ${fact} of ${word()}.`,
      `Whoever works with ${word()} needs the ${fact}.`,
      `The ${fact}: ${word()} ${word()}.`,
    ]);
    return `${lead}${draw.pick(["\n", "\n", " ", "\n\n"])}${fill(capital(draw.pick(pronouns)))}${help}`;
  }
  const pattern = draw.pick(sentences);
  const said = fill(pattern);
  // A program's name keeps its first letter.
  const begun = fill(capital(pattern));
  return draw.pick([
    `${begun}${help}`,
    `${said}${help}`,
    `Hello. ${begun}${help}`,
    `${capital(word())} is ${word()}. ${begun}${help}`,
    `* ${said}${help}`,
    `${begun}${help} ${capital(word())} is ${word()}.`,
  ]);
}

/** Asks for the fact, after the program was called in a wrong way now and then. */
function asked(draw: Draw, { run, wrong, calls }: Tool): string[] {
  return [
    ...(draw.chance(0.12) ? [`${run} ${draw.pick(wrong)}`.trim()] : []),
    `${run} --help`,
    ...calls.map((call) => `${run} ${call}`),
  ];
}

/** Half of the time the login text says where to look and the request only what is wanted. */
function says(draw: Draw, { fact }: Tool, openings: readonly string[], requests: readonly string[]) {
  return draw.chance(0.5)
    ? { opening: draw.pick(openings), text: draw.pick(wishes)(fact) }
    : { text: draw.pick(requests) };
}

/** Runs a program that the login text names. */
export function shownProgramJob(draw: Draw, user: string): Job {
  const tool = makeTool(draw, user);
  return {
    kind: "shown_program",
    files: [{ path: tool.path, content: tool.script, mode: "0755" }],
    opening: wording(draw, tool),
    text: draw.pick(wishes)(tool.fact),
    commands: asked(draw, tool),
  };
}

/** Runs a program that a note names. */
export function namedProgramJob(draw: Draw, user: string): Job {
  const tool = makeTool(draw, user);
  const note = draw.pick([
    `/home/${user}/${anyWord(draw)}`,
    `/home/${user}/${anyWord(draw).toUpperCase()}`,
    `/srv/${anyWord(draw)}.txt`,
    `/var/${anyWord(draw)}.txt`,
    `/etc/${anyWord(draw)}`,
  ]);
  const shown = note.replace(`/home/${user}`, "~");
  const ask = draw.pick([
    `I want the ${tool.fact}. ${shown} names the program for it.`,
    `Read ${shown}, then get me the ${tool.fact}.`,
    `Which program gives the ${tool.fact}? ${shown} says it. Run it.`,
  ]);
  return {
    kind: "named_program",
    files: [
      { path: tool.path, content: tool.script, mode: "0755" },
      { path: note, content: `${wording(draw, tool)}\n` },
    ],
    ...says(
      draw,
      tool,
      [
        `Of the ${tool.fact} you read in ${shown}.`,
        `${tool.fact}: ${shown}`,
        `Hello. ${shown} is about the ${tool.fact}.`,
      ],
      [ask],
    ),
    commands: [
      ...(draw.chance(0.15) ? [`ls ${shown.slice(0, shown.lastIndexOf("/"))}`] : []),
      `cat ${shown}`,
      ...asked(draw, tool),
    ],
  };
}

/** A variable of the environment names the program. */
export function variableProgramJob(draw: Draw, user: string): Job {
  const tool = makeTool(draw, user);
  const name = draw.chance(0.2)
    ? draw.pick(["TOOL", "METER", "PROGRAM", "SOURCE", "HELPER", "GAUGE"])
    : capitals(draw);
  return {
    kind: "variable_program",
    files: [{ path: tool.path, content: tool.script, mode: "0755" }],
    env: { [name]: draw.pick([tool.run, tool.run, `run ${tool.run} --help`, `${tool.run} (see --help)`]) },
    ...says(
      draw,
      tool,
      [
        `$${name} says which program knows the ${tool.fact}.`,
        `The ${tool.fact} program is in the variable ${name}.`,
        `${tool.fact}: see $${name}`,
      ],
      [
        `$${name} names a program. Ask it for the ${tool.fact}.`,
        `Get the ${tool.fact} with the program in $${name}.`,
        `The variable ${name} holds the program for the ${tool.fact}. Use it.`,
      ],
    ),
    commands: [draw.pick([`echo $${name}`, `env | grep ${name}`, `echo "$${name}"`]), ...asked(draw, tool)],
  };
}
