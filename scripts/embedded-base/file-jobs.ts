// Work on whole files and directories: make, copy, move, delete, link, pack, look.

import type { Given, JobMaker } from "./job.ts";
import {
  anyWord,
  capitals,
  type Draw,
  distinctWords,
  madeUpWord,
  place,
  quote,
  words,
  written,
} from "./names.ts";

const extensions = ["txt", "conf", "log", "md", "csv", "out", "list", "dat", "cfg", "ini"];
export const fileName = (draw: Draw): string =>
  draw.chance(0.08)
    ? capitals(draw)
    : `${anyWord(draw)}${draw.chance(0.8) ? `.${draw.pick(extensions)}` : ""}`;
const sentence = (draw: Draw): string =>
  Array.from({ length: draw.int(1, 4) }, () => anyWord(draw)).join(" ");
export const textLines = (draw: Draw, low: number, high: number): string[] =>
  Array.from({ length: draw.int(low, high) }, () => sentence(draw));
const plain = (text: string): string => (/^[\w.-]+$/.test(text) ? text : quote(text));
export const asText = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");
/** Ends a job with a look at its result, or not. */
export const maybe = (draw: Draw, ...commands: string[]): string[] => (draw.chance(0.55) ? commands : []);

const create: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const path = `${dir}/${fileName(draw)}`;
  const shown = written(draw, path, user);
  const lines = textLines(draw, 1, draw.chance(0.4) ? 3 : 1);
  const body =
    lines.length === 1
      ? `echo ${plain(lines[0]!)} > ${shown}`
      : `printf '%s\\n' ${lines.map(quote).join(" ")} > ${shown}`;
  const parent = written(draw, dir, user);
  const exists = draw.chance(0.5);
  const what =
    lines.length === 1
      ? draw.pick([
          `with the single line '${lines[0]}'`,
          `containing '${lines[0]}'`,
          `that says '${lines[0]}'`,
          `with the line ${quote(lines[0]!)}`,
        ])
      : draw.pick([
          `with ${lines.length === 2 ? "two" : "three"} lines: first '${lines[0]}', then ${lines
            .slice(1)
            .map((line) => `'${line}'`)
            .join(", then ")}`,
          `with these lines: ${lines.map((line) => `'${line}'`).join(", ")}`,
        ]);
  const text = draw.pick([
    `Create the file ${shown} ${what}.`,
    `Make a file ${shown} ${what}.`,
    `Write ${shown} ${what}.`,
    `I need a file ${shown} ${what}.`,
    `Please put a file at ${shown} ${what}.`,
  ]);
  const commands = exists
    ? [body, ...maybe(draw, `cat ${shown}`)]
    : draw.pick([
        [`mkdir -p ${parent}`, body],
        [body, `mkdir -p ${parent}`, body],
        [`mkdir -p ${parent} && cd ${parent}`, body.replace(shown, shown.slice(shown.lastIndexOf("/") + 1))],
      ]);
  return { kind: "create", dirs: exists ? [dir] : [], text, commands };
};

const append: JobMaker = (draw, user) => {
  const path = `${place(draw, user)}/${fileName(draw)}`;
  const shown = written(draw, path, user);
  const line = sentence(draw);
  return {
    kind: "append",
    files: [{ path, content: asText(textLines(draw, 1, 3)) }],
    text: draw.pick([
      `Add the line '${line}' at the end of ${shown}.`,
      `Append '${line}' to ${shown}.`,
      `Put one more line into ${shown}: '${line}'.`,
    ]),
    commands: [
      ...maybe(draw, `cat ${shown}`),
      `echo ${plain(line)} >> ${shown}`,
      ...maybe(draw, `tail -n 1 ${shown}`),
    ],
  };
};

const copyOrMove: JobMaker = (draw, user) => {
  const from = `${place(draw, user)}/${fileName(draw)}`;
  const dir = place(draw, user);
  const to = draw.chance(0.5) ? `${dir}/${fileName(draw)}` : dir;
  const [a, b] = [written(draw, from, user), written(draw, to, user)];
  const move = draw.chance(0.5);
  const text = move
    ? draw.pick([`Move ${a} to ${b}.`, `${a} belongs to ${b}; move it.`, `Rename ${a} to ${b}.`])
    : draw.pick([
        `Copy ${a} to ${b}.`,
        `Make a copy of ${a} at ${b}. Keep the original.`,
        `I want a second ${a}, as ${b}.`,
      ]);
  const work = `${move ? "mv" : "cp"} ${a} ${b}`;
  return {
    kind: move ? "move" : "copy",
    dirs: [dir],
    files: [{ path: from, content: asText(textLines(draw, 1, 3)) }],
    text,
    commands: [
      ...(draw.chance(0.25) ? [`ls ${a}`] : []),
      work,
      ...maybe(draw, `ls ${written(draw, dir, user)}`),
    ],
  };
};

