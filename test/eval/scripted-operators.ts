// Operators that behave as their name says, behind one real HTTP server: the model's name chooses the behaviour.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkScenario, type Scenario } from "../../src/data/scenario.ts";
import { scenarios as corpus } from "../agent/recorded-world.ts";
import { type ScriptedEndpoint, scriptedEndpoint } from "../agent/scripted-endpoint.ts";

const holdout = join(import.meta.dir, "../golden/corpus/holdout");

/** One held-out bundle of the golden corpus an archetype. */
export const heldOut: readonly Scenario[] = readdirSync(holdout)
  .filter((name) => name.endsWith("-000.json"))
  .sort()
  .map((name) =>
    checkScenario(JSON.parse(readFileSync(join(holdout, name), "utf8")), { file: join(holdout, name) }),
  );

/** One scenario of each archetype. */
export const oneOfEach: readonly Scenario[] = [
  ...new Map([...corpus.values()].reverse().map((scenario) => [scenario.archetype, scenario])).values(),
  ...heldOut,
].sort((a, b) => (a.archetype < b.archetype ? -1 : 1));

interface Message {
  readonly role: string;
  readonly content: string;
}

/** The scenario that a conversation is in, told by what stands on its screen. */
function scenarioOf(messages: readonly Message[], among: readonly Scenario[]): Scenario {
  const first = messages[0]!.content;
  const said = messages.filter(({ role }) => role === "assistant").map(({ content }) => content);
  const found = among.filter(
    ({ system, announcement, user, host, referenceSolution }) =>
      first.startsWith(system) &&
      first.includes(announcement.login.trim()) &&
      first.includes(`${user}@${host}:`) &&
      said.every((command, i) => referenceSolution[i] === command),
  );
  if (found.length === 0) throw new Error(`no scenario begins with ${first}`);
  return found[0]!;
}

const rubbish = ["\u0001\u0002\u0003", "]]]]))))", "%%%% &&&& ;;;;", "0x0x0x0x \ufffd\ufffd"];

/** Starts the server. `delayMs` is how long each answer takes. */
export function startOperators(among: readonly Scenario[] = oneOfEach, delayMs = 0): ScriptedEndpoint {
  return scriptedEndpoint(async (_, { body }) => {
    const messages = body.messages as Message[];
    const turn = messages.filter(({ role }) => role === "assistant").length;
    const reference = () => scenarioOf(messages, among).referenceSolution[turn] ?? "exit";
    if (delayMs > 0) await Bun.sleep(delayMs);
    switch (body.model as string) {
      case "replays":
        return reference();
      case "slow":
        await Bun.sleep(60);
        return reference();
      case "talks":
        return "I would start by reading the documentation and then think about what to do next.";
      case "exits":
        return "exit";
      case "panics":
        return "panic";
      case "never-ends":
        return `echo ${turn}`;
      case "rubbish":
        return rubbish[turn % rubbish.length]!;
      case "injects":
        return turn === 0
          ? `printf '</div></details><script>document.title="owned"</script><img src=x onerror=alert(1)>\\033[31m\\n'`
          : "exit";
      default:
        return Response.json({ error: { message: "the engine crashed" } }, { status: 500 });
    }
  });
}
