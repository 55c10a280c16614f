// `loops/<arm>/seed-<s>/round-<r>/rows`: the rows of the data set with the clean sessions of all rounds so far among them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import { Rng } from "../base/rng.ts";
import { hashFiles, sha256 } from "./hashes.ts";
import { HeldOut } from "./leaks.ts";
import { roundId } from "./loop-places.ts";
import { bundlesOf, evaluatedOn, Picker, rowOf, rowsFile, sourceOf } from "./row-stage.ts";
import { scenariosOf } from "./scenario-stage.ts";
import type { ResolvedSpec } from "./spec.ts";
import type { Stage, StageContext } from "./stage.ts";

/** The stage of one round, counted from 1. */
export function addedRowStage(spec: ResolvedSpec, name: string, seed: number, round: number): Stage {
  const { data, base } = spec.arms[name]!;
  const set = spec.data[data!]!;
  const place = roundId(name, seed, round);
  const rounds = Array.from({ length: round }, (_, i) => `${roundId(name, seed, i + 1)}/sessions`);
  return {
    id: `${place}/rows`,
    kind: "rows",
    arm: name,
    seed,
    base,
    set: data!,
    settings: { without: set.without, seed: set.seed, holdout: spec.holdout },
    needs: [
      `data/${data}/rows`,
      ...rounds,
      ...evaluatedOn(spec, data!).map((scenarios) => `scenarios/${scenarios}`),
    ],
    units: 1,
    run: async (context) => ({ facts: await write(spec, name, place, rounds, context) }),
    outputs: async (folder) => hashFiles(join(folder, place), ["rows.jsonl"]),
    keepsParts: false,
  };
}

async function write(
  spec: ResolvedSpec,
  name: string,
  place: string,
  rounds: readonly string[],
  { folder, terminal }: StageContext,
): Promise<Record<string, unknown>> {
  const { data } = spec.arms[name]!;
  const set = spec.data[data!]!;
  const scenarios = evaluatedOn(spec, data!).flatMap((one) => scenariosOf(folder, one));
  const picker = new Picker(set.without, new HeldOut(spec.holdout, scenarios));
  const bundles = bundlesOf(folder, sourceOf(spec, data!).set);
  const before = readFileSync(rowsFile(folder, data!), "utf8").split("\n").filter(Boolean);
  const seen = new Set(before.map((line) => JSON.stringify((JSON.parse(line) as { turns: unknown }).turns)));
  const clean: number[] = [];
  const rows = [...before];
  for (const [i, sessions] of rounds.entries()) {
    const records = await picker.drawn(join(folder, sessions), bundles, "kept");
    const fresh = records.filter(({ turns }) => {
      const text = JSON.stringify(turns);
      return !seen.has(text) && seen.add(text);
    });
    clean.push(records.length);
    // Samples of every round, and of whoever made the data, have the same names.
    rows.push(
      ...fresh.map((record) => JSON.stringify(rowOf({ ...record, id: `${record.id}.round-${i + 1}` }))),
    );
  }
  const added = rows.length - before.length;
  if (added === 0)
    terminal.warn(
      `experiment: ${place}: no session of the student is added, its round trains on the same rows`,
    );
  const text = new Rng(`${set.seed}/rows/${place}`)
    .shuffle(rows)
    .map((row) => `${row}\n`)
    .join("");
  writeFileAtomic(join(folder, place, "rows.jsonl"), text);
  return {
    rows: rows.length,
    of_data: before.length,
    added,
    clean_by_round: clean,
    known_already: clean.reduce((sum, n) => sum + n, 0) - added,
    left_out: picker.leftOut,
    checked_against: { holdout: spec.holdout, scenarios: scenarios.length },
    sha256: sha256(text),
  };
}