const backup: JobMaker = (draw, user) => {
  const path = `${place(draw, user)}/${fileName(draw)}`;
  const shown = written(draw, path, user);
  const ending = draw.pick(["bak", "old", "orig", "1", "save"]);
  return {
    kind: "backup",
    files: [{ path, content: asText(textLines(draw, 1, 4)) }],
    text: draw.pick([
      `Keep a backup of ${shown} as ${shown}.${ending}.`,
      `Before we go on, copy ${shown} to ${shown}.${ending}.`,
    ]),
    commands: [`cp ${shown} ${shown}.${ending}`, ...maybe(draw, `ls ${shown}*`)],
  };
};

const makeDirs: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const names = distinctWords(draw, draw.int(1, 3));
  const shown = written(draw, dir, user);
  const paths = names.map((name) => `${shown}/${name}`);
  return {
    kind: "make_dirs",
    dirs: draw.chance(0.5) ? [dir] : [],
    text: draw.pick([
      `Create the ${names.length > 1 ? "directories" : "directory"} ${paths.join(", ")}.`,
      `Make ${paths.join(" and ")}.`,
      `I need ${names.length > 1 ? `${names.length} directories` : "a directory"}: ${paths.join(", ")}.`,
    ]),
    commands: [`mkdir -p ${paths.join(" ")}`, ...maybe(draw, `ls ${shown}`)],
  };
};

/** A directory with files of several endings, some in a subdirectory. */
export function tree(draw: Draw, dir: string, endings: readonly string[]): Given[] {
  const sub = draw.chance(0.5) ? `${draw.pick(["cache", "sub", "old", "part"])}/` : "";
  return distinctWords(draw, draw.int(3, 6)).map((name, i) => ({
    path: `${dir}/${i % 2 === 1 ? sub : ""}${name}.${endings[i % endings.length]}`,
    content: `${anyWord(draw)}\n`,
  }));
}

const deleteByEnding: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const shown = written(draw, dir, user);
  const ending = draw.pick(["tmp", "bak", "old", "swp", "log", "part"]);
  const files = tree(draw, dir, [ending, draw.pick(["txt", "conf"])]);
  const deep = files.some((file) => file.path.slice(dir.length + 1).includes("/"));
  const remove = deep
    ? draw.pick([
        `find ${shown} -type f -name '*.${ending}' -exec rm {} +`,
        `find ${shown} -name '*.${ending}' -exec rm {} \\;`,
      ])
    : `rm ${shown}/*.${ending}`;
  return {
    kind: "delete_ending",
    files,
    text: draw.pick([
      `Delete every file below ${shown} whose name ends in .${ending}.`,
      `Remove all .${ending} files under ${shown}, in subdirectories too.`,
      `Clean ${shown}: no .${ending} file may stay. Touch nothing else.`,
    ]),
    commands: [
      ...(draw.chance(0.5) ? [`find ${shown} -name '*.${ending}'`] : []),
      remove,
      ...maybe(draw, `find ${shown} -type f`),
    ],
  };
};

const deleteOne: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const files = tree(draw, dir, ["txt", "conf", "log"]);
  const target = written(draw, draw.pick(files).path, user);
  return {
    kind: "delete_one",
    files,
    text: draw.pick([
      `Delete ${target}.`,
      `Remove the file ${target}.`,
      `${target} is not needed any more. Delete it.`,
    ]),
    commands: [`rm ${target}`, ...maybe(draw, `ls ${written(draw, dir, user)}`)],
  };
};

const deleteDir: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const shown = written(draw, dir, user);
  return {
    kind: "delete_dir",
    files: tree(draw, dir, ["txt", "log"]),
    text: draw.pick([
      `Delete the directory ${shown} with everything in it.`,
      `Remove ${shown} and all that is in it.`,
    ]),
    commands: [...(draw.chance(0.3) ? [`ls ${shown}`] : []), `rm -r ${shown}`],
  };
};

