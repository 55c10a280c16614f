// A whole eval against scripted operators, in this process.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChatEndpoint } from "../../src/agent/endpoint/chat-endpoint.ts";
import { endpointModel } from "../../src/agent/endpoint/endpoint-model.ts";
import { resolveOptions } from "../../src/base/resolve.ts";
import type { Turn } from "../../src/data/normalize.ts";
import type { Scenario } from "../../src/data/scenario.ts";
import { readEpisodes } from "../../src/eval/episode-log.ts";
import { type EvalOptions, evalOptions } from "../../src/eval/eval-options.ts";
import { type DescribedArm, evaluate } from "../../src/eval/evaluate.ts";
import { silent } from "../base/silent-terminal.ts";
import { bubblewrap } from "../factory/bubblewrap.ts";

/** A folder that is gone when it is disposed of. */
export function scratch(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "sekft-eval-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Arms at an address that gives up quickly. */
export function armsAt(url: string, models: readonly string[]): Promise<DescribedArm[]> {
  return Promise.all(
    models.map(async (model) => {
      const endpoint = new ChatEndpoint(
        { url, model, key: undefined, timeoutMs: 20_000, concurrency: 16 },
        { patience: { busy: 2, down: 2, malformed: 2, silent: 1, baseMs: 1 } },
      );
      return {
        name: model,
        model: await endpointModel(endpoint),
        facts: async () => ({
          kind: "endpoint" as const,
          model,
          base_hash: null,
          adapter_hash: null,
          chat_template_hash: null,
          reported: null,
        }),
      };
    }),
  );
}

/** Runs it in bubblewrap and reads what it wrote. */
export async function runScripted(
  out: string,
  arms: readonly DescribedArm[],
  scenarios: readonly Scenario[],
  options: Partial<EvalOptions> = {},
  prime?: readonly Turn[],
) {
  const table = resolveOptions(evalOptions, { scenarios: "-", out, retries: "0" }, {});
  const { result } = await evaluate(
    { ...table, ...options },
    { arms, scenarios, provider: bubblewrap!, prime },
    silent,
  );
  return { result, episodes: readEpisodes(out) };
}
