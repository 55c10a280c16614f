// `--resident`: the same models as `local-model` makes, on the base that a running server holds.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { ChatEndpoint } from "../agent/endpoint/chat-endpoint.ts";
import { endpointModel } from "../agent/endpoint/endpoint-model.ts";
import { UserError } from "../base/errors.ts";
import { promptIds } from "../data/chat/chat-format.ts";
import { type RemoteModel, ResidentClient } from "../serve/resident-client.ts";
import { loadTextFormat } from "../serve/text-format.ts";
import { findBase } from "../serve/train-on-resident.ts";
import {
  adapterFacts,
  baseArm,
  contextFor,
  type LocalArm,
  type LocalModelFlags,
  type LocalModelSizes,
  type LocalModels,
  type NamedAdapter,
  namedAdapters,
} from "./local-model-options.ts";

/** Where a resident listens unless it was told otherwise. */
const usualAddress = "http://127.0.0.1:8080";

/** Longest wait for one reply, milliseconds: a server that trains meanwhile answers between its steps. */
const patienceMs = 600_000;

type Served = RemoteModel & { readonly root?: string; readonly max_model_len?: number };

/** Finds the server and what it serves; adapters that it does not serve yet are put beside its base.
 *  @param address of the server; `auto`: $SEKFT_RESIDENT or the usual one
 *  @throws UserError when nobody answers there, or another base is served than `--base` names */
export async function openResidentModels(
  address: string,
  flags: LocalModelFlags,
  sizes: LocalModelSizes,
): Promise<LocalModels> {
  const url = address === "auto" ? process.env.SEKFT_RESIDENT || usualAddress : address;
  const client = new ResidentClient(url);
  const list = async () => (await client.get<{ data: Served[] }>("/v1/models")).data;
  const models = await list();
  const base = models.find(({ parent }) => parent === null);
  if (!base) throw new UserError(`--resident ${url}: expected a server of sekft's, got another`);
  if (flags.base !== undefined) await findBase(client, flags.base);
  if (base.max_model_len !== undefined)
    contextFor(sizes, base.max_model_len, "the server was started for (resident --context-tokens)");
  const arm = async (name: string, id: string, adapter?: NamedAdapter): Promise<LocalArm> => {
    const endpoint = new ChatEndpoint({
      url,
      model: id,
      key: process.env.SEKFT_API_KEY,
      timeoutMs: patienceMs,
      concurrency: sizes.parallel,
    });
    const model = await endpointModel(endpoint, { name });
    const facts =
      adapter && existsSync(adapter.directory) ? adapterFacts(adapter) : { adapter: adapter?.name ?? null };
    return {
      name,
      model: {
        ...model,
        ...countsOf(flags),
        describe: async () => ({ ...(await endpoint.describe()), runs: "resident", ...facts }),
      },
    };
  };
  const arms = [await arm(baseArm, base.id)];
  for (const adapter of namedAdapters(flags.adapter)) {
    await serve(client, models, adapter);
    arms.push(await arm(adapter.name, adapter.name, adapter));
  }
  return { arms, device: `resident ${url}`, [Symbol.asyncDispose]: async () => undefined };
}

/** Exact counts where the base's tokenizer is at hand. */
function countsOf({ base, chatTemplate }: LocalModelFlags) {
  const chat = base !== undefined && existsSync(base) ? loadTextFormat(base, chatTemplate).chat : undefined;
  return chat && { countTokens: (turns: Parameters<typeof promptIds>[0]) => promptIds(turns, chat).length };
}

async function serve(client: ResidentClient, models: readonly Served[], { name, directory }: NamedAdapter) {
  const path = existsSync(directory) ? resolve(directory) : undefined;
  const served = models.find(({ id, parent }) => id === name && parent !== null);
  if (served === undefined) {
    if (path === undefined)
      throw new UserError(
        `--adapter ${directory}: expected a folder or an adapter that is served, got neither`,
        {
          hint: `served are ${models.map(({ id }) => id).join(", ")}`,
        },
      );
    await client.post("/v1/load_lora_adapter", { lora_name: name, lora_path: path });
  } else if (path !== undefined && served.root !== undefined && resolve(served.root) !== path)
    throw new UserError(`--adapter ${directory}: expected a name that the server has free, got ${name}`, {
      hint: `it serves ${served.root} under that name; give another one: --adapter NAME=${directory}`,
    });
}
