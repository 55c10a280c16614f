// Files that a rule names: deleted, or found and listed.

import { proseLines } from "../prose.ts";
import type { Seat } from "../seat.ts";
import { absent, holds, listing, text } from "../sh.ts";
import { steps, type Work } from "../work.ts";

interface Found {
  readonly path: string;
  readonly content: string;
  readonly hit: boolean;
}

/** A few files below `directory`, in it and deeper, some of which the rule hits. */
function scatter(
  seat: Seat,
  directory: string,
  make: (word: string, hit: boolean) => { name: string; content?: string },
): Found[] {
  const { rng } = seat;
  const folders = ["", `${seat.word()}/`, ...(seat.difficulty > 2 ? [`${seat.word()}/${seat.word()}/`] : [])];
  return seat.take(rng.int(4, 5 + seat.difficulty)).map((word, i) => {
    const hit = i < 2 || (i > 3 && rng.chance(0.5));
    const { name, content } = make(word, hit);
    return {
      path: `${directory}/${folders[i % folders.length]}${name}`,
      content: content ?? text(proseLines(rng, 1, 2)),
      hit,
    };
  });
}

/** Everything that a rule names deleted below a directory, the rest kept. */
export function cleanup(seat: Seat): Work {
  const { rng } = seat;
  const directory = seat.place();
  const shown = seat.spelled(directory);
  const kind = rng.pick(["ending", "ending", "empty", "prefix", "list", "folder"]);
  const ending = rng.pick(["tmp", "bak", "old", "swp", "cache"]);
  const prefix = rng.pick(["tmp-", "core.", "old_", "draft-"]);
  const safe = (): string => rng.pick(["txt", "conf", "md"]);
  if (kind === "folder") return cleanFolder(seat, directory, shown);
  const files = scatter(seat, directory, (word, hit) => {
    if (kind === "ending") return { name: `${word}.${hit ? ending : safe()}` };
    if (kind === "prefix") return { name: `${hit ? prefix : ""}${word}.${safe()}` };
    if (kind === "empty")
      return hit ? { name: `${word}.${safe()}`, content: "" } : { name: `${word}.${safe()}` };
    return { name: `${word}.${safe()}` };
  });
  const gone = files.filter(({ hit }) => hit).map(({ path }) => path);
  const kept = files.filter(({ hit }) => !hit);
  const list = `${seat.home}/${seat.word()}.list`;
  const touch = rng.pick([
    "Touch nothing else.",
    "All other files stay as they are.",
    "Keep everything else.",
  ]);
  const directive = {
    ending: [
      `Delete every file below ${shown} whose name ends in .${ending}, in subdirectories too. ${touch}`,
      `Free ${shown} and its subdirectories of all *.${ending} files. ${touch}`,
    ],
    prefix: [
      `Delete every file below ${shown} whose name begins with '${prefix}', in subdirectories too. ${touch}`,
      `All files named ${prefix}* must disappear from ${shown} and the directories in it. ${touch}`,
    ],
    empty: [
      `Delete every empty file (0 bytes) below ${shown}, in subdirectories too. ${touch}`,
      `Below ${shown}, at any depth, no file of size 0 may remain. ${touch}`,
    ],
    list: [
      `Delete the files that are listed in ${seat.shown(list)}, one path a line. ${touch}`,
      `${seat.shown(list)} names files, one a line. Remove each of them. ${touch}`,
    ],
  }[kind as "ending"];
  const rule = { ending: `-name '*.${ending}'`, prefix: `-name '${prefix}*'`, empty: "-size 0" }[
    kind as "ending"
  ];
  const removal =
    kind === "list"
      ? [`xargs rm < ${list}`, `while read -r f; do rm "$f"; done < ${list}`, `rm ${gone.join(" ")}`]
      : [
          `find ${directory} -type f ${rule} -exec rm {} +`,
          `find ${directory} -type f ${rule} -exec rm {} \\;`,
          `rm ${gone.join(" ")}`,
        ];
  const look = kind === "list" ? `cat ${list}` : `find ${directory} -type f ${rule}`;
  return {
    variant: kind,
    directive: rng.pick(directive),
    dirs: [],
    fixtures: [
      ...files.map(({ path, content }) => ({ path, content })),
      ...(kind === "list" ? [{ path: list, content: text(gone) }] : []),
    ],
    checks: [
      ...gone.map(absent),
      ...kept.map(({ path, content }) => holds(path, content)),
      ...(kind === "list" ? [holds(list, text(gone))] : []),
    ],
    solutions: removal.map((command, i) =>
      steps(
        `? ${i === 1 ? `ls -R ${directory}` : look}`,
        command,
        `= ${i === 1 ? look : `find ${directory} -type f`}`,
      ),
    ),
    look: [look, `ls -R ${directory}`, `find ${directory} -type f`],
    verify: [`find ${directory} -type f`, `ls -R ${directory}`, `ls -la ${directory}`],
    slips: [`ls ${directory}/*.none`, `rm ${directory}/${seat.word()}.none`],
    terminal: "exit",
  };
}

