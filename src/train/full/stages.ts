// What a run trains when: the groups of --full all the time, or the stages of a config file one after another. A stage is as a
// run of its own that goes on with the weights and the rows of the one before: its optimiser and its schedule start anew.

import { show, UserError } from "../../base/errors.ts";
import { flagName } from "../../base/options.ts";
import { YamlValue } from "../../base/yaml-file.ts";
import type { ModelStage } from "../../model/trained-plan.ts";
import type { TrainOptions } from "../options.ts";
import { type GroupedBase, resolveGroups } from "./groups.ts";

/** One stage of a run. */
export interface Stage extends ModelStage {
  /** As they were named. */
  readonly groups: readonly string[];
  /** Last update of the stage, counted from the start of the run; infinite when nothing but the run's end ends it. */
  readonly until: number;
  /** Peak rate. */
  readonly learningRate: number;
}

type StageOptions = Pick<
  TrainOptions,
  "full" | "stages" | "learningRate" | "load4bit" | "maxSteps" | "method"
>;

/** True when a run trains weights of the base itself. */
export function trainsBase(options: Pick<TrainOptions, "full" | "stages">): boolean {
  return options.full !== undefined || options.stages !== undefined;
}

/** True when a run trains an adapter. */
export function trainsAdapter(options: Pick<TrainOptions, "full" | "stages">): boolean {
  if (!trainsBase(options)) return true;
  if (options.full) return options.full.includes("lora");
  return readStages(options.stages!).some(({ groups }) => groups.includes("lora"));
}

/** The stages of a run, one for --full; undefined when it trains an adapter alone.
 *  @throws UserError or DataError naming what is wrong with a stage or a group */
export function resolveStages(options: StageOptions, base: GroupedBase): readonly Stage[] | undefined {
  if (!trainsBase(options)) return undefined;
  if (options.full && options.stages !== undefined)
    throw new UserError("--full: expected either --full or stages, got both", {
      hint: "give each stage its groups",
    });
  const { learningRate = 0, load4bit } = options;
  if (options.full)
    return [
      {
        ...resolveGroups("--full", options.full, base, load4bit),
        groups: options.full,
        until: Number.POSITIVE_INFINITY,
        learningRate,
      },
    ];
  return readStages(options.stages!).map(({ groups, until, learningRate: own, who }) => ({
    ...resolveGroups(who, groups, base, load4bit),
    groups,
    until,
    learningRate: own ?? learningRate,
  }));
}

/** Refuses what does not go with training the base itself.
 *  @throws UserError naming the option */
export function checkFullOptions(options: TrainOptions): void {
  if (!trainsBase(options)) {
    if (options.modelDtype !== undefined)
      throw new UserError("--model-dtype: expected --full or stages, got neither", {
        hint: "an adapter is saved in float32",
      });
    if (options.fromScratch)
      throw new UserError("--from-scratch: expected --full or stages, got neither", {
        hint: "--full all trains every weight; an adapter on random weights learns nothing",
      });
    return;
  }
  if (options.method !== "sft")
    throw new UserError(`--full: expected --method sft, got ${options.method}`, {
      hint: "preferences are learnt by an adapter, whose base stays the reference",
    });
  if (options.keepBase > 0)
    throw new UserError("--keep-base: expected an adapter, got --full or stages", {
      hint: "with the base itself in training, nothing is left that says what it was; replay of its own text keeps it",
    });
  if (options.fromScratch && options.load4bit)
    throw new UserError("--from-scratch: expected weights in full precision, got --load-4bit");
  if (!trainsAdapter(options))
    for (const key of adapterOptions)
      if (options[key] !== undefined && options[key] !== false)
        throw new UserError(`--${flagName(key)}: expected lora among the groups, got none`, {
          hint: "add lora to --full or to a stage, or leave the option out",
        });
  const last = stepsOfStages(options);
  if (last !== undefined && options.maxSteps > 0 && options.maxSteps !== last)
    throw new UserError(`--max-steps: expected ${last}, where the last stage ends, got ${options.maxSteps}`, {
      hint: "leave it out: the stages say how long the run is",
    });
}

const adapterOptions = [
  "loraR",
  "loraAlpha",
  "loraDropout",
  "useRslora",
  "targetModules",
  "layersToTransform",
  "rankPattern",
  "alphaPattern",
  "initAdapter",
] as const satisfies readonly (keyof TrainOptions)[];

/** Updates of a run in stages; undefined without stages. */
export function stepsOfStages({ stages }: Pick<TrainOptions, "stages">): number | undefined {
  return stages === undefined ? undefined : readStages(stages).at(-1)!.until;
}

interface WrittenStage {
  readonly until: number;
  readonly groups: readonly string[];
  readonly learningRate: number | undefined;
  /** What names it in messages. */
  readonly who: string;
}

function readStages(text: string): WrittenStage[] {
  const list = YamlValue.parse(text, "stages");
  const items = list.items();
  if (items.length === 0)
    throw list.wrong(
      "expected a list of stages, got another shape",
      "stages: [{until: 250, groups: [norms]}, ...]",
    );
  let before = 0;
  return items.map((item, i) => {
    const fields = item.known("`until`, `groups` and `learning_rate`", ["until", "groups", "learning_rate"]);
    const until = fields.until?.plain();
    if (!Number.isSafeInteger(until) || (until as number) <= before)
      throw (fields.until ?? item).wrong(
        `expected until: a step after ${before}, where the stage before ends, got ${show(until)}`,
      );
    before = until as number;
    const given = fields.groups?.plain(true);
    const groups = typeof given === "string" ? given.split(/\s*,\s*/) : given;
    if (!Array.isArray(groups) || groups.some((group) => typeof group !== "string"))
      throw (fields.groups ?? item).wrong(`expected groups: a list of names, got ${show(given)}`);
    const rate = fields.learning_rate?.plain();
    if (rate !== undefined && !(typeof rate === "number" && rate >= 0 && Number.isFinite(rate)))
      throw fields.learning_rate!.wrong(`expected a rate of at least 0, got ${show(rate)}`);
    return {
      until: before,
      groups: groups as string[],
      learningRate: rate as number | undefined,
      who: `stages[${i}]`,
    };
  });
}

/** Index of the stage that the update after `completed` others belongs to; the last stage when there is none. */
export function stageAfter(stages: readonly Pick<Stage, "until">[], completed: number): number {
  const index = stages.findIndex(({ until }) => completed < until);
  return index < 0 ? stages.length - 1 : index;
}
