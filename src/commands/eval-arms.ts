// Which models an eval compares: the base and adapters of this machine, models of an endpoint, or both.

import { ChatEndpoint } from "../agent/endpoint/chat-endpoint.ts";
import { endpointModel } from "../agent/endpoint/endpoint-model.ts";
import { chooseEndpoint, endpointOptions } from "../agent/endpoint/endpoint-options.ts";
import type { Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import type { Options } from "../base/options.ts";
import type { Scenario } from "../data/scenario.ts";
import type { DescribedArm } from "../eval/evaluate.ts";
import { findLeakage } from "../eval/leakage.ts";
import { sha256 } from "../eval/manifest.ts";
import { type LocalArm, localModelOptions, namedAdapters } from "./local-model-options.ts";

/** The options that name models. */
export const armOptions = {
  ...localModelOptions,
  ...endpointOptions,
  model: {
    type: "list",
    value: "[NAME=]MODEL",
    group: endpointOptions.model.group,
    help: "models of the endpoint, each an arm [default $SEKFT_MODEL]",
  },
} as const;

/** Models that are there until disposed of. */
export interface Arms extends AsyncDisposable {
  readonly arms: readonly DescribedArm[];
}

/** Opens the models. The environment's endpoint counts only where no model of this machine is named.
 *  @throws UserError when no model is named, or two have one name; DataError and GpuError of the base */
export async function openArms(
  options: Options<typeof armOptions>,
  jobs: number,
  sizes: { readonly ctxBudget: number; readonly maxTokens: number },
  terminal: Terminal,
  who = "eval",
): Promise<Arms> {
  const here = options.base !== undefined || options.resident !== undefined;
  const endpoint =
    !here || options.url !== undefined || options.model !== undefined
      ? await endpointArms(options, here)
      : [];
  if (!here && endpoint.length === 0)
    throw new UserError(`${who}: expected --base, --resident or --url, got none of them`, {
      hint: "--base DIR --adapter DIR compares an adapter with its base; --url http://host:port/v1 asks a server",
    });
  const local = here ? await localArms(options, { ...sizes, parallel: jobs }, terminal, who) : undefined;
  const arms = [...(local?.arms ?? []), ...endpoint];
  const twice = arms.find(({ name }, i) => arms.findIndex((other) => other.name === name) < i);
  if (twice)
    throw new UserError(`${who}: expected arms of different names, got ${twice.name} twice`, {
      hint: "name one with --adapter NAME=DIR or --model NAME=MODEL",
    });
  return { arms, [Symbol.asyncDispose]: async () => await local?.[Symbol.asyncDispose]() };
}

/** Sentences about adapters whose training saw what is asked here. */
export async function leakageWarnings(
  { adapter = [] }: Options<typeof armOptions>,
  scenarios: readonly Scenario[],
): Promise<string[]> {
  const found = await Promise.all(
    namedAdapters(adapter).map(({ name, directory }) => findLeakage(name, directory, scenarios)),
  );
  return found.filter((sentence) => sentence !== undefined);
}

async function localArms(
  options: Options<typeof armOptions>,
  sizes: { ctxBudget: number; maxTokens: number; parallel: number },
  terminal: Terminal,
  who: string,
): Promise<Arms> {
  const { openLocalModels } = await import("./local-model.ts");
  const models = await openLocalModels(options, sizes, terminal);
  const template = await templateHash(options.base, options.chatTemplate);
  terminal.note(`${who}: ${models.arms.map(({ name }) => name).join(", ")} on ${models.device}`);
  return {
    arms: models.arms.map((arm) => ({ ...arm, facts: () => localFacts(arm, template, options.base) })),
    [Symbol.asyncDispose]: () => models[Symbol.asyncDispose](),
  };
}

async function localFacts({ name, model }: LocalArm, template: string | null, base: string | undefined) {
  const reported = (await model.describe?.()) ?? {};
  const text = (key: string) => (typeof reported[key] === "string" ? (reported[key] as string) : undefined);
  return {
    kind: text("adapter") === undefined ? ("base" as const) : ("adapter" as const),
    model: text("adapter") ?? base ?? name,
    base_hash: text("base_fingerprint") ?? text("fingerprint") ?? null,
    adapter_hash: text("adapter_sha256") ?? null,
    chat_template_hash: template,
    reported,
  };
}

/** Hash of the template's text; null where only a server knows it. */
async function templateHash(base: string | undefined, template: string | undefined): Promise<string | null> {
  const { existsSync } = await import("node:fs");
  if (base === undefined || !existsSync(base)) return null;
  const { loadChatFormat } = await import("../data/chat/load-chat-format.ts");
  return sha256(loadChatFormat(base, template).template.source);
}

async function endpointArms(options: Options<typeof armOptions>, here: boolean): Promise<DescribedArm[]> {
  // A server that serves adapters calls them models; there --adapter names one.
  const names = [...(options.model ?? []), ...(here ? [] : (options.adapter ?? []))].map(splitName);
  const wanted = names.length > 0 ? names : [{ name: undefined, model: undefined }];
  const arms: DescribedArm[] = [];
  for (const { name, model } of wanted) {
    const choice = chooseEndpoint({ ...options, model });
    if (choice === undefined) return [];
    const endpoint = new ChatEndpoint(choice);
    const asked = await endpointModel(endpoint, name === undefined ? {} : { name });
    arms.push({
      name: asked.name,
      model: asked,
      facts: async () => ({
        kind: "endpoint",
        model: await endpoint.model(),
        base_hash: null,
        adapter_hash: null,
        chat_template_hash: null,
        reported: await endpoint.describe(),
      }),
    });
  }
  return arms;
}

function splitName(text: string): { name: string | undefined; model: string } {
  const at = text.indexOf("=");
  return at > 0 ? { name: text.slice(0, at), model: text.slice(at + 1) } : { name: undefined, model: text };
}