const link: JobMaker = (draw, user) => {
  const target = `${place(draw, user)}/${fileName(draw)}`;
  const [a, b] = [written(draw, target, user), written(draw, `${place(draw, user)}-link`, user)];
  const parent = b.slice(0, b.lastIndexOf("/"));
  const parentPath = parent.replace("~", `/home/${user}`);
  return {
    kind: "link",
    dirs: parentPath === "" ? [] : [parentPath],
    files: [{ path: target, content: `${anyWord(draw)}\n` }],
    text: draw.pick([`Make a symbolic link ${b} that points to ${a}.`, `Link ${b} to ${a} (a symlink).`]),
    commands: [`ln -s ${a} ${b}`, ...maybe(draw, `readlink ${b}`)],
  };
};

const pack: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const name = dir.slice(dir.lastIndexOf("/") + 1);
  const parent = dir.slice(0, dir.lastIndexOf("/"));
  const out = `/tmp/${anyWord(draw)}.tar`;
  const gz = draw.chance(0.5);
  return {
    kind: "pack",
    files: tree(draw, dir, ["txt", "dat"]),
    text: draw.pick([
      `Pack the directory ${dir} into ${out}${gz ? ".gz" : ""}.`,
      `Make a tar archive ${out}${gz ? ".gz" : ""} of ${dir}.`,
    ]),
    commands: [
      `tar -c${gz ? "z" : ""}f ${out}${gz ? ".gz" : ""} -C ${parent} ${name}`,
      ...maybe(draw, `tar -tf ${out}${gz ? ".gz" : ""}`),
    ],
  };
};

const empty: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const paths = distinctWords(draw, draw.int(1, 3)).map((name) => written(draw, `${dir}/${name}`, user));
  return {
    kind: "touch",
    dirs: [dir],
    text: draw.pick([
      `Create ${paths.length > 1 ? "the empty files" : "the empty file"} ${paths.join(", ")}.`,
      `Make ${paths.join(" and ")}, empty.`,
    ]),
    commands: [`touch ${paths.join(" ")}`, ...maybe(draw, `ls ${written(draw, dir, user)}`)],
  };
};

const renameEnding: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const shown = written(draw, dir, user);
  const [from, to] = draw.sample(extensions, 2) as [string, string];
  const files = distinctWords(draw, draw.int(2, 4)).map((name) => ({
    path: `${dir}/${name}.${from}`,
    content: `${anyWord(draw)}\n`,
  }));
  return {
    kind: "rename_ending",
    files,
    text: draw.pick([
      `Rename every .${from} file in ${shown} so that it ends in .${to}.`,
      `All .${from} files in ${shown} should end in .${to} instead.`,
    ]),
    commands: [
      ...(draw.chance(0.4) ? [`ls ${shown}`] : []),
      `for f in ${shown}/*.${from}; do mv "$f" "\${f%.${from}}.${to}"; done`,
      ...maybe(draw, `ls ${shown}`),
    ],
  };
};

const look: JobMaker = (draw, user) => {
  const dir = place(draw, user);
  const files = tree(draw, dir, ["txt", "conf", "log"]);
  const shown = written(draw, dir, user);
  const file = written(draw, draw.pick(files).path, user);
  const [text, commands] = draw.pick([
    [`What is in ${shown}?`, [`ls ${shown}`]],
    [`Show me ${file}.`, [`cat ${file}`]],
    [`What does ${file} say?`, [`cat ${file}`]],
    [`List all files below ${shown}.`, [draw.pick([`find ${shown} -type f`, `ls -R ${shown}`])]],
    [`Which files below ${shown} end in .txt?`, [`find ${shown} -name '*.txt'`]],
    [`Go to ${shown}.`, [`cd ${shown}`]],
    [`Go to ${shown} and show what is there.`, [`cd ${shown}`, "ls"]],
    ["Who are you?", [draw.pick(["whoami", "id -un"])]],
    ["Where are you?", ["pwd"]],
  ] as [string, string[]][]);
  return { kind: "look", files, text, commands };
};

const say: JobMaker = (draw) => {
  const text = sentence(draw);
  return {
    kind: "say",
    text: draw.pick([`Print '${text}'.`, `Say ${text}.`, `Write '${text}' on the screen.`]),
    commands: [`echo ${plain(text)}`],
  };
};

const variable: JobMaker = (draw) => {
  const name = draw.pick(["LEVEL", "MODE", "COLOUR", "REGION", "STAGE", `${madeUpWord(draw).toUpperCase()}`]);
  return {
    kind: "variable",
    env: { [name]: anyWord(draw) },
    text: draw.pick([`What is in $${name}?`, `Show the variable ${name}.`, `Print the value of ${name}.`]),
    commands: [draw.pick([`echo $${name}`, `echo "$${name}"`, `env | grep ${name}`, `printenv ${name}`])],
  };
};

