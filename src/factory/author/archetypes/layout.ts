// Directories and links.

import { proseLines } from "../prose.ts";
import type { Seat } from "../seat.ts";
import { holds, isDirectory, listing, quote, text } from "../sh.ts";
import { steps, type Work } from "../work.ts";

/** A layout of directories, perhaps with a file in some. */
export function dirTree(seat: Seat): Work {
  const { rng } = seat;
  const root = seat.place();
  const shown = seat.spelled(root);
  const top = seat.take(rng.int(2, 3));
  const deep = seat.take(seat.difficulty === 1 ? 1 : 2).map((word, i) => `${top[i]}/${word}`);
  const folders = [...top.slice(deep.length), ...deep];
  const kind = rng.pick(["plain", "plain", "files", "mode"]);
  const mode = rng.pick(["700", "750", "711"]);
  const mark = rng.pick([".keep", "README", "empty.txt"]);
  const paths = folders.map((folder) => `${root}/${folder}`);
  const marked = kind === "files" ? paths.slice(0, 2).map((path) => `${path}/${mark}`) : [];
  const list = folders.join(", ");
  const first = paths.at(-1)!;
  const extra = {
    plain: "",
    files: ` In ${folders.slice(0, 2).join(" and ")} there must be an empty file named ${mark}.`,
    mode: ` ${first} gets the mode ${mode}.`,
  }[kind as "plain"];
  const make = `mkdir -p ${paths.join(" ")}`;
  const finish =
    kind === "files" ? [`touch ${marked.join(" ")}`] : kind === "mode" ? [`chmod ${mode} ${first}`] : [];
  return {
    variant: kind,
    directive: rng.pick([
      `Create below ${shown} these directories: ${list}.${extra} Nothing else may be in ${shown}.`,
      `Make this layout in ${shown}: the directories ${list}.${extra} There must be nothing else in there.`,
      `${shown} does not exist yet. It must hold the directories ${list}, and nothing more than ${kind === "files" ? "these and what follows" : "these"}.${extra}`,
    ]),
    dirs: [],
    fixtures: [],
    checks: [
      ...paths.map(isDirectory),
      ...marked.map((path) => holds(path, "")),
      ...(kind === "mode" ? [`[ "$(stat -c %a ${first})" = ${mode} ]`] : []),
      listing(root, [...folders, ...marked.map((path) => path.slice(root.length + 1))]),
    ],
    solutions: [
      steps(make, ...finish, `= find ${root}`),
      steps(`mkdir -p ${root}`, `cd ${root}`, `mkdir -p ${folders.join(" ")}`, ...finish, "= ls -R"),
      steps(`for d in ${folders.join(" ")}; do mkdir -p ${root}/$d; done`, ...finish, `= ls -R ${root}`),
    ],
    look: [`ls -d ${root.slice(0, root.lastIndexOf("/"))}`],
    verify: [`find ${root}`, `ls -R ${root}`],
    slips: [`ls ${root}`, `mkdir ${root}/${deep[0]}`],
    terminal: "exit",
  };
}

/** A symbolic link made, made anew, or made for each file of a kind. */
export function symlink(seat: Seat): Work {
  const { rng } = seat;
  const from = seat.place();
  const to = seat.place();
  const kind = rng.pick(["file", "directory", "each", "chain"]);
  const names = seat.take(kind === "each" ? rng.int(2, 3) : 1).map((word) => `${word}.dat`);
  const fixtures = [...names, `${seat.word()}.log`].map((name) => ({
    path: `${from}/${name}`,
    content: text(proseLines(rng, 1, 2)),
  }));
  const link = `${to}/${seat.word()}`;
  const current = `${to}/${seat.word()}`;
  const target = kind === "directory" ? from : `${from}/${names[0]}`;
  const written = (path: string, points: string): string =>
    `[ -L ${path} ] && [ "$(readlink ${path})" = ${quote(points)} ]`;
  const kept = fixtures.map(({ path, content }) => `[ ! -L ${path} ] && ${holds(path, content)}`);
  const directives = {
    file: [
      `Make ${link} a symbolic link to ${target} (the link must hold exactly that path). The file stays where it is.`,
      `Create a symbolic link ${link} that points to ${target}, written as an absolute path; leave the file itself alone.`,
    ],
    directory: [
      `Make ${link} a symbolic link to the directory ${target} (the link must hold exactly that path). The directory stays as it is.`,
      `${link} must be a symbolic link that points to ${target}, by its absolute path. Change nothing in ${target}.`,
    ],
    each: [
      `For every .dat file in ${from} make a symbolic link of the same name in ${to} that points to the file's absolute path. No other links, and leave ${from} as it is.`,
      `${to} must hold one symbolic link for each .dat file of ${from}, with the same name and pointing to the absolute path of that file, and nothing else. The files stay.`,
    ],
    chain: [
      `Make two symbolic links: ${link}, which points to ${target}, and ${current}, which points to ${link}. Both hold absolute paths; the file stays where it is.`,
    ],
  }[kind as "file"];
  const links =
    kind === "each"
      ? names.map((name) => [`${to}/${name}`, `${from}/${name}`] as const)
      : kind === "chain"
        ? [[link, target] as const, [current, link] as const]
        : [[link, target] as const];
  const each = links.map(([path, points]) => `ln -s ${points} ${path}`);
  const make = `mkdir -p ${to}`;
  return {
    variant: kind,
    directive: rng.pick(directives),
    dirs: [],
    fixtures,
    checks: [
      ...links.map(([path, points]) => written(path, points)),
      ...kept,
      ...(kind === "each" ? [listing(to, names)] : []),
    ],
    solutions: [
      steps(make, ...each, `= ls -l ${to}`),
      kind === "each"
        ? steps(`? ls ${from}`, make, `for f in ${from}/*.dat; do ln -s "$f" ${to}/; done`, `= ls -l ${to}`)
        : steps(`? ls -l ${from}`, `${make} && ${each.join(" && ")}`, `= readlink ${links.at(-1)![0]}`),
      steps(
        `${make} && cd ${to}`,
        ...links.map(([path, points]) => `ln -s ${points} ${path.slice(to.length + 1)}`),
        "= ls -l",
      ),
    ],
    look: [`ls -l ${from}`, `ls ${from}`],
    verify: [`ls -l ${to}`, `readlink ${links[0]![0]}`],
    slips: [`readlink ${link}`, `cat ${to}/${names[0]}`],
    terminal: "exit",
  };
}
