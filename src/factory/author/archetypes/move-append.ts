// Files that change their place, their name or their end.

import { proseLines } from "../prose.ts";
import type { Seat } from "../seat.ts";
import { absent, holds, listing, quote, text } from "../sh.ts";
import { steps, type Work } from "../work.ts";

/** One file, or all files of a kind, moved. */
export function fileMove(seat: Seat): Work {
  const { rng } = seat;
  const from = seat.place();
  const to = seat.place();
  const exists = rng.chance(0.5);
  const one = rng.chance(0.5);
  const ending = rng.pick(["txt", "cfg", "csv", "note"]);
  const names = seat.take(one ? 1 : rng.int(2, 3)).map((word) => `${word}.${ending}`);
  const others = seat
    .take(rng.int(1, 1 + seat.difficulty))
    .map((word) => `${word}.${rng.pick(["log", "sh", "dat"])}`);
  const content = new Map([...names, ...others].map((name) => [name, text(proseLines(rng, 1, 3))]));
  const [name] = names as [string];
  const renamed = one && rng.chance(0.4);
  const target = `${to}/${renamed ? `${seat.word()}.${ending}` : name}`;
  const make = exists ? [] : [`mkdir -p ${to}`];
  const source = seat.spelled(from);
  const directive = one
    ? rng.pick([
        `Move the file ${source}/${name} to ${target}. Leave the other files where they are.`,
        `${source}/${name} belongs to another place: it must become ${target} and be gone from ${source}. Touch no other file there.`,
        `Bring ${source}/${name} to ${target}, without leaving a copy behind and without touching the files beside it.`,
      ])
    : rng.pick([
        `Move every .${ending} file of ${source} into the directory ${to}. Leave all other files where they are.`,
        `All files in ${source} whose names end in .${ending} must lie in ${to} instead, under the same names. Nothing else moves.`,
        `Empty ${source} of its .${ending} files: put them into ${to}. Other files stay.`,
      ]);
  const moved = one ? [[name, target] as const] : names.map((file) => [file, `${to}/${file}`] as const);
  return {
    variant: one ? (renamed ? "renamed" : "one") : "kind",
    directive,
    dirs: exists ? [{ path: to }] : [],
    fixtures: [...content].map(([file, body]) => ({ path: `${from}/${file}`, content: body })),
    checks: [
      ...moved.map(([file, path]) => holds(path, content.get(file)!)),
      ...others.map((file) => holds(`${from}/${file}`, content.get(file)!)),
      listing(from, others),
    ],
    solutions: one
      ? [
          steps(...make, `mv ${from}/${name} ${target}`, `= ls ${from} ${to}`),
          steps(`? ls ${from}`, ...make, `cp ${from}/${name} ${target}`, `rm ${from}/${name}`, `= ls ${to}`),
          steps(`cd ${from}`, "? ls -l", ...make, `mv ${name} ${target}`, `= cat ${target}`),
        ]
      : [
          steps(`? ls ${from}`, ...make, `mv ${from}/*.${ending} ${to}`, `= ls ${from} ${to}`),
          steps(...make, `for f in ${from}/*.${ending}; do mv "$f" ${to}/; done`, `= ls ${to}`),
          steps(
            ...make,
            `find ${from} -name '*.${ending}' -exec mv {} ${to}/ \\;`,
            `= ls ${from}`,
            `= ls ${to}`,
          ),
        ],
    look: [`ls ${from}`, `ls -l ${from}`, `cat ${from}/${name}`],
    verify: [`ls ${to}`, `ls -l ${from}`],
    slips: [`ls ${target}`, `cat ${from}s/${name}`],
    terminal: "exit",
  };
}

/** Lines added at the end or the start of files that are there. */
export function fileAppend(seat: Seat): Work {
  const { rng } = seat;
  const directory = seat.place();
  const several = seat.difficulty > 1 && rng.chance(0.4);
  const ending = rng.pick(["txt", "list", "conf", "md"]);
  const names = seat.take(several ? rng.int(2, 3) : 1).map((word) => `${word}.${ending}`);
  const bodies = names.map(() => proseLines(rng, 2, 4));
  const other = `${seat.word()}.log`;
  const start = rng.chance(0.3);
  const lines = Array.from({ length: several ? 1 : rng.int(1, 2) }, () => seat.take(rng.int(1, 3)).join(" "));
  const paths = names.map((name) => `${directory}/${name}`);
  const [path] = paths as [string];
  const shown = several ? `every .${ending} file in ${seat.spelled(directory)}` : seat.spelled(path);
  const what =
    lines.length === 1
      ? `the line '${lines[0]}'`
      : `the lines '${lines[0]}' and '${lines[1]}', in this order,`;
  const where = start ? "start" : "end";
  const directive = rng.pick([
    `Add ${what} at the ${where} of ${shown}. Keep everything that is in there.`,
    `${several ? `Put ${what} at the ${where} of` : `Extend ${shown}: put ${what} at the`} ${several ? shown : where}. What is there stays as it is.`,
    `${shown[0]!.toUpperCase()}${shown.slice(1)} must ${start ? "begin" : "end"} with ${what} ${start ? "followed by" : "after"} its present lines.`,
  ]);
  const put =
    lines.length === 1 ? `echo ${quote(lines[0]!)}` : `printf '%s\\n' ${lines.map(quote).join(" ")}`;
  const insert = (file: string): string =>
    `sed -i ${quote(lines.map((line) => `1i ${line}`).join("\n"))} ${file}`;
  const onto = (file: string): string =>
    start ? `{ ${put}; cat ${file}; } > /tmp/new && cat /tmp/new > ${file}` : `${put} >> ${file}`;
  const target = several ? `${directory}/*.${ending}` : path;
  return {
    variant: `${where}${several ? "_several" : ""}`,
    directive,
    dirs: [],
    fixtures: [
      ...paths.map((file, i) => ({ path: file, content: text(bodies[i]!) })),
      { path: `${directory}/${other}`, content: text(proseLines(rng, 1, 2)) },
    ],
    checks: paths.map((file, i) =>
      holds(file, text(start ? [...lines, ...bodies[i]!] : [...bodies[i]!, ...lines])),
    ),
    solutions: [
      steps(
        `? cat ${path}`,
        several ? `for f in ${target}; do ${onto('"$f"')}; done` : onto(path),
        `= cat ${target}`,
      ),
      several
        ? steps(...paths.map(onto), `= tail -n 2 ${target}`)
        : steps(`cd ${directory}`, onto(names[0]!), `= cat ${names[0]}`),
      start
        ? steps(insert(target), `= head -n 2 ${target}`)
        : steps(
            several ? `for f in ${target}; do ${put} | tee -a "$f"; done` : `${put} | tee -a ${path}`,
            `= tail -n 3 ${path}`,
          ),
    ],
    look: [`cat ${path}`, `ls ${directory}`, `wc -l ${target}`],
    verify: [`cat ${path}`, `tail -n 2 ${path}`],
    slips: [`cat ${directory}/${names[0]!.split(".")[0]}`, `cat ${path}.${ending}`],
    terminal: "exit",
  };
}

