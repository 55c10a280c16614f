// Runs checks over one provider, some at a time: each lane keeps one shared world and renews it when a check has changed it.

import { InfrastructureError } from "../../base/errors.ts";
import type { ProviderFacts, Sandbox, SandboxProvider } from "../contract.ts";
import type { Check } from "./check.ts";
import { Mismatch, Skipped } from "./expectations.ts";
import { sampleWorld } from "./sample-world.ts";
import { type Memory, makeStage } from "./stage.ts";

/** A check that takes longer than this has found a hang. */
const CHECK_MS = 90_000;

/** How one check ended. */
export interface Outcome {
  readonly check: Check;
  readonly status: "passed" | "failed" | "skipped";
  /** Why it was skipped, or what did not hold. */
  readonly reason: string | null;
  readonly expected: string | null;
  readonly got: string | null;
  readonly durationMs: number;
}

/** Runs `checks`, `jobs` at a time, and tells `onOutcome` of each as it ends; never throws for a check. */
export async function runChecks(
  provider: SandboxProvider,
  checks: readonly Check[],
  jobs: number,
  onOutcome: (outcome: Outcome) => void,
): Promise<readonly Outcome[]> {
  const facts = await provider.facts();
  const memory: Memory = new Map();
  const outcomes: Outcome[] = [];
  const waiting = [...checks];
  const work = async () => {
    const lane = new Lane(provider, facts, memory);
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const outcome = await lane.run(check);
      outcomes.push(outcome);
      onOutcome(outcome);
    }
    await lane.renew();
  };
  await Promise.all(Array.from({ length: Math.min(jobs, checks.length) }, work));
  return checks.map((check) => outcomes.find((outcome) => outcome.check === check)!);
}

class Lane {
  private world: Sandbox | undefined;
  private freshEnvironment = "";
  constructor(
    private readonly provider: SandboxProvider,
    private readonly facts: ProviderFacts,
    private readonly memory: Memory,
  ) {}

  async run(check: Check): Promise<Outcome> {
    const began = performance.now();
    const status = await this.tryCheck(check);
    if (status.status === "failed" || this.isChanged()) await this.renew();
    return { check, ...status, durationMs: performance.now() - began };
  }

  /** Removes the shared world; the next check gets a new one. */
  async renew(): Promise<void> {
    const old = this.world;
    this.world = undefined;
    await old?.close();
  }

  private async tryCheck(check: Check): Promise<Omit<Outcome, "check" | "durationMs">> {
    await using stage = makeStage(this.provider, this.facts, this.memory, () => this.shared());
    const { promise: late, reject } = Promise.withResolvers<never>();
    const alarm = setTimeout(
      () => reject(new Mismatch("the check", `an end within ${CHECK_MS / 1000} s`, "none")),
      CHECK_MS,
    );
    try {
      await Promise.race([check.run(stage), late]);
      return { status: "passed", reason: null, expected: null, got: null };
    } catch (error) {
      if (error instanceof Skipped)
        return { status: "skipped", reason: error.message, expected: null, got: null };
      if (error instanceof Mismatch)
        return { status: "failed", reason: error.what, expected: error.expected, got: error.got };
      const kind = error instanceof InfrastructureError ? `${error.kind}: ` : "";
      const said = error instanceof Error ? error.message : String(error);
      return { status: "failed", reason: "the check", expected: "no error", got: `${kind}${said}` };
    } finally {
      clearTimeout(alarm);
    }
  }

  private async shared(): Promise<Sandbox> {
    if (!this.world) {
      this.world = await this.provider.open(sampleWorld());
      this.freshEnvironment = JSON.stringify(this.world.environment);
    }
    return this.world;
  }

  private isChanged(): boolean {
    if (!this.world) return false;
    return (
      this.world.shownDirectory !== "~" || JSON.stringify(this.world.environment) !== this.freshEnvironment
    );
  }
}
