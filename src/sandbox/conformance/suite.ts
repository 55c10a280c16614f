// Every check, in the order of the report.

import type { Check } from "./check.ts";
import { execution } from "./execution.ts";
import { files } from "./files.ts";
import { isolation } from "./isolation.ts";
import { lifecycle } from "./lifecycle.ts";
import { limits } from "./limits.ts";
import { output } from "./output.ts";
import { renamedTerminals } from "./renamed-terminals.ts";
import { sessionChecks } from "./session.ts";
import { terminals } from "./terminals.ts";
import { timeouts } from "./timeouts.ts";
import { traces } from "./traces.ts";
import { verdicts } from "./verdict.ts";
import { worlds } from "./world.ts";

/** The conformance suite: what a sandbox must be, whichever provider makes it. */
export const conformanceChecks: readonly Check[] = [
  ...worlds,
  ...execution,
  ...files,
  ...output,
  ...timeouts,
  ...sessionChecks,
  ...terminals,
  ...renamedTerminals,
  ...traces,
  ...isolation,
  ...limits,
  ...verdicts,
  ...lifecycle,
];

/** The checks whose id fits one of `patterns` (`*` stands for anything). */
export function chooseChecks(patterns: readonly string[]): readonly Check[] {
  const globs = patterns.map((pattern) => new Bun.Glob(pattern.includes("/") ? pattern : `${pattern}{,/*}`));
  return conformanceChecks.filter(({ id }) => globs.some((glob) => glob.match(id)));
}
