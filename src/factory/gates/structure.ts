// The first gate: does the bundle hang together, before anything is run.

import type { Scenario } from "../../data/scenario.ts";
import { WORLD_ROOTS } from "../../sandbox/contract.ts";
import { failed, type GateResult, passed } from "./gate.ts";
import { simpleCommands } from "./shell-text.ts";

/** Bytes that all texts of a bundle may have together: worlds are small, and prompts are smaller. */
const LARGEST_BUNDLE = 2 ** 20;
const MOST_COMMANDS = 64;

/** Variables that the session or the verdict rests on. */
const RESERVED = new Set(
  "HOME USER LOGNAME SHELL PATH TERM LC_ALL TZ IFS ENV PWD OLDPWD PS1 PS4 BASH_ENV".split(" "),
);

/** Programs whose purpose is a change. A checker has no business with them. */
const CHANGING = new Set(
  "rm mv cp touch mkdir rmdir chmod chown chgrp ln tee truncate install mktemp dd kill gunzip unzip shred mkfifo".split(
    " ",
  ),
);

/** Whether a bundle hangs together. Needs no sandbox. */
export function structureGate(scenario: Scenario): GateResult {
  const complaints = [
    ...names(scenario),
    ...places(scenario),
    ...texts(scenario),
    ...announcement(scenario),
    ...solution(scenario),
    ...checkerChanges(scenario.checker).map((what) => `checker: it writes (${what}); a checker only looks`),
  ];
  const [first] = complaints;
  return first === undefined
    ? passed("structure", "the bundle hangs together")
    : failed("structure", first, { complaints });
}

/** What in a checker changes something: the words of it. */
export function checkerChanges(checker: string): string[] {
  return simpleCommands(checker).flatMap(({ words, writesTo }) => {
    const files = writesTo.filter((path) => !/^\/dev\/(null|stdout|stderr|fd\/\d)$/.test(path));
    const verb = words.find((word) => !/^\w+=/.test(word));
    const inPlace = verb === "sed" && words.some((word) => /^-[a-z]*i|^--in-place/.test(word));
    const changing = verb !== undefined && (CHANGING.has(verb.replace(/^.*\//, "")) || inPlace);
    return [...files.map((path) => `> ${path}`), ...(changing ? [words.slice(0, 3).join(" ")] : [])];
  });
}

function* names({ id, archetype, user, host, provider, env, system }: Scenario) {
  if (!/^[A-Za-z0-9][\w.-]{0,99}$/.test(id))
    yield `id: expected letters, digits, - and _, got ${JSON.stringify(id.slice(0, 100))}`;
  if (!/^[a-z][a-z0-9_]{0,49}$/.test(archetype))
    yield `archetype: expected a name such as file_create, got ${JSON.stringify(archetype)}`;
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(user) || user === "root")
    yield `user: expected a login name that is not root, got ${JSON.stringify(user)}`;
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(host))
    yield `host: expected a host name, got ${JSON.stringify(host)}`;
  if (system.trim() === "") yield "system: expected a line of orientation, got nothing";
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(provider.name))
    yield `provider.name: expected a program's name, got ${JSON.stringify(provider.name)}`;
  if (!provider.path.endsWith(`/${provider.name}`))
    yield `provider.path: expected it to end in /${provider.name}, got ${provider.path}`;
  for (const name of Object.keys(env)) {
    if (!/^[A-Za-z_]\w*$/.test(name)) yield `env.${name}: expected a name that a shell can hold`;
    if (RESERVED.has(name) || name.startsWith("LD_"))
      yield `env.${name}: expected a variable of its own, got one that the session needs`;
  }
}

