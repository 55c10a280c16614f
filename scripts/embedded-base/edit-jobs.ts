// Work that changes what is there: words and lines in files, settings, modes. Replacing and modes are what the quickstart holds out of
// the adapter's data.

import { asText, fileName, maybe, textLines } from "./file-jobs.ts";
import type { JobMaker } from "./job.ts";
import { anyWord, distinctWords, place, words, written } from "./names.ts";

export const replace: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const [a, b] = distinctWords(draw, 2) as [string, string];
  const ending = draw.pick(["conf", "txt", "cfg", "md", "ini"]);
  const many = draw.chance(0.45);
  const names = distinctWords(draw, many ? draw.int(2, 3) : 1);
  const files = names.map((name) => ({
    path: `${dir}/${name}.${ending}`,
    content: asText([
      ...Array.from({ length: draw.int(1, 4) }, () =>
        Array.from({ length: draw.int(2, 5) }, () =>
          draw.pick([a, a, b, "of", "the", "x1", anyWord(draw)]),
        ).join(" "),
      ),
      `use ${a} here`,
    ]),
  }));
  const shown = written(draw, dir, user);
  const path = many ? `${shown}/*.${ending}` : `${shown}/${names[0]}.${ending}`;
  const where = many
    ? draw.pick([`every .${ending} file in ${shown}`, `all .${ending} files in ${shown}`])
    : path;
  const text =
    draw.pick([
      `Replace every '${a}' by '${b}' in ${where}.`,
      `Replace '${a}' with '${b}' in ${where}. Change nothing else.`,
      `Change each ${a} to ${b} in ${where}.`,
      `In ${where}, write ${b} instead of ${a} everywhere.`,
      `In ${where}, put ${b} instead of ${a} wherever it stands.`,
      `Write ${b} instead of ${a} in ${where}.`,
      `${b} should stand in ${where} where ${a} stands now.`,
      `In ${where}, ${a} has to become ${b}.`,
      `${a} is called ${b} now. Correct ${where}.`,
      `The word ${a} is now ${b}: correct it wherever it stands in ${where}.`,
      `In ${where}, write ${b} instead of ${a} at every place.`,
    ]) +
    draw.pick([
      "",
      "",
      " Change nothing else.",
      " Everything else stays as it is.",
      " No other word and no other file may change.",
    ]);
  const sed = `sed -i 's/${a}/${b}/g' ${path}`;
  const check = draw.pick([`cat ${path}`, `grep -c ${a} ${path}`, `grep ${b} ${path}`]);
  return {
    kind: "replace",
    files,
    text,
    commands: [
      // Seldom: nothing that a look shows would change the command.
      ...(draw.chance(0.12) ? [draw.pick([`cat ${path}`, `grep -c ${a} ${path}`])] : []),
      sed,
      ...maybe(draw, check),
    ],
  };
};

export const deleteLines: JobMaker = (draw, user) => {
  const path = `${place(draw, user)}/${fileName(draw)}`;
  const shown = written(draw, path, user);
  const key = anyWord(draw);
  const lines = textLines(draw, 3, 5).flatMap((line, i) =>
    i % 2 === 0 ? [line, `${key} ${anyWord(draw)}`] : [line],
  );
  const n = draw.int(1, 3);
  const [text, command] = draw.pick([
    [`Delete every line of ${shown} that contains ${key}.`, `sed -i '/${key}/d' ${shown}`],
    [`Take the lines with ${key} out of ${shown}.`, `sed -i '/${key}/d' ${shown}`],
    [`Remove line ${n} of ${shown}.`, `sed -i '${n}d' ${shown}`],
  ] as [string, string][]);
  return {
    kind: "delete_lines",
    files: [{ path, content: asText(lines) }],
    text,
    commands: [...(draw.chance(0.4) ? [`cat ${shown}`] : []), command, ...maybe(draw, `cat ${shown}`)],
  };
};

export const setting: JobMaker = (draw, user) => {
  const path = `${place(draw, user)}/${anyWord(draw)}.${draw.pick(["conf", "cfg", "ini"])}`;
  const shown = written(draw, path, user);
  const keys = distinctWords(draw, draw.int(2, 4));
  const key = draw.pick(keys);
  const value = draw.pick([String(draw.int(1, 900)), anyWord(draw), draw.pick(["on", "off", "yes", "no"])]);
  const files = [
    {
      path,
      content: asText(keys.map((name) => `${name}=${draw.pick([draw.int(1, 99), draw.pick(words)])}`)),
    },
  ];
  if (draw.chance(0.35))
    return {
      kind: "read_setting",
      files,
      text: draw.pick([`What is ${key} set to in ${shown}?`, `Show the setting ${key} of ${shown}.`]),
      commands: [`grep ${key} ${shown}`],
    };
  return {
    kind: "setting",
    files,
    text: draw.pick([
      `Set ${key} to ${value} in ${shown}.`,
      `In ${shown}, ${key} must be ${value}.`,
      `Change ${key} in ${shown} to ${value}. Leave the other lines.`,
    ]),
    commands: [
      ...(draw.chance(0.5) ? [`cat ${shown}`] : []),
      `sed -i 's/^${key}=.*/${key}=${value}/' ${shown}`,
      ...maybe(draw, `cat ${shown}`),
    ],
  };
};

