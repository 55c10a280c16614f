// `dpo` and `star` of an arm: a trained arm's student goes on learning from its own sessions in the scenarios that it was trained on.

import { UserError } from "../base/errors.ts";
import { resolveOptions } from "../base/resolve.ts";
import type { YamlValue } from "../base/yaml-file.ts";
import { trainOptions } from "../train/options.ts";
import { withMethodSettings } from "../train/preference/settings.ts";
import type { ArmSpec, DataSpec, GivenOptions, LoopSpec } from "./spec.ts";
import { holdingOptions, studentTable, trainingTable } from "./spec-options.ts";
import { integer, integers, oneOf, text, texts } from "./spec-values.ts";

/** What loops refer to. */
interface LoopSurroundings {
  readonly data: Readonly<Record<string, DataSpec>>;
  readonly scenarios: readonly string[];
}

const LOOP_KEYS = ["of", "rollout", "max_pairs_per_scenario", "with_data", "rounds"] as const;

/** What `of` settles, and an arm of a loop can therefore not. */
const SETTLED = ["base", "data", "prime", "terminals"] as const;

/** An arm of a loop.
 *  @param given the arm's keys
 *  @param arms the arms that are none
 *  @throws DataError naming line and field */
export function readLoopArm(
  value: YamlValue,
  given: Readonly<Partial<Record<string, YamlValue>>>,
  arms: Readonly<Record<string, ArmSpec>>,
  around: LoopSurroundings,
): ArmSpec {
  const { dpo, star, training, scenarios, seeds, compare_with } = given;
  if (dpo !== undefined && star !== undefined)
    throw value.wrong("expected one of dpo and star, got both", "make an arm of each");
  for (const key of SETTLED)
    if (given[key] !== undefined)
      throw given[key].wrong(
        `expected no ${key} in an arm of a loop, got one`,
        "it is that of the arm that `of` names",
      );
  const place = (dpo ?? star)!;
  const kind = dpo === undefined ? "star" : "dpo";
  const loop = readLoop(kind, place, arms);
  const source = arms[loop.of]!;
  checkSource(place, source, around.data);
  const settings = {
    ...(kind === "dpo" ? kept(source.training) : source.training),
    ...training?.options(trainingTable, "of `sekft train`"),
  };
  if (kind === "dpo") checkTraining(settings, training ?? place);
  return {
    ...source,
    training: settings,
    scenarios:
      scenarios === undefined
        ? source.scenarios
        : texts(scenarios).map((one) => oneOf(one, around.scenarios, "a set of scenarios", scenarios)),
    seeds: seeds === undefined ? source.seeds : readSeeds(seeds, loop.of, source.seeds),
    compareWith: compare_with === undefined ? loop.of : text(compare_with),
    loop,
  };
}

/** Refuses what preference training has no use for before hours went into its pairs. */
function checkTraining(training: GivenOptions, place: YamlValue): void {
  try {
    withMethodSettings(resolveOptions(trainOptions, {}, { ...training, method: "dpo", base: "" }));
  } catch (error) {
    if (error instanceof UserError) throw place.wrong(error.message, error.hint);
    throw error;
  }
}

function readLoop(
  kind: LoopSpec["kind"],
  place: YamlValue,
  arms: Readonly<Record<string, ArmSpec>>,
): LoopSpec {
  const own =
    kind === "dpo" ? ["of", "rollout", "max_pairs_per_scenario", "with_data"] : ["of", "rollout", "rounds"];
  const given = place.known(
    `${kind} (${own.join(", ")})`,
    LOOP_KEYS.filter((key) => own.includes(key)),
  );
  const { of, rollout, max_pairs_per_scenario: most, with_data: withData, rounds } = given;
  const trained = Object.keys(arms).filter((name) => arms[name]!.data !== null);
  if (of === undefined)
    throw place.wrong(
      "expected of, the trained arm whose student goes on, got nothing",
      `one of ${trained.join(", ")}`,
    );
  const common = {
    of: oneOf(text(of), trained, "a trained arm", of),
    rollout: rollout?.options(studentTable, "of `sekft rollout` for a student") ?? {},
  };
  if (kind === "star") return { kind, ...common, rounds: rounds === undefined ? 1 : integer(rounds, 1) };
  const asked = withData?.plain();
  if (asked !== undefined && typeof asked !== "boolean")
    throw withData!.wrong(`expected true or false, got ${JSON.stringify(asked)}`);
  return {
    kind,
    ...common,
    maxPairsPerScenario: most === undefined ? 8 : integer(most, 0),
    withData: asked === true,
  };
}

/** Only where scenarios were written can a student play them. */
function checkSource(place: YamlValue, source: ArmSpec, data: Readonly<Record<string, DataSpec>>): void {
  const set = data[source.data!]!;
  if ((set.author ?? data[set.from ?? ""]?.author ?? null) === null)
    throw place.wrong(
      `expected an arm whose data are made in scenarios that its student can play, got one of data.${source.data}, which is given`,
      "author: { n: 200 } makes sessions, and keeps the scenarios",
    );
  if (source.prime !== null || source.terminals !== null)
    throw place.wrong(
      `expected an arm with the usual endings and no prime, got one with ${source.prime === null ? "terminals" : "a prime"}`,
    );
}

/** What of the first training is about the base and not about how it was trained. */
function kept(training: GivenOptions): GivenOptions {
  return Object.fromEntries(
    Object.entries(training).filter(([key]) => key in holdingOptions || key === "maxLength"),
  );
}

function readSeeds(value: YamlValue, of: string, seeds: readonly number[]): number[] {
  const asked = integers(value);
  const missing = asked.find((seed) => !seeds.includes(seed));
  if (missing !== undefined)
    throw value.wrong(`expected seeds of arms.${of}, got ${missing}`, `it has ${seeds.join(", ")}`);
  return asked;
}