const recipe: JobMaker = (draw, user) => {
  // The request lies in a file that the person names.
  const inner = draw.pick([create, append, makeDirs, empty])(draw, user);
  const note = `/home/${user}/${draw.pick(["note", "memo", "todo-list", "wish", anyWord(draw)])}.txt`;
  const shown = note.replace(`/home/${user}`, "~");
  return {
    ...inner,
    kind: `note_${inner.kind}`,
    files: [...(inner.files ?? []), { path: note, content: `${inner.text}\n` }],
    text: draw.pick([
      `Do what ${shown} says.`,
      `Read ${shown} and do it.`,
      `${shown} says what I want. Please do it.`,
    ]),
    commands: [`cat ${shown}`, ...inner.commands],
  };
};

export const fileJobs: readonly JobMaker[] = [
  create,
  create,
  append,
  copyOrMove,
  copyOrMove,
  backup,
  makeDirs,
  deleteByEnding,
  deleteOne,
  deleteDir,
  link,
  pack,
  empty,
  renameEnding,
  look,
  look,
  say,
  variable,
  recipe,
  recipe,
];

/** Work that cannot be done, and how one finds out. */
export const impossibleJobs: readonly JobMaker[] = [
  (draw, user) => {
    const dir = place(draw, user);
    const missing = written(draw, `${dir}/${fileName(draw)}`, user);
    const out = written(draw, `${dir}/${fileName(draw)}`, user);
    const shown = written(draw, dir, user);
    const work = draw.pick([
      `sort ${missing} > ${out}`,
      `cp ${missing} ${out}`,
      `cat ${missing}`,
      `wc -l ${missing}`,
    ]);
    const text = work.startsWith("sort")
      ? `Sort ${missing} into ${out}.`
      : work.startsWith("cp")
        ? `Copy ${missing} to ${out}.`
        : work.startsWith("cat")
          ? `Show me ${missing}.`
          : `How many lines has ${missing}?`;
    return {
      kind: "missing_file",
      impossible: true,
      files: tree(draw, dir, ["txt", "log"]).slice(0, 2),
      text,
      commands: [
        work.startsWith("sort") ? `sort ${missing}` : work,
        ...draw.pick([
          [`ls ${shown}`],
          [`find / -name ${missing.slice(missing.lastIndexOf("/") + 1)} 2>/dev/null`],
          [`ls ${shown}`, `find / -name ${missing.slice(missing.lastIndexOf("/") + 1)} 2>/dev/null`],
        ]),
      ],
    };
  },
  (draw, user) => {
    const tool = madeUpWord(draw) + madeUpWord(draw);
    const file = `${place(draw, user)}/${fileName(draw)}`;
    const shown = written(draw, file, user);
    return {
      kind: "missing_program",
      impossible: true,
      files: [{ path: file, content: `${anyWord(draw)}\n` }],
      text: draw.pick([`Run ${tool} on ${shown}.`, `Use ${tool} to read ${shown}.`, `Start ${tool}.`]),
      commands: draw.pick([
        [`${tool} ${shown}`, `which ${tool}`],
        [`which ${tool}`, `find / -name '${tool}*' 2>/dev/null`],
        [`${tool} --help`, `command -v ${tool} || echo missing`],
        [`command -v ${tool}`, `find / -name ${tool} 2>/dev/null`],
      ]),
    };
  },
  (draw) => {
    const name = madeUpWord(draw) + madeUpWord(draw);
    const why = draw.pick([
      "the line is down",
      "no connection",
      "it is switched off",
      "closed until further notice",
      "permission denied by the owner",
      "broken",
    ]);
    const run = draw.chance(0.6) ? name : `/opt/${madeUpWord(draw)}/${name}`;
    const path = run.startsWith("/") ? run : `/usr/local/bin/${run}`;
    const fact = draw.pick(words);
    return {
      kind: "refusing_program",
      impossible: true,
      files: [
        {
          path,
          mode: "0755",
          content: `#!/bin/sh\necho ${quote(`${name}: ${why}`)} >&2\nexit ${draw.int(1, 80)}\n`,
        },
      ],
      text: draw.pick([`Ask ${run} for the ${fact}.`, `What does ${run} say about ${fact}?`]),
      commands: draw.pick([[run], [`${run} ${fact}`], [run, run], [`${run} --help`, run]]),
    };
  },
];
