// Work on what is in files: count, find, sort, sum, copy; and the list of all work with texts.

import { deleteLines, modes, replace, setting } from "./edit-jobs.ts";
import { asText, fileName, maybe, textLines, tree } from "./file-jobs.ts";
import type { JobMaker } from "./job.ts";
import { anyWord, type Draw, distinctWords, place, quote, written } from "./names.ts";

const target = (draw: Draw, user: string): string =>
  draw.pick([
    `/home/${user}/${anyWord(draw)}.txt`,
    `/tmp/${fileName(draw)}`,
    `/home/${user}/${fileName(draw)}`,
  ]);

const transform: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const from = written(draw, `${dir}/${fileName(draw)}`, user);
  const to = written(draw, draw.chance(0.5) ? `${dir}/${fileName(draw)}` : target(draw, user), user);
  const n = draw.int(1, 4);
  const [what, commands] = draw.pick([
    [
      ["its lines sorted", "sorted alphabetically", "its lines sorted alphabetically", "in sorted order"],
      [`sort ${from}`],
    ],
    [
      [
        "its lines sorted, each line only once",
        "sorted, without duplicates",
        "each different line once, sorted",
      ],
      [`sort -u ${from}`, `sort ${from} | uniq`],
    ],
    [
      ["the same text in upper case", "in capital letters", "all upper case"],
      [`tr a-z A-Z < ${from}`, `tr '[:lower:]' '[:upper:]' < ${from}`],
    ],
    [["the same text in lower case", "all lower case"], [`tr A-Z a-z < ${from}`]],
    [
      ["its lines in reverse order", "from the last line to the first", "backwards, line by line"],
      [`tac ${from}`, `sed '1!G;h;$!d' ${from}`],
    ],
    [
      ["each line numbered from 1, as NUMBER:LINE", "its lines with numbers, as NUMBER:LINE"],
      [`grep -n '' ${from}`, `awk '{print NR ":" $0}' ${from}`],
    ],
    [[`its first ${n} lines`, `only the first ${n} lines`], [`head -n ${n} ${from}`]],
    [[`its last ${n} lines`, `only the last ${n} lines`], [`tail -n ${n} ${from}`]],
    [
      ["the first word of each line", "only the first word of every line"],
      [`cut -d' ' -f1 ${from}`, `awk '{print $1}' ${from}`],
    ],
    [["its lines without the empty ones"], [`grep -v '^$' ${from}`]],
  ] as [string[], string[]][]);
  const text = draw.pick([
    `Write to ${to} what is in ${from}: ${draw.pick(what)}.`,
    `Put the content of ${from} into ${to}, ${draw.pick(what)}.`,
    `${to} should hold ${from}: ${draw.pick(what)}. Leave the original as it is.`,
  ]);
  const lines = textLines(draw, 4, 8);
  return {
    kind: "transform",
    files: [
      {
        path: from.replace("~", `/home/${user}`),
        content: asText(draw.chance(0.5) ? [...lines, lines[0]!] : lines),
      },
    ],
    text,
    commands: [
      ...(draw.chance(0.45) ? [draw.pick([`cat ${from}`, `head -n 3 ${from}`])] : []),
      `${draw.pick(commands)} > ${to}`,
      ...maybe(draw, `cat ${to}`),
    ],
  };
};