/** One directory with all that is in it; its neighbours stay. */
function cleanFolder(seat: Seat, directory: string, shown: string): Work {
  const { rng } = seat;
  const [victim, ...neighbours] = seat.take(rng.int(2, 3)) as [string, ...string[]];
  const inside = seat
    .take(rng.int(2, 3))
    .map((word, i) => `${directory}/${victim}/${i === 1 ? `${seat.word()}/` : ""}${word}.dat`);
  const outside = neighbours.map((name) => ({
    path: `${directory}/${name}/${seat.word()}.dat`,
    content: text(proseLines(rng, 1, 2)),
  }));
  return {
    variant: "folder",
    directive: rng.pick([
      `Remove the directory ${shown}/${victim} with everything in it. The other directories in ${shown} stay as they are.`,
      `${shown}/${victim} is not needed any more: delete it, contents included, and nothing else.`,
    ]),
    dirs: [],
    fixtures: [...inside.map((path) => ({ path, content: "x\n" })), ...outside],
    checks: [
      absent(`${directory}/${victim}`),
      ...outside.map(({ path, content }) => holds(path, content)),
      listing(
        directory,
        outside.map(({ path }) => path.slice(directory.length + 1)),
      ),
    ],
    solutions: [
      steps(`? ls -R ${directory}`, `rm -r ${directory}/${victim}`, `= ls ${directory}`),
      steps(`? ls ${directory}`, `rm -rf ${directory}/${victim}`, `= ls ${directory}`),
      steps(`cd ${directory}`, `rm -r ${victim}`, "= ls"),
    ],
    look: [`ls ${directory}`, `ls -R ${directory}`],
    verify: [`ls ${directory}`, `find ${directory}`],
    slips: [`rmdir ${directory}/${victim}`, `rm ${directory}/${victim}`],
    terminal: "exit",
  };
}

/** The paths of the files that a rule names, written to a file. */
export function findFile(seat: Seat): Work {
  const { rng } = seat;
  const directory = seat.place();
  const shown = seat.spelled(directory);
  const kind = rng.pick(["ending", "word", "size", "mode", "name"]);
  const ending = rng.pick(["log", "csv", "key", "sh"]);
  const word = seat.word();
  const name = `${seat.word()}.${rng.pick(["txt", "dat"])}`;
  const long = text(Array.from({ length: 40 }, (_, i) => `row ${i} ${rng.int(100, 999)}`));
  const files = scatter(seat, directory, (stem, hit) => {
    if (kind === "ending") return { name: `${stem}.${hit ? ending : "txt"}` };
    if (kind === "word")
      return {
        name: `${stem}.txt`,
        content: text([...proseLines(rng, 1, 2), hit ? `here is ${word}` : "nothing here"]),
      };
    if (kind === "size") return { name: `${stem}.txt`, ...(hit ? { content: long } : {}) };
    return { name: `${stem}.txt` };
  });
  const placed =
    kind === "name"
      ? files.map((file, i) =>
          i === 1 ? { ...file, path: `${directory}/${seat.word()}/${name}` } : { ...file, hit: false },
        )
      : files;
  const hits = placed
    .filter(({ hit }) => hit)
    .map(({ path }) => path)
    .sort();
  const path = `${seat.home}/${seat.word()}.${rng.pick(["found", "list", "paths"])}`;
  const out = seat.spelled(path);
  const rule = {
    ending: [`whose name ends in .${ending}`, `-name '*.${ending}'`],
    word: [`that contain the word ${word}`, ""],
    size: ["that are larger than 300 bytes", "-size +300c"],
    mode: ["that their owner may execute", "-perm -100"],
    name: [`named ${name}`, `-name ${name}`],
  }[kind as "ending"] as [string, string];
  const command =
    kind === "word" ? `grep -rl ${word} ${directory} | sort` : `find ${directory} -type f ${rule[1]} | sort`;
  const second =
    kind === "word"
      ? `find ${directory} -type f -exec grep -l ${word} {} + | sort`
      : `find ${directory} -type f ${rule[1]} -exec echo {} \\; | sort`;
  return {
    variant: kind,
    directive: rng.pick([
      `Write the paths of all files below ${shown} ${rule[0]} to ${out}: full paths from /, sorted, one a line.`,
      `Which files below ${shown}, at any depth, are there ${rule[0]}? List their absolute paths in ${out}, one a line, in alphabetical order.`,
      `${out} must list every file below ${shown} ${rule[0]}, as an absolute path, a line each, sorted, and no other file.`,
    ]),
    dirs: [],
    fixtures: placed.map(({ path: file, content, hit }) => ({
      path: file,
      content,
      ...(kind === "mode" && hit ? { mode: "0755" } : {}),
    })),
    checks: [holds(path, text(hits))],
    solutions: [
      steps(`? ls -R ${directory}`, `${command} > ${out}`, `= cat ${out}`),
      steps(`${second} > ${out}`, `= cat ${out}`),
      steps(`? ${command}`, `printf '%s\\n' ${hits.join(" ")} > ${out}`, `= cat ${out}`),
    ],
    look: [`ls -R ${directory}`, `find ${directory} -type f`, command],
    verify: [`cat ${out}`, `wc -l ${out}`],
    slips: [`cat ${out}`, `ls ${directory}s`],
    terminal: "exit",
  };
}
