// A scenario as a session with other words for its endings shows it. The bundle stays what it is: its hash, checker, reference
// solution and expected ending are those of `exit` and `panic`.

import { basename } from "node:path/posix";
import { UserError } from "../base/errors.ts";
import { arePlain, type TerminalWords } from "../base/terminal-words.ts";
import { renameMentions } from "../data/rename-terminals.ts";
import type { Scenario } from "../data/scenario.ts";

/** The scenario with the words renamed in every text that speaks to the operator: system, announcement, provider program, directive,
 *  and files and variables that speak of the provider.
 *  @throws UserError when a program of the scenario has one of the words as its name */
export function renameScenario(scenario: Scenario, words: TerminalWords): Scenario {
  if (arePlain(words)) return scenario;
  const { provider, announcement, directive, fixtures, env } = scenario;
  const names = [provider.name, basename(provider.path), ...fixtures.map(({ path }) => basename(path))];
  const taken = [words.exit, words.panic].find((word) => names.includes(word));
  if (taken !== undefined)
    throw new UserError(
      `--terminals: expected words that no file of a scenario is called, got ${taken}, which ${scenario.id} has`,
    );
  const told = (text: string) => renameMentions(text, words);
  const speaks = (text: string) => text.includes(provider.name) || text.includes(provider.path);
  return {
    ...scenario,
    system: told(scenario.system),
    announcement: { ...announcement, login: told(announcement.login) },
    provider: { ...provider, script: told(provider.script) },
    directive: directive === null ? null : told(directive),
    fixtures: fixtures.map((file) =>
      speaks(file.content) ? { ...file, content: told(file.content) } : file,
    ),
    env: Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, speaks(value) ? told(value) : value]),
    ),
  };
}
