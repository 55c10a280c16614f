// Work with programs that nobody knows: their usage text says which word or option gives what was asked for.
// What they hand out are facts (a size, a colour, a reading); none hands out work.

import type { Job } from "./job.ts";
import type { Draw } from "./names.ts";
import { anyWord, distinctWords, madeUpWord, programName, quote, words } from "./names.ts";

const facts =
  "size colour level count weight reading state version price speed temperature pressure height depth name owner label limit rate total".split(
    " ",
  );
const verbs = ["show", "print", "tell", "give", "write"];

/** A program that knows one fact. */
export interface Tool {
  readonly path: string;
  /** How it is called. */
  readonly run: string;
  readonly script: string;
  /** Arguments that give the fact; two when one must be looked up first. */
  readonly calls: readonly string[];
  readonly wrong: readonly string[];
  readonly value: string;
  readonly fact: string;
}

const caseOf = (name: string, usage: string, help: string, cases: string): string =>
  `#!/bin/sh\ncase "$1" in\n-h|--help|help) cat <<'END_OF_HELP'\n${help}\nEND_OF_HELP\n;;\n${cases}\n*) echo ${quote(usage)} >&2; echo ${quote(`try: ${name} --help`)} >&2; exit 2 ;;\nesac\n`;

/** A program with a usage text in one of several shapes. */
export function makeTool(draw: Draw, user: string): Tool {
  const name = programName(draw);
  const path = draw.chance(0.6)
    ? `/usr/local/bin/${name}`
    : draw.pick([
        `/opt/${madeUpWord(draw)}/${name}`,
        `/usr/local/lib/${name}`,
        `/srv/${madeUpWord(draw)}/${name}`,
      ]);
  const run = path.startsWith("/usr/local/bin") ? name : path;
  const [fact, other] = draw.sample(facts, 2) as [string, string];
  const value = draw.pick([
    String(draw.int(1, 999)),
    anyWord(draw),
    `${draw.pick(words)} ${draw.int(1, 99)}`,
  ]);
  const put = `echo ${quote(value)}`;
  const verb = draw.pick(verbs);
  const shape = draw.pick(["flag", "sub", "list", "numbered", "named", "two"]);
  const made = (usage: string, help: string, cases: string, use: Pick<Tool, "calls" | "wrong">): Tool => ({
    path,
    run,
    fact,
    value,
    script: caseOf(name, usage, help, cases),
    ...use,
  });
  if (shape === "flag") {
    const long = draw.chance(0.3)
      ? anyWord(draw)
      : draw.pick([fact, "all", "now", "last", "full", "value", "next", "current", "first"]);
    const usage = `usage: ${name} [-${long[0]}|--${long}] [-h|--help]`;
    const help = `${usage}\n  -${long[0]}, --${long}   ${verb} the ${fact}\n  -h, --help   this text`;
    return made(usage, help, `-${long[0]}|--${long}) ${put} ;;`, {
      calls: [draw.pick([`--${long}`, `-${long[0]}`])],
      wrong: [`--${draw.pick(["get", "info", "show"])}`, long],
    });
  }
  if (shape === "sub") {
    const sub = draw.chance(0.4)
      ? anyWord(draw)
      : draw.pick([fact, "get", "read", "show", "fetch", "value", "pull", "look"]);
    const usage = `usage: ${name} COMMAND`;
    const entries = [
      `  ${sub.padEnd(6)} ${verb} the ${fact}`,
      ...(draw.chance(0.4) ? [`  ${anyWord(draw).padEnd(6)} ${verb} the ${other}`] : []),
    ];
    if (draw.chance(0.5)) entries.reverse();
    const help = `${usage}\n${draw.chance(0.6) ? "\n" : ""}commands:\n${entries.join("\n")}\n  help   print this text`;
    return made(usage, help, `${sub}) ${put} ;;`, {
      calls: [sub],
      wrong: [`--${sub}`, "info"],
    });
  }
  if (shape === "list") {
    const number = idWord(draw);
    const [a, b] = draw.chance(0.4)
      ? (distinctWords(draw, 2) as [string, string])
      : draw.pick([
          ["list", "show"],
          ["ls", "cat"],
          ["ids", "get"],
          ["names", "print"],
        ] as const);
    const usage = `usage: ${name} ${a} | ${name} ${b} ID`;
    const help = `${usage}\n${a}: print the ids, one a line\n${b}: print the ${fact} with that id`;
    return made(
      usage,
      help,
      `${a}) echo ${number} ;;\n${b}) if [ "$2" = ${number} ]; then ${put}; else echo "${name}: no such id: $2" >&2; exit 1; fi ;;`,
      {
        calls: [a, `${b} ${number}`],
        wrong: [b, `--${a}`],
      },
    );
  }
  if (shape === "numbered") {
    const most = draw.int(1, 5);
    const usage = `usage: ${name} N`;
    const help = `${usage}\nPrints ${fact} number N. Counting starts at 1; there ${most === 1 ? "is 1" : `are ${most}`}.`;
    return made(
      usage,
      help,
      `[0-9]*) if [ "$1" = 1 ]; then ${put}; else echo "${name}: there is no number $1" >&2; exit 1; fi ;;`,
      {
        calls: ["1"],
        wrong: ["0", "first"],
      },
    );
  }
  if (shape === "named") {
    const option = draw.chance(0.3) ? anyWord(draw) : draw.pick(["for", "user", "of", "name", "login"]);
    const usage = `usage: ${name} --${option} NAME`;
    const help = `${usage}\nShows the ${fact} of NAME, a login name.\nWith no --${option} nothing is shown.`;
    return made(
      usage,
      help,
      `--${option}) if [ "$2" = ${user} ]; then ${put}; else echo "${name}: no ${fact} for '$2'" >&2; exit 1; fi ;;`,
      {
        calls: [`--${option} ${user}`],
        wrong: [`--${option}`, user],
      },
    );
  }
  const options = draw.sample(
    [
      ["--long", "-l"],
      ["--brief", "-b"],
      ["--raw", "-r"],
      ["--exact", "-e"],
      ["--plain", "-p"],
    ] as const,
    2,
  );
  const wanted = draw.int(0, 1);
  const usage = `usage: ${name} OPTION`;
  const lines = options.map(
    ([long, short], i) => `  ${short}, ${long}   ${verb} the ${i === wanted ? fact : other}`,
  );
  const cases = options
    .map(([long, short], i) => `${short}|${long}) ${i === wanted ? put : `echo ${quote(anyWord(draw))}`} ;;`)
    .join("\n");
  return made(usage, `${usage}\n${lines.join("\n")}\n  -h, --help   this text`, cases, {
    calls: [draw.pick(options[wanted]!)],
    wrong: ["", "--all"],
  });
}