export const modes: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const shown = written(draw, dir, user);
  const names = distinctWords(draw, 4);
  const files = names.map((name, i) => ({
    path: `${dir}/${name}.${["sh", "sh", "key", "txt"][i]}`,
    content: i < 2 ? `#!/bin/sh\necho ${name}\n` : `${name}\n`,
    mode: draw.pick(["0644", "0666", "0640", "0600", "0755"]),
  }));
  const one = written(draw, draw.pick(files).path, user);
  const key = written(draw, draw.pick(files.slice(2)).path, user);
  const mode = draw.pick(["600", "644", "640", "755", "700", "744", "750", "444"]);
  const rest = draw.pick([
    "",
    " Leave the other files as they are.",
    " Change no other mode and no content.",
    " Nothing else changes.",
    " The other files keep their modes.",
    " The other files in its directory stay as they are.",
    " Nothing else in its directory may change.",
    " The rest of the directory stays as it is.",
  ]);
  // Modes that are absolute are typed as numbers alone: two ways of saying one thing are a fork at which a small model errs.
  const [run, able] = draw.pick([
    ["744", "executable for its owner, readable for everybody"],
    ["755", "executable for everybody, writable for its owner only"],
    ["700", "executable, readable and writable for its owner and for nobody else"],
    ["750", "executable for owner and group, writable for its owner, closed to others"],
  ] as const);
  const [plain, readable] = draw.pick([
    ["600", "readable and writable by its owner only"],
    ["400", "readable by its owner only, writable by nobody"],
    ["444", "readable by everybody and writable by nobody"],
    ["444", "readable by everybody, writable by nobody"],
    ["444", "readable by all users, and no user may write to it"],
    ["400", "readable by its owner alone; nobody may write to it"],
    ["644", "writable by its owner, readable by everybody"],
  ] as const);
  const oneFile = [
    [
      `${key} must be ${readable}.${rest}`,
      `${key} must be ${readable}.${rest}`,
      `Make ${key} ${readable}.${rest}`,
      `I want ${key} ${readable}.${rest}`,
      `Make ${key} ${readable} (mode ${plain}).${rest}`,
      `Set the mode of ${key} to ${plain}.${rest}`,
    ],
    [`chmod ${plain} ${key}`],
    draw.pick([`stat -c %a ${key}`, `ls -l ${key}`]),
  ];
  const tree = [
    [
      `Nobody but the owner may have any right on ${shown} or a file in it. The owner's own rights stay as they are.`,
      `Remove every right of group and others from the directory ${shown} and from all files in it, and change nothing else.`,
      `Take all rights on ${shown} and everything in it away from group and others.`,
      `Nobody but the owner may get at ${shown} and what is in it; the owner keeps what it has.`,
      `Group and others lose all rights on ${shown} and all that is in it; those of the owner stay.`,
    ],
    [`chmod -R go= ${shown}`],
    draw.pick([`ls -la ${shown}`, `stat -c '%a %n' ${shown} ${shown}/*`]),
  ];
  const [text, work, check] = draw.pick([
    [
      [
        `Make every .sh file in ${shown} ${able} (mode ${run}).${rest}`,
        `Every file in ${shown} whose name ends in .sh must have mode ${run}.${rest}`,
        `Set the mode of all .sh files of ${shown} to ${run}.${rest}`,
        `All .sh files of ${shown} must be ${able} (mode ${run}).${rest}`,
      ],
      [`chmod ${run} ${shown}/*.sh`],
      draw.pick([`stat -c '%a %n' ${shown}/*`, `ls -l ${shown}`]),
    ],
    oneFile,
    oneFile,
    oneFile,
    tree,
    tree,
    [
      [
        `Make every .sh file in ${shown} executable for its owner (mode 744).`,
        `All .sh files in ${shown} need mode 744. Leave the other files as they are.`,
      ],
      [`chmod 744 ${shown}/*.sh`],
      `stat -c '%a %n' ${shown}/*.sh`,
    ],
    [[`Make the scripts in ${shown} (.sh) executable.`], [`chmod +x ${shown}/*.sh`], `ls -l ${shown}`],
    [
      [
        `${key} must be readable and writable by its owner only.`,
        `Only the owner may read and write ${key}.`,
        `Protect ${key}: read and write for the owner, nothing for the others.`,
      ],
      [`chmod 600 ${key}`],
      `stat -c %a ${key}`,
    ],
    [
      [
        `Set the mode of ${one} to ${mode}.`,
        `Give ${one} mode ${mode}.`,
        `${one} needs the permissions ${mode}.`,
      ],
      [`chmod ${mode} ${one}`],
      `stat -c %a ${one}`,
    ],
    [[`Make ${one} read-only for all.`, `Nobody may write to ${one}.`], [`chmod a-w ${one}`], `ls -l ${one}`],
    [[`Which permissions has ${one}?`, `Show the mode of ${one}.`], [`stat -c %a ${one}`], ""],
  ] as [string[], string[], string][]);
  return {
    kind: "mode",
    dirs: [dir],
    files,
    text: draw.pick(text),
    commands: [
      ...(draw.chance(0.1) ? [draw.pick([`ls ${shown}`, `stat -c '%a %n' ${shown}/*`])] : []),
      draw.pick(work),
      ...(check === "" ? [] : maybe(draw, check)),
    ],
  };
};
