// Keeps the archetypes that an eval asks about out of training data: a model must not have seen what it is tested on.

import { DataError } from "../base/errors.ts";
import { readTrajectories } from "./read-records.ts";
import type { TrajectoryRecord } from "./trajectory.ts";

/** How many rows the error names before it only counts. */
const NAMED = 10;

/** Reads the rows once and refuses those of an archetype in `holdout` that would be trained on.
 *  @throws DataError naming file, line and id of each (the first ten). */
export async function refuseHeldOut(options: {
  readonly data: string;
  readonly all: boolean;
  readonly holdout?: readonly string[];
}): Promise<void> {
  const { holdout = [] } = options;
  if (holdout.length === 0) return;
  const found: { record: TrajectoryRecord; archetype: string }[] = [];
  for await (const record of readTrajectories(options.data)) {
    const archetype = record.keep || options.all ? heldOutArchetype(record, holdout) : undefined;
    if (archetype !== undefined) found.push({ record, archetype });
  }
  const [first] = found;
  if (first === undefined) return;
  const named = found.slice(0, NAMED).map(({ record: { place, id }, archetype }) => {
    const at = place.line === undefined ? place.file : `${place.file}:${place.line}`;
    return `${at} ${id} (${archetype})`;
  });
  const more = found.length > NAMED ? ` and ${found.length - NAMED} more` : "";
  throw new DataError(
    first.record.place,
    `expected no row of the held-out archetypes ${holdout.join(", ")}, found ${found.length}: ${named.join("; ")}${more}`,
    { hint: "take these rows out of the training data, or hold other archetypes out" },
  );
}

/** The archetype of `holdout` that a row is of: by its own word, or by the id of its scenario or of itself, which begins with
 *  the archetype's name (`text_replace-003.s1`), however that is spelt. */
export function heldOutArchetype(
  record: Pick<TrajectoryRecord, "id" | "archetype" | "scenarioId">,
  holdout: readonly string[],
): string | undefined {
  const said = [record.archetype, record.scenarioId, record.id].flatMap((name) =>
    name === undefined ? [] : [plain(name)],
  );
  return holdout.find((name) => {
    const held = plain(name);
    const inside = new RegExp(`(^|-)${held}(-\\d|$)`);
    return held !== "" && said.some((word) => word.startsWith(`${held}-`) || inside.test(word));
  });
}

/** `Text Replace_003` and `text-replace-003` are one name. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}
