// How far a mix is, for as long as a block lasts.

import type { Terminal } from "../base/command.ts";
import { type Progress, startProgress } from "../base/progress.ts";

/** Shows the progress of one part; give it back with `using`. */
export function progress(
  terminal: Terminal,
  label: string,
  total: number,
  unit: string,
): Pick<Progress, "update"> & Disposable {
  const bar = startProgress(terminal, { label, total, unit });
  return { update: bar.update, [Symbol.dispose]: () => bar.end() };
}