function* places({ dirs, fixtures, provider }: Scenario) {
  const files = [
    ...fixtures.map(({ path }, i) => [path, `fixtures[${i}].path`] as const),
    [provider.path, "provider.path"] as const,
  ];
  const all = [...files, ...dirs.map(({ path }, i) => [path, `dirs[${i}].path`] as const)];
  for (const [path, field] of all)
    if (!WORLD_ROOTS.some((root) => path.startsWith(`${root}/`)))
      yield `${field}: expected a path below ${WORLD_ROOTS.join(" ")}, got ${path}`;
  const seen = new Set<string>();
  for (const [path, field] of files) {
    if (seen.has(path)) yield `${field}: ${path} is there twice`;
    seen.add(path);
    if (path.endsWith("/")) yield `${field}: expected a file, got ${path}`;
    const inside = all.find(
      ([other]) =>
        other.startsWith(`${path}/`) || (other === path && !files.some(([file]) => file === other)),
    );
    if (inside) yield `${field}: ${path} is a file, and ${inside[0]} needs a directory there`;
    if (/^\/etc\/(passwd|group)$/.test(path)) yield `${field}: ${path} belongs to the world itself`;
  }
  for (const [i, { mode }] of [...fixtures, ...dirs].entries())
    if (mode !== undefined && !/^0?[0-7]{3,4}$/.test(mode))
      yield `mode ${i}: expected octal digits, got ${JSON.stringify(mode)}`;
}

function* texts(scenario: Scenario) {
  const { directive, checker, provider, fixtures, announcement, referenceSolution } = scenario;
  if (directive !== null && directive.trim() === "")
    yield "directive: expected a text or null, got an empty one";
  if (checker.trim() === "") yield "checker: expected a script, got nothing";
  if (!provider.script.startsWith("#!/bin/sh\n"))
    yield "provider.script: expected it to begin with #!/bin/sh";
  const all = [
    checker,
    provider.script,
    announcement.login,
    directive ?? "",
    ...fixtures.map(({ content }) => content),
    ...referenceSolution,
  ];
  if (all.some((text) => !text.isWellFormed())) yield "texts: expected Unicode, got a lone surrogate";
  // A file may hold anything; what a shell reads may not.
  if (
    [checker, provider.script, announcement.login, directive ?? "", ...referenceSolution].some((text) =>
      text.includes("\0"),
    )
  )
    yield "texts: expected no NUL outside of files";
  const bytes = all.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes > LARGEST_BUNDLE) yield `texts: expected at most ${LARGEST_BUNDLE} bytes in all, got ${bytes}`;
}

function* announcement({ announcement: { kind, login }, fixtures, env }: Scenario) {
  if (login.trim() === "") yield "announcement.login: expected what the operator sees first, got nothing";
  if (kind === "motd" && !fixtures.some(({ path }) => path === "/etc/motd"))
    yield "announcement.kind: motd needs the fixture /etc/motd";
  if (kind === "env" && Object.keys(env).length === 0) yield "announcement.kind: env needs a variable in env";
}

function* solution({ referenceSolution, expectedTerminal, provider }: Scenario) {
  const last = referenceSolution.at(-1)?.trim();
  if (last !== expectedTerminal)
    yield `reference_solution: expected it to end with ${expectedTerminal}, got ${JSON.stringify(last ?? "nothing")}`;
  if (referenceSolution.length > MOST_COMMANDS)
    yield `reference_solution: expected at most ${MOST_COMMANDS} commands, got ${referenceSolution.length}`;
  const early = referenceSolution.slice(0, -1).findIndex((command) => /^\s*(exit|panic)\b/.test(command));
  if (early >= 0) yield `reference_solution[${early}]: it leaves before the end`;
  if (referenceSolution.some((command) => command.trim() === ""))
    yield "reference_solution: expected commands, got an empty line";
  if (!referenceSolution.some((command) => callsProvider(command, provider)))
    yield `reference_solution: expected it to call ${provider.name}, got no such command`;
}

/** True when a command line runs the provider program. */
export function callsProvider(
  command: string,
  { name, path }: { readonly name: string; readonly path: string },
): boolean {
  return simpleCommands(command).some(({ words }) =>
    words.some((word) => word === name || word === path || word.endsWith(`/${name}`)),
  );
}
