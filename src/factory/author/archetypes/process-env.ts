// Facts of the session and the system, written down.

import { OPERATOR_UID } from "../../../sandbox/contract.ts";
import { HOST } from "../../taxonomy.ts";
import type { Seat } from "../seat.ts";
import { hasMode, holds, text } from "../sh.ts";
import { steps, type Work } from "../work.ts";

interface Fact {
  readonly variant: string;
  /** What the file must hold. */
  readonly words: readonly string[];
  readonly lines: readonly string[];
  readonly commands: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly fixtures?: readonly { readonly path: string; readonly content: string; readonly mode: string }[];
  readonly look: string;
}

/** A variable, an identity, an entry of PATH, or a file made under a umask. */
export function processEnv(seat: Seat): Work {
  const { rng } = seat;
  const exists = rng.chance(0.6);
  const directory = exists ? seat.home : seat.place();
  const path = `${directory}/${seat.word()}.${rng.pick(["txt", "info", "out", "env"])}`;
  const out = seat.spelled(path);
  const make = exists ? [] : [`mkdir -p ${directory}`];
  if (rng.chance(0.15)) return umaskWork(seat, path, out, make);
  const fact = rng.pick(facts(seat));
  const words = rng.pick(fact.words);
  return {
    variant: fact.variant,
    directive: rng.pick([
      `Write ${words} to ${out}.`,
      `${out} must hold ${words}.`,
      `Find out ${words} and put it, with nothing else, into ${out}.`,
    ]),
    dirs: [],
    fixtures: fact.fixtures ?? [],
    ...(fact.env === undefined ? {} : { env: fact.env }),
    checks: [holds(path, text(fact.lines))],
    solutions: [
      ...fact.commands.map((command) => steps(...make, `${command} > ${out}`, `= cat ${out}`)),
      steps(
        `? ${fact.look}`,
        ...make,
        `printf '%s\\n' ${fact.lines.map((line) => `'${line}'`).join(" ")} > ${out}`,
        `= cat ${out}`,
      ),
    ],
    look: [fact.look, "env", "id"],
    verify: [`cat ${out}`],
    slips: [`cat ${out}`, `ls ${path}.d`],
    terminal: "exit",
  };
}

function facts(seat: Seat): readonly Fact[] {
  const { rng } = seat;
  const [stem, tail, other] = seat.take(3).map((word) => word.toUpperCase()) as [string, string, string];
  const values = seat.take(3);
  const first = `${stem}_${tail}`;
  const second = `${stem}_${other}`;
  const env = { [first]: `${values[0]} ${rng.int(10, 99)}`, [second]: values[1]!, [`X${other}`]: values[2]! };
  const program = seat.name();
  const folder = rng.pick(["/usr/local/bin", "/usr/local/sbin", `/opt/data/${seat.word()}`]);
  const file = { path: `${folder}/${program}`, content: `#!/bin/sh\necho ${program}\n`, mode: "0755" };
  return [
    {
      variant: "variable",
      words: [
        `the value of the environment variable ${first} (one line)`,
        `the value that ${first} has in this session, as one line`,
      ],
      lines: [env[first]!],
      commands: [`echo "$${first}"`, `printf '%s\\n' "$${first}"`, `env | grep '^${first}=' | cut -d= -f2-`],
      env,
      look: `env | grep ${stem}`,
    },
    {
      variant: "variable_names",
      words: [
        `the names of all environment variables that begin with ${stem}_, sorted, one a line`,
        `a sorted list of the exported variables whose names start with ${stem}_ (names only, a line each)`,
      ],
      lines: [first, second].sort(),
      commands: [
        `env | grep '^${stem}_' | cut -d= -f1 | sort`,
        `env | sed -n 's/^\\(${stem}_[A-Z]*\\)=.*/\\1/p' | sort`,
      ],
      env,
      look: `env | grep ${stem}`,
    },
    {
      variant: "two_variables",
      words: [
        `the values of the variables ${second} and X${other}, in this order, one a line`,
        `two lines: the value of ${second}, then the value of X${other}`,
      ],
      lines: [values[1]!, values[2]!],
      commands: [`printf '%s\\n' "$${second}" "$X${other}"`, `{ echo $${second}; echo $X${other}; }`],
      env,
      look: `env | grep ${other}`,
    },
    combined(seat),
    combined(seat),
    combined(seat),
    {
      variant: "path_entries",
      words: [
        "the directories of PATH, one a line and in their order",
        "the entries of the variable PATH in their order, each on a line of its own",
      ],
      lines: ["/usr/local/bin", "/bin"],
      commands: ["echo \"$PATH\" | tr : '\\n'", "printf '%s\\n' \"$PATH\" | sed 's/:/\\n/g'"],
      look: "echo $PATH",
    },
    {
      variant: "program_directory",
      words: [
        `the directory (one of /usr/local/bin, /usr/local/sbin and those below /opt/data) that holds the program ${program}, as an absolute path on one line`,
      ],
      lines: [folder],
      commands: [`dirname "$(find /usr/local /opt/data -name ${program} 2>/dev/null)"`],
      fixtures: [file],
      look: `find /usr/local /opt -name ${program}`,
    },
  ];
}