/** What a list calls its entries: a number, a letter and a number, a word. */
function idWord(draw: Draw): string {
  const number = draw.int(2, 997);
  const letter = String.fromCharCode(97 + draw.int(0, 25));
  return draw.pick([
    `${number}`,
    `${letter}${number % 100}`,
    `${letter}${number}`,
    `${letter}-${number}`,
    madeUpWord(draw),
  ]);
}

const asks = [
  (t: Tool) => `What is the ${t.fact}? ${t.run} knows it; see ${t.run} --help.`,
  (t: Tool) => `Find out the ${t.fact} with ${t.run}.`,
  (t: Tool) => `${t.run} can tell the ${t.fact}. Ask it.`,
  (t: Tool) => `Let ${t.run} print the ${t.fact}. It explains itself with --help.`,
  (t: Tool) => `Show me the ${t.fact}, please. The program for it is ${t.run}.`,
  (t: Tool) => `Use ${t.run} to get the ${t.fact}.`,
];

/** Reads a usage text and calls the program as it says; sometimes guesses first, sometimes keeps the answer in a file. */
export function usageJob(draw: Draw, user: string): Job {
  const tool = makeTool(draw, user);
  const style = draw.next();
  const help = `${tool.run} --help`;
  const guess =
    style < 0.2
      ? [`${tool.run} ${draw.pick(tool.wrong)}`.trim(), help]
      : style < 0.35
        ? [tool.run, help]
        : [help];
  const calls = tool.calls.map((call) => `${tool.run} ${call}`);
  const file = { path: tool.path, content: tool.script, mode: "0755" };
  if (draw.chance(0.6))
    return { kind: "usage", files: [file], text: draw.pick(asks)(tool), commands: [...guess, ...calls] };
  const out = draw.pick([
    `~/${anyWord(draw)}`,
    `/tmp/${anyWord(draw)}.txt`,
    `/home/${user}/${anyWord(draw)}.txt`,
  ]);
  const keep = draw.chance(0.5)
    ? [...calls.slice(0, -1), `${calls.at(-1)} > ${out}`]
    : [...calls, `echo ${tool.value.includes(" ") ? quote(tool.value) : tool.value} > ${out}`];
  return {
    kind: "usage_keep",
    files: [file],
    text: `${draw.pick(asks)(tool)} Write it to ${out}.`,
    commands: [...guess, ...keep, ...(draw.chance(0.5) ? [`cat ${out}`] : [])],
  };
}