const count: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const shown = written(draw, dir, user);
  const key = draw.pick(["ERROR", ["TO", "DO"].join(""), "failed", "retry", anyWord(draw), anyWord(draw)]);
  const out = written(draw, target(draw, user), user);
  const files = tree(draw, dir, ["txt"]).map((file) => ({
    ...file,
    content: asText(
      Array.from(
        { length: draw.int(2, 5) },
        () => `${anyWord(draw)} ${draw.pick([key, "ok", "done", key])} ${draw.int(1, 99)}`,
      ),
    ),
  }));
  const one = written(draw, files[0]!.path, user);
  const [text, command] = draw.pick([
    [`Count the lines below ${shown} (all files) that contain ${key}`, `grep -rh ${key} ${shown} | wc -l`],
    [
      `How many lines below ${shown}, in subdirectories too, have the word ${key}`,
      `grep -rh ${key} ${shown} | wc -l`,
    ],
    [`Count the files below ${shown} that contain the word ${key}`, `grep -rl ${key} ${shown} | wc -l`],
    [`Count the lines of ${one} that contain ${key}`, `grep -c ${key} ${one}`],
    [`How many lines has ${one}`, `wc -l < ${one}`],
    [`Count the words in ${one}`, `wc -w < ${one}`],
    [`Count the files below ${shown}`, `find ${shown} -type f | wc -l`],
  ] as [string, string][]);
  if (draw.chance(0.4))
    return {
      kind: "count_show",
      files,
      text: `${text}${text.startsWith("How") ? "?" : "."}`,
      commands: [command],
    };
  return {
    kind: "count",
    files,
    text: `${text}${text.startsWith("How") ? "?" : "."} ${draw.pick([`Write the number, alone, to ${out}.`, `Put the number into ${out}.`, `The number goes to ${out}.`])}`,
    commands: [
      ...(draw.chance(0.4) ? [draw.pick([`grep -r ${key} ${shown}`, `ls -R ${shown}`, command])] : []),
      `${command} > ${out}`,
      ...maybe(draw, `cat ${out}`),
    ],
  };
};

const logLines: JobMaker = (draw, user) => {
  const log = draw.pick([`/var/log/${anyWord(draw)}.log`, `${place(draw, user)}/${anyWord(draw)}.log`]);
  const level = draw.pick(["ERROR", "WARN", "INFO", "FATAL"]);
  const hosts = distinctWords(draw, 3);
  const rows = Array.from(
    { length: draw.int(5, 9) },
    (_, i) =>
      `2026-${String(draw.int(1, 12)).padStart(2, "0")}-${String(draw.int(1, 28)).padStart(2, "0")} ${i === 1 ? level : draw.pick(["INFO", "WARN", "ERROR", level])} ${draw.pick(hosts)} ${draw.pick(["disk full", "timeout", "started", "denied", "ok", "lost"])}`,
  );
  const out = written(draw, target(draw, user), user);
  const shown = written(draw, log, user);
  const [text, command] = draw.pick([
    [
      `Copy every ${level} line of ${shown} to ${out}`,
      draw.pick([`grep ' ${level} ' ${shown}`, `grep ${level} ${shown}`, `awk '$2 == "${level}"' ${shown}`]),
    ],
    [`Write the last ${level} line of ${shown} to ${out}`, `grep ${level} ${shown} | tail -n 1`],
    [`Write the first ${level} line of ${shown} to ${out}`, `grep ${level} ${shown} | head -n 1`],
    [
      `${shown} has lines DATE LEVEL HOST MESSAGE. Write the hosts that have a ${level} line to ${out}, sorted, each once`,
      draw.pick([
        `awk '$2 == "${level}" {print $3}' ${shown} | sort -u`,
        `grep ' ${level} ' ${shown} | cut -d' ' -f3 | sort -u`,
      ]),
    ],
    [`Write all lines of ${shown} without ${level} to ${out}`, `grep -v ${level} ${shown}`],
  ] as [string, string][]);
  return {
    kind: "log",
    files: [{ path: log, content: asText(rows) }],
    text: `${text}.`,
    commands: [
      ...(draw.chance(0.4) ? [`head -n 3 ${shown}`] : []),
      `${command} > ${out}`,
      ...maybe(draw, `cat ${out}`),
    ],
  };
};

