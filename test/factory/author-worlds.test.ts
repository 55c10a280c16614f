// What the built-in author writes, tried in real worlds: every solution passes, no step can be left out, near misses fail.

import { test as always, describe, expect } from "bun:test";
import { type AuthoredScenario, builtinAuthor, isRefusal } from "../../src/factory/author/author.ts";
import type { Solution } from "../../src/factory/author/work.ts";
import { archetypeNames } from "../../src/factory/taxonomy.ts";
import { need } from "../setup.ts";
import { bubblewrap } from "./bubblewrap.ts";

const test = need("bubblewrap", bubblewrap !== undefined);
const SEED = 5;
const minute = 60_000;

async function made(archetype: string, index: number, seed = SEED): Promise<Required<AuthoredScenario>> {
  const result = await builtinAuthor({ seed }).next(archetype, index);
  if (isRefusal(result) || !result.plan) throw new Error(`${archetype} ${index} was refused`);
  return { scenario: result.scenario, plan: result.plan };
}

/** The first scenario of an archetype whose variant is this. */
async function variant(archetype: string, name: string): Promise<Required<AuthoredScenario>> {
  for (let index = 0; index < 200; index++) {
    const one = await made(archetype, index);
    if (one.scenario.axes.variant === name) return one;
  }
  throw new Error(`${archetype}: no ${name} in 200`);
}

/** Runs commands in a world of their own; what was on the screen, and what the checker said. */
async function play({ scenario }: AuthoredScenario, commands: readonly string[]) {
  await using box = await bubblewrap!.open(scenario);
  // One shell for all: what a session keeps from command to command is tested elsewhere.
  const { output, status } = await box.run(commands.length === 0 ? ":" : commands.join("\n"));
  const { passed } = await box.check(scenario.checker);
  return { passed, output, status };
}

const commandsOf = (solution: Solution): string[] => solution.map(({ command }) => command);

/** Discovery as the reference has it. */
const ahead = ({ plan }: Required<AuthoredScenario>): string[] => [
  ...plan.discover[0]!,
  ...plan.help[0]!,
  ...plan.fetch[0]!,
];

describe("in a real world", () => {
  for (const [number, archetype] of archetypeNames.entries())
    test(
      `${archetype}: solutions pass, nothing done fails, no step of them is idle`,
      async () => {
        const one = await made(archetype, number % 7);
        const { scenario, plan } = one;
        const idle = scenario.directive === null || scenario.expectedTerminal === "panic";
        expect((await play(one, [])).passed).toBe(idle);
        for (const [i, solution] of plan.solutions.entries()) {
          const { passed, output } = await play(one, [
            ...(i === 0 ? ahead(one) : []),
            ...commandsOf(solution),
          ]);
          expect({ i, passed, output: passed ? "" : output }).toEqual({ i, passed: true, output: "" });
          if (i === 0) {
            expect(output).toContain(`usage: ${scenario.provider.name}`);
            if (scenario.directive !== null) expect(output).toContain(scenario.directive);
          }
        }
        const solution = plan.solutions[number % plan.solutions.length]!;
        for (const [i, { kind, command }] of solution.entries()) {
          if (kind !== "act") continue;
          const { passed } = await play(one, commandsOf(solution.toSpliced(i, 1)));
          expect({ dropped: command, passed }).toEqual({ dropped: command, passed: false });
        }
      },
      minute,
    );

  test(
    "each file that a checker compares may not have a byte more",
    async () => {
      for (const archetype of archetypeNames) {
        const one = await made(archetype, 2);
        const [compared] = [...one.scenario.checker.matchAll(/cmp -s - (\S+)/g)].map(([, path]) => path!);
        if (compared === undefined) continue;
        const { passed } = await play(one, [
          ...commandsOf(one.plan.solutions[0]!),
          `chmod u+w ${compared}; echo >> ${compared}`,
        ]);
        expect({ archetype, compared, passed }).toEqual({ archetype, compared, passed: false });
      }
    },
    2 * minute,
  );

  test(
    "guesses, typing errors and looks change no verdict, and wrong use of a provider teaches its use",
    async () => {
      for (const archetype of ["file_create", "archive", "two_step", "csv_sum", "blocked", "symlink"])
        for (const index of [11, 12]) {
          const one = await made(archetype, index);
          const { plan, scenario } = one;
          const { output, passed } = await play(one, [...plan.wrong, ...plan.slips, ...plan.look]);
          expect([archetype, passed]).toEqual([archetype, scenario.expectedTerminal === "panic"]);
          expect(output).toContain("--help");
          const slips = await Promise.all(plan.slips.map((slip) => play(one, [slip])));
          expect(slips.map(({ status }) => status === 0)).toEqual(plan.slips.map(() => false));
        }
    },
    minute,
  );
});

