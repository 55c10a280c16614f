// The one model that a benchmark or a probe asks: the adapter where there is one, or else the base, or the endpoint's.

import { basename, resolve } from "node:path";
import type { Model } from "../agent/contract.ts";
import type { Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import type { Options } from "../base/options.ts";
import { type armOptions, openArms } from "./eval-arms.ts";

/** A model until it is disposed of. */
export interface OneModel extends AsyncDisposable {
  readonly label: string;
  readonly model: Model;
  /** What a result says of it. */
  facts(): Promise<Readonly<Record<string, unknown>>>;
  /** Prompts are counted exactly. */
  readonly here: boolean;
}

/** Opens the model that the options name.
 *  @param label what results call it; otherwise the adapter, or else the base or the endpoint's model
 *  @throws UserError when there is none, or more than one */
export async function openOneModel(
  options: Options<typeof armOptions>,
  run: {
    readonly who: string;
    readonly label: string | undefined;
    readonly jobs: number;
    readonly sizes: { readonly ctxBudget: number; readonly maxTokens: number };
    readonly hint: string;
  },
  terminal: Terminal,
): Promise<OneModel> {
  for (const name of ["adapter", "model"] as const)
    if ((options[name]?.length ?? 0) > 1)
      throw new UserError(`--${name}: expected one, got ${options[name]!.length}`, { hint: run.hint });
  const arms = await openArms(options, run.jobs, run.sizes, terminal, run.who);
  const arm = arms.arms.at(-1)!;
  const { kind } = await arm.facts();
  const name = kind === "base" && options.base !== undefined ? basename(resolve(options.base)) : arm.name;
  return {
    label: run.label ?? name,
    model: arm.model,
    facts: async () => ({ ...(await arm.facts()) }),
    here: kind !== "endpoint",
    [Symbol.asyncDispose]: () => arms[Symbol.asyncDispose](),
  };
}
