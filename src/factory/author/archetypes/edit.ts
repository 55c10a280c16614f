// Files changed in place: words replaced, lines deleted, settings set.

import { proseLines } from "../prose.ts";
import type { Seat } from "../seat.ts";
import { holds, quote, text } from "../sh.ts";
import { steps, type Work } from "../work.ts";

/** A word replaced everywhere in one or more files. */
export function textReplace(seat: Seat): Work {
  const { rng } = seat;
  const directory = seat.place();
  const [old, fresh] = seat.take(2) as [string, string];
  const many = rng.chance(0.4);
  const ending = rng.pick(["conf", "txt", "cfg", "md"]);
  const names = seat.take(many ? rng.int(2, 3) : 1).map((word) => `${word}.${ending}`);
  const body = (sure: boolean): string => {
    const rows = Array.from({ length: rng.int(2, 2 + seat.difficulty) }, () =>
      Array.from({ length: rng.int(2, 5) }, () => rng.pick([old, old, "of", "the", fresh, "x1", "a"])).join(
        " ",
      ),
    );
    return text(sure ? [...rows, `use ${old} here ${old}`] : rows);
  };
  const files = names.map((name) => ({ path: `${directory}/${name}`, content: body(true) }));
  const others = seat
    .take(many || seat.difficulty > 1 ? 1 : 0)
    .map((word) => ({ path: `${directory}/${word}.log`, content: body(true) }));
  const [file] = files as [{ path: string; content: string }];
  const target = many ? `${directory}/*.${ending}` : file.path;
  const shown = many ? `every .${ending} file in ${seat.spelled(directory)}` : seat.spelled(file.path);
  const keep = rng.pick([
    "Change nothing else.",
    "Everything else stays as it is.",
    "No other word and no other file may change.",
  ]);
  const directive = rng.pick([
    `Replace every '${old}' by '${fresh}' in ${shown}. ${keep}`,
    `The word ${old} is now ${fresh}: correct it wherever it stands in ${shown}. ${keep}`,
    `In ${shown}, write ${fresh} instead of ${old} at every place. ${keep}`,
  ]);
  const [name] = names as [string];
  return {
    variant: many ? "several" : "one",
    directive,
    dirs: [],
    fixtures: [...files, ...others],
    checks: [
      ...files.map(({ path, content }) => holds(path, content.replaceAll(old, fresh))),
      ...others.map(({ path, content }) => holds(path, content)),
    ],
    solutions: [
      steps(`? cat ${target}`, `sed -i 's/${old}/${fresh}/g' ${target}`, `= cat ${target}`),
      steps(
        `? grep -c ${old} ${target}`,
        `for f in ${target}; do sed 's/${old}/${fresh}/g' "$f" > /tmp/new && cat /tmp/new > "$f"; done`,
        `= cat ${target}`,
      ),
      many
        ? steps(
            ...files.map(({ path }) => `sed -i 's/${old}/${fresh}/g' ${path}`),
            `= grep -h ${fresh} ${target}`,
          )
        : steps(`cd ${directory}`, `sed -i 's/${old}/${fresh}/g' ${name}`, `= cat ${name}`),
    ],
    look: [`cat ${file.path}`, `grep -c ${old} ${target}`, `ls ${directory}`],
    verify: [`cat ${file.path}`, `grep ${fresh} ${file.path}`],
    slips: [`cat ${directory}/${name}.old`, `sed 's/${old}/${fresh}' ${file.path}`],
    terminal: "exit",
  };
}

/** Lines deleted by content or number. */
export function deleteLines(seat: Seat): Work {
  const { rng } = seat;
  const path = `${seat.place()}/${seat.word()}.${rng.pick(["txt", "list", "conf", "notes"])}`;
  const shown = seat.spelled(path);
  const key = seat.word();
  const base = proseLines(rng, 4, 5 + seat.difficulty);
  const kind = rng.pick(["word", "comments", "blank", "number", "first", "last"]);
  const mixed = rng.shuffle([
    ...base,
    ...(kind === "word" ? [`${key} is out`, `see ${key} there`] : []),
    ...(kind === "comments" ? ["# old", "# not in use", "#"] : []),
    ...(kind === "blank" ? ["", ""] : []),
  ]);
  const at = rng.int(2, mixed.length - 1);
  const { keep, words, commands } = {
    word: {
      keep: mixed.filter((line) => !line.includes(key)),
      words: [`every line that contains ${key}`, `all lines in which the word ${key} stands`],
      commands: [`sed -i '/${key}/d' FILE`, `grep -v ${key} FILE > /tmp/new; cat /tmp/new > FILE`],
    },
    comments: {
      keep: mixed.filter((line) => !line.startsWith("#")),
      words: ["every line that begins with #", "all comments (lines with # as first character)"],
      commands: ["sed -i '/^#/d' FILE", "grep -v '^#' FILE > /tmp/new; cat /tmp/new > FILE"],
    },
    blank: {
      keep: mixed.filter((line) => line !== ""),
      words: ["every empty line", "all lines that hold nothing"],
      commands: ["sed -i '/^$/d' FILE", "grep . FILE > /tmp/new; cat /tmp/new > FILE"],
    },
    number: {
      keep: mixed.filter((_, i) => i !== at - 1),
      words: [`line number ${at} (counted from 1)`, `line ${at}`],
      commands: [`sed -i '${at}d' FILE`, `awk 'NR != ${at}' FILE > /tmp/new; cat /tmp/new > FILE`],
    },
    first: {
      keep: mixed.slice(2),
      words: ["the first two lines", "its lines 1 and 2"],
      commands: ["sed -i '1,2d' FILE", "tail -n +3 FILE > /tmp/new; cat /tmp/new > FILE"],
    },
    last: {
      keep: mixed.slice(0, -1),
      words: ["the last line", "its last line, whatever it says"],
      commands: ["sed -i '$d' FILE", `head -n ${mixed.length - 1} FILE > /tmp/new; cat /tmp/new > FILE`],
    },
  }[kind as "word"];
  const what = rng.pick(words);
  const [edit, copy] = commands.map((command) => command.replaceAll("FILE", path)) as [string, string];
  const folder = path.slice(0, path.lastIndexOf("/"));
  const name = path.slice(folder.length + 1);
  return {
    variant: kind,
    directive: rng.pick([
      `Delete ${what} from ${shown}. The other lines stay, in the same order.`,
      `Remove ${what} from the file ${shown} and change nothing else in it.`,
      `${shown} must lose ${what}; everything else in it stays as it is.`,
    ]),
    dirs: [],
    fixtures: [{ path, content: text(mixed) }],
    checks: [holds(path, text(keep))],
    solutions: [
      steps(`? cat ${path}`, edit, `= cat ${path}`),
      steps(`? cat -n ${path}`, copy, `= cat ${path}`),
      steps(`cd ${folder}`, commands[0]!.replaceAll("FILE", name), `= cat ${name}`),
    ],
    look: [`cat ${path}`, `wc -l ${path}`, `head -n 3 ${path}`],
    verify: [`cat ${path}`, `wc -l ${path}`],
    slips: [`cat ${path}.bak`, `ls ${folder}s`],
    terminal: "exit",
  };
}

