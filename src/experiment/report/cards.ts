// cards/<arm>.md: a model card of every adapter that was trained, with the experiment's results in it.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { SekftError } from "../../base/errors.ts";
import { metricNames } from "../../eval/record.ts";
import { exportCard } from "../../export/model-card.ts";
import type { EvalArm } from "../../export/run-record.ts";
import type { SetFindings, UnitFindings } from "./findings.ts";
import type { Recorded } from "./recorded.ts";
import { fileWord } from "./results.ts";

/** Writes them; an adapter that is not there or damaged has none.
 *  @returns files, and why there is none */
export function writeCards(
  { trainings }: Recorded,
  sets: readonly SetFindings[],
  out: string,
): { readonly files: readonly string[]; readonly notes: readonly string[] } {
  const files: string[] = [];
  const notes: string[] = [];
  for (const { arm, folder, label, seed } of trainings) {
    if (!existsSync(join(folder, "adapter_config.json"))) {
      notes.push(`No model card of ${label}: there is no adapter yet.`);
      continue;
    }
    const own = sets.filter(({ units }) => units.some(({ part }) => part.arm === arm));
    try {
      const card = exportCard(folder, join(out, `${fileWord(label.replaceAll(" ", "-"))}.md`), {
        datasets: [],
        force: true,
        arms: own.flatMap((set) => armsOf(set, arm, seed, own.length > 1)),
      });
      files.push(card.path, ...(card.picture === undefined ? [] : [card.picture]));
    } catch (error) {
      if (!(error instanceof SekftError)) throw error;
      notes.push(`No model card of ${label}: ${error.message.replaceAll(`${folder}/`, "")}`);
    }
  }
  return { files, notes };
}

/** The adapter, and what it is compared with. */
function armsOf(set: SetFindings, arm: string, seed: number | null, named: boolean): EvalArm[] {
  const own = set.units.find(({ part }) => part.arm === arm && part.seed === seed);
  if (own === undefined || own.result.n === 0) return [];
  const lift = set.lifts.find(({ second }) => second.part === own.part);
  return [...(lift === undefined ? [] : [lift.first]), own].map((unit) =>
    armOf(unit, named ? set.set : null),
  );
}

function armOf({ part, result }: UnitFindings, set: string | null): EvalArm {
  const metrics = metricNames.flatMap((metric) => {
    const { x, n, low, high } = result[metric];
    return low === null || high === null ? [] : [[metric, { x, n, low, high }] as const];
  });
  return {
    name: set === null ? part.label : `${part.label} on ${set}`,
    n: result.n,
    metrics: Object.fromEntries(metrics),
  };
}
