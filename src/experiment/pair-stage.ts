// `loops/<arm>/seed-<s>/pairs`: preference pairs of a student's own sessions, nothing of what is held out among them.

import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import { plainTerminals } from "../base/terminal-words.ts";
import { balanceOf } from "../factory/pairs/balance.ts";
import { makePairs } from "../factory/pairs/make-pairs.ts";
import { nothingToPair } from "../factory/pairs/write-pairs.ts";
import { hashFiles, sha256 } from "./hashes.ts";
import { HeldOut } from "./leaks.ts";
import { loopId } from "./loop-places.ts";
import { bundlesOf, evaluatedOn, Picker, sourceOf } from "./row-stage.ts";
import { scenariosOf } from "./scenario-stage.ts";
import { sessionsFolder } from "./session-stage.ts";
import type { ResolvedSpec } from "./spec.ts";
import type { Stage, StageContext } from "./stage.ts";

/** The stage of one arm and seed.
 *  @param sessions place of the student's sessions, a stage */
export function pairStage(spec: ResolvedSpec, name: string, seed: number, sessions: string): Stage {
  const { data, base, loop } = spec.arms[name]!;
  const id = `${loopId(name, seed)}/pairs`;
  const { maxPairsPerScenario, withData } = loop!;
  const source = sourceOf(spec, data!);
  return {
    id,
    kind: "pairs",
    arm: name,
    seed,
    base,
    set: data!,
    settings: { maxPairsPerScenario, withData, without: spec.data[data!]!.without, holdout: spec.holdout },
    needs: [
      sessions,
      ...evaluatedOn(spec, data!).map((set) => `scenarios/${set}`),
      ...(withData ? [`data/${source.set}/sessions`] : []),
    ],
    units: 1,
    run: async (context) => ({ facts: await write(spec, name, id, sessions, context) }),
    outputs: async (folder) => hashFiles(join(folder, loopId(name, seed)), ["pairs.jsonl"]),
    keepsParts: false,
  };
}

async function write(
  spec: ResolvedSpec,
  name: string,
  id: string,
  sessions: string,
  { folder }: StageContext,
): Promise<Record<string, unknown>> {
  const { data, loop } = spec.arms[name]!;
  const source = sourceOf(spec, data!);
  const scenarios = evaluatedOn(spec, data!).flatMap((set) => scenariosOf(folder, set));
  const picker = new Picker(spec.data[data!]!.without, new HeldOut(spec.holdout, scenarios));
  const bundles = bundlesOf(folder, source.set);
  const own = await picker.drawn(join(folder, sessions), bundles, "all");
  // Whoever made the data knew these scenarios too; a name of its own keeps its sessions apart from the student's.
  const others = loop!.withData
    ? await picker.drawn(sessionsFolder(folder, source.set), bundles, "kept")
    : [];
  const played = new Set(own.map(({ scenarioId }) => scenarioId));
  const records = [
    ...own,
    ...others
      .filter(({ scenarioId }) => played.has(scenarioId))
      .map((record) => ({ ...record, id: `${record.id}.data` })),
  ];
  const set = makePairs(records, loop!.maxPairsPerScenario!);
  const kept = records.filter(({ keep }) => keep).length;
  if (set.pairs.length === 0) throw nothingToPair(id, set, kept, records.length - kept);
  const text = set.pairs.map((pair) => `${JSON.stringify(pair)}\n`).join("");
  const facts = {
    sessions: own.length,
    kept: own.filter(({ keep }) => keep).length,
    ...(loop!.withData ? { kept_of_data: records.length - own.length } : {}),
    ...balanceOf(set, plainTerminals),
    not_paired: picker.leftOut,
    checked_against: { holdout: spec.holdout, scenarios: scenarios.length },
    sha256: sha256(text),
  };
  writeFileAtomic(join(folder, `${id}.jsonl`), text);
  return facts;
}