/** Two or three facts of one word each, in a random order. */
function combined({ rng, user, difficulty }: Seat): Fact {
  const account = (field: number): string => `$(grep '^${user}:' /etc/passwd | cut -d: -f${field})`;
  const known = rng.sample(
    [
      { words: "your numeric user id", value: String(OPERATOR_UID), ways: ["$(id -u)", account(3)] },
      { words: "your numeric group id", value: String(OPERATOR_UID), ways: ["$(id -g)", account(4)] },
      { words: "your login name", value: user, ways: ["$(whoami)", "$USER"] },
      { words: "the name of this host", value: HOST, ways: ["$(hostname)", "$(uname -n)"] },
      { words: "your home directory", value: `/home/${user}`, ways: ["$HOME", account(6)] },
      { words: "your login shell", value: "/bin/dash", ways: ["$SHELL", account(7)] },
      { words: "the time zone that TZ names", value: "UTC", ways: ["$TZ", "$(env | sed -n 's/^TZ=//p')"] },
      {
        words: "the value of LC_ALL",
        value: "C.UTF-8",
        ways: ["$LC_ALL", "$(env | sed -n 's/^LC_ALL=//p')"],
      },
      {
        words: "the kind of terminal that TERM names",
        value: "dumb",
        ways: ["$TERM", "$(env | sed -n 's/^TERM=//p')"],
      },
      { words: "the name of the kernel", value: "Linux", ways: ["$(uname)", "$(uname -s)"] },
    ],
    difficulty === 3 ? 3 : 2,
  );
  const names = known.map(({ words }) => words);
  const values = known.map(({ value }) => value);
  const separator = rng.pick([":", " ", ",", "@"]);
  const oneLine = rng.chance(0.5);
  const list = names.length === 2 ? names.join(" and ") : `${names[0]}, ${names[1]} and ${names[2]}`;
  const order = names.join(", then ");
  const print = (way: number): string =>
    oneLine
      ? `echo "${known.map(({ ways }) => ways[way]).join(separator)}"`
      : `printf '%s\\n' ${known.map(({ ways }) => `"${ways[way]}"`).join(" ")}`;
  const between = separator === " " ? "a blank" : `'${separator}'`;
  return {
    variant: oneLine ? "facts_line" : "facts",
    words: oneLine
      ? [
          `${order} as one line, with ${between} between them`,
          `one line made of ${list}, in this order and joined by ${between}`,
        ]
      : [`${list}, in this order, one a line`, `${names.length} lines: ${order}`],
    lines: oneLine ? [values.join(separator)] : values,
    commands: [print(0), print(1)],
    look: "id",
  };
}

function umaskWork(seat: Seat, path: string, out: string, make: readonly string[]): Work {
  const { rng } = seat;
  const [mask, mode] = rng.pick([
    ["077", "600"],
    ["027", "640"],
    ["022", "644"],
    ["007", "660"],
  ] as const);
  const word = seat.word();
  return {
    variant: "umask",
    directive: rng.pick([
      `Create ${out} with the line '${word}' as a file made under the umask ${mask} has it: mode ${mode}.`,
      `Under a umask of ${mask} make the new file ${out}, which holds the line '${word}'; its mode must be ${mode}.`,
    ]),
    dirs: [],
    fixtures: [],
    checks: [holds(path, `${word}\n`), hasMode(path, mode)],
    solutions: [
      steps(...make, `umask ${mask} && echo ${word} > ${path}`, `= ls -l ${path}`),
      steps(...make, `(umask ${mask}; echo ${word} > ${path})`, `= stat -c '%a %n' ${path}`),
      steps(...make, `echo ${word} > ${path} && chmod ${mode} ${path}`, `= ls -l ${path}`),
    ],
    look: ["umask", "id"],
    verify: [`ls -l ${path}`, `cat ${out}`],
    slips: [`cat ${out}`, `chmod ${mode} ${path}`],
    terminal: "exit",
  };
}
