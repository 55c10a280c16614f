// The gate of discovery: from what is seen at login one gets to the provider, from its help to the directive, and from
// nowhere else, and no earlier.

import type { Scenario } from "../../data/scenario.ts";
import { answer, excerpt, failed, type GateContext, type GateResult, inWorld, passed } from "./gate.ts";
import { isThere, namedPaths } from "./named-paths.ts";
import type { Replay } from "./replay.ts";
import { simpleCommands } from "./shell-text.ts";
import { callsProvider } from "./structure.ts";

/** Words in a row of a directive that may not be read before the provider says them. */
const LEAK_WORDS = 5;
/** Files that may lie between the login line and the provider's name. */
const LONGEST_CHAIN = 3;

/** What can be said without running anything. */
export function staticDiscovery(scenario: Scenario): GateResult {
  const chain = announcementChain(scenario);
  if (chain === undefined)
    return failed(
      "discovery",
      `announcement: the login text and what it names never lead to ${scenario.provider.path}`,
      { login: excerpt(scenario.announcement.login) },
    );
  const leak = firstLeak(scenario);
  if (leak) return failed("discovery", leak, { chain });
  if (!/--help/.test(scenario.provider.script))
    return failed("discovery", "provider: it has no --help", { chain });
  return passed("discovery", "the announcement leads to the provider; nothing is given away earlier", {
    chain,
  });
}

/** Static discovery, and what the provider and the reference solution really show.
 *  @param reference a session of the reference solution */
export async function discoveryGate(context: GateContext, reference: Replay): Promise<GateResult> {
  const { scenario } = context;
  const first = staticDiscovery(scenario);
  if (!first.passed) return first;
  const { provider, directive } = scenario;
  const no = (reason: string, evidence: Record<string, unknown> = {}) =>
    failed("discovery", reason, { ...first.evidence, ...evidence });
  return answer("discovery", async () => {
    const [help, bare] = await inWorld(context, async (box) => [
      await box.run(`${provider.path} --help`),
      await box.run(provider.path),
    ]);
    if (help.status !== 0)
      return no(`provider: --help ends with status ${help.status}, not 0`, { help: excerpt(help.output) });
    if (!/\busage\b/i.test(help.output))
      return no("provider: --help shows no usage line", { help: excerpt(help.output) });
    if (!help.output.includes(provider.name))
      return no("provider: --help does not say how it is called", { help: excerpt(help.output) });
    const leaked = directive === null ? undefined : leakIn(help.output, directive);
    if (leaked)
      return no(`provider: --help gives the directive away: ${leaked}`, { help: excerpt(help.output) });
    const all = [help, bare, ...reference.steps.filter(({ command }) => callsProvider(command, provider))];
    const broken = all.find(
      ({ output }) => /Syntax error|: not found|syntax error/.test(output) && output.includes(provider.name),
    );
    if (broken) return no(`provider: its script is broken: ${excerpt(broken.output)}`);
    const seen = reference.steps.map(({ output }) => output).join("\n");
    if (!/\busage\b/i.test(seen)) return no("reference_solution: it never reads how the provider is used");
    if (directive !== null && !seen.includes(directive.trim()))
      return no("reference_solution: the directive never reaches the screen", {
        shown: reference.steps.map(({ command, output }) => `${command}: ${excerpt(output, 80)}`),
      });
    const guess = undocumentedWord(scenario, reference);
    if (guess)
      return no(
        `reference_solution: ${JSON.stringify(guess.command)} uses ${JSON.stringify(guess.word)}, which nothing that was read before says`,
      );
    return passed("discovery", "announcement, help and directive follow from each other", {
      ...first.evidence,
      help: excerpt(help.output),
    });
  });
}

/** The way from the login text to the provider: what is read, in order; `undefined` when there is none. */
export function announcementChain(scenario: Scenario): string[] | undefined {
  const { announcement, env, fixtures, user, provider } = scenario;
  const home = `/home/${user}`;
  const onPath = /^(\/usr\/local\/bin|\/bin)\//.test(provider.path);
  const tells = (text: string) =>
    text.includes(provider.path) ||
    (onPath && new RegExp(`(^|[^\\w-])${inPattern(provider.name)}($|[^\\w-])`, "m").test(text));
  let front = [{ text: announcement.login, trail: ["login"] }];
  for (let depth = 0; depth <= LONGEST_CHAIN; depth++) {
    const there = front.find(({ text }) => tells(text));
    if (there) return there.trail;
    front = front.flatMap(({ text, trail }) => [
      ...Object.entries(env)
        .filter(([name]) => new RegExp(`\\b${inPattern(name)}\\b`).test(text))
        .map(([name, value]) => ({ text: value, trail: [...trail, `$${name}`] })),
      ...fixtures
        .filter(({ path }) => namedPaths(text, home).includes(path) || mentionsHomeFile(text, path, home))
        .map(({ path, content }) => ({ text: content, trail: [...trail, path] })),
    ]);
  }
  return undefined;
}

