// Pieces of sh that scenarios are written in. Checkers run as root on BusyBox and GNU tools alike: only what both know.

/** Single-quoted for sh. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The path is a file of its own (no link) with exactly this content. */
export function holds(path: string, content: string): string {
  return `[ ! -L ${path} ] && printf '%s' ${quote(content)} | cmp -s - ${path}`;
}

/** Nothing is there, not even a dangling link. */
export function absent(path: string): string {
  return `[ ! -e ${path} ] && [ ! -L ${path} ]`;
}

/** The path is a directory, not a link to one. */
export function isDirectory(path: string): string {
  return `[ -d ${path} ] && [ ! -L ${path} ]`;
}

/** The mode, as `stat -c %a` prints it. */
export function hasMode(path: string, mode: string): string {
  return `[ "$(stat -c %a ${path})" = ${mode} ]`;
}

/** Below `directory` there is exactly this: paths relative to it, directories included. */
export function listing(directory: string, entries: Iterable<string>): string {
  const all = new Set<string>();
  for (const entry of entries) {
    const parts = entry.split("/");
    for (let i = 1; i <= parts.length; i++) all.add(`./${parts.slice(0, i).join("/")}`);
  }
  const want = [...all].sort().join(" ");
  return `[ "$(cd ${directory} && find . ! -name . | sort | tr '\\n' ' ')" = ${quote(want === "" ? "" : `${want} `)} ]`;
}

/** Lines as a text file holds them. */
export function text(lines: readonly (string | number)[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** One checker out of conditions that all have to hold. */
export function all(conditions: readonly string[]): string {
  return conditions.join(" &&\n");
}

/** The file's only content is this number; blanks around it do not matter. */
export function isNumber(path: string, value: number): string {
  return `[ ! -L ${path} ] && [ "$(sed 's/^ *//; s/ *$//' ${path})" = ${value} ]`;
}
