// Whether worlds can be stood up here without an engine.

import { openBubblewrap } from "../../src/sandbox/bubblewrap/provider.ts";
import type { SandboxProvider } from "../../src/sandbox/contract.ts";

function open(): SandboxProvider | undefined {
  try {
    return openBubblewrap();
  } catch {
    return undefined;
  }
}

/** One provider for all tests of a file; undefined where bubblewrap does not work. */
export const bubblewrap = open();
