// Which models there are and which adapters are loaded: OpenAI's list, vLLM's and llama.cpp's routes.

import { type AdapterRegistry, checkDirectory, type ServedAdapter } from "./adapter-registry.ts";
import { ApiError } from "./api-error.ts";
import type { Route } from "./router.ts";
import { pickLora } from "./sampling-fields.ts";

/** What is said about the base. */
export interface BaseFacts {
  readonly name: string;
  readonly path: string;
  /** Unix seconds since when it is served. */
  readonly created: number;
  readonly contextTokens: number;
  /** Of its weights; says whether two bases are the same. */
  readonly fingerprint: string;
  readonly load4bit: boolean;
}

/** The routes of models and adapters. */
export function adapterRoutes(adapters: AdapterRegistry, base: () => BaseFacts): Route[] {
  const baseModel = () => {
    const { name, path, created, contextTokens, fingerprint, load4bit } = base();
    return { ...model(name, path, created, contextTokens), parent: null, fingerprint, load_4bit: load4bit };
  };
  const adapterModel = ({ name, path, created, experimental }: ServedAdapter) => {
    const { name: parent, contextTokens } = base();
    return { ...model(name, path, created, contextTokens), parent, ...(experimental && { experimental }) };
  };
  return [
    {
      method: "GET",
      path: "/v1/models",
      handle: () =>
        Response.json({ object: "list", data: [baseModel(), ...adapters.list.map(adapterModel)] }),
    },
    {
      method: "GET",
      path: "/v1/models/:model",
      handle: ({ params }) => {
        if (params.model === base().name) return Response.json(baseModel());
        const adapter = adapters.get(params.model!);
        if (adapter) return Response.json(adapterModel(adapter));
        throw new ApiError(404, `model: expected one that is served, got ${params.model}`, {
          param: "model",
          code: "model_not_found",
        });
      },
    },
    {
      method: "POST",
      path: "/v1/load_lora_adapter",
      handle: async ({ json }) => {
        const fields = await json();
        const name = fields.required("lora_name");
        const path = fields.required("lora_path");
        fields.any("base_model_name");
        const inplace = fields.boolean("load_inplace") ?? false;
        const experimental = fields.boolean("experimental") ?? undefined;
        fields.refuseRest();
        checkDirectory(path);
        if (inplace && adapters.get(name)) await adapters.unload(name);
        await adapters.load(name, path, experimental);
        return new Response(`Success: LoRA adapter '${name}' added successfully.`);
      },
    },
    {
      method: "POST",
      path: "/v1/unload_lora_adapter",
      handle: async ({ json }) => {
        const fields = await json();
        const name = fields.required("lora_name");
        fields.any("lora_int_id");
        fields.refuseRest();
        await adapters.unload(name);
        return new Response(`Success: LoRA adapter '${name}' removed successfully.`);
      },
    },
    {
      method: "GET",
      path: "/lora-adapters",
      handle: () =>
        Response.json(
          adapters.list.map(({ id, path, name }) => {
            return { id, path, name, scale: adapters.everywhere === id ? 1 : 0 };
          }),
        ),
    },
    {
      method: "POST",
      path: "/lora-adapters",
      handle: async ({ value }) => {
        const list = await value();
        if (!Array.isArray(list))
          throw new ApiError(400, "request: expected a list of {id, scale}, got something else");
        const unknown = list.find((item) => !adapters.byId(item?.id));
        if (unknown !== undefined)
          throw new ApiError(
            400,
            `id: expected the id of a loaded adapter, got ${JSON.stringify(unknown)?.slice(0, 80)}`,
          );
        adapters.everywhere = pickLora(list, "request") ?? undefined;
        return Response.json({ success: true });
      },
    },
  ];
}

function model(id: string, root: string, created: number, contextTokens: number) {
  return { id, object: "model", created, owned_by: "sekft", root, max_model_len: contextTokens };
}
