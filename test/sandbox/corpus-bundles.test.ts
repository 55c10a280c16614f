// Every scenario bundle of the recorded corpus, in every sandbox of this machine: its reference passes and ends as expected, doing
// nothing does not pass unless there is nothing to do.

import { afterAll, describe, expect, test as plain, setDefaultTimeout } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkScenario, type Scenario } from "../../src/data/scenario.ts";
import { readScenarios } from "../../src/data/scenario-files.ts";
import type { SandboxProvider } from "../../src/sandbox/contract.ts";
import { need } from "../setup.ts";
import { inLanes, testedProviders } from "./each-provider.ts";

setDefaultTimeout(600_000);

const corpus = join(import.meta.dir, "../golden/corpus");
const trained = new TextDecoder()
  .decode(Bun.gunzipSync(readFileSync(join(corpus, "scenarios.jsonl.gz"))))
  .trim()
  .split("\n")
  .map((line, i) => checkScenario(JSON.parse(line), { file: "scenarios.jsonl", line: i + 1 }));
const scenarios: readonly Scenario[] = [...readScenarios(join(corpus, "holdout")), ...trained];

plain("the corpus is whole", () => expect(scenarios.length).toBe(24 + 85));

/** There is nothing to do, or it cannot be done: the world is right as it stands. */
const isRightAtFirst = ({ archetype, expectedTerminal }: Scenario) =>
  archetype === "empty_queue" || expectedTerminal === "panic";

/** What became of one bundle. */
async function prove(provider: SandboxProvider, scenario: Scenario) {
  await using solved = await provider.open(scenario);
  let screen = "";
  let terminal: string | null = null;
  for (const command of scenario.referenceSolution) {
    const result = await solved.run(command);
    screen += result.output;
    terminal = result.terminal?.word ?? null;
  }
  const reference = (await solved.check(scenario.checker)).passed;
  await solved.close();
  await using untouched = await provider.open(scenario);
  const nothing = (await untouched.check(scenario.checker)).passed;
  const isDiscovered = scenario.directive === null || screen.includes(scenario.directive);
  return { reference, terminal, nothing, isDiscovered };
}

for (const { name, isHere, open } of testedProviders)
  describe(`in ${name}`, () => {
    let provider: Promise<SandboxProvider> | undefined;
    const outcome = inLanes(scenarios, 4, async (scenario) => {
      provider ??= open();
      return prove(await provider, scenario);
    });
    afterAll(async () => (await provider)?.[Symbol.asyncDispose]());

    for (const scenario of scenarios)
      need(name, isHere)(`${scenario.id} is passed by its reference and not by doing nothing`, async () => {
        expect(await outcome(scenario)).toEqual({
          reference: true,
          terminal: scenario.expectedTerminal,
          nothing: isRightAtFirst(scenario),
          isDiscovered: true,
        });
      });
  });
