// What an operator may do in a scenario of which nothing is known but one solution.

import { providerCalls } from "../../agent/provider-use.ts";
import type { Scenario } from "../../data/scenario.ts";
import type { Plan } from "../author/plan.ts";
import type { Solution, Step } from "../author/work.ts";
import { fromInside, isLook, programOf, writtenFiles } from "./command-shape.ts";

/** Takes the reference solution apart into discovery, help, fetching and work, and adds what is harmless anywhere: other ways to
 *  read an announcement, a call without arguments, the same work from inside the directory, a look at what was written. */
export function planOfReference(scenario: Scenario): Plan {
  const commands = [...scenario.referenceSolution];
  const last = commands.at(-1)?.trim();
  if (last === "exit" || last === "panic") commands.pop();
  const calls = (command: string) => providerCalls(command, scenario);
  const isCall = (command: string) => calls(command).length > 0;
  const first = commands.findIndex(isCall);
  let past = first;
  while (past >= 0 && past < commands.length && isCall(commands[past]!)) past++;
  const discover = first < 0 ? [] : commands.slice(0, first);
  const asked = first < 0 ? [] : commands.slice(first, past);
  const isHelp = (command: string) =>
    calls(command).every(({ args }) => args.length > 0 && /^(?:-h|--help|help|-\?|usage)$/.test(args[0]!));
  const fetchFrom = asked.findIndex((command) => !isHelp(command));
  const help = fetchFrom < 0 ? asked : asked.slice(0, fetchFrom);
  const fetch = fetchFrom < 0 ? [] : asked.slice(fetchFrom);
  const work = solutionOf(first < 0 ? commands : commands.slice(past));
  const run = help[0] === undefined ? undefined : calls(help[0])[0]?.word;
  return {
    discover: discoveries(discover),
    help: [help],
    fetch: [fetch],
    // Without arguments a program that has a help says how it is used.
    wrong: run === undefined || fetch.includes(run) ? [] : [run],
    look: looksAt(work),
    slips: slipsOf(work, scenario),
    solutions: [work, ...insideOut(work, scenario)],
    verify: work.flatMap(({ command }) => writtenFiles(command).map((path) => `ls -l ${path}`)),
    terminal: scenario.expectedTerminal,
  };
}

/** Marks what only looks: before the first act as a look, behind the last one as a verification. */
function solutionOf(commands: readonly string[]): Solution {
  const acts = commands.map((command) => !isLook(command));
  const lastAct = acts.lastIndexOf(true);
  return commands.map(
    (command, i): Step => ({
      command,
      kind: acts[i] ? "act" : lastAct >= 0 && i > lastAct ? "verify" : "look",
    }),
  );
}

/** Other ways to read the variable or file that the reference reads. */
function discoveries(commands: readonly string[]): string[][] {
  const [only] = commands;
  if (only === undefined || commands.length > 1) return [[...commands]];
  const variable = /^(?:echo "?\$(\w+)"?|env \| grep (\w+)|printenv (\w+))$/.exec(only);
  const name = variable?.[1] ?? variable?.[2] ?? variable?.[3];
  if (name !== undefined)
    return [
      [only],
      ...[`echo $${name}`, `env | grep ${name}`, `echo "$${name}"`]
        .filter((way) => way !== only)
        .map((way) => [way]),
    ];
  const file = /^cat (\S+)$/.exec(only)?.[1];
  return file === undefined ? [[only]] : [[only], [`ls ${file}`, only], [`head ${file}`]];
}

function looksAt(work: Solution): string[] {
  return work.flatMap(({ command, kind }) => (kind === "look" ? [command] : []));
}

/** A path misremembered; a file written where its directory is yet to be made. */
function slipsOf(work: Solution, scenario: Scenario): string[] {
  const slips: string[] = [];
  for (const { command, kind } of work) {
    const read =
      kind === "verify" ? undefined : /^(?:cat|head|tail|sort|grep \S+) (\/\S+\w)$/.exec(command)?.[1];
    if (read !== undefined) slips.push(command.replace(read, `${read}s`));
    const made = /^mkdir (?:-p )?(\/\S+)$/.exec(command)?.[1];
    if (made === undefined || exists(made, scenario)) continue;
    const write = work.find(({ command: other }) =>
      writtenFiles(other).some((path) => path.startsWith(`${made}/`)),
    );
    if (write !== undefined && /^(?:echo|printf)\b/.test(write.command)) slips.push(write.command);
  }
  return slips;
}

function exists(directory: string, { dirs, fixtures }: Scenario): boolean {
  return [...dirs, ...fixtures].some(({ path }) => path === directory || path.startsWith(`${directory}/`));
}

/** The same from inside the directory that most of the work is in. */
function insideOut(work: Solution, scenario: Scenario): Solution[] {
  const acts = work.filter(({ kind }) => kind === "act");
  const paths = acts.flatMap(({ command }) => command.match(/(?<=^|[\s<>])\/[\w./-]+\/[\w.*-]+/g) ?? []);
  const [first] = acts;
  const directory =
    /^mkdir (?:-p )?(\/\S+)$/.exec(first?.command ?? "")?.[1] ??
    mostFrequent(paths.map((path) => path.slice(0, path.lastIndexOf("/"))));
  const moves = acts.length > 0 && !acts.some(({ command }) => programOf(command) === "cd");
  if (directory === undefined || !moves || ["/etc", "/tmp", ""].includes(directory)) return [];
  const makes = (command: string) => command === `mkdir -p ${directory}` || command === `mkdir ${directory}`;
  const made = acts.findIndex(({ command }) => makes(command));
  if (made > 0 || (made < 0 && !exists(directory, scenario))) return [];
  const rest = work.filter(({ command }) => !makes(command));
  const inside = rest.map((step) => ({
    ...step,
    command: fromInside(step.command, directory) ?? step.command,
  }));
  const half = rest.some(
    ({ command, kind }, i) => kind === "act" && command === inside[i]!.command && command.includes(directory),
  );
  if (half || inside.every((step, i) => step.command === rest[i]!.command)) return [];
  const enter: Step[] =
    made === 0
      ? [{ command: `mkdir -p ${directory} && cd ${directory}`, kind: "act" }]
      : [{ command: `cd ${directory}`, kind: "act" }];
  return [[...enter, ...inside]];
}

function mostFrequent(words: readonly string[]): string | undefined {
  const count = (word: string) => words.filter((other) => other === word).length;
  return [...words].sort((a, b) => count(b) - count(a))[0];
}
