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
  const { rng, user } = seat;
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
    {
      variant: "user_id",
      words: [
        "your numeric user id, alone on one line",
        "the number of the user that you are (one line, only the number)",
      ],
      lines: [String(OPERATOR_UID)],
      commands: ["id -u", `grep '^${user}:' /etc/passwd | cut -d: -f3`],
      look: "id",
    },
    {
      variant: "identity",
      words: [
        `one line USER:HOME:SHELL with your login name, home directory and login shell as /etc/passwd has them`,
      ],
      lines: [`${user}:/home/${user}:/bin/dash`],
      commands: [
        `grep '^${user}:' /etc/passwd | cut -d: -f1,6,7`,
        `awk -F: '$1 == "${user}" {print $1 ":" $6 ":" $7}' /etc/passwd`,
      ],
      look: "cat /etc/passwd",
    },
    {
      variant: "host",
      words: [
        "one line USER@HOST: your login name and the name of this host",
        "your login name, an @ and the host's name, as one line without blanks",
      ],
      lines: [`${user}@${HOST}`],
      commands: ['echo "$(whoami)@$(hostname)"', 'echo "$USER@$(uname -n)"'],
      look: "hostname",
    },
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
    {
      variant: "time_zone",
      words: [
        "the values of TZ and LC_ALL in this session, in this order, one a line",
        "two lines: what the variable TZ says, then what LC_ALL says",
      ],
      lines: ["UTC", "C.UTF-8"],
      commands: ['printf \'%s\\n\' "$TZ" "$LC_ALL"', "{ echo $TZ; echo $LC_ALL; }"],
      look: "env",
    },
  ];
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
