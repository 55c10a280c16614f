// `arms` of an experiment's file: what is measured, and against what.

import { UserError } from "../base/errors.ts";
import { parseTerminals, type TerminalWords } from "../base/terminal-words.ts";
import type { YamlValue } from "../base/yaml-file.ts";
import { readLoopArm } from "./read-loop.ts";
import type { ArmSpec, DataSpec, GivenOptions } from "./spec.ts";
import { trainingTable } from "./spec-options.ts";
import { integers, named, oneOf, text, texts } from "./spec-values.ts";

/** What arms refer to. */
export interface Surroundings {
  readonly bases: readonly string[];
  readonly data: Readonly<Record<string, DataSpec>>;
  readonly scenarios: readonly string[];
  readonly training: GivenOptions;
  readonly seeds: readonly number[];
}

const KEYS = [
  "base",
  "data",
  "training",
  "prime",
  "terminals",
  "scenarios",
  "seeds",
  "compare_with",
  "dpo",
  "star",
] as const;

/** All arms.
 *  @throws DataError for a name that nothing has, and for an arm that is another one again */
export function readArms(value: YamlValue, around: Surroundings): Record<string, ArmSpec> {
  const places = new Map<string, YamlValue>();
  const given = named(value, "arms by name", (arm, name) => {
    places.set(name, arm);
    return arm.known("an arm (data, dpo, star, base, training, prime, terminals, scenarios, seeds)", KEYS);
  });
  const names = Object.keys(given);
  const goesOn = (name: string) => (given[name]!.dpo ?? given[name]!.star) !== undefined;
  // Those that go on from another one come after it, wherever they stand.
  const plain = Object.fromEntries(
    names
      .filter((name) => !goesOn(name))
      .map((name) => [name, readArm(places.get(name)!, given[name]!, around)]),
  );
  const arms = Object.fromEntries(
    names.map((name) => [name, plain[name] ?? readLoopArm(places.get(name)!, given[name]!, plain, around)]),
  );
  if (places.size === 0)
    throw value.wrong(
      "expected at least one arm, got none",
      "base: {} measures the base, adapter: { data: main } trains one",
    );
  const earlier = new Map<string, string>();
  for (const [name, arm] of Object.entries(arms)) {
    const { compareWith: _, ...own } = arm;
    const same = earlier.get(JSON.stringify(own));
    if (same !== undefined)
      throw places
        .get(name)!
        .wrong(
          `expected something that tells it from arms.${same}, got the same`,
          "give it data, a prime, terminals or another base",
        );
    earlier.set(JSON.stringify(own), name);
  }
  return Object.fromEntries(
    Object.entries(arms).map(([name, arm]) => [
      name,
      { ...arm, compareWith: comparedWith(name, arm, arms, places.get(name)!) },
    ]),
  );
}

type Given = Partial<Record<(typeof KEYS)[number], YamlValue>>;

function readArm(value: YamlValue, given: Given, around: Surroundings): ArmSpec {
  const { base, data, training, prime, terminals, scenarios, seeds, compare_with } = given;
  const trained = data !== undefined;
  for (const [key, setting] of Object.entries({ training, seeds }))
    if (!trained && setting !== undefined)
      throw setting.wrong(`expected data beside ${key}, got none`, "without data nothing is trained");
  if (around.bases.length > 1 && base === undefined)
    throw value.wrong(
      "expected base, since there are several, got nothing",
      `one of ${around.bases.join(", ")}`,
    );
  return {
    base: base === undefined ? around.bases[0]! : oneOf(text(base), around.bases, "a base", base),
    data: trained ? oneOf(text(data), Object.keys(around.data), "a data set", data) : null,
    training: trained ? { ...around.training, ...training?.options(trainingTable, "of `sekft train`") } : {},
    prime: prime === undefined ? null : text(prime),
    terminals: terminals === undefined ? null : readTerminals(terminals),
    scenarios:
      scenarios === undefined
        ? around.scenarios
        : texts(scenarios).map((one) => oneOf(one, around.scenarios, "a set of scenarios", scenarios)),
    seeds: !trained ? [] : seeds === undefined ? around.seeds : integers(seeds),
    compareWith: compare_with === undefined ? null : text(compare_with),
    prediction: null,
  };
}

/** `{ exit: leave, panic: stuck }`; what is left out keeps its name. */
export function readTerminals(value: YamlValue): TerminalWords {
  const { exit, panic } = value.known("words in place of exit and panic", ["exit", "panic"]);
  const words = Object.entries({ exit, panic }).flatMap(([kind, word]) =>
    word === undefined ? [] : [[kind, text(word)]],
  );
  try {
    return parseTerminals(JSON.stringify(Object.fromEntries(words)));
  } catch (error) {
    if (error instanceof UserError) throw value.wrong(error.message, error.hint);
    throw error;
  }
}

function comparedWith(
  name: string,
  arm: ArmSpec,
  arms: Readonly<Record<string, ArmSpec>>,
  place: YamlValue,
): string | null {
  if (arm.compareWith !== null) {
    const others = Object.keys(arms).filter((other) => other !== name);
    return oneOf(arm.compareWith, others, "compare_with to name another arm", place);
  }
  return plainArm(name, arm, arms);
}

/** The arm of the same base without anything done to it: with the same terminals if there is one. */
function plainArm(name: string, arm: ArmSpec, arms: Readonly<Record<string, ArmSpec>>): string | null {
  const plain = Object.entries(arms).filter(
    ([other, { base, data, prime }]) =>
      other !== name && base === arm.base && data === null && prime === null,
  );
  const terminals = (one: ArmSpec) => JSON.stringify(one.terminals);
  const found =
    plain.find(([, other]) => terminals(other) === terminals(arm)) ??
    plain.find(([, other]) => other.terminals === null);
  return found?.[0] ?? null;
}
