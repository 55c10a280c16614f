// What a check works with: worlds that are removed after it, and the facts that the provider tells of itself.

import type { TerminalWords } from "../../base/terminal-words.ts";
import type { CommandResult, ProviderFacts, Sandbox, SandboxProvider, Verdict, World } from "../contract.ts";
import { Skipped } from "./expectations.ts";
import { sampleWorld } from "./sample-world.ts";

/** A command of the suite ends long before this; what does not is killed and seen. */
const COMMAND_MS = 15_000;

/** The worlds of one check. */
export interface Stage {
  readonly provider: SandboxProvider;
  readonly facts: ProviderFacts;
  /** A world that other checks use too, one after another. */
  shared(): Promise<Sandbox>;
  /** A world of its own, removed when the check is over. */
  open(changes?: Partial<World>, terminals?: TerminalWords): Promise<Sandbox>;
  run(sandbox: Sandbox, command: string, timeoutMs?: number): Promise<CommandResult>;
  /** The verdict over a world of its own after `commands`. */
  verdict(checker: string, commands?: readonly string[], timeoutMs?: number): Promise<Verdict>;
  /** The same value for all checks of a run: one world can answer many questions. */
  once<T>(key: string, make: () => Promise<T>): Promise<T>;
  /** @throws Skipped if the provider says of itself that it does not have this property. */
  needs(property: string): void;
}

/** Values that checks of one run share. */
export type Memory = Map<string, Promise<unknown>>;

/** A stage whose worlds are closed with it; the shared world is the caller's. */
export function makeStage(
  provider: SandboxProvider,
  facts: ProviderFacts,
  memory: Memory,
  shared: () => Promise<Sandbox>,
): Stage & AsyncDisposable {
  const opened: Sandbox[] = [];
  let isOver = false;
  const stage: Stage = {
    provider,
    facts,
    shared,
    async open(changes, terminals) {
      const sandbox = await provider.open(sampleWorld(changes), { ...(terminals && { terminals }) });
      // A check that was given up on may still open a world behind our back.
      if (isOver) await sandbox.close();
      else opened.push(sandbox);
      return sandbox;
    },
    run: (sandbox, command, timeoutMs = COMMAND_MS) => sandbox.run(command, { timeoutMs }),
    async verdict(checker, commands = [], timeoutMs = COMMAND_MS) {
      const sandbox = await stage.open();
      for (const command of commands) await stage.run(sandbox, command);
      return sandbox.check(checker, { timeoutMs });
    },
    once<T>(key: string, make: () => Promise<T>) {
      const made = memory.get(key) ?? make();
      memory.set(key, made);
      return made as Promise<T>;
    },
    needs(property) {
      const said = facts.properties[property];
      if (said !== undefined && /^(?:no\b|none\b|not\b|unlimited\b)/.test(said))
        throw new Skipped(`${provider.name} says ${property}: ${said}`);
    },
  };
  return {
    ...stage,
    async [Symbol.asyncDispose]() {
      isOver = true;
      await Promise.all(opened.map((sandbox) => sandbox.close()));
    },
  };
}
