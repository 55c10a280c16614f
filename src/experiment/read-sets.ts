// `data` and `scenarios` of an experiment's file.

import type { YamlValue } from "../base/yaml-file.ts";
import { archetypeNames } from "../factory/taxonomy.ts";
import type { DataSpec, ReplaySpec, ScenarioSpec } from "./spec.ts";
import { scenarioTable, sessionTable } from "./spec-options.ts";
import { integer, oneOf, text, texts } from "./spec-values.ts";

const DATA_KEYS = ["author", "trajectories", "from", "without", "replay", "seed"] as const;

/** One data set. */
export function readDataSet(value: YamlValue): DataSpec {
  const { author, trajectories, from, without, replay, seed } = value.known(
    "a data set (author, trajectories or from; replay)",
    DATA_KEYS,
  );
  const sources = [author, trajectories, from].filter((source) => source !== undefined);
  if (sources.length !== 1)
    throw value.wrong(
      `expected one of author, trajectories and from, got ${sources.length === 0 ? "none of them" : "more"}`,
      "author: { n: 200 } makes sessions, trajectories: FILE takes what is there, from: SET those of another set",
    );
  const made = author?.options(sessionTable, "of `sekft author` or `sekft rollout`") ?? null;
  if (made !== null && made.n === undefined)
    throw author!.wrong("expected n, the number of trajectories to keep, got nothing");
  knownArchetypes(made?.archetypes, author);
  return {
    author: made === null ? null : { gates: "proof", ...made },
    trajectories: trajectories === undefined ? null : text(trajectories),
    from: from === undefined ? null : text(from),
    without: without === undefined ? [] : texts(without),
    replay: replay === undefined ? null : readReplay(replay),
    seed: seed === undefined ? 0 : integer(seed, 0),
  };
}

function readReplay(value: YamlValue): ReplaySpec {
  if (!value.isMap) return { file: text(value), n: undefined };
  const { file, n } = value.known("replay rows (file, n)", ["file", "n"]);
  if (file === undefined) throw value.wrong("expected file, the replay rows or `embedded`, got nothing");
  return { file: text(file), n: n === undefined ? undefined : integer(n, 1) };
}

/** One set of scenarios. */
export function readScenarioSet(value: YamlValue): ScenarioSpec {
  const { author, folder, n, archetypes } = value.known("a set of scenarios (author or folder)", [
    "author",
    "folder",
    "n",
    "archetypes",
  ]);
  if ((author === undefined) === (folder === undefined))
    throw value.wrong(
      `expected one of author and folder, got ${author === undefined ? "neither" : "both"}`,
      "author: { n: 24, seed: 1001, archetypes: [...] } makes scenarios, folder: DIR takes what is there",
    );
  const made = author?.options(scenarioTable, "of `sekft author`") ?? null;
  knownArchetypes(made?.archetypes, author);
  for (const [key, given] of Object.entries({ n, archetypes }))
    if (made !== null && given !== undefined)
      throw given.wrong(
        `expected ${key} beside folder, got it beside author`,
        `put it inside author: { ${key}: ... }`,
      );
  return {
    author: made,
    folder: folder === undefined ? null : text(folder),
    n: n === undefined ? undefined : integer(n, 1),
    archetypes: archetypes === undefined ? undefined : texts(archetypes),
  };
}

// Only what the built-in author writes is known; a teacher is told the same names.
function knownArchetypes(names: unknown, value: YamlValue | undefined): void {
  if (!Array.isArray(names) || value === undefined) return;
  for (const name of names) oneOf(String(name), archetypeNames, "an archetype", value);
}