/** A key of a key=value file set, added, removed or commented out. */
export function configEdit(seat: Seat): Work {
  const { rng } = seat;
  const path = `${rng.pick(["/etc", `${seat.home}/.config`, "/opt/data", "/srv"])}/${seat.word()}/${seat.word()}.${rng.pick(["conf", "ini", "env"])}`;
  const shown = seat.spelled(path);
  const key = rng.pick(["port", "limit", "color", "depth", "speed", "level"]);
  const value = String(rng.int(10, 99));
  const old = String(rng.int(100, 999));
  const present = rng.chance(0.75);
  const lines = rng.shuffle([
    `# settings of ${seat.word()}`,
    `${key}_max=${old}`,
    `name=${seat.word()}`,
    `mode=${rng.pick(["fast", "safe", "plain"])}`,
    ...(seat.difficulty > 1 ? [`# ${key} is read at start`, `my${key}=${rng.int(1, 9)}`] : []),
    ...(present ? [`${key}=${old}`] : []),
  ]);
  const kind = present ? rng.pick(["set", "set", "comment", "remove"]) : "add";
  const want = {
    set: lines.map((line) => (line === `${key}=${old}` ? `${key}=${value}` : line)),
    comment: lines.map((line) => (line === `${key}=${old}` ? `#${line}` : line)),
    remove: lines.filter((line) => line !== `${key}=${old}`),
    add: [...lines, `${key}=${value}`],
  }[kind as "set"];
  const directives = {
    set: [
      `Set ${key} to ${value} in ${shown} (lines KEY=VALUE). Change nothing else.`,
      `In ${shown} the setting ${key} must have the value ${value}. Leave every other line as it is, and the order too.`,
      `Change the line ${key}=${old} of ${shown} to ${key}=${value}; all other lines stay.`,
    ],
    comment: [
      `Comment out the setting ${key} in ${shown}: put a # directly in front of its line. Change nothing else.`,
      `In ${shown} make the line ${key}=${old} a comment, that is, #${key}=${old}. Other lines stay.`,
    ],
    remove: [
      `Remove the setting ${key} (and only that line) from ${shown}.`,
      `${shown} must no longer set ${key}: delete that line; settings with longer names and all other lines stay.`,
    ],
    add: [
      `${shown} does not set ${key} yet. Add ${key}=${value} as its last line; change nothing else.`,
      `Add the setting ${key} with the value ${value} at the end of ${shown}, written KEY=VALUE. Other lines stay.`,
    ],
  }[kind as "set"];
  const script = {
    set: `s/^${key}=.*/${key}=${value}/`,
    comment: `s/^${key}=/#&/`,
    remove: `/^${key}=/d`,
    add: `$a ${key}=${value}`,
  }[kind as "set"];
  const whole = text(want);
  return {
    variant: kind,
    directive: rng.pick(directives),
    dirs: [],
    fixtures: [{ path, content: text(lines) }],
    checks: [holds(path, whole)],
    solutions: [
      kind === "add"
        ? steps(`? cat ${path}`, `echo ${key}=${value} >> ${path}`, `= cat ${path}`)
        : steps(`? cat ${path}`, `sed -i '${script}' ${path}`, `= cat ${path}`),
      steps(
        `? grep ${key} ${path}`,
        `sed '${script}' ${path} > /tmp/new && cp /tmp/new ${path}`,
        `= grep ${key} ${path}`,
      ),
      steps(`? cat ${path}`, `printf '%s\\n' ${want.map(quote).join(" ")} > ${path}`, `= cat ${path}`),
    ],
    look: [`cat ${path}`, `grep ${key} ${path}`, `grep -n = ${path}`],
    verify: [`cat ${path}`, `grep -n = ${path}`],
    slips: [`cat ${path}.d`, `grep ^${key}: ${path}`],
    terminal: "exit",
  };
}
