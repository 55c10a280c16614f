// Who acts in the sessions: a model behind an endpoint, told the routine, or the built-in operator.

import type { GenerateSettings, Model } from "../../agent/contract.ts";
import { ChatEndpoint } from "../../agent/endpoint/chat-endpoint.ts";
import { endpointModel } from "../../agent/endpoint/endpoint-model.ts";
import { chooseEndpoint } from "../../agent/endpoint/endpoint-options.ts";
import { Rng } from "../../base/rng.ts";
import { parseTerminals } from "../../base/terminal-words.ts";
import { builtinOperator, OPERATOR_NAME } from "../operator/operator.ts";
import type { RolloutSettings } from "./manifest.ts";
import type { RolloutOptions } from "./options.ts";
import { type Job, sampleId } from "./roll.ts";
import { scaffoldFor } from "./scaffold.ts";

/** An operator for every session. */
export interface Operators {
  readonly kind: "endpoint" | "builtin" | "model";
  /** What records and manifest call it. */
  readonly name: string;
  /** A model for one session. */
  readonly model: (job: Job) => Model;
  readonly sampling: (job: Job) => Omit<GenerateSettings, "maxTokens">;
  readonly scaffold: string | undefined;
  /** What decides its replies, for the manifest. */
  readonly settings: RolloutSettings;
  /** What the endpoint says of itself. */
  readonly describe: () => Promise<Readonly<Record<string, unknown>> | null>;
}

/** The endpoint's model when an address is given, else the built-in operator.
 *  @throws InfrastructureError when the endpoint does not say which model it serves. */
export async function chooseOperators(
  options: RolloutOptions,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Operators> {
  const asked = options.opModel || env.SEKFT_OP_MODEL || options.model || undefined;
  const choice = asked === OPERATOR_NAME ? undefined : chooseEndpoint({ ...options, model: asked }, env);
  return choice === undefined ? builtin(options) : fromEndpoint(options, new ChatEndpoint(choice));
}

async function fromEndpoint(options: RolloutOptions, endpoint: ChatEndpoint): Promise<Operators> {
  const operators = modelOperators(await endpointModel(endpoint), options);
  return { ...operators, kind: "endpoint", describe: () => endpoint.describe() };
}

/** A model that is there already. */
export function modelOperators(model: Model, options: RolloutOptions): Operators {
  const { seed, temperature, topP } = options;
  return {
    kind: "model",
    name: model.name,
    model: () => model,
    sampling: (job) => ({
      temperature,
      topP,
      seed: new Rng(`${seed}/sampling/${sampleId(job)}`).int(0, 2 ** 31 - 1),
    }),
    scaffold: options.scaffold ? scaffoldFor(parseTerminals(options.terminals)) : undefined,
    settings: { operator: model.name, temperature, top_p: topP, scaffold: options.scaffold },
    describe: async () => null,
  };
}

function builtin(options: RolloutOptions): Operators {
  const { seed, detours, trim, faults, oneRoutine } = options;
  const terminals = parseTerminals(options.terminals);
  return {
    kind: "builtin",
    name: OPERATOR_NAME,
    model: ({ scenario, sample }) =>
      builtinOperator(scenario, { seed, sample, detours, trim, oneRoutine, faults, terminals }),
    sampling: () => ({ temperature: 0, topP: 1, seed: undefined }),
    scaffold: undefined,
    settings: {
      operator: OPERATOR_NAME,
      detours,
      ...(trim ? { trim } : {}),
      ...(oneRoutine ? { one_routine: true } : {}),
      faults,
    },
    describe: async () => null,
  };
}