/** `see NOTICE in your home directory` names a file as well. */
function mentionsHomeFile(text: string, path: string, home: string): boolean {
  const name = path.startsWith(`${home}/`) ? path.slice(home.length + 1) : "";
  return (
    name !== "" &&
    !name.includes("/") &&
    new RegExp(`(^|[\\s'"\`])${inPattern(name)}($|[\\s'"\`.,:;])`, "m").test(text)
  );
}

/** Where the directive can be read before the provider says it. */
function firstLeak(scenario: Scenario): string | undefined {
  const { directive, announcement, env, fixtures, system } = scenario;
  if (directive === null) return undefined;
  const early = [
    ["announcement.login", announcement.login],
    ["system", system],
    ...Object.entries(env).map(([name, value]) => [`env.${name}`, value]),
    ...fixtures.map(({ content }, i) => [`fixtures[${i}].content`, content]),
  ] as [string, string][];
  for (const [field, text] of early) {
    const words = leakIn(text, directive);
    if (words) return `${field}: it gives the directive away: ${words}`;
  }
  // Files that are still to be made are the directive's alone to name.
  const targets = namedPaths(directive, `/home/${scenario.user}`).filter(
    (path) => !isThere(scenario, path) && path !== scenario.provider.path,
  );
  const told = [
    ...early.slice(0, 2),
    ...early.filter(([field]) => field.startsWith("env.")),
    ...announcementFiles(scenario),
  ];
  for (const [field, text] of told) {
    const named = namedPaths(text, `/home/${scenario.user}`);
    const target = targets.find((path) => named.includes(path) && !Object.values(env).includes(path));
    if (target !== undefined) return `${field}: it gives ${target} away, which only the directive may name`;
  }
  return undefined;
}

function announcementFiles(scenario: Scenario): [string, string][] {
  const chain = new Set(announcementChain(scenario) ?? []);
  return scenario.fixtures
    .map(({ path, content }, i) => [path, `fixtures[${i}].content`, content] as const)
    .filter(([path]) => chain.has(path) || path === "/etc/motd")
    .map(([, field, content]) => [field, content]);
}

/** The words of a directive that a text holds, if it holds the whole or {@link LEAK_WORDS} in a row. */
export function leakIn(text: string, directive: string): string | undefined {
  const plain = (one: string) =>
    one
      .toLowerCase()
      .match(/[\p{L}\p{N}_./~-]+/gu)
      ?.map((word) => word.replace(/[.]+$/, "")) ?? [];
  const words = plain(directive);
  const hay = ` ${plain(text).join(" ")} `;
  const width = Math.min(LEAK_WORDS, words.length);
  if (width === 0) return undefined;
  for (let i = 0; i + width <= words.length; i++) {
    const run = words.slice(i, i + width).join(" ");
    if (hay.includes(` ${run} `)) return run;
  }
  return undefined;
}

/** A word given to the provider that the operator cannot know. */
function undocumentedWord({ provider, user, announcement, env, host, system }: Scenario, { steps }: Replay) {
  let known = [announcement.login, user, host, system, ...Object.entries(env).flat(), `/home/${user}`].join(
    "\n",
  );
  for (const { command, output } of steps) {
    for (const { words } of simpleCommands(command)) {
      const at = words.findIndex(
        (word) => word === provider.name || word === provider.path || word.endsWith(`/${provider.name}`),
      );
      if (at < 0) continue;
      for (const word of words.slice(at + 1)) {
        const plain = word.replace(/^-+/, "").replace(/^.*=/, "");
        const universal = /^(-h|--help|help|\d+|~|-|\$\w+|<.*|\$\(.*)$/.test(word) || plain === "";
        const ownPath = plain.replace(/^~(?=\/)/, `/home/${user}`);
        if (!universal && !known.includes(plain) && !known.includes(ownPath)) return { command, word };
      }
    }
    known += `\n${output}`;
  }
  return undefined;
}

function inPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\-]/g, "\\$&");
}
