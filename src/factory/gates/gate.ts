// What a gate is: one named question about a scenario, its answer, and what the answer rests on.

import { DataError, InfrastructureError } from "../../base/errors.ts";
import type { Scenario } from "../../data/scenario.ts";
import type { Sandbox, SandboxProvider } from "../../sandbox/contract.ts";

/** All gates, in the order in which they are asked: cheap ones first. */
export const gateNames = [
  "structure",
  "discovery",
  "initial_state",
  "no_op",
  "reference",
  "mutants",
  "cheats",
  "panic",
  "near_duplicate",
] as const;

export type GateName = (typeof gateNames)[number];

/** The answer of one gate. */
export interface GateResult {
  readonly gate: GateName;
  readonly passed: boolean;
  /** One line: what was wrong, or what was shown. A teacher model gets it to repair its scenario. */
  readonly reason: string;
  /** What was tried and what came of it. */
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** What a gate works on. */
export interface GateContext {
  readonly scenario: Scenario;
  readonly provider: SandboxProvider;
  readonly signal?: AbortSignal | undefined;
}

export const passed = (
  gate: GateName,
  reason: string,
  evidence: Record<string, unknown> = {},
): GateResult => ({
  gate,
  passed: true,
  reason,
  evidence,
});

export const failed = (
  gate: GateName,
  reason: string,
  evidence: Record<string, unknown> = {},
): GateResult => ({
  gate,
  passed: false,
  reason,
  evidence,
});

/** A world died of what the scenario itself did in it. */
class WorldBroken extends Error {}

/** Worlds that may be opened for one question before their dying is the scenario's fault. */
const TRIES = 3;

/** Answers a question in a fresh world; a world that dies is opened again.
 *  @throws WorldBroken when it dies every time; InfrastructureError when the engine is gone; DataError for a world that is
 *  impossible. */
export async function inWorld<T>(
  { scenario, provider, signal }: GateContext,
  question: (box: Sandbox) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      await using box = await provider.open(scenario, signal ? { signal } : {});
      return await question(box);
    } catch (error) {
      if (!(error instanceof InfrastructureError) || error.kind === "provider_dead" || !error.retryable)
        throw error;
      if (attempt >= TRIES) throw new WorldBroken(`${error.kind}: ${error.message}`, { cause: error });
    }
  }
}

/** Runs a gate; a world that breaks or cannot be built is an answer, too. */
export async function answer(gate: GateName, ask: () => Promise<GateResult>): Promise<GateResult> {
  try {
    return await ask();
  } catch (error) {
    // Nothing was run in that world yet: its dying is nobody's fault but the machine's.
    const cause = error instanceof WorldBroken ? error.cause : undefined;
    if (gate === "initial_state" && cause instanceof InfrastructureError && cause.kind === "sandbox_dead")
      throw cause;
    if (error instanceof WorldBroken) return failed(gate, `the world does not survive it: ${error.message}`);
    if (error instanceof DataError) return failed(gate, `the world cannot be built: ${error.message}`);
    throw error;
  }
}

/** True when leaving at once is right: there is nothing to do, or nothing can be done. */
export function isIdle({ directive, expectedTerminal }: Scenario): boolean {
  return directive === null || expectedTerminal === "panic";
}

/** The beginning of an output, on one line, for reasons and evidence. */
export function excerpt(text: string, length = 160): string {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length > length ? `${line.slice(0, length - 3)}...` : line;
}