const column: JobMaker = (draw, user) => {
  const path = `${place(draw, user)}/${anyWord(draw)}.csv`;
  const shown = written(draw, path, user);
  const heads = distinctWords(draw, 3);
  const k = draw.int(2, 3);
  const rows = Array.from(
    { length: draw.int(3, 6) },
    () => `${anyWord(draw)},${draw.int(1, 90)},${draw.int(1, 90)}`,
  );
  const out = written(draw, target(draw, user), user);
  const sum = draw.chance(0.6);
  const command = sum
    ? `awk -F, 'NR > 1 {s += $${k}} END {print s}' ${shown}`
    : draw.pick([`cut -d, -f${k} ${shown} | tail -n +2`, `tail -n +2 ${shown} | cut -d, -f${k}`]);
  const what = sum
    ? `Add up the column ${heads[k - 1]} of ${shown}`
    : `Take the column ${heads[k - 1]} of ${shown}, without its head`;
  return {
    kind: "column",
    files: [{ path, content: asText([heads.join(","), ...rows]) }],
    text: `${what}. ${draw.pick([`Write the result to ${out}.`, `It goes to ${out}.`, `Put it into ${out}.`])}`,
    commands: [
      ...(draw.chance(0.6) ? [draw.pick([`head -n 2 ${shown}`, `cat ${shown}`])] : []),
      `${command} > ${out}`,
      ...maybe(draw, `cat ${out}`),
    ],
  };
};

const findWord: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const shown = written(draw, dir, user);
  const key = anyWord(draw);
  const files = tree(draw, dir, ["txt", "md"]).map((file, i) => ({
    ...file,
    content: asText([anyWord(draw), ...(i % 2 === 0 ? [`${key} ${anyWord(draw)}`] : []), anyWord(draw)]),
  }));
  return {
    kind: "find_word",
    files,
    text: draw.pick([
      `Which files below ${shown} contain ${key}?`,
      `Find the word ${key} below ${shown}.`,
      `Where below ${shown} does it say ${key}?`,
    ]),
    commands: [draw.pick([`grep -rl ${key} ${shown}`, `grep -r ${key} ${shown}`])],
  };
};

const join: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const shown = written(draw, dir, user);
  const names = distinctWords(draw, draw.int(2, 3)).map((name) => `${name}.txt`);
  const out = written(draw, `${dir}/${anyWord(draw)}.all`, user);
  return {
    kind: "join",
    files: names.map((name) => ({ path: `${dir}/${name}`, content: asText(textLines(draw, 1, 2)) })),
    text: draw.pick([
      `Join ${names.map((name) => `${shown}/${name}`).join(", ")} into ${out}, in this order.`,
      `Write ${names.map((name) => `${shown}/${name}`).join(", then ")} one after the other to ${out}.`,
    ]),
    commands: [
      `cat ${names.map((name) => `${shown}/${name}`).join(" ")} > ${out}`,
      ...maybe(draw, `cat ${out}`),
    ],
  };
};

const copyValue: JobMaker = (draw, user) => {
  // What a look shows must be written down word by word.
  const from = written(draw, `${place(draw, user)}/${fileName(draw)}`, user);
  const out = written(draw, target(draw, user), user);
  const value = draw.pick([anyWord(draw), `${anyWord(draw)} ${anyWord(draw)}`, String(draw.int(100, 99999))]);
  return {
    kind: "copy_value",
    files: [{ path: from.replace("~", `/home/${user}`), content: `${value}\n` }],
    text: draw.pick([
      `Look at ${from} and write the word that you see there to ${out}.`,
      `${out} must say what ${from} says. Type it.`,
    ]),
    commands: [`cat ${from}`, `echo ${value.includes(" ") ? quote(value) : value} > ${out}`],
  };
};

const checksum: JobMaker = (draw, user) => {
  const path = `${place(draw, user)}/${fileName(draw)}`;
  const shown = written(draw, path, user);
  const out = written(draw, target(draw, user), user);
  const program = draw.pick(["sha256sum", "md5sum", "sha1sum"]);
  return {
    kind: "checksum",
    files: [{ path, content: asText(textLines(draw, 1, 2)) }],
    text: draw.pick([
      `Write the ${program} of ${shown} to ${out}.`,
      `Run ${program} on ${shown} and keep its output in ${out}.`,
    ]),
    commands: [`${program} ${shown} > ${out}`],
  };
};

export const textJobs: readonly JobMaker[] = [
  transform,
  transform,
  transform,
  count,
  count,
  logLines,
  logLines,
  // Which of two words goes and which comes, and what one sentence says of the modes of one file and of those around it, take many examples.
  ...Array.from({ length: 8 }, () => replace),
  deleteLines,
  setting,
  column,
  ...Array.from({ length: 12 }, () => modes),
  findWord,
  join,
  copyValue,
  copyValue,
  checksum,
];
