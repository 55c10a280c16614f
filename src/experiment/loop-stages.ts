// The stages of an arm that goes on from another one's student: sessions of it, what is learnt from them, the adapter.

import { join } from "node:path";
import { addedRowStage } from "./added-row-stage.ts";
import { loopId, roundId } from "./loop-places.ts";
import { modelId, modelStage } from "./model-stage.ts";
import { pairStage } from "./pair-stage.ts";
import type { ResolvedSpec } from "./spec.ts";
import type { Stage } from "./stage.ts";
import { studentStage } from "./student-stage.ts";

/** The stages of one arm and seed; the last one makes the arm's adapter. */
export function loopStages(spec: ResolvedSpec, name: string, seed: number): Stage[] {
  return spec.arms[name]!.loop!.kind === "dpo" ? dpoStages(spec, name, seed) : starStages(spec, name, seed);
}

/** Rollouts of the student, pairs of them, DPO from its adapter. */
function dpoStages(spec: ResolvedSpec, name: string, seed: number): Stage[] {
  const id = `${loopId(name, seed)}/sessions`;
  const adapter = modelId(spec.arms[name]!.loop!.of, seed);
  const pairs = pairStage(spec, name, seed, id);
  return [
    studentStage(spec, { arm: name, seed, id, adapter, round: 0 }),
    pairs,
    modelStage(spec, name, seed, {
      id: modelId(name, seed),
      needs: [pairs.id, adapter],
      file: (folder) => join(folder, `${pairs.id}.jsonl`),
      given: (folder) => ({ method: "dpo", initAdapter: join(folder, adapter) }),
    }),
  ];
}

/** The student operates, its clean sessions are added, a new adapter is trained from the base: so many rounds. Zelikman et al. 2022,
 *  "STaR", algorithm 1, whose answers are sessions here and whose check is the scenario's. */
function starStages(spec: ResolvedSpec, name: string, seed: number): Stage[] {
  const { of, rounds } = spec.arms[name]!.loop!;
  let adapter = modelId(of, seed);
  return Array.from({ length: rounds! }, (_, i) => i + 1).flatMap((round) => {
    const place = roundId(name, seed, round);
    const student = { arm: name, seed, id: `${place}/sessions`, adapter, round: round - 1 };
    adapter = round === rounds ? modelId(name, seed) : `${place}/model`;
    const rows = addedRowStage(spec, name, seed, round);
    return [
      studentStage(spec, student),
      rows,
      modelStage(spec, name, seed, {
        id: adapter,
        needs: [rows.id],
        file: (folder) => join(folder, `${rows.id}.jsonl`),
        given: () => ({}),
      }),
    ];
  });
}
