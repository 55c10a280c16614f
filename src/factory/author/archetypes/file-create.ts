// Files that come into being: created, copied, moved, appended to.

import { proseLines } from "../prose.ts";
import type { Seat } from "../seat.ts";
import { holds, listing, quote, text } from "../sh.ts";
import { steps, type Work } from "../work.ts";

/** A file with given lines, in a directory that may not exist. */
export function fileCreate(seat: Seat): Work {
  const { rng } = seat;
  const directory = seat.place();
  const file = `${seat.word()}${rng.pick([".txt", ".conf", ".status", ".note", ""])}`;
  const path = `${directory}/${file}`;
  const exists = rng.chance(0.4);
  const lines = Array.from({ length: seat.difficulty === 1 ? rng.int(1, 2) : rng.int(1, 3) }, () =>
    seat.take(rng.int(1, 3)).join(" "),
  );
  const shown = seat.spelled(path);
  const [only] = lines;
  const listed = lines.map((line) => `'${line}'`);
  const one = [
    `Create the file ${shown} with the single line '${only}'.`,
    `Write the line '${only}', and nothing else, to the new file ${shown}.`,
    `There must be a file ${shown} that holds one line: ${only}`,
  ];
  const more = [
    `Create the file ${shown} with ${lines.length} lines: ${listed.join(", then ")}.`,
    `Write a new file ${shown}. Its lines, in this order: ${listed.join(", ")}.`,
    `Put these lines into ${shown}, a file that does not exist yet, and nothing else:\n${lines.join("\n")}`,
  ];
  const write = (to: string, style: number): string =>
    style === 0
      ? lines.length === 1
        ? `echo ${only!.includes(" ") ? quote(only!) : only} > ${to}`
        : `printf '%s\\n' ${lines.map(quote).join(" ")} > ${to}`
      : style === 1
        ? `cat > ${to} <<'END'\n${lines.join("\n")}\nEND`
        : lines.map((line, i) => `echo ${quote(line)} ${i === 0 ? ">" : ">>"} ${to}`).join(" && ");
  const make = exists ? [] : [`mkdir -p ${directory}`];
  return {
    variant: lines.length === 1 ? "one_line" : "lines",
    directive: rng.pick(lines.length === 1 ? one : more),
    dirs: exists ? [{ path: directory }] : [],
    fixtures: [],
    checks: [holds(path, text(lines))],
    solutions: [
      steps(...make, write(path, 0), `= cat ${path}`),
      steps(
        ...(exists ? [`cd ${directory}`] : [`mkdir -p ${directory} && cd ${directory}`]),
        write(file, 0),
        `= cat ${file}`,
      ),
      steps(...make, write(seat.shown(path), 1), `= cat ${seat.shown(path)}`),
      steps(...make, write(path, 2), `= wc -l ${path}`, `= cat ${path}`),
    ],
    look: [`ls -ld ${directory}`, `ls ${directory}`],
    verify: [`cat ${path}`, `ls -l ${directory}`, `ls -la ${directory}`, `stat -c '%a %s %n' ${path}`],
    slips: [`cat ${path}`, ...(exists ? [] : [write(path, 0)])],
    terminal: "exit",
  };
}

/** Copies of one or more files; the originals stay. */
export function fileCopy(seat: Seat): Work {
  const { rng } = seat;
  const from = seat.place();
  const to = seat.place();
  const exists = rng.chance(0.5);
  const one = rng.chance(0.5);
  const ending = rng.pick(["txt", "cfg", "md", "dat"]);
  const names = seat.take(one ? 1 : rng.int(2, 3)).map((word) => `${word}.${ending}`);
  const others = seat
    .take(rng.int(1, 1 + seat.difficulty))
    .map((word) => `${word}.${rng.pick(["log", "old", "sh"])}`);
  const content = new Map([...names, ...others].map((name) => [name, text(proseLines(rng, 1, 3))]));
  const target = one ? `${to}/${seat.word()}.${ending}` : to;
  const [name] = names as [string, ...string[]];
  const make = exists ? [] : [`mkdir -p ${to}`];
  const shownFrom = seat.spelled(from);
  const directive = one
    ? rng.pick([
        `Copy ${shownFrom}/${name} to ${target}. The original stays as it is.`,
        `Make a copy of the file ${shownFrom}/${name}; the copy is ${target}. Keep the original.`,
        `${target} must become a copy (no link) of ${shownFrom}/${name}, which stays.`,
      ])
    : rng.pick([
        `Copy every .${ending} file of ${shownFrom} to the directory ${to}, under the same names, and nothing else. The originals stay as they are.`,
        `The directory ${to} must hold copies of all .${ending} files in ${shownFrom} and no other file. Leave ${shownFrom} as it is.`,
        `Put a copy of each file in ${shownFrom} whose name ends in .${ending} into ${to}; no other files there, no change in ${shownFrom}.`,
      ]);
  const copies = one
    ? [holds(target, content.get(name)!)]
    : [...names.map((file) => holds(`${to}/${file}`, content.get(file)!)), listing(to, names)];
  return {
    variant: one ? "one" : "kind",
    directive,
    dirs: exists ? [{ path: to }] : [],
    fixtures: [...content].map(([file, body]) => ({ path: `${from}/${file}`, content: body })),
    checks: [
      ...copies,
      ...(one
        ? [holds(`${from}/${name}`, content.get(name)!)]
        : [...content].map(([file, body]) => holds(`${from}/${file}`, body))),
      ...(one ? [] : [listing(from, content.keys())]),
    ],
    solutions: one
      ? [
          steps(...make, `cp ${from}/${name} ${target}`, `= cat ${target}`),
          steps(
            `? cat ${from}/${name}`,
            ...make,
            `cat ${from}/${name} > ${target}`,
            `= cmp ${from}/${name} ${target}`,
          ),
          steps(`cd ${from}`, "? ls", ...make, `cp ${name} ${target}`, `= ls -l ${to}`),
        ]
      : [
          steps(`? ls ${from}`, ...make, `cp ${from}/*.${ending} ${to}`, `= ls ${to}`),
          steps(...make, `for f in ${from}/*.${ending}; do cp "$f" ${to}/; done`, `= ls -l ${to}`),
          steps(...make, `find ${from} -name '*.${ending}' -exec cp {} ${to}/ \\;`, `= ls ${from} ${to}`),
        ],
    look: [`ls ${from}`, `ls -l ${from}`, `cat ${from}/${name}`],
    verify: [`ls ${to}`, one ? `cmp ${from}/${name} ${target}` : `ls -l ${to}`],
    slips: [`cat ${to}/${name}`, `ls ${from}s`],
    terminal: "exit",
  };
}