describe("a near miss fails:", () => {
  const misses: [string, string, string, (one: Required<AuthoredScenario>) => string[]][] = [
    [
      "a link instead of a copy",
      "file_copy",
      "one",
      ({ scenario }) => {
        const [, target, source] = /cp (\S+) (\S+)/.exec(scenario.referenceSolution.join("\n"))!.toReversed();
        return [`mkdir -p $(dirname ${target})`, `ln -s ${source} ${target}`];
      },
    ],
    [
      "moved files that stayed behind",
      "file_move",
      "kind",
      ({ plan }) => commandsOf(plan.solutions[0]!).map((command) => command.replace(/^mv /, "cp ")),
    ],
    [
      "a mode given to every file",
      "permissions",
      "exec",
      ({ plan }) => commandsOf(plan.solutions[0]!).map((command) => command.replace("/*.sh", "/*")),
    ],
    [
      "a word replaced once a line",
      "text_replace",
      "one",
      ({ plan }) => commandsOf(plan.solutions[0]!).map((command) => command.replace("/g'", "/'")),
    ],
    [
      "everything deleted",
      "cleanup",
      "ending",
      ({ plan }) =>
        commandsOf(plan.solutions[0]!).map((command) => command.replace(/-name '\S+' -exec/, "-exec")),
    ],
    [
      "subdirectories forgotten",
      "search_count",
      "lines",
      ({ plan }) =>
        commandsOf(plan.solutions[0]!).map((command) =>
          command.replace("grep -rh", "grep -sh").replace(/ (\S+) \|/, " $1/* |"),
        ),
    ],
    [
      "two numbers in place of one",
      "csv_sum",
      "sum",
      ({ plan }) => [...commandsOf(plan.solutions[0]!), `echo 1 >> ${plan.verify[0]!.slice(4)}`],
    ],
    [
      "a directory too many",
      "dir_tree",
      "plain",
      ({ plan }) => [...commandsOf(plan.solutions[0]!), `mkdir ${plan.verify[0]!.slice(5)}/surplus`],
    ],
    [
      "a file in place of a link",
      "symlink",
      "file",
      ({ plan }) => commandsOf(plan.solutions[0]!).map((command) => command.replace("ln -s", "cp")),
    ],
    [
      "an archive with other names in it",
      "archive",
      "pack_gzip",
      ({ plan }) =>
        commandsOf(plan.solutions[0]!).map((command) => command.replace(/ -C (\S+) (\S+)$/, " -C $1/$2 .")),
    ],
    [
      "the header counted in",
      "csv_sum",
      "column",
      ({ plan }) => commandsOf(plan.solutions[0]!).map((command) => command.replace("+2", "+1")),
    ],
    [
      "something done where nothing can be",
      "blocked",
      "missing_program",
      ({ scenario }) => [
        `echo made up > ${/kept? .*?(\/\S+\.out)|belongs into (\S+)\./.exec(scenario.directive!)?.slice(1).find(Boolean) ?? /\S+\.out/.exec(scenario.directive!)![0]}`,
      ],
    ],
  ];
  for (const [what, archetype, name, commands] of misses)
    test(
      `${archetype}, ${what}`,
      async () => {
        const one = await variant(archetype, name);
        const miss = commands(one);
        expect(miss).not.toEqual(commandsOf(one.plan.solutions[0]!));
        expect([miss, (await play(one, miss)).passed]).toEqual([miss, false]);
      },
      minute,
    );
});

always("a seed of its own makes worlds of its own", async () => {
  const [a, b] = [await made("cleanup", 0, 1), await made("cleanup", 0, 2)];
  expect(a.scenario.checker).not.toBe(b.scenario.checker);
});
