// One look at the machine and its adapter.

import { SekftError } from "../base/errors.ts";
import { Device } from "../gpu/device.ts";
import type { AdapterFacts, Tier } from "../gpu/facts.ts";
import { budgetBytes } from "../gpu/memory.ts";
import { diagnose, type Problem } from "./diagnose.ts";
import { type MachineFacts, machineFacts, type SandboxFacts } from "./machine.ts";
import { type TierVerdict, tierReport } from "./tier-report.ts";

/** What `sekft doctor` says without `--bench`. */
export interface Examination {
  readonly machine: MachineFacts;
  readonly adapter: AdapterFacts | undefined;
  /** The tier that would be used. */
  readonly tier: Tier | undefined;
  readonly tiers: readonly TierVerdict[];
  /** Device memory that a run may plan with; undefined when nothing says. */
  readonly budgetBytes: number | undefined;
  readonly problems: readonly Problem[];
}

/** Examines the machine; the device stays open for measurements, undefined when none could be opened.
 *  @throws UserError when `tier` is one that the adapter cannot run. */
export async function examine(
  tier: Tier | "auto",
  sandboxes: SandboxFacts,
): Promise<{ examination: Examination; device: Device | undefined }> {
  const machine = machineFacts(sandboxes);
  let device: Device | undefined;
  let failure: string | undefined;
  try {
    device = await Device.open({ software: true, tier });
  } catch (error) {
    // An adapter that opens with another tier is no reason to say that there is none.
    if (!(error instanceof SekftError) || error.message.startsWith("--tier")) throw error;
    failure = error.message;
  }
  const facts = device?.facts;
  const examination = {
    machine,
    adapter: facts,
    tier: device?.tier,
    tiers: facts ? tierReport(facts) : [],
    budgetBytes: facts && budgetBytes(facts),
    problems: diagnose(machine, facts, failure),
  };
  return { examination, device };
}
