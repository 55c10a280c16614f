// Lines for files whose content matters little.

import type { Rng } from "../../base/rng.ts";

const lines = (
  "the north gate is open|two boxes of paper|see the list below|written by hand|checked on monday|draft, not final|" +
  "keep this one|three copies were made|return before noon|paid in full|the key hangs inside|ask at the desk|" +
  "first floor, room nine|no answer yet|to be signed|read and filed|last change by night|colour not decided|" +
  "half a dozen left|sent back once|valid until march|spare parts on order|water level normal|lights are off"
).split("|");

/** Between `low` and `high` different lines. */
export function proseLines(rng: Rng, low: number, high: number): string[] {
  return rng.sample(lines, rng.int(low, high));
}
