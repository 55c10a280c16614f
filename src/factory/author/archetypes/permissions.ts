// Modes of files and directories.

import type { Seat } from "../seat.ts";
import { hasMode, holds } from "../sh.ts";
import { steps, type Work } from "../work.ts";

/** Modes set for a kind of file, one file, or a whole directory. */
export function permissions(seat: Seat): Work {
  const { rng } = seat;
  const directory = seat.place();
  const shown = seat.spelled(directory);
  const files = [".sh", ".sh", ".key", ".txt", ...(seat.difficulty > 1 ? [".sh", ".log"] : [])].map(
    (ending) => {
      const word = seat.word();
      return {
        name: `${word}${ending}`,
        path: `${directory}/${word}${ending}`,
        content: ending === ".sh" ? `#!/bin/sh\necho ${word}\n` : `${word}\n`,
        mode: rng.pick(["0644", "0666", "0640", "0664"]),
      };
    },
  );
  const untouched = files.map(({ path, content }) => holds(path, content));
  const rest = (changed: (name: string) => boolean): string[] =>
    files.filter(({ name }) => !changed(name)).map(({ path, mode }) => hasMode(path, plain(mode)));
  const common = {
    dirs: [{ path: directory, mode: "0755" }],
    fixtures: files.map(({ path, content, mode }) => ({ path, content, mode })),
    look: [`ls -l ${directory}`, `ls ${directory}`, `stat -c '%a %n' ${directory}/*`],
    slips: [`stat ${directory}s`, `ls -l ${directory}/${seat.word()}.sh`],
    terminal: "exit" as const,
  };
  const kind = rng.pick(["exec", "exec", "one", "one", "close"]);

  if (kind === "exec") {
    const [mode, symbolic, words] = rng.pick([
      ["744", "u=rwx,go=r", "executable for its owner, readable for everybody (mode 744)"],
      ["755", "u=rwx,go=rx", "executable for everybody, writable for its owner only (mode 755)"],
      ["700", "u=rwx,go=", "executable, readable and writable for its owner and for nobody else (mode 700)"],
    ] as const);
    const directive = rng.pick([
      `Make every .sh file in ${shown} ${words}. Leave the other files as they are.`,
      `Every file in ${shown} whose name ends in .sh must have mode ${mode}. Change no other mode and no content.`,
      `Set the mode of all .sh files of ${shown} to ${mode}; the other files keep their modes.`,
    ]);
    const scripts = files.filter(({ name }) => name.endsWith(".sh"));
    return {
      ...common,
      variant: "exec",
      directive,
      checks: [
        ...untouched,
        ...scripts.map(({ path }) => hasMode(path, mode)),
        ...rest((name) => name.endsWith(".sh")),
      ],
      solutions: [
        steps(`? ls -l ${directory}`, `chmod ${mode} ${directory}/*.sh`, `= stat -c '%a %n' ${directory}/*`),
        steps(`find ${directory} -name '*.sh' -exec chmod ${mode} {} +`, `= ls -l ${directory}`),
        steps(`cd ${directory}`, `chmod ${symbolic} *.sh`, "= ls -l"),
        steps(
          `? ls ${directory}`,
          `for f in ${directory}/*.sh; do chmod ${mode} "$f"; done`,
          `= stat -c '%a %n' ${directory}/*.sh`,
        ),
      ],
      verify: [`stat -c '%a %n' ${directory}/*`, `ls -l ${directory}`],
    };
  }
  if (kind === "one") {
    const file = rng.pick(files.filter(({ name }) => !name.endsWith(".sh")));
    const [mode, symbolic, words] = rng.pick([
      ["600", "u=rw,go=", "readable and writable by its owner only"],
      ["400", "u=r,go=", "readable by its owner only, writable by nobody"],
      ["444", "a=r", "readable by everybody and writable by nobody"],
    ] as const);
    const target = seat.spelled(file.path);
    const directive = rng.pick([
      `${target} must be ${words}. Leave the other files in its directory as they are.`,
      `Make ${target} ${words} (mode ${mode}); change no other mode.`,
      `Set the mode of ${target} to ${mode}. Nothing else changes.`,
    ]);
    return {
      ...common,
      variant: "one",
      directive,
      checks: [...untouched, hasMode(file.path, mode), ...rest((name) => name === file.name)],
      solutions: [
        steps(`? stat -c '%a %n' ${directory}/*`, `chmod ${mode} ${file.path}`, `= stat -c %a ${file.path}`),
        steps(`chmod ${symbolic} ${file.path}`, `= ls -l ${file.path}`),
        steps(
          `cd ${directory}`,
          `? ls -l ${file.name}`,
          `chmod ${mode} ${file.name}`,
          `= ls -l ${file.name}`,
        ),
      ],
      verify: [`stat -c %a ${file.path}`, `ls -l ${directory}`],
    };
  }
  const directive = rng.pick([
    `Take all rights on ${shown} and everything in it away from group and others; the owner keeps what it has.`,
    `Nobody but the owner may have any right on ${shown} or a file in it. The owner's own rights stay as they are.`,
    `Remove every right of group and others from the directory ${shown} and from all files in it, and change nothing else.`,
  ]);
  return {
    ...common,
    variant: "close",
    directive,
    checks: [
      ...untouched,
      ...files.map(({ path, mode }) => hasMode(path, `${plain(mode)[0]}00`)),
      hasMode(directory, "700"),
    ],
    solutions: [
      steps(`chmod -R go= ${directory}`, `= stat -c '%a %n' ${directory} ${directory}/*`),
      steps(`? ls -la ${directory}`, `chmod -R g-rwx,o-rwx ${directory}`, `= ls -la ${directory}`),
      steps(
        `chmod go-rwx ${directory}`,
        `chmod go-rwx ${directory}/*`,
        `= stat -c '%a %n' ${directory} ${directory}/*`,
      ),
    ],
    verify: [`ls -la ${directory}`],
  };
}

const plain = (mode: string): string => mode.replace(/^0/, "");
