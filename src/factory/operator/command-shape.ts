// What a command is, by its look: does it only read, where does it write, which program does it start.

import { readShell } from "../../agent/shell-syntax.ts";

const lookers = new Set(
  `cat ls head tail wc grep egrep fgrep find stat file du df pwd echo printf env printenv id whoami which command type test [ cmp
  diff sort uniq cut tr awk sed od hexdump md5sum sha256sum sha1sum cksum readlink realpath basename dirname date tree ps true
  hostname uname groups tac nl rev less more strings expr seq`.split(/\s+/),
);

/** True for a command that changes nothing: only programs that read, nothing redirected into a file. */
export function isLook(command: string): boolean {
  if (writtenFiles(command).length > 0) return false;
  const { commands } = readShell(command);
  return (
    commands.length > 0 &&
    commands.every(([name, ...args]) => {
      if (name === undefined || !lookers.has(name)) return false;
      if (name === "sed") return !args.some((arg) => /^-[a-zA-Z]*i|^--in-place/.test(arg));
      if (name === "find") return !args.some((arg) => /^-(?:delete|exec|execdir|ok|fprint)$/.test(arg));
      if (name === "sort") return !args.some((arg) => /^-o/.test(arg));
      return true;
    })
  );
}

/** Files that the command's redirections write, `/dev/null` aside; paths as they are spelt. */
export function writtenFiles(command: string): string[] {
  const plain = command.replace(/'[^']*'|"(?:[^"\\]|\\.)*"/g, (quoted) =>
    /^["'][\w./~-]+["']$/.test(quoted) ? quoted.slice(1, -1) : "_",
  );
  return [...plain.matchAll(/(?<![<&\d])\d?>>?\s*(?!&)([\w./~-]+)/g)]
    .map((match) => match[1]!)
    .filter((path) => path !== "/dev/null");
}

/** The program that a command starts first; undefined for none. */
export function programOf(command: string): string | undefined {
  return readShell(command).commands[0]?.[0];
}

/** True when `output` reads like the complaint of a program that could not do what it was told. */
export function looksFailed(output: string): boolean {
  return /: not found|No such file|nonexistent|[Pp]ermission denied|[Cc]an't |cannot |unrecognized option|invalid option|Syntax error|: not a directory|Is a directory|Read-only file system/.test(
    output,
  );
}

/** The same work done from inside `directory`: its paths shortened. Undefined when that would change what is meant. */
export function fromInside(command: string, directory: string): string | undefined {
  if (/<<|'[^']*\/[^']*'|"[^"]*\/[^"]*"|\bln\b|\$\(|`|\bcd\b/.test(command)) return undefined;
  if (/^(?:echo|printf)\b/.test(command) && writtenFiles(command).length === 0) return undefined;
  const path = RegExp.escape(directory);
  const inside = command
    .replace(new RegExp(`(?<=^|[\\s<>=])${path}/(?=[\\w.*?\\[])`, "g"), "")
    .replace(new RegExp(`(?<=^|\\s)${path}(?=\\s|$)`, "g"), ".");
  return inside === command ? undefined : inside;
}

/** An option that the program does not have; it complains and does nothing else. */
export function wrongOption(program: string): string | undefined {
  return bogus[program];
}

const bogus: Readonly<Record<string, string>> = {
  sort: "--uniq",
  grep: "--lines-only",
  tar: "--pack",
  cut: "--column=2",
  head: "--first=3",
  tail: "--last=1",
  cp: "--all",
  mv: "--rename",
  mkdir: "--with-parents",
  chmod: "--owner-only",
  wc: "--count",
  uniq: "--sorted",
  tr: "--upper",
};
