// Which supply of scenarios a rollout has.

import type { Terminal } from "../../base/command.ts";
import { UserError } from "../../base/errors.ts";
import type { SandboxProvider } from "../../sandbox/contract.ts";
import { AuthoredSupply } from "./authored-supply.ts";
import { readManifest } from "./manifest.ts";
import type { RolloutOptions } from "./options.ts";
import { type Supply, scenariosFromFiles } from "./supply.ts";

/** The files of --scenarios, or the built-in author.
 *  @throws UserError when neither can be meant */
export function openSupply(
  options: RolloutOptions,
  provider: SandboxProvider,
  terminal: Terminal,
): Supply & Disposable {
  if (options.scenarios !== undefined)
    return { ...scenariosFromFiles(options.scenarios, options), [Symbol.dispose]() {} };
  if (options.n === undefined)
    throw new UserError("rollout: expected --scenarios or --n, got neither", {
      hint: "--scenarios DIR runs bundles that are there; --n 200 writes scenarios until 200 trajectories are kept",
    });
  // Before a folder that is another's gets a scenario into it.
  readManifest(options.out);
  terminal.note("author: no --scenarios given, the built-in author writes them");
  return new AuthoredSupply(options, provider, terminal);
}