/** Every file of a kind renamed by one rule. */
export function renameBatch(seat: Seat): Work {
  const { rng } = seat;
  const directory = seat.place();
  const shown = seat.spelled(directory);
  const [old, fresh] = rng.sample(["txt", "md", "text", "html", "htm", "jpg", "jpeg", "conf"], 2) as [
    string,
    string,
  ];
  const kind = rng.pick(["ending", "ending", "prefix", "upper"]);
  const stems = seat
    .take(rng.int(2, 2 + seat.difficulty))
    .map((word) => (kind === "upper" ? word.toUpperCase() : word));
  const others = seat.take(rng.int(1, 2)).map((word) => `${word}.log`);
  const mark = rng.pick(["old", "new", "x", "keep", "copy"]);
  const content = new Map(
    [...stems.map((stem) => `${stem}.${old}`), ...others].map((name) => [
      name,
      text([`this is ${name}`, ...proseLines(rng, 1, 1)]),
    ]),
  );
  const rename = (stem: string): string =>
    kind === "ending"
      ? `${stem}.${fresh}`
      : kind === "prefix"
        ? `${mark}-${stem}.${old}`
        : `${stem.toLowerCase()}.${old}`;
  const directive = {
    ending: [
      `Rename every .${old} file in ${shown} so that it ends in .${fresh} instead. Leave the other files as they are.`,
      `In ${shown} the ending .${old} is out of use: each such file becomes .${fresh}, content and the rest of the name kept. Nothing else changes.`,
    ],
    prefix: [
      `Put '${mark}-' in front of the name of every .${old} file in ${shown}. Leave the other files as they are.`,
      `Each .${old} file in ${shown} gets a new name: ${mark}- and then its old name. Nothing else changes.`,
    ],
    upper: [
      `Some .${old} files in ${shown} have names in capital letters. Rename them to small letters; contents and other files stay.`,
      `Every .${old} file in ${shown} must have a name in small letters only (its own name, in small letters). Nothing else changes.`,
    ],
  }[kind as "ending"];
  const loop = {
    ending: `for f in *.${old}; do mv "$f" "\${f%.${old}}.${fresh}"; done`,
    prefix: `for f in *.${old}; do mv "$f" "${mark}-$f"; done`,
    upper: `for f in *.${old}; do mv "$f" "$(echo "$f" | tr A-Z a-z)"; done`,
  }[kind as "ending"];
  const each = stems.map((stem) => `mv ${directory}/${stem}.${old} ${directory}/${rename(stem)}`);
  return {
    variant: kind,
    directive: rng.pick(directive),
    dirs: [],
    fixtures: [...content].map(([name, body]) => ({ path: `${directory}/${name}`, content: body })),
    checks: [
      ...stems.map((stem) => holds(`${directory}/${rename(stem)}`, content.get(`${stem}.${old}`)!)),
      ...stems.map((stem) => absent(`${directory}/${stem}.${old}`)),
      ...others.map((name) => holds(`${directory}/${name}`, content.get(name)!)),
      listing(directory, [...stems.map(rename), ...others]),
    ],
    solutions: [
      steps(`cd ${directory}`, "? ls", loop, "= ls"),
      steps(`? ls ${directory}`, ...each, `= ls ${directory}`),
      steps(`(cd ${directory} && ${loop})`, `= ls -l ${directory}`),
    ],
    look: [`ls ${directory}`, `ls -l ${directory}`],
    verify: [`ls ${directory}`],
    slips: [
      `ls ${directory}/*.${kind === "ending" ? fresh : "bak"}`,
      `cat ${directory}/${rename(stems[0]!)}`,
    ],
    terminal: "exit",
  };
}
