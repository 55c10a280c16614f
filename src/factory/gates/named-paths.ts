// Which files a text speaks of: what an operator who read it, or somebody who guesses, would look at.

import type { Scenario } from "../../data/scenario.ts";

/** Absolute paths in a text, `~` and `$SEK_HOME` spelled out, each once, without the punctuation of a sentence. Patterns with
 *  `*` count as the directory before them. */
export function namedPaths(text: string, home: string): string[] {
  const found = new Set<string>();
  const plain = text.replace(/\$\{?(SEK_HOME|HOME)\}?/g, home);
  for (const [, path] of plain.matchAll(/(?:^|[\s'"`(=,:;<>|{[])((?:~(?=\/)|\/(?=[\w.]))[\w./@%+*?~-]*)/g)) {
    const whole = path!.replace(/^~/, home).replace(/[.,:;?]+$/, "");
    const star = whole.search(/[*?]/);
    const clean = (star < 0 ? whole : whole.slice(0, whole.lastIndexOf("/", star))).replace(/\/+$/, "");
    if (clean.length > 1) found.add(clean);
  }
  return [...found];
}

/** File names without a directory in a text, e.g. `notes.txt`. */
export function namedFiles(text: string): string[] {
  const found = new Set<string>();
  for (const [, name] of text.matchAll(
    /(?:^|[\s'"`(])([\w-][\w.-]*\.[A-Za-z]\w{0,7})(?=$|[\s'"`),:;?!]|\.(?:\s|$))/g,
  ))
    found.add(name!);
  return [...found];
}

/** Files that the directive speaks of; a name without a directory may lie at home or in any directory that is named. */
export function directiveTargets(scenario: Scenario): string[] {
  const { directive, user, provider } = scenario;
  if (directive === null) return [];
  const home = `/home/${user}`;
  const paths = namedPaths(directive, home).filter((path) => path !== provider.path);
  const folders = new Set([
    home,
    ...paths.filter((path) => isDirectory(scenario, path) || !/\.\w+$/.test(path)),
  ]);
  const loose = namedFiles(directive).filter((name) => !paths.some((path) => path.endsWith(`/${name}`)));
  return [...paths, ...loose.flatMap((name) => [...folders].map((folder) => `${folder}/${name}`))].slice(
    0,
    24,
  );
}

/** True for a directory that the world begins with. */
function isDirectory(scenario: Scenario, path: string): boolean {
  const all = [...scenario.dirs.map((dir) => `${dir.path}/`), ...scenario.fixtures.map((one) => one.path)];
  return all.some((one) => one.startsWith(`${path}/`));
}

/** True for a file or directory that the world begins with. */
export function isThere(scenario: Scenario, path: string): boolean {
  return scenario.fixtures.some((one) => one.path === path) || isDirectory(scenario, path);
}
