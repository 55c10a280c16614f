// The files of a folder that hold a benchmark's problems, as data sets of the Hub lie on a disk: configurations are folders, splits
// are files called after them.

import { readdirSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { UserError } from "../../base/errors.ts";

const data = /\.(parquet|(jsonl|ndjson)(\.gz)?|json)$/;
/** What the Hub's tools write about a data set; no rows. */
const about = /^(dataset_infos?|state)\.json$/;
const split = /^(train|validation|valid|dev|test|prompt)(?=[-_.]|$)/;
/** The configurations that `load_dataset` takes when none is named. */
const usual = ["default", "full"];

/** The files of `folder` to read, sorted by path. Where all are of splits, and `test` is one of them, those of `test`: what published
 *  figures are over. Of several configurations the one called `default` or `full`, if there is such a one.
 *  @throws UserError when there are none */
export function problemFiles(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    // The Hub's cache is made of links.
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => data.test(file) && !about.test(basename(file)))
    .filter((file) => !relative(folder, file).split(sep).some(isHidden))
    .sort();
  if (files.length === 0)
    throw new UserError(
      `--problems ${folder}: expected a folder of problems (.parquet, .jsonl, .jsonl.gz or .json), got none of these`,
    );
  const splits = files.map((file) => splitOf(relative(folder, file)));
  const wanted =
    splits.includes("test") && !splits.includes(undefined)
      ? files.filter((_, i) => splits[i] === "test")
      : files;
  for (const name of usual) {
    const own = wanted.filter((file) => relative(folder, dirname(file)).split(sep).includes(name));
    if (own.length > 0) return own;
  }
  return wanted;
}

const isHidden = (name: string): boolean => name.startsWith(".");

/** Of `test-00000-of-00001.parquet`, `test.jsonl` or `test/rows.jsonl`: `test`. */
function splitOf(path: string): string | undefined {
  const names = path.split(sep);
  const folder = names.slice(0, -1).find((name) => split.exec(name)?.[0] === name);
  return split.exec(names.at(-1)!)?.[1] ?? folder;
}
