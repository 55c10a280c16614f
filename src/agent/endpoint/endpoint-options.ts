// The options that name an endpoint, shared by every command that talks to one, and what the environment adds.

import { UserError } from "../../base/errors.ts";
import type { Options } from "../../base/options.ts";

const group = "Endpoint";

/** `--model --url --key` and how patient requests are. */
export const endpointOptions = {
  model: { type: "string", group, value: "NAME", help: "model of the endpoint [default $SEKFT_MODEL]" },
  url: {
    type: "string",
    group,
    value: "URL",
    help: "any OpenAI-compatible endpoint, e.g. http://127.0.0.1:8080/v1 or unix:/path [default $SEKFT_URL]",
  },
  key: { type: "string", group, value: "KEY", help: "key of the endpoint; better in $SEKFT_KEY" },
  requestTimeout: {
    type: "float",
    min: 0.001,
    default: 300,
    unit: "seconds",
    group,
    help: "longest wait for one answer",
  },
  apiConcurrency: {
    type: "int",
    min: 1,
    default: 16,
    group,
    help: "requests at once at most; fewer while the endpoint says that it is busy",
  },
} as const;

/** What an endpoint needs to be talked to. */
export interface EndpointChoice {
  readonly url: string;
  /** `undefined`: the only model that the endpoint serves. */
  readonly model: string | undefined;
  /** Goes into the Authorization header and nowhere else. */
  readonly key: string | undefined;
  readonly timeoutMs: number;
  readonly concurrency: number;
}

/** Options over environment; `undefined` when neither names an endpoint.
 *  @throws UserError when there is a model and no address. */
export function chooseEndpoint(
  options: Partial<Options<typeof endpointOptions>>,
  env: NodeJS.ProcessEnv = process.env,
): EndpointChoice | undefined {
  const url = options.url || env.SEKFT_URL || undefined;
  const model = options.model || env.SEKFT_MODEL || undefined;
  if (url === undefined) {
    if (model === undefined) return undefined;
    throw new UserError(`--model ${model}: expected --url with it, got none`, {
      hint: "give --url http://host:port/v1 or set SEKFT_URL; without both, nothing but this program is used",
    });
  }
  return {
    url,
    model,
    key: options.key || env.SEKFT_KEY || undefined,
    timeoutMs: 1000 * (options.requestTimeout ?? endpointOptions.requestTimeout.default),
    concurrency: options.apiConcurrency ?? endpointOptions.apiConcurrency.default,
  };
}
