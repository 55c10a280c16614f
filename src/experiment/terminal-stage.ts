// `terminals/<base>`: how likely a base finds the words that end a session where a session really ends, before any training.

import { join } from "node:path";
import { removeUnfinished, writeFileAtomic } from "../base/atomic.ts";
import { hashFiles } from "./hashes.ts";
import { rowsFile } from "./row-stage.ts";
import type { GivenOptions, ResolvedSpec } from "./spec.ts";
import { holdingOptions } from "./spec-options.ts";
import { deciding, type Stage } from "./stage.ts";

/** The stage of one base. */
export function terminalStage(spec: ResolvedSpec, base: string, set: string): Stage {
  const id = `terminals/${base}`;
  return {
    id,
    kind: "terminals",
    base,
    set,
    settings: { held: deciding(held(spec)) },
    needs: [`data/${set}/rows`],
    outside: async ({ machinery }) => ({
      [`base ${base}`]: await machinery.fingerprint(await machinery.base(spec.bases[base]!)),
    }),
    units: 1,
    async run({ folder, machinery, terminal }) {
      const path = await machinery.base(spec.bases[base]!);
      const request = { name: base, base: path, data: rowsFile(folder, set), options: held(spec) };
      const facts = await machinery.inspectTerminals(request, terminal);
      removeUnfinished(join(folder, "terminals"), (name) => name === `${base}.json`);
      writeFileAtomic(join(folder, `${id}.json`), `${JSON.stringify(facts, null, 1)}\n`);
      return { facts };
    },
    outputs: async (folder) => hashFiles(join(folder, "terminals"), [`${base}.json`]),
    keepsParts: false,
  };
}

/** How evals hold a base. */
function held(spec: ResolvedSpec): GivenOptions {
  return Object.fromEntries(Object.entries(spec.eval).filter(([name]) => name in holdingOptions));
}
