// From a YAML file to a settled experiment. Every mistake is told by file, line and field, with the nearest name that is known.

import { basename, extname } from "node:path";
import { closest } from "../base/errors.ts";
import { readYamlText, YamlValue } from "../base/yaml-file.ts";
import { archetypeNames } from "../factory/taxonomy.ts";
import { readPredictions, withPredictions } from "./predictions.ts";
import { readArms } from "./read-arms.ts";
import { readDataSet, readScenarioSet } from "./read-sets.ts";
import type { DataSpec, GivenOptions, ResolvedSpec } from "./spec.ts";
import { evalTable, holdingOptions, sandboxTable, trainingTable } from "./spec-options.ts";
import { folderName, integers, named, oneOf, text, texts } from "./spec-values.ts";

const KEYS = [
  "name",
  "base",
  "bases",
  "holdout",
  "sandbox",
  "sandbox_options",
  "data",
  "training",
  "seeds",
  "scenarios",
  "eval",
  "arms",
  "predictions",
] as const;
type Top = Partial<Record<(typeof KEYS)[number], YamlValue>>;

/** The experiment that a file describes, and the file's text.
 *  @throws UserError when it cannot be read, DataError naming file, line and field of the first mistake */
export function readSpec(file: string): { readonly spec: ResolvedSpec; readonly text: string } {
  const content = readYamlText(file, file);
  return { spec: parseSpec(content, file), text: content };
}

/** The experiment that `content` describes; `file` is what messages call it.
 *  @throws DataError */
export function parseSpec(content: string, file: string): ResolvedSpec {
  const root = YamlValue.parse(content, file);
  const top: Top = root.known("an experiment (name, bases, data, scenarios, arms)", KEYS);
  const bases = readBases(root, top);
  const training = top.training?.options(trainingTable, "of `sekft train`") ?? {};
  const data = readData(top.data);
  const scenarios = named(top.scenarios, "sets of scenarios by name", readScenarioSet);
  if (Object.keys(scenarios).length === 0)
    throw root.wrong(
      "expected scenarios to evaluate on, got none",
      "scenarios: { heldout: { author: { n: 24, seed: 1001, archetypes: [...] } } }",
    );
  if (top.arms === undefined)
    throw root.wrong("expected arms, got none", "arms: { base: {}, adapter: { data: main } }");
  const arms = readArms(top.arms, {
    bases: Object.keys(bases),
    data,
    scenarios: Object.keys(scenarios),
    training,
    seeds: top.seeds === undefined ? [42] : integers(top.seeds),
  });
  const spec: ResolvedSpec = {
    name: top.name === undefined ? basename(file, extname(file)) : folderName(text(top.name), top.name),
    bases,
    holdout: readHoldout(top.holdout),
    sandbox: readSandbox(top),
    data,
    scenarios,
    eval: { ...heldAs(training), ...top.eval?.options(evalTable, "of `sekft eval`") },
    arms,
    predictions: [],
  };
  return top.predictions === undefined ? spec : withPredictions(spec, readPredictions(top.predictions));
}

function readBases(root: YamlValue, { base, bases }: Top): Record<string, string> {
  if ((base === undefined) === (bases === undefined))
    throw root.wrong(
      `expected one of base and bases, got ${base === undefined ? "neither" : "both"}`,
      "base: ./SmolLM2-135M-Instruct, or bases: { small: DIR, large: DIR }",
    );
  if (base !== undefined) return { base: text(base) };
  const found = named(bases, "bases by name", text);
  if (Object.keys(found).length === 0) throw bases!.wrong("expected a base, got none");
  return found;
}

// Data of other people has archetypes of its own; a name that is nearly one of ours is a slip that would hold nothing out.
function readHoldout(value: YamlValue | undefined): string[] {
  if (value === undefined) return [];
  const names = texts(value);
  for (const name of names)
    if (closest(name, archetypeNames) !== undefined) oneOf(name, archetypeNames, "an archetype", value);
  return names;
}

function readData(value: YamlValue | undefined): Record<string, DataSpec> {
  const places = new Map<string, YamlValue>();
  const data = named(value, "data sets by name", (one, name) => {
    places.set(name, one);
    return readDataSet(one);
  });
  for (const [name, { from }] of Object.entries(data)) {
    if (from === null) continue;
    const others = Object.keys(data).filter((other) => other !== name && data[other]!.from === null);
    oneOf(from, others, "from to name another data set", places.get(name)!);
  }
  return data;
}

function readSandbox({ sandbox, sandbox_options: options }: Top): GivenOptions {
  const more = options?.options(sandboxTable, "of the sandbox") ?? {};
  if (sandbox === undefined) return more;
  const { choices } = sandboxTable.sandbox as { choices?: readonly string[] };
  return { ...more, sandbox: oneOf(text(sandbox), choices ?? [], "a kind of sandbox", sandbox) };
}

/** How training holds its base: an eval holds it the same way. */
function heldAs(training: GivenOptions): GivenOptions {
  return Object.fromEntries(Object.entries(training).filter(([key]) => key in holdingOptions));
}
