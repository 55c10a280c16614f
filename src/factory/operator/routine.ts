// The routine of a self-directed operator, told as commands that wait for what they show: find the provider, learn it, fetch, work,
// look at the result, leave. How much it wanders on the way is drawn from a seed.

import { shows } from "../../agent/provider-use.ts";
import type { Rng } from "../../base/rng.ts";
import type { Scenario } from "../../data/scenario.ts";
import type { Plan } from "../author/plan.ts";
import type { Solution } from "../author/work.ts";
import { isLook, looksFailed, programOf, writtenFiles, wrongOption } from "./command-shape.ts";
import { type Fault, spoil, talk } from "./faults.ts";
import { trim } from "./trimming.ts";

/** What decides a session beside its plan. */
export interface RoutineSettings {
  readonly rng: Rng;
  /** 0 = straight through, 1 = as much exploration as there is. */
  readonly detours: number;
  /** No look between directive and work that the work does not need. */
  readonly trim: boolean;
  /** The way to the directive is the plan's first one, without detours; only the work varies. */
  readonly oneRoutine: boolean;
  /** Which of the solutions, round and round: samples of one scenario take different ones as long as there are any. */
  readonly turn: number;
  readonly fault: Fault | undefined;
}

/** Gives commands; is given what each one showed. */
export type Routine = Generator<string, void, string>;

/** One session. */
export function* operate(scenario: Scenario, plan: Plan, settings: RoutineSettings): Routine {
  const { rng, detours, oneRoutine, fault } = settings;
  const seen = new Screen(scenario);
  const wandering = oneRoutine ? 0 : detours;
  const sometimes = (p: number) => rng.chance(p * wandering);
  const say = function* (command: string): Generator<string, string, string> {
    const output = yield command;
    seen.add(output);
    return output;
  };

  if (sometimes(0.12)) yield* say(rng.pick(["ls", "pwd", "ls -a", "id", "whoami"]));
  const discover = oneRoutine ? (plan.discover[0] ?? []) : rng.pick(plan.discover);
  for (const command of discover) yield* say(command);
  // Nobody calls a program that nothing has spoken of: where a look told nothing, the sure way is taken.
  if (!seen.provider) for (const command of plan.discover[0] ?? []) yield* say(command);
  if (scenario.announcement.kind === "motd" && sometimes(0.12)) yield* say("cat /etc/motd");
  const guesses = plan.wrong.length === 0 ? 0 : Number(sometimes(0.6)) + Number(sometimes(0.1));
  for (const guess of rng.sample(plan.wrong, guesses)) yield* say(guess);
  // A guess may have been right after all; then there is nothing left to learn.
  if (!seen.directive) {
    for (const command of alternative(plan.help, rng, oneRoutine ? 0 : 0.25)) yield* say(command);
    if (plan.wrong.length > 0 && sometimes(0.08)) yield* say(rng.pick(plan.wrong));
    for (const command of alternative(plan.fetch, rng, oneRoutine ? 0 : 0.5)) yield* say(command);
  }
  const told = scenario.directive === null || seen.directive;
  const solution = plan.solutions[settings.turn % plan.solutions.length] ?? [];
  const work = told ? trim(solution, plan, seen.text, rng, settings.trim ? 0 : detours) : solution;
  // Mistakes draw from a generator of their own: up to the mistake the session is the one without it.
  const mistakes = rng.fork("fault");
  if (fault === "prose") for (const words of talk(mistakes, mistakes.int(3, 4))) yield* say(words);
  const steps = fault === undefined ? work : spoil(work, fault, mistakes);
  yield* workThrough(steps, plan, { ...settings, say });

  if (fault === "wrong_terminal") yield plan.terminal === "exit" ? "panic" : "exit";
  else yield plan.terminal;
}

/** The first way mostly, another one with probability `p`. */
function alternative<T>(ways: readonly (readonly T[])[], rng: Rng, p: number): readonly T[] {
  const [first = []] = ways;
  return ways.length > 1 && rng.chance(p) ? rng.pick(ways.slice(1)) : first;
}

/** What was on the screen so far. */
class Screen {
  text: string;
  directive = false;
  provider: boolean;
  private readonly name: string;
  private readonly wanted: string | null;

  constructor({ directive, provider, announcement }: Scenario) {
    this.wanted = directive;
    this.name = provider.name;
    this.text = announcement.login;
    this.provider = announcement.login.includes(provider.name);
  }

  add(output: string): void {
    this.text += `\n${output}`;
    if (this.wanted !== null && shows(output, this.wanted)) this.directive = true;
    if (!looksFailed(output) && output.includes(this.name)) this.provider = true;
  }
}

interface Working extends RoutineSettings {
  readonly say: (command: string) => Generator<string, string, string>;
}

function* workThrough(work: Solution, plan: Plan, { rng, detours, trim: trimmed, say }: Working): Routine {
  const sometimes = (p: number) => rng.chance(p * detours);
  const firstAct = work.findIndex(({ kind }) => kind === "act");
  const done = new Set<string>();
  for (const [i, { command, kind }] of work.entries()) {
    if (i === firstAct) {
      // A slip that only reads is a look like any other, and as rare.
      const acts = plan.slips.filter((slip) => !isLook(slip));
      if (acts.length > 0 && sometimes(0.5)) yield* say(rng.pick(acts));
      else if (!trimmed && plan.slips.length > 0 && sometimes(0.12)) yield* say(rng.pick(plan.slips));
      else if (!trimmed && plan.look.length > 0 && sometimes(0.06)) yield* say(rng.pick(plan.look));
      if (sometimes(0.12)) yield* misuse(command, say);
    }
    if (kind === "verify" && rng.chance(0.08)) continue;
    const output = yield* say(command);
    done.add(command);
    if (kind === "act" && looksFailed(output)) yield* recover(command, output, say);
  }
  const more = plan.verify.filter((look) => !done.has(look));
  if (firstAct >= 0 && more.length > 0 && sometimes(0.3)) yield* say(rng.pick(more));
}

/** An option that does not exist, then the program's own help. */
function* misuse(command: string, say: Working["say"]): Routine {
  const program = programOf(command);
  const option = program === undefined ? undefined : wrongOption(program);
  if (program === undefined || option === undefined) return;
  const output = yield* say(`${program} ${option}`);
  // Most programs print their usage with the complaint; the others are asked.
  if (!/usage/i.test(output)) yield* say(`${program} --help`);
}

/** Does what the complaint of a failed command asks for, and the command again. */
function* recover(command: string, output: string, say: Working["say"]): Routine {
  const [file] = writtenFiles(command);
  const folder = file?.includes("/") ? file.slice(0, file.lastIndexOf("/")) : undefined;
  if (folder && /nonexistent|No such file/.test(output)) {
    yield* say(`mkdir -p ${folder}`);
    yield* say(command);
  } else if (/[Pp]ermission denied/.test(output)) yield* say("id");
}
