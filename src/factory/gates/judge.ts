// The gates on one scenario, in order, in or without a sandbox.

import type { Scenario } from "../../data/scenario.ts";
import type { SandboxProvider } from "../../sandbox/contract.ts";
import { cheatsGate, panicGate } from "./cheats.ts";
import { discoveryGate, staticDiscovery } from "./discovery.ts";
import { type GateName, type GateResult, gateNames } from "./gate.ts";
import { mutantsGate } from "./mutants.ts";
import { structureGate } from "./structure.ts";
import { initialStateGate, noOpGate, referenceGate } from "./world-gates.ts";

/** What the gates said of one scenario. */
export interface Judgement {
  readonly admitted: boolean;
  /** Every gate that was asked, in order. */
  readonly results: readonly GateResult[];
  /** Gates that were not asked: no sandbox, or an earlier one that they build on failed. */
  readonly notAsked: readonly GateName[];
}

/** How much is asked: `all` gates, as an eval wants it; `proof`: only that the scenario can be solved and is not solved already, which
 *  is enough for training data and a tenth of the worlds. */
export const gateSets = ["all", "proof"] as const;
export type GateSet = (typeof gateSets)[number];

/** How to judge. */
export interface JudgeOptions {
  /** `undefined`: only what can be said without running anything. */
  readonly provider: SandboxProvider | undefined;
  /** Default: all of them. */
  readonly gates?: GateSet;
  /** Ask on after a gate has failed, as far as the others do not build on it. */
  readonly all?: boolean;
  /** Candidate solutions of a scenario that must not be solvable. */
  readonly attempts?: readonly (readonly string[])[];
  readonly signal?: AbortSignal | undefined;
}

/** Asks every gate but that of near-duplicates, which is a question to a set.
 *  @throws InfrastructureError when the sandbox's engine fails; the signal's reason when aborted. */
export async function judge(scenario: Scenario, options: JudgeOptions): Promise<Judgement> {
  const { provider, all = false, attempts = [], signal } = options;
  const results: GateResult[] = [];
  const done = (): Judgement => ({
    admitted: results.every(({ passed }) => passed),
    results,
    notAsked: gateNames.filter(
      (name) => name !== "near_duplicate" && !results.some(({ gate }) => gate === name),
    ),
  });
  /** True when judging may go on. */
  const ask = async (result: GateResult | Promise<GateResult>) => {
    results.push(await result);
    return all || results.at(-1)!.passed;
  };
  if (!(await ask(structureGate(scenario)))) return done();
  const early = staticDiscovery(scenario);
  if (provider === undefined) {
    await ask(early);
    return done();
  }
  if (!early.passed && !(await ask(early))) return done();
  const context = { scenario, provider, signal };
  if (options.gates === "proof") {
    if (await ask(noOpGate(context))) await ask((await referenceGate(context, 1)).result);
    return done();
  }
  if (!(await ask(initialStateGate(context)))) return done();
  if (!(await ask(noOpGate(context)))) return done();
  const reference = await referenceGate(context);
  const [first] = reference.runs;
  // How the provider explains itself is told before whether the solution works: it is the cause more often.
  if (first && early.passed && !(await ask(discoveryGate(context, first)))) return done();
  await ask(reference.result);
  // What follows is only worth asking of a solution that works.
  if (!reference.result.passed) return done();
  if (!(await ask(mutantsGate(context, reference)))) return done();
  if (!(await ask(cheatsGate(context)))) return done();
  // The word itself has a status, too.
  const steps = first!.steps.filter(({ terminal }) => terminal === null);
  await ask(panicGate(context, steps, attempts));
  return done();
}
