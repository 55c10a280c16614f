// The three falsifiable predictions of the method, as arms, data and scenarios of their own: what an experiment has already stays as it is,
// so that adding a prediction runs only what is missing.

import type { TerminalWords } from "../base/terminal-words.ts";
import type { YamlValue } from "../base/yaml-file.ts";
import { archetypeNames } from "../factory/taxonomy.ts";
import { readTerminals } from "./read-arms.ts";
import { type ArmSpec, type PredictionName, predictionNames, type ResolvedSpec } from "./spec.ts";
import { integer, numbers, oneOf, text, texts } from "./spec-values.ts";

/** What the file says of one of them. */
interface Asked {
  readonly name: PredictionName;
  readonly place: YamlValue;
  /** The trained arm that it is about; undefined = the first. */
  readonly arm: YamlValue | undefined;
  readonly archetypes: readonly string[] | undefined;
  readonly n: number;
  readonly seed: number;
  readonly terminals: TerminalWords;
  readonly weights: readonly number[];
}

const KEYS: Readonly<Record<PredictionName, readonly string[]>> = {
  further_archetypes: ["arm", "archetypes", "n", "seed"],
  terminal_token: ["arm", "terminals", "weights"],
  terminal_ranking: [],
};

/** Kinds of work that are left out of training for the first prediction, the first two that an experiment trains on. */
const FURTHER = [
  "config_edit",
  "file_move",
  "sort_unique",
  "search_count",
  "log_extract",
  "symlink",
  "cleanup",
];
const RENAMED: TerminalWords = { exit: "leave", panic: "stuck" };
const WEIGHTS = [0.25, 4];

/** Predictions as a list of names, or as a map from names to their settings. */
export function readPredictions(value: YamlValue): Asked[] {
  const asked: [string, YamlValue][] = value.isMap
    ? value.entries("predictions by name")
    : texts(value).map((name) => [name, value]);
  return asked.map(([name, place]) => {
    const known = oneOf(name, predictionNames, "a prediction", place) as PredictionName;
    const given = value.isMap ? place.known(`settings of ${known}`, KEYS[known]) : {};
    const { arm, archetypes, n, seed, terminals, weights } = given;
    return {
      name: known,
      place,
      arm,
      archetypes: archetypes === undefined ? undefined : texts(archetypes),
      n: n === undefined ? 24 : integer(n, 1),
      seed: seed === undefined ? 2001 : integer(seed, 0),
      terminals: terminals === undefined ? RENAMED : readTerminals(terminals),
      weights: weights === undefined ? WEIGHTS : numbers(weights),
    };
  });
}

/** The experiment with the arms, data and scenarios of its predictions.
 *  @throws DataError when there is nothing that a prediction could be about */
export function withPredictions(spec: ResolvedSpec, asked: readonly Asked[]): ResolvedSpec {
  const all = asked.reduce((whole, one) => {
    if (one.name === "terminal_ranking") return whole;
    const name = sourceArm(whole, one);
    return one.name === "further_archetypes"
      ? withFurther(whole, one, name)
      : withTerminals(whole, one, name);
  }, spec);
  return { ...all, predictions: asked.map(({ name }) => name) };
}

function sourceArm(spec: ResolvedSpec, { name, arm, place }: Asked): string {
  const trained = Object.entries(spec.arms)
    .filter(([, { data, prediction, loop }]) => data !== null && prediction === null && loop === undefined)
    .map(([one]) => one);
  if (arm !== undefined) return oneOf(text(arm), trained, "a trained arm", arm);
  const [first] = trained;
  if (first === undefined)
    throw place.wrong(
      `${name}: expected an arm that is trained, got none`,
      "add one, e.g. adapter: { data: main }",
    );
  return first;
}

/** Operate on work of kinds that were left out of training on top of those held out already. */
function withFurther(spec: ResolvedSpec, asked: Asked, name: string): ResolvedSpec {
  const source = spec.arms[name]!;
  const data = spec.data[source.data!]!;
  const archetypes = asked.archetypes ?? furtherArchetypes(spec, source.data!, asked);
  const held = archetypes.find((one) => spec.holdout.includes(one));
  if (held !== undefined)
    throw asked.place.wrong(
      `further_archetypes: expected archetypes that are trained on, got ${held}, which is held out`,
    );
  const set = `${source.data}-further`;
  const plain: ArmSpec = {
    ...source,
    data: null,
    training: {},
    prime: null,
    scenarios: ["further"],
    seeds: [],
    compareWith: null,
    prediction: asked.name,
  };
  return add(spec, asked, {
    data: { [set]: { ...data, author: null, trajectories: null, from: source.data, without: archetypes } },
    scenarios: {
      further: {
        author: { n: asked.n, seed: asked.seed, archetypes },
        folder: null,
        n: undefined,
        archetypes: undefined,
      },
    },
    arms: {
      "further-base": plain,
      [`further-${name}`]: {
        ...source,
        data: set,
        scenarios: ["further"],
        compareWith: "further-base",
        prediction: asked.name,
      },
    },
  });
}

function furtherArchetypes(spec: ResolvedSpec, set: string, asked: Asked): string[] {
  const { author } = spec.data[set]!;
  if (author === null)
    throw asked.place.wrong(
      "further_archetypes: expected archetypes, since the trajectories are given, got nothing",
      "further_archetypes: { archetypes: [...] } names kinds of work to leave out of training",
    );
  const trained = (author.archetypes as readonly string[] | undefined) ?? archetypeNames;
  const free = FURTHER.filter((name) => trained.includes(name) && !spec.holdout.includes(name));
  if (free.length < 2)
    throw asked.place.wrong(
      "further_archetypes: expected archetypes, since training has too few kinds of work to choose from, got nothing",
    );
  return free.slice(0, 2);
}

/** The words that end a session under other names, and trained on with other weights. */
function withTerminals(spec: ResolvedSpec, asked: Asked, name: string): ResolvedSpec {
  const source = spec.arms[name]!;
  const common = { prediction: asked.name } as const;
  const weighted = asked.weights.map((weight): [string, ArmSpec] => [
    `${name}-weight-${weight}`,
    { ...source, ...common, training: { ...source.training, terminalWeight: weight }, compareWith: name },
  ]);
  return add(spec, asked, {
    arms: {
      "renamed-base": {
        ...source,
        ...common,
        data: null,
        training: {},
        seeds: [],
        prime: null,
        terminals: asked.terminals,
        compareWith: null,
      },
      [`${name}-renamed`]: { ...source, ...common, terminals: asked.terminals, compareWith: "renamed-base" },
      ...Object.fromEntries(weighted),
    },
  });
}

function add(
  spec: ResolvedSpec,
  { name, place }: Asked,
  more: Partial<Pick<ResolvedSpec, "data" | "scenarios" | "arms">>,
): ResolvedSpec {
  for (const part of ["data", "scenarios", "arms"] as const)
    for (const one of Object.keys(more[part] ?? {}))
      if (Object.hasOwn(spec[part], one))
        throw place.wrong(
          `${name}: expected ${part}.${one} to be free for the prediction, got one in the file`,
        );
  return {
    ...spec,
    data: { ...spec.data, ...more.data },
    scenarios: { ...spec.scenarios, ...more.scenarios },
    arms: { ...spec.arms, ...more.arms },
  };
}
